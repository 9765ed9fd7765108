/* SPDX-License-Identifier: MIT */
/*
 * debug/unwind.c -- from a frame to its caller; see debug/unwind.h
 */
#include "debug/unwind.h"

#include <dlfcn.h>

#include "gc/gc.h"

void mwi_unwind_init(struct mwi_unwind *u, const struct mwi_context *c, bool exact) {
  u->ctx = *c;
  u->exact = exact;
  u->nranges = 0;
  u->crossings = 0;
}

void mwi_unwind_allow(struct mwi_unwind *u, uintptr_t lo, uintptr_t hi) {
  mwi_unwind_allow_moved(u, lo, hi, lo);
}

void mwi_unwind_allow_moved(struct mwi_unwind *u, uintptr_t lo, uintptr_t hi, uintptr_t at) {
  if (lo >= hi || u->nranges == MWI_UNWIND_RANGES) return;
  u->range[u->nranges].lo = lo;
  u->range[u->nranges].hi = hi;
  u->range[u->nranges].moved = at - lo;
  u->nranges++;
}

/* Index of the range that holds all of [addr, addr + 8), -1: none. */
static int range_of(const struct mwi_unwind *u, uintptr_t addr) {
  for (int i = 0; i < u->nranges; i++)
    if (addr >= u->range[i].lo && addr < u->range[i].hi && u->range[i].hi - addr >= 8) return i;
  return -1;
}

bool mwi_unwind_load(const struct mwi_unwind *u, uintptr_t addr, uintptr_t *out) {
  int i = range_of(u, addr);
  if (i < 0) return false;
  memcpy(out, (const void *)(addr + u->range[i].moved), sizeof *out);
  return true;
}

/* ---- Whose code ---------------------------------------------------------- */

enum mwi_text mwi_text_of(uintptr_t pc) {
  if (mwi_text_runtime(pc)) return MWI_TEXT_RUNTIME;
  if (mwi_text_instrumented(pc)) return MWI_TEXT_COMPILED;
  struct dl_find_object o;
  return _dl_find_object((void *)pc, &o) == 0 ? MWI_TEXT_EXTERNAL : MWI_TEXT_NONE;
}

/* ---- Steps ----------------------------------------------------------------- */

/* By the frame pointer: [bp] is the caller's, [bp + 8] the return address. */
static bool frame_pointer_step(struct mwi_unwind *u) {
  struct mwi_context *c = &u->ctx;
  uintptr_t bp = c->reg[MWI_CTX_BP], caller_bp, pc;
  if (!(c->known >> MWI_CTX_BP & 1) || bp < c->reg[MWI_CTX_SP] || bp % 8) return false;
  /* one stack only: a frame pointer that leads elsewhere is not one.  A stack
   * pointer in no range is an overflow's, in the guard. */
  int range = range_of(u, c->reg[MWI_CTX_SP]);
  if (range >= 0 && range_of(u, bp) != range) return false;
  if (!mwi_unwind_load(u, bp, &caller_bp) || !mwi_unwind_load(u, bp + 8, &pc)) return false;
  if (mwi_text_of(pc - 1) == MWI_TEXT_NONE) return false;
  *c = (struct mwi_context){.known = 1u << MWI_CTX_BP | 1u << MWI_CTX_SP | 1u << MWI_CTX_PC};
  c->reg[MWI_CTX_BP] = caller_bp;
  c->reg[MWI_CTX_SP] = bp + 16;
  c->reg[MWI_CTX_PC] = pc;
  u->exact = false;
  return true;
}

bool mwi_unwind_step(struct mwi_unwind *u) {
  struct mwi_unwind before = *u;
  uintptr_t sp = u->ctx.reg[MWI_CTX_SP];
  enum mwi_text text = mwi_text_of(u->ctx.reg[MWI_CTX_PC] - (u->exact ? 0 : 1));
  bool own = text == MWI_TEXT_RUNTIME || text == MWI_TEXT_COMPILED;

  if (!u->exact && own && frame_pointer_step(u)) return true;
  switch (mwi_cfi_step(u)) {
  case MWI_CFI_NONE:
    if (!frame_pointer_step(u)) return false;
    break;
  case MWI_CFI_STEPPED:
    break;
  case MWI_CFI_END:
    return false;
  }

  /* [U2] up on the same stack, or, a few times, out of a signal handler over to another */
  uintptr_t to = u->ctx.reg[MWI_CTX_SP], pc = u->ctx.reg[MWI_CTX_PC];
  int from = range_of(u, sp);
  bool crossed = from >= 0 && from != range_of(u, to - 8);
  bool up = crossed ? u->exact && u->crossings++ < MWI_UNWIND_RANGES : to > sp;
  if (pc == 0 || !up) {
    *u = before;
    return false;
  }
  return true;
}
