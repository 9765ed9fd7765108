/* SPDX-License-Identifier: MIT */
/*
 * tests/net/alike.c -- ends of waiting calls that an attempt would not show
 *
 * A thread that waits in the kernel is told things that one who only begins a call is not, and a
 * call that has done a part leaves an error to the next. Goroutines get the same.  Compiled by
 * clang alone as well, with threads, where it has to pass, too.
 *
 * What has to come while a call waits comes when it does: the thread sleeps in the kernel, the
 * goroutine is parked for a descriptor. All else gives the same result whoever is first.
 *
 *     alike [MS_CALLER MS_OTHER]     naps of the two before they act, to show that
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define CHECK_PART current
#include "../plain_c.h"

static const char *current;

/* ---- Somebody else ----------------------------------------------------------------- */

static int caller_late_ms, other_late_ms;

struct other {
  void (*act)(struct other *);
  int fd, to;
  _Atomic bool begun; /* what the caller does next is to wait */
#ifdef WITH_MALLOW
  mw_waitgroup done;
#else
  pthread_t thread;
  pid_t caller;
#endif
};

/* The caller is about to make the call that is to wait. */
static void about_to_wait(struct other *o) {
  nap_ms(caller_late_ms);
  o->begun = true;
}

static void until(bool (*is)(struct other *), struct other *o) {
  while (!o->begun || !is(o)) nap_ms(1);
  nap_ms(other_late_ms);
}

#ifdef WITH_MALLOW
static void other_runs(void *o_) {
  struct other *o = o_;
  o->act(o);
  mw_waitgroup_done(&o->done);
}
static void begin(struct other *o) {
  o->done = (mw_waitgroup){0};
  mw_waitgroup_add(&o->done, 1);
  mw_go(other_runs, o);
}
static void join(struct other *o) {
  mw_waitgroup_wait(&o->done);
}
/* Nobody else waits for a descriptor. */
static bool waits(struct other *o) {
  static char text[1 << 16];
  (void)o;
  int fd = memfd_create("goroutines", MFD_CLOEXEC);
  CHECK(fd >= 0);
  mw_print_goroutines(fd);
  ssize_t n = pread(fd, text, sizeof text - 1, 0);
  CHECK(n > 0 && close(fd) == 0);
  text[n] = 0;
  return strstr(text, " [IO wait") != NULL;
}
#else
static void *other_runs(void *o_) {
  struct other *o = o_;
  o->act(o);
  return NULL;
}
static void begin(struct other *o) {
  o->caller = gettid();
  CHECK(pthread_create(&o->thread, NULL, other_runs, o) == 0);
}
static void join(struct other *o) {
  CHECK(pthread_join(o->thread, NULL) == 0);
}
static bool waits(struct other *o) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)o->caller);
  FILE *f = fopen(path, "r");
  CHECK(f && fgets(line, sizeof line, f));
  fclose(f);
  const char *state = strrchr(line, ')');
  CHECK(state && state[1]);
  return state[2] == 'S';
}
#endif

static bool took_all(struct other *o) {
  int there;
  CHECK(ioctl(o->to, FIONREAD, &there) == 0);
  return there == 0;
}

static void closes(struct other *o) {
  until(waits, o);
  close(o->fd);
}
static void stops_writing(struct other *o) {
  until(waits, o);
  CHECK(shutdown(o->fd, SHUT_WR) == 0);
}
/* In another process. */
static void stops_reading(struct other *o) {
  int go[2];
  char c = 0;
  CHECK(pipe(go) == 0);
  pid_t child = fork();
  if (child == 0) {
    bool gone = read(go[0], &c, 1) != 1 || shutdown(o->fd, SHUT_RD) != 0;
    _exit(gone);
  }
  int status;
  until(waits, o);
  CHECK(write(go[1], &c, 1) == 1);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  close(go[0]);
  close(go[1]);
}
static void takes_some_and_goes(struct other *o) {
  char b[10000];
  until(waits, o);
  CHECK(read(o->fd, b, sizeof b) > 0);
  nap_ms(other_late_ms);
  close(o->fd);
}
/* Sooner or later: the result is the same. */
static void takes_one(struct other *o) {
  char b[10];
  nap_ms(other_late_ms);
  CHECK(read(o->fd, b, sizeof b) > 0);
}

/* ---- Pairs ------------------------------------------------------------------------- */

static char big[8 << 20];
static _Atomic int pipes;

static void on_pipe(int sig) {
  (void)sig;
  pipes++;
}

static void fill(int fd) {
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (write(fd, big, 65536) > 0) {
  }
  while (write(fd, big, 1) > 0) {
  }
  fcntl(fd, F_SETFL, flags);
}

static void limit(int fd, int option, int ms) {
  struct timeval t = {ms / 1000, ms % 1000 * 1000};
  CHECK(setsockopt(fd, SOL_SOCKET, option, &t, sizeof t) == 0);
}

static struct sockaddr_in loopback(void) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static int bound(int type, struct sockaddr_in *a) {
  int fd = socket(AF_INET, type, 0);
  socklen_t len = sizeof *a;
  *a = loopback();
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)a, len) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)a, &len) == 0);
  return fd;
}
static void tcp_pair(int fd[2]) {
  struct sockaddr_in a;
  int l = bound(SOCK_STREAM, &a);
  CHECK(listen(l, 1) == 0);
  fd[0] = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd[0], (struct sockaddr *)&a, sizeof a) == 0);
  fd[1] = accept(l, NULL, NULL);
  CHECK(fd[1] >= 0);
  close(l);
}

/* ---- Cases -------------------------------------------------------------------------- */

/* The peer goes, with bytes unread: ECONNRESET, and no signal, to who waits. */
static void reset_while_sending(int type) {
  int fd[2];
  CHECK(socketpair(AF_UNIX, type, 0, fd) == 0);
  fill(fd[0]);
  struct other o = {.act = closes, .fd = fd[1]};
  begin(&o);
  pipes = 0;
  about_to_wait(&o);
  CHECK(write(fd[0], big, 100) == -1 && errno == ECONNRESET && pipes == 0);
  CHECK(write(fd[0], big, 100) == -1 && errno == EPIPE);
  join(&o);
  close(fd[0]);
}

/* No readiness tells of it: EPIPE, and no signal. */
static void shut_while_sending(int type, void (*act)(struct other *)) {
  int fd[2];
  CHECK(socketpair(AF_UNIX, type, 0, fd) == 0);
  fill(fd[0]);
  int copy = dup(fd[0]);
  struct other o = {.act = act, .fd = act == stops_writing ? copy : fd[1]};
  begin(&o);
  pipes = 0;
  about_to_wait(&o);
  CHECK(write(fd[0], big, 100) == -1 && errno == EPIPE && pipes == 0);
  join(&o);
  close(fd[0]);
  close(fd[1]);
  close(copy);
}

/* A part is sent; the next call gets the error, not EPIPE and a signal. */
static void error_after_a_part(void) {
  int fd[2];
  tcp_pair(fd);
  struct other o = {.act = takes_some_and_goes, .fd = fd[1]};
  begin(&o);
  about_to_wait(&o);
  ssize_t sent = write(fd[0], big, sizeof big);
  CHECK(sent > 0 && sent < (ssize_t)sizeof big);
  pipes = 0;
  CHECK(write(fd[0], big, 1) == -1 && errno == ECONNRESET && pipes == 0);
  join(&o);
  close(fd[0]);
}

static void send_with_descriptor(int fd, const char *text) {
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec v = {(void *)(uintptr_t)text, strlen(text)};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.head = (struct cmsghdr){
      .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.head), &(int){1}, sizeof(int));
  CHECK(sendmsg(fd, &m, 0) == (ssize_t)v.iov_len);
}

/* Once what is there has been taken, ten bytes with a descriptor. */
static void sends_descriptor(struct other *o) {
  until(took_all, o);
  send_with_descriptor(o->fd, "0123456789");
}

static ssize_t receive_all(int fd, bool *descriptor) {
  char text[20], control[200];
  struct iovec v = {text, sizeof text};
  struct msghdr m = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(fd, &m, MSG_WAITALL);
  struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
  *descriptor = c && c->cmsg_type == SCM_RIGHTS;
  if (*descriptor) {
    int got;
    memcpy(&got, CMSG_DATA(c), sizeof got);
    CHECK(close(got) == 0);
  }
  return n;
}

/* MSG_WAITALL: a descriptor that comes later is not lost, and one that is there ends the call. */
static void all_with_descriptors(void) {
  int fd[2];
  bool descriptor;
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
  CHECK(write(fd[1], "0123456789", 10) == 10);
  struct other o = {.act = sends_descriptor, .fd = fd[1], .to = fd[0]};
  begin(&o);
  about_to_wait(&o);
  CHECK(receive_all(fd[0], &descriptor) == 20 && descriptor);
  join(&o);
  send_with_descriptor(fd[1], "0123456789");
  send_with_descriptor(fd[1], "0123456789");
  for (int i = 0; i < 2; i++) CHECK(receive_all(fd[0], &descriptor) == 10 && descriptor);
  close(fd[0]);
  close(fd[1]);
}

static void resets(struct other *o) {
  struct linger now = {.l_onoff = 1};
  if (o->to >= 0) until(took_all, o);
  CHECK(setsockopt(o->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0 && close(o->fd) == 0);
}

/* MSG_WAITALL: a reset behind a part is the next call's, there already or not. */
static void all_before_a_reset(bool there) {
  int fd[2];
  char b[10];
  tcp_pair(fd);
  CHECK(write(fd[1], "01234", 5) == 5);
  struct other o = {.act = resets, .fd = fd[1], .to = there ? -1 : fd[0]};
  begin(&o);
  struct pollfd p = {.fd = fd[0]};
  if (there) CHECK(poll(&p, 1, -1) == 1 && (p.revents & POLLERR));
  about_to_wait(&o);
  CHECK(recv(fd[0], b, 10, MSG_WAITALL) == 5 && memcmp(b, "01234", 5) == 0);
  CHECK(recv(fd[0], b, 10, 0) == -1 && errno == ECONNRESET);
  CHECK(recv(fd[0], b, 10, 0) == 0);
  join(&o);
  close(fd[0]);
}

static void sends_the_rest(struct other *o) {
  until(took_all, o);
  CHECK(write(o->fd, "56789", 5) == 5);
}

/* A time stamp on the error queue is no error, though poll has one word for both. */
static void all_beside_a_stamp(void) {
  int fd[2], on = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  char b[10];
  tcp_pair(fd);
  /* Where the kernel has none, it is a socket like any other. */
  (void)setsockopt(fd[0], SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof on);
  CHECK(write(fd[0], "!", 1) == 1 && read(fd[1], b, 1) == 1);
  CHECK(write(fd[1], "01234", 5) == 5);
  struct other o = {.act = sends_the_rest, .fd = fd[1], .to = fd[0]};
  begin(&o);
  about_to_wait(&o);
  CHECK(recv(fd[0], b, 10, MSG_WAITALL) == 10 && memcmp(b, "0123456789", 10) == 0);
  join(&o);
  close(fd[0]);
  close(fd[1]);
}

/* Nor does it pass an urgent byte, there already or not. */
static void all_to_the_mark(bool there) {
  int fd[2];
  char b[10];
  tcp_pair(fd);
  CHECK(write(fd[1], "abc", 3) == 3 && send(fd[1], "!", 1, MSG_OOB) == 1);
  CHECK(write(fd[1], "def", 3) == 3);
  struct pollfd p = {.fd = fd[0], .events = POLLPRI};
  if (there) CHECK(poll(&p, 1, -1) == 1);
  CHECK(recv(fd[0], b, 6, MSG_WAITALL) == 3 && memcmp(b, "abc", 3) == 0);
  CHECK(recv(fd[0], b, 3, MSG_WAITALL) == 3 && memcmp(b, "def", 3) == 0);
  close(fd[0]);
  close(fd[1]);
}

/* The other side of a terminal goes: EIO to who waits, and the end to who comes later. */
static void terminal_hangs_up(void) {
  char b[10];
  struct termios t;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
  CHECK(fd >= 0 && tcgetattr(fd, &t) == 0);
  cfmakeraw(&t);
  CHECK(tcsetattr(fd, TCSANOW, &t) == 0);
  struct other o = {.act = closes, .fd = master};
  begin(&o);
  about_to_wait(&o);
  CHECK(read(fd, b, sizeof b) == -1 && errno == EIO);
  CHECK(read(fd, b, sizeof b) == 0);
  join(&o);
  close(fd);
}

static bool connecting(int fd) {
  struct tcp_info info;
  socklen_t len = sizeof info;
  CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
  return info.tcpi_state == TCP_SYN_SENT;
}

/* The first call's time is over; the second finds it under way. */
static void connects_twice(void) {
  struct sockaddr_in a;
  int l = bound(SOCK_STREAM, &a), waiting[8], n = 0;
  CHECK(listen(l, 0) == 0);
  for (bool full = false; !full;) { /* those that the backlog takes, and one more */
    CHECK(n < 8);
    int fd = waiting[n++] = socket(AF_INET, SOCK_STREAM, 0);
    limit(fd, SO_SNDTIMEO, 30);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) continue;
    CHECK(errno == EINPROGRESS);
    /* or the machine was slow: then it has connected since */
    full = connect(fd, (struct sockaddr *)&a, sizeof a) == -1 && errno == EALREADY;
    CHECK(full || !connecting(fd));
  }
  while (n > 0) close(waiting[--n]);
  close(l);
}

/* The queue that is full is the other's. */
static void full_queue(void) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "mallow-alike-%d", getpid());
  int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
  CHECK(bind(to, (struct sockaddr *)&a, sizeof a) == 0);
  while (sendto(from, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a) == 1) {
  }
  CHECK(errno == EAGAIN);
  limit(from, SO_SNDTIMEO, 20);
  CHECK(sendto(from, "x", 1, 0, (struct sockaddr *)&a, sizeof a) == -1 && errno == EAGAIN);
  limit(from, SO_SNDTIMEO, 0);
  struct other o = {.act = takes_one, .fd = to};
  begin(&o);
  about_to_wait(&o);
  CHECK(sendto(from, "x", 1, 0, (struct sockaddr *)&a, sizeof a) == 1);
  join(&o);
  close(to);
  close(from);
}

/* Once the first datagram has been taken: an answer says that nobody is there. */
static void is_refused(struct other *o) {
  until(took_all, o);
  CHECK(send(o->fd, "x", 1, 0) == 1);
}

static void error_after_a_datagram(void) {
  struct sockaddr_in here, there;
  int fd = bound(SOCK_DGRAM, &here), peer = bound(SOCK_DGRAM, &there);
  char b[2][10];
  struct iovec v[2] = {{b[0], 10}, {b[1], 10}};
  struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &v[0], .msg_iovlen = 1}},
                         {.msg_hdr = {.msg_iov = &v[1], .msg_iovlen = 1}}};
  CHECK(connect(fd, (struct sockaddr *)&there, sizeof there) == 0);
  CHECK(sendto(peer, "abc", 3, 0, (struct sockaddr *)&here, sizeof here) == 3);
  close(peer);
  struct other o = {.act = is_refused, .fd = fd, .to = fd};
  begin(&o);
  about_to_wait(&o);
  CHECK(recvmmsg(fd, m, 2, 0, NULL) == 1 && m[0].msg_len == 3);
  join(&o);
  CHECK(recv(fd, b[0], 10, 0) == -1 && errno == ECONNREFUSED);
  close(fd);
}

static void cases(struct other *unused) {
  (void)unused;
#define CASE(name, ...)                                                                            \
  current = #name #__VA_ARGS__;                                                                    \
  name(__VA_ARGS__)
  CASE(reset_while_sending, SOCK_STREAM);
  CASE(reset_while_sending, SOCK_SEQPACKET);
  CASE(shut_while_sending, SOCK_STREAM, stops_writing);
  CASE(shut_while_sending, SOCK_SEQPACKET, stops_writing);
  CASE(shut_while_sending, SOCK_STREAM, stops_reading);
  CASE(error_after_a_part);
  CASE(all_with_descriptors);
  CASE(all_before_a_reset, true);
  CASE(all_before_a_reset, false);
  CASE(all_beside_a_stamp);
  CASE(all_to_the_mark, true);
  CASE(all_to_the_mark, false);
  CASE(terminal_hangs_up);
  CASE(connects_twice);
  CASE(full_queue);
  CASE(error_after_a_datagram);
}

int main(int argc, char **argv) {
  if (argc == 3) {
    caller_late_ms = atoi(argv[1]);
    other_late_ms = atoi(argv[2]);
  }
  signal(SIGPIPE, on_pipe);
  struct other all = {.act = cases};
  begin(&all);
  join(&all);
  puts("ok");
  return 0;
}
