/* SPDX-License-Identifier: MIT */
/*
 * examples/index/report.c -- what the user sees
 *
 * How      Progress and complaints go to stderr, results to stdout.  The
 *          collector's figures are the runtime's own (mw_read_mem_stats) after
 *          one last collection, so that "live" is exact; peak memory is the
 *          kernel's (VmHWM).
 * Threads  main's only.
 */
#include "index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define MIB (1024.0 * 1024.0)

/* Between two progress lines on a terminal: smooth to the eye, cheap to draw. */
#define PROGRESS_TTY_NS (100 * MS)
/* And elsewhere, where each line stays. */
#define PROGRESS_LOG_NS (1000 * MS)

/* Words shown in the end. */
#define TOP 10

void report_progress(const struct index *ix, bool last) {
  static int64_t next_ns;
  static bool drawn;
  int64_t now = mw_nanotime();
  bool tty = isatty(STDERR_FILENO);
  if (next_ns == 0) next_ns = ix->start_ns + (tty ? PROGRESS_TTY_NS : PROGRESS_LOG_NS);
  if (last) {
    if (tty && drawn) fputs("\r\033[K", stderr);
    return;
  }
  if (now < next_ns) return;
  next_ns = now + (tty ? PROGRESS_TTY_NS : PROGRESS_LOG_NS);
  drawn = true;
  fprintf(stderr, "%sindexing: %" PRIu64 " files, %.1f MB, %" PRIu64 " words%s",
          tty ? "\r\033[K" : "", ix->nfiles, (double)ix->nbytes / MIB, ix->nwords, tty ? "" : "\n");
}

void report_skipped(const struct scanned *file) {
  fprintf(stderr, "%sindex: %s: %s (left out)\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
          file->path, file->error);
}

void report_index(const struct index *ix) {
  printf("files     %" PRIu64, ix->nfiles);
  if (ix->nskipped) printf(" (%" PRIu64 " left out)", ix->nskipped);
  printf("\nwords     %" PRIu64 "\ndistinct  %u\n", ix->nwords, HASH_COUNT(ix->words));
  double seconds = (double)(ix->stop_ns - ix->start_ns) / 1e9;
  printf("read      %.1f MB in %.2f s\n", (double)ix->nbytes / MIB, seconds);
  printf("most frequent:\n");
  int shown = 0;
  for (const struct word *word = ix->words; word && shown < TOP; word = word->hh.next, shown++)
    printf("  %10" PRIu64 "  %s  (%" PRIu64 " files)\n", word->count, (const char *)word->hh.key,
           word->nfiles);
}

void report_postings(const struct index *ix, const char *text) {
  const struct word *word = index_find(ix, text);
  printf("postings of %s: %" PRIu64 "\n", text, word ? word->nfiles : 0);
  if (!word) return;
  for (const struct posting *p = word->first; p; p = p->next)
    printf("  %10" PRIu64 "  %s\n", p->count, p->path);
}

/* Peak resident memory in KiB, 0 when the kernel does not tell. */
static long peak_kib(void) {
  FILE *status = fopen("/proc/self/status", "r");
  if (!status) return 0;
  char line[256];
  long kib = 0;
  while (fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %ld kB", &kib) == 1) break;
  fclose(status);
  return kib;
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* A cycle stops the program twice: the sum of both, the median of the cycles remembered. */
static uint64_t median_cycle_ns(const mw_mem_stats *stats) {
  enum { REMEMBERED = sizeof stats->pause_ns / sizeof stats->pause_ns[0] };
  uint64_t sorted[REMEMBERED];
  size_t n = stats->num_gc < REMEMBERED ? stats->num_gc : REMEMBERED;
  if (n == 0) return 0;
  memcpy(sorted, stats->pause_ns, n * sizeof sorted[0]);
  qsort(sorted, n, sizeof sorted[0], by_value);
  return sorted[n / 2];
}

void report_collector(const struct index *ix) {
  mw_gc();
  mw_mem_stats *stats = mw_new(mw_mem_stats);
  mw_read_mem_stats(stats);
  printf("collector:\n");
  printf("  cycles     %u (%u forced)\n", stats->num_gc, stats->num_forced_gc);
  printf("  allocated  %.1f MB in %" PRIu64 " objects\n", (double)stats->total_alloc / MIB,
         stats->mallocs);
  printf("  live       %.1f MB in %" PRIu64 " objects\n", (double)stats->heap_alloc / MIB,
         stats->heap_objects);
  printf("  stops      longest one %.3f ms; a cycle's two together %.3f ms (median); all %.3f ms\n",
         (double)stats->max_pause_ns / 1e6, (double)median_cycle_ns(stats) / 1e6,
         (double)stats->pause_total_ns / 1e6);
  printf("  CPU        %.1f %% of the program's share\n", stats->gc_cpu_fraction * 100);
  printf("  peak       %.1f MB resident\n", (double)peak_kib() / 1024);
  mw_keep_alive(ix);
}
