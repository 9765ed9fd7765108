/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/over.c -- overflows that could step over a guard [S1]
 *
 *     over CASE LIMIT
 *
 * Recursions through pointers, which no compiler sees through, with frames larger than
 * the guard of a small stack, on a stack of LIMIT bytes (0: main's) whose neighbours are
 * in use.  Each has to end as an overflow that names the limit.
 *
 * (external has a handler of its own that tells.)
 *
 * Cases    frames    100,000 bytes each
 *          huge      a frame larger than the slot
 *          vla       of a size that only the run knows, used at its far end
 *          vla-idle  the same, not used at all
 *          alloca    pieces in a loop
 *          large     one alloca of more than any stack
 *          value     a large struct by value, there and back
 *          objects   allocations that the compiler keeps in the frame
 *          sort      through a library's frames
 *          external  through frames of other code, which are not probed: the first access
 *                    below the stack is to its guard, not to what lies beyond that
 */
#include <alloca.h>
#include <signal.h>
#include <unistd.h>

#include "../check.h"
#include "plain.h"

typedef struct step step;
struct step {
  long (*next)(step *s, long depth);
};

__attribute__((noinline)) static long frames(step *s, long depth) {
  volatile char frame[100000];
  frame[depth % 100000] = 1;
  return s->next(s, depth + 1) + frame[depth % 100000];
}

__attribute__((noinline)) static long huge(step *s, long depth) {
  volatile char a[120000], b[120000], c[120000];
  a[depth % 1000] = b[depth % 1000] = c[depth % 1000] = 1;
  return s->next(s, depth + 1) + a[depth % 1000] + b[depth % 1000] + c[depth % 1000];
}

__attribute__((noinline)) static long vla(step *s, long depth) {
  size_t n = 300000 + (size_t)depth;
  volatile char frame[n];
  frame[0] = 1;
  return s->next(s, depth + 1) + frame[0];
}

static volatile long never;
__attribute__((noinline)) static long vla_idle(step *s, long depth) {
  size_t n = 50000 + (size_t)depth;
  volatile char frame[n];
  if (never) frame[never] = 1;
  return s->next(s, depth + 1) + (never ? frame[never] : 1);
}

static long pieces(step *s, long depth) {
  (void)s;
  for (;;) {
    volatile char *p = alloca((size_t)(9000 + depth % 30000));
    if (depth % 16 == 0) p[0] = 1;
    depth++;
  }
}

static long large(step *s, long depth) {
  volatile char *p = alloca((size_t)(1 + depth % 5) << 31);
  p[0] = 1;
  return s->next(s, depth + 1) + p[0];
}

typedef struct big {
  char bytes[90000];
} big;
typedef struct passing {
  big (*next)(const struct passing *p, big x);
} passing;
static volatile long at;
__attribute__((noinline)) static big pass(const passing *p, big x) {
  x.bytes[at]++;
  big y = p->next(p, x);
  y.bytes[at]++;
  return y;
}
static long value(step *s, long depth) {
  (void)s;
  static big x;
  passing p = {pass};
  return pass(&p, x).bytes[depth];
}

__attribute__((noinline)) static long objects(step *s, long depth) {
  char *a = mw_make(char, 60000);
  a[depth % 60000] = 1;
  return s->next(s, depth + 1) + a[(depth + never) % 60000];
}

static int compare(const void *a, const void *b) {
  char kept[3000];
  memset(kept, 1, sizeof kept);
  qsort(kept, 2, 1, compare);
  return *(const char *)a - *(const char *)b + kept[never] - 1;
}
static long sort(step *s, long depth) {
  char two[2] = {(char)depth, 1};
  (void)s;
  qsort(two, 2, 1, compare);
  return two[0];
}

static uintptr_t below; /* the guard */
static void fault(int sig, siginfo_t *info, void *context) {
  (void)context;
  (void)sig;
  bool reached = (uintptr_t)info->si_addr >= below;
  const char *text = reached ? "in the guard\n" : "went on, beyond the guard\n";
  plain_write(1, text, strlen(text));
  _exit(reached ? 2 : 1);
}
static long back(void *s, long depth) {
  return ((step *)s)->next(s, depth);
}
static size_t limit;
static long external(step *s, long depth) {
  if (depth == 1) {
    struct sigaction sa = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    below = ((uintptr_t)__builtin_frame_address(0) | 4095) + 1 - limit -
            limit / 3; /* a quarter of the slot */
    CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
  }
  return plain_frame(back, s, depth + 1) + 1;
}

static const struct {
  const char *name;
  long (*run)(step *s, long depth);
} cases[] = {{"frames", frames}, {"huge", huge},        {"vla", vla},     {"vla-idle", vla_idle},
             {"alloca", pieces}, {"large", large},      {"value", value}, {"objects", objects},
             {"sort", sort},     {"external", external}};
static long (*chosen)(step *s, long depth);

static void overflows(void *unused) {
  (void)unused;
  step s = {chosen};
  printf("went on: %ld\n", s.next(&s, 1));
}

static mw_chan *gate;
static void waits(void *unused) {
  (void)unused;
  mw_chan_recv(gate, NULL);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (strcmp(argv[1], cases[i].name) == 0) chosen = cases[i].run;
  CHECK(chosen != NULL);
  gate = mw_chan_make(char, 0);
  limit = strtoul(argv[2], NULL, 10);
  for (int i = 0; i < 40 && limit; i++) mw_go_stack(waits, NULL, limit);
  mw_yield();
  if (!limit) overflows(NULL);
  mw_go_stack(overflows, NULL, limit);
  for (int i = 0; i < 40; i++) mw_go_stack(waits, NULL, limit);
  for (;;) mw_yield();
}
