/* SPDX-License-Identifier: MIT */
/*
 * tests/net/wrong.c -- pointers that lead nowhere are the kernel's to judge [LC7]
 *
 *     wrong WHO
 *
 * WHO      main       before there is a goroutine
 *          goroutine  one, with main parked
 *          thread     of the program's
 *          handlers   a goroutine, with handlers of SIGSEGV and SIGBUS, which are not called
 *          handled    the same goroutine's own fault comes to the handler
 *          small      a goroutine, and a descriptor table that ends before select's sets
 *          large      the table has grown, and what made it grow is closed
 *
 * Each call is made by code that clang alone has compiled, and by compiled code, in places
 * that are alike: result and errno are the same.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <mallow.h>

#include "wrong_calls.h"

long wrong_plain(struct place *f, int i, void *p, const char **name);

#define CHECK(c)                                                                                   \
  do {                                                                                             \
    if (!(c)) {                                                                                    \
      fprintf(stderr, "%s:%d: failed: %s (errno %d)\n", __FILE__, __LINE__, #c, errno);            \
      _exit(1);                                                                                    \
    }                                                                                              \
  } while (0)

/* ---- Pointers ---------------------------------------------------------------------- */

enum { PAGE = 4096 };
static char *none, *constant, *beyond;
static char zeros[1 << 16];

static void make_pages(void) {
  char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(m != MAP_FAILED);
  none = m + PAGE;
  constant = m + 3 * PAGE;
  CHECK(mprotect(none, PAGE, PROT_NONE) == 0 && mprotect(constant, PAGE, PROT_READ) == 0);
  int fd = memfd_create("file", 0);
  CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
  m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(m != MAP_FAILED && close(fd) == 0);
  beyond = m + PAGE; /* SIGBUS */
}

static void *pointer(int k, const char **name) {
  switch (k) {
#define POINTER(number, value)                                                                     \
  case number:                                                                                     \
    *name = #value;                                                                                \
    return (void *)(value);
    POINTER(0, 0)
    POINTER(1, 8)
    POINTER(2, constant)
    POINTER(3, none)
    POINTER(4, none - 8)
    POINTER(5, none - 20)
    POINTER(6, beyond)
    POINTER(7, beyond - 8)
    POINTER(8, 0x8000000000001000)
    POINTER(9, -1)
    POINTER(10, zeros)
  default:
    *name = NULL;
    return NULL;
  }
}

/* ---- Places ------------------------------------------------------------------------ */

static aio_context_t aio; /* to destroy one takes the kernel long */
static bool no_pwait2;

static void make(struct place *f) {
  static const char text[] = "0123456789abcdef";
  int fd[2];
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  *f = (struct place){0};
  memset(zeros, 0, sizeof zeros); /* what a call has written is another's length, or time */
  memset(none - PAGE, 0, PAGE);
  memset(beyond - PAGE, 0, PAGE);
  CHECK(pipe(fd) == 0);
  f->in = fd[0], f->out = fd[1];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, f->stream) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, f->dgram) == 0);
  f->listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(f->listener >= 0 && bind(f->listener, (void *)&a, sizeof a) == 0);
  CHECK(getsockname(f->listener, (void *)&a, &len) == 0 && listen(f->listener, 2) == 0);
  f->tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(f->tcp[0], (void *)&a, len) == 0);
  f->tcp[1] = accept(f->listener, NULL, NULL);
  CHECK(f->tcp[1] >= 0 && write(f->tcp[1], text, 16) == 16);
  int next = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(next, (void *)&a, len) == 0);
  /* both there before the call: the loopback delivers at once, to who asks for all */
  CHECK(recv(f->tcp[0], f->bytes, 16, MSG_PEEK | MSG_WAITALL) == 16);
  CHECK(write(f->out, text, 16) == 16 && write(f->stream[1], text, 16) == 16);
  for (int i = 0; i < 3; i++) CHECK(write(f->dgram[1], text, 16) == 16);
  f->file = memfd_create("file", 0);
  CHECK(f->file >= 0 && pwrite(f->file, text, 16, 0) == 16);
  f->events = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN};
  CHECK(f->events >= 0 && epoll_ctl(f->events, EPOLL_CTL_ADD, f->in, &e) == 0);
  f->v[0] = (struct iovec){f->bytes, 4};
  f->v[1] = (struct iovec){f->bytes + 64, 4};
  FD_SET(f->in, &f->set);
  f->aio = aio;
  f->no_pwait2 = no_pwait2;
}

/* With what a call has made. */
static void unmake(void) {
  for (int fd = 3; fd < 24; fd++) close(fd);
}

/* ---- The comparison ---------------------------------------------------------------- */

static void compare(void) {
  const char *name, *at, *which = NULL;
  struct place *f = malloc(sizeof *f);
  int differ = 0, calls = 0;
  CHECK(f);
  for (int i = 0; (void)wrong_plain(f, -1, NULL, &name), true; i++) {
    for (int k = 0; k == 0 || which; k++) {
      void *p = pointer(k, &which);
      if (!which) break;
      long expected;
      int expected_errno;
      do { /* plain C's `syscall` may be ended by a stop's signal: once more */
        make(f);
        expected = wrong_plain(f, i, p, &name);
        expected_errno = errno;
        unmake();
      } while (name && expected == -1 && expected_errno == EINTR);
      if (!name) break;
      make(f);
      long r = wrong_call(f, i, p, &at);
      int e = errno;
      unmake();
      calls++;
      if (r == expected && (r != -1 || e == expected_errno)) continue;
      differ++;
      fprintf(stderr, "%s, p = %s: %ld, errno %d; plain C: %ld, errno %d\n", name, which, r, e,
              expected, expected_errno);
    }
    if (!name) break;
  }
  free(f);
  CHECK(calls > 1000 && differ == 0);
}

/* ---- Who --------------------------------------------------------------------------- */

static void *on_thread(void *unused) {
  (void)unused;
  compare();
  return NULL;
}

static void on_goroutine(void *done) {
  compare();
  mw_chan_send(done, (char)1);
}

static void with_goroutine(void (*fn)(void *)) {
  mw_chan *done = mw_chan_make(char, 0);
  char c;
  mw_go(fn, done);
  mw_chan_recv(done, &c);
}

/* fork copies no more of the table than is in use. */
static void with_small_table(void) {
  if (close_range(3, ~0u, 0) != 0) /* before Linux 5.9 */
    for (int fd = 3; fd < 4096; fd++) close(fd);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    with_goroutine(on_goroutine);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void with_large_table(void) {
  CHECK(dup2(0, 300) == 300 && close(300) == 0);
  with_goroutine(on_goroutine);
}

static _Atomic int faults;
static sigjmp_buf back;

static void on_fault(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info, (void)uc;
  faults++;
  siglongjmp(back, 1);
}

static void handle_faults(void) {
  struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGSEGV, &a, NULL) == 0 && sigaction(SIGBUS, &a, NULL) == 0);
}

static void own_fault(void *done) {
  char *volatile wrong[] = {none, beyond};
  for (volatile int i = 0; i < 2; i++) {
    if (sigsetjmp(back, 1) == 0) {
      CHECK(writev(-1, (void *)wrong[i], 2) == -1 && errno == EBADF && faults == i);
      (void)*(volatile char *)wrong[i];
      CHECK(!"no fault");
    }
    CHECK(faults == i + 1);
  }
  mw_chan_send(done, (char)1);
}

int main(int argc, char **argv) {
  const char *who = argc > 1 ? argv[1] : "goroutine";
  make_pages();
  CHECK(syscall(SYS_io_setup, 1000, &aio) == 0);
  no_pwait2 = syscall(SYS_epoll_pwait2, -1, NULL, 0, NULL, NULL, 8) != 0 && errno == ENOSYS;
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  if (strcmp(who, "main") == 0) {
    compare();
  } else if (strcmp(who, "goroutine") == 0) {
    with_goroutine(on_goroutine);
  } else if (strcmp(who, "thread") == 0) {
    pthread_t t;
    CHECK(pthread_create(&t, NULL, on_thread, NULL) == 0 && pthread_join(t, NULL) == 0);
  } else if (strcmp(who, "handlers") == 0) {
    handle_faults();
    with_goroutine(on_goroutine);
    CHECK(faults == 0);
  } else if (strcmp(who, "handled") == 0) {
    handle_faults();
    with_goroutine(own_fault);
  } else if (strcmp(who, "small") == 0) {
    with_small_table();
  } else if (strcmp(who, "large") == 0) {
    with_large_table();
  } else {
    CHECK(!"a case");
  }
  puts("ok");
  return 0;
}
