/* SPDX-License-Identifier: MIT */
/* sched/pool.h -- what the collector does with pools (internal) */
#ifndef MWI_SCHED_POOL_H
#define MWI_SCHED_POOL_H

#include "base/base.h"

void mwi_pools_clear_stw(void);
void mwi_pools_forget(const void *p, size_t n);
void mwi_pools_forget_image(uintptr_t image); /* its thread-locals (gc/roots.h, mwi_tls_image) */
void mwi_pools_scan(void (*scan)(const void *p, size_t bytes));

#endif
