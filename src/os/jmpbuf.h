/* SPDX-License-Identifier: MIT */
/* os/jmpbuf.h -- what a jmp_buf says (internal; jmpbuf_amd64.c) */
#ifndef MWI_OS_JMPBUF_H
#define MWI_OS_JMPBUF_H

#include <setjmp.h>
#include <signal.h>

#include "base/base.h"

/* The stack pointer that a longjmp to env restores. */
uintptr_t mwi_os_jmpbuf_sp(const struct __jmp_buf_tag *env);
/* The signal mask that it restores, NULL for none. */
const sigset_t *mwi_os_jmpbuf_mask(const struct __jmp_buf_tag *env);

#endif
