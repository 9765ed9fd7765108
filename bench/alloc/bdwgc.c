/* SPDX-License-Identifier: MIT */
/* bench/alloc/bdwgc.c -- allocation throughput by size on bdwgc (see alloc.h) */
#include <gc.h>

#define NEW(type) ((type *)GC_MALLOC(sizeof(type)))
#define DROP(pointer) ((void)(pointer))
#include "alloc.h"

int main(int argc, char **argv) {
  GC_INIT();
  run_all(argc, argv);
  return 0;
}
