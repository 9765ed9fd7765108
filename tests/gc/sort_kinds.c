/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/sort_kinds.c -- qsort and qsort_r of elements of every size, wherever they are
 *
 * gc/sort.c moves elements in several ways, by their size and by whether they can hold pointers.
 * Each has to sort, to be stable as glibc's is, to lose no byte, and to leave the neighbours alone.
 */
#define _GNU_SOURCE /* qsort_r */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 72, GUARD = 64 };

static uint64_t seed = 88172645463325252u;
static uint32_t random32(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 16);
}

/* The first byte is the key.  Behind it, where there is room: the place it had, two bytes, and a
 * pattern that both give. */
static unsigned char pattern(unsigned key, unsigned place, size_t at) {
  return (unsigned char)(key * 31 + place * 7 + at * 13);
}
static void fill(unsigned char *e, size_t size, unsigned key, unsigned place) {
  e[0] = (unsigned char)key;
  if (size > 2) memcpy(e + 1, &(uint16_t){(uint16_t)place}, 2);
  for (size_t at = 3; at < size; at++) e[at] = pattern(key, place, at);
}
static void fail(const char *what, const char *where, size_t size, size_t n, size_t i) {
  printf("FAIL: %s: %s, element %zu of %zu, %zu bytes each\n", where, what, i, n, size);
  exit(1);
}
static void check(const unsigned char *a, size_t n, size_t size, const size_t *count,
                  const char *where) {
  size_t seen[256] = {0};
  for (size_t i = 0; i < n; i++) {
    const unsigned char *e = a + i * size;
    uint16_t place = 0, before = 0;
    seen[e[0]]++;
    if (i && e[0] < (e - size)[0]) fail("out of order", where, size, n, i);
    if (size <= 2) continue;
    memcpy(&place, e + 1, 2);
    for (size_t at = 3; at < size; at++)
      if (e[at] != pattern(e[0], place, at)) fail("torn", where, size, n, i);
    if (!i || e[0] != (e - size)[0]) continue;
    memcpy(&before, e - size + 1, 2);
    if (before >= place) fail("not stable", where, size, n, i);
  }
  if (memcmp(seen, count, sizeof seen) != 0) fail("lost", where, size, n, 0);
}

static int by_key(const void *a, const void *b) {
  return *(const unsigned char *)a - *(const unsigned char *)b;
}
static int by_key_r(const void *a, const void *b, void *calls) {
  ++*(size_t *)calls;
  return by_key(a, b);
}

/* room: of GUARD + n * size + GUARD bytes. */
static void one(unsigned char *room, size_t n, size_t size, bool r, const char *where) {
  size_t count[256] = {0}, calls = 0;
  unsigned char *a = room + GUARD;
  memset(room, 0xa5, GUARD);
  memset(a + n * size, 0x5a, GUARD);
  unsigned keys = 1 + random32() % 256;
  for (size_t i = 0; i < n; i++) {
    unsigned key = random32() % keys;
    fill(a + i * size, size, key, (unsigned)i);
    count[key]++;
  }
  if (r)
    qsort_r(a, n, size, by_key_r, &calls);
  else
    qsort(a, n, size, by_key);
  check(a, n, size, count, where);
  if (r && n > 1 && !calls) fail("not compared", where, size, n, 0);
  for (size_t i = 0; i < GUARD; i++)
    if (room[i] != 0xa5 || a[n * size + i] != 0x5a) fail("a neighbour changed", where, size, n, i);
}

static unsigned char global[GUARD + 300 * MOST + GUARD + 8];

static void all(size_t n) {
  for (size_t size = 1; size <= MOST; size += size < 20 ? 1 : 4) {
    size_t bytes = GUARD + n * size + GUARD;
    bool r = random32() & 1;
    one(mw_alloc_noscan(bytes), n, size, r, "no pointers");
    one(mw_alloc(bytes), n, size, r, "pointers");
    one((unsigned char *)mw_alloc(bytes + 8) + 1 + random32() % 7, n, size, r, "misaligned");
    if (bytes + 8 > sizeof global) continue;
    one(global, n, size, r, "global");
    unsigned char local[sizeof global];
    one(local, n, size, r, "local");
  }
}

/* Objects that only the array knows, while others collect. */
typedef struct entry {
  long *value;
  long key;
} entry;
static int by_entry(const void *a, const void *b) {
  const entry *x = a, *y = b;
  mw_alloc(100);
  return x->key < y->key ? -1 : x->key > y->key;
}
static void with_objects(void) {
  enum { N = 2000 };
  entry *e = mw_make(entry, N);
  for (long i = 0; i < N; i++) {
    e[i].key = i * 7919 % N;
    *(e[i].value = mw_new(long)) = e[i].key;
  }
  qsort(e, N, sizeof *e, by_entry);
  for (long i = 0; i < N; i++)
    if (e[i].key != i || *e[i].value != i)
      fail("lost its object", "entries", sizeof *e, N, (size_t)i);
}

int main(void) {
  static const size_t few[] = {0, 1, 2, 3, 4, 5, 7, 16, 31, 100, 300};
  for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) all(few[i]);
  all(3000);
  for (int i = 0; i < 10; i++) with_objects();
  puts("ok");
  return 0;
}
