/* SPDX-License-Identifier: MIT */
/* tests/gc/attached_late_plain.h -- threads that wait without the runtime */
extern volatile int plain_turn;
/* Waits until it is its turn, calls take, and waits until all had theirs. */
void *plain_thread(void *round);
void take(int round);
extern const int plain_rounds;
