/* SPDX-License-Identifier: MIT */
/*
 * tests/api/edges.c -- every function of mallow.h with NULL, negative, huge and wrong arguments
 *
 *     edges          each row of the table, in a process of its own
 *     edges ROW      one
 *
 * A row ends as the header says: with its message and status 2, with the report of an access
 * through NULL and SIGSEGV, or with a result, after which the heap is checked and collected.
 * What tests/sched/misuse.c and tests/gc have is not here again.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mallow.h>

extern char **environ;

typedef struct node {
  struct node *next;
  unsigned long check;
} node;
static node *list;

static volatile uintptr_t zero;
#define NUL(T) ((T)zero) /* a NULL that the compiler knows nothing of */
#define HERE ((void *)((uintptr_t)__builtin_frame_address(0) + zero))
#define EXPECT(x)                                                                                  \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      printf("line %d: %s does not hold (errno %d)\n", __LINE__, #x, errno);                       \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)
#define FAILS(error, x) /* with that errno */                                                      \
  do {                                                                                             \
    errno = 0;                                                                                     \
    EXPECT((x) == -1);                                                                             \
    EXPECT(errno == (error));                                                                      \
  } while (0)

static void nothing(void *a) {
  (void)a;
}
static void nothing2(void *a, void *b) {
  (void)a, (void)b;
}
static void churn(void) {
  for (int i = 0; i < 20000; i++) list->next->check += *(char *)mw_alloc(100);
}
static void *ends(void *a) {
  mw_goexit();
  return a;
}
static void unlocks(void *ch) {
  mw_thread_unlock();
  mw_chan_send((mw_chan *)ch, 1);
}
static int null_file(int flags) {
  return open("/dev/null", flags);
}
struct flexible {
  int n;
  long at[];
};

static const char nil[] = "invalid memory address or nil pointer dereference";

/* ROW(name, message or NULL, what it does).  With a message it ends there. */
#define ROWS                                                                                       \
  ROW(alloc_all, "mw_alloc(18446744073709551615): size out of range", mw_alloc(SIZE_MAX))          \
  ROW(alloc_much, "out of memory: cannot allocate 70368744177664 bytes", mw_alloc(1ul << 46))      \
  ROW(noscan_all, "mw_alloc_noscan(18446744073709551608): size out of range",                      \
      mw_alloc_noscan((size_t)-8))                                                                 \
  ROW(make_negative, "mw_make(struct node, 18446744073709551615): size out of range",              \
      mw_keep_alive(mw_make(node, -1)))                                                            \
  ROW(flex_negative, "mw_new_flex(struct flexible, 18446744073709551615): size out of range",      \
      mw_keep_alive(mw_new_flex(struct flexible, at, -1)))                                         \
  ROW(strdup_null, "mw_strdup(NULL)", mw_strdup(NUL(char *)))                                      \
  ROW(sprintf_null, "mw_sprintf: the format is NULL", mw_sprintf(NUL(char *)))                     \
  ROW(realloc_all, "18446744073709551615): size out of range", mw_realloc(list, SIZE_MAX))         \
  ROW(realloc_inside, "not the start of a collected object", mw_realloc(&list->check, 64))         \
  ROW(realloc_foreign, "not the start of a collected object", mw_realloc(HERE, 64))                \
  ROW(realloc_zero, NULL, EXPECT(mw_realloc(list, 0) == mw_alloc(0)))                              \
  ROW(keep_null, NULL, mw_keep_alive(NULL))                                                        \
  ROW(root_null, "mw_root_add((nil), 8): no memory there", mw_root_add(NULL, 8))                   \
  ROW(root_over, "mw_root_add(0x8, 18446744073709551615): no memory", mw_root_add((void *)8, -1))  \
  ROW(root_empty, NULL, mw_root_add((void *)&zero, 0); mw_root_remove((void *)&zero))              \
  ROW(root_remove_null, "mw_root_remove((nil)): not added", mw_root_remove(NULL))                  \
  ROW(root_remove_twice, "): not added", mw_root_add((void *)&zero, 8);                            \
      mw_root_add((void *)&zero, 8); mw_root_remove((void *)&zero); mw_root_remove((void *)&zero); \
      mw_gc(); mw_root_remove((void *)&zero))                                                      \
  ROW(handle_null, NULL, mw_handle h = mw_handle_new(NULL); EXPECT(h && !mw_handle_get(h));        \
      mw_handle_free(h))                                                                           \
  ROW(handle_zero, "mw_handle_get(0x0): not a live handle", mw_handle_get(0))                      \
  ROW(handle_large, "mw_handle_free(0xffffffffffffffff): not a live handle", mw_handle_free(-1))   \
  ROW(handle_twice, "mw_handle_free(0x1): not a live handle", mw_handle h = mw_handle_new(list);   \
      mw_handle_free(h); mw_handle_free(h))                                                        \
  ROW(finalizer_null, "mw_set_finalizer: pointer (nil) is not to a collected object",              \
      mw_set_finalizer(NULL, nothing2, NULL))                                                      \
  ROW(finalizer_remove_null, "mw_set_finalizer: pointer (nil) is not to a collected object",       \
      mw_set_finalizer(NULL, NULL, NULL))                                                          \
  ROW(finalizer_inside, "is not at the beginning of its object",                                   \
      mw_set_finalizer(&list->check, nothing2, NULL))                                              \
  ROW(finalizer_remove_none, NULL, mw_set_finalizer(list, NULL, NULL))                             \
  ROW(cleanup_null, "mw_add_cleanup: pointer (nil) is not to a collected object",                  \
      mw_add_cleanup(NULL, nothing, NULL))                                                         \
  ROW(cleanup_no_function, "mw_add_cleanup: no function", mw_add_cleanup(list, NULL, NULL))        \
  ROW(cleanup_stop_none, NULL, mw_cleanup_stop((mw_cleanup){0, 0});                                \
      mw_cleanup_stop((mw_cleanup){~0ul, ~0ul});                                                   \
      mw_cleanup_stop((mw_cleanup){77, ~(uintptr_t)list}))                                         \
  ROW(cleanup_stop_twice, NULL, mw_cleanup c = mw_add_cleanup(list, nothing, NULL);                \
      mw_cleanup_stop(c); mw_cleanup_stop(c))                                                      \
  ROW(weak_null, NULL, EXPECT(!mw_weak_make(NULL) && !mw_weak_get(NULL)))                          \
  ROW(weak_foreign, "mw_weak_make: pointer ", mw_weak_make((void *)(zero + 4096)))                 \
  ROW(no_bytes, NULL, void *p = mw_alloc(0); mw_set_finalizer(p, nothing2, NULL);                  \
      mw_set_finalizer(p, nothing2, NULL); mw_cleanup_stop(mw_add_cleanup(p, nothing, NULL));      \
      mw_weak w = mw_weak_make(p); mw_gc(); EXPECT(w == mw_weak_make(mw_make(node, 0)));           \
      EXPECT(mw_weak_get(w) == p))                                                                 \
  ROW(go_null, "go of nil func value", mw_go(NULL, NULL))                                          \
  ROW(go_stack_null, "go of nil func value", mw_go_stack(NULL, NULL, 0))                           \
  ROW(go_stack_zero, NULL, mw_go_stack(nothing, NULL, 0))                                          \
  ROW(go_stack_all, "mw_go_stack: 18446744073709551615 bytes asked, the limit is 1073741824",      \
      mw_go_stack(nothing, NULL, SIZE_MAX))                                                        \
  ROW(sleep_negative, NULL, mw_sleep(INT64_MIN))                                                   \
  ROW(goexit_thread, "mw_goexit called on a thread that is not a goroutine", pthread_t t;          \
      pthread_create(&t, NULL, ends, NULL); pthread_join(t, NULL))                                 \
  ROW(procs, NULL, int n = mw_set_max_procs(INT_MIN); EXPECT(mw_set_max_procs(0) == n);            \
      EXPECT(mw_set_max_procs(INT_MAX) == n); EXPECT(mw_set_max_procs(1) == 1024))                 \
  ROW(threads, NULL, EXPECT(mw_set_max_threads(INT_MIN) == 10000);                                 \
      EXPECT(mw_set_max_threads(INT_MAX) == 10000); EXPECT(mw_set_max_threads(-1) == 131072))      \
  ROW(max_stack, NULL, EXPECT(mw_set_max_stack(0) == 1 << 30);                                     \
      EXPECT(mw_set_max_stack(SIZE_MAX) == 1 << 30); EXPECT(mw_set_max_stack(1) == 1 << 30);       \
      EXPECT(mw_set_max_stack(0) == 32768); mw_go(nothing, NULL); mw_yield())                      \
  ROW(thread_unlock, NULL, mw_thread_unlock(); mw_thread_lock(); mw_thread_unlock();               \
      mw_thread_unlock())                                                                          \
  ROW(thread_unlock_other, NULL, mw_chan *c = mw_chan_make(int, 0); mw_thread_lock();              \
      pthread_t me = pthread_self(); mw_go(unlocks, c); mw_chan_recv(c, NULL);                     \
      EXPECT(pthread_equal(me, pthread_self())); mw_thread_unlock())                               \
  ROW(chan_negative, "makechan: size out of range: 18446744073709551615", mw_chan_make(int, -1))   \
  ROW(chan_null, NULL, mw_chan *c = NULL; EXPECT(!mw_chan_len(c) && !mw_chan_cap(c));              \
      EXPECT(!mw_chan_try_send(c, 1)); EXPECT(mw_chan_try_recv(c, NULL) == -1))                    \
  ROW(select_negative, "select: -1 cases", mw_select(NULL, -1))                                    \
  ROW(select_try_negative, "select: -2147483648 cases", mw_try_select(NULL, INT_MIN))              \
  ROW(select_many, "select: 65537 cases", mw_select(NULL, 65537))                                  \
  ROW(select_null, "select: 1 cases at NULL", mw_select(NULL, 1))                                  \
  ROW(select_try_none, NULL, EXPECT(mw_try_select(NULL, 0) == -1))                                 \
  ROW(select_no_value, "select: a case sends, and has no value",                                   \
      mw_case c = mw_case_send(mw_chan_make(long, 1), (long *)NULL);                               \
      mw_select(&c, 1))                                                                            \
  ROW(mutex_null, nil, mw_mutex_lock(NUL(mw_mutex *)))                                             \
  ROW(mutex_unlock_null, nil, mw_mutex_unlock(NUL(mw_mutex *)))                                    \
  ROW(mutex_try_null, nil, mw_mutex_trylock(NUL(mw_mutex *)))                                      \
  ROW(rlock_null, nil, mw_rwmutex_rlock(NUL(mw_rwmutex *)))                                        \
  ROW(runlock_null, nil, mw_rwmutex_runlock(NUL(mw_rwmutex *)))                                    \
  ROW(rwlock_null, nil, mw_rwmutex_lock(NUL(mw_rwmutex *)))                                        \
  ROW(rwunlock_null, nil, mw_rwmutex_unlock(NUL(mw_rwmutex *)))                                    \
  ROW(waitgroup_null, nil, mw_waitgroup_wait(NUL(mw_waitgroup *)))                                 \
  ROW(waitgroup_add_null, nil, mw_waitgroup_add(NUL(mw_waitgroup *), 1))                           \
  ROW(waitgroup_over, "sync: negative WaitGroup counter", mw_waitgroup g = {0};                    \
      mw_waitgroup_add(&g, INT_MAX); mw_waitgroup_add(&g, 1))                                      \
  ROW(waitgroup_least, "sync: negative WaitGroup counter", mw_waitgroup g = {0};                   \
      mw_waitgroup_add(&g, INT_MIN))                                                               \
  ROW(once_null, nil, mw_once_do(NUL(mw_once *), nothing, NULL))                                   \
  ROW(once_no_function, "mw_once_do: no function", mw_once o = {0}; mw_once_do(&o, NULL, NULL))    \
  ROW(cond_null, nil, mw_mutex m = {0}; mw_mutex_lock(&m); mw_cond_wait(NUL(mw_cond *), &m))       \
  ROW(cond_no_mutex, nil, mw_cond c = {0}; mw_cond_wait(&c, NUL(mw_mutex *)))                      \
  ROW(cond_unlocked, "sync: unlock of unlocked mutex", mw_cond c = {0}; mw_mutex m = {0};          \
      mw_cond_wait(&c, &m))                                                                        \
  ROW(signal_null, nil, mw_cond_signal(NUL(mw_cond *)))                                            \
  ROW(broadcast_null, nil, mw_cond_broadcast(NUL(mw_cond *)))                                      \
  ROW(sem_null, nil, mw_sem_acquire(NUL(mw_sem *)))                                                \
  ROW(sem_release_null, nil, mw_sem_release(NUL(mw_sem *)))                                        \
  ROW(sem_over, "mw_sem_release: the count is 4294967295 already", mw_sem s = {UINT32_MAX - 1};    \
      mw_sem_release(&s); mw_sem_acquire(&s); mw_sem_release(&s); mw_sem_release(&s))              \
  ROW(notify_null, "mw_signal_notify: the channel is NULL", mw_signal_notify(NULL, SIGUSR1))       \
  ROW(notify_zero, "mw_signal_notify: signal 0 cannot", mw_signal_notify(mw_chan_make(int, 1), 0)) \
  ROW(notify_libc, "mw_signal_notify: signal 33 cannot be caught",                                 \
      mw_signal_notify(mw_chan_make(int, 1), 33))                                                  \
  ROW(notify_large, "mw_signal_notify: signal 65 cannot be caught",                                \
      mw_signal_notify(mw_chan_make(int, 1), 65))                                                  \
  ROW(notify_ours, "mw_signal_notify: signal 23 cannot be caught",                                 \
      mw_signal_notify(mw_chan_make(int, 1), SIGURG))                                              \
  ROW(notify_twice, NULL, mw_chan *c = mw_chan_make(int, 4); mw_signal_notify(c, SIGUSR1);         \
      mw_signal_notify(c, SIGUSR1); raise(SIGUSR1); int got; mw_chan_recv(c, &got);                \
      EXPECT(got == SIGUSR1); mw_signal_stop(c); mw_signal_stop(c); EXPECT(!mw_chan_len(c)))       \
  ROW(notify_stop_null, NULL, mw_signal_stop(NULL))                                                \
  ROW(ignore_kill, "mw_signal_ignore: signal 9 cannot be caught", mw_signal_ignore(SIGKILL))       \
  ROW(ignore_negative, "mw_signal_ignore: signal -1 cannot be caught", mw_signal_ignore(-1))       \
  ROW(reset_least, "mw_signal_reset: signal -2147483648 cannot", mw_signal_reset(INT_MIN))         \
  ROW(timer_null, nil, mw_timer_stop(NUL(mw_timer *)))                                             \
  ROW(timer_reset_null, nil, mw_timer_reset(NUL(mw_timer *), 1))                                   \
  ROW(timer_far, NULL, mw_timer *t = mw_timer_new(INT64_MAX);                                      \
      EXPECT(mw_chan_try_recv(t->c, NULL) == -1); EXPECT(mw_timer_reset(t, INT64_MIN));            \
      int64_t at; EXPECT(mw_chan_recv(t->c, &at)); EXPECT(!mw_timer_stop(t)))                      \
  ROW(ticker_null, nil, mw_ticker_stop(NUL(mw_ticker *)))                                          \
  ROW(ticker_reset_null, nil, mw_ticker_reset(NUL(mw_ticker *), 1))                                \
  ROW(ticker_zero, "non-positive interval for mw_ticker_reset",                                    \
      mw_ticker_reset(mw_ticker_new(1), 0))                                                        \
  ROW(ticker_negative, "non-positive interval for mw_ticker_new", mw_ticker_new(INT64_MIN))        \
  ROW(pool_null, nil, mw_pool_get(NUL(mw_pool *)))                                                 \
  ROW(pool_put_null, nil, mw_pool_put(NUL(mw_pool *), list))                                       \
  ROW(pool_nothing, NULL, static mw_pool p; mw_pool_put(&p, NULL); EXPECT(!mw_pool_get(&p)))       \
  ROW(percent, NULL, EXPECT(mw_set_gc_percent(INT_MIN) == 100);                                    \
      EXPECT(mw_set_gc_percent(INT_MAX) == -1); churn(); EXPECT(mw_set_gc_percent(0) == INT_MAX);  \
      churn())                                                                                     \
  ROW(limit, NULL, EXPECT(mw_set_memory_limit(INT64_MIN) == INT64_MAX);                            \
      EXPECT(mw_set_memory_limit(INT64_MAX - 1) == INT64_MAX); churn();                            \
      EXPECT(mw_set_memory_limit(0) == INT64_MAX - 1); churn())                                    \
  ROW(stats_null, nil, mw_read_mem_stats(NUL(mw_mem_stats *)))                                     \
  ROW(print_nowhere, NULL, mw_print_goroutines(-1); mw_print_goroutines(INT_MAX))                  \
  ROW(dump_nowhere, NULL, FAILS(EBADF, mw_heap_dump(-1)); FAILS(EBADF, mw_heap_dump(INT_MIN));     \
      FAILS(EBADF, mw_heap_dump(null_file(O_RDONLY)));                                             \
      FAILS(ENOSPC, mw_heap_dump(open("/dev/full", O_WRONLY))))                                    \
  ROW(profile_null, NULL, FAILS(EINVAL, mw_pprof_write(NULL, null_file(O_WRONLY), 0));             \
      FAILS(EINVAL, mw_pprof_write(NULL, null_file(O_WRONLY), 2));                                 \
      FAILS(EBADF, mw_pprof_write(NULL, -1, 0)))                                                   \
  ROW(profile_wrong, NULL, FAILS(ENOENT, mw_pprof_write("", null_file(O_WRONLY), 0));              \
      FAILS(ENOENT, mw_pprof_write("cpu", null_file(O_WRONLY), 0));                                \
      FAILS(EINVAL, mw_pprof_write("heap", null_file(O_WRONLY), INT_MIN));                         \
      FAILS(EBADF, mw_pprof_write("heap", null_file(O_RDONLY), 0));                                \
      EXPECT(mw_pprof_write("heap", null_file(O_WRONLY), INT_MAX) == 0))                           \
  ROW(rates, NULL, EXPECT(mw_set_mem_profile_rate(INT_MIN) == 524288); churn();                    \
      EXPECT(mw_set_mem_profile_rate(INT_MAX) <= 0); churn();                                      \
      EXPECT(mw_set_block_profile_rate(INT_MIN) == 0);                                             \
      EXPECT(mw_set_block_profile_rate(INT_MAX) == 0); mw_sleep(1);                                \
      EXPECT(mw_set_mutex_profile_fraction(INT_MIN) == 0);                                         \
      EXPECT(mw_set_mutex_profile_fraction(INT_MAX) == 0);                                         \
      EXPECT(mw_set_mutex_profile_fraction(-1) == INT_MAX))                                        \
  ROW(cpu, NULL, FAILS(EBADF, mw_pprof_start_cpu(-1)); FAILS(EINVAL, mw_pprof_stop_cpu());         \
      int fd = null_file(O_WRONLY); EXPECT(mw_pprof_start_cpu(fd) == 0);                           \
      FAILS(EBUSY, mw_pprof_start_cpu(fd)); close(fd); FAILS(EBADF, mw_pprof_stop_cpu());          \
      FAILS(EINVAL, mw_pprof_stop_cpu()))                                                          \
  ROW(serve, NULL, FAILS(EINVAL, mw_debug_serve(NULL)); FAILS(EINVAL, mw_debug_serve(""));         \
      FAILS(EINVAL, mw_debug_serve(":99999")); FAILS(EINVAL, mw_debug_serve("localhost:-1"));      \
      FAILS(EINVAL, mw_debug_serve("example.org:1")))

#define ROW(name, message, ...)                                                                    \
  static void do_##name(void) {                                                                    \
    __VA_ARGS__;                                                                                   \
  }
ROWS
#undef ROW

    static const struct {
  const char *name, *message;
  void (*fn)(void);
} table[] = {
#define ROW(name, message, ...) {#name, message, do_##name},
    ROWS
#undef ROW
};
enum { N = sizeof table / sizeof table[0] };

static int one(int i) {
  for (unsigned long k = 0; k < 100; k++) {
    node *n = mw_new(node);
    n->check = k;
    n->next = list;
    list = n;
  }
  mw_go(nothing, NULL); /* so that deadlocks, stops and processors are what they are elsewhere */
  table[i].fn();
  list->next->check = 98;
  mw_gc();
  churn();
  list->next->check = 98;
  unsigned long k = 100;
  for (node *n = list; n; n = n->next) EXPECT(n->check == --k);
  EXPECT(k == 0);
  puts("went on");
  return 0;
}

/* In a process of its own. */
static int run(char *self, int i) {
  char *const argv[] = {self, (char *)(uintptr_t)table[i].name, NULL};
  int p[2], status;
  pid_t pid;
  posix_spawn_file_actions_t actions;
  if (pipe2(p, O_CLOEXEC)) return perror("pipe"), 1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, p[1], 1);
  posix_spawn_file_actions_adddup2(&actions, p[1], 2);
  errno = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
  if (errno) return perror("posix_spawn"), 1;
  close(p[1]);
  FILE *f = fdopen(p[0], "r");
  static char text[65536];
  size_t n = fread(text, 1, sizeof text - 1, f);
  text[n] = 0;
  fclose(f);
  waitpid(pid, &status, 0);
  bool on = strstr(text, "went on"), by_signal = table[i].message == nil, good;
  if (!table[i].message)
    good = on && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  else
    good = !on && strstr(text, table[i].message) && strstr(text, "fatal error: ") &&
           (by_signal ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV
                      : WIFEXITED(status) && WEXITSTATUS(status) == 2);
  if (!good) printf("FAIL: %s: status %x\n%s\n", table[i].name, (unsigned)status, text);
  return !good;
}

int main(int argc, char **argv) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  int bad = 0;
  for (int i = 0; i < N; i++)
    if (argc < 2)
      bad |= run(argv[0], i);
    else if (strcmp(argv[1], table[i].name) == 0)
      return one(i);
  if (argc < 2 && !bad) puts("ok");
  return bad || argc > 1;
}
