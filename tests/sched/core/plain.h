/* SPDX-License-Identifier: MIT */
/* tests/sched/core/plain.h -- external code: plain.c is compiled without the plugin */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>
#include <stdint.h>

void plain_spin_ms(int ms);  /* compute */
void plain_block_ms(int ms); /* asleep in the kernel, though signals interrupt the calls */
void plain_libc_locks(void); /* malloc, threads and modules come and go */

#endif
