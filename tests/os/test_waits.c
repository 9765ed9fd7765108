/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_waits.c -- every row of os/waits.h is what the kernel does, and goes on [OW1]
 *
 * A thread waits in each call of the table, by the call's number as libc's functions have it,
 * and is sent signals whose handler has SA_RESTART and looks at what they interrupted:
 *
 *     the syscall instruction is next        the kernel restarts it
 *     it is behind, and rax is -EINTR        the call ends
 *
 * The row says which of the two, with a time limit (an hour) and without; calls that end are then
 * made to go on by os/restart.h, and the next signal finds them in the kernel again.  Calls that
 * wait and are not in the table have to be restarted by the kernel.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "os/restart.h"
#include "os/waits.h"

enum { TURNS = 4 }; /* signals that find the call waiting, each time */

/* ---- The calls, each with its number before the instruction ---------------------- */

#define STUB(name, nr)                                                                             \
  static long call_##name(const long *a) {                                                         \
    long result;                                                                                   \
    register long d __asm__("rdi") = a[0];                                                         \
    register long s __asm__("rsi") = a[1];                                                         \
    register long x __asm__("rdx") = a[2];                                                         \
    register long r10 __asm__("r10") = a[3];                                                       \
    register long r8 __asm__("r8") = a[4];                                                         \
    register long r9 __asm__("r9") = a[5];                                                         \
    __asm__ volatile("movl %[number], %%eax\n\tsyscall"                                            \
                     : "=&a"(result), "+r"(d), "+r"(s), "+r"(x), "+r"(r10), "+r"(r8), "+r"(r9)     \
                     : [number] "i"(nr)                                                            \
                     : "rcx", "r11", "memory");                                                    \
    return result;                                                                                 \
  }
#define ROW_STUB(id, nr, ...) STUB(id, nr)
MWI_OS_WAITS(ROW_STUB, ROW_STUB)

typedef long call_fn(const long *arg);
static call_fn *const row_calls[MWI_OS_NWAITS] = {
#define ROW_CALL(id, ...) call_##id,
    MWI_OS_WAITS(ROW_CALL, ROW_CALL)};
static const char *const row_names[MWI_OS_NWAITS] = {
#define ROW_NAME(id, ...) #id,
    MWI_OS_WAITS(ROW_NAME, ROW_NAME)};

/* ---- What a signal finds ---------------------------------------------------------- */

static _Atomic int restarted, ended, went_on;
static _Atomic bool inside, over;
static struct mwi_os_since since;

static void on_signal(int sig, siginfo_t *info, void *uc_) {
  (void)sig, (void)info;
  int saved = errno;
  ucontext_t *uc = uc_;
  greg_t *r = uc->uc_mcontext.gregs;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (!inside) goto out;
  if (over) {
    mwi_os_cut_call(uc);
  } else if (pc[0] == 0x0f && pc[1] == 0x05) {
    restarted++;
  } else if (pc[-2] == 0x0f && pc[-1] == 0x05 && r[REG_RAX] == -EINTR) {
    mwi_os_restart_call(uc, -1, &since);
    if (r[REG_RIP] == (greg_t)(uintptr_t)(pc - 2)) went_on++;
    ended++;
  }
out:
  errno = saved;
}

struct job {
  call_fn *call;
  long arg[6];
  long result;
  _Atomic bool done;
};

static void *run(void *job_) {
  struct job *job = job_;
  since = (struct mwi_os_since){0};
  inside = true;
  job->result = job->call(job->arg);
  inside = false;
  job->done = true;
  return NULL;
}

static void nap(void) {
  struct timespec t = {0, 1000000};
  nanosleep(&t, NULL);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Send signals until `turns` have met the call.  What it then returned: -EINTR from on_signal, or
 * what it says by itself. */
static long watch(call_fn *call, const long *arg, int turns) {
  struct job job = {.call = call};
  memcpy(job.arg, arg, sizeof job.arg);
  restarted = ended = went_on = 0;
  over = false;
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, run, &job), 0);
  while (!inside && !job.done) nap();
  while (!job.done && restarted + ended < turns) {
    nap();
    pthread_kill(t, SIGURG);
  }
  over = true;
  while (!job.done) {
    pthread_kill(t, SIGURG);
    nap();
  }
  pthread_join(t, NULL);
  return job.result;
}

/* ---- Things to wait for -------------------------------------------------------------- */

static char buffer[1 << 16];
static struct iovec vector = {buffer, sizeof buffer};
static struct msghdr message;
static struct mmsghdr messages;
static long limit_ms = 3600000; /* of calls that have one */
static struct timespec limit, left;
static struct timeval limit_tv;
static sigset_t no_signals, unlikely;
static struct epoll_event event;
static struct {
  long type;
  char text[64];
} sysv = {.type = 1};
static struct sembuf take = {.sem_op = -1};
static uint32_t word;

static int empty[2], full[2]; /* pairs of sockets: [0] waits */
static int pipe_empty[2], pipe_full[2];
static int listener, busy_listener, idle_epoll, file, sem, queue_empty, queue_full;
static struct sockaddr_un busy_name;
static aio_context_t aio;
static int ring = -1;

static void fill(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (write(fd, buffer, sizeof buffer) > 0) {
  }
  while (write(fd, buffer, 1) > 0) {
  }
  fcntl(fd, F_SETFL, 0);
}

static int listen_at(struct sockaddr_un *name, int backlog) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  static int n;
  *name = (struct sockaddr_un){.sun_family = AF_UNIX};
  snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "mallow-waits-%d-%d", getpid(), n++);
  assert_int_equal(bind(fd, (struct sockaddr *)name, sizeof *name), 0);
  assert_int_equal(listen(fd, backlog), 0);
  return fd;
}

static int set_up(void **state) {
  (void)state;
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigfillset(&sa.sa_mask);
  assert_int_equal(sigaction(SIGURG, &sa, NULL), 0);
  sigaddset(&unlikely, SIGRTMAX);
  message = (struct msghdr){.msg_iov = &vector, .msg_iovlen = 1};
  messages.msg_hdr = message;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, empty), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, full), 0);
  assert_true(pipe(pipe_empty) == 0 && pipe(pipe_full) == 0);
  fill(full[0]);
  fill(pipe_full[1]);
  struct sockaddr_un name;
  listener = listen_at(&name, 1);
  busy_listener = listen_at(&busy_name, 0);
  int first = socket(AF_UNIX, SOCK_STREAM, 0); /* of its backlog */
  assert_int_equal(connect(first, (struct sockaddr *)&busy_name, sizeof busy_name), 0);
  idle_epoll = epoll_create1(0);
  file = memfd_create("waits", 0);
  assert_true(idle_epoll >= 0 && file >= 0 && write(file, buffer, 4096) == 4096);
  sem = semget(IPC_PRIVATE, 1, 0600);
  queue_empty = msgget(IPC_PRIVATE, 0600);
  queue_full = msgget(IPC_PRIVATE, 0600);
  assert_true(sem >= 0 && queue_empty >= 0 && queue_full >= 0);
  while (msgsnd(queue_full, &sysv, sizeof sysv.text, IPC_NOWAIT) == 0) {
  }
  syscall(SYS_io_setup, 1, &aio);
  struct io_uring_params params = {0};
  ring = (int)syscall(SYS_io_uring_setup, 1, &params); /* may be forbidden: skipped */
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  semctl(sem, 0, IPC_RMID);
  msgctl(queue_empty, IPC_RMID, NULL);
  msgctl(queue_full, IPC_RMID, NULL);
  return 0;
}

static struct timeval socket_limit(bool timed) {
  struct timeval t = {limit_ms / 1000, limit_ms % 1000 * 1000};
  return timed ? t : (struct timeval){0};
}

static void limit_sockets(bool timed) {
  struct timeval t = socket_limit(timed);
  setsockopt(empty[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  setsockopt(full[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* A socket that connects, for each attempt. */
static int connecting(bool timed) {
  static int fd = -1;
  if (fd >= 0) close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct timeval t = socket_limit(timed);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
  return fd;
}

/* From now on. */
static void add_limit(void) {
  limit.tv_sec += limit_ms / 1000;
  limit.tv_nsec += limit_ms % 1000 * 1000000;
  if (limit.tv_nsec < 1000000000) return;
  limit.tv_nsec -= 1000000000;
  limit.tv_sec++;
}

#define ARGS(...)                                                                                  \
  do {                                                                                             \
    const long given[6] = {__VA_ARGS__};                                                           \
    memcpy(arg, given, sizeof given);                                                              \
  } while (0)
#define P(x) (long)(x)

/* False: it has no such variant, or is not to be had here. */
static bool prepare(int id, bool timed, long *arg) {
  static struct io_uring_getevents_arg ring_arg;
  limit = left = (struct timespec){limit_ms / 1000, limit_ms % 1000 * 1000000};
  limit_tv = (struct timeval){limit_ms / 1000, limit_ms % 1000 * 1000};
  long t = timed ? P(&limit) : 0;
  limit_sockets(timed);
  switch ((enum mwi_os_wait_id)id) {
  case MWI_OS_WAIT_PAUSE:
    return !timed;
  case MWI_OS_WAIT_SIGSUSPEND:
    ARGS(P(&no_signals), 8);
    return !timed;
  case MWI_OS_WAIT_SIGTIMEDWAIT:
    ARGS(P(&unlikely), 0, t, 8);
    return true;
  case MWI_OS_WAIT_POLL:
    ARGS(0, 0, timed ? limit_ms : -1);
    return true;
  case MWI_OS_WAIT_PPOLL:
    ARGS(0, 0, t, 0, 8);
    return true;
  case MWI_OS_WAIT_SELECT:
    ARGS(0, 0, 0, 0, timed ? P(&limit_tv) : 0);
    return true;
  case MWI_OS_WAIT_PSELECT:
    ARGS(0, 0, 0, 0, t);
    return true;
  case MWI_OS_WAIT_EPOLL_WAIT:
  case MWI_OS_WAIT_EPOLL_PWAIT:
    ARGS(idle_epoll, P(&event), 1, timed ? limit_ms : -1, 0, 8);
    return true;
  case MWI_OS_WAIT_EPOLL_PWAIT2:
    ARGS(idle_epoll, P(&event), 1, t, 0, 8);
    return syscall(SYS_epoll_pwait2, -1, NULL, 0, NULL, NULL, 8) == 0 || errno != ENOSYS;
  case MWI_OS_WAIT_NANOSLEEP:
    ARGS(P(&limit), timed ? P(&left) : 0); /* the two ways of it */
    return true;
  case MWI_OS_WAIT_SEMOP:
    ARGS(sem, P(&take), 1);
    return !timed;
  case MWI_OS_WAIT_SEMTIMEDOP:
    ARGS(sem, P(&take), 1, t);
    return true;
  case MWI_OS_WAIT_MSGSND:
    ARGS(queue_full, P(&sysv), sizeof sysv.text);
    return !timed;
  case MWI_OS_WAIT_MSGRCV:
    ARGS(queue_empty, P(&sysv), sizeof sysv.text);
    return !timed;
  case MWI_OS_WAIT_IO_GETEVENTS:
  case MWI_OS_WAIT_IO_PGETEVENTS:
    ARGS((long)aio, 1, 1, P(buffer), t);
    return aio != 0;
  case MWI_OS_WAIT_READ:
    ARGS(empty[0], P(buffer), sizeof buffer);
    return true;
  case MWI_OS_WAIT_READV:
    ARGS(empty[0], P(&vector), 1);
    return true;
  case MWI_OS_WAIT_PREADV2:
    ARGS(empty[0], P(&vector), 1, -1, -1);
    return true;
  case MWI_OS_WAIT_RECVFROM:
    ARGS(empty[0], P(buffer), sizeof buffer);
    return true;
  case MWI_OS_WAIT_RECVMSG:
    ARGS(empty[0], P(&message));
    return true;
  case MWI_OS_WAIT_RECVMMSG:
    ARGS(empty[0], P(&messages), 1);
    return true;
  case MWI_OS_WAIT_ACCEPT:
  case MWI_OS_WAIT_ACCEPT4:
    ARGS(listener);
    return true;
  case MWI_OS_WAIT_WRITE:
  case MWI_OS_WAIT_SENDTO:
    ARGS(full[0], P(buffer), sizeof buffer);
    return true;
  case MWI_OS_WAIT_WRITEV:
    ARGS(full[0], P(&vector), 1);
    return true;
  case MWI_OS_WAIT_PWRITEV2:
    ARGS(full[0], P(&vector), 1, -1, -1);
    return true;
  case MWI_OS_WAIT_SENDMSG:
    ARGS(full[0], P(&message));
    return true;
  case MWI_OS_WAIT_SENDMMSG:
    ARGS(full[0], P(&messages), 1);
    return true;
  case MWI_OS_WAIT_CONNECT:
    ARGS(connecting(timed), P(&busy_name), sizeof busy_name);
    return true;
  case MWI_OS_WAIT_SENDFILE:
    lseek(file, 0, SEEK_SET);
    ARGS(full[0], file, 0, 4096);
    return true;
  case MWI_OS_WAIT_SPLICE:
    ARGS(empty[0], 0, pipe_empty[1], 0, 4096);
    return true;
  case MWI_OS_WAIT_FUTEX_WAIT_FOR:
    ARGS(P(&word), FUTEX_WAIT, 0, t);
    return true;
  case MWI_OS_WAIT_FUTEX_WAIT_UNTIL:
    clock_gettime(CLOCK_MONOTONIC, &limit);
    add_limit();
    ARGS(P(&word), FUTEX_WAIT_BITSET, 0, t, 0, FUTEX_BITSET_MATCH_ANY);
    return true;
  case MWI_OS_WAIT_CLOCK_NANOSLEEP_FOR:
    ARGS(CLOCK_MONOTONIC, 0, P(&limit), timed ? P(&left) : 0);
    return true;
  case MWI_OS_WAIT_CLOCK_NANOSLEEP_UNTIL:
    clock_gettime(CLOCK_MONOTONIC, &limit);
    add_limit();
    ARGS(CLOCK_MONOTONIC, TIMER_ABSTIME, P(&limit));
    return timed;
  case MWI_OS_WAIT_IO_URING_ENTER:
    ARGS(ring, 0, 1, IORING_ENTER_GETEVENTS, 0, 8);
    return ring >= 0 && !timed;
  case MWI_OS_WAIT_IO_URING_ENTER_FOR:
    ring_arg.ts = (uint64_t)t;
    ARGS(ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, P(&ring_arg), sizeof ring_arg);
    return ring >= 0;
  case MWI_OS_NWAITS:
    break;
  }
  fail_msg("%s: the test does not know how to wait in it", row_names[id]);
  return false;
}

/* ---- Tests ------------------------------------------------------------------------ */

static void rows_are_what_the_kernel_does(void **state) {
  (void)state;
  for (int id = 0; id < MWI_OS_NWAITS; id++) {
    const struct mwi_os_wait *w = &mwi_os_waits[id];
    int tried = 0;
    for (int timed = 0; timed < 2; timed++) {
      long arg[6] = {0};
      if (!prepare(id, timed, arg)) continue;
      assert_ptr_equal(mwi_os_wait_of(w->number, arg), w);
      long r = watch(row_calls[id], arg, TURNS);
      bool ends = w->restarts == MWI_OS_NEVER || timed;
      if (r != -EINTR || (ends ? ended == 0 || went_on != ended : ended != 0))
        fail_msg("%s%s: %d restarted, %d ended, %d of them went on; returned %ld", row_names[id],
                 timed ? " with a time limit" : "", restarted, ended, went_on, r);
      tried++;
    }
    if (!tried) print_message("%s: not to be had here\n", row_names[id]);
  }
}

static void time_limits_are_kept(void **state) {
  (void)state;
  limit_ms = 30;
  for (int id = 0; id < MWI_OS_NWAITS; id++) {
    long arg[6] = {0};
    int64_t begin = now_ns();
    if (!prepare(id, true, arg)) continue;
    long r = watch(row_calls[id], arg, INT_MAX);
    int64_t ns = now_ns() - begin;
    /* a socket's limit is a number of the kernel's ticks */
    if (r > 0 || ns < 20 * INT64_C(1000000))
      fail_msg("%s: returned %ld after %.1f ms", row_names[id], r, (double)ns / 1e6);
  }
  limit_ms = 3600000;
}

/* The other socket of a splice. */
static void splice_to_a_socket(void **state) {
  (void)state;
  limit_sockets(true);
  const long arg[6] = {pipe_full[0], 0, full[0], 0, 4096, 0};
  assert_int_equal(watch(call_SPLICE, arg, TURNS), -EINTR);
  assert_true(ended > 0 && went_on == ended);
}

STUB(wait4, SYS_wait4)
STUB(flock, SYS_flock)
STUB(fcntl, SYS_fcntl)
STUB(read_, SYS_read)
STUB(write_, SYS_write)
STUB(openat, SYS_openat)
STUB(tee, SYS_tee)
STUB(vmsplice, SYS_vmsplice)
STUB(waitid, SYS_waitid)

static void others_are_restarted(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  char path[] = "/tmp/mallow-waits-XXXXXX", fifo[64];
  int locked = mkstemp(path), again = open(path, O_RDWR);
  assert_true(child > 0 && locked >= 0 && again >= 0 && flock(locked, LOCK_EX) == 0);
  struct flock lock = {.l_type = F_WRLCK}, want = lock;
  assert_int_equal(fcntl(locked, F_OFD_SETLK, &lock), 0);
  snprintf(fifo, sizeof fifo, "%s.fifo", path);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  siginfo_t info;
  const struct {
    const char *name;
    call_fn *call;
    long arg[6];
  } calls[] = {
      {"wait4", call_wait4, {child, 0, 0, 0}},
      {"waitid", call_waitid, {P_PID, child, P(&info), WEXITED, 0}},
      {"flock", call_flock, {again, LOCK_EX}},
      {"F_OFD_SETLKW", call_fcntl, {again, F_OFD_SETLKW, P(&want)}},
      {"read of a pipe", call_read_, {pipe_empty[0], P(buffer), 1}},
      {"write to a pipe", call_write_, {pipe_full[1], P(buffer), 4096}},
      {"open of a FIFO", call_openat, {AT_FDCWD, P(fifo), O_RDONLY}},
      {"tee", call_tee, {pipe_empty[0], pipe_full[1], 10, 0}},
      {"vmsplice", call_vmsplice, {pipe_full[1], P(&vector), 1, 0}},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    long r = watch(calls[i].call, calls[i].arg, TURNS);
    if (r != -EINTR || ended != 0 || restarted < TURNS)
      fail_msg("%s: %d restarted, %d ended; returned %ld", calls[i].name, restarted, ended, r);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  unlink(path);
  unlink(fifo);
}

/* The number of each is in one list only. */
static void one_row_for_each_number(void **state) {
  (void)state;
  for (int i = 0; i < MWI_OS_NWAITS; i++)
    for (int j = 0; j < i; j++)
      if (mwi_os_waits[i].number == mwi_os_waits[j].number)
        assert_true(j >= MWI_OS_WAIT_FUTEX_WAIT_FOR);
  const long wake[6] = {P(&word), FUTEX_WAKE, 1};
  assert_null(mwi_os_wait_of(SYS_futex, wake));
  assert_null(mwi_os_wait_of(SYS_getpid, wake));
  assert_null(mwi_os_wait_of(-1, wake));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_what_the_kernel_does),
      cmocka_unit_test(time_limits_are_kept),
      cmocka_unit_test(splice_to_a_socket),
      cmocka_unit_test(others_are_restarted),
      cmocka_unit_test(one_row_for_each_number),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
