/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/computing.c -- siglongjmp out of a handler that interrupts computing
 *
 *     computing KIND [JUMPS]
 *
 * Plain C of one thread, that clang alone compiles as well and that has to pass there; some kinds
 * are mallow's only.  An alarm goes off every millisecond, and its handler jumps out of a
 * loop that makes variables whose address escapes, stores pointers, sorts: with mallow it
 * often interrupts the runtime there (gc/jumps.h).  Behind the handler's decision to jump the
 * loop must not get to its next step, and what the loop works on, a list that each step takes
 * apart and joins, must stay whole, as must the collector.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <sys/syscall.h>

#define CHECK_STEP step
#include "../../plain_c.h"

static long step; /* of the loop */

static sigjmp_buf out, out2;
static volatile sig_atomic_t armed, armed2, gone, jumps, jumps2, most = 200;

/* ---- What the loops do --------------------------------------------------- */

struct node {
  struct node *next, *other;
  long value;
};
enum { NODES = 64 };
static struct node *ring; /* libc's heap is used before the first alarm only: it may not be left */
static struct node *volatile escaped;
static char *volatile escaped_bytes;

#ifdef WITH_MALLOW
#define MAKE(type, n) mw_make(type, n)
enum { SORTED = NODES * 4 };
#else
#define MAKE(type, n) ((type *)calloc(n, sizeof(type)))
enum { SORTED = NODES }; /* more would make libc's qsort allocate */
#endif

/* Keeps the collector marking for a while. */
static struct node *ballast;
static void make_ballast(void) {
  for (int i = 0; i < 50000; i++) {
    struct node *n = MAKE(struct node, 1);
    n->next = ballast;
    ballast = n;
  }
}

static void make_ring(void) {
  for (long i = 0; i < NODES; i++) {
    struct node *n = MAKE(struct node, 1);
    n->value = i;
    n->next = ring ? ring->next : n;
    if (ring) ring->next = n;
    ring = n;
    n->other = n;
  }
}

static void check_ring(void) {
  long sum = 0, n = 0;
  struct node *p = ring;
  do {
    CHECK(p && p->value >= 0 && p->value < NODES && p->other);
    CHECK(p->other->value >= 0 && p->other->value < NODES);
    sum += p->value;
    n++;
    p = p->next;
  } while (p != ring && n <= NODES);
  CHECK(n == NODES && sum == NODES * (NODES - 1) / 2);
}

/* Plain C to its author: an automatic variable whose address gets out of the function. */
__attribute__((noinline)) static long small_variable(long i) {
  struct node x = {.next = ring, .value = i};
  escaped = &x;
  return escaped->value;
}
__attribute__((noinline)) static long tiny_variable(long i) {
  char c = (char)i;
  escaped_bytes = &c;
  return *escaped_bytes;
}
__attribute__((noinline)) static long large_variable(long i) {
  char x[80000];
  x[5] = (char)i;
  escaped_bytes = x;
  return escaped_bytes[5];
}
static void moved(void) {
  CHECK(small_variable(step) == step);
}
static void moved_tiny(void) {
  CHECK(tiny_variable(step) == (char)step);
}
static void moved_large(void) {
  CHECK(large_variable(step) == (char)step);
}

static struct node *spare; /* reaches what only a torn step could lose */
static void stores(void) {
  struct node *p = ring;
  for (int i = 0; i < 40; i++) {
    p->other = p->next->other;
    spare = p->other;
    p->next->other = p;
    p = p->next;
  }
  if (step % 64 == 0) moved(); /* or nothing is ever collected */
}

struct block {
  struct node *n[300];
};
static struct block *blocks[2];
static void copies(void) {
  blocks[0]->n[step % 300] = ring;
  memcpy(blocks[1], blocks[0], sizeof(struct block));
  if (step % 32 == 0) memset(blocks[0], 0, sizeof(struct block));
  *blocks[0] = *blocks[1];
  for (int i = 0; i < 300; i++) CHECK(!blocks[1]->n[i] || blocks[1]->n[i]->value < NODES);
  moved();
}

static int by_value(const void *a, const void *b) {
  const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
  return x->value < y->value ? -1 : x->value > y->value;
}
/* What is left of a sort that is torn is not said: some node in each place. */
static struct node **sorted;
static void sorts(void) {
  struct node *p = ring;
  for (int i = 0; i < SORTED; i++) {
    CHECK(!sorted[i] || (sorted[i]->value >= 0 && sorted[i]->value < NODES));
    sorted[i] = p;
    for (int k = 0; k < 5; k++) p = p->next;
  }
  qsort(sorted, SORTED, sizeof *sorted, by_value);
  for (int i = 0; i < SORTED; i++) CHECK(sorted[i]->value == i / (SORTED / NODES));
}

/* These are libc's own and safe in handlers, so they may be left. */
static void masks(void) {
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  if (step % 4 == 0) sigaddset(&set, SIGALRM);
  CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  struct sigaction sa = {.sa_handler = SIG_IGN};
  CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
  sa.sa_handler = SIG_DFL;
  CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
}

/* With -fgc-malloc; else libc's is not to be left. */
#ifdef GC_MALLOC
static void mallocs(void) {
  char *p[20];
  for (int i = 0; i < 20; i++) {
    size_t n = (size_t)(step + i * 37) % 900 + 1;
    p[i] = i % 3 ? malloc(n) : strdup("a string of some length");
    CHECK(p[i]);
    if (i % 3 == 1) p[i] = realloc(p[i], n * 3);
    CHECK(p[i]);
    p[i][0] = (char)i;
  }
  for (int i = 0; i < 20; i++) {
    CHECK(p[i][0] == (char)i);
    free(p[i]);
  }
}
#endif

#ifdef WITH_MALLOW
static void *volatile litter;
static void makes(void) {
  litter = mw_make(char, 3);
  litter = mw_make(struct node, step % 40 + 1);
  litter = mw_alloc((size_t)(step % 1000) + 1);
  if (step % 8 == 0) litter = mw_make(struct node *, 9000);
  litter = mw_strdup("text");
}
#endif

/* ---- Jumps ---------------------------------------------------------------- */

static void on_alarm(int sig) {
  (void)sig;
  if (!armed) return;
  armed = 0;
  gone = 1;
  siglongjmp(out, 1);
}

/* Stores pointers first, where another alarm may come. */
static void on_prof(int sig) {
  (void)sig;
  struct node *p = ring;
  int was = gone; /* it may have interrupted the other handler */
  for (int i = 0; i < 200; i++) {
    CHECK(gone == was);
    p->other = p->next->other;
    p->next->other = p;
    p = p->next;
  }
  if (!armed2) return;
  armed2 = 0;
  gone = 1;
  siglongjmp(out2, 1);
}

static void loop(void (*body)(void)) {
  for (;; step++) {
    CHECK(!gone);
    body();
  }
}

static void arrived(void) {
  CHECK(gone == 1);
  gone = 0;
  sigset_t now;
  CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && !sigismember(&now, SIGALRM) &&
        !sigismember(&now, SIGPROF));
  check_ring();
}

static void catches(int sig, void (*handler)(int), int flags) {
  struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
  CHECK(sigaction(sig, &sa, NULL) == 0);
}

/* A change of masks waits for each thread of the runtime's. */
static int jumps_of(void (*body)(void)) {
  return body == masks ? most / 5 : most;
}

static void one_alarm(void (*body)(void)) {
  while (jumps < jumps_of(body)) {
    catches(SIGALRM, on_alarm, jumps % 2 ? SA_RESTART : SA_ONSTACK);
    if (sigsetjmp(out, 1) == 0) {
      armed = 1;
      loop(body);
    }
    jumps++;
    arrived();
  }
}

/* The second handler may interrupt the first; whichever jumps last has its way. */
static void two_alarms(void (*body)(void)) {
  catches(SIGALRM, on_alarm, SA_RESTART);
  catches(SIGPROF, on_prof, SA_RESTART);
  struct itimerval it = {{0, 700}, {0, 700}};
  setitimer(ITIMER_PROF, &it, NULL);
  while (jumps < jumps_of(body) || jumps2 < 5) {
    if (sigsetjmp(out2, 1) == 0) {
      if (sigsetjmp(out, 1) == 0) {
        gone = 0;
        armed = armed2 = 1;
        loop(body);
      }
      jumps++;
    } else {
      jumps2++;
    }
    armed = armed2 = 0;
    gone = 1;
    arrived();
  }
  memset(&it, 0, sizeof it);
  setitimer(ITIMER_PROF, &it, NULL);
}

static void every_ms(void) {
  catches(SIGALRM, on_alarm, SA_RESTART); /* before the first */
  struct itimerval it = {{0, 1000}, {0, 1000}};
  CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

/* To this thread, whatever others there are. */
static void every_ms_here(void) {
  catches(SIGALRM, on_alarm, SA_RESTART);
  timer_t timer;
  struct sigevent e = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
  e._sigev_un._tid = (int)syscall(SYS_gettid);
  CHECK(timer_create(CLOCK_MONOTONIC, &e, &timer) == 0);
  struct itimerspec it = {{0, 1000000}, {0, 1000000}};
  CHECK(timer_settime(timer, 0, &it, NULL) == 0);
}

static void *in_thread(void *body) {
  every_ms_here();
  one_alarm((void (*)(void))body);
  return NULL;
}

static const struct kind {
  const char *name;
  void (*body)(void);
} kinds[] = {
    {"moved", moved},     {"moved_tiny", moved_tiny}, {"moved_large", moved_large},
    {"stores", stores},   {"copies", copies},         {"sorts", sorts},
    {"masks", masks},
#ifdef GC_MALLOC
    {"mallocs", mallocs},
#endif
#ifdef WITH_MALLOW
    {"makes", makes},
#endif
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void run_on_thread(void (*body)(void)) {
  pthread_t t;
  jumps = 0;
  CHECK(pthread_create(&t, NULL, in_thread, (void *)body) == 0);
  CHECK(pthread_join(t, NULL) == 0);
}

#ifdef WITH_MALLOW
static _Atomic int stop;
static void beside(void *unused) {
  (void)unused;
  while (!stop) {
    struct node *chain = NULL;
    for (int i = 0; i < 100; i++) {
      struct node *n = mw_new(struct node);
      n->next = chain;
      chain = n;
    }
    mw_yield();
  }
}
#endif

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "all";
  if (argc > 2) most = atoi(argv[2]);
  make_ring();
  if (strcmp(name, "stores") == 0 || strcmp(name, "copies") == 0 || strcmp(name, "nested") == 0)
    make_ballast();
  blocks[0] = MAKE(struct block, 1);
  blocks[1] = MAKE(struct block, 1);
  sorted = MAKE(struct node *, SORTED);
  if (!strcmp(name, "threads")) {
    for (int i = 0; i < KINDS; i++) run_on_thread(kinds[i].body);
  } else if (!strcmp(name, "nested")) {
    every_ms();
    for (int i = 0; i < KINDS; i++) {
      jumps = jumps2 = 0;
      two_alarms(kinds[i].body);
    }
#ifdef WITH_MALLOW
  } else if (!strcmp(name, "beside")) {
    mw_thread_lock();
    mw_go(beside, NULL);
    every_ms_here();
    for (int i = 0; i < KINDS; i++) {
      jumps = 0;
      one_alarm(kinds[i].body);
    }
    stop = 1;
#endif
  } else {
    every_ms();
    int found = 0;
    for (int i = 0; i < KINDS; i++) {
      if (strcmp(name, "all") != 0 && strcmp(name, kinds[i].name) != 0) continue;
      found++;
      jumps = 0;
      one_alarm(kinds[i].body);
    }
    CHECK(found > 0);
  }
#ifdef WITH_MALLOW
  mw_gc(); /* none was left half begun */
  mw_gc();
#endif
  check_ring();
  puts("ok");
}
