/* SPDX-License-Identifier: MIT */
/*
 * tests/net/blocking.c -- calls that block a thread do not block its processor
 *
 * On one processor most of these would hang for ever, if the goroutine that ends
 * the wait could not run beside the one that waits.
 */
#define _GNU_SOURCE 1
#include "net.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;
static mw_waitgroup *wg;
static char dir[] = "/tmp/mallow-net-XXXXXX";

static const char *in_dir(const char *name) {
  return mw_sprintf("%s/%s", dir, name);
}

/* ---- Locks: one goroutine waits for another ---------------------------- */

static void locker(task *t) {
  int fd = open(in_dir("lock"), O_RDWR | O_CREAT, 0600); /* its own open file */
  CHECK(fd >= 0);
  for (int64_t i = 0; i < t->n; i++) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    if (t->other)
      CHECK_EQ(fcntl(fd, F_OFD_SETLKW, &l), 0);
    else
      CHECK_EQ(flock(fd, LOCK_EX), 0);
    static int inside;
    CHECK_EQ(inside++, 0);
    mw_sleep(MS / 2); /* holding it, off the processor */
    CHECK_EQ(--inside, 0);
    l.l_type = F_UNLCK;
    if (t->other)
      CHECK_EQ(fcntl(fd, F_OFD_SETLK, &l), 0);
    else
      CHECK_EQ(flock(fd, LOCK_UN), 0);
  }
  close(fd);
}

static void locks(void) {
  for (int ofd = 0; ofd < 2; ofd++) {
    for (int i = 0; i < 5; i++) go_task(wg, locker, 0, ofd, 6);
    mw_waitgroup_wait(wg);
  }
}

/* ---- FIFOs ------------------------------------------------------------- */

static void fifo_reader(task *t) {
  int fd = open(in_dir("fifo"), O_RDONLY); /* waits for the writer */
  CHECK(fd >= 0);
  char c;
  while (read(fd, &c, 1) == 1) t->result++;
  close(fd);
}

static void fifos(void) {
  CHECK_EQ(mkfifo(in_dir("fifo"), 0600), 0);
  for (int i = 0; i < 5; i++) {
    task *t = go_task(wg, fifo_reader, 0, 0, 0);
    if (i % 2) let_others_park();
    int fd = open(in_dir("fifo"), O_WRONLY);
    CHECK(fd >= 0);
    for (int k = 0; k < 10; k++) {
      CHECK_EQ(write(fd, "x", 1), 1);
      if (k % 3 == 0) mw_sleep(MS / 4);
    }
    close(fd);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 10);
  }
}

/* ---- Children ---------------------------------------------------------- */

static void child_waiter(task *t) {
  char *argv[] = {"sh", "-c", mw_sprintf("sleep 0.0%d; exit %d", t->other % 5, t->other), NULL};
  pid_t pid;
  int status;
  CHECK_EQ(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), t->other);
}

static void children(void) {
  for (int i = 0; i < 6; i++) go_task(wg, child_waiter, 0, i, 0);
  mw_waitgroup_wait(wg);
  int status = system("exit 7");
  CHECK_EQ(WEXITSTATUS(status), 7);
  CHECK_FAILS(waitpid(-1, &status, 0), ECHILD);
  CHECK_FAILS(wait(&status), ECHILD);

  /* fork and exec, with descriptors on their way to the child's standard ones */
  for (int i = 0; i < 5; i++) {
    int p[2];
    char buf[16];
    CHECK_EQ(pipe(p), 0);
    pid_t pid = i % 2 ? fork() : vfork();
    if (pid == 0) {
      dup2(p[1], 1);
      close(p[0]);
      close(p[1]);
      execl("/bin/echo", "echo", "hello", (char *)NULL);
      _exit(9);
    }
    CHECK(pid > 0);
    close(p[1]);
    ssize_t n = read(p[0], buf, sizeof buf);
    CHECK_EQ(n, 6);
    CHECK_EQ(read(p[0], buf, sizeof buf), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    close(p[0]);
  }
}

/* A child closes its copies of descriptors that goroutines of ours wait for. */
static void one_reader(task *t) {
  char c;
  t->result = read(t->fd, &c, 1);
  t->error = errno;
}

static void child_closes(void) {
  for (int i = 0; i < 4; i++) {
    int fd[2], status;
    make_pair(i % 2 ? PAIR_TCP : PAIR_PIPE, fd);
    task *t = go_task(wg, one_reader, fd[1], 0, 0);
    let_others_park();
    pid_t pid = i / 2 ? fork() : vfork();
    if (pid == 0) {
      close(fd[1]);
      _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(write(fd[0], "x", 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);
    close(fd[0]);
    close(fd[1]);
  }
}

/* ---- Files and names --------------------------------------------------- */

static void file_user(task *t) {
  int fd = open(in_dir(mw_sprintf("file%d", t->other)), O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0);
  char buf[1000], in[1000];
  for (int64_t i = 0; i < t->n; i++) {
    memset(buf, (int)i + t->other, sizeof buf);
    CHECK_EQ(write(fd, buf, sizeof buf), sizeof buf);
    CHECK_EQ(pread(fd, in, sizeof in, i * (off_t)sizeof buf), sizeof in);
    CHECK(memcmp(buf, in, sizeof in) == 0);
  }
  CHECK_EQ(fsync(fd), 0);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  for (int64_t i = 0; i < t->n; i++) {
    CHECK_EQ(read(fd, in, sizeof in), sizeof in);
    CHECK_EQ((unsigned char)in[5], (unsigned char)((int)i + t->other));
  }
  CHECK_EQ(read(fd, in, sizeof in), 0);
  CHECK_EQ(close(fd), 0);
}

static void name_user(task *t) {
  for (int64_t i = 0; i < t->n; i++) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *a = NULL;
    CHECK_EQ(getaddrinfo("127.0.0.1", "80", &hints, &a), 0);
    CHECK(a != NULL);
    char host[100], service[100];
    CHECK_EQ(getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, service, sizeof service,
                         NI_NUMERICHOST | NI_NUMERICSERV),
             0);
    CHECK(strcmp(host, "127.0.0.1") == 0);
    freeaddrinfo(a);
  }
}

static void files_and_names(void) {
  for (int i = 0; i < 8; i++) {
    go_task(wg, file_user, 0, i, 100);
    go_task(wg, name_user, 0, 0, 10);
  }
  mw_waitgroup_wait(wg);
  FILE *f = fopen(in_dir("stdio"), "w+");
  CHECK(f != NULL);
  fprintf(f, "a line\n");
  rewind(f);
  char line[20];
  CHECK(fgets(line, sizeof line, f) != NULL && strcmp(line, "a line\n") == 0);
  CHECK_EQ(fclose(f), 0);
}

/* ---- Numbers that are used again where nobody sees it ------------------- */

static void unseen(void) {
  for (int i = 0; i < 6; i++) {
    int fd[2];
    make_pair(PAIR_PIPE, fd);
    task *t = go_task(wg, one_reader, fd[1], 0, 0);
    let_others_park();
    CHECK_EQ(write(fd[0], "x", 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);
    FILE *f = fdopen(fd[1], "r"); /* registered with the poller */
    if (i % 2)
      CHECK_EQ(fclose(f), 0);
    else
      syscall(3 /* SYS_close */, fd[1]); /* and closed behind its back */
    FILE *p = popen("read x </dev/null; echo $x; sleep 0.01; echo $x", "r"); /* takes the number */
    CHECK(p != NULL);
    pclose(p);
    int next[2];
    make_pair(i % 3 ? PAIR_TCP : PAIR_UNIX, next);
    t = go_task(wg, one_reader, next[1], 0, 0);
    let_others_park();
    CHECK_EQ(write(next[0], "y", 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);
    close(next[0]);
    close(next[1]);
    close(fd[0]);
  }
  FILE *p = popen("sleep 0.02; echo yes", "r");
  char c;
  CHECK_EQ(read(fileno(p), &c, 1), 1);
  CHECK_EQ(c, 'y');
  pclose(p);
  p = popen("sleep 0.02; echo no", "r");
  CHECK_EQ(read(fileno(p), &c, 1), 1);
  CHECK_EQ(c, 'n');
  pclose(p);
}

/* ---- Threads of the program's own, and handlers ------------------------- */

static void *thread(void *arg) {
  int *fd = arg;
  char c;
  for (int i = 0; i < 200; i++) {
    CHECK_EQ(read(fd[1], &c, 1), 1);
    mw_new(int); /* attached from here on */
    CHECK_EQ(write(fd[1], &c, 1), 1);
  }
  return NULL;
}

static void threads(void) {
  enum { N = 4 };
  pthread_t id[N];
  int fd[N][2];
  for (int i = 0; i < N; i++) {
    make_pair(i % 2 ? PAIR_TCP : PAIR_UNIX, fd[i]);
    CHECK_EQ(pthread_create(&id[i], NULL, thread, fd[i]), 0);
  }
  for (int k = 0; k < 200; k++) {
    char c = (char)k;
    for (int i = 0; i < N; i++) CHECK_EQ(write(fd[i][0], &c, 1), 1);
    for (int i = 0; i < N; i++) CHECK_EQ(read(fd[i][0], &c, 1), 1);
  }
  for (int i = 0; i < N; i++) {
    CHECK_EQ(pthread_join(id[i], NULL), 0);
    close(fd[i][0]);
    close(fd[i][1]);
  }
}

static int self_pipe[2];

static void on_alarm(int sig) {
  (void)sig;
  int saved = errno;
  if (write(self_pipe[1], "!", 1) != 1) _exit(3);
  errno = saved;
}

static void handlers(void) {
  CHECK_EQ(pipe(self_pipe), 0);
  signal(SIGUSR1, on_alarm);
  for (int i = 0; i < 100; i++) {
    char c;
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(read(self_pipe[0], &c, 1), 1);
    CHECK_EQ(c, '!');
  }
  close(self_pipe[0]);
  close(self_pipe[1]);
}

static const struct check_case cases[] = {
    {"locks", locks},
    {"fifos", fifos},
    {"children", children},
    {"child_closes", child_closes},
    {"files_and_names", files_and_names},
    {"unseen", unseen},
    {"threads", threads},
    {"handlers", handlers},
};

int main(int argc, char **argv) {
  check_start();
  CHECK(mkdtemp(dir) != NULL);
  wg = mw_new(mw_waitgroup);
  int status = CHECK_CASES(cases, argc, argv);
  CHECK_EQ(system(mw_sprintf("rm -r %s", dir)), 0);
  return status;
}
