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

#include "debug/unwind.h"

/* ---- Reading the tables ------------------------------------------------- */

struct cursor {
  const uint8_t *p, *end;
  uintptr_t hdr; /* base of data-relative pointers */
  bool bad;      /* ran over the end; values since then are 0 */
};

static uint64_t take(struct cursor *c, size_t n) {
  uint64_t v = 0;
  if (c->bad || (size_t)(c->end - c->p) < n) {
    c->bad = true;
    return 0;
  }
  memcpy(&v, c->p, n);
  c->p += n;
  return v;
}

static uint64_t take_uleb(struct cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint64_t b = take(c, 1);
    if (shift < 64) v |= (b & 0x7f) << shift;
    if (!(b & 0x80)) return v;
  }
}

static int64_t take_sleb(struct cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0;;) {
    uint64_t b = take(c, 1);
    if (shift < 64) v |= (b & 0x7f) << shift;
    shift += 7;
    if (b & 0x80) continue;
    if ((b & 0x40) && shift < 64) v |= ~(uint64_t)0 << shift;
    return (int64_t)v;
  }
}

enum { PE_OMIT = 0xff, PE_FORM = 0x0f, PE_APPLY = 0x70, PE_INDIRECT = 0x80 };

/* A pointer in one of the encodings of the Linux Standard Base (DW_EH_PE_*). */
static uintptr_t take_encoded(struct cursor *c, uint8_t enc) {
  uintptr_t at = (uintptr_t)c->p;
  uint64_t v;
  switch (enc & PE_FORM) {
  case 0x0:
  case 0x4:
  case 0xc:
    v = take(c, 8);
    break;
  case 0x1:
    v = take_uleb(c);
    break;
  case 0x2:
    v = take(c, 2);
    break;
  case 0x3:
    v = take(c, 4);
    break;
  case 0x9:
    v = (uint64_t)take_sleb(c);
    break;
  case 0xa:
    v = (uint64_t)(int64_t)(int16_t)take(c, 2);
    break;
  case 0xb:
    v = (uint64_t)(int64_t)(int32_t)take(c, 4);
    break;
  default:
    c->bad = true;
    return 0;
  }
  switch (enc & PE_APPLY) {
  case 0x00:
    break;
  case 0x10:
    v += at;
    break; /* relative to itself */
  case 0x30:
    v += c->hdr;
    break; /* relative to .eh_frame_hdr */
  default:
    c->bad = true;
    return 0;
  }
  if (enc & PE_INDIRECT) c->bad = true; /* personality routines only, which are skipped */
  return v;
}

/* ---- Finding the entry ---------------------------------------------------- */

struct entry {
  uintptr_t start; /* first address of the function */
  int64_t code_align, data_align;
  uint64_t ra;            /* the return address's register */
  bool signal;            /* a signal handler returns to this frame */
  struct cursor cie, fde; /* the two programs */
};

/* The record at p: its content after the length, in *c. */
static bool record(struct cursor *c, const uint8_t *p, const uint8_t *end) {
  c->p = p;
  c->end = end;
  uint64_t n = take(c, 4);
  if (n == 0xffffffff) n = take(c, 8);
  if (c->bad || n == 0 || n > (size_t)(end - c->p)) return false;
  c->end = c->p + n;
  return true;
}

static bool parse_cie(struct entry *e, const uint8_t *p, const uint8_t *end, uintptr_t hdr,
                      uint8_t *pointer_enc, bool *sized) {
  struct cursor c = {.hdr = hdr};
  if (!record(&c, p, end) || take(&c, 4) != 0) return false;
  uint64_t version = take(&c, 1);
  const char *aug = (const char *)c.p;
  while (!c.bad && take(&c, 1)) {
  }
  if (c.bad || (version != 1 && version != 3)) return false;
  e->code_align = (int64_t)take_uleb(&c);
  e->data_align = take_sleb(&c);
  e->ra = version == 1 ? take(&c, 1) : take_uleb(&c);
  e->signal = false;
  *pointer_enc = 0;
  *sized = *aug == 'z';
  if (*sized) {
    uint64_t n = take_uleb(&c);
    if (c.bad || n > (size_t)(c.end - c.p)) return false;
    struct cursor a = c;
    a.end = c.p + n;
    c.p += n;
    while (*++aug) switch (*aug) {
      case 'R':
        *pointer_enc = (uint8_t)take(&a, 1);
        break;
      case 'L':
        take(&a, 1);
        break;
      case 'P': {
        uint8_t enc = (uint8_t)take(&a, 1);
        take_encoded(&a, enc & ~(PE_INDIRECT | PE_APPLY)); /* only its length matters */
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
  struct cursor c = {.p = o.dlfo_eh_frame, .end = end, .hdr = (uintptr_t)o.dlfo_eh_frame};
  uint8_t version = (uint8_t)take(&c, 1), frame_enc = (uint8_t)take(&c, 1);
  uint8_t count_enc = (uint8_t)take(&c, 1), table_enc = (uint8_t)take(&c, 1);
  if (version != 1 || count_enc == PE_OMIT || table_enc != 0x3b) return false;
  take_encoded(&c, frame_enc);
  size_t n = take_encoded(&c, count_enc);
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

  struct cursor f = {.hdr = c.hdr};
  if (!record(&f, fde, end)) return false;
  const uint8_t *at = f.p;
  const uint8_t *cie = at - (uint32_t)take(&f, 4);
  uint8_t enc;
  bool sized;
  if (cie < map || cie >= end || !parse_cie(e, cie, end, c.hdr, &enc, &sized)) return false;
  e->start = take_encoded(&f, enc);
  uintptr_t size = take_encoded(&f, enc & PE_FORM);
  if (f.bad || pc < e->start || pc - e->start >= size) return false;
  if (sized) {
    uint64_t skip = take_uleb(&f);
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
static const uint8_t *skip_expr(struct cursor *c) {
  const uint8_t *p = c->p;
  uint64_t n = take_uleb(c);
  if (n > (size_t)(c->end - c->p)) c->bad = true;
  if (!c->bad) c->p += n;
  return p;
}

static void set_expr(struct rules *r, struct cursor *c, enum kind kind) {
  uint64_t reg = take_uleb(c);
  const uint8_t *p = skip_expr(c);
  if (reg < MWI_CTX_NREGS) r->reg[reg] = (struct rule){.kind = (uint8_t)kind, .expr = p};
}

#define REMEMBER_DEPTH 4 /* compilers nest once */

/* Run a program up to pc.  `initial`: rules after the CIE's program, which
 * DW_CFA_restore goes back to; NULL while that runs. */
static bool run(const struct entry *e, struct cursor c, uintptr_t pc, struct rules *r,
                const struct rules *initial) {
  struct rules saved[REMEMBER_DEPTH];
  unsigned depth = 0;
  uintptr_t loc = e->start;
  while (c.p < c.end && !c.bad) {
    uint8_t op = (uint8_t)take(&c, 1), low = op & 0x3f;
    uint64_t reg;
    if (op & 0xc0) {
      if ((op & 0xc0) == 0x40) { /* DW_CFA_advance_loc */
        loc += low * (uintptr_t)e->code_align;
        if (loc > pc) return true;
      } else if ((op & 0xc0) == 0x80) { /* DW_CFA_offset */
        set(r, low, AT_CFA, (int64_t)take_uleb(&c) * e->data_align);
      } else if (initial && low < MWI_CTX_NREGS) { /* DW_CFA_restore */
        r->reg[low] = initial->reg[low];
      }
      continue;
    }
    switch (op) {
    case 0x00:
      break; /* nop */
    case 0x02:
      loc += take(&c, 1) * (uintptr_t)e->code_align;
      break; /* advance_loc1, 2, 4 */
    case 0x03:
      loc += take(&c, 2) * (uintptr_t)e->code_align;
      break;
    case 0x04:
      loc += take(&c, 4) * (uintptr_t)e->code_align;
      break;
    case 0x05: /* offset_extended */
      reg = take_uleb(&c);
      set(r, reg, AT_CFA, (int64_t)take_uleb(&c) * e->data_align);
      break;
    case 0x06: /* restore_extended */
      reg = take_uleb(&c);
      if (initial && reg < MWI_CTX_NREGS) r->reg[reg] = initial->reg[reg];
      break;
    case 0x07:
      set(r, take_uleb(&c), UNDEFINED, 0);
      break;
    case 0x08:
      set(r, take_uleb(&c), SAME, 0);
      break;
    case 0x09: /* register */
      reg = take_uleb(&c);
      set(r, reg, REGISTER, (int64_t)take_uleb(&c));
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
      r->cfa_reg = take_uleb(&c);
      r->cfa_off = (int64_t)take_uleb(&c);
      r->cfa_expr = NULL;
      break;
    case 0x0d: /* def_cfa_register */
      r->cfa_reg = take_uleb(&c);
      r->cfa_expr = NULL;
      break;
    case 0x0e:
      r->cfa_off = (int64_t)take_uleb(&c);
      break;
    case 0x0f:
      r->cfa_expr = skip_expr(&c);
      break;
    case 0x10:
      set_expr(r, &c, AT_EXPR);
      break;
    case 0x11: /* offset_extended_sf */
      reg = take_uleb(&c);
      set(r, reg, AT_CFA, take_sleb(&c) * e->data_align);
      break;
    case 0x12: /* def_cfa_sf */
      r->cfa_reg = take_uleb(&c);
      r->cfa_off = take_sleb(&c) * e->data_align;
      r->cfa_expr = NULL;
      break;
    case 0x13:
      r->cfa_off = take_sleb(&c) * e->data_align;
      break;
    case 0x14: /* val_offset, val_offset_sf */
      reg = take_uleb(&c);
      set(r, reg, IS_CFA, (int64_t)take_uleb(&c) * e->data_align);
      break;
    case 0x15:
      reg = take_uleb(&c);
      set(r, reg, IS_CFA, take_sleb(&c) * e->data_align);
      break;
    case 0x16:
      set_expr(r, &c, IS_EXPR);
      break;
    case 0x2e:
      take_uleb(&c);
      break; /* GNU_args_size */
    default:
      return false;
    }
    if (loc > pc) return true;
  }
  return !c.bad;
}

/* ---- Expressions -------------------------------------------------------------- */

#define EXPR_STACK 16
#define EXPR_STEPS 256 /* real ones have about ten; a loop must end */

static bool reg_value(const struct mwi_context *ctx, uint64_t reg, uintptr_t *v) {
  if (reg >= MWI_CTX_NREGS || !(ctx->known >> reg & 1)) return false;
  *v = ctx->reg[reg];
  return true;
}

/* DWARF 5 §2.5, the operations that call frame information uses. */
static bool eval(const struct mwi_unwind *u, const uint8_t *expr, bool push_cfa, uintptr_t cfa,
                 uintptr_t *out) {
  struct cursor c = {.p = expr, .end = expr + 16};
  uint64_t n = take_uleb(&c);
  const uint8_t *first = c.p;
  c.end = c.p + n; /* checked by skip_expr */
  uintptr_t s[EXPR_STACK];
  int top = -1; /* index of the top element */
  if (push_cfa) s[++top] = cfa;
  for (int step = 0; c.p < c.end; step++) {
    uint8_t op = (uint8_t)take(&c, 1);
    if (c.bad || step == EXPR_STEPS || top >= EXPR_STACK - 2) return false;
    if (op >= 0x30 && op <= 0x4f) { /* lit0-31 */
      s[++top] = op - 0x30;
      continue;
    }
    if (op >= 0x70 && op <= 0x92) { /* breg0-31, bregx */
      if (op == 0x91) return false; /* fbreg */
      uint64_t reg = op == 0x92 ? take_uleb(&c) : (uint64_t)op - 0x70;
      uintptr_t v;
      if (op == 0x90 || !reg_value(&u->ctx, reg, &v)) return false; /* 0x90: regx */
      s[++top] = v + (uintptr_t)take_sleb(&c);
      continue;
    }
    switch (op) { /* what pushes */
    case 0x08:
      s[++top] = take(&c, 1);
      continue;
    case 0x09:
      s[++top] = (uintptr_t)(intptr_t)(int8_t)take(&c, 1);
      continue;
    case 0x0a:
      s[++top] = take(&c, 2);
      continue;
    case 0x0b:
      s[++top] = (uintptr_t)(intptr_t)(int16_t)take(&c, 2);
      continue;
    case 0x0c:
      s[++top] = take(&c, 4);
      continue;
    case 0x0d:
      s[++top] = (uintptr_t)(intptr_t)(int32_t)take(&c, 4);
      continue;
    case 0x0e:
    case 0x0f:
      s[++top] = take(&c, 8);
      continue;
    case 0x10:
      s[++top] = take_uleb(&c);
      continue;
    case 0x11:
      s[++top] = (uintptr_t)take_sleb(&c);
      continue;
    case 0x2f: { /* skip */
      int16_t off = (int16_t)take(&c, 2);
      if (off < first - c.p || off > c.end - c.p) return false;
      c.p += off;
      continue;
    }
    default:
      break;
    }
    if (top < 0) return false;
    switch (op) { /* what needs one element */
    case 0x06:    /* deref */
      if (!mwi_unwind_load(u, s[top], &s[top])) return false;
      continue;
    case 0x12:
      s[top + 1] = s[top], top++;
      continue; /* dup */
    case 0x13:
      top--;
      continue; /* drop */
    case 0x1f:
      s[top] = -s[top];
      continue;
    case 0x20:
      s[top] = ~s[top];
      continue;
    case 0x23:
      s[top] += take_uleb(&c);
      continue;  /* plus_uconst */
    case 0x28: { /* bra */
      int16_t off = (int16_t)take(&c, 2);
      if (!s[top--]) continue;
      if (off < first - c.p || off > c.end - c.p) return false;
      c.p += off;
      continue;
    }
    default:
      break;
    }
    if (top < 1) return false;
    uintptr_t b = s[top], a = s[top - 1]; /* what needs two and leaves one */
    intptr_t sa = (intptr_t)a, sb = (intptr_t)b;
    switch (op) {
    case 0x14:
      s[++top] = a;
      continue; /* over */
    case 0x16:
      s[top] = a, s[top - 1] = b;
      continue; /* swap */
    case 0x1a:
      a &= b;
      break;
    case 0x1c:
      a -= b;
      break;
    case 0x1e:
      a *= b;
      break;
    case 0x21:
      a |= b;
      break;
    case 0x22:
      a += b;
      break;
    case 0x24:
      a = b < 64 ? a << b : 0;
      break;
    case 0x25:
      a = b < 64 ? a >> b : 0;
      break;
    case 0x26:
      a = (uintptr_t)(sa >> (b < 64 ? b : 63));
      break;
    case 0x27:
      a ^= b;
      break;
    case 0x29:
      a = sa == sb;
      break;
    case 0x2a:
      a = sa >= sb;
      break;
    case 0x2b:
      a = sa > sb;
      break;
    case 0x2c:
      a = sa <= sb;
      break;
    case 0x2d:
      a = sa < sb;
      break;
    case 0x2e:
      a = sa != sb;
      break;
    default:
      return false;
    }
    s[--top] = a;
  }
  if (top < 0 || c.bad) return false;
  *out = s[top];
  return true;
}

/* ---- Applying them -------------------------------------------------------------- */

/* What the caller has in register i.  False: lost. */
static bool apply(const struct mwi_unwind *u, const struct rule *rule, uint64_t i, uintptr_t cfa,
                  uintptr_t *v) {
  switch (rule->kind) {
  case SAME:
    return reg_value(&u->ctx, i, v);
  case AT_CFA:
    return mwi_unwind_load(u, cfa + (uintptr_t)rule->n, v);
  case IS_CFA:
    *v = cfa + (uintptr_t)rule->n;
    return true;
  case REGISTER:
    return reg_value(&u->ctx, (uint64_t)rule->n, v);
  case AT_EXPR:
    return eval(u, rule->expr, true, cfa, v) && mwi_unwind_load(u, *v, v);
  case IS_EXPR:
    return eval(u, rule->expr, true, cfa, v);
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
    if (!eval(u, r.cfa_expr, false, 0, &cfa)) return MWI_CFI_END;
  } else {
    if (!reg_value(&u->ctx, r.cfa_reg, &cfa)) return MWI_CFI_END;
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
