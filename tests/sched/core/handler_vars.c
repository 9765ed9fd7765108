/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/handler_vars.c -- variables of signal handlers whose address escapes
 *
 *     handler_vars CASE
 *
 *   kinds    of all sizes and alignments, of functions called by a handler, in loops; each is a
 *            variable of its own, zero where C says so, and unchanged as long as the handler runs
 *   nested   a handler interrupts a handler; theirs do not touch. A third leaves both by a jump
 *   jumps    handlers with much memory that are left by siglongjmp, out of computing and out of
 *            waits: it is given back
 *   storm    signals at any time to every thread, beside code that allocates and collects
 *   kept     what only such a variable refers to is kept while the handler runs: out of
 *            a wait, out of computing, out of libc, on the signal stack, on an idle thread
 *   frame    the same of what only the handler's frame refers to
 *   spins    collections begin and end while a handler computes, over a wait of either kind
 *            and on an idle thread
 *   child    the same handlers in a forked child, and in one that a handler has forked
 *   strange  on a thread that has not met the runtime
 *   tells    with clobberfree, what has outlived its handler is overwritten
 *   objects  what mw_new makes would have to live on: fatal
 *
 * kinds, nested, jumps and child are plain C, and are also built without mallow.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "../../plain_c.h"

/* Nobody knows what these do, so what is passed to them escapes. */
static void nothing(void *p) {
  (void)p;
}
static void *same(void *p) {
  return p;
}
static void (*volatile touch)(void *) = nothing;
static void *(*volatile pass)(void *) = same;

static volatile sig_atomic_t handled;

static void handle(int sig, void (*fn)(int), int flags) {
  struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};
  CHECK(sigaction(sig, &sa, NULL) == 0);
}

/* SIGALRM, once. */
static void limit(int us) {
  struct itimerval t = {.it_value.tv_usec = us};
  CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}

/* ---- What there is ------------------------------------------------------------ */

struct pair {
  char *name;
  long n;
};

static bool filled(const unsigned char *p, size_t n, int with) {
  for (size_t i = 0; i < n; i++)
    if (p[i] != (unsigned char)with) return false;
  return true;
}

#define BUFFER(name, bytes)                                                                        \
  static __attribute__((noinline)) void name(int with, int depth) {                                \
    unsigned char b[bytes];                                                                        \
    touch(b);                                                                                      \
    memset(b, with, sizeof b);                                                                     \
    if (depth) name(with + 1, depth - 1);                                                          \
    CHECK(filled(pass(b), sizeof b, with));                                                        \
  }
BUFFER(buffer_1, 1)
BUFFER(buffer_40, 40)
BUFFER(buffer_100, 100)
BUFFER(buffer_5000, 5000)
BUFFER(buffer_50000, 50000)
BUFFER(buffer_200000, 200000)

static __attribute__((noinline)) void aligned(void) {
  alignas(64) char a[10];
  alignas(16) char b[24];
  alignas(4096) char c[100];
  touch(a), touch(b), touch(c);
  CHECK((uintptr_t)pass(a) % 64 == 0 && (uintptr_t)pass(b) % 16 == 0);
  CHECK((uintptr_t)pass(c) % 4096 == 0);
}

static __attribute__((noinline)) void zeroed(void) {
  struct pair p = {0}, q[20] = {{"q", 1}};
  long n = 0;
  touch(&p), touch(q), touch(&n);
  CHECK(!p.name && !p.n && !n && q[0].n == 1 && !q[1].name && !q[19].n);
  p.name = "p", p.n = 7, n = 8;
  memset(q, 0x55, sizeof q); /* for the next */
}

static __attribute__((noinline)) void turns(void) {
  enum { TURNS = 300 };
  long *at[TURNS];
  for (long i = 0; i < TURNS; i++) {
    long v = i;
    at[i] = pass(&v);
    touch(&v);
    CHECK(*at[i] == i);
  }
}

static void all_kinds(void) {
  for (int i = 0; i < 3; i++) {
    buffer_1(1, 5);
    buffer_40(2, 5);
    buffer_100(3, 5);
    buffer_5000(4, 3);
    buffer_50000(5, 2);
    aligned();
    zeroed();
    turns();
  }
  buffer_200000(6, 1);
  buffer_40(2, 5);
}

static void on_kinds(int sig) {
  int e = errno;
  struct pair mine = {.name = "mine", .n = sig};
  touch(&mine);
  all_kinds();
  CHECK(mine.n == sig && !strcmp(mine.name, "mine"));
  CHECK(errno == e);
  handled++;
}

static void kinds(void) {
  handle(SIGUSR1, on_kinds, 0);
  handle(SIGUSR2, on_kinds, SA_ONSTACK);
  for (int i = 0; i < 200; i++) raise(i % 2 ? SIGUSR2 : SIGUSR1);
  CHECK(handled == 200);
  handle(SIGALRM, on_kinds, 0);
  while (handled < 250) {
    limit(300); /* once: handlers without end would leave no time for main */
    usleep(2000);
  }
  while (handled < 300) {
    int before = handled;
    limit(200);
    do all_kinds();
    while (handled == before);
  }
}

/* ---- Several -------------------------------------------------------------------- */

static sigjmp_buf out;
static volatile bool jump;

static void inner(int sig) {
  unsigned char b[3000];
  memset(b, 0x22, sizeof b);
  touch(b);
  buffer_50000(9, 1);
  CHECK(filled(pass(b), sizeof b, 0x22));
  handled++;
  if (jump) siglongjmp(out, sig);
}

static void outer(int sig) {
  unsigned char a[2000], *more[30];
  memset(a, 0x11, sizeof a);
  touch(a);
  for (int i = 0; i < 30; i++) {
    unsigned char x[5000];
    memset(x, i, sizeof x);
    more[i] = pass(x);
    touch(x);
    CHECK(filled(x, sizeof x, i));
    if (i % 7 == 3) raise(SIGUSR2);
  }
  touch(more);
  buffer_200000(7, 0);
  raise(SIGUSR2);
  CHECK(filled(pass(a), sizeof a, 0x11));
  (void)sig;
  handled++;
}

static void nested(void) {
  handle(SIGUSR1, outer, 0);
  handle(SIGUSR2, inner, 0);
  for (int i = 0; i < 50; i++) {
    int before = handled;
    raise(SIGUSR1);
    CHECK(handled == before + 6);
  }
  jump = true;
  for (volatile int i = 0; i < 200; i++) {
    int came = sigsetjmp(out, 1);
    if (!came) raise(SIGUSR1);
    CHECK(came == SIGUSR2);
    if (i % 50 == 0) all_kinds();
  }
  jump = false;
  raise(SIGUSR1);
}

/* Not how many mappings: the kernel makes one of neighbours. */
static long mapped_mb(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  CHECK(f && fscanf(f, "%ld", &pages) == 1);
  fclose(f);
  return pages / ((1 << 20) / sysconf(_SC_PAGESIZE));
}

static __attribute__((noinline)) void leave(int sig, int depth) {
  unsigned char b[400000];
  touch(b);
  memset(b, depth, sizeof b);
  if (depth) leave(sig, depth - 1);
  siglongjmp(out, sig);
}
static void leaves(int sig) {
  leave(sig, 2);
}

static void jump_often(int n) {
  int fd[2];
  char c;
  CHECK(pipe(fd) == 0);
  for (volatile int i = 0; i < n; i++) {
    if (!sigsetjmp(out, i % 2)) raise(SIGUSR1);
    if (!sigsetjmp(out, 1)) {
      limit(500);
      if (i % 3 == 0) CHECK(read(fd[0], &c, 1) != 1);
      if (i % 3 == 1) usleep(1000000);
      for (;;) all_kinds();
    }
  }
  close(fd[0]), close(fd[1]);
}

static void jumps(void) {
  handle(SIGUSR1, leaves, SA_NODEFER);
  handle(SIGALRM, leaves, 0);
  jump_often(20);
  for (int round = 0;; round++) { /* threads of the runtime's have theirs, and come at any time */
    long before = mapped_mb();
    jump_often(280);
    if (mapped_mb() < before + 100) break; /* three times that, if none is given back */
    CHECK(round < 5);
  }
}

static void in_child(void) {
  handled = 0;
  raise(SIGUSR1);
  CHECK(handled == 1);
  for (int i = 0; i < 20; i++) raise(SIGUSR1);
  pid_t self = getpid();
  for (int before = handled; handled < before + 1;) {
    kill(self, SIGUSR1);
    usleep(1000);
  }
  _exit(7);
}
static void forks(int sig) {
  unsigned char b[30000];
  memset(b, sig, sizeof b);
  touch(b);
  pid_t pid = fork();
  if (!pid) {
    all_kinds();
    CHECK(filled(pass(b), sizeof b, sig));
    _exit(7);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
  CHECK(filled(pass(b), sizeof b, sig));
  handled++;
}

static void child(void) {
  handle(SIGUSR1, on_kinds, 0);
  handle(SIGUSR2, forks, 0);
  for (int i = 0; i < 10; i++) {
    pid_t pid = fork();
    if (!pid) in_child();
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    int before = handled;
    raise(SIGUSR2);
    CHECK(handled == before + 1);
  }
}

#ifdef WITH_MALLOW
#include "beside.h"
#include "plain.h"

/* ---- Beside collections --------------------------------------------------------- */

static node *given[64]; /* a handler takes one out, and puts it back */
static _Atomic int intact_ones;

struct holder {
  node *first;
  struct holder *up;
};

static node *take(int i) {
  node *n = given[i];
  given[i] = NULL;
  return n;
}

static void wait_a_little(long ns) {
  struct timespec ts = {.tv_nsec = ns};
  nanosleep(&ts, NULL);
}

static __attribute__((noinline)) void hold(int i, struct holder *up, long ns) {
  struct holder h = {take(i), up};
  touch(&h);            /* a variable that moved holds it, and nothing else */
  if (!h.first) return; /* another handler has it */
  if (i % 4 == 0) {
    struct holder all[20] = {{0}};
    touch(all);
    for (int k = 0; k < 20; k++) all[k] = h;
    h.first = NULL;
    wait_a_little(ns);
    h = all[11];
  }
  wait_a_little(ns);
  for (const struct holder *p = &h; p; p = p->up) {
    CHECK(intact(p->first, 50));
    intact_ones++;
  }
  given[i] = h.first;
}

static _Atomic unsigned turn;
static void on_storm(int sig) {
  (void)sig;
  hold((int)(turn++ % 64), NULL, 1000);
  if (turn % 16 == 0) all_kinds();
}

static void fill(void) {
  for (int i = 0; i < 64; i++) given[i] = list(50);
}

static void storm(void) {
  fill();
  handle(SIGALRM, on_storm, SA_RESTART);
  begin(churns);
  begin(churns);
  begin(collects);
  for (int i = 0; i < 3000; i++) {
    if (i % 2 == 0) limit(1 + i % 300);
    CHECK(intact(list(300), 300));
    if (i % 64 == 1) mw_yield(); /* up to two time slices of those that churn, as is a sleep */
    if (i % 64 == 33) usleep(100);
  }
  while (intact_ones <= 10) {
    limit(100);
    usleep(1000);
  }
  finish();
  for (int i = 0; i < 64; i++) {
    node *n;
    while (!(n = *(node *volatile *)&given[i])) usleep(100); /* a handler has it yet */
    CHECK(intact(n, 50));
  }
}

/* Collections while the handler waits: some have begun and ended since it took its list. */
static void on_kept(int sig) {
  (void)sig;
  struct holder top = {take(1), NULL};
  touch(&top);
  if (!top.first) return; /* another thread's handler has it */
  hold(2, &top, 3000000);
  hold(4, &top, 3000000);
  CHECK(intact(top.first, 50));
  given[1] = top.first;
  handled++;
}

static atomic_flag in_frame = ATOMIC_FLAG_INIT;
static void on_frame(int sig) {
  (void)sig;
  if (atomic_flag_test_and_set(&in_frame)) return; /* another thread's handler has both */
  node *n = take(1), *m = take(2);
  __asm__ volatile("" : "+r"(n), "+r"(m));
  wait_a_little(5000000);
  CHECK(intact(n, 50) && intact(m, 50));
  given[1] = n;
  given[2] = m;
  handled++;
  atomic_flag_clear(&in_frame);
}

static void *pesters(void *arg) {
  (void)arg;
  for (;;) {
    usleep(3000);
    kill(getpid(), SIGUSR1);
  }
  return NULL;
}

static void kept(void (*handler)(int)) {
  fill();
  for (int onstack = 0; onstack < 2; onstack++) {
    handle(SIGUSR1, handler, onstack ? SA_ONSTACK : 0);
    if (!onstack) {
      pthread_t t;
      over = false;
      begin(collects);
      begin(churns);
      CHECK(pthread_create(&t, NULL, pesters, NULL) == 0);
    }
    for (int i = 0, before = handled; handled < before + 30; i++) {
      int64_t end = mw_nanotime() + 2000000;
      switch (i % 5) {
      case 0:
        mw_thread_lock(); /* in the kernel, on this thread */
        usleep(5000);
        mw_thread_unlock();
        break;
      case 3:
        mw_thread_lock(); /* parked, on this thread */
        mw_sleep(5000000);
        mw_thread_unlock();
        break;
      case 1:
        while (mw_nanotime() < end) CHECK(intact(list(10), 10));
        break;
      case 2:
        mw_sleep(5000000); /* the thread is idle, or runs others */
        break;
      default:
        plain_block_ms(3);
      }
    }
  }
  handle(SIGUSR1, SIG_IGN, 0);
  usleep(20000);
  finish();
}

/* Two collections, in the handler: only where it has interrupted a wait can they be there. */
static _Atomic int collected, spun;
static void on_spins(int sig) {
  (void)sig;
  int first = collected;
  int64_t end = mw_nanotime() + 1000000000;
  while (collected < first + 2 && mw_nanotime() < end) continue;
  if (collected >= first + 2) spun++;
  handled++;
}
/* Never idle: the handler may be on the thread that keeps the timers. */
static void counts(void *counting) {
  mw_thread_lock();
  *(_Atomic bool *)counting = true;
  while (!over) {
    mw_gc();
    collected++;
    mw_yield();
  }
  mw_waitgroup_done(&done);
}

/* The signal is a timer's of the kernel, which comes to the main thread. */
static void spins(void) {
  _Atomic bool counting = false;
  handle(SIGALRM, on_spins, 0);
  mw_thread_lock(); /* so it is on another thread, and stays there */
  mw_waitgroup_add(&done, 1);
  mw_go(counts, (void *)&counting);
  while (!counting) mw_yield();
  mw_thread_unlock();
  for (int how = 0; how < 3; how++)
    for (spun = 0; spun < 2;) {
      if (how < 2) mw_thread_lock();
      limit(20000);
      if (how == 0)
        usleep(50000); /* in the kernel */
      else
        mw_sleep(50000000); /* parked: there, or its thread is idle, mostly */
      if (how < 2) mw_thread_unlock();
    }
  over = true;
  finish();
}

/* ---- Threads of others ------------------------------------------------------------ */

static void strange(void) {
  static _Atomic int until;
  pthread_t t;
  begin(collects);
  handle(SIGUSR1, on_kinds, 0);
  CHECK(pthread_create(&t, NULL, plain_thread, &until) == 0);
  for (int i = 0; i < 50; i++) {
    int before = handled;
    CHECK(pthread_kill(t, SIGUSR1) == 0);
    while (handled == before) usleep(100);
  }
  until = 1;
  CHECK(pthread_join(t, NULL) == 0);
  finish();
}

static long *outlived;
static void on_tells(int sig) {
  long v = sig;
  outlived = pass(&v);
  touch(&v);
}
static void tells(void) {
  handle(SIGUSR1, on_tells, 0);
  raise(SIGUSR1);
  CHECK(*(unsigned *)outlived == 0xdeadbeef);
}

static void on_objects(int sig) {
  (void)sig;
  struct five {
    void *p[5];
  } *n = mw_new(struct five);
  touch(n);
}
static void objects(void) {
  handle(SIGUSR1, on_objects, 0);
  raise(SIGUSR1);
}
#endif

int main(int argc, char **argv) {
  const char *which = argc > 1 ? argv[1] : "all";
  bool all = !strcmp(which, "all");
  if (all || !strcmp(which, "kinds")) kinds();
  if (all || !strcmp(which, "nested")) nested();
  if (all || !strcmp(which, "jumps")) jumps();
  if (all || !strcmp(which, "child")) child();
#ifdef WITH_MALLOW
  if (!strcmp(which, "storm")) storm();
  if (!strcmp(which, "kept")) kept(on_kept);
  if (!strcmp(which, "frame")) kept(on_frame);
  if (!strcmp(which, "spins")) spins();
  if (!strcmp(which, "strange")) strange();
  if (!strcmp(which, "tells")) tells();
  if (!strcmp(which, "objects")) objects();
#endif
  puts("ok");
  return 0;
}
