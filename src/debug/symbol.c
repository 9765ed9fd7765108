/* SPDX-License-Identifier: MIT */
/*
 * debug/symbol.c -- names and lines through elfutils' libdw; see debug/symbol.h
 *
 * How      libdw.so.1 is opened with dlopen and its functions are looked up
 *          into a table; the modules of the process come from /proc/self/maps
 *          and are read again when an address is in none (dlopen).  A
 *          compilation unit is found in a sorted table of address ranges,
 *          built for each module on its first look-up: clang writes no
 *          .debug_aranges, without which libdw 0.188 finds none.
 *          Separate debug files are found by build id in /usr/lib/debug; the
 *          network (debuginfod) is never asked, as a dying program must not
 *          wait for it.
 */
#include "debug/symbol.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "debug/elfsym.h"
#include "os/context.h"
#include "os/os.h"

/* ---- libdw ----------------------------------------------------------------- */

#define LIBDW_FUNCTIONS(X)                                                                         \
  X(dwfl_begin)                                                                                    \
  X(dwfl_linux_proc_report)                                                                        \
  X(dwfl_linux_proc_find_elf)                                                                      \
  X(dwfl_build_id_find_debuginfo)                                                                  \
  X(dwfl_report_begin)                                                                             \
  X(dwfl_report_end)                                                                               \
  X(dwfl_addrmodule)                                                                               \
  X(dwfl_module_info)                                                                              \
  X(dwfl_module_addrinfo)                                                                          \
  X(dwfl_module_nextcu)                                                                            \
  X(dwarf_ranges)                                                                                  \
  X(dwarf_getscopes)                                                                               \
  X(dwarf_getscopes_die)                                                                           \
  X(dwarf_tag)                                                                                     \
  X(dwarf_diename)                                                                                 \
  X(dwarf_entrypc)                                                                                 \
  X(dwarf_decl_line)                                                                               \
  X(dwarf_attr)                                                                                    \
  X(dwarf_formudata)                                                                               \
  X(dwarf_getsrcfiles)                                                                             \
  X(dwarf_getsrcdirs)                                                                              \
  X(dwarf_filesrc)                                                                                 \
  X(dwarf_getsrc_die)                                                                              \
  X(dwarf_lineno)                                                                                  \
  X(dwarf_linesrc)

static struct {
#define X(name) __typeof__(&name) name;
  LIBDW_FUNCTIONS(X)
#undef X
} dw;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under lock */
static Dwfl *session; /* NULL: not begun, or not to be had */
static bool tried;
static uintptr_t
    unknown_page; /* page of the last address in no module, not to search again for it */
static char exe_path[1024];

/* ---- Answers given ------------------------------------------------------------ */

struct answer {
  int n;
  struct mwi_frame frame[MWI_MAX_INLINED + 1];
};

#define REMEMBERED 256 /* goroutines by the thousand wait at the same few places */
#define REMEMBERED_FRAMES 4

static struct {
  uintptr_t pc; /* 0: none */
  int n;
  struct mwi_frame frame[REMEMBERED_FRAMES];
} remembered[REMEMBERED]; /* under lock */

static size_t remembered_at(uintptr_t pc) {
  return (pc * 0x9e3779b97f4a7c15u) >> 56;
}
_Static_assert(REMEMBERED == 256, "8 bits");

/* Names made absolute, by the address of libdw's string. */
struct joined {
  const char *of;
  struct joined *next;
  char name[];
};
static struct joined *joined[REMEMBERED]; /* under lock */

/* With the list of modules. */
static void remembered_clear(void) {
  for (size_t i = 0; i < REMEMBERED; i++) {
    remembered[i].pc = 0;
    for (struct joined *j; (j = joined[i]); free(j)) joined[i] = j->next;
  }
}

static bool recall_locked(struct answer *a, uintptr_t pc) {
  size_t i = remembered_at(pc);
  if (remembered[i].pc != pc) return false;
  a->n = remembered[i].n;
  memcpy(a->frame, remembered[i].frame, sizeof remembered[i].frame);
  return true;
}

/* a's strings are libdw's, so they last as long as the list of modules. */
static void remember_locked(const struct answer *a, uintptr_t pc) {
  size_t i = remembered_at(pc);
  if (a->n > REMEMBERED_FRAMES || !a->frame[0].function) return;
  remembered[i].pc = pc;
  remembered[i].n = a->n;
  memcpy(remembered[i].frame, a->frame, sizeof remembered[i].frame);
}

/* ---- The session ---------------------------------------------------------------- */

static int find_debuginfo(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base,
                          const char *file, const char *link, GElf_Word crc, char **path) {
  return dw.dwfl_build_id_find_debuginfo(mod, user, name, base, file, link, crc, path);
}

static int find_elf(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base, char **file,
                    Elf **elf) {
  return dw.dwfl_linux_proc_find_elf(mod, user, name, base, file, elf);
}

/* libdw ends the process, with status 1, when there is no memory for it: under a tight ulimit -v,
 * say, in the middle of a fatal error's trace.  It maps what it reads. */
#define LIBDW_LEAST (32 * MWI_MB)

static bool room_for_libdw(void) {
  void *p = mwi_os.reserve(LIBDW_LEAST, mwi_os_page_bytes());
  if (p) mwi_os.unreserve(p, LIBDW_LEAST);
  return p != NULL;
}

/* Open libdw and list the process's modules.  Leaves session NULL on failure. */
static void begin_locked(void) {
  static const Dwfl_Callbacks callbacks = {.find_elf = find_elf, .find_debuginfo = find_debuginfo};
  tried = true;
  if (!room_for_libdw()) return;
  void *lib = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!lib) return;
#define X(name)                                                                                    \
  if (!(dw.name = (__typeof__(dw.name))dlsym(lib, #name))) return;
  LIBDW_FUNCTIONS(X)
#undef X
  Dwfl *s = dw.dwfl_begin(&callbacks);
  if (!s) return;
  dw.dwfl_linux_proc_report(s, getpid());
  dw.dwfl_report_end(s, NULL, NULL);
  session = s;
}

/* Read the list of modules again. */
static void report_again_locked(void) {
  dw.dwfl_report_begin(session); /* modules that are gone take their strings along */
  dw.dwfl_linux_proc_report(session, getpid());
  dw.dwfl_report_end(session, NULL, NULL);
  unknown_page = 0;
  remembered_clear();
}

/* Objects loaded and unloaded so far: an address may be another library's now. */
static int count_objects(struct dl_phdr_info *info, size_t size, void *out) {
  (void)size;
  *(unsigned long long *)out = info->dlpi_adds + info->dlpi_subs;
  return 1;
}

static void notice_dlopen_locked(void) {
  static unsigned long long seen;
  unsigned long long now = 0;
  dl_iterate_phdr(count_objects, &now);
  if (now == seen) return;
  if (session) report_again_locked();
  seen = now;
}

/* The module that addr is in, after another look at the process if need be. */
static Dwfl_Module *module_locked(uintptr_t addr) {
  Dwfl_Module *mod = dw.dwfl_addrmodule(session, addr);
  if (mod || addr >> 12 == unknown_page) return mod;
  report_again_locked();
  mod = dw.dwfl_addrmodule(session, addr);
  if (!mod) unknown_page = addr >> 12;
  return mod;
}

/* ---- Compilation units by address ---------------------------------------------- */

struct unit_range {
  uintptr_t lo, hi; /* as in the process */
  Dwarf_Die die;
  uintptr_t bias; /* what die's addresses lack */
};

struct unit_table {
  size_t n, room;
  struct unit_range *range; /* sorted by lo */
};

static int by_lo(const void *a, const void *b) {
  const struct unit_range *x = a, *y = b;
  return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void add_unit(struct unit_table *t, Dwarf_Die *die, Dwarf_Addr bias) {
  Dwarf_Addr base, lo, hi;
  for (ptrdiff_t at = 0; (at = dw.dwarf_ranges(die, at, &base, &lo, &hi)) > 0;) {
    if (lo >= hi || lo == 0) continue; /* 0: the linker dropped that function */
    if (t->n == t->room) {
      size_t room = t->room ? t->room * 2 : 64;
      struct unit_range *r = realloc(t->range, room * sizeof *r);
      if (!r) return;
      t->range = r;
      t->room = room;
    }
    t->range[t->n++] =
        (struct unit_range){.lo = lo + bias, .hi = hi + bias, .die = *die, .bias = bias};
  }
}

/* The unit whose code addr is in, NULL: none known. */
static struct unit_range *unit_locked(Dwfl_Module *mod, uintptr_t addr) {
  void **user = NULL;
  dw.dwfl_module_info(mod, &user, NULL, NULL, NULL, NULL, NULL, NULL);
  if (!user) return NULL;
  struct unit_table *t = *user;
  if (!t) {
    t = calloc(1, sizeof *t);
    if (!t) return NULL;
    Dwarf_Addr bias;
    for (Dwarf_Die *cu = NULL; (cu = dw.dwfl_module_nextcu(mod, cu, &bias));) add_unit(t, cu, bias);
    if (t->n) qsort(t->range, t->n, sizeof *t->range, by_lo);
    *user = t;
  }
  size_t lo = 0, hi = t->n; /* the last range that begins at or below addr */
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (t->range[mid].lo <= addr)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo && addr < t->range[lo - 1].hi ? &t->range[lo - 1] : NULL;
}

/* ---- One address ----------------------------------------------------------------- */

static int attr_int(Dwarf_Die *die, unsigned name) {
  Dwarf_Attribute attr;
  Dwarf_Word v;
  return dw.dwarf_attr(die, name, &attr) && dw.dwarf_formudata(&attr, &v) == 0 ? (int)v : 0;
}

/* Before DWARF 5 a file's name may be relative to where its unit was compiled. */
static const char *absolute_locked(Dwarf_Files *files, const char *name) {
  const char *const *folder = NULL;
  size_t n = 0;
  if (!name || *name == '/' || !files || dw.dwarf_getsrcdirs(files, &folder, &n) != 0 || n == 0 ||
      !folder[0] || folder[0][0] != '/')
    return name;
  struct joined **list = &joined[remembered_at((uintptr_t)name)];
  for (struct joined *j = *list; j; j = j->next)
    if (j->of == name) return j->name;
  size_t size = strlen(folder[0]) + strlen(name) + 2;
  struct joined *made = malloc(sizeof *made + size);
  if (!made) return name;
  *made = (struct joined){.of = name, .next = *list};
  stpcpy(stpcpy(stpcpy(made->name, folder[0]), "/"), name);
  return (*list = made)->name;
}

/* Inlined calls and the function around them: dies from the innermost scope outwards. */
static void scopes_locked(struct answer *a, struct unit_range *unit, uintptr_t addr) {
  Dwarf_Addr at = addr - unit->bias;
  struct mwi_frame here = {.module = a->frame[0].module};
  uintptr_t symbol_offset = a->frame[0].offset;
  Dwarf_Files *files = NULL;
  dw.dwarf_getsrcfiles(&unit->die, &files, NULL);
  Dwarf_Line *line = dw.dwarf_getsrc_die(&unit->die, at);
  if (line) {
    here.file = absolute_locked(files, dw.dwarf_linesrc(line, NULL, NULL));
    dw.dwarf_lineno(line, &here.line);
  }
  Dwarf_Die *inner = NULL, *scope = NULL;
  int n = dw.dwarf_getscopes(&unit->die, at, &inner);
  /* again by the tree: the first list follows an inlined call to where its
   * function was written, not to where it was inlined */
  n = n > 0 ? dw.dwarf_getscopes_die(&inner[0], &scope) : 0;
  int out = 0;
  bool complete = false;
  for (int i = 0; i < n && !complete; i++) {
    int tag = dw.dwarf_tag(&scope[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    here.function = dw.dwarf_diename(&scope[i]);
    here.start_line = 0;
    dw.dwarf_decl_line(&scope[i], &here.start_line);
    here.inlined = tag == DW_TAG_inlined_subroutine;
    Dwarf_Addr entry;
    /* a function in several pieces may have no entry there: its symbol has */
    here.offset = dw.dwarf_entrypc(&scope[i], &entry) == 0 ? at + 1 - entry : symbol_offset;
    complete = !here.inlined;
    if (out < MWI_MAX_INLINED || complete) a->frame[out++] = here;
    if (complete) break;
    int file = attr_int(&scope[i], DW_AT_call_file);
    const char *name = files ? dw.dwarf_filesrc(files, (size_t)file, NULL, NULL) : NULL;
    here.file = absolute_locked(files, name);
    here.line = attr_int(&scope[i], DW_AT_call_line);
  }
  free(scope);
  free(inner);
  if (complete) {
    a->n = out;
  } else { /* assembly has lines but no scopes */
    a->frame[0].file = here.file;
    a->frame[0].line = here.line;
  }
}

static void libdw_locked(struct answer *a, uintptr_t addr) {
  if (!tried) begin_locked();
  if (!session) return;
  Dwfl_Module *mod = module_locked(addr);
  if (!mod) return;
  const char *main_file = NULL;
  const char *name = dw.dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL, &main_file, NULL);
  if (main_file || name) a->frame[0].module = main_file ? main_file : name;
  GElf_Off offset;
  GElf_Sym sym;
  const char *symbol = dw.dwfl_module_addrinfo(mod, addr, &offset, &sym, NULL, NULL, NULL);
  if (symbol) {
    a->frame[0].function = symbol;
    a->frame[0].offset = offset + 1;
  }
  struct unit_range *unit = unit_locked(mod, addr);
  if (unit) scopes_locked(a, unit, addr);
}

/* What is known without libdw: no lock, no allocation. */
static void from_headers(struct answer *a, uintptr_t addr) {
  a->n = 1;
  a->frame[0] = (struct mwi_frame){.offset = addr + 1};
  struct dl_find_object o;
  if (_dl_find_object((void *)addr, &o) != 0) return;
  const char *path = o.dlfo_link_map->l_name;
  a->frame[0].module = path && *path ? path : exe_path;
  a->frame[0].offset = addr + 1 - o.dlfo_link_map->l_addr;
}

/* The function's name at least, without libdw. */
static void from_elf(struct answer *a, uintptr_t addr) {
  static char name[256]; /* one caller at a time: under lock, or the last words */
  struct dl_find_object o;
  uintptr_t start;
  struct mwi_frame *f = &a->frame[0];
  if (f->function || !f->module || _dl_find_object((void *)addr, &o) != 0) return;
  if (!mwi_elf_function(f->module, o.dlfo_link_map->l_addr, addr, name, sizeof name, &start))
    return;
  f->function = name;
  f->offset = addr + 1 - start;
}

/* ---- Last words -------------------------------------------------------------------- */

/*
 * A look-up that waits for a lock of its own thread stands still, one that
 * reads a large program's tables moves, even from a slow disk.  So a timer
 * looks where it is every TICK_MS.
 */
#define TICK_MS 100
#define STALL_TICKS 10  /* so often at the same place: hangs */
#define TOTAL_TICKS 200 /* so often at all: loops in corrupt memory */
#define LOCK_TRIES 100  /* milliseconds that a lock's holder has to leave */
#define HOLD_TRIES 1000 /* the same, before a fork */

static struct {
  bool on, broken;
  volatile sig_atomic_t inside;
  sigjmp_buf back;
  int32_t tid;
  int timer; /* kernel's id, -1 none */
  int ticks, stalled;
  uintptr_t pc, sp; /* at the last tick */
} guard;

static void on_guard_signal(int sig, siginfo_t *info, void *uc) {
  (void)info;
  if (sig == SIGALRM) {
    if (!guard.inside) return; /* the look-up has just ended */
    struct mwi_context c;
    mwi_context_from_signal(&c, uc);
    uintptr_t pc = c.reg[MWI_CTX_PC], sp = c.reg[MWI_CTX_SP];
    guard.stalled = pc == guard.pc && sp == guard.sp ? guard.stalled + 1 : 0;
    guard.pc = pc;
    guard.sp = sp;
    if (guard.stalled < STALL_TICKS && ++guard.ticks < TOTAL_TICKS) return;
  }
  if (guard.inside && mwi_os_tid() == guard.tid) {
    guard.inside = 0;
    siglongjmp(guard.back, 1);
  }
  signal(sig, SIG_DFL);
  mwi_os_signal_thread(mwi_os_tid(), sig);
}

static void guard_timer(bool run) {
  if (guard.timer < 0) return;
  struct timespec tick = {.tv_nsec = run ? TICK_MS * 1000000 : 0};
  struct itimerspec when = {.it_value = tick, .it_interval = tick};
  guard.ticks = guard.stalled = 0;
  syscall(SYS_timer_settime, guard.timer, 0, &when, NULL);
}

void mwi_symbol_last_words(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGALRM};
  guard.tid = mwi_os_tid();
  struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
  ev._sigev_un._tid = guard.tid;
  guard.timer = -1;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &guard.timer) != 0) guard.timer = -1;
  struct sigaction sa = {.sa_sigaction = on_guard_signal,
                         .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART};
  sigset_t open;
  sigemptyset(&open);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    sigaction(signals[i], &sa, NULL);
    sigaddset(&open, signals[i]);
  }
  pthread_sigmask(SIG_UNBLOCK, &open, NULL);
  guard.on = true;
}

static bool take_lock(void) {
  if (!guard.on) return pthread_mutex_lock(&lock) == 0;
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (pthread_mutex_trylock(&lock) == 0) return true;
    mwi_os_usleep(1000);
  }
  return false; /* its holder is stopped, or is this thread */
}

bool mwi_symbol_hold(void) {
  for (int i = 0; i < HOLD_TRIES; i++) {
    if (pthread_mutex_trylock(&lock) == 0) return true;
    mwi_os_usleep(1000);
  }
  return false; /* its holder may wait for what the forking thread has, the loader's lock */
}

void mwi_symbol_let_go(void) {
  pthread_mutex_unlock(&lock);
}

void mwi_symbol_forget(void) {
  guard.broken = true;
}

static void guarded_locked(struct answer *a, uintptr_t addr) {
  struct answer plain = *a;
  if (sigsetjmp(guard.back, 1) == 0) {
    guard.inside = 1;
    guard_timer(true);
    libdw_locked(a, addr);
  } else {
    guard.broken = true;
    *a = plain;
  }
  guard.inside = 0;
  guard_timer(false);
}

void mwi_symbolize(uintptr_t pc, void (*visit)(const struct mwi_frame *f, void *arg), void *arg) {
  struct answer a;
  uintptr_t addr = pc - 1;
  if (!exe_path[0]) { /* idempotent */
    ssize_t n = readlink("/proc/self/exe", exe_path, sizeof exe_path - 1);
    if (n > 0) exe_path[n] = 0;
  }
  bool locked = !guard.broken && take_lock();
  if (guard.on && !locked) guard.broken = true;
  if (locked && !guard.on) notice_dlopen_locked();
  if (!locked || !recall_locked(&a, pc)) {
    from_headers(&a, addr);
    if (locked && guard.on)
      guarded_locked(&a, addr);
    else if (locked)
      libdw_locked(&a, addr);
    if (locked && !guard.broken) remember_locked(&a, pc);
    if (locked || guard.on) from_elf(&a, addr);
  }
  for (int i = 0; i < a.n; i++) visit(&a.frame[i], arg);
  if (locked) pthread_mutex_unlock(&lock);
}
