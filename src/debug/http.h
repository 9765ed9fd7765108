/* SPDX-License-Identifier: MIT */
/* debug/http.h -- profiles over HTTP (internal); see http.c, http_pages.c */
#ifndef MWI_DEBUG_HTTP_H
#define MWI_DEBUG_HTTP_H

#include "base/base.h"

/* GODEBUG=httpdebug=ADDR: serve there; a line on stderr when that fails.  The
 * initial thread, before main. */
void mwi_http_init(void);

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
