/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/memlimit.c -- GOMEMLIMIT holds, or the program goes on without
 *
 *     memlimit holds LIVE_MB GARBAGE_MB    never more than 2 % above the limit
 *     memlimit beyond LIVE_MB GARBAGE_MB   the live heap alone is larger: no death spiral
 *     memlimit kernel                      print the limit in force
 *
 * The limit is GOMEMLIMIT's, or what the kernel's was taken for.  Two goroutines
 * replace parts of the live heap, in sizes that fragment it, and write large
 * buffers; a third reads what the runtime holds.  In the end the kernel says
 * what was resident.
 */
#include <mallow.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  int64_t limit = mw_set_memory_limit(-1);
  if (strcmp(how, "kernel") == 0) {
    printf("limit %" PRId64 "\n", limit);
    return 0;
  }
  if (argc != 4) return 64;
  run(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  /* pages of files (this program, libc) are not the runtime's */
  uint64_t resident = (status_kb("VmHWM:") - status_kb("RssFile:")) << 10;
  printf("limit %" PRId64 " MB, held %.1f MB, resident %.1f MB, %u cycles, %.0f %% of the CPU\n",
         limit >> 20, (double)most_held / 1048576, (double)resident / 1048576, s.num_gc,
         100 * s.gc_cpu_fraction);
  uint64_t most = (uint64_t)limit / 100 * 102;
  if (strcmp(how, "holds") == 0) {
    CHECK(most_held <= most, "held %" PRIu64 " of %" PRId64 "\n", most_held, limit);
    CHECK(resident <= most, "resident %" PRIu64 " of %" PRId64 "\n", resident, limit);
  } else {
    /* one cycle for each eighth of the live heap at most, once it is there; some
     * before, and those that the collector may begin on its own time */
    CHECK(s.num_gc < 1500, "%u cycles\n", s.num_gc);
    CHECK(s.gc_cpu_fraction < 0.75, "%.2f of the CPU\n", s.gc_cpu_fraction);
  }
  printf("ok\n");
}
