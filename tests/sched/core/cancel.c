/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/cancel.c -- pthread_cancel of threads of the program's that wait
 *
 * Plain C, that clang alone compiles as well and that has to pass there.  Compiled code's waits
 * are the runtime's system calls, and cancellation points as libc's are: the clean-up runs as
 * compiled code does, the thread ends, and what it held of the runtime (a processor, its
 * record) is there for others.  Nothing else of the runtime's is a cancellation point, be it that
 * it calls libc's: neither the first call, which may come after the cancellation, nor a profile.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define CHECK_STEP which
#include "../../plain_c.h"

static long which;
static int s[2], locked;
static sem_t sem, begun;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int cleaned, whole = 1;
static int null_fd;

typedef struct node {
  struct node *next;
  long value;
} node;
static node *volatile list;
static volatile pid_t waiter; /* the thread that has posted `begun` last */

/* Until that thread sleeps in the kernel. */
static void until_it_waits(void) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)waiter);
  for (;;) {
    FILE *f = fopen(path, "r");
    CHECK(f && fgets(line, sizeof line, f));
    fclose(f);
    const char *state = strrchr(line, ')');
    CHECK(state && state[1]);
    if (state[2] == 'S') return;
    sched_yield();
  }
}

/* Compiled code, with barriers and allocations. */
static void clean(void *arg) {
  for (long i = 0; i < 1000; i++) {
#ifdef WITH_MALLOW
    node *n = mw_new(node);
#else
    node *n = calloc(1, sizeof *n);
#endif
    n->next = i % 100 ? list : NULL;
    n->value = i;
    list = n;
  }
  cleaned += *(int *)arg;
}
static void unlock(void *arg) {
  pthread_mutex_unlock(arg);
}

/* Files are read and written, and the world is stopped. */
static void profiles(void) {
  for (;;) {
#ifdef WITH_MALLOW
    whole = 0;
    mw_print_goroutines(null_fd);
    CHECK(mw_pprof_write("goroutine", null_fd, 2) == 0);
    CHECK(mw_pprof_write("heap", null_fd, 0) == 0);
    CHECK(mw_heap_dump(null_fd) == 0);
    mw_gc();
    whole = 1;
#endif
    pthread_testcancel();
  }
}

/* The last two are no cancellation points, but a handler over them may be in one. */
enum { CASES = 15, RAW, LOCK };
static int forever;
static pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_ever(void) {
  char c;
  struct pollfd p = {s[0], POLLIN, 0};
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  struct timespec hour = {3600, 0};
  fd_set r;
  FD_ZERO(&r);
  FD_SET(s[0], &r);
  switch (which) {
  case 0:
    (void)!read(s[0], &c, 1);
    break;
  case 1:
    recv(s[0], &c, 1, 0);
    break;
  case 2:
    recvmsg(s[0], &m, 0);
    break;
  case 3:
    poll(&p, 1, -1);
    break;
  case 4:
    select(s[0] + 1, &r, NULL, NULL, NULL);
    break;
  case 5:
    sleep(3600);
    break;
  case 6:
    nanosleep(&hour, NULL);
    break;
  case 7:
    sem_wait(&sem);
    break;
  case 8:
    pause();
    break;
  case 9:
    waitpid(-1, NULL, 0);
    break;
  case 10:
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    for (;;) pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(0);
    break;
  case 11:
    lockf(locked, F_LOCK, 0);
    break;
  case 12:
    (void)!system("exec sleep 3600");
    break;
  case 13:
    profiles();
    break;
  case RAW:
    syscall(SYS_futex, &forever, FUTEX_WAIT, 0, NULL);
    break;
  case LOCK:
    pthread_mutex_lock(&never);
    break;
  default:
    for (;;) pthread_testcancel();
  }
}

static void *thread(void *met) {
  int one = 1;
#ifdef WITH_MALLOW
  if (met) list = mw_new(node); /* else it may not have met the runtime */
#endif
  pthread_cleanup_push(clean, &one);
  waiter = gettid();
  sem_post(&begun);
  wait_for_ever();
  pthread_cleanup_pop(0);
  return met;
}

#ifdef WITH_MALLOW
/* ---- What is lent --------------------------------------------------------------- */

/* On a goroutine's stack.  Who waits for it keeps the stack from being folded, until it is
 * cancelled. */
static struct things {
  sem_t sem;
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  char text[5000]; /* worth folding with the frames of a runtime that is not optimised, too */
} *things;
static FILE *stream;
static int way;

static void host(void *go_on) {
  struct things here = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  sem_init(&here.sem, 0, 0);
  for (size_t i = 0; i < sizeof here.text; i++) here.text[i] = (char)(i * i >> 3); /* no zeros */
  things = &here;
  int none;
  mw_chan_recv((mw_chan *)go_on, &none);
  for (size_t i = 0; i < sizeof here.text; i++) CHECK(here.text[i] == (char)(i * i >> 3));
}

static void *borrows(void *met) {
  int one = 1;
  if (met) list = mw_new(node);
  pthread_cleanup_push(clean, &one);
  sem_post(&begun);
  switch (way) {
  case 0:
    sem_wait(&things->sem);
    break;
  case 1:
    pthread_mutex_lock(&things->mutex);
    pthread_cleanup_push(unlock, &things->mutex);
    for (;;) pthread_cond_wait(&things->cond, &things->mutex);
    pthread_cleanup_pop(0);
    break;
  case 2:
    (void)!read(s[0], things->text, sizeof things->text);
    break;
  default:
    (void)!fread(things->text, 1, sizeof things->text, stream);
    break;
  }
  pthread_cleanup_pop(0);
  return NULL;
}

/* Its stack, and not only others'. */
static bool folded(void) {
  mw_mem_stats stats;
  mw_read_mem_stats(&stats);
  return stats.stack_folded > sizeof *things / 2;
}

static void lent(void) {
  int p[2];
  CHECK(pipe(p) == 0 && (stream = fdopen(p[0], "r")) != NULL);
  mw_chan *go_on = mw_chan_make(int, 0);
  mw_go(host, go_on);
  while (!folded()) mw_gc(); /* while it waits through whole cycles */
  which = 100;
  for (int turn = 0; turn < 16; turn++) {
    way = turn % 4;
    pthread_t t;
    CHECK(pthread_create(&t, NULL, borrows, turn % 8 < 4 ? &t : NULL) == 0);
    while (sem_wait(&begun) != 0) CHECK(errno == EINTR);
    usleep(3000); /* let it wait, mostly */
    CHECK(pthread_cancel(t) == 0 && pthread_join(t, NULL) == 0);
    while (!folded()) mw_gc(); /* for ever, if it is lent for ever */
  }
  mw_chan_close(go_on);
}
#endif

/* In a handler, which has interrupted the wait: both are left. */
static void waits_too(int sig) {
  (void)sig;
  sem_post(&begun);
  for (;;) pause();
}

static void in_handlers(int expected) {
  static const int calls[] = {0, 3, 5, 6, 7, 8, 10, RAW, LOCK};
  struct sigaction sa = {.sa_handler = waits_too};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  for (size_t i = 0; i < 3 * sizeof calls / sizeof *calls; i++) {
    which = calls[i / 3];
    pthread_t t;
    void *result = NULL;
    CHECK(pthread_create(&t, NULL, thread, &t) == 0);
    while (sem_wait(&begun) != 0) CHECK(errno == EINTR);
    until_it_waits();
    CHECK(pthread_kill(t, SIGUSR1) == 0);
    while (sem_wait(&begun) != 0) CHECK(errno == EINTR);
    if (i % 3) usleep(1000);
    CHECK(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && cleaned == ++expected);
#ifdef WITH_MALLOW
    mw_gc();
#endif
    CHECK(list->value == 999);
  }
}

/* Cancelled at any time, it is in posix_spawn, and its child opens one pipe after the other. */
static char pipes[2][64];
static void *spawns(void *met) {
  int one = 1, type;
  pid_t pid;
  char *argv[] = {"true", NULL};
  posix_spawn_file_actions_t actions;
#ifdef WITH_MALLOW
  if (met) list = mw_new(node);
#endif
  CHECK(posix_spawn_file_actions_init(&actions) == 0);
  for (int i = 0; i < 2; i++)
    CHECK(posix_spawn_file_actions_addopen(&actions, 100 + i, pipes[i], O_RDONLY, 0) == 0);
  pthread_cleanup_push(clean, &one);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  posix_spawnp(&pid, "true", &actions, NULL, argv, environ);
  pthread_cleanup_pop(0);
  return met;
}
static void spawning(void) {
  char dir[] = "/tmp/mallow-cancel-XXXXXX";
  CHECK(mkdtemp(dir));
  for (int i = 0; i < 2; i++) {
    snprintf(pipes[i], sizeof pipes[i], "%s/%d", dir, i);
    CHECK(mkfifo(pipes[i], 0600) == 0);
  }
  for (int turn = 0; turn < 10; turn++) {
    pthread_t t;
    void *result = NULL;
    cleaned = 0;
    CHECK(pthread_create(&t, NULL, spawns, turn % 2 ? &t : NULL) == 0);
    int there = open(pipes[0], O_WRONLY); /* once the child has come so far */
    CHECK(pthread_cancel(t) == 0);
    int go_on = open(pipes[1], O_WRONLY);
    CHECK(there >= 0 && go_on >= 0 && pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && cleaned == 1 && list->value == 999);
    close(there), close(go_on);
    CHECK(wait(NULL) > 0);
#ifdef WITH_MALLOW
    mw_gc();
#endif
  }
  CHECK(unlink(pipes[0]) == 0 && unlink(pipes[1]) == 0 && rmdir(dir) == 0);
}

/* It may be cancelled at any instruction; the polls of its loop are the runtime's. */
static volatile int computing, turns;
static void count(void *arg) {
  cleaned += *(int *)arg;
}
static void *computes(void *allocates) {
  int one = 1, type;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  pthread_cleanup_push(allocates ? clean : count, &one);
  for (computing = 1;;) turns++;
  pthread_cleanup_pop(0);
  return NULL;
}
static void computed(void) {
#ifdef WITH_MALLOW
  int procs = mw_set_max_procs(1); /* while main runs, the thread waits for a processor */
#endif
  for (int turn = 0; turn < 20; turn++) {
    pthread_t t;
    void *result = NULL;
    computing = cleaned = 0;
    CHECK(pthread_create(&t, NULL, computes, turn % 2 ? &t : NULL) == 0);
    while (!computing) continue;
    for (int seen = turns, i = 0; i < turn * 1000000 && turns == seen; i++) continue;
    CHECK(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && cleaned == 1 && list->value == 999);
#ifdef WITH_MALLOW
    mw_gc();
#endif
  }
#ifdef WITH_MALLOW
  mw_set_max_procs(procs);
#endif
}

int main(void) {
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  CHECK(sem_init(&sem, 0, 0) == 0 && sem_init(&begun, 0, 0) == 0);
  char name[] = "/tmp/mallow-cancel-XXXXXX", c;
  locked = mkstemp(name);
  CHECK(locked >= 0 && unlink(name) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where a check has failed, too */
    if (lockf(locked, F_LOCK, 0) != 0 || write(s[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  CHECK(read(s[0], &c, 1) == 1); /* it has the lock */
  CHECK((null_fd = open("/dev/null", O_WRONLY)) >= 0);
  int expected = 0;
  CHECK(pthread_mutex_lock(&never) == 0);
  for (int turn = 0; turn < 10; turn++)
    for (which = 0; which < CASES; which++) {
      pthread_t t;
      void *result = NULL;
      CHECK(pthread_create(&t, NULL, thread, turn % 2 ? &t : NULL) == 0);
      if (turn < 6) /* else it is cancelled before it has begun, mostly */
        while (sem_wait(&begun) != 0) CHECK(errno == EINTR);
      if (turn > 1 && turn < 6) usleep(2000); /* let it wait, mostly */
      CHECK(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0);
      CHECK(result == PTHREAD_CANCELED && cleaned == ++expected && whole);
      if (turn >= 6) CHECK(sem_trywait(&begun) == 0);
#ifdef WITH_MALLOW
      mw_gc();
#endif
      CHECK(list->value == 999);
    }
  in_handlers(expected);
  CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
  spawning();
  computed();
#ifdef WITH_MALLOW
  lent();
#endif
  puts("ok");
}
