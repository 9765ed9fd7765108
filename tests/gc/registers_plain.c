/* SPDX-License-Identifier: MIT */
/* tests/gc/registers_plain.c -- see the header; compiled by clang */
#include "registers_plain.h"

volatile int plain_holds, plain_release;

void plain_hold(void **slot, int vector) {
  if (vector)
    __asm__ volatile("movq (%0), %%xmm9\n\t"
                     "movq $0, (%0)\n\t"
                     "movl $1, %1\n"
                     "1: pause\n\t"
                     "cmpl $0, %2\n\t"
                     "je 1b\n\t"
                     "movq %%xmm9, (%0)"
                     :
                     : "r"(slot), "m"(plain_holds), "m"(plain_release)
                     : "xmm9", "memory", "cc");
  else
    __asm__ volatile("movq (%0), %%r10\n\t"
                     "movq $0, (%0)\n\t"
                     "movl $1, %1\n"
                     "1: pause\n\t"
                     "cmpl $0, %2\n\t"
                     "je 1b\n\t"
                     "movq %%r10, (%0)"
                     :
                     : "r"(slot), "m"(plain_holds), "m"(plain_release)
                     : "r10", "memory", "cc");
}
