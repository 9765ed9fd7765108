/* SPDX-License-Identifier: MIT */
/*
 * os/thread.c -- pthread_create's cover, and the block of unmet threads
 *
 * See os/thread.h.  The cover works only where libmallow comes before libc in
 * the dynamic linker's search: not in a program that knows nothing of it and
 * opens a library made with mallow.  That is refused [A3].  A library
 * constructor points the initial thread at mwi_tcb_foreign as well, before any
 * other module's constructor can run instrumented code: libmallow is a
 * dependency of all of them.
 */
#define _GNU_SOURCE 1
#include "os/thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "os/os.h"
#include "os/tls.h"

/* rt starts high: brackets on threads that share this block may race, and
 * nothing reads it for them except the signal handler, which must not stop
 * such a thread. */
struct mwi_tcb mwi_tcb_foreign = {
    .poll = 1,
    .wb = 1,
    .rt = 1 << 20,
    .self = &mwi_tcb_foreign,
    .mcache = &mwi_mcache_none,
};

void (*_Atomic mwi_thread_exit_hook)(void);
void (*mwi_thread_ended_hook)(void);
struct mwi_thread_hooks mwi_thread_hooks;
_Atomic int32_t mwi_thread_count;

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
/* A sanitizer must see the thread start: its cover comes next, libc's after. */
create_fn __interceptor_pthread_create;
int mwi_real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg) {
  return __interceptor_pthread_create(t, a, fn, arg);
}
#else
/* libc's own, where the program is linked with -static and dlsym finds nothing;
 * `mallow cc` then asks the linker for it. */
extern create_fn __pthread_create __attribute__((weak));

int mwi_real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg) {
  static _Atomic(create_fn *) real; /* idempotent */
  create_fn *r = mwi_load_relaxed(&real);
  if (!r) {
    r = __pthread_create ? __pthread_create : (create_fn *)dlsym(RTLD_NEXT, "pthread_create");
    if (!r) return ENOSYS;
    mwi_store_relaxed(&real, r);
  }
  return r(t, a, fn, arg);
}
#endif

/* The images in the order of the search: the first with this library or libc in it. */
static int ours_or_libc(struct dl_phdr_info *image, size_t bytes, void *libc) {
  (void)bytes;
  const char *base = strrchr(image->dlpi_name, '/');
  if (base && strcmp(base, "/libc.so.6") == 0) return *(bool *)libc = true;
  for (int i = 0; i < image->dlpi_phnum; i++) {
    const ElfW(Phdr) *h = &image->dlpi_phdr[i];
    if (h->p_type == PT_LOAD &&
        (uintptr_t)ours_or_libc - image->dlpi_addr - h->p_vaddr < h->p_memsz)
      return 1;
  }
  return 0;
}

const char *mwi_os_threads_uncovered(void) {
  bool libc_first = false;
  dl_iterate_phdr(ours_or_libc, &libc_first);
  if (libc_first)
    return "libmallow was loaded behind libc, and would not see the program's threads: link the "
           "program with `mallow cc` (or -lmallow), or start it with LD_PRELOAD=libmallow.so.0";
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
  if (!__pthread_create && !dlsym(RTLD_NEXT, "pthread_create"))
    return "libc's pthread_create is not in this program: link it with `mallow cc -static` (or "
           "with -Wl,-u,__pthread_create_2_1)";
#endif
  return NULL;
}

struct cover {
  void *(*fn)(void *);
  thrd_start_t c11; /* instead of fn */
  void *arg;
  uintptr_t given; /* what mwi_thread_hooks.give made of it */
};

/* A thread-specific value's destructor rather than a cleanup handler: other
 * destructors may use the runtime, and attach the thread once more. */
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static char first_round, next_round; /* the key's values */

/* libc goes through all values once, and again through those that were set meanwhile.  A value
 * that waits for its destructor may be an object of the heap, and is a root only while the thread
 * is attached: so ours ends that in the second round.
 * Limit: what is attached behind that in the last round (PTHREAD_DESTRUCTOR_ITERATIONS), by a
 * destructor that has set its value again in each, and uses the runtime, nobody detaches: the
 * next stop waits for ever. */
static void thread_exits(void *round) {
  void (*hook)(void) = mwi_load_relaxed(&mwi_thread_exit_hook);
  if (!mwi_tcb()->attached || !hook) return;
  if (round == &first_round && pthread_setspecific(exit_key, &next_round) == 0) return;
  hook();
}

static void make_key(void) {
  if (pthread_key_create(&exit_key, thread_exits) != 0)
    mwi_fatal("no key for thread-specific data left (PTHREAD_KEYS_MAX)");
}

void mwi_os_thread_watch(void) {
  pthread_once(&exit_once, make_key);
  if (pthread_setspecific(exit_key, &first_round) != 0)
    mwi_fatal("out of memory: no thread-specific data for a thread");
}

static void count_down(void *unused) {
  (void)unused;
  mwi_add_relaxed(&mwi_thread_count, -1);
  if (mwi_thread_ended_hook) mwi_thread_ended_hook();
}

struct mwi_tcb *mwi_tcb_of_thread(void) {
  struct mwi_tcb *t = mwi_tcb();
  if (MWI_LIKELY(!t->attached || t->thread == mwi_os_thread_pointer())) return t;
  mwi_os_set_gs(&mwi_tcb_foreign);
  return &mwi_tcb_foreign;
}

/* C11's function has another type.  What it was given is its own from here on. */
static void *c11_main(void *p) {
  struct cover *c = p;
  void *arg = c->arg;
  c->arg = NULL;
  return (void *)(intptr_t)c->c11(arg);
}

static void *cover_main(void *p) {
  (void)mwi_tcb_of_thread(); /* its own already, if a handler has come before, and attached it */
  struct cover c = *(struct cover *)p;
  free(p);
  void *r;
  pthread_cleanup_push(count_down, NULL);
  if (c.given)
    mwi_thread_hooks.take(c.given, c.arg, c.c11 ? (void (*)(void))c.c11 : (void (*)(void))c.fn);
  r = c.c11 ? mwi_bottom_call(c11_main, &c) : mwi_bottom_call(c.fn, c.arg);
  if (!c.c11 && mwi_thread_hooks.gives) mwi_thread_hooks.gives(r);
  pthread_cleanup_pop(1);
  return r;
}

static int create(pthread_t *t, const pthread_attr_t *a, struct cover start) {
  struct cover *c = malloc(sizeof *c);
  if (!c) return EAGAIN;
  start.given = mwi_thread_hooks.give ? mwi_thread_hooks.give(start.arg) : 0;
  *c = start;
  mwi_add_relaxed(&mwi_thread_count, 1);
  int r = mwi_real_pthread_create(t, a, cover_main, c);
  if (r) {
    mwi_add_relaxed(&mwi_thread_count, -1);
    if (start.given) mwi_thread_hooks.give_up(start.given);
    free(c);
  }
  return r;
}

MWI_EXPORT int pthread_create(pthread_t *restrict t, const pthread_attr_t *restrict a,
                              void *(*fn)(void *), void *restrict arg) {
  return create(t, a, (struct cover){.fn = fn, .arg = arg});
}

/* C11's threads: libc's own goes round pthread_create. */
MWI_EXPORT int thrd_create(thrd_t *t, thrd_start_t fn, void *arg) {
  int r = create(t, NULL, (struct cover){.c11 = fn, .arg = arg});
  return r == 0 ? thrd_success : r == ENOMEM ? thrd_nomem : thrd_error;
}

/* Before the modules' own constructors (plugin/globals.c), which in a program
 * linked with libmallow.a are not ordered by library. */
__attribute__((constructor(1))) static void initial_thread(void) {
  mwi_os_set_gs(&mwi_tcb_foreign);
}

void mwi_test_thread_init(void) {
  mwi_os_set_gs(&mwi_tcb_foreign); /* until now it may be our creator's */
  struct mwi_tcb *t = mwi_meta_alloc(sizeof *t, 64);
  t->self = t;
  t->attached = 1;
  t->thread = mwi_os_thread_pointer();
  t->mcache = &mwi_mcache_none;
  mwi_os_set_gs(t);
}
