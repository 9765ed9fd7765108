/* SPDX-License-Identifier: MIT */
/*
 * examples/index/walk.c -- find the files, one goroutine each
 *
 * Promise  Every regular file below a root is sent exactly once, as a result
 *          or as an error; so is every folder that could not be read.  The
 *          channel is closed after all of them.
 * How      Folders wait on a list, so that one is open at a time, however deep
 *          the tree.  Goroutines are as many as there are files; what is
 *          bounded is how many hold an open file and a text at once.
 */
#include "index.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Files open at once, when the limit on descriptors allows: more keep more texts alive. */
#define FILES_AT_ONCE 64
/* Descriptors left for everything else (standard streams, the runtime's, a folder). */
#define FILES_SPARED 16

struct folder {
  struct folder *next;
  const char *path;
};

struct walker {
  mw_chan *results;
  mw_sem room; /* one unit: the right to have a file open and its words in hand */
  mw_waitgroup running;
  struct folder *todo; /* stack */
};

struct errand {
  struct walker *walker;
  const char *path;
};

static uint32_t files_at_once(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return FILES_AT_ONCE;
  if (limit.rlim_cur <= FILES_SPARED) return 1;
  rlim_t room = limit.rlim_cur - FILES_SPARED;
  return room < FILES_AT_ONCE ? (uint32_t)room : FILES_AT_ONCE;
}

static void file_goroutine(void *arg) {
  struct errand *errand = arg;
  struct walker *w = errand->walker;
  mw_sem_acquire(&w->room);
  struct scanned *file = scan_file(errand->path);
  mw_chan_send(w->results, file);
  mw_sem_release(&w->room);
  mw_waitgroup_done(&w->running);
}

static void send_error(struct walker *w, const char *path, int error) {
  struct scanned *failed = mw_new(struct scanned);
  failed->path = path;
  failed->error = mw_strdup(strerror(error));
  mw_chan_send(w->results, failed);
}

static void start_file(struct walker *w, const char *path) {
  struct errand *errand = mw_new(struct errand);
  errand->walker = w;
  errand->path = path;
  mw_waitgroup_add(&w->running, 1);
  mw_go(file_goroutine, errand);
}

static void push_folder(struct walker *w, const char *path) {
  struct folder *folder = mw_new(struct folder);
  folder->path = path;
  folder->next = w->todo;
  w->todo = folder;
}

/* Sort an entry by what it is; links, devices, pipes and sockets are left out. */
static void walk_entry(struct walker *w, const char *path, const struct stat *st) {
  if (S_ISDIR(st->st_mode)) push_folder(w, path);
  if (S_ISREG(st->st_mode)) start_file(w, path);
}

static void walk_folder(struct walker *w, const char *path) {
  DIR *dir = opendir(path);
  if (!dir) {
    send_error(w, path, errno);
    return;
  }
  size_t length = strlen(path);
  const char *slash = length && path[length - 1] == '/' ? "" : "/";
  struct dirent *entry;
  while (errno = 0, (entry = readdir(dir)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    const char *below = mw_sprintf("%s%s%s", path, slash, entry->d_name);
    struct stat st;
    if (lstat(below, &st) == 0)
      walk_entry(w, below, &st);
    else
      send_error(w, below, errno);
  }
  if (errno) send_error(w, path, errno);
  closedir(dir);
}

void walk(char **roots, int nroots, mw_chan *results) {
  struct walker *w = mw_new(struct walker);
  w->results = results;
  for (uint32_t i = files_at_once(); i > 0; i--) mw_sem_release(&w->room);

  for (int i = 0; i < nroots; i++) {
    struct stat st;
    if (stat(roots[i], &st) != 0)
      send_error(w, roots[i], errno);
    else
      walk_entry(w, roots[i], &st);
    while (w->todo) {
      struct folder *folder = w->todo;
      w->todo = folder->next;
      walk_folder(w, folder->path);
    }
  }
  mw_waitgroup_wait(&w->running);
  mw_chan_close(results);
}
