/* SPDX-License-Identifier: MIT */
/*
 * os/context_amd64.c -- registers of x86-64; see os/context.h
 *
 * The two naked functions are assembly because the compiler's own prologue
 * would have changed what they report or switch.
 */
#include "os/context.h"

#include <ucontext.h>

_Static_assert(offsetof(struct mwi_context, known) == 17 * 8, "offsets in mwi_context_here");

__attribute__((naked)) void mwi_context_here(struct mwi_context *c) {
  /* rdi = c; known = rbx rbp rsp r12-r15 pc */
  __asm__("movq %rbx, 3*8(%rdi)\n\t"
          "movq %rbp, 6*8(%rdi)\n\t"
          "leaq 8(%rsp), %rax\n\t"
          "movq %rax, 7*8(%rdi)\n\t"
          "movq %r12, 12*8(%rdi)\n\t"
          "movq %r13, 13*8(%rdi)\n\t"
          "movq %r14, 14*8(%rdi)\n\t"
          "movq %r15, 15*8(%rdi)\n\t"
          "movq (%rsp), %rax\n\t"
          "movq %rax, 16*8(%rdi)\n\t"
          "movl $0x1f0c8, 17*8(%rdi)\n\t"
          "ret");
}

void mwi_context_from_signal(struct mwi_context *c, const void *uc) {
  static const uint8_t greg[MWI_CTX_NREGS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                              REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                              REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  const ucontext_t *u = uc;
  for (int i = 0; i < MWI_CTX_NREGS; i++) c->reg[i] = (uintptr_t)u->uc_mcontext.gregs[greg[i]];
  c->known = (1u << MWI_CTX_NREGS) - 1;
}

__attribute__((naked)) void mwi_call_on_stack(void (*fn)(void *), void *arg, void *top) {
  /* rdi = fn, rsi = arg, rdx = top */
  __asm__("pushq %rbp\n\t"
          ".cfi_adjust_cfa_offset 8\n\t"
          ".cfi_rel_offset %rbp, 0\n\t"
          "movq %rsp, %rbp\n\t"
          ".cfi_def_cfa_register %rbp\n\t"
          "movq %rdx, %rsp\n\t"
          "movq %rdi, %rax\n\t"
          "movq %rsi, %rdi\n\t"
          "callq *%rax\n\t"
          "movq %rbp, %rsp\n\t"
          "popq %rbp\n\t"
          ".cfi_def_cfa %rsp, 8\n\t"
          "ret");
}
