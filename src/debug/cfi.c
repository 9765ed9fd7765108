/* SPDX-License-Identifier: MIT */
/*
 * debug/cfi.c -- one step up the stack by .eh_frame
 *
 * Job      Libraries are compiled without frame pointers; what the compiler
 *          wrote about its frames (call frame information, DWARF 5 §6.4 with
 *          the changes of the Linux Standard Base for .eh_frame) says where
 *          the caller's registers are at each instruction.
 * Promise  [U1], [U3] of unwind.h: reads the tables inside the mapping of the
 *          object that the pc is in, and the stack through mwi_unwind_load.
 *          What it does not understand ends the walk.
 * How      _dl_find_object (glibc 2.35; no lock) finds the object and its
 *          .eh_frame_hdr, a sorted table of functions; binary search gives
 *          the function's entry (FDE) and, through that, what it shares with
 *          others (CIE).  Both hold small programs: run up to the pc, they
 *          leave a rule for each register, which is then applied.
 * Not done libgcc's or libunwind's unwinder: they allocate, take locks, or
 *          trust the stack pointer.  Objects without .eh_frame_hdr's table.
 */
#include <dlfcn.h>

#include "debug/cfi_read.h"

/* ---- Finding the entry ---------------------------------------------------- */

struct entry {
  uintptr_t start; /* first address of the function */
  int64_t code_align, data_align;
  uint64_t ra;                    /* the return address's register */
  bool signal;                    /* a signal handler returns to this frame */
  struct mwi_cfi_cursor cie, fde; /* the two programs */
};

/* The record at p: its content after the length, in *c. */
static bool record(struct mwi_cfi_cursor *c, const uint8_t *p, const uint8_t *end) {
  c->p = p;
  c->end = end;
  uint64_t n = mwi_cfi_take(c, 4);
  if (n == 0xffffffff) n = mwi_cfi_take(c, 8);
  if (c->bad || n == 0 || n > (size_t)(end - c->p)) return false;
  c->end = c->p + n;
  return true;
}

static bool parse_cie(struct entry *e, const uint8_t *p, const uint8_t *end, uintptr_t hdr,
                      uint8_t *pointer_enc, bool *sized) {
  struct mwi_cfi_cursor c = {.hdr = hdr};
  if (!record(&c, p, end) || mwi_cfi_take(&c, 4) != 0) return false;
  uint64_t version = mwi_cfi_take(&c, 1);
  const char *aug = (const char *)c.p;
  while (!c.bad && mwi_cfi_take(&c, 1)) {
  }
  if (c.bad || (version != 1 && version != 3)) return false;
  e->code_align = (int64_t)mwi_cfi_uleb(&c);
  e->data_align = mwi_cfi_sleb(&c);
  e->ra = version == 1 ? mwi_cfi_take(&c, 1) : mwi_cfi_uleb(&c);
  e->signal = false;
  *pointer_enc = 0;
  *sized = *aug == 'z';
  if (*sized) {
    uint64_t n = mwi_cfi_uleb(&c);
    if (c.bad || n > (size_t)(c.end - c.p)) return false;
    struct mwi_cfi_cursor a = c;
    a.end = c.p + n;
    c.p += n;
    while (*++aug) switch (*aug) {
      case 'R':
        *pointer_enc = (uint8_t)mwi_cfi_take(&a, 1);
        break;
      case 'L':
        mwi_cfi_take(&a, 1);
        break;
      case 'P': {
        uint8_t enc = (uint8_t)mwi_cfi_take(&a, 1);
        mwi_cfi_pointer(&a, enc & ~(MWI_PE_INDIRECT | MWI_PE_APPLY)); /* only its length matters */
        break;
      }
      case 'S':
        e->signal = true;
        break;
      case 'B':
        break;
      default:
        return false;
      }
    if (a.bad) return false;
  } else if (*aug) {
    return false;
  }
  e->cie = c;
  return !c.bad;
}

/* The entry of the function that pc is in. */
static bool find_entry(struct entry *e, uintptr_t pc) {
  struct dl_find_object o;
  if (_dl_find_object((void *)pc, &o) != 0 || !o.dlfo_eh_frame) return false;
  const uint8_t *end = o.dlfo_map_end;
  struct mwi_cfi_cursor c = {.p = o.dlfo_eh_frame, .end = end, .hdr = (uintptr_t)o.dlfo_eh_frame};
  uint8_t version = (uint8_t)mwi_cfi_take(&c, 1), frame_enc = (uint8_t)mwi_cfi_take(&c, 1);
  uint8_t count_enc = (uint8_t)mwi_cfi_take(&c, 1), table_enc = (uint8_t)mwi_cfi_take(&c, 1);
  if (version != 1 || count_enc == MWI_PE_OMIT || table_enc != 0x3b) return false;
  mwi_cfi_pointer(&c, frame_enc);
  size_t n = mwi_cfi_pointer(&c, count_enc);
  if (c.bad || n == 0 || n > (size_t)(end - c.p) / 8) return false;

  const uint8_t *table = c.p; /* pairs of int32: function, its FDE, relative to hdr */
  size_t lo = 0, hi = n;      /* the last one that starts at or below pc */
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    int32_t start;
    memcpy(&start, table + mid * 8, 4);
    if (c.hdr + (uintptr_t)(intptr_t)start <= pc)
      lo = mid + 1;
    else
      hi = mid;
  }
  if (lo == 0) return false;
  int32_t off;
  memcpy(&off, table + (lo - 1) * 8 + 4, 4);
  const uint8_t *fde = (const uint8_t *)c.hdr + off, *map = o.dlfo_map_start;
  if (fde < map || fde >= end) return false;

  struct mwi_cfi_cursor f = {.hdr = c.hdr};
  if (!record(&f, fde, end)) return false;
  const uint8_t *at = f.p;
  const uint8_t *cie = at - (uint32_t)mwi_cfi_take(&f, 4);
  uint8_t enc;
  bool sized;
  if (cie < map || cie >= end || !parse_cie(e, cie, end, c.hdr, &enc, &sized)) return false;
  e->start = mwi_cfi_pointer(&f, enc);
  uintptr_t size = mwi_cfi_pointer(&f, enc & MWI_PE_FORM);
  if (f.bad || pc < e->start || pc - e->start >= size) return false;
  if (sized) {
    uint64_t skip = mwi_cfi_uleb(&f);
    if (f.bad || skip > (size_t)(f.end - f.p)) return false;
    f.p += skip;
  }
  e->fde = f;
  return !f.bad;
}

/* ---- Rules ------------------------------------------------------------------ */

enum kind {
  SAME = 0,  /* the caller's value is still in the register */
  UNDEFINED, /* lost; for the return address: no caller */
  AT_CFA,    /* saved at CFA + n */
  IS_CFA,    /* is CFA + n */
  REGISTER,  /* is in register n */
  AT_EXPR,   /* saved where the expression says */
  IS_EXPR    /* is what the expression says */
};

struct rule {
  uint8_t kind;
  union {
    int64_t n;
    const uint8_t *expr; /* uleb length, then operations */
  };
};

struct rules {
  struct rule reg[MWI_CTX_NREGS];
  const uint8_t *cfa_expr; /* or NULL: */
  uint64_t cfa_reg;
  int64_t cfa_off;
};

static void set(struct rules *r, uint64_t reg, enum kind kind, int64_t n) {
  if (reg < MWI_CTX_NREGS) r->reg[reg] = (struct rule){.kind = (uint8_t)kind, .n = n};
}

/* Skip an expression operand and return where it begins. */
static const uint8_t *skip_expr(struct mwi_cfi_cursor *c) {
  const uint8_t *p = c->p;
  uint64_t n = mwi_cfi_uleb(c);
  if (n > (size_t)(c->end - c->p)) c->bad = true;
  if (!c->bad) c->p += n;
  return p;
}

static void set_expr(struct rules *r, struct mwi_cfi_cursor *c, enum kind kind) {
  uint64_t reg = mwi_cfi_uleb(c);
  const uint8_t *p = skip_expr(c);
  if (reg < MWI_CTX_NREGS) r->reg[reg] = (struct rule){.kind = (uint8_t)kind, .expr = p};
}

#define REMEMBER_DEPTH 4 /* compilers nest once */

/* Run a program up to pc.  `initial`: rules after the CIE's program, which
 * DW_CFA_restore goes back to; NULL while that runs. */
static bool run(const struct entry *e, struct mwi_cfi_cursor c, uintptr_t pc, struct rules *r,
                const struct rules *initial) {
  struct rules saved[REMEMBER_DEPTH];
  unsigned depth = 0;
  uintptr_t loc = e->start;
  while (c.p < c.end && !c.bad) {
    uint8_t op = (uint8_t)mwi_cfi_take(&c, 1), low = op & 0x3f;
    uint64_t reg;
    if (op & 0xc0) {
      if ((op & 0xc0) == 0x40) { /* DW_CFA_advance_loc */
        loc += low * (uintptr_t)e->code_align;
        if (loc > pc) return true;
      } else if ((op & 0xc0) == 0x80) { /* DW_CFA_offset */
        set(r, low, AT_CFA, (int64_t)mwi_cfi_uleb(&c) * e->data_align);
      } else if (initial && low < MWI_CTX_NREGS) { /* DW_CFA_restore */
        r->reg[low] = initial->reg[low];
      }
      continue;
    }
    switch (op) {
    case 0x00:
      break; /* nop */
    case 0x02:
      loc += mwi_cfi_take(&c, 1) * (uintptr_t)e->code_align;
      break; /* advance_loc1, 2, 4 */
    case 0x03:
      loc += mwi_cfi_take(&c, 2) * (uintptr_t)e->code_align;
      break;
    case 0x04:
      loc += mwi_cfi_take(&c, 4) * (uintptr_t)e->code_align;
      break;
    case 0x05: /* offset_extended */
      reg = mwi_cfi_uleb(&c);
      set(r, reg, AT_CFA, (int64_t)mwi_cfi_uleb(&c) * e->data_align);
      break;
    case 0x06: /* restore_extended */
      reg = mwi_cfi_uleb(&c);
      if (initial && reg < MWI_CTX_NREGS) r->reg[reg] = initial->reg[reg];
      break;
    case 0x07:
      set(r, mwi_cfi_uleb(&c), UNDEFINED, 0);
      break;
    case 0x08:
      set(r, mwi_cfi_uleb(&c), SAME, 0);
      break;
    case 0x09: /* register */
      reg = mwi_cfi_uleb(&c);
      set(r, reg, REGISTER, (int64_t)mwi_cfi_uleb(&c));
      break;
    case 0x0a: /* remember_state */
      if (depth == REMEMBER_DEPTH) return false;
      saved[depth++] = *r;
      break;
    case 0x0b: /* restore_state */
      if (depth == 0) return false;
      *r = saved[--depth];
      break;
    case 0x0c: /* def_cfa */
      r->cfa_reg = mwi_cfi_uleb(&c);
      r->cfa_off = (int64_t)mwi_cfi_uleb(&c);
      r->cfa_expr = NULL;
      break;
    case 0x0d: /* def_cfa_register */
      r->cfa_reg = mwi_cfi_uleb(&c);
      r->cfa_expr = NULL;
      break;
    case 0x0e:
      r->cfa_off = (int64_t)mwi_cfi_uleb(&c);
      break;
    case 0x0f:
      r->cfa_expr = skip_expr(&c);
      break;
    case 0x10:
      set_expr(r, &c, AT_EXPR);
      break;
    case 0x11: /* offset_extended_sf */
      reg = mwi_cfi_uleb(&c);
      set(r, reg, AT_CFA, mwi_cfi_sleb(&c) * e->data_align);
      break;
    case 0x12: /* def_cfa_sf */
      r->cfa_reg = mwi_cfi_uleb(&c);
      r->cfa_off = mwi_cfi_sleb(&c) * e->data_align;
      r->cfa_expr = NULL;
      break;
    case 0x13:
      r->cfa_off = mwi_cfi_sleb(&c) * e->data_align;
      break;
    case 0x14: /* val_offset, val_offset_sf */
      reg = mwi_cfi_uleb(&c);
      set(r, reg, IS_CFA, (int64_t)mwi_cfi_uleb(&c) * e->data_align);
      break;
    case 0x15:
      reg = mwi_cfi_uleb(&c);
      set(r, reg, IS_CFA, mwi_cfi_sleb(&c) * e->data_align);
      break;
    case 0x16:
      set_expr(r, &c, IS_EXPR);
      break;
    case 0x2e:
      mwi_cfi_uleb(&c);
      break; /* GNU_args_size */
    default:
      return false;
    }
    if (loc > pc) return true;
  }
  return !c.bad;
}

/* ---- Applying them -------------------------------------------------------------- */

/* What the caller has in register i.  False: lost. */
static bool apply(const struct mwi_unwind *u, const struct rule *rule, uint64_t i, uintptr_t cfa,
                  uintptr_t *v) {
  switch (rule->kind) {
  case SAME:
    return mwi_cfi_reg(&u->ctx, i, v);
  case AT_CFA:
    return mwi_unwind_load(u, cfa + (uintptr_t)rule->n, v);
  case IS_CFA:
    *v = cfa + (uintptr_t)rule->n;
    return true;
  case REGISTER:
    return mwi_cfi_reg(&u->ctx, (uint64_t)rule->n, v);
  case AT_EXPR:
    return mwi_cfi_eval(u, rule->expr, true, cfa, v) && mwi_unwind_load(u, *v, v);
  case IS_EXPR:
    return mwi_cfi_eval(u, rule->expr, true, cfa, v);
  default:
    return false;
  }
}

enum mwi_cfi mwi_cfi_step(struct mwi_unwind *u) {
  uintptr_t pc = u->ctx.reg[MWI_CTX_PC] - (u->exact ? 0 : 1);
  struct entry e;
  if (!find_entry(&e, pc)) return MWI_CFI_NONE;
  struct rules r = {.cfa_reg = MWI_CTX_NREGS}, initial;
  if (!run(&e, e.cie, UINTPTR_MAX, &r, NULL)) return MWI_CFI_END;
  initial = r;
  if (!run(&e, e.fde, pc, &r, &initial)) return MWI_CFI_END;

  uintptr_t cfa;
  if (r.cfa_expr) {
    if (!mwi_cfi_eval(u, r.cfa_expr, false, 0, &cfa)) return MWI_CFI_END;
  } else {
    if (!mwi_cfi_reg(&u->ctx, r.cfa_reg, &cfa)) return MWI_CFI_END;
    cfa += (uintptr_t)r.cfa_off;
  }

  struct mwi_context caller = {.known = 0};
  for (uint64_t i = 0; i < MWI_CTX_PC; i++) {
    uintptr_t v;
    if (i == MWI_CTX_SP && r.reg[i].kind == SAME)
      v = cfa; /* the definition of CFA */
    else if (!apply(u, &r.reg[i], i, cfa, &v))
      continue;
    caller.reg[i] = v;
    caller.known |= 1u << i;
  }
  if (e.ra >= MWI_CTX_NREGS || r.reg[e.ra].kind == SAME ||
      !apply(u, &r.reg[e.ra], e.ra, cfa, &caller.reg[MWI_CTX_PC]))
    return MWI_CFI_END; /* the outermost frame says that its return address is undefined */
  caller.known |= 1u << MWI_CTX_PC;

  if (!(caller.known >> MWI_CTX_SP & 1)) return MWI_CFI_END;
  u->ctx = caller;
  u->exact = e.signal;
  return MWI_CFI_STEPPED;
}
