/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/heap_dump.c -- mw_heap_dump, read back by the letter of Go's format
 *
 * A strict reader: every record must be one that the format has, every pointer
 * field inside its memory, and nothing may follow the end.  Then what is known of
 * this program must be in there: a list found from a global by the fields alone,
 * an object that only a stack, a handle, a waiting goroutine or a finalizer
 * holds, the goroutines and why they wait, and as many objects as the statistics
 * count.
 */
#define _GNU_SOURCE 1
#include <mallow.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../parked.h"

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "%s:%d: %s is false (at byte %zu)\n", __FILE__, __LINE__, #x, at);           \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* ---- The reader -------------------------------------------------------- */

static unsigned char *bytes;
static size_t nbytes, at;

static uint64_t number(void) {
  uint64_t v = 0;
  for (int shift = 0;; shift += 7) {
    CHECK(at < nbytes && shift < 64);
    unsigned char c = bytes[at++];
    v |= (uint64_t)(c & 0x7f) << shift;
    if (c < 0x80) return v;
  }
}

struct memory {
  const unsigned char *p;
  size_t n;
};
static struct memory memory(void) {
  size_t n = number();
  CHECK(n <= nbytes - at);
  at += n;
  return (struct memory){bytes + at - n, n};
}

static bool is(struct memory m, const char *s) {
  return m.n == strlen(s) && memcmp(m.p, s, m.n) == 0;
}

struct object {
  uintptr_t addr;
  struct memory m;
  size_t fields; /* where they begin */
};
static struct object *objects, globals[10000];
static size_t nobjects, nglobals, ngoroutines, nframes, nthreads, nfinalizers, nprofiles, nsamples;
static uint64_t stats[24];
static uintptr_t finalizer_obj, waiting_root, handle_root, pool_root;
static size_t nreceiving;
static uintptr_t pointers_on_stacks[100000];
static size_t npointers;

static uint64_t word(struct memory m, size_t offset) {
  uint64_t v;
  CHECK(offset % 8 == 0 && offset + 8 <= m.n);
  memcpy(&v, m.p + offset, 8);
  return v;
}

static void skip_fields(struct memory m, bool keep) {
  size_t last = 0;
  for (uint64_t kind; (kind = number()) != 0;) {
    CHECK(kind == 1);
    size_t offset = number();
    uint64_t v = word(m, offset);
    CHECK(offset == 0 || offset > last);
    last = offset;
    if (keep && npointers < sizeof pointers_on_stacks / sizeof *pointers_on_stacks)
      pointers_on_stacks[npointers++] = v;
  }
}

static bool read_record(void) {
  switch (number()) {
  case 0:
    return false;
  case 1: {
    struct object o = {.addr = number()};
    o.m = memory();
    o.fields = at;
    skip_fields(o.m, false);
    objects[nobjects++] = o;
    return true;
  }
  case 2: {
    struct memory what = memory();
    uintptr_t p = number();
    if (is(what, "handle")) handle_root = p;
    if (is(what, "pool")) pool_root = p;
    if (is(what, "waiting goroutine")) waiting_root = p;
    return true;
  }
  case 4: {
    for (int i = 0; i < 8; i++) number();
    struct memory why = memory();
    if (is(why, "chan receive")) nreceiving++;
    for (int i = 0; i < 4; i++) number();
    ngoroutines++;
    return true;
  }
  case 5: {
    for (int i = 0; i < 3; i++) number();
    struct memory stack = memory();
    for (int i = 0; i < 3; i++) number();
    memory();
    skip_fields(stack, true);
    nframes++;
    return true;
  }
  case 6: {
    CHECK(number() == 0 && number() == sizeof(void *));
    uintptr_t lo = number();
    CHECK(number() > lo);
    CHECK(is(memory(), "x86_64"));
    struct memory version = memory();
    CHECK(version.n > 7 && memcmp(version.p, "mallow ", 7) == 0);
    CHECK(number() >= 1);
    return true;
  }
  case 7: {
    finalizer_obj = number();
    for (int i = 0; i < 4; i++) number();
    nfinalizers++;
    return true;
  }
  case 9:
    for (int i = 0; i < 3; i++) number();
    nthreads++;
    return true;
  case 10:
    for (int i = 0; i < 24; i++) stats[i] = number();
    for (int i = 0; i < 257; i++) number();
    return true;
  case 11:
    for (int i = 0; i < 5; i++) number();
    return true;
  case 12: {
    struct object o = {.addr = number()};
    o.m = memory();
    o.fields = at;
    skip_fields(o.m, false);
    CHECK(nglobals < sizeof globals / sizeof *globals);
    globals[nglobals++] = o;
    return true;
  }
  case 16: {
    number(), number();
    uint64_t frames = number();
    for (uint64_t i = 0; i < frames; i++) memory(), memory(), number();
    uint64_t allocs = number();
    CHECK(number() <= allocs);
    nprofiles++;
    return true;
  }
  case 17:
    number(), number();
    nsamples++;
    return true;
  default:
    CHECK(!"a record of the format");
    return false;
  }
}

static const struct object *find(const struct object *a, size_t n, uintptr_t addr) {
  for (size_t i = 0; i < n; i++)
    if (addr - a[i].addr < a[i].m.n) return &a[i];
  return NULL;
}

/* The pointer at this offset, which must be a listed field. */
static uintptr_t follow(const struct object *o, size_t offset) {
  for (at = o->fields; number() != 0;)
    if (number() == offset) return word(o->m, offset);
  return 0;
}

/* ---- The program ------------------------------------------------------- */

typedef struct node {
  long value;
  struct node *next;
  char name[40];
} node;

static node *list;
static mw_waitgroup wg;

__attribute__((noinline)) static node *make(long value) {
  node *n = mw_new(node);
  n->value = value;
  snprintf(n->name, sizeof n->name, "node %ld", value);
  return n;
}

static void receiver(void *chan) {
  mw_chan_recv(chan, NULL);
  mw_waitgroup_done(&wg);
}

static void finalize(void *obj, void *arg) {
  (void)obj, (void)arg;
}

static void *no_make(void) {
  return NULL;
}
static mw_pool pool = {.make = no_make};

int main(void) {
  mw_set_mem_profile_rate(4096);
  for (long i = 0; i < 2000; i++) {
    node *n = make(i);
    n->next = list;
    list = n;
  }
  node *on_stack = make(-1);
  mw_handle handle = mw_handle_new(make(-2));
  node *finalized = make(-3);
  mw_set_finalizer(finalized, finalize, NULL);
  mw_pool_put(&pool, make(-4));
  char *large = mw_alloc_noscan(100000);
  strcpy(large, "large");
  mw_waitgroup_add(&wg, 1);
  mw_chan *chan = mw_chan_make(int, 0);
  mw_go(receiver, chan);
  until_parked(1, "[chan receive");
  mw_gc(); /* leaves nothing but live objects */

  /* errors first: nothing of them may remain */
  errno = 0;
  CHECK(mw_heap_dump(-1) == -1 && errno == EBADF);
  int full = open("/dev/full", O_WRONLY);
  CHECK(mw_heap_dump(full) == -1 && errno == ENOSPC);
  close(full);

  char path[] = "/tmp/mallow-dump-XXXXXX";
  int fd = mkstemp(path);
  CHECK(mw_heap_dump(fd) == 0);
  unlink(path);
  struct stat st;
  CHECK(fstat(fd, &st) == 0);
  nbytes = (size_t)st.st_size;
  bytes = malloc(nbytes);
  objects = calloc(nbytes / 8, sizeof *objects);
  CHECK(bytes && objects && pread(fd, bytes, nbytes, 0) == (ssize_t)nbytes);

  static const char header[] = "go1.7 heap dump\n";
  CHECK(nbytes > sizeof header && memcmp(bytes, header, sizeof header - 1) == 0);
  at = sizeof header - 1;
  while (read_record()) continue;
  CHECK(at == nbytes);

  const struct object *g = find(globals, nglobals, (uintptr_t)&list);
  CHECK(g != NULL);
  uintptr_t p = follow(g, (uintptr_t)&list - g->addr);
  long nodes = 0;
  for (const struct object *o; p; nodes++) {
    o = find(objects, nobjects, p);
    CHECK(o && o->addr == p && word(o->m, 0) == (uint64_t)(1999 - nodes));
    char name[40];
    snprintf(name, sizeof name, "node %ld", 1999 - nodes);
    CHECK(memcmp(o->m.p + 16, name, strlen(name)) == 0);
    CHECK(follow(o, 0) == 0); /* a number is no pointer field */
    p = follow(o, 8);
  }
  CHECK(nodes == 2000);
  bool found = false;
  for (size_t i = 0; i < npointers; i++) found |= pointers_on_stacks[i] == (uintptr_t)on_stack;
  CHECK(found);
  CHECK(handle_root == (uintptr_t)mw_handle_get(handle));
  CHECK(pool_root != 0);
  CHECK(finalizer_obj == (uintptr_t)finalized && nfinalizers == 1);
  CHECK(nreceiving == 1 && waiting_root == (uintptr_t)chan);
  CHECK(ngoroutines >= 2 && nframes >= 2 && nthreads >= 1);
  const struct object *big = find(objects, nobjects, (uintptr_t)large);
  CHECK(big && big->m.n >= 100000 && memcmp(big->m.p, "large", 6) == 0);
  CHECK(nprofiles >= 1 && nsamples >= 1);
  /* objects that the dump itself made, if any, are of the runtime's own use */
  CHECK(stats[11] >= nobjects && stats[11] < nobjects + 100);

  mw_chan_close(chan);
  mw_waitgroup_wait(&wg);
  mw_keep_alive(on_stack);
  mw_keep_alive(finalized);
  mw_handle_free(handle);
  mw_gc();
  printf("ok: %zu bytes, %zu objects\n", nbytes, nobjects);
}
