/* SPDX-License-Identifier: MIT */
/*
 * examples/index/index.c -- an inverted index of every file below a folder
 *
 *     index [-w WORD]... [FOLDER-OR-FILE]...      (default: /usr/include)
 *
 * Job      Show a real program on mallow: thousands of goroutines, a channel,
 *          an ordinary C hash table (uthash) on the collected heap, links
 *          rewritten all the time, and no free() anywhere.
 * Words    A word is a maximal run of the bytes A-Z a-z 0-9 _ that does not
 *          begin with a digit.  So these count the same (see test.sh):
 *              LC_ALL=C grep -raohE '[A-Za-z0-9_]+' DIR | grep '^[A-Za-z_]'
 * Exit     0 everything was indexed; 1 something could not be read (a line on
 *          stderr says what; the rest is indexed); 64 wrong usage.
 * Threads  main merges what the file goroutines send; nobody shares the index.
 * Next     walk.c, scan.c, words.c, report.c
 */
#include "index.h"

#include <stdio.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 1, EXIT_USAGE = 64 };

/* Results that may wait for main: enough to keep it busy, few enough to stay small. */
#define RESULTS_WAITING 32

static char *default_roots[] = {"/usr/include"};

struct work {
  char **roots;
  int nroots;
  mw_chan *results; /* of struct scanned * */
};

static void walk_goroutine(void *arg) {
  struct work *work = arg;
  walk(work->roots, work->nroots, work->results);
}

/* Merge results until the channel is closed. */
static void merge(struct index *ix, mw_chan *results) {
  struct scanned *file;
  while (mw_chan_recv(results, &file)) {
    if (file->error) {
      ix->nskipped++;
      report_skipped(file);
    } else {
      index_add(ix, file);
    }
    report_progress(ix, false);
  }
  report_progress(ix, true);
}

static int usage(void) {
  fputs("usage: index [-w WORD]... [FOLDER-OR-FILE]...\n"
        "  -w WORD  also print the files that hold WORD\n",
        stderr);
  return EXIT_USAGE;
}

int main(int argc, char **argv) {
  const char **asked = mw_make(const char *, (size_t)argc);
  int nasked = 0;
  for (int opt; (opt = getopt(argc, argv, "w:")) != -1;) {
    if (opt != 'w') return usage();
    asked[nasked++] = optarg;
  }

  struct work *work = mw_new(struct work);
  work->roots = optind < argc ? argv + optind : default_roots;
  work->nroots = optind < argc ? argc - optind : 1;
  work->results = mw_chan_make(struct scanned *, RESULTS_WAITING);

  struct index *ix = mw_new(struct index);
  ix->start_ns = mw_nanotime();
  mw_go(walk_goroutine, work);
  merge(ix, work->results);
  index_sort(ix);
  ix->stop_ns = mw_nanotime();

  report_index(ix);
  for (int i = 0; i < nasked; i++) report_postings(ix, asked[i]);
  report_collector(ix);
  return ix->nskipped ? EXIT_SKIPPED : 0;
}
