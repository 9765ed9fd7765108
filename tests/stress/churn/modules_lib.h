/* SPDX-License-Identifier: MIT */
/* tests/stress/churn/modules_lib.h -- a library that keeps collected objects in its globals */
#ifndef STRESS_MODULES_LIB_H
#define STRESS_MODULES_LIB_H

#include <stdbool.h>
#include <stdint.h>

/* Fill every global with fresh objects that hold value. */
void lib_fill(uint64_t value);
/* Are they all intact, with that value? */
bool lib_check(uint64_t value);

#endif
