/* SPDX-License-Identifier: MIT */
/*
 * debug/elfsym.h -- function names from an ELF file's own symbol table (internal)
 *
 * For when libdw is missing or must not be used any more (debug/symbol.c):
 * needs no allocation and no lock of libc's.
 */
#ifndef MWI_DEBUG_ELFSYM_H
#define MWI_DEBUG_ELFSYM_H

#include "base/base.h"

/*
 * The function of the file `path`, loaded with its addresses shifted by `load`,
 * that `addr` is in: its name, cut to n bytes with the zero, and its start in
 * memory.  False: not known.  One caller at a time.
 */
bool mwi_elf_function(const char *path, uintptr_t load, uintptr_t addr, char *name, size_t n,
                      uintptr_t *start);

#endif
