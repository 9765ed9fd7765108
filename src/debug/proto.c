/* SPDX-License-Identifier: MIT */
/*
 * debug/proto.c -- a profile in pprof's format: profile.proto, gzip'ed
 *
 * Job      mwi_profile_write_proto of debug/profile.h.
 * Promise  [PF1] A program that takes no profile depends on no library for it:
 *          zlib is opened by dlopen at the first one.  Without zlib the message
 *          is written uncompressed, which pprof reads as well.
 *          [PF2] The end of the gzip member is the last thing written, so a
 *          reader notices when a write has failed before.
 * How      The protobuf encoding has two shapes that matter: varints, and a
 *          length with bytes.  Functions and locations are written when a
 *          sample first names them, strings last; the order of the fields of a
 *          message does not matter.  Names, lines and inlined calls come from
 *          debug/symbol.c.
 * Rejected protobuf-c and upb: generated code binds to its library by name,
 *          so it cannot be opened at need, and both want the message as a tree
 *          in memory first.  Two shapes are less than either's glue.
 * Next     docs/design/profiles.md; tests/pprof reads it all back.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "debug/profile.h"
#include "debug/symbol.h"
#include "debug/traceback.h"
#include "os/os.h"

/* ---- Field numbers of profile.proto ------------------------------------ */

enum {
  PROFILE_SAMPLE_TYPE = 1,
  PROFILE_SAMPLE = 2,
  PROFILE_MAPPING = 3,
  PROFILE_LOCATION = 4,
  PROFILE_FUNCTION = 5,
  PROFILE_STRING_TABLE = 6,
  PROFILE_TIME_NANOS = 9,
  PROFILE_DURATION_NANOS = 10,
  PROFILE_PERIOD_TYPE = 11,
  PROFILE_PERIOD = 12,
  PROFILE_DEFAULT_SAMPLE_TYPE = 14,
  VALUE_TYPE = 1,
  VALUE_UNIT = 2,
  SAMPLE_LOCATION_ID = 1,
  SAMPLE_VALUE = 2,
  SAMPLE_LABEL = 3,
  LABEL_KEY = 1,
  LABEL_NUM = 3,
  LABEL_NUM_UNIT = 4,
  MAPPING_ID = 1,
  MAPPING_START = 2,
  MAPPING_LIMIT = 3,
  MAPPING_OFFSET = 4,
  MAPPING_FILE = 5,
  MAPPING_BUILD_ID = 6,
  MAPPING_HAS_FUNCTIONS = 7,
  MAPPING_HAS_FILENAMES = 8,
  MAPPING_HAS_LINES = 9,
  MAPPING_HAS_INLINE = 10,
  LOCATION_ID = 1,
  LOCATION_MAPPING = 2,
  LOCATION_ADDRESS = 3,
  LOCATION_LINE = 4,
  LINE_FUNCTION = 1,
  LINE_LINE = 2,
  FUNCTION_ID = 1,
  FUNCTION_NAME = 2,
  FUNCTION_SYSTEM_NAME = 3,
  FUNCTION_FILE = 4,
  FUNCTION_START_LINE = 5
};

/* ---- Bytes ------------------------------------------------------------- */

struct buf {
  uint8_t *p;
  size_t n, room;
  bool failed; /* no memory: bytes are missing */
};

static void put(struct buf *b, const void *p, size_t n) {
  if (b->room - b->n < n) {
    size_t room = b->room ? b->room : 256;
    while (room - b->n < n) room *= 2;
    void *more = b->failed ? NULL : realloc(b->p, room);
    if (!more) {
      b->failed = true;
      return;
    }
    b->p = more;
    b->room = room;
  }
  memcpy(b->p + b->n, p, n);
  b->n += n;
}

static void put_varint(struct buf *b, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) bytes[n++] = (uint8_t)(v | 0x80);
  bytes[n++] = (uint8_t)v;
  put(b, bytes, n);
}

/* An integer field; zero is the default and is left out. */
static void put_int(struct buf *b, int field, uint64_t v) {
  if (v == 0) return;
  put_varint(b, (uint64_t)field << 3);
  put_varint(b, v);
}

static void put_bytes(struct buf *b, int field, const void *p, size_t n) {
  put_varint(b, (uint64_t)field << 3 | 2);
  put_varint(b, n);
  if (n) put(b, p, n);
}

/* A message field; sub is empty afterwards. */
static void put_message(struct buf *b, int field, struct buf *sub) {
  put_bytes(b, field, sub->p, sub->n);
  b->failed |= sub->failed;
  sub->n = 0;
}

/* ---- Tables ------------------------------------------------------------ */

/* What a writing knows so far.  Ids count from 1, strings from 0. */
struct entry {
  UT_hash_handle hh;
  uint64_t id; /* location: 0 when no frame of it is shown */
  char key[];
};

struct mapping {
  uintptr_t start, limit, offset;
  char *file;
  char build_id[2 * 64 + 1];
  bool functions, lines, inlines;
};

struct writer {
  struct buf out, message, sub;
  struct entry *strings, *functions, *locations;
  struct mapping *mapping;
  size_t nmappings;
  bool failed;
  /* the location in the making */
  struct mapping *at;
  int nlines;
};

/* The entry of a key, made if there is none (then *fresh).  NULL: no memory. */
static struct entry *entry_of(struct writer *w, struct entry **table, const void *key, size_t n,
                              bool *fresh) {
  struct entry *e;
  HASH_FIND(hh, *table, key, n, e);
  *fresh = e == NULL;
  if (e) return e;
  e = malloc(sizeof *e + n);
  if (e) {
    memcpy(e->key, key, n);
    e->id = HASH_COUNT(*table) + 1;
    HASH_ADD_KEYPTR(hh, *table, e->key, n, e);
    if (!e->hh.tbl) {
      free(e);
      e = NULL;
    }
  }
  w->failed |= !e;
  return e;
}

static void free_table(struct entry **table) {
  struct entry *all = *table;
  HASH_CLEAR(hh, *table);
  while (all) {
    struct entry *next = all->hh.next;
    free(all);
    all = next;
  }
}

/* Index in the string table; "" is 0, as the format wants. */
static uint64_t string(struct writer *w, const char *s) {
  if (!s || !*s) return 0;
  bool fresh;
  struct entry *e = entry_of(w, &w->strings, s, strlen(s) + 1, &fresh);
  return e ? e->id : 0;
}

static void put_strings(struct writer *w) {
  put_bytes(&w->out, PROFILE_STRING_TABLE, "", 0);
  for (struct entry *e = w->strings; e; e = e->hh.next) /* in order of addition */
    put_bytes(&w->out, PROFILE_STRING_TABLE, e->key, strlen(e->key));
}

/* ---- Mappings ---------------------------------------------------------- */

static void read_build_id(char *out, size_t room, const uint8_t *p, size_t n) {
  while (n >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) h;
    memcpy(&h, p, sizeof h);
    size_t name = mwi_align_up(h.n_namesz, 4), desc = mwi_align_up(h.n_descsz, 4);
    if (name > n - sizeof h || desc > n - sizeof h - name) return;
    const uint8_t *d = p + sizeof h + name;
    if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && memcmp(p + sizeof h, "GNU", 4) == 0) {
      for (size_t i = 0; i < h.n_descsz && 2 * i + 2 < room; i++) {
        *out++ = "0123456789abcdef"[d[i] >> 4];
        *out++ = "0123456789abcdef"[d[i] & 15];
      }
      *out = 0;
      return;
    }
    p += sizeof h + name + desc;
    n -= sizeof h + name + desc;
  }
}

static int add_mappings(struct dl_phdr_info *info, size_t size, void *arg) {
  (void)size;
  struct writer *w = arg;
  char exe[4096], build_id[sizeof w->mapping->build_id] = "";
  const char *file = info->dlpi_name;
  if (!file || !*file) {
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    file = exe;
  }
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_NOTE && !*build_id)
      read_build_id(build_id, sizeof build_id,
                    (const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                    info->dlpi_phdr[i].p_memsz);
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X)) continue;
    struct mapping *more = realloc(w->mapping, (w->nmappings + 1) * sizeof *more);
    if (!more) {
      w->failed = true;
      return 1;
    }
    w->mapping = more;
    struct mapping *m = &more[w->nmappings++];
    size_t page = mwi_os_page_bytes();
    *m = (struct mapping){.start = mwi_align_down(info->dlpi_addr + ph->p_vaddr, page),
                          .limit = mwi_align_up(info->dlpi_addr + ph->p_vaddr + ph->p_memsz, page),
                          .offset = mwi_align_down(ph->p_offset, page),
                          .file = strdup(file)};
    memcpy(m->build_id, build_id, sizeof m->build_id);
    w->failed |= !m->file;
  }
  return 0;
}

static struct mapping *mapping_of(struct writer *w, uintptr_t addr) {
  for (size_t i = 0; i < w->nmappings; i++)
    if (addr - w->mapping[i].start < w->mapping[i].limit - w->mapping[i].start)
      return &w->mapping[i];
  return NULL;
}

/* The first one is the program's own, by the format's rule and by dl_iterate_phdr's order. */
static void put_mappings(struct writer *w) {
  for (size_t i = 0; i < w->nmappings; i++) {
    const struct mapping *m = &w->mapping[i];
    put_int(&w->message, MAPPING_ID, i + 1);
    put_int(&w->message, MAPPING_START, m->start);
    put_int(&w->message, MAPPING_LIMIT, m->limit);
    put_int(&w->message, MAPPING_OFFSET, m->offset);
    put_int(&w->message, MAPPING_FILE, string(w, m->file));
    put_int(&w->message, MAPPING_BUILD_ID, string(w, m->build_id));
    put_int(&w->message, MAPPING_HAS_FUNCTIONS, m->functions);
    put_int(&w->message, MAPPING_HAS_FILENAMES, m->lines);
    put_int(&w->message, MAPPING_HAS_LINES, m->lines);
    put_int(&w->message, MAPPING_HAS_INLINE, m->inlines);
    put_message(&w->out, PROFILE_MAPPING, &w->message);
  }
}

/* ---- Locations --------------------------------------------------------- */

static uint64_t function(struct writer *w, const struct mwi_frame *f, const char *name) {
  uint64_t strings[2] = {string(w, name), string(w, f->file)};
  bool fresh;
  struct entry *e = entry_of(w, &w->functions, strings, sizeof strings, &fresh);
  if (!e || !fresh) return e ? e->id : 0;
  struct buf b = {.p = NULL};
  put_int(&b, FUNCTION_ID, e->id);
  put_int(&b, FUNCTION_NAME, strings[0]);
  put_int(&b, FUNCTION_SYSTEM_NAME, strings[0]);
  put_int(&b, FUNCTION_FILE, strings[1]);
  put_int(&b, FUNCTION_START_LINE, (uint64_t)(f->start_line > 0 ? f->start_line : 0));
  put_message(&w->out, PROFILE_FUNCTION, &b);
  free(b.p);
  return e->id;
}

static void put_line(const struct mwi_frame *f, void *arg) {
  struct writer *w = arg;
  const char *name = mwi_frame_shown(f);
  if (!name) return;
  w->nlines++;
  if (!f->function) return; /* the address alone: pprof shows it, or finds a name itself */
  if (w->at) {
    w->at->functions = true;
    w->at->lines |= f->line > 0;
    w->at->inlines |= f->inlined;
  }
  put_int(&w->sub, LINE_FUNCTION, function(w, f, name));
  put_int(&w->sub, LINE_LINE, (uint64_t)(f->line > 0 ? f->line : 0));
  put_message(&w->message, LOCATION_LINE, &w->sub);
}

/* The location's id; 0: nothing of it is shown. */
static uint64_t location(struct writer *w, uintptr_t pc) {
  bool fresh;
  struct entry *e = entry_of(w, &w->locations, &pc, sizeof pc, &fresh);
  if (!e || !fresh) return e ? e->id : 0;
  w->at = mapping_of(w, pc - 1);
  w->nlines = 0;
  put_int(&w->message, LOCATION_ID, e->id);
  put_int(&w->message, LOCATION_MAPPING, w->at ? (uint64_t)(w->at - w->mapping) + 1 : 0);
  put_int(&w->message, LOCATION_ADDRESS, pc - 1);
  mwi_symbolize(pc, put_line, w);
  if (w->nlines) {
    put_message(&w->out, PROFILE_LOCATION, &w->message);
  } else {
    w->message.n = 0;
    e->id = 0;
  }
  return e->id;
}

/* ---- The whole --------------------------------------------------------- */

static void put_value_type(struct writer *w, int field, const struct mwi_profile_unit *u) {
  put_int(&w->message, VALUE_TYPE, string(w, u->type));
  put_int(&w->message, VALUE_UNIT, string(w, u->unit));
  put_message(&w->out, field, &w->message);
}

static void put_sample(struct writer *w, const struct mwi_sample *s, int nvalues) {
  uint64_t ids[MWI_PROFILE_FRAMES];
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->n && i < MWI_PROFILE_FRAMES; i++)
    if ((ids[n] = location(w, s->key[1 + i])) != 0) n++; /* message is in use until here */
  for (uint32_t i = 0; i < n; i++) put_varint(&w->sub, ids[i]);
  put_message(&w->message, SAMPLE_LOCATION_ID, &w->sub);
  for (int i = 0; i < nvalues; i++) put_varint(&w->sub, (uint64_t)s->value[i]);
  put_message(&w->message, SAMPLE_VALUE, &w->sub);
  if (s->key[0]) {
    put_int(&w->sub, LABEL_KEY, string(w, "bytes"));
    put_int(&w->sub, LABEL_NUM, s->key[0]);
    put_int(&w->sub, LABEL_NUM_UNIT, string(w, "bytes"));
    put_message(&w->message, SAMPLE_LABEL, &w->sub);
  }
  put_message(&w->out, PROFILE_SAMPLE, &w->message);
}

static void put_profile(struct writer *w, const struct mwi_profile *p) {
  const struct mwi_profile_kind *k = p->kind;
  dl_iterate_phdr(add_mappings, w);
  for (int i = 0; i < k->nvalues; i++) put_value_type(w, PROFILE_SAMPLE_TYPE, &k->value[i]);
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next) put_sample(w, s, k->nvalues);
  put_mappings(w);
  put_int(&w->out, PROFILE_TIME_NANOS, (uint64_t)p->time_ns);
  put_int(&w->out, PROFILE_DURATION_NANOS, (uint64_t)p->duration_ns);
  put_value_type(w, PROFILE_PERIOD_TYPE, &k->period);
  put_int(&w->out, PROFILE_PERIOD, (uint64_t)p->period);
  put_int(&w->out, PROFILE_DEFAULT_SAMPLE_TYPE, string(w, k->default_type));
  put_strings(w);
}

/* ---- Compression ------------------------------------------------------- */

static struct {
  __typeof__(&deflateInit2_) init;
  __typeof__(&deflate) step;
  __typeof__(&deflateEnd) end;
} z;
static pthread_once_t z_once = PTHREAD_ONCE_INIT;

static void z_open(void) {
  void *lib = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!lib) return;
  z.init = (__typeof__(z.init))dlsym(lib, "deflateInit2_");
  z.end = (__typeof__(z.end))dlsym(lib, "deflateEnd");
  z.step = (__typeof__(z.step))dlsym(lib, "deflate");
  if (!z.init || !z.end) z.step = NULL;
}

#define GZIP_WINDOW (15 + 16) /* 32 KB, with gzip's head and end */
#define CHUNK (32 * MWI_KB)

static int write_gzip(int fd, const struct buf *b) {
  pthread_once(&z_once, z_open);
  if (!z.step) return mwi_os_write(fd, b->p, b->n); /* [PF1] */
  if (b->n > UINT32_MAX) return -EFBIG;
  uint8_t *chunk = malloc(CHUNK);
  if (!chunk) return -ENOMEM;
  z_stream s = {.next_in = b->p, .avail_in = (uInt)b->n};
  int r = -ENOMEM, zr = Z_OK;
  if (z.init(&s, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY,
             ZLIB_VERSION, (int)sizeof s) == Z_OK) {
    for (r = 0; r == 0 && zr != Z_STREAM_END;) {
      s.next_out = chunk;
      s.avail_out = CHUNK;
      zr = z.step(&s, Z_FINISH);
      r = zr == Z_STREAM_ERROR ? -EIO : mwi_os_write(fd, chunk, CHUNK - s.avail_out); /* [PF2] */
    }
    z.end(&s);
  }
  free(chunk);
  return r;
}

int mwi_profile_write_proto(const struct mwi_profile *p, int fd) {
  struct writer w = {.failed = p->failed};
  put_profile(&w, p);
  bool failed = w.failed || w.out.failed || w.message.failed || w.sub.failed;
  int r = failed ? -ENOMEM : write_gzip(fd, &w.out);
  free_table(&w.strings);
  free_table(&w.functions);
  free_table(&w.locations);
  for (size_t i = 0; i < w.nmappings; i++) free(w.mapping[i].file);
  free(w.mapping);
  free(w.out.p);
  free(w.message.p);
  free(w.sub.p);
  return r;
}
