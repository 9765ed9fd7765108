/* SPDX-License-Identifier: MIT */
/*
 * driver/image.c -- the sections of what has been linked
 *
 * Job      Finds what plugin/escape_summary.c and plugin/escape_given.c wrote into objects, and
 *          the symbols, in an executable or a library; never outside of the file's bytes.
 */
#include "image.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A section's bytes; false when they are not inside the file. */
static bool section_at(const struct image *im, const Elf64_Shdr *sh, struct section *out) {
  if (sh->sh_type == SHT_NOBITS || sh->sh_offset > im->size ||
      im->size - sh->sh_offset < sh->sh_size)
    return false;
  *out = (struct section){im->bytes + sh->sh_offset, sh->sh_size};
  return true;
}

static bool read_image(struct image *im) {
  const Elf64_Ehdr *h = (const void *)im->bytes;
  if (im->size < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
      h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_shentsize != sizeof(Elf64_Shdr) ||
      h->e_shoff % 8 || h->e_shoff > im->size ||
      (im->size - h->e_shoff) / sizeof(Elf64_Shdr) < h->e_shnum || h->e_shstrndx >= h->e_shnum)
    return false;
  const Elf64_Shdr *sh = (const void *)(im->bytes + h->e_shoff);
  struct section names;
  if (!section_at(im, &sh[h->e_shstrndx], &names)) return false;
  for (unsigned i = 0; i < h->e_shnum; i++) {
    if (sh[i].sh_name >= names.size) return false;
    const char *name = names.text + sh[i].sh_name;
    size_t room = names.size - sh[i].sh_name;
    if (strnlen(name, room) == room) return false;
    if (strcmp(name, ".mallow.summaries") == 0) section_at(im, &sh[i], &im->summaries);
    if (strcmp(name, ".mallow.assumed") == 0) section_at(im, &sh[i], &im->assumed);
    if (strcmp(name, ".mallow.given") == 0) section_at(im, &sh[i], &im->given);
    if (strcmp(name, ".mallow.places") == 0) section_at(im, &sh[i], &im->sites);
    if (strcmp(name, "mallow_moves") == 0 && section_at(im, &sh[i], &im->moves))
      im->moves_at = sh[i].sh_addr;
    if (sh[i].sh_type == SHT_SYMTAB && sh[i].sh_link < h->e_shnum && sh[i].sh_offset % 8 == 0) {
      section_at(im, &sh[i], &im->symbols);
      section_at(im, &sh[sh[i].sh_link], &im->strings);
    }
  }
  return true;
}

/* The next line, without its end; false after the last. */
bool next_line(struct section *rest, struct section *line) {
  while (rest->size && (*rest->text == 0 || *rest->text == '\n')) rest->text++, rest->size--;
  if (!rest->size) return false;
  const char *end = memchr(rest->text, '\n', rest->size);
  size_t n = end ? (size_t)(end - rest->text) : rest->size;
  *line = (struct section){rest->text, n};
  rest->text += n;
  rest->size -= n;
  return true;
}

bool image_open(struct image *im, const char *file, bool writable) {
  struct stat st;
  *im = (struct image){0};
  int fd = open(file, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (fd < 0) return false;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
    void *bytes = mmap(NULL, (size_t)st.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                       writable ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (bytes != MAP_FAILED) {
      im->bytes = bytes;
      im->size = (size_t)st.st_size;
    }
  }
  close(fd);
  if (im->bytes && read_image(im)) return true;
  image_close(im);
  return false;
}

void image_close(struct image *im) {
  if (im->bytes) munmap((void *)im->bytes, im->size);
  im->bytes = NULL;
}
