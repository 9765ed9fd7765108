/* SPDX-License-Identifier: MIT */
/*
 * os/tls_glibc.c -- see os/tls.h
 *
 * How      glibc on x86-64 keeps a thread's table of blocks (dtv) at offset 8
 *          of its thread pointer; libthread_db and sanitizers rest on the same:
 *
 *              dtv[-1].value  entries        dtv[0].value  generation
 *              dtv[n].value   block of module n, or -1: not made yet
 *
 *          A table older than the image's generation may hold a block of an
 *          earlier image with the same number, and is not looked at.
 *
 *          Images of the program's start, and a library whose code wants it so
 *          (-ftls-model=initial-exec) or has it so by chance (-mtls-dialect=gnu2),
 *          have their block at a distance from the thread pointer that is the
 *          same for all threads.  A thread that was there before such a library
 *          uses its block without ever looking at its table, which stays old;
 *          so the table is not asked for these.  The linker's record of an image
 *          (struct link_map) has the distance; libc tells libthread_db where in
 *          the record it is, and us.
 *
 *          In the same way it tells where a thread's values of pthread_setspecific are: a table of
 *          blocks of {sequence, value}, made as they are needed.  Without that word
 *          (linked with -static) they are not found.
 *
 *          The environment is read as a copy: the thread that was stopped may be about to
 *          move it (setenv), and then what environ points to is free, or unmapped.
 */
#define _GNU_SOURCE 1
#include "os/tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/os.h"

struct entry {
  uintptr_t value, to_free;
};
#define UNALLOCATED UINTPTR_MAX

struct tls_index {
  uintptr_t module, offset;
};
/* the dynamic linker's; a program linked with -static has one block and no need */
extern void *__tls_get_addr(struct tls_index *) __attribute__((weak));

uintptr_t mwi_os_thread_pointer(void) {
  return (uintptr_t)__builtin_thread_pointer();
}

static const struct entry *table(uintptr_t thread) {
  return *(const struct entry *const *)(thread + 8);
}

struct search {
  uintptr_t addr;
  struct mwi_os_tls *out;
};

static int look(struct dl_phdr_info *info, size_t size, void *arg) {
  struct search *s = arg;
  if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof(void *)) return 0;
  size_t bytes = 0;
  bool here = false;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    if (ph->p_type == PT_TLS) bytes = ph->p_memsz;
    if (ph->p_type == PT_LOAD && s->addr - (info->dlpi_addr + ph->p_vaddr) < ph->p_memsz)
      here = true;
  }
  if (!here) return 0;
  s->out->module = info->dlpi_tls_modid;
  s->out->bytes = bytes;
  return 1;
}

/* How far below each thread's pointer the block of the image is that addr lies in; 0: not the same
 * for all.  block: the calling thread's. */
static uintptr_t distance(uintptr_t addr, uintptr_t block) {
  const uint32_t *field = dlsym(RTLD_DEFAULT, "_thread_db_link_map_l_tls_offset");
  struct link_map *map = NULL;
  Dl_info info;
  if (!field || field[0] != 64 /* bits */) return 0;
  if (!dladdr1((void *)addr, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return 0;
  uintptr_t found = *(const uintptr_t *)((const char *)map + field[2]);
  return found == mwi_os_thread_pointer() - block ? found : 0;
}

bool mwi_os_tls_of(uintptr_t addr, struct mwi_os_tls *out) {
  struct search s = {addr, out};
  *out = (struct mwi_os_tls){0};
  if (!dl_iterate_phdr(look, &s) || !out->module || !out->bytes) return false;
  struct tls_index first = {out->module, 0};
  if (__tls_get_addr) /* this thread's table is of the image's generation after it */
    out->distance = distance(addr, (uintptr_t)__tls_get_addr(&first));
  out->generation = table(mwi_os_thread_pointer())[0].value;
  return true;
}

uintptr_t mwi_os_tls_block(uintptr_t thread, const struct mwi_os_tls *t) {
  if (t->distance) return thread - t->distance;
  const struct entry *dtv = table(thread);
  if (!dtv || dtv[0].value < t->generation || dtv[-1].value < t->module) return 0;
  uintptr_t block = dtv[t->module].value;
  return block == UNALLOCATED ? 0 : block;
}

/* libthread_db's description of a field: bits of all of it, elements (of unlike meaning), offset.
 */
static uint32_t specific_at, specific_bytes, block_bytes; /* constant after init; 0: not known */

void mwi_os_kept_init(void) {
  const uint32_t *field = dlsym(RTLD_NEXT, "_thread_db_pthread_specific");
  const uint32_t *block = dlsym(RTLD_NEXT, "_thread_db_sizeof_pthread_key_data_level2");
  if (!field || !block) return;
  specific_at = field[2];
  specific_bytes = field[0] / 8;
  block_bytes = block[0];
}

void mwi_os_specific(uintptr_t thread, mwi_os_words *fn, void *arg) {
  const uintptr_t *blocks = (const uintptr_t *)(thread + specific_at);
  for (size_t i = 0; i < specific_bytes / sizeof *blocks; i++)
    if (blocks[i]) fn(arg, blocks[i], blocks[i] + block_bytes);
}

void mwi_os_environment(mwi_os_words *fn, void *arg) {
  fn(arg, (uintptr_t)&environ, (uintptr_t)(&environ + 1)); /* the array itself */
  char *part[64];
  int saved = errno;
  for (char **e = environ; e;) {
    struct iovec to = {part, sizeof part}, from = {e, sizeof part};
    ssize_t got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (got < 0 && errno != EFAULT) { /* not allowed, in some sandbox */
      part[0] = *e;
      got = sizeof *part;
    }
    size_t n = got > 0 ? (size_t)got / sizeof *part : 0, used = 0;
    while (used < n && part[used]) used++;
    fn(arg, (uintptr_t)part, (uintptr_t)(part + used));
    e = used == n && n ? e + n : NULL; /* a copy may end with a page */
  }
  errno = saved;
}
