/* SPDX-License-Identifier: MIT */
/*
 * debug/cfi_expr.c -- expressions in call frame information
 *
 * A few rules of .eh_frame are small programs on a stack of words: in the
 * procedure linkage table, for a signal's frame, where a function realigns its
 * stack.  These are the operations that occur there; any other, an overrun or
 * too many steps give no value, which ends the walk.
 */
#include "debug/cfi_read.h"

#define EXPR_STACK 16
#define EXPR_STEPS 256 /* real ones have about ten; a loop must end */

bool mwi_cfi_eval(const struct mwi_unwind *u, const uint8_t *expr, bool push_cfa, uintptr_t cfa,
                  uintptr_t *out) {
  struct mwi_cfi_cursor c = {.p = expr, .end = expr + 16};
  uint64_t n = mwi_cfi_uleb(&c);
  const uint8_t *first = c.p;
  c.end = c.p + n; /* checked by skip_expr */
  uintptr_t s[EXPR_STACK];
  int top = -1; /* index of the top element */
  if (push_cfa) s[++top] = cfa;
  for (int step = 0; c.p < c.end; step++) {
    uint8_t op = (uint8_t)mwi_cfi_take(&c, 1);
    if (c.bad || step == EXPR_STEPS || top >= EXPR_STACK - 2) return false;
    if (op >= 0x30 && op <= 0x4f) { /* lit0-31 */
      s[++top] = op - 0x30;
      continue;
    }
    if (op >= 0x70 && op <= 0x92) { /* breg0-31, bregx */
      if (op == 0x91) return false; /* fbreg */
      uint64_t reg = op == 0x92 ? mwi_cfi_uleb(&c) : (uint64_t)op - 0x70;
      uintptr_t v;
      if (op == 0x90 || !mwi_cfi_reg(&u->ctx, reg, &v)) return false; /* 0x90: regx */
      s[++top] = v + (uintptr_t)mwi_cfi_sleb(&c);
      continue;
    }
    switch (op) { /* what pushes */
    case 0x08:
      s[++top] = mwi_cfi_take(&c, 1);
      continue;
    case 0x09:
      s[++top] = (uintptr_t)(intptr_t)(int8_t)mwi_cfi_take(&c, 1);
      continue;
    case 0x0a:
      s[++top] = mwi_cfi_take(&c, 2);
      continue;
    case 0x0b:
      s[++top] = (uintptr_t)(intptr_t)(int16_t)mwi_cfi_take(&c, 2);
      continue;
    case 0x0c:
      s[++top] = mwi_cfi_take(&c, 4);
      continue;
    case 0x0d:
      s[++top] = (uintptr_t)(intptr_t)(int32_t)mwi_cfi_take(&c, 4);
      continue;
    case 0x0e:
    case 0x0f:
      s[++top] = mwi_cfi_take(&c, 8);
      continue;
    case 0x10:
      s[++top] = mwi_cfi_uleb(&c);
      continue;
    case 0x11:
      s[++top] = (uintptr_t)mwi_cfi_sleb(&c);
      continue;
    case 0x2f: { /* skip */
      int16_t off = (int16_t)mwi_cfi_take(&c, 2);
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
      s[top] += mwi_cfi_uleb(&c);
      continue;  /* plus_uconst */
    case 0x28: { /* bra */
      int16_t off = (int16_t)mwi_cfi_take(&c, 2);
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
