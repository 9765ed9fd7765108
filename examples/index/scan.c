/* SPDX-License-Identifier: MIT */
/*
 * examples/index/scan.c -- read one file and count its words
 *
 * How      The text is one pointer-free object of the file's size, so large
 *          files become large objects.  The table's keys point into the middle
 *          of it; that alone keeps it.
 */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Size to begin with where a file does not tell its own (as below /proc). */
#define TEXT_BYTES_UNKNOWN 4096

/* The C locale's letters, digits and underscore, whatever the user's locale. */
static bool starts_word(unsigned char c) {
  return (unsigned)((c | 0x20) - 'a') < 26 || c == '_';
}
static bool in_word(unsigned char c) {
  return starts_word(c) || (unsigned)(c - '0') < 10;
}

static void count_word(struct scanned *file, const char *word, size_t length) {
  struct found *found;
  HASH_FIND(hh, file->words, word, length, found);
  if (!found) {
    found = mw_new(struct found);
    HASH_ADD_KEYPTR(hh, file->words, word, length, found);
  }
  found->count++;
  file->nwords++;
}

static void count_words(struct scanned *file, const char *text, size_t length) {
  const char *end = text + length;
  for (const char *p = text; p < end;) {
    if (!in_word((unsigned char)*p)) {
      p++;
      continue;
    }
    const char *word = p;
    while (p < end && in_word((unsigned char)*p)) p++;
    if (starts_word((unsigned char)*word)) count_word(file, word, (size_t)(p - word));
  }
}

/* The rest of fd, with its length; NULL with errno set when it cannot be read. */
static char *read_all(int fd, size_t *length) {
  struct stat st;
  if (fstat(fd, &st) != 0) return NULL;
  size_t room = st.st_size > 0 ? (size_t)st.st_size + 1 : TEXT_BYTES_UNKNOWN;
  char *text = mw_alloc_noscan(room);
  size_t have = 0;
  for (;;) {
    ssize_t n = read(fd, text + have, room - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return NULL;
    if (n == 0) break;
    have += (size_t)n;
    if (have == room) text = mw_realloc(text, room *= 2);
  }
  *length = have;
  return text;
}

struct scanned *scan_file(const char *path) {
  struct scanned *file = mw_new(struct scanned);
  file->path = path;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  size_t length = 0;
  char *text = fd < 0 ? NULL : read_all(fd, &length);
  if (!text) file->error = mw_strdup(strerror(errno));
  if (fd >= 0) close(fd);
  if (!text) return file;
  file->nbytes = length;
  count_words(file, text, length);
  return file;
}
