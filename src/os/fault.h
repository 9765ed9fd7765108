/* SPDX-License-Identifier: MIT */
/*
 * os/fault.h -- memory of the program's that may not be there (internal)
 *
 * Job      Where the runtime reads what a system call's arguments point to before the kernel does,
 *          a wrong pointer must not end the program: the call has to say EFAULT.
 * How      One instruction of mwi_os_copy, and one of mwi_os_readable, touches such memory.  A
 *          handler of SIGSEGV or SIGBUS that finds it interrupted has it return false.  So
 *          what can be read costs no system call.
 * Limits   Where the program has a fault's signal blocked or ignored, the kernel kills it; a
 * handler that code not compiled by mallow has installed meets the fault.
 */
#ifndef MWI_OS_FAULT_H
#define MWI_OS_FAULT_H

#include "base/base.h"

/* False: one of them is not there, or `to` cannot be written; some bytes may be copied. */
bool mwi_os_copy(void *to, const void *from, size_t n);
/* May it be read, now? */
bool mwi_os_readable(const void *p, size_t n);

/* For handlers of faults, with their third argument.  True: it was one of the two's, and is dealt
 * with. */
bool mwi_os_copy_faulted(void *uc);

#endif
