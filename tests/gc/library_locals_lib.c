/* SPDX-License-Identifier: MIT */
/* tests/gc/library_locals_lib.c -- the library of library_locals.c: a thread-local with a pointer
 */
#include <mallow.h>
#include <stdbool.h>

typedef struct item {
  struct item *none;
  unsigned long check;
} item;

static _Thread_local item *own[3];

__attribute__((visibility("default"))) void library_keep(unsigned long check);
__attribute__((visibility("default"))) bool library_kept(unsigned long check);

void library_keep(unsigned long check) {
  own[1] = mw_new(item);
  own[1]->check = check;
}
bool library_kept(unsigned long check) {
  return own[1]->none == NULL && own[1]->check == check;
}
