/* SPDX-License-Identifier: MIT */
/*
 * mallow.h -- Go's memory management for C programs
 *
 * The one header that programs include, in C from gnu89 on and C++ from C++11.
 * Compile with `mallow cc`; objects allocated here are never freed by hand.
 *
 * Conventions.  Times are nanoseconds (int64_t).  "Blocks" means: parks the
 * calling goroutine, never its thread.  "Fatal" means: one line
 * `fatal error: ...` on stderr, the goroutines' traces, exit status 2.
 * Allocation never returns NULL: without memory it is fatal.  What a function
 * returns is collected unless it says otherwise; what it is given it keeps only
 * where that is its purpose.  NULL for an object that it works on, where nothing is said of
 * NULL, is what any access through NULL is: SIGSEGV, and the traces.  Any goroutine, and any
 * thread, may call any of these; for handlers of signals see there.
 */
#ifndef MALLOW_H
#define MALLOW_H

/* Programs are compiled with the warnings that they like; the macros give none either. */
#if defined(__GNUC__)
#pragma GCC system_header
#endif

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_VERSION "0.1.0"

#if defined(__GNUC__)
#define MWI_ATTR(...) __attribute__((__VA_ARGS__))
#else
#define MWI_ATTR(...)
#endif

/* In C++ of one size and alignment with C's, and used by the functions alone. */
#ifdef __cplusplus
#define MWI_ATOMIC
#else
#define MWI_ATOMIC __extension__ _Atomic
#endif

/* A static object of type T that tells the compiler plugin T's layout; the
 * plugin drops it.  Without the plugin the object is scanned conservatively, stores have
 * no barriers (code that only hands objects on needs none), and GNU ld warns.
 * No initialiser: {0} does not fit a type whose first member is empty. */
#ifdef __cplusplus
#define MWI_ZERO = {}
#else
#define MWI_ZERO
#endif
#define MWI_WITNESS(T)                                                                             \
  __extension__({                                                                                  \
    static const __typeof__(T) mwi_witness MWI_ZERO;                                               \
    (const void *)&mwi_witness;                                                                    \
  })
#ifdef __cplusplus
#define MWI_ALIGN(T) alignof(T)
#define MWI_LIKE(value) auto
#else
#define MWI_ALIGN(T) __alignof__(T)
#define MWI_LIKE(value) __typeof__(((void)0, (value))) /* as a variable's: no array, not const */
#endif
#define MWI_PTR(T) __typeof__(__typeof__(T) *)

/* ---- Memory ------------------------------------------------------------ */

/* One zeroed object of type T, aligned as T asks for; for more than 8192 bytes that is fatal. */
#define mw_new(T) ((MWI_PTR(T))mwi_new_typed(sizeof(T), MWI_ALIGN(T), MWI_WITNESS(T)))

/* n contiguous zeroed objects of type T.  Overflow of n * sizeof(T) is fatal. */
#define mw_make(T, n) ((MWI_PTR(T))mwi_make_typed(sizeof(T), MWI_ALIGN(T), (n), MWI_WITNESS(T)))

/* A struct T whose flexible array member `member` has n elements. */
#define mw_new_flex(T, member, n)                                                                  \
  ((MWI_PTR(T))mwi_flex_typed(sizeof(T), MWI_ALIGN(T), offsetof(T, member),                        \
                              sizeof(((T *)0)->member[0]), (n), MWI_WITNESS(T),                    \
                              MWI_WITNESS(__typeof__(((T *)0)->member[0]))))

/* Untyped: n zeroed bytes, 16-aligned, every word scanned as a possible pointer. */
void *mw_alloc(size_t n) MWI_ATTR(malloc, alloc_size(1), returns_nonnull);
/* Untyped: n zeroed bytes that hold no pointers and are never scanned; aligned for an array of
 * any type whose size divides n. */
void *mw_alloc_noscan(size_t n) MWI_ATTR(malloc, alloc_size(1), returns_nonnull);

/* Collected strings.  mw_sprintf: an encoding error is fatal. */
char *mw_strdup(const char *s) MWI_ATTR(malloc, returns_nonnull, nonnull(1));
char *mw_sprintf(const char *format, ...) MWI_ATTR(malloc, returns_nonnull, format(printf, 1, 2));

/* A copy of p's object with room for n bytes and p's layout; the tail is zero.
 * p is left as it was and may still be used.  A pointer-free object below 16
 * bytes shares a block of 16 with others: what lies behind it there is copied
 * too.  NULL p, or one to an object of no bytes: mw_alloc(n).  p must
 * point to the start of a collected object, else fatal. */
void *mw_realloc(void *p, size_t n) MWI_ATTR(returns_nonnull);

/* p is reachable at least up to this call. */
void mw_keep_alive(const void *p);

/* Foreign memory that holds pointers to collected objects: scanned as a root
 * until removed, which has to come before it is freed.  Words are read as they
 * change; the program stores to it through instrumented code or before
 * mw_root_add.  Only words that are aligned count.  Fatal: adding NULL, removing
 * what has not been added. */
void mw_root_add(void *start, size_t bytes);
void mw_root_remove(void *start);

/* An integer (never 0) that keeps an object alive in foreign code.  Get or
 * free with a value that is not a live handle is fatal. */
typedef uintptr_t mw_handle;
mw_handle mw_handle_new(void *p);
void *mw_handle_get(mw_handle h);
void mw_handle_free(mw_handle h);

/* Call fn(p, arg) in the runtime's finalizer goroutine some time after p's
 * object became unreachable; the object and all it reaches live until then,
 * and the call may make it reachable again.  NULL fn removes.  Fatal: p is not
 * the start of a collected object, or has a finalizer.  Objects that reach
 * themselves through a finalizer are never finalized, nor are those of no bytes, which are
 * all the same one and live for ever (so do their cleanups and weak pointers wait). */
void mw_set_finalizer(void *p, void (*fn)(void *obj, void *arg), void *arg);

/* Call fn(arg) some time after p's object became unreachable; the object is
 * freed at once.  Several per object, cycles are fine, p may point inside.
 * Called in the runtime's goroutine for cleanups, one after the other: fn may
 * block, but then others wait.  Fatal: arg is p, p is not in a collected object.
 * Stopping one that has run, or is about to, does nothing. */
typedef struct mw_cleanup {
  uint64_t id;
  uintptr_t at;
} mw_cleanup;
mw_cleanup mw_add_cleanup(void *p, void (*fn)(void *arg), void *arg);
void mw_cleanup_stop(mw_cleanup c);

/* A weak pointer: equal (==) for equal p, NULL for NULL; p may point inside an
 * object.  Fatal: p is not in a collected object.  mw_weak_get: p while its object
 * is reachable, NULL from when the collector found it is not. */
typedef struct mwi_weak_handle *mw_weak;
mw_weak mw_weak_make(void *p);
void *mw_weak_get(mw_weak w);

/* ---- Goroutines -------------------------------------------------------- */

/* Start fn(arg) on a new goroutine.  Its stack grows as it is used, up to a
 * limit that depends on how many goroutines have one: 256 MB while they are
 * fewer than 1,024 (less under a tight `ulimit -v`), 192 KB below 16,384, 96 KB
 * beyond.  To exceed it is fatal: "stack overflow". */
void mw_go(void (*fn)(void *), void *arg);
/* The same on a stack of at least `bytes`, whatever their number (rounded up to
 * pages, and to 16 KB).  More than mw_set_max_stack allows is fatal. */
void mw_go_stack(void (*fn)(void *), void *arg, size_t bytes);
/* Let other goroutines run. */
void mw_yield(void);
/* Block for at least ns nanoseconds; <= 0 yields; INT64_MAX: for ever, which is no deadlock. */
void mw_sleep(int64_t ns);
/* End the calling goroutine.  In main: others go on, and the program ends by
 * exit() or by deadlock. */
void mw_goexit(void) MWI_ATTR(noreturn);
/* Goroutines that exist, without the runtime's own. */
int mw_num_goroutine(void);
/* Set GOMAXPROCS, 1024 at most (stops the world briefly); n < 1 only reads.
 * Returns the old value. */
int mw_set_max_procs(int n);
/* More threads at once than this are fatal, since most likely ever more goroutines
 * are stuck in external code: 10,000 unless set, 131,072 at most; n < 1 only reads.  Counts the
 * runtime's threads and those of the program that used it.  Returns the old value. */
int mw_set_max_threads(int n);
/* Monotonic clock. */
int64_t mw_nanotime(void);
/* From lock to unlock the goroutine stays on its thread, and no other runs there:
 * for libraries that keep something for each thread (Go's LockOSThread).  Nests.
 * Not needed in a function that a library calls back, which stays where it is
 * until it returns, nor while a pthread mutex or rwlock is held. */
void mw_thread_lock(void);
void mw_thread_unlock(void); /* not locked: does nothing */

/* ---- Channels ---------------------------------------------------------- */

typedef struct mw_chan mw_chan;

/* A channel of T with room for cap elements (0: unbuffered). */
#define mw_chan_make(T, cap) mwi_chan_make_typed(sizeof(T), (cap), MWI_WITNESS(T))

/* Send a value (an expression of the element's type).  Blocks until there is
 * room or a receiver.  On a closed channel: fatal.  On NULL: blocks for ever. */
#define mw_chan_send(ch, value)                                                                    \
  __extension__({                                                                                  \
    MWI_LIKE(value) mwi_value = (value);                                                           \
    mwi_chan_send((ch), &mwi_value, sizeof mwi_value);                                             \
  })
/* Send without blocking: false when that would block. */
#define mw_chan_try_send(ch, value)                                                                \
  __extension__({                                                                                  \
    MWI_LIKE(value) mwi_value = (value);                                                           \
    mwi_chan_try_send((ch), &mwi_value, sizeof mwi_value);                                         \
  })
/* Receive into *out (out may be NULL).  Blocks.  False, with *out zeroed, once
 * the channel is closed and drained. */
#define mw_chan_recv(ch, out) mwi_chan_recv((ch), (out), MWI_ELEM_SIZE(out))
/* 1 received, 0 closed and drained, -1 would block. */
#define mw_chan_try_recv(ch, out) mwi_chan_try_recv((ch), (out), MWI_ELEM_SIZE(out))
/* Size of *out; 0 ("any") when out is a void pointer such as NULL. */
#ifdef __cplusplus
} /* extern "C" has no overloads */
template <class T> inline size_t mwi_elem_size(T *) {
  return sizeof(T);
}
inline size_t mwi_elem_size(void *) {
  return 0;
}
template <> inline size_t mwi_elem_size(const void *) {
  return 0;
}
extern "C" {
#define MWI_ELEM_SIZE(out) mwi_elem_size(out)
#else
#define MWI_IS_VOID(p)                                                                             \
  (__builtin_types_compatible_p(__typeof__(p), void *) ||                                          \
   __builtin_types_compatible_p(__typeof__(p), const void *))
#define MWI_ELEM_SIZE(out)                                                                         \
  (MWI_IS_VOID(out) ? 0 : sizeof(*__builtin_choose_expr(MWI_IS_VOID(out), (char *)0, (out))))
#endif

/* No more is sent; what is in the channel can still be received.  Wakes all who
 * wait to receive.  Closing twice, closing NULL, and closing while somebody waits
 * to send are fatal. */
void mw_chan_close(mw_chan *ch);
/* Elements that are in it, and that it has room for; 0 for NULL. */
size_t mw_chan_len(const mw_chan *ch);
size_t mw_chan_cap(const mw_chan *ch);

/* ---- Select ------------------------------------------------------------ */

typedef struct mw_case {
  mw_chan *chan; /* NULL: never ready */
  void *elem;    /* send: the value's address; recv: where to put it, or NULL */
  uint32_t size; /* bytes; 0: any */
  bool send;
  bool ok; /* recv, after the select: false when the channel was closed */
} mw_case;

#define mw_case_recv(ch, out)                                                                      \
  (__extension__(mw_case){                                                                         \
      .chan = (ch), .elem = (out), .size = (uint32_t)MWI_ELEM_SIZE(out), .send = false})
/* ptr: address of the value to send; read when the case is chosen, or before
 * the select parks: do not change it meanwhile. */
#define mw_case_send(ch, ptr)                                                                      \
  (__extension__(mw_case){                                                                         \
      .chan = (ch), .elem = mwi_plain(ptr), .size = (uint32_t)MWI_ELEM_SIZE(ptr), .send = true})

#ifndef __cplusplus
static __inline__ MWI_ATTR(always_inline) void *mwi_plain(const void *value) {
  return (void *)value; /* in a macro this would earn -Wcast-qual */
}
#else /* compound literals are C's */
#undef mw_case_recv
#undef mw_case_send
#define mw_case_recv(ch, out) mwi_case((ch), static_cast<void *>(out), MWI_ELEM_SIZE(out), false)
#define mw_case_send(ch, ptr) mwi_case((ch), (ptr), MWI_ELEM_SIZE(ptr), true)
inline mw_case mwi_case(mw_chan *chan, const void *elem, size_t size, bool send) {
  mw_case one = {chan, const_cast<void *>(elem), static_cast<uint32_t>(size), send, false};
  return one;
}
#endif

/* Block until a case can go on; do it; return its index.  Fair among ready
 * cases.  With n == 0: blocks for ever.  To send on a closed channel is fatal, and so are
 * n < 0, n > 65,536, and a case that sends with elem NULL. */
int mw_select(mw_case *cases, int n);
/* The same without blocking: -1 when none is ready. */
int mw_try_select(mw_case *cases, int n);

/* ---- Synchronisation --------------------------------------------------- */
/* Zero-initialised values are ready to use; do not copy them in use.  They own
 * nothing, so there is nothing to destroy.  All of this orders memory: what is done
 * before an unlock, a done, a release is seen after the lock, wait or acquire that
 * it lets through. */

/* One holder at a time; any goroutine may unlock it.  Lock blocks; trylock never
 * does, and is false where the lock is held.  A waiter of more than 1 ms is next. */
typedef struct mw_mutex {
  MWI_ATOMIC int32_t state;
  MWI_ATOMIC uint32_t sema;
} mw_mutex;
void mw_mutex_lock(mw_mutex *m);
bool mw_mutex_trylock(mw_mutex *m);
void mw_mutex_unlock(mw_mutex *m); /* not locked: fatal */

/* Inline: a lock that is free, whoever waits for it, unless it is promised to a
 * waiter (bits 1 and 4 are clear), and an unlock that has to wake nobody (none
 * waits, or bit 2: one is awake).  The functions do the rest. */
#if defined(__GNUC__) && !defined(__cplusplus)
void mwi_rt_mutex_lock(mw_mutex *m, int32_t state);
static __inline__ void mwi_mutex_lock(mw_mutex *m) {
  int32_t state = __atomic_load_n((int32_t *)&m->state, __ATOMIC_RELAXED);
  if ((state & 5) != 0 || !__atomic_compare_exchange_n((int32_t *)&m->state, &state, state | 1, 0,
                                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    mwi_rt_mutex_lock(m, state);
}
void mwi_rt_mutex_unlocked(mw_mutex *m, int32_t state);
static __inline__ void mwi_mutex_unlock(mw_mutex *m) {
  int32_t state = __atomic_sub_fetch((int32_t *)&m->state, 1, __ATOMIC_RELEASE);
  if (state != 0 && (state & 7) != 2) mwi_rt_mutex_unlocked(m, state);
}
#define mw_mutex_lock(m) mwi_mutex_lock(m)
#define mw_mutex_unlock(m) mwi_mutex_unlock(m)
#endif

/* Any number of readers, or one writer.  rlock and lock block; a writer that waits
 * goes before readers that come after it, so a goroutine must not rlock twice.
 * Unlocking what is not locked is fatal. */
typedef struct mw_rwmutex {
  mw_mutex w;
  MWI_ATOMIC uint32_t writer_sem, reader_sem;
  MWI_ATOMIC int32_t reader_count, reader_wait;
} mw_rwmutex;
void mw_rwmutex_rlock(mw_rwmutex *m);
void mw_rwmutex_runlock(mw_rwmutex *m);
void mw_rwmutex_lock(mw_rwmutex *m);
void mw_rwmutex_unlock(mw_rwmutex *m);

/* A counter; wait blocks until it is 0.  add comes before what it counts is
 * started; done is add(-1). */
typedef struct mw_waitgroup {
  MWI_ATOMIC uint64_t state;
  MWI_ATOMIC uint32_t sema;
} mw_waitgroup;
void mw_waitgroup_add(mw_waitgroup *wg, int delta); /* counter below 0: fatal */
void mw_waitgroup_done(mw_waitgroup *wg);
void mw_waitgroup_wait(mw_waitgroup *wg);

typedef struct mw_once {
  MWI_ATOMIC uint32_t done;
  mw_mutex m;
} mw_once;
/* Call fn(arg) if no call for o came before; blocks until it has finished.  An fn
 * that calls mw_once_do for the same o blocks for ever. */
void mw_once_do(mw_once *o, void (*fn)(void *), void *arg);

typedef struct mw_cond {
  MWI_ATOMIC uint32_t wait, notify;
} mw_cond;
void mw_cond_wait(mw_cond *c, mw_mutex *m); /* m locked; unlocked while blocked */
void mw_cond_signal(mw_cond *c);            /* wakes one that waits, if any does */
void mw_cond_broadcast(mw_cond *c);         /* all */

typedef struct mw_sem {
  MWI_ATOMIC uint32_t count;
} mw_sem;
void mw_sem_acquire(mw_sem *s); /* blocks while the count is 0, then takes one */
void mw_sem_release(mw_sem *s); /* to more than UINT32_MAX: fatal */

/* ---- Signals ----------------------------------------------------------- */

/*
 * From now on each `sig` that the process gets is sent to ch, a channel of int,
 * as its number.  The send never blocks: give the channel room; without room
 * the signal is lost to it, and signals of one kind that come faster than they
 * are delivered come once.  Several channels may ask for one signal and one
 * channel for several.  What the signal did before is back after the last
 * mw_signal_stop.  Faults of the program's own (SIGSEGV, ...) are still reported
 * and fatal.  Fatal: SIGKILL, SIGSTOP, SIGURG (the runtime's), those between SIGSYS and SIGRTMIN
 * (libc's), what is no signal, another element type.
 *
 * A handler of the program's own (sigaction) may interrupt any code, on any
 * goroutine or on none.  While it runs its goroutine neither yields nor moves.
 * It may store pointers and touch atomics; it must not allocate, block, or use
 * channels: those are for mw_signal_notify.  Its variables are what they are in
 * plain C: those whose address escapes live until the handler ends, no longer.
 */
void mw_signal_notify(mw_chan *ch, int sig);
/* What the process has got before this is called is sent to ch, as above; nothing
 * is after it has returned. */
void mw_signal_stop(mw_chan *ch);
/* Undo all mw_signal_notify for sig, and any handler; then ignore it, or have
 * its default action (SIGQUIT's is to print all goroutines and exit with 2). */
void mw_signal_ignore(int sig);
void mw_signal_reset(int sig);

/* ---- Time -------------------------------------------------------------- */

/* A channel of int64_t that receives mw_nanotime() once, ns from now (ns <= 0: now). */
mw_chan *mw_after(int64_t ns);

/* The same, to be stopped or set anew; a ticker's comes every ns.  Nobody has to
 * stop them: what is no longer referred to is collected, running or not.  To send
 * on their channels or close them is fatal, and so is one that is not from _new. */
typedef struct mw_timer mw_timer;
struct mw_timer {
  mw_chan *c; /* of int64_t, one element of room */
};
mw_timer *mw_timer_new(int64_t ns);
bool mw_timer_reset(mw_timer *t, int64_t ns); /* true when it was pending */
bool mw_timer_stop(mw_timer *t);              /* true when it was pending; no stale value after */
typedef struct mw_ticker mw_ticker;
struct mw_ticker {
  mw_chan *c; /* of int64_t; ticks are dropped for a slow reader */
};
mw_ticker *mw_ticker_new(int64_t ns); /* ns <= 0: fatal */
void mw_ticker_reset(mw_ticker *t, int64_t ns);
void mw_ticker_stop(mw_ticker *t);

/* ---- Pool -------------------------------------------------------------- */

/*
 * Free objects of one kind, kept for reuse: Go's sync.Pool.  Any number of
 * goroutines may get and put; in the common case no lock is taken.  The
 * collector empties a pool: an object that nobody asks for is gone after two
 * cycles.  Zero-initialised but for make; do not copy it in use.
 *
 *     static mw_pool buffers = {.make = new_buffer};
 */
typedef struct mw_pool {
  void *(*make)(void);  /* called by get when the pool has none; NULL: get returns NULL */
  void *local, *victim; /* the runtime's */
  struct mw_pool *next;
  uint32_t local_n, victim_n;
  bool listed;
} mw_pool;
/* An object put before, or a new one.  The object is as it was put. */
void *mw_pool_get(mw_pool *pool);
void mw_pool_put(mw_pool *pool, void *p); /* NULL is ignored */

/* ---- Runtime control and statistics ------------------------------------ */

/* A full collection, finished (swept) when it returns.  Blocks. */
void mw_gc(void);
/* Set GOGC, in percent; negative turns collection off (but for mw_gc and the memory
 * limit).  Stops the world briefly.  Returns the old value. */
int mw_set_gc_percent(int percent);

/* Set the most that the stack of a goroutine started from now on may grow to,
 * in bytes (rounded up to pages, and to 32 KB; 1 GB at most, and at first).
 * 0 only reads.  Returns the old value. */
size_t mw_set_max_stack(size_t bytes);

/* Set GOMEMLIMIT, in bytes; INT64_MAX: none; negative only reads.  Stops the world
 * briefly.  Returns the old value.  The limit is over all that the runtime maps.  At the limit an
 * allocation waits for the end of the collection that makes room.  It is soft: a live
 * heap beyond it goes on, with the collector held to half of the CPU. */
int64_t mw_set_memory_limit(int64_t limit);
/* A full collection, then as much memory as possible back to the OS.  Blocks. */
void mw_free_os_memory(void);

/*
 * Go's runtime.MemStats, field for field.  Sizes in bytes, times in ns.
 * heap_idle + heap_inuse == heap_sys; mallocs - frees == heap_objects.
 */
typedef struct mw_mem_stats {
  uint64_t alloc;          /* == heap_alloc */
  uint64_t total_alloc;    /* bytes ever allocated */
  uint64_t sys;            /* from the OS: the sum of the *_sys fields */
  uint64_t lookups;        /* 0 */
  uint64_t mallocs, frees; /* objects ever; tiny ones count in both */
  uint64_t heap_alloc;     /* objects live or not yet swept */
  uint64_t heap_sys;       /* address space that the heap uses, or has used */
  uint64_t heap_idle;      /* of it, pages without objects */
  uint64_t heap_inuse;     /* pages with objects */
  uint64_t heap_released;  /* idle pages that the OS has back */
  uint64_t heap_objects;   /* in heap_alloc */
  uint64_t stack_inuse; /* used parts of goroutine stacks, as last scanned, without folded ones */
  uint64_t stack_sys;   /* stack_inuse, and the memory that holds folded stacks; with a memory limit
                         * what stacks held when last counted, if that is more */
  uint64_t stack_folded; /* used parts of idle goroutines' stacks, kept in compact form */
  uint64_t mspan_inuse, mspan_sys, mcache_inuse, mcache_sys, buck_hash_sys, gc_sys, other_sys;
  uint64_t next_gc; /* heap goal */
  uint64_t last_gc; /* since 1970 */
  uint64_t pause_total_ns, max_pause_ns;
  uint64_t pause_ns[256];  /* both stops of a cycle added; latest at (num_gc + 255) % 256 */
  uint64_t pause_end[256]; /* when it ended, since 1970 */
  uint32_t num_gc, num_forced_gc;
  double gc_cpu_fraction;   /* of all CPU time since the start, 0 to 1 */
  bool enable_gc, debug_gc; /* true, false */
  struct {
    uint32_t size;
    uint64_t mallocs, frees;
  } by_size[68]; /* size 0: past the last class */
} mw_mem_stats;
void mw_read_mem_stats(mw_mem_stats *out); /* stops the world briefly */

/* Print every goroutine's state and trace to fd, as they were at one moment (stops
 * the world briefly).  Errors of fd are ignored. */
void mw_print_goroutines(int fd);

/*
 * Write every object with its contents and pointers, and the roots, goroutines
 * and statistics, to fd, in the format of Go's debug.WriteHeapDump.  The world is
 * stopped meanwhile, so whoever reads a pipe must be another process; what fd
 * gets holds the program's data.  0, or -1 with errno; then what fd got is not
 * whole (it does not end with the record EOF).  Blocks.
 */
int mw_heap_dump(int fd);

/* ---- Profiles ---------------------------------------------------------- */

/*
 * Write a profile to fd: "heap", "allocs", "goroutine", "threadcreate",
 * "block" or "mutex".  debug 0: what `go tool pprof` reads; 1: Go's text; 2 or
 * more: for "goroutine", every goroutine as mw_print_goroutines shows it.  0, or -1
 * with errno (ENOENT: no such profile; EINVAL: NULL, debug < 0); what fd got then is not whole.
 */
int mw_pprof_write(const char *profile, int fd, int debug);

/* The heap profiles sample about one allocation in so many bytes (512 KiB
 * unless set; GODEBUG=memprofilerate=N from the start); 1: every one, <= 0:
 * none.  Stops the world briefly.  Returns the old value. */
int mw_set_mem_profile_rate(int bytes);
/* The block profile samples one wait in so many nanoseconds of waiting; 1:
 * every one, <= 0 (the default): none.  Returns the old value. */
int mw_set_block_profile_rate(int ns);
/* The mutex profile samples one contended unlock in n; 0 (the default): none;
 * negative only reads.  Returns the old value. */
int mw_set_mutex_profile_fraction(int n);

/* Begin a CPU profile: every thread's stack at each 10 ms of the CPU time that
 * it uses.  0, or -1 with errno; EBUSY: one is on already. */
int mw_pprof_start_cpu(int fd);
/* End it and write it to that fd.  0, or -1 with errno; EINVAL: none was begun. */
int mw_pprof_stop_cpu(void);

/*
 * Serve profiles and statistics over HTTP, under /debug/pprof/ and /debug/vars,
 * until the program ends: `go tool pprof http://localhost:6060/debug/pprof/heap`.
 * addr is "host:port" with a numeric host; ":6060" is the loopback interface
 * alone.  Returns the port (of interest with port 0), or -1 with errno: EINVAL (NULL, too),
 * EADDRINUSE, ENOSYS (libmicrohttpd is not installed), ...  Anybody who reaches
 * the port may read what the program does.  GODEBUG=httpdebug=host:port calls
 * this before main.
 */
int mw_debug_serve(const char *addr);

/* ---- What the macros call: not for use by name ------------------------- */

void *mwi_new_typed(size_t size, size_t align, const void *witness)
    MWI_ATTR(malloc, returns_nonnull);
void *mwi_make_typed(size_t size, size_t align, size_t n, const void *witness)
    MWI_ATTR(malloc, returns_nonnull);
void *mwi_flex_typed(size_t size, size_t align, size_t offset, size_t elem_size, size_t n,
                     const void *witness, const void *elem_witness)
    MWI_ATTR(malloc, returns_nonnull);
mw_chan *mwi_chan_make_typed(size_t size, size_t cap, const void *witness)
    MWI_ATTR(returns_nonnull);
void mwi_chan_send(mw_chan *ch, const void *value, size_t size);
bool mwi_chan_try_send(mw_chan *ch, const void *value, size_t size);
bool mwi_chan_recv(mw_chan *ch, void *out, size_t size);
int mwi_chan_try_recv(mw_chan *ch, void *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
