/* SPDX-License-Identifier: MIT */
/*
 * debug/elfsym.c -- function names from an ELF file's own symbol table; see elfsym.h
 *
 * How      The file is mapped and its .symtab (else .dynsym) is searched from
 *          one end to the other: a trace has few addresses.  The last few files
 *          stay mapped.  Every offset is checked against the file's size.
 */
#include "debug/elfsym.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE 4 /* the program and the libraries that call back into it */

static struct file {
  char path[512];
  const char *p; /* NULL: not to be had */
  size_t bytes;
} cache[CACHE]; /* by the one caller */
static unsigned next_victim;

static const struct file *open_file(const char *path) {
  for (unsigned i = 0; i < CACHE; i++)
    if (strcmp(cache[i].path, path) == 0) return &cache[i];
  if (strlen(path) >= sizeof cache[0].path || !*path) return NULL;
  struct file *f = &cache[next_victim++ % CACHE];
  if (f->p) munmap((void *)(uintptr_t)f->p, f->bytes);
  *f = (struct file){.p = NULL};
  strcpy(f->path, path);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > (off_t)sizeof(Elf64_Ehdr)) {
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p != MAP_FAILED) {
      f->p = p;
      f->bytes = (size_t)st.st_size;
    }
  }
  if (fd >= 0) close(fd);
  return f;
}

/* [off, off + n * each) of the file, NULL: not all inside, or not aligned. */
static const void *part(const struct file *f, uint64_t off, uint64_t n, uint64_t each) {
  if (off > f->bytes || off % 8 || n > (f->bytes - off) / each) return NULL;
  return f->p + off;
}

bool mwi_elf_function(const char *path, uintptr_t load, uintptr_t addr, char *name, size_t n,
                      uintptr_t *start) {
  const struct file *f = open_file(path);
  if (!f || !f->p) return false;
  const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)f->p;
  if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
      eh->e_shentsize != sizeof(Elf64_Shdr))
    return false;
  const Elf64_Shdr *sh = part(f, eh->e_shoff, eh->e_shnum, sizeof *sh), *table = NULL;
  if (!sh) return false;
  for (unsigned i = 0; i < eh->e_shnum; i++) {
    if (sh[i].sh_type == SHT_SYMTAB) table = &sh[i];
    if (sh[i].sh_type == SHT_DYNSYM && !table) table = &sh[i];
  }
  if (!table || table->sh_link >= eh->e_shnum) return false;
  uint64_t count = table->sh_size / sizeof(Elf64_Sym);
  const Elf64_Sym *sym = part(f, table->sh_offset, count, sizeof *sym);
  const Elf64_Shdr *strings = &sh[table->sh_link];
  if (!sym || strings->sh_offset > f->bytes || strings->sh_size > f->bytes - strings->sh_offset)
    return false;
  uint64_t at = addr - load;
  for (uint64_t i = 0; i < count; i++) {
    if (ELF64_ST_TYPE(sym[i].st_info) != STT_FUNC || sym[i].st_shndx == SHN_UNDEF) continue;
    if (at - sym[i].st_value >= sym[i].st_size || sym[i].st_name >= strings->sh_size) continue;
    const char *s = f->p + strings->sh_offset + sym[i].st_name;
    size_t len = strnlen(s, strings->sh_size - sym[i].st_name);
    if (len >= n) len = n - 1;
    memcpy(name, s, len);
    name[len] = 0;
    *start = load + sym[i].st_value;
    return true;
  }
  return false;
}
