/* SPDX-License-Identifier: MIT */
/*
 * debug/cfi_read.c -- reading .eh_frame's bytes; see debug/cfi_read.h
 */
#include "debug/cfi_read.h"

uint64_t mwi_cfi_take(struct mwi_cfi_cursor *c, size_t n) {
  uint64_t v = 0;
  if (c->bad || (size_t)(c->end - c->p) < n) {
    c->bad = true;
    return 0;
  }
  memcpy(&v, c->p, n);
  c->p += n;
  return v;
}

uint64_t mwi_cfi_uleb(struct mwi_cfi_cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint64_t b = mwi_cfi_take(c, 1);
    if (shift < 64) v |= (b & 0x7f) << shift;
    if (!(b & 0x80)) return v;
  }
}

int64_t mwi_cfi_sleb(struct mwi_cfi_cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0;;) {
    uint64_t b = mwi_cfi_take(c, 1);
    if (shift < 64) v |= (b & 0x7f) << shift;
    shift += 7;
    if (b & 0x80) continue;
    if ((b & 0x40) && shift < 64) v |= ~(uint64_t)0 << shift;
    return (int64_t)v;
  }
}

uintptr_t mwi_cfi_pointer(struct mwi_cfi_cursor *c, uint8_t enc) {
  uintptr_t at = (uintptr_t)c->p;
  uint64_t v;
  switch (enc & MWI_PE_FORM) {
  case 0x0:
  case 0x4:
  case 0xc:
    v = mwi_cfi_take(c, 8);
    break;
  case 0x1:
    v = mwi_cfi_uleb(c);
    break;
  case 0x2:
    v = mwi_cfi_take(c, 2);
    break;
  case 0x3:
    v = mwi_cfi_take(c, 4);
    break;
  case 0x9:
    v = (uint64_t)mwi_cfi_sleb(c);
    break;
  case 0xa:
    v = (uint64_t)(int64_t)(int16_t)mwi_cfi_take(c, 2);
    break;
  case 0xb:
    v = (uint64_t)(int64_t)(int32_t)mwi_cfi_take(c, 4);
    break;
  default:
    c->bad = true;
    return 0;
  }
  switch (enc & MWI_PE_APPLY) {
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
  if (enc & MWI_PE_INDIRECT) c->bad = true; /* personality routines only, which are skipped */
  return v;
}
