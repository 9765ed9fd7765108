/* SPDX-License-Identifier: MIT */
/* tests/stress/mixture/process.c -- processes, signals, threads, profiles */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mixture.h"

extern char **environ;

/* ---- Processes -------------------------------------------------------------- */

static int status_of(pid_t pid) {
  int status = -1;
  CHECK(pid > 0);
  while (waitpid(pid, &status, 0) < 0) CHECK_EQ(errno, EINTR);
  if (!WIFEXITED(status)) fprintf(stderr, "child: signal %d\n", WTERMSIG(status));
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void executes(rng *r) {
  int code = (int)rng_below(r, 100);
  char command[32];
  snprintf(command, sizeof command, "exit %d", code);
  char *argv[] = {"sh", "-c", command, NULL};
  pid_t pid;
  switch (rng_below(r, 3)) {
  case 0:
    pid = fork();
    if (pid == 0) {
      execv("/bin/sh", argv);
      _exit(127);
    }
    CHECK_EQ(status_of(pid), code);
    break;
  case 1:
    CHECK_EQ(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
    CHECK_EQ(status_of(pid), code);
    break;
  default: {
    FILE *f = popen("echo word", "r");
    char line[20];
    CHECK(f != NULL);
    CHECK(fgets(line, sizeof line, f) != NULL && strcmp(line, "word\n") == 0);
    CHECK_EQ(pclose(f), 0);
    break;
  }
  }
}

typedef struct errand {
  mw_chan *ch;
  uint64_t n;
} errand;
static void runs_errand(void *arg) {
  errand *e = arg;
  for (uint64_t i = 0; i < e->n; i++) {
    node *nodes = make_nodes(i, 2);
    mw_chan_send(e->ch, nodes);
  }
  mw_chan_close(e->ch);
}

/* The child goes on: goroutines, channels, collections, timers. */
static int lives_on(uint64_t n) {
  node *kept = make_nodes(n, 20);
  errand *e = mw_new(errand);
  *e = (errand){mw_chan_make(node *, n % 3), n};
  mw_go(runs_errand, e);
  node *got;
  uint64_t i = 0;
  for (; mw_chan_recv(e->ch, &got); i++) {
    check_nodes(got, i, 2);
    if (i == n / 2) mw_gc();
    if (i == n / 3) mw_sleep(50000);
  }
  check_nodes(kept, n, 20);
  return (int)(i % 100);
}

static void forks(rng *r) {
  uint64_t n = 5 + rng_below(r, 50);
  node *kept = make_nodes(n, 10);
  pid_t pid = fork();
  if (pid == 0) _exit(lives_on(n));
  CHECK_EQ(status_of(pid), n % 100);
  check_nodes(kept, n, 10);
}

/* ---- Signals ---------------------------------------------------------------- */

static _Atomic uint64_t alarms;
static void on_alarm(int sig) {
  (void)sig;
  for (int i = 0; i < 50; i++) alarms++;
  alarms -= 49;
}

static void handlers(rng *r) {
  struct sigaction sa = {.sa_handler = on_alarm,
                         .sa_flags = SA_RESTART | (rng_below(r, 2) ? SA_ONSTACK : 0)};
  CHECK_EQ(sigaction(SIGVTALRM, &sa, NULL), 0);
  uint64_t before = alarms;
  struct itimerval t = {.it_interval.tv_usec = 500 + rng_below(r, 3000), .it_value.tv_usec = 500};
  CHECK_EQ(setitimer(ITIMER_VIRTUAL, &t, NULL), 0); /* of CPU time */
  while (alarms < before + 5 && !mixture_over()) {
    node *nodes = make_nodes(before, 20);
    mw_yield();
    check_nodes(nodes, before, 20);
  }
  t = (struct itimerval){0};
  CHECK_EQ(setitimer(ITIMER_VIRTUAL, &t, NULL), 0);
}

static void notifies(rng *r) {
  mw_chan *ch = mw_chan_make(int, 10);
  int sig = rng_below(r, 2) ? SIGUSR1 : SIGUSR2, got = 0;
  mw_signal_notify(ch, sig);
  for (unsigned i = 0, n = 1 + rng_below(r, 5); i < n; i++) {
    CHECK_EQ(kill(getpid(), sig), 0);
    CHECK(mw_chan_recv(ch, &got));
    CHECK_EQ(got, sig);
  }
  mw_signal_stop(ch);
}

static char *no_access;
static _Atomic(sigjmp_buf *) way_out;
static void on_fault(int sig) {
  siglongjmp(*way_out, sig);
}
__attribute__((noinline)) static int faults(volatile char *p) {
  sigjmp_buf here;
  if (sigsetjmp(here, 1)) return 1;
  way_out = &here;
  *p = 1;
  return 0;
}
static void faulting(rng *r) {
  if (!no_access) {
    no_access = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(no_access != MAP_FAILED);
  }
  struct sigaction sa = {.sa_handler = on_fault, .sa_flags = rng_below(r, 2) ? SA_ONSTACK : 0};
  CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
  for (int i = 0; i < 10; i++) {
    node *kept = make_nodes(7, 5);
    CHECK_EQ(faults(rng_below(r, 2) ? no_access + 100 : NULL), 1);
    mw_sleep(20000);
    check_nodes(kept, 7, 5);
  }
}

/* ---- Threads of the program's -------------------------------------------------- */

typedef struct crew {
  mw_chan *in, *out;
} crew;
static void echoes(void *arg) {
  crew *c = arg;
  node *n;
  if (mw_chan_recv(c->in, &n)) mw_chan_send(c->out, n);
}
static void *foreign(void *arg) {
  crew *c = arg;
  for (uint64_t i = 1; i <= 5; i++) {
    node *nodes = make_nodes(i, 4), *back;
    mw_go(echoes, c);
    mw_chan_send(c->in, nodes);
    CHECK(mw_chan_recv(c->out, &back));
    CHECK(back != NULL && back->check == ~back->id);
    check_nodes(back, back->id, 4);
    plain_spin((unsigned)(i * 20));
  }
  return NULL;
}

static void threads(rng *r) {
  enum { N = 3 };
  crew *c = mw_new(crew);
  c->in = mw_chan_make(node *, 0);
  c->out = mw_chan_make(node *, 0);
  pthread_t t[N], plain;
  unsigned n = 1 + rng_below(r, N);
  for (unsigned i = 0; i < n; i++) CHECK_EQ(pthread_create(&t[i], NULL, foreign, c), 0);
  CHECK_EQ(pthread_create(&plain, NULL, plain_thread, NULL), 0);
  for (unsigned i = 0; i < n; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
  CHECK_EQ(pthread_join(plain, NULL), 0);
  mw_keep_alive(c);
}

/* ---- Profiles ------------------------------------------------------------------- */

static void check_gzip(int fd) {
  unsigned char head[2] = {0};
  CHECK(lseek(fd, 0, SEEK_END) > 20);
  CHECK_EQ(pread(fd, head, 2, 0), 2);
  CHECK(head[0] == 0x1f && head[1] == 0x8b);
}

static void profiles(rng *r) {
  static const char *const kinds[] = {"heap",         "allocs", "goroutine",
                                      "threadcreate", "block",  "mutex"};
  mw_set_block_profile_rate(rng_below(r, 2) ? 10000 : 0);
  mw_set_mutex_profile_fraction(rng_below(r, 2) ? 5 : 0);
  mw_set_mem_profile_rate(rng_below(r, 2) ? 4096 : 512 * 1024);
  int cpu = memfd_create("cpu", MFD_CLOEXEC), fd = memfd_create("profile", MFD_CLOEXEC);
  CHECK(cpu >= 0 && fd >= 0);
  CHECK_EQ(mw_pprof_start_cpu(cpu), 0);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(mw_pprof_write(kinds[i], fd, 0), 0);
    check_gzip(fd);
    mw_sleep((int64_t)rng_below(r, 20) * 1000000);
  }
  mw_print_goroutines(fd);
  if (rng_below(r, 10) == 0) CHECK_EQ(mw_heap_dump(fd), 0);
  CHECK_EQ(mw_pprof_stop_cpu(), 0);
  check_gzip(cpu);
  CHECK_EQ(close(cpu), 0);
  CHECK_EQ(close(fd), 0);
  mw_mem_stats *s = mw_new(mw_mem_stats);
  mw_read_mem_stats(s);
  CHECK_EQ(s->heap_idle + s->heap_inuse, s->heap_sys);
  CHECK_EQ(s->mallocs - s->frees, s->heap_objects);
}

const part process_parts[] = {{"exec", executes, 1},     {"fork", forks, 1},
                              {"handlers", handlers, 1}, {"notify", notifies, 1},
                              {"faults", faulting, 1},   {"threads", threads, 1},
                              {"profiles", profiles, 1}, {NULL, NULL, 0}};
