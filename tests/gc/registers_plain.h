/* SPDX-License-Identifier: MIT */
/* tests/gc/registers_plain.h -- external code that keeps a pointer in a register only */
extern volatile int plain_holds, plain_release;
/* Take *slot into a register (0: general, 1: vector), say so, wait, put it back. */
void plain_hold(void **slot, int vector);
