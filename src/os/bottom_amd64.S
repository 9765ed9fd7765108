/* SPDX-License-Identifier: MIT */
/* os/bottom_amd64.S -- see os/thread.h */

        .section mw_rt_text, "ax", @progbits

/* void *mwi_bottom_call(void *(*fn)(void *) (%rdi), void *arg (%rsi)) */
        .globl  mwi_bottom_call
        .hidden mwi_bottom_call
        .type   mwi_bottom_call, @function
        .globl  mwi_bottom_return
        .hidden mwi_bottom_return
        .p2align 4
mwi_bottom_call:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        movq    %rdi, %rax
        movq    %rsi, %rdi
        callq   *%rax
mwi_bottom_return:
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        retq
        .cfi_endproc
        .size   mwi_bottom_call, .-mwi_bottom_call

        .section .note.GNU-stack, "", @progbits
