/* SPDX-License-Identifier: MIT */
/* words.h -- a collection of strings; the shared library */
#ifndef WORDS_H
#define WORDS_H

void words_add(const char *word);
int words_count(void);
const char *words_get(int i);

#endif
