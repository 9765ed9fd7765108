/* SPDX-License-Identifier: MIT */
/* debug/http.h -- profiles over HTTP (internal); see http.c, http_pages.c */
#ifndef MWI_DEBUG_HTTP_H
#define MWI_DEBUG_HTTP_H

#include "base/base.h"

/* GODEBUG=httpdebug=ADDR: serve there; a line on stderr when that fails.  The
 * initial thread, before main. */
void mwi_http_init(void);

/* http_head.c.  The head of a request, n bytes of it so far: 200 it is in order, 0 more is needed,
 * else the status that it deserves. */
#define MWI_HTTP_HEAD ((size_t)8192)
int mwi_http_head(const char *p, size_t n);
/* Accept on a listening socket; connections with a head in order go to take, on a thread of its
 * own; where it says false, to a 503.  0 or -errno. */
struct sockaddr;
int mwi_http_front(int listener,
                   bool (*take)(void *arg, int fd, const struct sockaddr *peer, unsigned n),
                   void *arg);

/* What a request asked for, and what it gets.  The body goes into a file in memory. */
struct mwi_http_request {
  const char *path;
  const char *query; /* what follows the ?, up to the first = or &; NULL: nothing */
  const char *(*argument)(void *connection, const char *name); /* NULL: not given */
  void *connection;
};
struct mwi_http_reply {
  int status;
  const char *type;     /* Content-Type */
  const char *filename; /* to be saved under; NULL: to be shown */
  const char *location; /* of a redirection */
  int fd;               /* the body, in memory */
};

/* Fill *reply, whose fd is open for writing.  A thread with its own stack; may
 * take as long as the request says. */
void mwi_http_answer(const struct mwi_http_request *q, struct mwi_http_reply *reply);

#endif
