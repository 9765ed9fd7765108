/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_names.c -- look-ups of names block their thread only
 *
 * As in libc_block.c.  A file of its own, because a static link that looks up no
 * names should not bring in libc's look-ups.  libc writes the results into the
 * caller's variables without barriers: they are pointers to malloc's memory.
 */
#define _GNU_SOURCE 1
#include <netdb.h>
#include <sys/socket.h>

#include "sched/libc.h"

/* clang-format off */
int mwi_rt_getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints, struct addrinfo **restrict result);
int mwi_rt_getnameinfo(const struct sockaddr *restrict addr, socklen_t len, char *restrict host, socklen_t host_room, char *restrict service, socklen_t service_room, int flags);
struct hostent *mwi_rt_gethostbyname(const char *name);
/* clang-format on */

MWI_EXPORT int mwi_rt_getaddrinfo(const char *restrict node, const char *restrict service,
                                  const struct addrinfo *restrict hints,
                                  struct addrinfo **restrict result) {
  MWI_IN_SYS(int, getaddrinfo(node, service, hints, result));
}
MWI_EXPORT int mwi_rt_getnameinfo(const struct sockaddr *restrict addr, socklen_t len,
                                  char *restrict host, socklen_t host_room, char *restrict service,
                                  socklen_t service_room, int flags) {
  MWI_IN_SYS(int, getnameinfo(addr, len, host, host_room, service, service_room, flags));
}
MWI_EXPORT struct hostent *mwi_rt_gethostbyname(const char *name) {
  MWI_IN_SYS(struct hostent *, gethostbyname(name));
}
