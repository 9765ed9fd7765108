/* SPDX-License-Identifier: MIT */
/*
 * bench/alloc/mallow.c -- allocation throughput by size on mallow (see alloc.h)
 *
 *     alloc-mallow [MB_PER_SIZE]       (default 512)
 */
#include <mallow.h>

#define NEW(type) mw_new(type)
#define DROP(pointer) ((void)(pointer))
#include "alloc.h"

int main(int argc, char **argv) {
  run_all(argc, argv);
  return 0;
}
