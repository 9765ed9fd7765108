/* SPDX-License-Identifier: MIT */
/* os/call_amd64.S -- see os/restart.h */

        .section mw_rt_text, "ax", @progbits

/* long mwi_os_call(long number (%rdi), long a, b, c, d, e (%rsi, %rdx, %rcx, %r8, %r9), long f) */
        .globl  mwi_os_call
        .hidden mwi_os_call
        .type   mwi_os_call, @function
        .globl  mwi_os_call_at
        .hidden mwi_os_call_at
        .p2align 4
mwi_os_call:
        .cfi_startproc
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
mwi_os_call_at:
        syscall
        retq
        .cfi_endproc
        .size   mwi_os_call, .-mwi_os_call

        .section .note.GNU-stack, "", @progbits
