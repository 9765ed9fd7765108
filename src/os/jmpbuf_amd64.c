/* SPDX-License-Identifier: MIT */
/*
 * os/jmpbuf_amd64.c -- see os/jmpbuf.h
 *
 * glibc keeps rbx, rbp, r12 to r15, rsp and the return address, in this order;
 * rbp, rsp and the address are xor-ed with a secret of the process, which each
 * thread has at offset 48 of its block, and rotated left by 17 bits.
 */
#include "os/jmpbuf.h"

#define JB_RSP 6

uintptr_t mwi_os_jmpbuf_sp(const struct __jmp_buf_tag *env) {
  uintptr_t word = (uintptr_t)env->__jmpbuf[JB_RSP], secret;
  __asm__("movq %%fs:48, %0" : "=r"(secret));
  return (word >> 17 | word << 47) ^ secret;
}

const sigset_t *mwi_os_jmpbuf_mask(const struct __jmp_buf_tag *env) {
  return env->__mask_was_saved ? (const sigset_t *)&env->__saved_mask : NULL;
}
