/* SPDX-License-Identifier: MIT */
/* tests/gc/handed_plain.c -- see handed.c; compiled by clang */

volatile int plain_holds, plain_release;

/* A strverscmp that has of its first argument only what makes no address, as memmove and strcmp
 * have for some instructions, while it waits to be released.  In assembly, so that nothing else has
 * it: registers, and what lies below the stack pointer (a red zone), are scanned.  1: the text
 * begins with an h still. */
__asm__(".text\n\t"
        ".globl strverscmp\n\t"
        ".type strverscmp, @function\n"
        "strverscmp:\n\t"
        "movq %rdi, %rdx\n\t"
        "notq %rdx\n\t"
        "leaq -512(%rsp), %rdi\n\t"
        "movl $64, %ecx\n\t"
        "xorl %eax, %eax\n\t"
        "rep stosq\n\t"
        "xorl %esi, %esi\n\t"
        "xorl %r8d, %r8d\n\t"
        "xorl %r9d, %r9d\n\t"
        "xorl %r10d, %r10d\n\t"
        "xorl %r11d, %r11d\n\t"
        "pxor %xmm0, %xmm0\n\t"
        "pxor %xmm1, %xmm1\n\t"
        "movl $1, plain_holds(%rip)\n"
        "1: pause\n\t"
        "cmpl $0, plain_release(%rip)\n\t"
        "je 1b\n\t"
        "notq %rdx\n\t"
        "cmpb $104, (%rdx)\n\t"
        "sete %al\n\t"
        "ret\n\t"
        ".size strverscmp, .-strverscmp\n\t"
        ".section .note.GNU-stack,\"\",@progbits\n\t"
        ".text");
