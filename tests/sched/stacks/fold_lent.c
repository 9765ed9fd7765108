/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/fold_lent.c -- system calls on buffers of folded stacks [L4]
 *
 *     fold_lent CASE
 *
 * A goroutine is parked, and folded, with a buffer on its stack of which others know by an
 * integer.  They give it to the kernel.
 *
 * Cases    read      read, pread, readv, recv, recvfrom, recvmsg, recvmmsg: buffers, vectors,
 *                    names, control data and the structures themselves
 *          write     write, pwrite, writev, send, sendmsg
 *          vectors   other calls with vectors: preadv2, vmsplice, process_vm_readv, io_submit
 *          signals   actions, masks and the signal stack
 *          wait      poll, select, epoll_wait, accept, waitpid, nanosleep, sigtimedwait
 *          names     calls with names of files, and what they tell of them
 *          things    calls with descriptors and something to read or to fill
 *          process   clocks, limits, identity
 *          spawn     names, arguments and environments of new processes, and their numbers
 *          exec      what programs are given, by every function of exec's
 *          left      a handler jumps out of calls: the stack is folded again
 *          locks     libc's mutexes and condition variables there
 *          many      a vector over more stacks than a call keeps a list of
 *          blocked   the call waits in the kernel while collections fold
 *          thread    the same from a thread that has not met the runtime
 * Run with GODEBUG=foldstress=1 as well, and without guard markers.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../parked.h"
#include "../check.h"
#include "cell.h"

#define MAGIC 0x2f8ad05b71c4e639u
#define ROOM 1024

typedef struct owner {
  mw_chan *ch;
  _Atomic uintptr_t at; /* ROOM bytes: an integer to the compiler */
} owner;

static mw_waitgroup done;
static volatile int zero;

__attribute__((noinline)) static void hold(owner *o) {
  volatile uint64_t words[2 + ROOM / 8];
  int i = zero; /* with constant indices they would be many variables */
  words[i] = MAGIC;
  words[i + 1] = ~MAGIC;
  words[i + 2] = 0;
  uintptr_t sp;
  __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
  o->at = plain_find(sp, MAGIC) + 16;
  mw_chan_recv(o->ch, NULL);
  CHECK_EQ(words[i], MAGIC);
  CHECK_EQ(words[i + 1], ~MAGIC);
}
static void owns(void *arg) {
  hold(arg);
  mw_waitgroup_done(&done);
}
static owner *begin(void) {
  owner *o = mw_new(owner);
  o->ch = mw_chan_make(char, 0);
  mw_waitgroup_add(&done, 1);
  mw_go(owns, o);
  while (!o->at) mw_yield();
  until_parked(1, "[chan receive");
  return o;
}
static void end(owner *o) {
  mw_chan_send(o->ch, (char)1);
  mw_waitgroup_wait(&done);
}

/* The owner's bytes from `off` on; it is folded from here to the next access. */
static unsigned nfolded;
static void *in(owner *o, size_t off) {
  mw_gc();
  mw_gc();
  nfolded += stacks_folded() > 0;
  return (void *)(o->at + off);
}
static void expect(owner *o, size_t off, const char *text) {
  CHECK(memcmp((const void *)(o->at + off), text, strlen(text)) == 0);
}

static int file(const char *text) {
  int fd = memfd_create("file", MFD_CLOEXEC);
  CHECK(fd >= 0);
  CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

/* ---- read, write ----------------------------------------------------------- */

static void reads(void) {
  owner *o = begin();
  int p[2], s[2], d[2], f = file("0123456789");
  CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, d) == 0);

  CHECK_EQ(write(p[1], "pipe", 4), 4);
  CHECK_EQ(read(p[0], in(o, 0), 100), 4);
  expect(o, 0, "pipe");
  CHECK_EQ(read(f, in(o, 8), 3), 3);
  expect(o, 8, "012");
  CHECK_EQ(pread(f, in(o, 16), 3, 5), 3);
  expect(o, 16, "567");

  struct iovec v[2] = {{in(o, 24), 2}, {(char *)(o->at + 40), 4}};
  CHECK_EQ(write(p[1], "vector", 6), 6);
  CHECK_EQ(readv(p[0], v, 2), 6);
  expect(o, 24, "ve");
  expect(o, 40, "ctor");
  CHECK_EQ(lseek(f, 0, SEEK_SET), 0);
  (void)in(o, 0);
  CHECK_EQ(readv(f, v, 2), 6);
  expect(o, 40, "2345");
  (void)in(o, 0);
  CHECK_EQ(preadv(f, v, 2, 1), 6);
  expect(o, 40, "3456");

  CHECK_EQ(write(s[1], "stream", 6), 6);
  CHECK_EQ(recv(s[0], in(o, 48), 100, 0), 6);
  expect(o, 48, "stream");
  CHECK_EQ(write(s[1], "all", 3), 3);
  CHECK_EQ(recv(s[0], in(o, 56), 3, MSG_WAITALL), 3);
  expect(o, 56, "all");
  CHECK_EQ(write(s[1], "now", 3), 3);
  CHECK_EQ(recv(s[0], in(o, 64), 3, MSG_DONTWAIT), 3);
  expect(o, 64, "now");

  /* a datagram is lost when the kernel meets EFAULT */
  CHECK_EQ(send(d[1], "datagram", 8, 0), 8);
  struct sockaddr_un *from = in(o, 128);
  socklen_t *len = (socklen_t *)(o->at + 300);
  *len = sizeof *from;
  (void)in(o, 0);
  CHECK_EQ(recvfrom(d[0], (void *)(o->at + 72), 100, 0, (struct sockaddr *)from, len), 8);
  expect(o, 72, "datagram");

  /* everything there: the message, its vector, its data, its control data with a descriptor */
  struct msghdr *m = in(o, 512);
  struct iovec *w = (struct iovec *)(o->at + 600);
  char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
  *w = (struct iovec){(void *)(o->at + 640), 50};
  *m = (struct msghdr){.msg_iov = w,
                       .msg_iovlen = 1,
                       .msg_control = (void *)(o->at + 704),
                       .msg_controllen = sizeof control};
  struct iovec x = {(void *)(uintptr_t)"rights", 6};
  struct msghdr out = {
      .msg_iov = &x, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&out);
  *c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), &f, sizeof f);
  CHECK_EQ(sendmsg(d[1], &out, 0), 6);
  (void)in(o, 0);
  CHECK_EQ(recvmsg(d[0], m, 0), 6);
  expect(o, 640, "rights");
  int got;
  CHECK_EQ(m->msg_controllen, sizeof control);
  memcpy(&got, CMSG_DATA((struct cmsghdr *)(o->at + 704)), sizeof got);
  CHECK(fcntl(got, F_GETFD) >= 0 && close(got) == 0);

  struct mmsghdr mm[2] = {0};
  struct iovec y[2] = {{(void *)(o->at + 800), 10}, {(void *)(o->at + 820), 10}};
  for (int i = 0; i < 2; i++) mm[i].msg_hdr = (struct msghdr){.msg_iov = &y[i], .msg_iovlen = 1};
  CHECK(send(d[1], "first", 5, 0) == 5 && send(d[1], "second", 6, 0) == 6);
  (void)in(o, 0);
  CHECK_EQ(recvmmsg(d[0], mm, 2, 0, NULL), 2);
  expect(o, 800, "first");
  expect(o, 820, "second");
  end(o);
}

static void writes(void) {
  owner *o = begin();
  int p[2], s[2], f = file("");
  char got[20];
  CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  memcpy((void *)o->at, "written", 7);
  CHECK_EQ(write(p[1], in(o, 0), 7), 7);
  CHECK(read(p[0], got, 20) == 7 && memcmp(got, "written", 7) == 0);
  CHECK_EQ(write(f, in(o, 0), 7), 7);
  CHECK_EQ(pwrite(f, in(o, 2), 5, 7), 5);
  struct iovec v[2] = {{in(o, 0), 3}, {(char *)(o->at + 3), 4}};
  CHECK_EQ(writev(f, v, 2), 7);
  CHECK(pread(f, got, 20, 0) == 14 && memcmp(got, "writtenwritten", 14) == 0);
  (void)in(o, 0);
  CHECK_EQ(pwritev(f, v, 2, 0), 7);
  CHECK_EQ(send(s[1], in(o, 0), 7, 0), 7);
  struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
  (void)in(o, 0);
  CHECK_EQ(sendmsg(s[1], &m, 0), 7);
  CHECK(read(s[0], got, 20) == 14 && memcmp(got, "writtenwritten", 14) == 0);
  end(o);
}

static void vectors(void) {
  owner *o = begin();
  int p[2], f = file("0123456789");
  char here[16] = "", from[] = "others' memory";
  struct iovec *v = in(o, 0), mine = {here, 4}, *w = (struct iovec *)(o->at + 64);
  CHECK_EQ(pipe(p), 0);

  *v = (struct iovec){(void *)(o->at + 128), 4};
  (void)in(o, 0);
  CHECK_EQ(preadv2(f, v, 1, 2, 0), 4);
  expect(o, 128, "2345");
  memcpy((void *)(o->at + 128), "abcd", 4);
  (void)in(o, 0);
  CHECK_EQ(pwritev2(f, v, 1, 0, 0), 4);
  CHECK(pread(f, here, 4, 0) == 4 && memcmp(here, "abcd", 4) == 0);
  (void)in(o, 0);
  CHECK_EQ(vmsplice(p[1], v, 1, 0), 4);
  CHECK(read(p[0], here, 4) == 4 && memcmp(here, "abcd", 4) == 0);

  /* to another's stack, and from there: the vectors of both sides, and what they name */
  *w = (struct iovec){from, 4};
  (void)in(o, 0);
  CHECK_EQ(process_vm_readv(getpid(), v, 1, w, 1, 0), 4);
  expect(o, 128, "othe");
  *w = mine;
  (void)in(o, 0);
  CHECK_EQ(process_vm_readv(getpid(), w, 1, v, 1, 0), 4);
  CHECK(memcmp(here, "othe", 4) == 0);
  memcpy(here, "mine", 4);
  (void)in(o, 0);
  CHECK_EQ(process_vm_writev(getpid(), w, 1, v, 1, 0), 4);
  expect(o, 128, "mine");
  (void)in(o, 0);
  CHECK_EQ(syscall(SYS_process_vm_readv, getpid(), w, 1, v, 1, 0), 4);

  /* an array of requests, the requests, and what they name */
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 4, &context) == 0) {
    struct iocb **list = (struct iocb **)(o->at + 256), *one = (struct iocb *)(o->at + 320);
    list[0] = one;
    list[1] = one + 1;
    one[0] = (struct iocb){.aio_fildes = (unsigned)f,
                           .aio_lio_opcode = IOCB_CMD_PREAD,
                           .aio_buf = o->at + 128,
                           .aio_nbytes = 4,
                           .aio_offset = 5};
    one[1] = (struct iocb){.aio_fildes = (unsigned)f,
                           .aio_lio_opcode = IOCB_CMD_PREADV,
                           .aio_buf = (uintptr_t)w,
                           .aio_nbytes = 1,
                           .aio_offset = 6};
    *w = (struct iovec){(void *)(o->at + 160), 4};
    (void)in(o, 0);
    CHECK_EQ(syscall(SYS_io_submit, context, 2, list), 2);
    struct io_event *event = in(o, 512);
    CHECK_EQ(syscall(SYS_io_getevents, context, 2, 2, event, NULL), 2);
    CHECK(event[0].res == 4 && event[1].res == 4);
    expect(o, 128, "5678");
    expect(o, 160, "6789");
    CHECK_EQ(syscall(SYS_io_destroy, context), 0);
  }
  end(o);
}

/* ---- signals ------------------------------------------------------------------ */

static void signals(void) {
  owner *o = begin();
  struct sigaction *act = in(o, 0), *was = (struct sigaction *)(o->at + 256);
  memset(act, 0, sizeof *act);
  act->sa_handler = SIG_IGN;
  (void)in(o, 0);
  CHECK_EQ(sigaction(SIGUSR2, act, NULL), 0);
  (void)in(o, 0);
  CHECK(sigaction(SIGUSR2, NULL, was) == 0 && was->sa_handler == SIG_IGN);
  act->sa_handler = SIG_DFL;
  (void)in(o, 0);
  CHECK(sigaction(SIGUSR2, act, was) == 0 && was->sa_handler == SIG_IGN);

  sigset_t *set = (sigset_t *)(o->at + 512), *old = (sigset_t *)(o->at + 768);
  sigemptyset(set);
  sigaddset(set, SIGUSR1);
  (void)in(o, 0);
  CHECK_EQ(sigprocmask(SIG_BLOCK, set, NULL), 0);
  (void)in(o, 0);
  CHECK(sigprocmask(SIG_BLOCK, NULL, old) == 0 && sigismember(old, SIGUSR1) == 1);
  (void)in(o, 0);
  CHECK(pthread_sigmask(SIG_UNBLOCK, set, old) == 0 && sigismember(old, SIGUSR1) == 1);

  stack_t *stack = (stack_t *)(o->at + 512);
  mw_thread_lock(); /* it is the thread's */
  (void)in(o, 0);
  CHECK(sigaltstack(NULL, stack) == 0 && stack->ss_size > 0);
  (void)in(o, 0);
  CHECK_EQ(sigaltstack(stack, NULL), 0);
  mw_thread_unlock();
  end(o);
}

/* ---- wait ------------------------------------------------------------------- */

static void waits(void) {
  owner *o = begin();
  int p[2], e = epoll_create1(EPOLL_CLOEXEC), l = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(pipe(p) == 0 && e >= 0 && l >= 0);
  CHECK_EQ(write(p[1], "x", 1), 1);

  struct pollfd *fds = in(o, 0);
  *fds = (struct pollfd){.fd = p[0], .events = POLLIN};
  (void)in(o, 0);
  CHECK_EQ(poll(fds, 1, -1), 1);
  CHECK_EQ(fds->revents, POLLIN);

  fd_set *set = in(o, 64);
  struct timeval *tv = (struct timeval *)(o->at + 256);
  FD_ZERO(set);
  FD_SET(p[0], set);
  *tv = (struct timeval){.tv_sec = 1};
  (void)in(o, 0);
  CHECK_EQ(select(p[0] + 1, set, NULL, NULL, tv), 1);
  CHECK(FD_ISSET(p[0], set));

  struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 77}, *events = in(o, 320);
  CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), 0);
  (void)in(o, 0);
  CHECK_EQ(epoll_wait(e, events, 2, -1), 1);
  CHECK_EQ(events->data.u64, 77);

  struct sockaddr_un a = {.sun_family = AF_UNIX};
  socklen_t len = sizeof(sa_family_t);
  CHECK_EQ(bind(l, (struct sockaddr *)&a, len), 0); /* a name of the kernel's */
  CHECK_EQ(listen(l, 5), 0);
  len = sizeof a;
  CHECK_EQ(getsockname(l, (struct sockaddr *)&a, &len), 0);
  int c = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_EQ(connect(c, (struct sockaddr *)&a, len), 0);
  socklen_t *n = in(o, 400);
  *n = sizeof a;
  (void)in(o, 0);
  int got = accept(l, (struct sockaddr *)(o->at + 408), n);
  CHECK(got >= 0 && close(got) == 0);

  pid_t pid = fork();
  if (pid == 0) _exit(9);
  int *status = in(o, 600);
  CHECK_EQ(waitpid(pid, status, 0), pid);
  CHECK_EQ(WEXITSTATUS(*status), 9);

  struct timespec *ts = in(o, 640);
  *ts = (struct timespec){.tv_nsec = 1000};
  (void)in(o, 0);
  CHECK_EQ(nanosleep(ts, NULL), 0);

  sigset_t *signals = in(o, 700 & ~(size_t)7);
  sigset_t old;
  sigemptyset(signals);
  sigaddset(signals, SIGUSR1);
  CHECK_EQ(pthread_sigmask(SIG_BLOCK, signals, &old), 0);
  raise(SIGUSR1);
  siginfo_t *info = in(o, 840);
  CHECK_EQ(sigtimedwait(signals, info, ts), SIGUSR1);
  CHECK_EQ(info->si_signo, SIGUSR1);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
  end(o);
}

/* ---- names, things, process: plugin/lent.c ------------------------------------ */

/* A text there, folded with the rest. */
static char *text(owner *o, size_t off, const char *s) {
  strcpy((char *)o->at + off, s);
  return in(o, off);
}
static char *name(owner *o, size_t off, const char *dir, const char *s) {
  char path[64];
  snprintf(path, sizeof path, "%s/%s", dir, s);
  return text(o, off, path);
}

static void names(void) {
  owner *o = begin();
  char dir[64], at[256];
  enum { SECOND = 128, OTHER = 512 }; /* another name, something else */
  CHECK(mkdtemp(text(o, 0, "/tmp/mallow-lentXXXXXX")) == (char *)o->at);
  strcpy(dir, (char *)o->at);

  FILE *f = fopen(name(o, 0, dir, "a"), "w");
  CHECK(f && fputs("text", f) >= 0 && fclose(f) == 0);
  struct stat *s = (struct stat *)(o->at + OTHER);
  CHECK(stat(name(o, 0, dir, "a"), s) == 0 && s->st_size == 4);
  CHECK(lstat(name(o, 0, dir, "a"), s) == 0 && s->st_size == 4);
  CHECK(fstatat(AT_FDCWD, name(o, 0, dir, "a"), s, 0) == 0 && s->st_size == 4);
  struct statx *x = (struct statx *)s;
  CHECK(statx(AT_FDCWD, name(o, 0, dir, "a"), 0, STATX_SIZE, x) == 0 && x->stx_size == 4);
  CHECK(statfs(name(o, 0, dir, "a"), (struct statfs *)s) == 0);
  CHECK(statvfs(name(o, 0, dir, "a"), (struct statvfs *)s) == 0);
  CHECK_EQ(access(name(o, 0, dir, "a"), R_OK), 0);
  CHECK_EQ(faccessat(AT_FDCWD, name(o, 0, dir, "a"), R_OK, 0), 0);
  CHECK_EQ(chmod(name(o, 0, dir, "a"), 0640), 0);
  CHECK_EQ(chown(name(o, 0, dir, "a"), (uid_t)-1, (gid_t)-1), 0);
  CHECK_EQ(truncate(name(o, 0, dir, "a"), 3), 0);
  struct timespec *ts = (struct timespec *)s;
  ts[0] = ts[1] = (struct timespec){.tv_sec = 1000000000};
  CHECK_EQ(utimensat(AT_FDCWD, name(o, 0, dir, "a"), ts, 0), 0);
  CHECK(stat(name(o, 0, dir, "a"), s) == 0 && s->st_size == 3 && s->st_mtime == 1000000000);

  (void)name(o, SECOND, dir, "b");
  CHECK_EQ(rename(name(o, 0, dir, "a"), (char *)o->at + SECOND), 0);
  CHECK_EQ(link((char *)o->at + SECOND, name(o, 0, dir, "a")), 0);
  CHECK_EQ(unlink(name(o, SECOND, dir, "b")), 0);
  (void)text(o, 0, "a");
  CHECK_EQ(symlink((char *)o->at, name(o, SECOND, dir, "b")), 0);
  (void)in(o, 0);
  CHECK_EQ(readlink((char *)o->at + SECOND, (char *)o->at + OTHER, 100), 1);
  expect(o, OTHER, "a");
  char *real = realpath(name(o, SECOND, dir, "b"), NULL);
  CHECK(real && strcmp(real + strlen(real) - 2, "/a") == 0);
  free(real);
  CHECK_EQ(remove(name(o, SECOND, dir, "b")), 0);
  CHECK_EQ(mkdir(name(o, SECOND, dir, "b"), 0700), 0);
  DIR *d = opendir(name(o, SECOND, dir, "b"));
  CHECK(d && closedir(d) == 0);
  CHECK_EQ(rmdir(name(o, SECOND, dir, "b")), 0);
  CHECK_EQ(mkfifo(name(o, SECOND, dir, "b"), 0600), 0);
  CHECK_EQ(unlinkat(AT_FDCWD, name(o, SECOND, dir, "b"), 0), 0);
  int fd = mkstemp(name(o, SECOND, dir, "XXXXXX"));
  CHECK(fd >= 0 && close(fd) == 0 && unlink((char *)o->at + SECOND) == 0);

  CHECK_EQ(futimesat(AT_FDCWD, name(o, 0, dir, "a"), NULL), 0);
  CHECK(ftok(name(o, 0, dir, "a"), 1) != (key_t)-1);
  struct file_handle *handle = (struct file_handle *)(o->at + OTHER);
  handle->handle_bytes = 128;
  int mount, known = name_to_handle_at(AT_FDCWD, name(o, 0, dir, "a"), handle, &mount, 0);
  CHECK(known == 0 || errno != EFAULT);
  f = fopen("/dev/null", "r");
  CHECK(f && freopen(name(o, 0, dir, "a"), "r", f) == f);
  CHECK(fgets(at, 4, f) && strcmp(at, "tex") == 0 && fclose(f) == 0);
  fd = open(dir, O_RDONLY | O_DIRECTORY);
  off_t *base = (off_t *)(o->at + SECOND);
  (void)in(o, 0);
  CHECK(getdirentries(fd, (char *)o->at + OTHER, 500, base) > 0 && close(fd) == 0);

  CHECK(getcwd(at, sizeof at) != NULL);
  CHECK_EQ(chdir(name(o, 0, dir, "")), 0);
  CHECK(getcwd(in(o, OTHER), 256) == (char *)o->at + OTHER);
  CHECK(chdir(at) == 0 && strcmp((char *)o->at + OTHER, dir) == 0);
  CHECK_EQ(unlink(name(o, 0, dir, "a")), 0);
  CHECK_EQ(rmdir(text(o, 0, dir)), 0);
  end(o);
}

static void things(void) {
  owner *o = begin();
  int f = file("0123456789"), e = epoll_create1(EPOLL_CLOEXEC), p[2], c[2];
  struct stat *s = in(o, 512);
  CHECK(pipe(p) == 0 && fstat(f, s) == 0 && s->st_size == 10);
  CHECK_EQ(fstatfs(f, in(o, 512)), 0);
  CHECK_EQ(fstatvfs(f, in(o, 512)), 0);
  struct timespec *ts = in(o, 0);
  ts[0] = ts[1] = (struct timespec){.tv_sec = 1000000000};
  CHECK_EQ(futimens(f, in(o, 0)), 0);
  CHECK(fstat(f, in(o, 512)) == 0 && s->st_mtime == 1000000000);

  FILE *stream = fdopen(f, "r+");
  setvbuf(stream, NULL, _IONBF, 0);
  CHECK_EQ(fread(in(o, 16), 1, 10, stream), 10);
  expect(o, 16, "0123456789");
  rewind(stream);
  CHECK_EQ(fwrite(in(o, 18), 1, 8, stream), 8);
  char got[16];
  CHECK(pread(f, got, 8, 0) == 8 && memcmp(got, "23456789", 8) == 0);

  CHECK_EQ(write(p[1], "12345", 5), 5);
  int *n = in(o, 32);
  CHECK(ioctl(p[0], FIONREAD, n) == 0 && *n == 5);
  (void)in(o, 0);
  CHECK(ioctl(p[0], FIONREAD, (unsigned long)o->at + 64) == 0 && *(int *)(o->at + 64) == 5);
  int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal >= 0) {
    CHECK_EQ(tcgetattr(terminal, in(o, 512)), 0);
    CHECK_EQ(tcsetattr(terminal, TCSANOW, in(o, 512)), 0);
  }

  struct epoll_event *ev = in(o, 96);
  *ev = (struct epoll_event){.events = EPOLLIN, .data.u64 = 5};
  CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, p[0], in(o, 96)), 0);
  struct epoll_event told;
  CHECK(epoll_wait(e, &told, 1, -1) == 1 && told.data.u64 == 5);

  int l = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un *a = in(o, 128);
  socklen_t *len = (socklen_t *)(o->at + 400);
  *a = (struct sockaddr_un){.sun_family = AF_UNIX};
  CHECK(bind(l, in(o, 128), sizeof(sa_family_t)) == 0 && listen(l, 5) == 0);
  *len = sizeof *a;
  (void)in(o, 0);
  CHECK_EQ(getsockname(l, (struct sockaddr *)a, len), 0);
  c[0] = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_EQ(connect(c[0], (struct sockaddr *)a, *len), 0);
  *len = sizeof *a;
  (void)in(o, 0);
  CHECK(getpeername(c[0], (struct sockaddr *)a, len) == 0 && *len > sizeof(sa_family_t));
  int *size = in(o, 420);
  *size = 65536;
  CHECK_EQ(setsockopt(c[0], SOL_SOCKET, SO_SNDBUF, in(o, 420), sizeof *size), 0);
  *len = sizeof *size;
  (void)in(o, 0);
  CHECK(getsockopt(c[0], SOL_SOCKET, SO_TYPE, size, len) == 0 && *size == SOCK_STREAM);

  int counter = eventfd(7, EFD_CLOEXEC);
  eventfd_t *count = in(o, 440);
  CHECK(eventfd_read(counter, count) == 0 && *count == 7);
  struct f_owner_ex *who = in(o, 448);
  *who = (struct f_owner_ex){.type = F_OWNER_PID, .pid = getpid()};
  (void)in(o, 0);
  CHECK_EQ(fcntl(p[0], F_SETOWN_EX, who), 0);
  who->pid = 0;
  (void)in(o, 0);
  CHECK(fcntl(p[0], F_GETOWN_EX, who) == 0 && who->pid == getpid());
  uint64_t *hint = in(o, 456);
  CHECK(fcntl(f, F_GET_RW_HINT, hint) == 0 || errno != EFAULT);
  int sems = semget(IPC_PRIVATE, 2, 0600);
  if (sems >= 0) {
    unsigned short *values = in(o, 464);
    values[0] = 3;
    values[1] = 4;
    (void)in(o, 0);
    CHECK_EQ(semctl(sems, 0, SETALL, values), 0);
    values[1] = 0;
    (void)in(o, 0);
    CHECK(semctl(sems, 0, GETALL, values) == 0 && values[1] == 4);
    CHECK_EQ(semctl(sems, 0, IPC_RMID), 0);
  }

  int t = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct itimerspec *when = in(o, 512);
  *when = (struct itimerspec){.it_value.tv_sec = 1000000};
  (void)in(o, 0);
  CHECK_EQ(timerfd_settime(t, 0, when, when + 1), 0);
  CHECK(timerfd_gettime(t, in(o, 512)) == 0 && when->it_value.tv_sec >= 900000);
  end(o);
}

static pthread_barrier_t *barrier;
static void *meets(void *unused) {
  (void)unused;
  pthread_barrier_wait(barrier);
  return NULL;
}
static void process(void) {
  owner *o = begin();
  struct timespec *t = in(o, 0);
  CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, t) == 0 && t->tv_sec + t->tv_nsec > 0);
  CHECK(clock_gettime(CLOCK_REALTIME, in(o, 0)) == 0 && t->tv_sec > 1000000000);
  CHECK_EQ(clock_getres(CLOCK_PROCESS_CPUTIME_ID, in(o, 0)), 0);
  struct timeval *tv = in(o, 16);
  CHECK(gettimeofday(tv, NULL) == 0 && tv->tv_sec > 1000000000);
  CHECK(times(in(o, 32)) != (clock_t)-1);
  CHECK_EQ(getitimer(ITIMER_REAL, in(o, 64)), 0);
  CHECK_EQ(setitimer(ITIMER_REAL, in(o, 64), NULL), 0);
  struct rusage *u = in(o, 128);
  CHECK(getrusage(RUSAGE_SELF, u) == 0 && u->ru_maxrss > 0);
  struct rlimit *limit = in(o, 512);
  CHECK(getrlimit(RLIMIT_NOFILE, limit) == 0 && limit->rlim_cur > 0);
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, in(o, 512)), 0);
  (void)in(o, 0);
  CHECK_EQ(prlimit(0, RLIMIT_NOFILE, limit, limit + 1), 0);
  struct sysinfo *info = in(o, 512);
  CHECK(sysinfo(info) == 0 && info->totalram > 0);
  CHECK(uname(in(o, 512)) == 0 && strcmp((char *)o->at + 512, "Linux") == 0);
  CHECK_EQ(getrandom(in(o, 0), 16, 0), 16);
  CHECK_EQ(sigpending(in(o, 0)), 0);
  cpu_set_t *cpus = in(o, 512);
  CHECK(sched_getaffinity(0, sizeof *cpus, cpus) == 0 && CPU_COUNT(cpus) > 0);
  CHECK_EQ(prctl(PR_GET_NAME, in(o, 0)), 0);
  CHECK(strlen((char *)o->at) > 0);
  CHECK_EQ(pthread_getaffinity_np(pthread_self(), sizeof *cpus, in(o, 512)), 0);
  CHECK_EQ(pthread_setaffinity_np(pthread_self(), sizeof *cpus, in(o, 512)), 0);
  mw_thread_lock();
  strcpy((char *)o->at, "lent");
  CHECK_EQ(pthread_setname_np(pthread_self(), in(o, 0)), 0);
  CHECK_EQ(pthread_getname_np(pthread_self(), in(o, 16), 16), 0);
  expect(o, 16, "lent");
  int policy;
  CHECK_EQ(pthread_getschedparam(pthread_self(), &policy, in(o, 0)), 0);
  CHECK_EQ(pthread_setschedparam(pthread_self(), policy, in(o, 0)), 0);
  mw_thread_unlock();
  struct timex *clock = in(o, 512);
  memset(clock, 0, sizeof *clock);
  (void)in(o, 0);
  CHECK(adjtimex(clock) >= 0 || errno == EPERM); /* some containers forbid to look, too */
  (void)in(o, 0);
  CHECK(clock_adjtime(CLOCK_REALTIME, clock) >= 0 || errno == EPERM);
  uid_t *ids = in(o, 0);
  CHECK(getresuid(ids, ids + 1, ids + 2) == 0 && ids[0] == getuid());

  pthread_t th;
  barrier = in(o, 256);
  for (int i = 0; i < 10; i++) {
    CHECK_EQ(pthread_barrier_init(barrier, NULL, 2), 0);
    CHECK_EQ(pthread_create(&th, NULL, meets, NULL), 0);
    (void)in(o, 0); /* which stays unfolded while the thread waits */
    pthread_barrier_wait(barrier);
    CHECK_EQ(pthread_join(th, NULL), 0);
    CHECK_EQ(pthread_barrier_destroy(barrier), 0);
  }
  end(o);
}

/* ---- locks -------------------------------------------------------------------- */

static owner *shared;
typedef struct locks_there {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int turns, left;
} locks_there;
static void *takes(void *unused) {
  (void)unused;
  locks_there *l = (locks_there *)shared->at;
  for (int i = 0; i < 100; i++) {
    CHECK_EQ(pthread_mutex_lock(&l->mutex), 0);
    while (!l->turns) CHECK_EQ(pthread_cond_wait(&l->cond, &l->mutex), 0);
    l->turns--;
    l->left--;
    CHECK_EQ(pthread_mutex_unlock(&l->mutex), 0);
  }
  return NULL;
}
static void locks(void) {
  shared = begin();
  locks_there *l = (locks_there *)shared->at;
  CHECK_EQ(pthread_mutex_init(&l->mutex, NULL), 0);
  CHECK_EQ(pthread_cond_init(&l->cond, NULL), 0);
  l->turns = 0;
  l->left = 300;
  pthread_t t[3];
  for (int i = 0; i < 3; i++) CHECK_EQ(pthread_create(&t[i], NULL, takes, NULL), 0);
  for (int i = 0; i < 300; i++) {
    if (i % 10 == 0) (void)in(shared, 0);
    CHECK_EQ(pthread_mutex_lock(&l->mutex), 0);
    l->turns++;
    CHECK_EQ(pthread_cond_signal(&l->cond), 0);
    CHECK_EQ(pthread_mutex_unlock(&l->mutex), 0);
    if (i % 50 == 0) mw_sleep(1000000);
  }
  for (int i = 0; i < 3; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
  CHECK_EQ(l->left, 0);
  (void)in(shared, 0); /* nobody waits: folded as before */
  end(shared);
}

/* ---- many, blocked, thread ------------------------------------------------------- */

static void many(void) {
  enum { N = 20 };
  owner *o[N];
  struct iovec v[N];
  int p[2];
  CHECK_EQ(pipe(p), 0);
  for (int i = 0; i < N; i++) o[i] = begin();
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < N; i++) v[i] = (struct iovec){(void *)o[i]->at, 1};
    CHECK_EQ(write(p[1], "abcdefghijklmnopqrst", N), N);
    (void)in(o[0], 0);
    CHECK_EQ(readv(p[0], v, N), N);
    for (int i = 0; i < N; i++) CHECK_EQ(*(char *)o[i]->at, 'a' + i);
  }
  (void)in(o[0], 0); /* folded again, so the list is given back */
  for (int i = 0; i < N; i++) {
    mw_chan_send(o[i]->ch, (char)1);
  }
  mw_waitgroup_wait(&done);
}

static int slow[2];
static _Atomic bool finished;
static void collects(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) mw_gc();
  CHECK_EQ(plain_write(slow[1], "slow", 4), 4);
  while (!finished) mw_gc();
  mw_waitgroup_done(&done);
}

static void blocked(void) {
  owner *o = begin();
  CHECK_EQ(pipe(slow), 0);
  void *buf = in(o, 0); /* before another collects: what is being scanned is not folded */
  mw_waitgroup_add(&done, 1);
  mw_go(collects, NULL);
  mw_thread_lock(); /* sigset_t below: the thread waits in the kernel, not the goroutine */
  sigset_t *set = (sigset_t *)(o->at + 256);
  sigemptyset(set);
  sigaddset(set, SIGUSR2);
  struct pollfd *fd = (struct pollfd *)(o->at + 128);
  *fd = (struct pollfd){.fd = slow[0], .events = POLLIN};
  CHECK_EQ(ppoll(fd, 1, NULL, set), 1);
  CHECK_EQ(fd->revents, POLLIN);
  CHECK_EQ(read(slow[0], buf, 4), 4);
  mw_thread_unlock();
  expect(o, 0, "slow");
  finished = true;
  mw_chan_send(o->ch, (char)1);
  mw_waitgroup_wait(&done);
}

static _Atomic int thread_turn;
static void *thread(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) {
    while (thread_turn != 1) sched_yield();
    CHECK_EQ(read(slow[0], (void *)shared->at, 1), 1);
    thread_turn = 0;
  }
  return NULL;
}
static void threads(void) {
  shared = begin();
  CHECK_EQ(pipe(slow), 0);
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, thread, NULL), 0);
  for (int i = 0; i < 20; i++) {
    CHECK_EQ(write(slow[1], "x", 1), 1);
    (void)in(shared, 0);
    thread_turn = 1;
    while (thread_turn) mw_yield();
    expect(shared, 0, "x");
    memset((void *)shared->at, 0, 1);
  }
  CHECK_EQ(pthread_join(t, NULL), 0);
  end(shared);
}

/* A command whose strings and vectors are all on the owner's stack; it ends with 7. */
static owner *begin_command(char **text, char ***args, char ***words) {
  static const char script[] = "test \"$WORD\" = here && exit 7";
  owner *o = begin();
  char *t = *text = (char *)o->at;
  strcpy(t, "/bin/sh");
  strcpy(t + 16, "-c");
  memcpy(t + 32, script, sizeof script);
  strcpy(t + 128, "WORD=here");
  *args = (char **)(o->at + 256);
  *words = (char **)(o->at + 320);
  memcpy(*args, ((char *[]){t, t + 16, t + 32, NULL}), 4 * sizeof **args);
  memcpy(*words, ((char *[]){t + 128, NULL}), 2 * sizeof **words);
  return o;
}

static void spawn(void) {
  char *text, **args, **words;
  owner *o = begin_command(&text, &args, &words);
  strcpy(text + 192, "exit 9");
  char *own_args[] = {args[0], args[1], args[2], NULL}, *own_words[] = {words[0], NULL};
  for (int i = 0; i < 4; i++) {
    pid_t *pid = in(o, 512);
    char **v = i / 2 ? own_args : args, **w = i / 2 ? own_words : words;
    int r = i % 2 ? posix_spawnp(pid, text, NULL, NULL, v, w)
                  : posix_spawn(pid, text, NULL, NULL, v, w);
    CHECK_EQ(r, 0);
    int status;
    CHECK_EQ(waitpid(*pid, &status, 0), *pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  strcpy((char *)o->at + 900, "exit 3");
  CHECK_EQ(WEXITSTATUS(system(in(o, 900))), 3);
  FILE *f = popen(in(o, 192), "r");
  CHECK(f);
  int status = pclose(f);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
  end(o);
}

/* ---- exec ---------------------------------------------------------------------- */

/* In a child: the way-th function, with the owner's vectors or with strings there. */
static void exec_by(int way, int fd, char *shell, char **args, char **words) {
  environ = words;
  switch (way) {
  case 0:
    execve(shell, args, words);
    break;
  case 1:
    execv(shell, args);
    break;
  case 2:
    execvp(shell, args);
    break;
  case 3:
    execvpe(shell, args, words);
    break;
  case 4:
    fexecve(fd, args, words);
    break;
  case 5:
    execveat(AT_FDCWD, shell, args, words, 0);
    break;
  case 6:
    syscall(SYS_execve, shell, args, words);
    break;
  case 7:
    syscall(SYS_execveat, AT_FDCWD, shell, args, words, 0);
    break;
  case 8:
    execl(shell, shell, shell + 16, shell + 32, NULL);
    break;
  case 9:
    execlp(shell, shell, shell + 16, shell + 32, NULL);
    break;
  default:
    execle(shell, shell, shell + 16, shell + 32, NULL, words);
  }
  _exit(errno == EFAULT ? 100 : 101);
}

static void execs(void) {
  char *text, **args, **words;
  owner *o = begin_command(&text, &args, &words);
  int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
  for (int way = 0; way <= 10; way++) {
    (void)in(o, 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) exec_by(way, fd, text, args, words);
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
      fprintf(stderr, "way %d: status %x\n", way, (unsigned)status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  (void)text[0];
  strcpy(text, "/nowhere/at/all"); /* it fails, and the stack is given back */
  for (int i = 0; i < 3; i++) {
    (void)in(o, 0);
    CHECK_EQ(execv(text, (char *[]){text, NULL}), -1);
    CHECK_EQ(errno, ENOENT);
  }
  (void)in(o, 0);
  CHECK(stacks_folded() > 0);
  end(o);
}

/* ---- left ------------------------------------------------------------------------ */

static sigjmp_buf away;
static pthread_t waiter;
static _Atomic int turn; /* 0: not yet; -1: no more */
static void leaves(int sig) {
  (void)sig;
  turn = 0;
  siglongjmp(away, 1);
}
static void *calls_away(void *unused) {
  (void)unused;
  while (turn >= 0) {
    usleep(2000); /* by then it waits in the kernel, mostly */
    int yes = 1;
    if (atomic_compare_exchange_strong(&turn, &yes, 2)) pthread_kill(waiter, SIGUSR1);
  }
  return NULL;
}

static void left(void) {
  owner *o = begin();
  struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[32];
  snprintf(name, sizeof name, "/mallow-left-%d", (int)getpid());
  mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &one);
  if (q == (mqd_t)-1 && errno == ENOSYS) { /* a kernel without queues */
    (void)in(o, 0);
    return;
  }
  CHECK(q != (mqd_t)-1 && mq_unlink(name) == 0);
  mw_thread_lock();
  waiter = pthread_self();
  signal(SIGUSR1, leaves);
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, calls_away, NULL), 0);
  for (volatile int i = 0; i < 20; i++) {
    char *at = in(o, 0);
    if (sigsetjmp(away, 1) == 0) {
      turn = 1;
      (void)!mq_receive(q, at, 8, NULL); /* nobody sends */
      CHECK(!"received something");
    }
  }
  turn = -1;
  CHECK_EQ(pthread_join(t, NULL), 0);
  mw_thread_unlock();
  (void)in(o, 0);
  CHECK(stacks_folded() > 0); /* what a jump leaves lent is not */
  end(o);
}

int main(int argc, char **argv) {
  static const struct check_case cases[] = {
      {"read", reads},      {"write", writes},    {"wait", waits},     {"names", names},
      {"things", things},   {"process", process}, {"locks", locks},    {"many", many},
      {"blocked", blocked}, {"thread", threads},  {"spawn", spawn},    {"exec", execs},
      {"left", left},       {"vectors", vectors}, {"signals", signals}};
  check_start();
  int status = CHECK_CASE(cases, argc, argv);
  if (status == 0 && strcmp(argv[1], "locks") != 0)
    CHECK(nfolded > 0); /* there the threads are at it all the time */
  return status;
}
