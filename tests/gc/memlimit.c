/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/memlimit.c -- GOMEMLIMIT holds, or the program goes on without
 *
 *     memlimit holds LIVE_MB GARBAGE_MB [stalls]    never more than 2 % above the limit
 *     memlimit large LIVE_MB GARBAGE_MB [stalls]    the same with objects of 1 MB
 *     memlimit beyond LIVE_MB GARBAGE_MB [stalls]   the live heap alone is larger: no death spiral
 *     memlimit stacks N KB AT_ONCE HEAP_MB          N goroutines, parked after a call so deep
 *     memlimit deep N KB AT_ONCE HEAP_MB            the same, parked in it: above the limit
 *     memlimit changes ROUNDS                       the limit changes under those who wait for it
 *     memlimit kernel                               print the limit in force
 *
 * The limit is GOMEMLIMIT's, or what the kernel's was taken for.  Two goroutines
 * replace parts of the live heap, in sizes that fragment it, and write large
 * buffers; a third reads what the runtime holds.  In the end the kernel says
 * what was resident, in small pages: huge ones, which some machines give to all
 * programs, are made resident whole, and this program has none.  With stalls, threads of the
 * runtime lose their CPU for 15 ms one after the other, as on a busy machine: a handler sleeps
 * there.
 */
#define _GNU_SOURCE 1
#include <mallow.h>

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(x, ...)                                                                              \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "%s:%d: %s is false: ", __FILE__, __LINE__, #x);                             \
      fprintf(stderr, __VA_ARGS__);                                                                \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

typedef struct object {
  struct object *next;
  size_t payload; /* bytes behind */
} object;
enum { CHAIN = 16, CHAIN_BYTES = 2200, BUFFER = 48 << 10, BUFFER_EVERY = 20 };

static object *chain(uint64_t seed) {
  static const size_t sizes[] = {24, 32, 48, 64, 96, 160, 256, 400};
  object *first = NULL;
  for (int i = 0; i < CHAIN; i++) {
    size_t bytes = sizes[(seed + (uint64_t)i) % 8];
    object *o = mw_alloc(bytes);
    *o = (object){first, bytes - sizeof *o};
    first = o;
  }
  return first;
}

static object **table;
static size_t nchains;
static mw_waitgroup working;

struct part {
  size_t from, n, replaced;
  uint64_t random;
};

static void replace(void *arg) {
  struct part *p = arg;
  for (size_t i = 0; i < p->replaced; i++) {
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    table[p->from + (p->random >> 33) % p->n] = chain(p->random >> 40);
    if (i % BUFFER_EVERY == 0) memset(mw_alloc_noscan(BUFFER), 1, BUFFER);
  }
  mw_waitgroup_done(&working);
}

/* ---- Objects of 1 MB --------------------------------------------------- */

enum { LARGE = 1000000, LARGE_WORKERS = 4 };
static unsigned char **buffers;

static void replace_large(void *arg) {
  struct part *p = arg;
  for (size_t i = 0; i < p->replaced; i++) {
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    unsigned char *b = mw_alloc_noscan(LARGE);
    memset(b, (int)(i % 255 + 1), LARGE);
    buffers[p->from + (p->random >> 33) % p->n] = b;
  }
  mw_waitgroup_done(&working);
}

/* ---- Stalls ------------------------------------------------------------ */

static void lose_the_cpu(int signal) {
  (void)signal;
  static const struct timespec while_ = {0, 15000000};
  syscall(SYS_nanosleep, &while_, NULL);
}

static void *stall(void *unused) {
  (void)unused;
  unsigned seed = 1;
  int self = (int)syscall(SYS_gettid);
  for (;;) {
    static const struct timespec between = {0, 10000000};
    syscall(SYS_nanosleep, &between, NULL);
    DIR *d = opendir("/proc/self/task");
    int tid = 0, n = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
      int t = atoi(e->d_name);
      if (t > 0 && t != self && rand_r(&seed) % (unsigned)++n == 0)
        tid = t; /* any, equally likely */
    }
    if (d) closedir(d);
    if (tid) syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
  }
  return NULL;
}

static void start_stalls(void) {
  struct sigaction a = {.sa_handler = lose_the_cpu, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &a, NULL);
  pthread_t t;
  CHECK(pthread_create(&t, NULL, stall, NULL) == 0, "\n");
}

/* ---- What is held ------------------------------------------------------ */

static uint64_t most_held;
static _Atomic bool stop;
static mw_waitgroup sampling;

static void sample(void *unused) {
  (void)unused;
  static mw_mem_stats s;
  while (!stop) {
    mw_read_mem_stats(&s);
    if (s.sys - s.heap_released > most_held) most_held = s.sys - s.heap_released;
    mw_sleep(1000000);
  }
  mw_waitgroup_done(&sampling);
}

static uint64_t status_kb(const char *name) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[256];
  uint64_t kb = 0;
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, name, strlen(name)) == 0) kb = strtoull(line + strlen(name), NULL, 10);
  if (f) fclose(f);
  return kb;
}

static void run(size_t live_mb, size_t garbage_mb) {
  nchains = (live_mb << 20) / CHAIN_BYTES;
  table = mw_make(object *, nchains);
  mw_waitgroup_add(&sampling, 1);
  mw_go(sample, NULL);
  for (size_t i = 0; i < nchains; i++) table[i] = chain(i);
  mw_waitgroup_add(&working, 2);
  for (size_t i = 0; i < 2; i++) {
    struct part *p = mw_new(struct part);
    *p = (struct part){nchains / 2 * i, nchains / 2,
                       (garbage_mb << 20) / (CHAIN_BYTES + BUFFER / BUFFER_EVERY) / 2, i};
    mw_go(replace, p);
  }
  mw_waitgroup_wait(&working);
  stop = true;
  mw_waitgroup_wait(&sampling);
  size_t objects = 0;
  for (size_t i = 0; i < nchains; i++)
    for (object *o = table[i]; o; o = o->next) objects++;
  CHECK(objects == nchains * CHAIN, "%zu objects\n", objects);
}

static void run_large(size_t live_mb, size_t garbage_mb) {
  size_t n = (live_mb << 20) / LARGE / LARGE_WORKERS;
  buffers = mw_make(unsigned char *, n *LARGE_WORKERS);
  mw_waitgroup_add(&sampling, 1);
  mw_go(sample, NULL);
  mw_waitgroup_add(&working, LARGE_WORKERS);
  for (size_t i = 0; i < LARGE_WORKERS; i++) {
    struct part *p = mw_new(struct part);
    *p = (struct part){n * i, n, (garbage_mb << 20) / LARGE / LARGE_WORKERS, i};
    mw_go(replace_large, p);
  }
  mw_waitgroup_wait(&working);
  stop = true;
  mw_waitgroup_wait(&sampling);
  for (size_t i = 0; i < n * LARGE_WORKERS; i++) {
    unsigned char *b = buffers[i];
    CHECK(!b || (b[0] && memcmp(b, b + 1, LARGE - 1) == 0), "buffer %zu\n", i);
  }
}

/* ---- Stacks ------------------------------------------------------------ */

static mw_chan *gate;
static bool stay_deep;

static void park(void) {
  int unused;
  mw_waitgroup_done(&working);
  mw_chan_recv(gate, &unused);
}

__attribute__((noinline, optnone)) static int go_down(size_t kb) {
  volatile char frame[1000];
  frame[0] = (char)kb;
  frame[sizeof frame - 1] = 1;
  if (kb) return go_down(kb - 1) + frame[0];
  if (stay_deep) park();
  return frame[sizeof frame - 1];
}

static void call_deep(void *arg) {
  (void)!go_down((size_t)arg);
  if (!stay_deep) park();
  mw_waitgroup_done(&sampling); /* here: all have ended */
}

/*
 * How much more than the limit is resident in between is a matter of time: page faults cannot be
 * held up, and a thread sees them only when it gets a CPU.  It must not stay so: if nobody
 * looks, four times the limit and more is there for ever: the test's time limit tells.
 */
static uint64_t rested;
static void come_to_rest(uint64_t limit) {
  while ((rested = (status_kb("VmRSS:") - status_kb("RssFile:")) << 10) > limit / 8 * 9)
    mw_sleep(2000000);
}

/* What all have in use cannot be given back; but somebody has to look, and collect. */
static void see_a_cycle(void) {
  static mw_mem_stats s;
  while (mw_read_mem_stats(&s), s.num_gc == 0) mw_sleep(2000000);
}

/* Nothing is allocated once the heap is there. */
static void run_stacks(size_t n, size_t kb, size_t at_once, size_t heap_mb) {
  buffers = mw_make(unsigned char *, heap_mb + 1);
  for (size_t i = 0; i < heap_mb; i++)
    memset(buffers[i] = mw_alloc_noscan(1 << 20), (int)(i % 255 + 1), 1 << 20);
  gate = mw_chan_make(int, 0);
  mw_waitgroup_add(&sampling, (int)n);
  for (size_t i = 0; i < n; i += at_once) {
    mw_waitgroup_add(&working, (int)at_once);
    for (size_t k = 0; k < at_once; k++) mw_go(call_deep, (void *)kb);
    mw_waitgroup_wait(&working);
  }
  for (size_t i = 0; i < heap_mb; i++) CHECK(buffers[i][0] == i % 255 + 1, "buffer %zu\n", i);
  if (stay_deep)
    see_a_cycle();
  else
    come_to_rest((uint64_t)mw_set_memory_limit(-1));
  mw_chan_close(gate);
  mw_waitgroup_wait(&sampling);
}

/* ---- A limit that changes ---------------------------------------------- */

enum { ALLOCATORS = 4, KEPT = 200 };

static void finalize(void *obj, void *arg) {
  (void)arg;
  object *o = obj;
  CHECK(o->payload != 0 && chain(1) != NULL, "\n"); /* allocates, and so waits as others do */
}

static void allocate(void *arg) {
  uint64_t random = (uint64_t)(uintptr_t)arg;
  object *kept[KEPT] = {0};
  while (!stop) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    size_t i = (random >> 33) % KEPT;
    if (kept[i]) {
      int n = 0;
      for (object *o = kept[i]; o; o = o->next) n++;
      CHECK(n == CHAIN, "%d objects\n", n);
    }
    kept[i] = chain(random >> 40);
    if (random >> 50 & 1) mw_set_finalizer(kept[i], finalize, NULL);
    if (i % 16 == 0) {
      unsigned char *b = mw_alloc_noscan((i + 1) << 12);
      b[0] = 1;
    }
    if (i % 8 == 0) mw_yield(); /* the one who changes the limit has its turn too */
  }
  mw_waitgroup_done(&working);
}

static void change(size_t rounds) {
  static const int64_t limits[] = {1, 2 << 20, 6 << 20, 8 << 20, 12 << 20, INT64_MAX};
  mw_waitgroup_add(&working, ALLOCATORS);
  for (size_t i = 0; i < ALLOCATORS; i++) mw_go(allocate, (void *)(i + 1));
  int procs = mw_set_max_procs(0);
  for (size_t i = 0; i < rounds; i++) {
    mw_set_memory_limit(limits[i * 5 % 6]);
    mw_sleep(1000000);
    switch (i % 4) {
    case 0:
      mw_set_max_procs(1 + (int)(i / 4 % 4));
      break;
    case 1:
      mw_set_gc_percent(i / 4 % 2 ? 100 : -1);
      break;
    case 2:
      if (i % 8 == 2) mw_free_os_memory();
      break;
    default:
      if (i % 16 == 3) {
        pid_t child = fork();
        if (child == 0) {
          mw_set_memory_limit(1 << 20);
          for (int k = 0; k < 300; k++) (void)!chain((uint64_t)k);
          _exit(0);
        }
        int status;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "%#x\n", status);
      }
    }
  }
  stop = true;
  mw_waitgroup_wait(&working);
  mw_set_max_procs(procs);
}

/* From the program's start on, where the runtime makes its first mappings. */
static void without_huge_pages(char **argv) {
  if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1) return;
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0) execv("/proc/self/exe", argv);
}

int main(int argc, char **argv) {
  without_huge_pages(argv);
  const char *how = argc > 1 ? argv[1] : "";
  int64_t limit = mw_set_memory_limit(-1);
  if (strcmp(how, "kernel") == 0) {
    printf("limit %" PRId64 "\n", limit);
    return 0;
  }
  if (strcmp(how, "changes") == 0 && argc == 3) {
    change(strtoul(argv[2], NULL, 10));
    printf("ok\n");
    return 0;
  }
  if (argc < 4) return 64;
  if (argc == 6) {
    size_t n = strtoul(argv[2], NULL, 10), kb = strtoul(argv[3], NULL, 10);
    stay_deep = strcmp(how, "deep") == 0;
    run_stacks(n, kb, strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
    static mw_mem_stats s;
    mw_read_mem_stats(&s);
    uint64_t most = (status_kb("VmHWM:") - status_kb("RssFile:")) << 10;
    printf("limit %" PRId64 " MB, resident %.1f MB, at most %.1f, %u cycles\n", limit >> 20,
           (double)rested / 1048576, (double)most / 1048576, s.num_gc);
    CHECK(s.num_gc >= 1 && s.num_gc < 300, "%u cycles\n", s.num_gc);
    printf("ok\n");
    return 0;
  }
  if (argc > 4) start_stalls();
  (strcmp(how, "large") == 0 ? run_large : run)(strtoul(argv[2], NULL, 10),
                                                strtoul(argv[3], NULL, 10));
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  /* pages of files (this program, libc) are not the runtime's */
  uint64_t resident = (status_kb("VmHWM:") - status_kb("RssFile:")) << 10;
  printf("limit %" PRId64 " MB, held %.1f MB, resident %.1f MB, %u cycles, %.0f %% of the CPU\n",
         limit >> 20, (double)most_held / 1048576, (double)resident / 1048576, s.num_gc,
         100 * s.gc_cpu_fraction);
  uint64_t most = (uint64_t)limit / 100 * 102;
  if (strcmp(how, "beyond") != 0) {
    CHECK(most_held <= most, "held %" PRIu64 " of %" PRId64 "\n", most_held, limit);
    CHECK(resident <= most, "resident %" PRIu64 " of %" PRId64 "\n", resident, limit);
  } else {
    /* one cycle for each twentieth of the live heap at most; quiet it is some 50 */
    CHECK(s.num_gc < 200, "%u cycles\n", s.num_gc);
  }
  printf("ok\n");
}
