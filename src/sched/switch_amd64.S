/* SPDX-License-Identifier: MIT */
/* sched/switch_amd64.S -- see sched/switch.h */

        .section mw_rt_text, "ax", @progbits

/* void mwi_switch(uintptr_t *save (%rdi), uintptr_t sp (%rsi)) */
        .globl  mwi_switch
        .hidden mwi_switch
        .type   mwi_switch, @function
        .p2align 4
mwi_switch:
        .cfi_startproc
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        retq
        .cfi_endproc
        .size   mwi_switch, .-mwi_switch

/* void mwi_spill_call(void (*fn)(void *, uintptr_t) (%rdi), void *arg (%rsi)) */
        .globl  mwi_spill_call
        .hidden mwi_spill_call
        .type   mwi_spill_call, @function
        .p2align 4
mwi_spill_call:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rsp, %rsi
        callq   *%rax
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        retq
        .cfi_endproc
        .size   mwi_spill_call, .-mwi_spill_call

/* Where a new goroutine's first switch returns to. */
        .type   goroutine_entry, @function
        .p2align 4
goroutine_entry:
        .cfi_startproc
        .cfi_undefined %rip
        xorl    %ebp, %ebp
        callq   mwi_goroutine_main
        ud2
        .cfi_endproc
        .size   goroutine_entry, .-goroutine_entry

/* uintptr_t mwi_switch_prepare(uintptr_t hi (%rdi)) */
        .globl  mwi_switch_prepare
        .hidden mwi_switch_prepare
        .type   mwi_switch_prepare, @function
        .p2align 4
mwi_switch_prepare:
        andq    $-16, %rdi
        leaq    -72(%rdi), %rax        /* sp is 16-aligned at goroutine_entry: hi - 16 */
        leaq    goroutine_entry(%rip), %rcx
        movq    %rcx, 48(%rax)
        movq    $0, 40(%rax)           /* rbp */
        movq    $0, 32(%rax)
        movq    $0, 24(%rax)
        movq    $0, 16(%rax)
        movq    $0, 8(%rax)
        movq    $0, 0(%rax)
        movq    $0, 56(%rax)           /* end of the frame chain */
        retq
        .size   mwi_switch_prepare, .-mwi_switch_prepare

/*
 * void mwi_syscall_enter(void), void mwi_attempt_enter(void): publish the
 * caller's callee-saved registers and stack pointer in the thread's block, then
 * go on in C.  The offset is
 * checked by a static assertion in sched/proc.h.
 */
        .macro  publish_and_go name, to
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        movq    %gs:8, %rax
        movq    %rbx, 128+0(%rax)
        movq    %rbp, 128+8(%rax)
        movq    %r12, 128+16(%rax)
        movq    %r13, 128+24(%rax)
        movq    %r14, 128+32(%rax)
        movq    %r15, 128+40(%rax)
        leaq    8(%rsp), %rcx
        movq    %rcx, 128+48(%rax)
        jmp     \to
        .cfi_endproc
        .size   \name, .-\name
        .endm

        publish_and_go mwi_syscall_enter, mwi_syscall_entered
        publish_and_go mwi_attempt_enter, mwi_attempt_entered

        .section .note.GNU-stack, "", @progbits
