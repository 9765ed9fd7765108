/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/gcmalloc.c -- the malloc family with -fgc-malloc (gc/gcmalloc.c)
 *
 * [GM1] alignment, contents, errors; [GM2] pointers that go between libc's heap
 * and the collector's; [GM3] aligned pointers keep their objects; [GM4]
 * what is freed is handed out once more, and only once.  But for that nothing
 * here relies on free: a list of a million nodes is dropped again and again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <mallow.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static int failures;
#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      printf("line %d: %s\n", __LINE__, #x);                                                       \
      failures++;                                                                                  \
    }                                                                                              \
  } while (0)

/* The heap begins at its reservation's start and is small here; libc's is far away. */
static bool collected(const void *p) {
  static uintptr_t base;
  if (!base) base = (uintptr_t)mw_alloc(16) >> 32;
  return (uintptr_t)p >> 32 == base || (uintptr_t)p >> 32 == base + 1;
}

static void alignment(void) {
  for (size_t n = 0; n < 5000; n += n < 200 ? 1 : 97) {
    char *p = malloc(n), *q = malloc(n);
    CHECK(p && q && p != q && (uintptr_t)p % 16 == 0 && malloc_usable_size(p) >= n);
    memset(p, 1, n);
  }
  for (size_t align = 16; align <= (size_t)1 << 20; align *= 2)
    for (size_t n = 1; n < 100000; n = n * 3 + 5) {
      void *p = NULL;
      CHECK(posix_memalign(&p, align, n) == 0 && (uintptr_t)p % align == 0 &&
            malloc_usable_size(p) >= n);
      char *q = aligned_alloc(align, n);
      CHECK(q && (uintptr_t)q % align == 0);
      memset(q, 0x5a, n);
      if (n < 2000) mw_gc(); /* held by an interior pointer alone [GM3] */
      CHECK(q[0] == 0x5a && q[n - 1] == 0x5a);
    }
  void *untouched = &failures;
  CHECK(posix_memalign(&untouched, 3, 8) == EINVAL && untouched == &failures);
}

static void errors(void) {
  volatile size_t huge = SIZE_MAX / 2 + 10, many = SIZE_MAX / 4;
  errno = 0;
  CHECK(malloc(huge) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(calloc(many, 8) == NULL && errno == ENOMEM);
  char *p = malloc(10);
  strcpy(p, "kept");
  errno = 0;
  CHECK(realloc(p, huge) == NULL && errno == ENOMEM && strcmp(p, "kept") == 0);
  errno = 0;
  CHECK(reallocarray(p, many, 8) == NULL && errno == ENOMEM);
}

struct node {
  struct node *next;
  uint64_t check;
};

static void growing(void) {
  /* pointers held only by an array that realloc moves */
  struct node **v = NULL;
  size_t cap = 0;
  for (size_t n = 0; n < 20000; n++) {
    if (n == cap) v = realloc(v, (cap = cap ? cap * 2 : 4) * sizeof *v);
    v[n] = calloc(1, sizeof **v);
    CHECK(v[n]->check == 0 && v[n]->next == NULL);
    v[n]->check = n * 7;
  }
  for (size_t n = 0; n < 20000; n++) CHECK(v[n]->check == n * 7);
  v = realloc(v, 10 * sizeof *v);
  CHECK(v[9]->check == 63);
}

/* A few bytes at a time, as programs do that trust libc to move pages. */
static void growing_slowly(void) {
  mw_mem_stats before, after;
  mw_read_mem_stats(&before);
  char *p = NULL;
  size_t n = 0;
  while (n < 4 << 20) {
    p = realloc(p, n + 64);
    CHECK(p != NULL);
    p[n] = 1;
    n += 64;
  }
  for (size_t i = 0; i < n; i += 64) CHECK(p[i] == 1);
  mw_read_mem_stats(&after);
  CHECK(after.total_alloc - before.total_alloc <
        16 * n); /* 2,000 times that when each step copies */
  free(p);
}

static void never_freed(void) {
  for (int round = 0; round < 30; round++) {
    struct node *list = NULL;
    for (uint64_t i = 0; i < 100000; i++) {
      struct node *n = malloc(sizeof *n);
      *n = (struct node){list, i};
      list = n;
    }
    uint64_t i = 100000;
    for (struct node *n = list; n; n = n->next) CHECK(n->check == --i);
  }
  mw_mem_stats *s = malloc(sizeof *s);
  mw_read_mem_stats(s);
  CHECK(s->num_gc > 3 && s->heap_sys < (uint64_t)64 << 20);
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)*(void *const *)a, y = (uintptr_t)*(void *const *)b;
  return (x > y) - (x < y);
}

/* [GM4] Every slot belongs to one object at a time, whatever is freed, in and
 * between collections. */
static void freed_once(void) {
  enum { N = 3000 };
  static char *held[N], *sorted[N];
  static size_t size[N];
  uint32_t seed = 7, again = 0;
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < N; i++) {
      seed = seed * 1664525 + 1013904223;
      if (held[i] && seed >> 28 < 9) {
        for (size_t k = 0; k < size[i]; k++) CHECK(held[i][k] == (char)i);
        void *gone = held[i];
        free(held[i]);
        held[i] = malloc(size[i]);
        again += held[i] == gone;
      } else {
        size[i] = seed >> 8 & 0x1ff;
        if (seed & 1) {
          held[i] = realloc(held[i], size[i]);
        } else {
          free(held[i]);
          held[i] = calloc(size[i], 1);
          for (size_t k = 0; k < size[i]; k++) CHECK(held[i][k] == 0);
        }
      }
      memset(held[i], i, size[i]);
      if (i == round * 100) mw_gc();
    }
    memcpy(sorted, held, sizeof held);
    qsort(sorted, N, sizeof *sorted, by_address);
    for (int i = 1; i < N; i++) CHECK(sorted[i] != sorted[i - 1]);
  }
  CHECK(again > 1000);
  for (int i = 0; i < N; i++) free(held[i]), held[i] = NULL;
}

/* mw_strdup packs short strings into blocks of 16 bytes: to free one must not give
 * its neighbours away. */
static void packed(void) {
  enum { N = 200 };
  static char *s[N];
  for (int i = 0; i < N; i++) s[i] = mw_sprintf("%d", i);
  for (int i = 0; i < N; i += 3) free(s[i]);
  for (int i = 1; i < N; i += 3) s[i] = realloc(s[i], 40);
  for (int i = 0; i < N; i++) CHECK(strlen(strdup("fifteen letters")) == 15);
  for (int i = 0; i < N; i++)
    if (i % 3) CHECK(atoi(s[i]) == i);
}

static void strings(void) {
  char *text = NULL;
  CHECK(asprintf(&text, "%s-%d", "abc", 5) == 5 && strcmp(text, "abc-5") == 0 && collected(text));
  char *copy = strdup(text), *part = strndup(text, 3);
  CHECK(strcmp(copy, "abc-5") == 0 && strcmp(part, "abc") == 0 && collected(copy));
  CHECK(wcscmp(wcsdup(L"wide"), L"wide") == 0);
}

/* A collected buffer that libc makes longer; libc's buffer that the program frees. */
static void with_libc(const char *self) {
  FILE *f = fopen(self, "r");
  CHECK(f != NULL);
  if (!f) return;
  size_t cap = 8;
  char *line = malloc(cap);
  size_t longest = 0;
  for (ssize_t n; (n = getdelim(&line, &cap, 'q', f)) >= 0;) {
    if ((size_t)n > longest) longest = (size_t)n;
    CHECK(line[n - 1] == 'q' || feof(f));
  }
  CHECK(longest > 8 && cap > longest && collected(line));
  free(line);
  line = NULL;
  cap = 0;
  rewind(f);
  CHECK(getdelim(&line, &cap, 'q', f) > 0 && !collected(line));
  CHECK(malloc_usable_size(line) >= cap);
  line = realloc(line, cap * 4);
  CHECK(!collected(line));
  free(line);
  fclose(f);
  char *memory = NULL;
  size_t size = 0;
  FILE *m = open_memstream(&memory, &size);
  fputs("in memory", m);
  fclose(m);
  CHECK(strcmp(memory, "in memory") == 0);
  free(memory);
  free(realpath(self, NULL));
  void *(*volatile through)(size_t) = malloc;
  CHECK(collected(through(100)));
}

int main(int argc, char **argv) {
  (void)argc;
  alignment();
  errors();
  growing();
  growing_slowly();
  never_freed();
  freed_once();
  packed();
  strings();
  with_libc(argv[0]);
  puts(failures ? "failed" : "ok");
  return failures != 0;
}
