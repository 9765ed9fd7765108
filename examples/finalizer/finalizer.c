/* SPDX-License-Identifier: MIT */
/*
 * examples/finalizer/finalizer.c -- files that close themselves, and what to prefer
 *
 * A collected object owns a file descriptor.  A program should close it by
 * hand, in time; the finalizer is the net below for those that are forgotten.
 * A cleanup does the same without bringing the object back.
 */
#include <mallow.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

typedef struct file {
  int fd;
} file;

static _Atomic int forgotten, descriptors;

static void on_final(void *obj, void *arg) {
  (void)arg;
  file *f = obj;
  close(f->fd);
  forgotten++;
  descriptors--;
}

static file *file_open(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return NULL;
  file *f = mw_new(file);
  f->fd = fd;
  descriptors++;
  mw_set_finalizer(f, on_final, NULL);
  return f;
}

static void file_close(file *f) {
  mw_set_finalizer(f, NULL, NULL); /* closed by hand: nothing left to do */
  close(f->fd);
  descriptors--;
}

/* On a goroutine of its own: when it ends, so does its stack, and with it the
 * last word that could keep a file alive. */
static void work(void *done) {
  for (int i = 0; i < 100; i++) {
    file *f = file_open("/dev/null");
    if (f && i % 2) file_close(f); /* the others are forgotten */
  }
  mw_chan_close(done);
}

static _Atomic int cleaned;
static void on_clean(void *arg) {
  cleaned += (int)(intptr_t)arg;
}
static void with_cleanups(void *done) {
  for (int i = 0; i < 100; i++) {
    file *f = mw_new(file);
    mw_add_cleanup(f, on_clean, (void *)(intptr_t)1); /* the argument, not the object */
  }
  mw_chan_close(done);
}

static void run(void (*fn)(void *)) {
  mw_chan *done = mw_chan_make(char, 0);
  mw_go(fn, done);
  mw_chan_recv(done, NULL);
  for (int i = 0; i < 2; i++) {
    mw_gc();
    mw_sleep(10000000); /* finalizers run on a goroutine, after the collection */
  }
}

int main(void) {
  run(work);
  printf("100 files opened, 50 closed by hand, %s closed by their finalizers\n",
         forgotten >= 45 ? "nearly all of the rest" : "too few");
  printf("descriptors left open: %s\n", descriptors <= 5 ? "next to none" : "too many");
  run(with_cleanups);
  printf("cleanups: %s have run\n", cleaned >= 95 ? "nearly all of 100" : "too few");
}
