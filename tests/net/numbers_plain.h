/* SPDX-License-Identifier: MIT */
/* tests/net/numbers_plain.h -- a server that is not compiled by mallow */
#ifndef TESTS_NET_NUMBERS_PLAIN_H
#define TESTS_NET_NUMBERS_PLAIN_H

/* n threads accept from l, for good. */
void numbers_serve(int l, int n);
long numbers_served(void);

#endif
