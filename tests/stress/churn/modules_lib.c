/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/modules_lib.c -- see modules_lib.h
 *
 * Every kind of global: static, exported, initialised, in a struct, in an
 * array, in a union, local to a function.  With LIB_CONSTRUCTOR they are filled
 * before anybody calls.
 */
#include "modules_lib.h"

#include <mallow.h>

struct item {
  struct item *next;
  uint64_t value, check;
};

struct item *lib_exported;
static struct item *lib_static;
static struct {
  char text[12];
  struct item *items[3];
} lib_struct = {.text = "initialised"};
static struct item *lib_array[100];
static union {
  uint64_t number;
  struct item *item;
} lib_union;
static void *lib_void; /* points into the middle */

static struct item **local_slot(void) {
  static struct item *local;
  return &local;
}

static struct item *item_new(uint64_t value) {
  struct item *item = mw_new(struct item);
  item->next = mw_new(struct item);
  item->value = item->next->value = value;
  item->check = item->next->check = ~value;
  return item;
}

static bool intact(const struct item *item, uint64_t value) {
  return item && item->value == value && item->check == ~value && item->next->value == value &&
         item->next->check == ~value;
}

#ifdef LIB_CONSTRUCTOR
__attribute__((constructor)) void lib_begin(void) {
  lib_fill(0);
}
#endif

void lib_fill(uint64_t value) {
  lib_exported = item_new(value);
  lib_static = item_new(value);
  for (int i = 0; i < 3; i++) lib_struct.items[i] = item_new(value);
  for (int i = 0; i < 100; i++) lib_array[i] = item_new(value);
  lib_union.item = item_new(value);
  lib_void = &item_new(value)->check;
  *local_slot() = item_new(value);
}

bool lib_check(uint64_t value) {
  for (int i = 0; i < 3; i++)
    if (!intact(lib_struct.items[i], value)) return false;
  for (int i = 0; i < 100; i++)
    if (!intact(lib_array[i], value)) return false;
  const char *into = lib_void;
  return intact(lib_exported, value) && intact(lib_static, value) &&
         intact(lib_union.item, value) &&
         intact((const struct item *)(into - offsetof(struct item, check)), value) &&
         intact(*local_slot(), value);
}
