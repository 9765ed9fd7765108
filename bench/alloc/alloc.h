/* SPDX-License-Identifier: MIT */
/*
 * bench/alloc/alloc.h -- allocation throughput by size: the loop all C peers run
 *
 * How      A window of the last WINDOW objects is live; each new object takes
 *          the place of the oldest, which is garbage (or freed, for malloc).
 *          An object begins with one pointer, to its neighbour in the window.
 *          Each size allocates `megabytes` in all.
 * Use      Define NEW(type) and DROP(pointer), then include this.
 */
#ifndef BENCH_ALLOC_H
#define BENCH_ALLOC_H

#include "bench.h"

enum { WINDOW = 128 };

static void *window[WINDOW];

#define DEFINE_SIZE(bytes)                                                                         \
  struct object_##bytes {                                                                          \
    void *next;                                                                                    \
    char rest[(bytes) - sizeof(void *)];                                                           \
  };                                                                                               \
  static void run_##bytes(long megabytes) {                                                        \
    long n = megabytes * 1048576 / (bytes);                                                        \
    int64_t start_ns = bench_now_ns();                                                             \
    for (long i = 0; i < n; i++) {                                                                 \
      struct object_##bytes *o = NEW(struct object_##bytes);                                       \
      o->next = window[(i + WINDOW - 1) % WINDOW];                                                 \
      DROP(window[i % WINDOW]);                                                                    \
      window[i % WINDOW] = o;                                                                      \
      if (i % WINDOW == 0) o->next = NULL;                                                         \
    }                                                                                              \
    printf("alloc_%d_ns %.1f\n", bytes, (double)(bench_now_ns() - start_ns) / (double)n);          \
    for (int i = 0; i < WINDOW; i++) {                                                             \
      DROP(window[i]);                                                                             \
      window[i] = NULL;                                                                            \
    }                                                                                              \
  }

DEFINE_SIZE(16)
DEFINE_SIZE(32)
DEFINE_SIZE(64)
DEFINE_SIZE(128)
DEFINE_SIZE(256)
DEFINE_SIZE(1024)
DEFINE_SIZE(4096)
DEFINE_SIZE(32768)
DEFINE_SIZE(262144)

static void run_all(int argc, char **argv) {
  long megabytes = bench_arg(argc, argv, 1, 512);
  run_16(megabytes);
  run_32(megabytes);
  run_64(megabytes);
  run_128(megabytes);
  run_256(megabytes);
  run_1024(megabytes);
  run_4096(megabytes);
  run_32768(megabytes);
  run_262144(megabytes);
}

#endif
