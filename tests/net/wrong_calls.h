/* SPDX-License-Identifier: MIT */
/*
 * tests/net/wrong_calls.h -- calls that are given a pointer, one that may lead nowhere
 *
 * The same text for compiled code (wrong.c) and for plain C (wrong_plain.c).  No call waits: what
 * it could wait for is there.  libc's functions that look at the memory themselves, and die, are
 * left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Made anew for each call. */
struct place {
  int in, out;      /* a pipe, with bytes */
  int stream[2];    /* the first has bytes */
  int dgram[2];     /* the first has messages */
  int tcp[2];       /* the first has bytes */
  int listener;     /* has somebody to accept */
  int file, events; /* a file; an epoll set that has the pipe */
  bool no_pwait2;   /* before Linux 5.11; where goroutines wait they need none */
  aio_context_t aio;
  char bytes[256];
  struct iovec v[2]; /* of `bytes` */
  fd_set set;        /* the pipe's reading end */
};

static struct msghdr message(void *name, size_t name_n, void *v, size_t n, void *control,
                             size_t control_n) {
  return (struct msghdr){.msg_name = name,
                         .msg_namelen = (socklen_t)name_n,
                         .msg_iov = v,
                         .msg_iovlen = n,
                         .msg_control = control,
                         .msg_controllen = control_n};
}

/* Call number i, with p.  *name is what it is; NULL: there is none of that number. */
static long wrong_call(struct place *f, int i, void *p, const char **name) {
  struct timespec ms = {0, 1000000};
  struct timeval ms_tv = {0, 1000};
  socklen_t len = 64;
  char *const args[] = {(char *)(uintptr_t)"x", NULL};
  struct msghdr m;
  struct mmsghdr mm[2] = {0};
  struct iovec v[2] = {{p, 8}, {f->bytes, 8}}, w[2] = {{f->bytes, 8}, {p, 8}};
  struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREADV,
                         .aio_fildes = (unsigned)f->file,
                         .aio_buf = (uintptr_t)p,
                         .aio_nbytes = 2};
  struct iocb *requests[] = {&request, p};
  sigset_t signals;
  sigemptyset(&signals);
  errno = 0;
  switch (i) {
    /* clang-format off */
#define CALL(...) case __COUNTER__ - FIRST: *name = #__VA_ARGS__; return (long)(__VA_ARGS__);
    enum { FIRST = __COUNTER__ + 1 };
  /* buffers */
  CALL(read(f->in, p, 16)) CALL(read(f->stream[0], p, 16)) CALL(read(f->file, p, 16))
  CALL(read(f->in, p, SIZE_MAX)) CALL(read(f->stream[0], p, SIZE_MAX)) CALL(read(f->tcp[0], f->bytes, SSIZE_MAX))
  CALL(write(f->out, p, 16)) CALL(write(f->stream[0], p, 16)) CALL(write(f->tcp[0], p, 16)) CALL(write(f->file, p, 16))
  CALL(write(f->out, p, SIZE_MAX)) CALL(write(f->dgram[0], p, SIZE_MAX)) CALL(write(f->file, f->bytes, SIZE_MAX))
  CALL(pread(f->file, p, 16, 0)) CALL(pwrite(f->file, p, 16, 0))
  CALL(recv(f->stream[0], p, 16, 0)) CALL(recv(f->dgram[0], p, 16, 0)) CALL(recv(f->tcp[0], p, 16, MSG_WAITALL)) CALL(recv(f->in, p, 16, 0))
  CALL(send(f->stream[0], p, 16, 0)) CALL(send(f->dgram[0], p, 16, 0)) CALL(send(f->out, p, 16, 0))
  CALL(recvfrom(f->dgram[0], f->bytes, 16, 0, p, &len)) CALL(recvfrom(f->dgram[0], f->bytes, 16, 0, (void *)f->bytes, p))
  CALL(recvfrom(f->tcp[0], f->bytes, 16, 0, p, p)) CALL(recvfrom(f->tcp[0], f->bytes, 16, 0, NULL, p))
  CALL(sendto(f->dgram[0], f->bytes, 16, 0, p, 16)) CALL(sendto(f->tcp[0], f->bytes, 16, 0, p, 16))
  /* vectors */
  CALL(readv(f->in, p, 2)) CALL(readv(f->stream[0], p, 2)) CALL(readv(f->dgram[0], p, 2)) CALL(readv(f->tcp[0], p, 1))
  CALL(readv(f->file, p, 2)) CALL(readv(f->in, p, 0)) CALL(readv(f->in, p, -1)) CALL(readv(f->in, p, IOV_MAX)) CALL(readv(f->in, p, IOV_MAX + 1)) CALL(readv(-1, p, 2))
  CALL(readv(f->in, v, 2)) CALL(readv(f->stream[0], w, 2)) CALL(readv(f->tcp[0], w, 2))
  CALL(writev(f->out, p, 2)) CALL(writev(f->stream[0], p, 2)) CALL(writev(f->dgram[0], p, 2)) CALL(writev(f->tcp[0], p, 1))
  CALL(writev(f->file, p, 2)) CALL(writev(f->out, p, 0)) CALL(writev(f->out, p, -1)) CALL(writev(f->out, p, IOV_MAX)) CALL(writev(f->in, p, 2))
  CALL(writev(f->out, w, 2)) CALL(writev(f->stream[0], w, 2)) CALL(writev(f->dgram[0], w, 2))
  CALL(preadv(f->file, p, 2, 0)) CALL(pwritev(f->file, p, 2, 0)) CALL(preadv2(f->in, p, 2, -1, 0)) CALL(pwritev2(f->out, p, 2, -1, 0)) CALL(preadv(f->in, p, 2, 0))
  CALL(vmsplice(f->out, p, 2, 0)) CALL(vmsplice(f->in, p, 2, 0))
  CALL(process_vm_readv(getpid(), p, 2, f->v, 2, 0)) CALL(process_vm_readv(getpid(), f->v, 2, p, 2, 0)) CALL(process_vm_writev(getpid(), f->v, 2, p, 2, 0)) CALL(process_vm_readv(-1, p, 2, p, 2, 0))
  /* messages */
  CALL(recvmsg(f->stream[0], p, 0)) CALL(recvmsg(f->dgram[0], p, 0)) CALL(recvmsg(f->tcp[0], p, MSG_WAITALL)) CALL(recvmsg(f->stream[0], p, MSG_DONTWAIT)) CALL(recvmsg(f->in, p, 0)) CALL(recvmsg(-1, p, 0))
  CALL(sendmsg(f->stream[0], p, 0)) CALL(sendmsg(f->dgram[0], p, 0)) CALL(sendmsg(f->tcp[0], p, MSG_DONTWAIT)) CALL(sendmsg(f->out, p, 0)) CALL(sendmsg(-1, p, 0))
#define MESSAGE(...)                                                                               \
  CALL((m = message(__VA_ARGS__), recvmsg(f->stream[0], &m, 0)))                                   \
  CALL((m = message(__VA_ARGS__), recvmsg(f->stream[0], &m, MSG_WAITALL)))                         \
  CALL((m = message(__VA_ARGS__), recvmsg(f->dgram[0], &m, 0)))                                    \
  CALL((m = message(__VA_ARGS__), recvmsg(f->tcp[0], &m, 0)))                                      \
  CALL((m = message(__VA_ARGS__), recvmsg(f->in, &m, 0)))                                          \
  CALL((m = message(__VA_ARGS__), sendmsg(f->stream[0], &m, 0)))                                   \
  CALL((m = message(__VA_ARGS__), sendmsg(f->dgram[0], &m, 0)))                                    \
  CALL((m = message(__VA_ARGS__), sendmsg(f->tcp[0], &m, 0)))                                      \
  CALL((m = message(__VA_ARGS__), sendmsg(f->out, &m, 0)))                                         \
  CALL((mm[0].msg_hdr = mm[1].msg_hdr = message(__VA_ARGS__), recvmmsg(f->dgram[0], mm, 2, 0, NULL))) \
  CALL((mm[0].msg_hdr = message(NULL, 0, f->v, 2, NULL, 0), mm[1].msg_hdr = message(__VA_ARGS__), recvmmsg(f->dgram[0], mm, 2, 0, NULL))) \
  CALL((mm[0].msg_hdr = mm[1].msg_hdr = message(__VA_ARGS__), sendmmsg(f->stream[0], mm, 2, 0)))   \
  CALL((mm[0].msg_hdr = message(NULL, 0, f->v, 2, NULL, 0), mm[1].msg_hdr = message(__VA_ARGS__), sendmmsg(f->dgram[0], mm, 2, 0)))
  MESSAGE(NULL, 0, p, 2, NULL, 0) MESSAGE(NULL, 0, p, 1, NULL, 0) MESSAGE(NULL, 0, p, IOV_MAX, NULL, 0)
  MESSAGE(p, 64, f->v, 2, NULL, 0) MESSAGE(p, 16, f->v, 1, NULL, 0)
  MESSAGE(NULL, 0, f->v, 1, p, 64) MESSAGE(NULL, 0, f->v, 1, p, 0)
  CALL(recvmmsg(f->dgram[0], p, 2, 0, NULL)) CALL(recvmmsg(f->dgram[0], p, 2, MSG_DONTWAIT, NULL)) CALL(recvmmsg(f->dgram[0], p, 0, 0, NULL)) CALL(recvmmsg(f->in, p, 2, 0, NULL))
  CALL(sendmmsg(f->dgram[0], p, 2, 0)) CALL(sendmmsg(f->stream[0], p, 2, MSG_DONTWAIT)) CALL(sendmmsg(f->dgram[0], p, 0, 0)) CALL(sendmmsg(f->out, p, 2, 0))
  /* what has pointers to pointers */
  CALL(syscall(SYS_io_submit, f->aio, 1, p)) CALL(syscall(SYS_io_submit, f->aio, LONG_MAX, p)) CALL(syscall(SYS_io_submit, f->aio, -1, p)) CALL(syscall(SYS_io_submit, f->aio, 2, requests)) CALL(syscall(SYS_io_submit, f->aio, 1, requests))
  CALL(syscall(SYS_readv, f->in, p, 2)) CALL(syscall(SYS_writev, f->out, p, 2)) CALL(syscall(SYS_recvmsg, f->stream[0], p, 0)) CALL(syscall(SYS_sendmsg, f->stream[0], p, 0)) CALL(syscall(SYS_recvmmsg, f->dgram[0], p, 2, 0, NULL))
  CALL(syscall(SYS_pselect6, 3, NULL, NULL, NULL, &ms, p)) CALL(syscall(SYS_execve, "/nonexistent", p, p)) CALL(syscall(SYS_execveat, AT_FDCWD, "/nonexistent", p, p, 0)) CALL(syscall(SYS_nanosleep, p, NULL)) CALL(syscall(SYS_ppoll, p, 2, &ms, NULL, 8))
  CALL(execve("/nonexistent", p, p)) CALL(execve(p, args, environ)) CALL(execv("/nonexistent", p)) CALL(fexecve(-1, p, p)) CALL(execveat(AT_FDCWD, "/nonexistent", p, p, 0))
  CALL(posix_spawn(&(pid_t){0}, "/nonexistent", NULL, NULL, args, p))
  /* descriptors */
  CALL(poll(p, 2, 0)) CALL(poll(p, 0, 0)) CALL(poll(p, ULONG_MAX, 0)) CALL(ppoll(NULL, 0, &ms, p))
  CALL(select(3, p, NULL, NULL, &ms_tv)) CALL(select(65, NULL, p, NULL, &ms_tv)) CALL(select(3, NULL, NULL, p, &ms_tv)) CALL(select(0, p, p, p, &ms_tv)) CALL(select(-1, p, p, p, &ms_tv)) CALL(select(f->in + 1, &f->set, p, NULL, &ms_tv))
  CALL(pselect(3, p, NULL, NULL, &ms, NULL)) CALL(pselect(0, NULL, NULL, NULL, &ms, p))
  CALL(epoll_wait(f->events, p, 1, 0)) CALL(epoll_wait(f->events, p, 0, 0)) CALL(epoll_wait(f->in, p, 1, 0)) CALL(epoll_pwait(f->events, p, 1, 0, NULL)) CALL(epoll_pwait(f->events, (void *)f->bytes, 1, 0, p)) CALL(f->no_pwait2 ? 0 : epoll_pwait2(f->events, p, 1, &ms, NULL)) CALL(f->no_pwait2 ? 0 : epoll_pwait2(f->events, (void *)f->bytes, 1, p ? p : &ms, NULL))
  CALL(epoll_ctl(f->events, EPOLL_CTL_ADD, f->stream[0], p)) CALL(epoll_ctl(f->events, EPOLL_CTL_MOD, f->in, p)) CALL(epoll_ctl(f->events, EPOLL_CTL_DEL, f->in, p)) CALL(epoll_ctl(-1, EPOLL_CTL_ADD, f->in, p)) CALL(epoll_ctl(f->events, 77, f->in, p))
  CALL(pipe(p) == 0 ? 0 : -1) CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0 ? 0 : -1)
  CALL(accept(f->listener, p, &len) < 0 ? -1 : 0) CALL(accept(f->listener, (void *)f->bytes, p) < 0 ? -1 : 0) CALL(accept(f->stream[1], p, p)) CALL(accept(f->dgram[1], p, p)) CALL(accept(f->in, p, p))
  CALL(connect(f->tcp[0], p, 16)) CALL(connect(f->stream[0], p, 16)) CALL(connect(f->in, p, 16))
  CALL(open(p, O_RDONLY)) CALL(fcntl(f->file, F_GETLK, p)) CALL(fcntl(f->file, F_SETLKW, p)) CALL(fcntl(f->file, F_GETOWN_EX, p))
  CALL(sendfile(f->out, f->file, p, 4)) CALL(splice(f->file, p, f->out, NULL, 4, 0)) CALL(copy_file_range(f->file, p, f->file, p, 4, 0))
  CALL(getsockopt(f->listener, SOL_SOCKET, SO_TYPE, p, &len)) CALL(getsockopt(f->listener, SOL_SOCKET, SO_TYPE, f->bytes, p)) CALL(setsockopt(f->listener, SOL_SOCKET, SO_RCVTIMEO, p, 16)) CALL(getsockname(f->listener, p, &len)) CALL(bind(f->listener, p, 16))
  /* times, signals, children, System V */
  CALL(nanosleep(p, NULL)) CALL(clock_nanosleep(CLOCK_MONOTONIC, 0, p, NULL)) CALL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, p, NULL)) CALL(clock_nanosleep(99, 0, p, NULL)) CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, p, p))
  CALL(sigprocmask(SIG_BLOCK, NULL, p)) CALL(sigprocmask(77, NULL, p)) CALL(sigprocmask(SIG_BLOCK, &signals, p)) CALL(pthread_sigmask(SIG_BLOCK, NULL, p)) CALL(sigtimedwait(p, NULL, &ms)) CALL(sigpending(p))
  CALL(waitpid(-1, p, WNOHANG)) CALL(waitid(P_ALL, 0, p, WEXITED | WNOHANG)) CALL(wait4(-1, NULL, WNOHANG, p))
  CALL(semop(-1, p, 1)) CALL(semtimedop(-1, p, 1, p)) CALL(msgsnd(-1, p, 4, 0)) CALL(msgrcv(-1, p, 4, 0, 0))
  /* names */
  CALL(stat(p, (void *)f->bytes)) CALL(stat("/", p)) CALL(fstat(f->file, p)) CALL(getrlimit(RLIMIT_NOFILE, p)) CALL(sched_getaffinity(0, 128, p) < 0 ? -1 : 0)
        /* clang-format on */
        default : *name = NULL;
    return 0;
  }
}
