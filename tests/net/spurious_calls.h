/* SPDX-License-Identifier: MIT */
/*
 * tests/net/spurious_calls.h -- calls that wait for nothing until their time is over
 *
 * The same text for compiled code (spurious.c) and for plain C (spurious_plain.c).  A call returns
 * 0 when it ended as it should, or its errno (-1 for none), and never before its time.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int64_t spurious_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct timespec spurious_at(clockid_t clock, int ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += (long)ms % 1000 * 1000000;
  t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

/* A socket pair whose calls give up after ms. */
static void spurious_pair(int s[2], int ms) {
  struct timeval t = {ms / 1000, (ms % 1000) * 1000};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) != 0) abort();
  setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

static int spurious_fails(long r, int e) {
  return r == -1 && errno == e ? 0 : r == -1 ? errno : -1;
}

enum { SPURIOUS_CONSTANT = 13, SPURIOUS_CALLS = 24 };
static const char *const spurious_names[SPURIOUS_CALLS] = {
    "poll",          "ppoll",       "select",    "pselect",   "epoll_wait",  "epoll_pwait",
    "nanosleep+rem", "sleep until", "sem_wait",  "cond_wait", "clock_sleep", "poll(NULL)",
    "select(0)", /* so far what is left is known */
    "usleep",        "recv",        "read",      "recvmsg",   "accept",      "send",
    "sigtimedwait",  "semtimedop",  "nanosleep", "writev",    "epoll_pwait2"};

static int spurious_call(int which, int ms) {
  int s[2], r = -1;
  char buf[256] = "";
  static char big[1 << 20];
  spurious_pair(s, ms);
  struct pollfd f = {s[0], POLLIN, 0};
  struct timespec rel = {ms / 1000, (long)(ms % 1000) * 1000000}, left;
  struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
  struct epoll_event e = {.events = EPOLLIN};
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  fd_set set;
  FD_ZERO(&set);
  if (s[0] < FD_SETSIZE) FD_SET(s[0], &set);
  int ep = epoll_create1(0);
  epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e);
  int64_t start = spurious_now();
  errno = 0;
  switch (which) {
  case 0:
    r = poll(&f, 1, ms);
    break;
  case 1:
    r = ppoll(&f, 1, &rel, NULL);
    break;
  case 2:
    r = select(s[0] + 1, &set, NULL, NULL, &tv);
    break;
  case 3:
    r = pselect(s[0] + 1, &set, NULL, NULL, &rel, NULL);
    break;
  case 4:
    r = epoll_wait(ep, &e, 1, ms);
    break;
  case 5: {
    sigset_t none;
    sigemptyset(&none);
    r = epoll_pwait(ep, &e, 1, ms, &none);
    break;
  }
  case 6:
    r = nanosleep(&rel, &left);
    break;
  case 7: {
    struct timespec at = spurious_at(CLOCK_MONOTONIC, ms);
    r = errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    if (r) r = -1;
    break;
  }
  case 8: {
    struct timespec at = spurious_at(CLOCK_REALTIME, ms);
    sem_t sem;
    sem_init(&sem, 0, 0);
    r = spurious_fails(sem_timedwait(&sem, &at), ETIMEDOUT);
    break;
  }
  case 9: {
    struct timespec at = spurious_at(CLOCK_REALTIME, ms);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    do r = pthread_cond_timedwait(&cond, &mutex, &at);
    while (r == 0);
    pthread_mutex_unlock(&mutex);
    r = r == ETIMEDOUT ? 0 : r;
    break;
  }
  case 10:
    r = errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &rel, &left);
    if (r) r = -1;
    break;
  case 11:
    r = poll(NULL, 0, ms);
    break;
  case 12:
    r = select(0, NULL, NULL, NULL, &tv);
    break;
  case 13:
    r = usleep((useconds_t)ms * 1000);
    break;
  case 14:
    r = spurious_fails(recv(s[0], buf, sizeof buf, 0), EAGAIN);
    break;
  case 15:
    r = spurious_fails(read(s[0], buf, sizeof buf), EAGAIN);
    break;
  case 16:
    r = spurious_fails(recvmsg(s[0], &m, 0), EAGAIN);
    break;
  case 17: {
    int l = socket(AF_INET, SOCK_STREAM, 0); /* on a port of the kernel's choice */
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    if (listen(l, 1) != 0) abort();
    r = spurious_fails(accept(l, NULL, NULL), EAGAIN);
    close(l);
    break;
  }
  case 18:
    while (send(s[0], big, sizeof big, MSG_DONTWAIT) > 0) continue;
    r = spurious_fails(send(s[0], big, sizeof big, 0), EAGAIN);
    break;
  case 19: {
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    r = spurious_fails(sigtimedwait(&usr2, NULL, &rel), EAGAIN);
    break;
  }
  case 20: {
    int sem = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf op = {.sem_op = -1};
    if (sem < 0) break;
    r = spurious_fails(semtimedop(sem, &op, 1, &rel), EAGAIN);
    semctl(sem, 0, IPC_RMID);
    break;
  }
  case 21:
    r = nanosleep(&rel, NULL);
    break;
  case 22:
    while (send(s[0], big, sizeof big, MSG_DONTWAIT) > 0) continue;
    v = (struct iovec){big, sizeof big};
    r = spurious_fails(writev(s[0], &v, 1), EAGAIN);
    break;
  case 23:
    r = epoll_pwait2(ep, &e, 1, &rel, NULL);
    if (r == -1 && errno == ENOSYS) r = epoll_pwait(ep, &e, 1, ms, NULL); /* before Linux 5.11 */
    break;
  }
  if (r == -1 && errno) r = errno;
  int64_t took = spurious_now() - start;
  close(ep);
  close(s[0]);
  close(s[1]);
  return r == 0 && took < ms * INT64_C(1000000) - 1000000 ? -2 : r; /* 1 ms: clocks' grain */
}
