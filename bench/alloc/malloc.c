/* SPDX-License-Identifier: MIT */
/*
 * bench/alloc/malloc.c -- allocation throughput by size with calloc and free
 * (see alloc.h); run.sh links it with mimalloc.  calloc, because the others'
 * memory is zeroed too.
 */
#include <stdlib.h>

#define NEW(type) ((type *)calloc(1, sizeof(type)))
#define DROP(pointer) free(pointer)
#include "alloc.h"

int main(int argc, char **argv) {
  run_all(argc, argv);
  return 0;
}
