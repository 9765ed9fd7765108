/* SPDX-License-Identifier: MIT */
/* os/fault_amd64.c -- see os/fault.h */
#define _GNU_SOURCE 1
#include "os/fault.h"

#include <ucontext.h>

#define PAGE ((size_t)4096)

/* fault_amd64.S: one byte, without the time that a string instruction takes to begin */
bool mwi_os_peek(const char *p);
extern const char mwi_os_peek_at[] __attribute__((visibility("hidden")));
extern const char mwi_os_copy_at[] __attribute__((visibility("hidden")));
extern const char mwi_os_copy_fails[] __attribute__((visibility("hidden")));

bool mwi_os_copy_faulted(void *uc) {
  greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;
  uintptr_t pc = (uintptr_t)r[REG_RIP];
  if (pc != (uintptr_t)mwi_os_copy_at && pc != (uintptr_t)mwi_os_peek_at) return false;
  r[REG_RIP] = (greg_t)(uintptr_t)mwi_os_copy_fails;
  return true;
}

/* A byte of each page. */
bool mwi_os_readable(const void *p, size_t n) {
  const char *at = p;
  while (n) {
    if (!mwi_os_peek(at)) return false;
    size_t step = PAGE - ((uintptr_t)at & (PAGE - 1));
    if (step >= n) break;
    at += step;
    n -= step;
  }
  return true;
}
