/* SPDX-License-Identifier: MIT */
/*
 * examples/index/index.h -- the nouns of the inverted index
 *
 * Job      A word leads to the files it stands in.  Three stages, one file each:
 *          walk.c finds the files and starts a goroutine for each, scan.c reads
 *          one file and counts its words, words.c merges the counts into the
 *          index; report.c prints it.  index.c puts them together.
 * Memory   Everything lives on the collected heap and nothing is freed: a
 *          file's text and its own table are garbage once they are merged.
 * Threads  A `struct scanned` belongs to its goroutine until it is sent over
 *          the channel, then to the receiver.  The index belongs to main.
 * Next     index.c
 */
#ifndef INDEX_H
#define INDEX_H

#include <mallow.h>

/* uthash, unchanged, on the collected heap: its tables are garbage like the rest. */
#define uthash_malloc(bytes) mw_alloc(bytes)
#define uthash_free(pointer, bytes) ((void)(pointer))
#include <uthash.h>

/*
 * A word of one file.  The key points into the file's text, so the text lives
 * as long as the table does and no word is copied.
 */
struct found {
  uint64_t count;
  UT_hash_handle hh; /* hh.key, hh.keylen: the word, not terminated */
};

/* What a goroutine sends: a file with its words, or why there are none. */
struct scanned {
  const char *path;
  const char *error;   /* NULL, or what went wrong with path */
  uint64_t nbytes;     /* read */
  uint64_t nwords;     /* counted, repetitions included */
  struct found *words; /* uthash table */
};

/* A word stands count times in a file. */
struct posting {
  struct posting *next;
  const char *path;
  uint64_t count;
};

/* A word of the index. */
struct word {
  uint64_t count;        /* in all files */
  uint64_t nfiles;       /* length of postings */
  struct posting *first; /* the POSTINGS_RANKED fullest files come first, in order */
  UT_hash_handle hh;     /* hh.key: the word, terminated */
};

/*
 * So many postings at the head of a list are kept in order of count: an
 * insertion walks this far at most, and rewrites a link there.  Larger would
 * show more of the best files and walk further.
 */
#define POSTINGS_RANKED 8

struct index {
  struct word *words;        /* uthash table */
  uint64_t nfiles;           /* indexed */
  uint64_t nskipped;         /* files and folders that could not be read */
  uint64_t nbytes, nwords;   /* read, counted */
  int64_t start_ns, stop_ns; /* mw_nanotime */
};

/*
 * Walk each root (a folder, or a single file) without following symbolic
 * links below it, one goroutine a regular file.  Each file, and each folder
 * that could not be read, becomes one struct scanned * sent to results, which
 * is closed after the last.  Blocks until then.
 */
void walk(char **roots, int nroots, mw_chan *results);

/* Read and count one file.  Never fails: see scanned.error. */
struct scanned *scan_file(const char *path);

/* Add a file's words. */
void index_add(struct index *ix, const struct scanned *file);
/* The word, or NULL. */
struct word *index_find(const struct index *ix, const char *word);
/* Most frequent first, equal ones in byte order. */
void index_sort(struct index *ix);

/* Progress on stderr: often on a terminal, once a second otherwise. */
void report_progress(const struct index *ix, bool last);
/* One line on stderr about something that was left out. */
void report_skipped(const struct scanned *file);
/* The index's figures and ten most frequent words (index_sort first), on stdout. */
void report_index(const struct index *ix);
/* The files that hold `word`, on stdout. */
void report_postings(const struct index *ix, const char *word);
/* What the collector did, on stdout. */
void report_collector(const struct index *ix);

#endif
