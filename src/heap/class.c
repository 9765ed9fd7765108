/* SPDX-License-Identifier: MIT */
/*
 * heap/class.c -- span classes: a slot size and where its pointers are
 *
 * Job      Maps (bytes, layout) to a span class, making a class when a pair is
 *          met for the first time.
 * Promise  [CL1] A class is constant once its number has been given out.
 *          [CL2] Equal (size class, period, mask) give the same class, so a
 *          type used by many modules has one.
 *          [CL3] Never fails: when a table is full the answer is the class of
 *          that size in which every word may be a pointer, which is always
 *          correct and only costs the collector time.
 * How      A layout is first brought to a normal form: a mask without
 *          pointers is noscan; one with every bit set is the every-word class;
 *          a repetition inside the mask is folded (an array field of pairs
 *          and a pair share a class); what lies beyond the slot is cut.
 *          Normal forms are found in an open-addressing hash table.  Raw
 *          forms are entered too, as aliases, so that a second look-up needs
 *          no normalising.  Masks are copied: the module that brought one may
 *          be unloaded while its objects live.
 * Threads  look-ups take no lock: an entry is filled in, then its class number
 *          is stored with release.  Entries are added under class_lock and
 *          never removed.
 * Not done a table of classes per module: the same struct from a shared
 *          header would be cut into as many spans as there are files.
 * Next     mcentral.c, which has lists for each class.
 */
#include "heap/class.h"

struct mwi_class mwi_classes[MWI_NCLASSES];
_Atomic uint32_t mwi_nclasses;

_Static_assert(MWI_CLASS_LAYOUTS < MWI_NCLASSES, "room for layouts");
_Static_assert(MWI_NSIZECLASSES <= MWI_MAX_SIZECLASSES, "see there");
_Static_assert(MWI_NCLASSES <= 1 << 12, "fits a page descriptor");

/* Key of a look-up.  sizeclass MASK_ONLY: an interned mask of a large object. */
#define MASK_ONLY 0xffff
struct key {
  uint16_t sizeclass;
  uint32_t period;      /* words */
  const uint64_t *mask; /* (period + 63) / 64 words; bits past period are ignored */
};

/* Four times the classes: raw forms and large masks are entered as well. */
#define TABLE_SIZE (4 * MWI_NCLASSES)
#define TABLE_MAX (TABLE_SIZE / 4 * 3) /* fuller, probe sequences get long */
struct entry {
  /* constant once cls is nonzero */
  uint64_t hash;
  uint32_t period;
  const uint64_t *mask; /* our copy */
  /* atomic: release when the entry is complete, acquire in find; 0: empty */
  _Atomic mwi_spanclass cls;
};
static struct entry table[TABLE_SIZE];
static struct mwi_lock class_lock = MWI_LOCK_INIT(MWI_RANK_LAYOUT);
static uint32_t table_used; /* under class_lock */

/* ---- Masks ------------------------------------------------------------- */

static inline size_t mask_words(uint32_t period) {
  return (period + 63) / 64;
}
static inline uint64_t last_word_bits(uint32_t period) {
  return period % 64 ? ((uint64_t)1 << (period % 64)) - 1 : ~(uint64_t)0;
}
static inline uint64_t mask_word(const struct key *k, size_t i) {
  uint64_t w = k->mask[i];
  return i + 1 == mask_words(k->period) ? w & last_word_bits(k->period) : w;
}
static inline bool mask_bit(const uint64_t *mask, uint32_t i) {
  return mask[i / 64] >> (i % 64) & 1;
}

static uint64_t key_hash(const struct key *k) {
  uint64_t h = ((uint64_t)k->sizeclass << 32 | k->period) * 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < mask_words(k->period); i++) {
    h = (h ^ mask_word(k, i)) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
  }
  return h;
}

/* The size class need not be compared: for a given period and mask, key_hash is one-to-one in it
 * (products with odd numbers, xor, and xor with the upper half can all be undone). */
static bool key_equal(const struct entry *e, const struct key *k, uint64_t hash) {
  if (e->hash != hash || e->period != k->period) return false;
  for (size_t i = 0; i < mask_words(k->period); i++)
    if (e->mask[i] != mask_word(k, i)) return false;
  return true;
}

enum shape { SHAPE_NONE, SHAPE_EVERY, SHAPE_MIXED };
static enum shape mask_shape(const struct key *k) {
  uint64_t all = ~(uint64_t)0, any = 0;
  size_t n = mask_words(k->period);
  for (size_t i = 0; i < n; i++) {
    uint64_t w = mask_word(k, i);
    any |= w;
    all &= i + 1 == n ? w | ~last_word_bits(k->period) : w;
  }
  return !any ? SHAPE_NONE : all == ~(uint64_t)0 ? SHAPE_EVERY : SHAPE_MIXED;
}

/* The shortest period that gives the same pattern. */
static uint32_t mask_fold(const struct key *k) {
  for (uint32_t p = 1; p <= k->period / 2; p++) {
    if (k->period % p) continue;
    uint32_t i = p;
    while (i < k->period && mask_bit(k->mask, i) == mask_bit(k->mask, i - p)) i++;
    if (i == k->period) return p;
  }
  return k->period;
}

/* ---- Table ------------------------------------------------------------- */

/* The entry of a key, or the empty one where it belongs. */
static struct entry *find(const struct key *k, uint64_t hash, mwi_spanclass *cls) {
  for (size_t i = hash;; i++) {
    struct entry *e = &table[i % TABLE_SIZE];
    *cls = mwi_load_acquire(&e->cls); /* pairs with the release in enter_locked */
    if (*cls == MWI_CLASS_NONE || key_equal(e, k, hash)) return e;
  }
}

/* An entry for a new key, complete but for its class.  NULL: the table is full. */
static struct entry *prepare_locked(const struct key *k) {
  if (table_used >= TABLE_MAX) return NULL;
  uint64_t hash = key_hash(k);
  mwi_spanclass there;
  struct entry *e = find(k, hash, &there);
  mwi_assert(there == MWI_CLASS_NONE);
  size_t n = mask_words(k->period);
  uint64_t *copy = mwi_meta_alloc(n * sizeof *copy, sizeof *copy);
  for (size_t i = 0; i < n; i++) copy[i] = mask_word(k, i);
  e->hash = hash;
  e->period = k->period;
  e->mask = copy;
  return e;
}

static void publish_locked(struct entry *e, mwi_spanclass cls) {
  table_used++;
  mwi_store_release(&e->cls, cls); /* pairs with the acquire in find */
}

/* What is scanned of a slot of up to 64 words, period 0: every word. */
static uint64_t slot_mask(uint32_t slot, uint64_t mask, uint32_t period) {
  uint64_t all = 0;
  for (uint32_t i = 0; slot <= 512 && i < slot / 8; i++)
    if (!period || mask >> i % period & 1) all |= (uint64_t)1 << i;
  return all;
}

static void fill_class(mwi_spanclass c, unsigned sc, bool noscan) {
  const struct mwi_sizeclass *z = &mwi_sizeclasses[sc];
  /* whatever an address in such a span leads to, there is a word of bits for it */
  mwi_assert((z->pages * MWI_PAGE_BYTES - 1) / z->slot < MWI_SPAN_MAX_OBJECTS);
  mwi_classes[c] = (struct mwi_class){.slot = z->slot,
                                      .magic = z->magic,
                                      .nelems = z->nelems,
                                      .pages = z->pages,
                                      .noscan = noscan,
                                      .sizeclass = (uint16_t)sc,
                                      .slotmask = noscan ? 0 : slot_mask(z->slot, 0, 0),
                                      .full = true};
}

/* A class for a key in normal form. */
static mwi_spanclass make_class_locked(const struct key *k, mwi_spanclass every) {
  mwi_spanclass c;
  find(k, key_hash(k), &c);
  if (c != MWI_CLASS_NONE) return c;
  c = mwi_load_relaxed(&mwi_nclasses);
  if (c >= MWI_NCLASSES) return every;
  struct entry *e = prepare_locked(k);
  if (!e) return every;
  fill_class(c, k->sizeclass, false);
  struct mwi_class *info = &mwi_classes[c];
  info->full = false;
  info->period = (uint16_t)k->period;
  if (k->period <= 64) {
    info->mask = e->mask[0];
    info->slotmask = slot_mask(info->slot, info->mask, k->period);
  } else {
    info->longmask = e->mask; /* of a larger slot: longer masks are cut to it */
  }
  mwi_store_release(&mwi_nclasses, c + 1); /* pairs with the acquire of who walks the classes */
  publish_locked(e, c);
  return c;
}

MWI_COLD static mwi_spanclass class_for_new(struct key k, mwi_spanclass noscan,
                                            mwi_spanclass every) {
  mwi_lock(&class_lock);
  mwi_spanclass c;
  find(&k, key_hash(&k), &c);
  if (c == MWI_CLASS_NONE) {
    enum shape shape = mask_shape(&k);
    struct key normal = k;
    c = shape == SHAPE_NONE ? noscan : every;
    if (shape == SHAPE_MIXED) {
      normal.period = mask_fold(&k);
      c = make_class_locked(&normal, every);
    }
    struct entry *alias = NULL;
    if (shape != SHAPE_MIXED || normal.period != k.period) alias = prepare_locked(&k);
    if (alias) publish_locked(alias, c);
  }
  mwi_unlock(&class_lock);
  return c;
}

mwi_spanclass mwi_class_untyped(size_t bytes, bool noscan) {
  return MWI_CLASS_FIRST + 2 * mwi_sizeclass_of(bytes) + !noscan;
}

mwi_spanclass mwi_class_raw(size_t bytes, bool noscan) {
  mwi_assert(bytes >= MWI_RAW_MIN);
  return MWI_CLASS_RAW + 2 * (mwi_sizeclass_of(bytes) - MWI_RAW_FIRST) + !noscan;
}

mwi_spanclass mwi_class_for(size_t bytes, const struct mwi_layout *l) {
  unsigned sc = mwi_sizeclass_of(bytes);
  mwi_spanclass noscan = MWI_CLASS_FIRST + 2 * sc, every = noscan + 1;
  if (l->period == 0) return noscan;
  if (l->period == 1) return l->mask[0] & 1 ? every : noscan; /* arrays of pointers */
  uint32_t words = mwi_sizeclasses[sc].slot / (uint32_t)sizeof(uintptr_t);
  struct key k = {(uint16_t)sc, l->period < words ? l->period : words, l->mask};
  mwi_spanclass c;
  find(&k, key_hash(&k), &c);
  if (MWI_UNLIKELY(c == MWI_CLASS_NONE)) c = class_for_new(k, noscan, every);
  struct mwi_class *info = &mwi_classes[c];
  if (bytes == info->slot && !mwi_load_relaxed(&info->full)) mwi_store_relaxed(&info->full, true);
  return c;
}

const uint64_t *mwi_mask_intern(const struct mwi_layout *l, uint32_t *period) {
  struct key k = {MASK_ONLY, l->period, l->mask};
  enum shape shape = l->period ? mask_shape(&k) : SHAPE_NONE;
  *period = shape == SHAPE_NONE ? 0 : 1;
  if (shape != SHAPE_MIXED) return NULL;
  mwi_spanclass c;
  struct entry *e = find(&k, key_hash(&k), &c);
  if (c == MWI_CLASS_NONE) {
    mwi_lock(&class_lock);
    e = find(&k, key_hash(&k), &c);
    if (c == MWI_CLASS_NONE && (e = prepare_locked(&k)) != NULL) publish_locked(e, MWI_CLASS_LARGE);
    mwi_unlock(&class_lock);
  }
  if (!e) return NULL; /* table full: every word [CL3] */
  *period = k.period;
  return e->mask;
}

void mwi_class_init(void) {
  fill_class(MWI_CLASS_TINY, mwi_sizeclass_of(MWI_TINY_BYTES), true);
  for (unsigned sc = 0; sc < MWI_NSIZECLASSES; sc++) {
    mwi_spanclass c = MWI_CLASS_FIRST + 2 * sc;
    fill_class(c, sc, true);
    fill_class(c + 1, sc, false);
  }
  mwi_assert(mwi_sizeclass_of(MWI_RAW_MIN) == MWI_RAW_FIRST);
  for (unsigned sc = MWI_RAW_FIRST; sc < MWI_NSIZECLASSES; sc++) {
    mwi_spanclass c = MWI_CLASS_RAW + 2 * (sc - MWI_RAW_FIRST);
    fill_class(c, sc, true);
    fill_class(c + 1, sc, false);
    mwi_classes[c].raw = mwi_classes[c + 1].raw = 1;
  }
  mwi_classes[MWI_CLASS_LARGE].nelems = 1;
  mwi_store_release(&mwi_nclasses, MWI_CLASS_LAYOUTS);
}
