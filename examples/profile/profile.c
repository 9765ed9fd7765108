/* SPDX-License-Identifier: MIT */
/*
 * profile.c [-fast] FILE -- a program with an allocation hot spot, and its heap profile
 *
 * Routes requests to handlers.  The slow way builds a key, as text, for each
 * look-up; -fast compares the parts in place.  FILE gets the allocs profile.
 */
#include <mallow.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_MAX = 512, BODY_MAX = 128 };

typedef struct route {
  struct route *next;
  const char *method, *path;
  char *key;
  long hits;
} route;

static route *routes;

static void add_route(const char *method, const char *path) {
  route *r = mw_new(route);
  r->next = routes;
  r->method = method;
  r->path = path;
  r->key = mw_sprintf("%s %s", method, path);
  routes = r;
}

__attribute__((noinline)) static route *find_by_key(const char *method, const char *path) {
  char *key = mw_alloc_noscan(KEY_MAX); /* garbage after the look-up */
  snprintf(key, KEY_MAX, "%s %s", method, path);
  route *r = routes;
  while (r && strcmp(r->key, key) != 0) r = r->next;
  return r;
}

__attribute__((noinline)) static route *find_in_place(const char *method, const char *path) {
  route *r = routes;
  while (r && (strcmp(r->method, method) != 0 || strcmp(r->path, path) != 0)) r = r->next;
  return r;
}

__attribute__((noinline)) static char *respond(const route *r) {
  char *body = mw_alloc_noscan(BODY_MAX);
  snprintf(body, BODY_MAX, "%s: request %ld", r->path, r->hits);
  return body;
}

static size_t serve(bool fast, int requests) {
  static const char *const paths[] = {"/", "/users", "/articles", "/articles/recent-ones"};
  size_t sent = 0;
  for (int i = 0; i < requests; i++) {
    const char *path = paths[i % 4];
    route *r = fast ? find_in_place("GET", path) : find_by_key("GET", path);
    r->hits++;
    sent += strlen(respond(r));
  }
  return sent;
}

int main(int argc, char **argv) {
  bool fast = argc > 1 && strcmp(argv[1], "-fast") == 0;
  if (argc != 2 + fast) return 64;
  add_route("GET", "/");
  add_route("GET", "/users");
  add_route("GET", "/articles");
  add_route("GET", "/articles/recent-ones");
  printf("%zu bytes sent\n", serve(fast, 100000));
  mw_gc(); /* a heap profile shows what the last collection found: bring it up to date */
  int fd = open(argv[1 + fast], O_CREAT | O_TRUNC | O_WRONLY, 0666);
  if (fd < 0 || mw_pprof_write("allocs", fd, 0) != 0 || close(fd) != 0) {
    perror(argv[1 + fast]);
    return 1;
  }
  return 0;
}
