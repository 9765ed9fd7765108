/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/gives_back.c -- memory goes back to the OS in the background, and at once when asked
 *
 * A heap of 64 MB dies.  The background scavenger has to bring what is held
 * down to near what is in use; the time it may take is no matter of this test,
 * which ctest ends after a while.  Then another heap, and mw_free_os_memory.  The
 * kernel's own account is looked at as well.
 */
#include <mallow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MB = 1 << 20, BLOCKS = 4096, BLOCK = 16 << 10 };

static char **blocks;

static void fill(void) {
  blocks = mw_make(char *, BLOCKS);
  for (int i = 0; i < BLOCKS; i++) {
    blocks[i] = mw_alloc_noscan(BLOCK);
    memset(blocks[i], i, BLOCK);
  }
}

static size_t held(void) {
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  return s.heap_sys - s.heap_released;
}

static size_t resident(void) {
  unsigned long all = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%lu %lu", &all, &pages) != 2) exit(1);
  fclose(f);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

int main(void) {
  fill();
  if (held() < 64 * MB || resident() < 64 * MB) return 1;
  blocks = NULL;
  mw_gc();
  mw_gc(); /* its goal is that of a small heap */
  while (held() > 16 * MB) mw_sleep(10000000);
  if (resident() > 40 * MB) {
    fprintf(stderr, "%zu MB resident\n", resident() / MB);
    return 1;
  }
  fill();
  blocks = NULL;
  mw_free_os_memory();
  if (held() > 8 * MB) {
    fprintf(stderr, "%zu MB held after mw_free_os_memory\n", held() / MB);
    return 1;
  }
  puts("ok");
}
