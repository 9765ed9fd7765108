/* SPDX-License-Identifier: MIT */
/* os/fault_amd64.S -- see os/fault.h */

        .section mw_rt_text, "ax", @progbits

/* bool mwi_os_copy(void *to (%rdi), const void *from (%rsi), size_t n (%rdx)) */
        .globl  mwi_os_copy
        .hidden mwi_os_copy
        .type   mwi_os_copy, @function
        .globl  mwi_os_copy_at
        .hidden mwi_os_copy_at
        .globl  mwi_os_copy_fails
        .hidden mwi_os_copy_fails
        .p2align 4
mwi_os_copy:
        .cfi_startproc
        movq    %rdx, %rcx
        movl    $1, %eax
mwi_os_copy_at:
        rep movsb
        retq
mwi_os_copy_fails:
        xorl    %eax, %eax
        retq
        .cfi_endproc
        .size   mwi_os_copy, .-mwi_os_copy

/* bool mwi_os_peek(const char *p (%rdi)) */
        .globl  mwi_os_peek
        .hidden mwi_os_peek
        .type   mwi_os_peek, @function
        .globl  mwi_os_peek_at
        .hidden mwi_os_peek_at
        .p2align 4
mwi_os_peek:
        .cfi_startproc
        movl    $1, %eax
mwi_os_peek_at:
        movb    (%rdi), %cl
        retq
        .cfi_endproc
        .size   mwi_os_peek, .-mwi_os_peek

        .section .note.GNU-stack, "", @progbits
