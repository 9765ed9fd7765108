/* SPDX-License-Identifier: MIT */
/*
 * base/base.h -- words every file of the runtime uses (internal)
 *
 * Sizes, branch hints, alignment, bits, the export mark, assertions.  No
 * state, no system calls.
 *
 * Assertions come in two kinds: mwi_assert, in builds with MW_CHECK, which also
 * walk whole structures (..._check); mwi_fatal, always on, for corruption and misuse.
 */
#ifndef MWI_BASE_BASE_H
#define MWI_BASE_BASE_H
#ifndef MW_INTERNAL
#error "internal to mallow; programs include <mallow.h>"
#endif

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/abi.h"

#define MWI_EXPORT __attribute__((visibility("default")))
#define MWI_PRESERVE_MOST __attribute__((preserve_most))
#define MWI_NOINLINE __attribute__((noinline))
#define MWI_COLD __attribute__((cold, noinline))
#define MWI_INLINE static inline __attribute__((always_inline))
#define MWI_LIKELY(x) __builtin_expect(!!(x), 1)
#define MWI_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MWI_CACHE_LINE 64
#define MWI_ALIGNED(n) __attribute__((aligned(n)))

#define MWI_KB ((size_t)1 << 10)
#define MWI_MB ((size_t)1 << 20)
#define MWI_GB ((size_t)1 << 30)

#define MWI_CONTAINER(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

MWI_INLINE uintptr_t mwi_align_up(uintptr_t x, uintptr_t align) {
  return (x + align - 1) & ~(align - 1);
}
MWI_INLINE uintptr_t mwi_align_down(uintptr_t x, uintptr_t align) {
  return x & ~(align - 1);
}
MWI_INLINE unsigned mwi_ctz64(uint64_t x) {
  return (unsigned)__builtin_ctzll(x);
} /* x != 0 */
MWI_INLINE unsigned mwi_clz64(uint64_t x) {
  return (unsigned)__builtin_clzll(x);
} /* x != 0 */
MWI_INLINE unsigned mwi_popcount64(uint64_t x) {
  return (unsigned)__builtin_popcountll(x);
}
MWI_INLINE void mwi_pause(void) {
  __builtin_ia32_pause();
}

/*
 * Atomics spell their order.  Each release or acquire at its use says which
 * line it pairs with.
 */
#define mwi_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define mwi_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define mwi_load_seqcst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define mwi_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define mwi_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define mwi_store_seqcst(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)
#define mwi_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define mwi_add_acqrel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define mwi_sub_acqrel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define mwi_or_release(p, v) atomic_fetch_or_explicit((p), (v), memory_order_release)
#define mwi_or_relaxed(p, v) atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define mwi_xchg_acqrel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define mwi_cas_acqrel(p, old, new)                                                                \
  atomic_compare_exchange_strong_explicit((p), (old), (new), memory_order_acq_rel,                 \
                                          memory_order_acquire)
#define mwi_cas_seqcst(p, old, new)                                                                \
  atomic_compare_exchange_strong_explicit((p), (old), (new), memory_order_seq_cst,                 \
                                          memory_order_seq_cst)

/*
 * `fatal error: <message>` on stderr, the goroutines' traces, exit status 2.
 * Safe from any stack and with any lock held; allocates nothing before the
 * message is out.  Defined in debug/fatal.c.
 */
_Noreturn void mwi_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#if MW_CHECK
#define mwi_assert(x)                                                                              \
  (MWI_LIKELY(x) ? (void)0 : mwi_fatal("%s:%d: assertion failed: %s", __FILE__, __LINE__, #x))
#else
#define mwi_assert(x) ((void)sizeof(!(x)))
#endif

#endif
