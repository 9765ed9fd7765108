/* SPDX-License-Identifier: MIT */
/* tests/gc/attached_late_plain.c -- see the header; compiled by clang */
#include "attached_late_plain.h"

#include <stdint.h>
#include <unistd.h>

volatile int plain_turn;

void *plain_thread(void *arg) {
  int round = (int)(intptr_t)arg;
  while (plain_turn < round) {
  }
  take(round);
  while (plain_turn <= plain_rounds) usleep(1000);
  return 0;
}
