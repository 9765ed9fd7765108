/* SPDX-License-Identifier: MIT */
/* tests/gc/registers_plain.h -- external code that keeps a pointer in a register only */
extern volatile int plain_holds, plain_release, plain_go;
extern unsigned long plain_from; /* complemented: the address of a slot */
/* Take *slot into a register, say so, wait, put it back.  0: general, 1: vector, 2: general,
 * rounded down to a multiple of 256, with the rest in another. */
void plain_hold(void **slot, int how);
/* Wait for plain_go, take what is at plain_from, say so, wait, put it into *slot. */
void plain_take(void **slot);
/* Wait for plain_go; move five pointers from the array that is at plain_from into the first words
 * of the five objects in slot[], which are in registers only from then on; call wait. */
void plain_insert(void **slot, void (*wait)(void));
