/* SPDX-License-Identifier: MIT */
/*
 * debug/cfi_read.h -- reading .eh_frame's bytes, for debug/cfi*.c (internal)
 */
#ifndef MWI_DEBUG_CFI_READ_H
#define MWI_DEBUG_CFI_READ_H

#include "debug/unwind.h"

/* A place in a table; `bad` is kept, so that a run of reads is checked once. */
struct mwi_cfi_cursor {
  const uint8_t *p, *end;
  uintptr_t hdr; /* base of data-relative pointers */
  bool bad;      /* ran over the end; values since then are 0 */
};

uint64_t mwi_cfi_take(struct mwi_cfi_cursor *c, size_t n); /* n <= 8 bytes, little endian */
uint64_t mwi_cfi_uleb(struct mwi_cfi_cursor *c);
int64_t mwi_cfi_sleb(struct mwi_cfi_cursor *c);

enum { MWI_PE_OMIT = 0xff, MWI_PE_FORM = 0x0f, MWI_PE_APPLY = 0x70, MWI_PE_INDIRECT = 0x80 };

/* A pointer in one of the encodings of the Linux Standard Base (DW_EH_PE_*). */
uintptr_t mwi_cfi_pointer(struct mwi_cfi_cursor *c, uint8_t enc);

/* A register's value in a frame; false: not known there. */
MWI_INLINE bool mwi_cfi_reg(const struct mwi_context *ctx, uint64_t reg, uintptr_t *v) {
  if (reg >= MWI_CTX_NREGS || !(ctx->known >> reg & 1)) return false;
  *v = ctx->reg[reg];
  return true;
}

/*
 * debug/cfi_expr.c: the value of an expression, DWARF 5 section 2.5 (a uleb
 * length, already checked, then operations).  `cfa` is pushed first if push_cfa.
 */
bool mwi_cfi_eval(const struct mwi_unwind *u, const uint8_t *expr, bool push_cfa, uintptr_t cfa,
                  uintptr_t *out);

#endif
