/* SPDX-License-Identifier: MIT */
/*
 * os/syscall.h -- system calls without libc (internal)
 *
 * The result is the kernel's: a value, or -errno.  libc's wrappers write errno
 * of the thread they return on, and a goroutine may have moved since; and
 * they are external code, which a stop has to interrupt by a signal.
 */
#ifndef MWI_OS_SYSCALL_H
#define MWI_OS_SYSCALL_H

#include <sys/syscall.h>

#include "base/base.h"

#ifndef __x86_64__
#error "system calls: x86-64 only so far"
#endif

MWI_INLINE long mwi_sys6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

MWI_INLINE bool mwi_sys_failed(long result) {
  return (unsigned long)result > -4096ul;
}

/* An argument of any integer or pointer type. */
#define MWI_SYS_ARG(x) ((long)(x))
#define mwi_sys0(nr) mwi_sys6(nr, 0, 0, 0, 0, 0, 0)
#define mwi_sys1(nr, a) mwi_sys6(nr, MWI_SYS_ARG(a), 0, 0, 0, 0, 0)
#define mwi_sys2(nr, a, b) mwi_sys6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), 0, 0, 0, 0)
#define mwi_sys3(nr, a, b, c) mwi_sys6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), 0, 0, 0)
#define mwi_sys4(nr, a, b, c, d)                                                                   \
  mwi_sys6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), 0, 0)
#define mwi_sys5(nr, a, b, c, d, e)                                                                \
  mwi_sys6(nr, MWI_SYS_ARG(a), MWI_SYS_ARG(b), MWI_SYS_ARG(c), MWI_SYS_ARG(d), MWI_SYS_ARG(e), 0)

#endif
