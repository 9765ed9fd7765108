/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/shapes.c -- what allocations promise at the edges: alignment, no bytes, the
 * last byte, sizes that are out of range
 *
 *     shapes [MISUSE]
 *
 * Addresses are aligned as the type asks, up to a page, whatever the size class of the
 * object, through all ways to allocate; objects without bytes are one object that grows
 * into one which holds pointers; a pointer just past an object keeps it alive on a stack,
 * and one to its last byte anywhere.  With an argument: what has to be a fatal error.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      printf("line %d: %s\n", __LINE__, #x);                                                       \
      failures++;                                                                                  \
    }                                                                                              \
  } while (0)

static bool aligned(const void *p, uintptr_t to) {
  return (uintptr_t)p % to == 0;
}

/* Sizes that are multiples of the alignment, with slots that are not, are among them:
 * 2560 and 5120 for 256 to 1024. */
#define ALIGNED_TYPE(A)                                                                            \
  typedef struct {                                                                                 \
    _Alignas(A) char *p;                                                                           \
    char room[(A) / 2];                                                                            \
  } with_pointer_##A;                                                                              \
  typedef struct {                                                                                 \
    _Alignas(A) char room[A];                                                                      \
  } bytes_##A;                                                                                     \
  typedef struct {                                                                                 \
    _Alignas(A) char *p;                                                                           \
    char rest[];                                                                                   \
  } flexible_##A;                                                                                  \
  typedef struct {                                                                                 \
    _Alignas(A) char c[10 * (A)];                                                                  \
  } ten_##A;                                                                                       \
  static __attribute__((noinline)) void alignment_##A(void) {                                      \
    for (int i = 0; i < 20; i++) {                                                                 \
      with_pointer_##A *volatile p = mw_new(with_pointer_##A);                                     \
      bytes_##A *volatile b = mw_new(bytes_##A);                                                   \
      ten_##A *volatile t = mw_new(ten_##A);                                                       \
      CHECK(aligned(p, A) && aligned(b, A) && aligned(t, A));                                      \
    }                                                                                              \
    for (size_t n = 1; n < 80; n++) {                                                              \
      with_pointer_##A *volatile p = mw_make(with_pointer_##A, n);                                 \
      bytes_##A *volatile b = mw_make(bytes_##A, n);                                               \
      flexible_##A *volatile f = mw_new_flex(flexible_##A, rest, n);                               \
      CHECK(aligned(p, A) && aligned(b, A) && aligned(f, A));                                      \
      f->rest[n - 1] = 1;                                                                          \
      p = mw_realloc(p, (n + 3) * sizeof *p);                                                      \
      CHECK(aligned(p, A));                                                                        \
    }                                                                                              \
  }
ALIGNED_TYPE(16)
ALIGNED_TYPE(32)
ALIGNED_TYPE(64)
ALIGNED_TYPE(256)
ALIGNED_TYPE(512)
ALIGNED_TYPE(1024)
ALIGNED_TYPE(2048)
ALIGNED_TYPE(8192)

static void untyped(void) {
  for (size_t n = 1; n < 3000; n++) {
    char *volatile p = mw_alloc(n);
    CHECK(aligned(p, 16)); /* said in mallow.h */
    p[n - 1] = 1;
    p = mw_realloc(p, n + 5);
    CHECK(aligned(p, 16) && p[n - 1] == 1 && p[n + 4] == 0);
  }
}

static __attribute__((noinline)) void wipe(void) {
  volatile unsigned old[2048]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 2048; i++) old[i] = 0;
}

typedef struct {
  unsigned long check, more;
} number;

static __attribute__((noinline)) number *make(void) {
  number *n = mw_new(number);
  n->check = 4711;
  return n;
}

static __attribute__((noinline)) number **grown_from_nothing(void) {
  number **none = mw_make(number *, 0), **other = mw_alloc(0);
  CHECK(none && none == other);
  number **a = mw_realloc(none, 100 * sizeof *a);
  a[99] = make();
  return a;
}

static void no_bytes(void) {
  number **a = grown_from_nothing();
  for (int i = 0; i < 3; i++) {
    wipe();
    mw_gc();
    for (int k = 0; k < 100; k++) make();
    CHECK(a[99]->check == 4711);
  }
  CHECK(a[0] == NULL);
  a = mw_realloc(a, 0);
  CHECK((void *)a == mw_alloc(0));
}

static number *at_the_end[4];

/* Objects that fill their span to its last byte, and one that is large. */
static __attribute__((noinline)) void point_to_last_bytes(void) {
  for (int i = 0; i < 4; i++) {
    size_t n = i == 3 ? 65536 : (size_t)4096 << i;
    char *p = mw_alloc(n);
    *(unsigned long *)p = n;
    at_the_end[i] = (number *)(p + n - 1); /* a global: interior pointers count */
  }
}

static __attribute__((noinline)) void just_past(size_t n) {
  unsigned long *volatile p = mw_alloc(n);
  *p = n;
  char *volatile end = (char *)p + n;
  p = NULL;
  for (int i = 0; i < 3; i++) {
    wipe();
    mw_gc();
    for (int k = 0; k < 50; k++) *(unsigned long *)mw_alloc(n) = 1;
  }
  CHECK(*(unsigned long *)(end - n) == n);
}

static void ends(void) {
  point_to_last_bytes();
  wipe();
  for (int i = 0; i < 3; i++) {
    mw_gc();
    for (int k = 0; k < 4; k++) {
      size_t n = k == 3 ? 65536 : (size_t)4096 << k;
      CHECK(*(unsigned long *)((char *)at_the_end[k] - n + 1) == n);
    }
  }
  just_past(16);
  just_past(8192);
  just_past(32768);
  just_past(100 * 8192);
}

typedef struct {
  _Alignas(16384) char *p;
} too_aligned;

static volatile size_t many = (size_t)1 << 62;

static void misuse(const char *what) {
  void *p = NULL;
  if (strcmp(what, "make") == 0) p = mw_make(number, many);
  if (strcmp(what, "make-most") == 0) p = mw_make(number, ((size_t)1 << 43) + many - many);
  if (strcmp(what, "flex") == 0) p = mw_new_flex(flexible_16, rest, many);
  if (strcmp(what, "flex-wraps") == 0) p = mw_new_flex(flexible_64, rest, many * 4 - 3);
  if (strcmp(what, "alloc") == 0) p = mw_alloc(many);
  if (strcmp(what, "noscan") == 0) p = mw_alloc_noscan(many);
  if (strcmp(what, "realloc-none") == 0) p = mw_realloc(mw_alloc(0), many);
  if (strcmp(what, "aligned") == 0) p = mw_new(too_aligned);
  if (strcmp(what, "aligned-array") == 0) p = mw_make(too_aligned, many >> 60);
  printf("went on: %s %p\n", what, p);
}

/* One type for the code generator, two alignments: the larger is not lost, whichever is first. */
typedef char *plain[8];
typedef char *lines[8] __attribute__((aligned(256)));
static __attribute__((noinline)) void one_kind_of_type(void) {
  for (int i = 0; i < 20; i++) {
    plain *volatile p = mw_new(plain);
    lines *volatile l = mw_new(lines);
    CHECK(aligned(p, 8) && aligned(l, 256));
  }
}

int main(int argc, char **argv) {
  if (argc > 1) {
    misuse(argv[1]);
    return 0;
  }
  alignment_16();
  alignment_32();
  alignment_64();
  alignment_256();
  alignment_512();
  alignment_1024();
  alignment_2048();
  alignment_8192();
  one_kind_of_type();
  untyped();
  no_bytes();
  ends();
  puts(failures ? "failed" : "ok");
  return failures != 0;
}
