/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/million.c -- a million goroutines parked at once
 *
 *     million [N]
 *
 * On the default vm.max_map_count, also without guard markers, when most of
 * them have to be folded as they park.  Every eighth is woken, and has kept
 * what was on its stack.
 */
#include "../check.h"

static long n = 1000000;
static mw_chan *gate[8];
static mw_waitgroup at_rest, done;
static _Atomic long sum;

static void parked(void *arg) {
  volatile long kept = (long)(intptr_t)arg;
  mw_waitgroup_done(&at_rest);
  CHECK(!mw_chan_recv(gate[kept % 8], NULL));
  sum += kept;
  mw_waitgroup_done(&done);
}

static long status_kb(const char *field) {
  char line[256];
  long kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (strncmp(line, field, strlen(field)) == 0) kb = strtol(line + strlen(field) + 1, NULL, 10);
  fclose(f);
  return kb;
}

static long mappings(void) {
  long lines = 0;
  FILE *f = fopen("/proc/self/maps", "r");
  for (int c; (c = fgetc(f)) != EOF;) lines += c == '\n';
  fclose(f);
  return lines;
}

static void report(const char *when) {
  printf("%s: %ld bytes each, %ld mappings\n", when,
         (status_kb("VmRSS:") + status_kb("VmPTE:")) * 1024 / n, mappings());
}

int main(int argc, char **argv) {
  if (argc > 1) n = strtol(argv[1], NULL, 10);
  for (int i = 0; i < 8; i++) gate[i] = mw_chan_make(char, 0);
  mw_waitgroup_add(&at_rest, (int)n);
  mw_waitgroup_add(&done, (int)n / 8);
  for (long i = 0; i < n; i++) mw_go(parked, (void *)i);
  mw_waitgroup_wait(&at_rest);
  mw_sleep(10000000);
  CHECK_EQ(mw_num_goroutine(), n + 1);
  report("parked");
  mw_gc();
  mw_gc();
  report("folded");
  CHECK((status_kb("VmRSS:") + status_kb("VmPTE:")) * 1024 / n < 1500);
  mw_mem_stats s;
  mw_read_mem_stats(&s);
  CHECK(s.stack_folded > (uint64_t)n * 100);
  mw_chan_close(gate[3]);
  mw_waitgroup_wait(&done);
  long each = n / 8;
  CHECK_EQ(sum, 8 * (each * (each - 1) / 2) + 3 * each);
  puts("ok");
}
