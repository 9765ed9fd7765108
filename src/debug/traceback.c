/* SPDX-License-Identifier: MIT */
/*
 * debug/traceback.c -- stacks of goroutines, taken and printed; see debug/traceback.h
 *
 * Format   Go's, so that tools which read Go's traces read these:
 *
 *            goroutine 7 [chan receive]:
 *            worker(...)
 *                    /path/file.c:42 +0x1d
 *            created by main in goroutine 1
 *                    /path/file.c:60 +0x52
 *
 *          Arguments are always `...`: C keeps no record of where they are.
 *          An inlined call has a line of its own, without the offset.  A
 *          function without debug information has its module's path instead
 *          of file and line.
 */
#include "debug/traceback.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "debug/line.h"
#include "debug/symbol.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/stack.h"

/* ---- Taking ------------------------------------------------------------------ */

#define WALK_MAX 100000000 /* a 1 GB stack of the smallest frames; only a loop has more */

static void take_pc(struct mwi_trace *t, uintptr_t pc) {
  uint64_t i = t->total++;
  if (i >= MWI_TRACE_MAX) i = MWI_TRACE_INNER + (i - MWI_TRACE_INNER) % MWI_TRACE_OUTER;
  t->pc[i] = pc;
}

void mwi_trace_take(struct mwi_trace *t, struct mwi_unwind *u, bool system) {
  t->total = 0;
  for (uint64_t n = 0; n < WALK_MAX; n++) {
    uintptr_t pc = mwi_unwind_pc(u);
    if (system || mwi_text_of(pc - 1) != MWI_TEXT_RUNTIME) take_pc(t, pc);
    if (!mwi_unwind_step(u)) break;
  }
}

size_t mwi_trace_len(const struct mwi_trace *t) {
  return t->total < MWI_TRACE_MAX ? (size_t)t->total : MWI_TRACE_MAX;
}

uintptr_t mwi_trace_pc(const struct mwi_trace *t, size_t i) {
  if (t->total <= MWI_TRACE_MAX || i < MWI_TRACE_INNER) return t->pc[i];
  uint64_t first = t->total - MWI_TRACE_OUTER; /* the ring's oldest */
  uint64_t k = first + (i - MWI_TRACE_INNER) - MWI_TRACE_INNER;
  return t->pc[MWI_TRACE_INNER + k % MWI_TRACE_OUTER];
}

void mwi_unwind_saved(struct mwi_unwind *u, uintptr_t sp, size_t pad, uintptr_t hi, uintptr_t at) {
  static const uint8_t order[] = {15, 14, 13, 12, MWI_CTX_BX, MWI_CTX_BP, MWI_CTX_PC};
  _Static_assert(MWI_SWITCH_FRAME == sizeof order * 8, "sched/switch.h");
  struct mwi_context c = {.known = 1u << MWI_CTX_SP};
  sp += pad;
  mwi_unwind_init(u, &c, false);
  mwi_unwind_allow_moved(u, sp, hi, at + pad);
  for (size_t i = 0; i < sizeof order; i++)
    if (mwi_unwind_load(u, sp + i * 8, &u->ctx.reg[order[i]])) u->ctx.known |= 1u << order[i];
  u->ctx.reg[MWI_CTX_SP] = sp + MWI_SWITCH_FRAME;
}

/* The mapping that addr is in, from fd, which is /proc/self/maps, without stdio. */
static bool mapping_in(int fd, uintptr_t addr, uintptr_t *lo, uintptr_t *hi) {
  char buf[1024];
  ssize_t n;
  uintptr_t bound[2] = {0, 0};
  int field = 0; /* 0: start, 1: end, 2: permissions, 3: rest of the line */
  bool found = false;
  while (!found && (n = read(fd, buf, sizeof buf)) > 0)
    for (ssize_t i = 0; i < n && !found; i++) {
      char c = buf[i];
      if (c == '\n') {
        field = 0;
        bound[0] = bound[1] = 0;
      } else if (field < 2) {
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
        if (digit < 16)
          bound[field] = bound[field] << 4 | digit;
        else
          field++;
      } else if (field == 2) { /* the first of rwxp */
        found = c == 'r' && addr >= bound[0] && addr < bound[1];
        field = 3;
      }
    }
  *lo = bound[0];
  *hi = bound[1];
  return found;
}

/* The initial thread's samples come here, overflows, and stacks of the program's own making. */
static bool mapping_of(uintptr_t addr, uintptr_t *lo, uintptr_t *hi) {
  int cancel = mwi_os_cancel_off();
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  bool found = fd >= 0 && mapping_in(fd, addr, lo, hi);
  if (fd >= 0) close(fd);
  mwi_os_cancel_back(cancel);
  return found;
}

void mwi_unwind_allow_current(struct mwi_unwind *u) {
  uintptr_t sp = u->ctx.reg[MWI_CTX_SP];
  struct mwi_tcb *tcb = mwi_tcb();
  struct mwi_g *g = tcb->g;
  bool covered = false;
  if (g && !g->foreign) {
    mwi_unwind_allow(u, g->stack.lo, g->stack.hi);
    covered = sp >= g->stack.lo - MWI_STACK_TINY / 4 && sp < g->stack.hi; /* the guard: overflow */
  }
  stack_t ss;
  if (sigaltstack(NULL, &ss) == 0 && !(ss.ss_flags & SS_DISABLE)) {
    uintptr_t lo = (uintptr_t)ss.ss_sp, hi = lo + ss.ss_size;
    mwi_unwind_allow(u, lo, hi);
    covered |= sp >= lo && sp < hi;
  }
  if (covered) return;
  struct mwi_m *m = tcb->m;
  uintptr_t lo, hi;
  if (m && m->stack_lo && sp >= m->stack_lo && sp < m->stack_hi)
    mwi_unwind_allow(u, sp, m->stack_hi); /* ten thousand threads have as many mappings */
  else if (mapping_of(sp, &lo, &hi) ||
           mapping_of(mwi_align_up(sp + 1, 4096), &lo, &hi)) /* an overflow's is in the guard */
    mwi_unwind_allow(u, lo, hi);
}

/* ---- Printing ------------------------------------------------------------------ */

/* Functions that call main or a thread's function: below what users wrote. */
static bool is_start_code(const char *f) {
  static const char *const names[] = {
      "_start",
      "__libc_start_call_main",
      "__libc_start_main_impl",
      "start_thread",
      "clone",
      "__clone",
      "clone3",
      "__clone3",
      "mw_user_main_adapter", /* plugin/usermain.c */
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(f, names[i]) == 0) return true;
  return strncmp(f, "__libc_start_main", 17) == 0;
}

const char *mwi_frame_shown(const struct mwi_frame *f) {
  if (!f->function) return "??";
  if (is_start_code(f->function)) return NULL;
  return strcmp(f->function, "mw_user_main") == 0 ? "main" : f->function; /* plugin/usermain.c */
}

struct print {
  int fd;
  bool system;
  bool once; /* only the innermost frame */
  uintptr_t pc;
  const char *prefix;
  uint64_t creator; /* goroutine's number, 0: do not print */
};

static void print_frame(const struct mwi_frame *f, void *arg) {
  struct print *p = arg;
  struct mwi_line l;
  mwi_line_init(&l);
  const char *name = mwi_frame_shown(f);
  if (!name && !p->system) return;
  if (!name) name = f->function;
  if (p->once && !p->prefix) return;
  if (p->prefix) mwi_line_str(&l, p->prefix);
  mwi_line_str(&l, name);
  if (p->once) {
    p->prefix = NULL;
    if (p->creator) {
      mwi_line_str(&l, " in goroutine ");
      mwi_line_udec(&l, p->creator);
    }
  } else {
    mwi_line_str(&l, "(...)");
  }
  mwi_line_end(&l, p->fd);
  mwi_line_str(&l, "\t");
  if (f->file) {
    mwi_line_str(&l, f->file);
    mwi_line_str(&l, ":");
    mwi_line_dec(&l, f->line);
  } else {
    mwi_line_str(&l, f->module ? f->module : "??");
  }
  if (!f->inlined) {
    mwi_line_str(&l, " +");
    mwi_line_hex(&l, f->offset);
    if (p->system) {
      mwi_line_str(&l, " pc=");
      mwi_line_hex(&l, p->pc);
    }
  }
  mwi_line_end(&l, p->fd);
}

void mwi_trace_print(int fd, const struct mwi_trace *t, bool system) {
  struct print p = {.fd = fd, .system = system};
  size_t n = mwi_trace_len(t);
  for (size_t i = 0; i < n; i++) {
    if (t->total > MWI_TRACE_MAX && i == MWI_TRACE_INNER) {
      struct mwi_line l;
      mwi_line_init(&l);
      mwi_line_str(&l, "...");
      mwi_line_udec(&l, t->total - MWI_TRACE_MAX);
      mwi_line_str(&l, " frames elided...");
      mwi_line_end(&l, fd);
    }
    p.pc = mwi_trace_pc(t, i);
    mwi_symbolize(p.pc, print_frame, &p);
  }
}

void mwi_gtrace_describe(struct mwi_gtrace *t, struct mwi_g *g, int64_t now) {
  uint32_t status =
      mwi_load_acquire(&g->status) & ~(uint32_t)MWI_G_SCAN; /* pairs with its release */
  enum mwi_wait why = g->wait_reason;
  int64_t since = g->wait_since;
  *t = (struct mwi_gtrace){.id = g->id,
                           .locked = g->locked && !g->foreign,
                           .creator_id = g->creator_id,
                           .creator_pc = g->creator_pc,
                           .g = g,
                           .m = g->m ? g->m->id : 0};
  switch (status) {
  case MWI_G_RUNNABLE:
    t->state = "runnable";
    break;
  case MWI_G_RUNNING:
    t->state = g->m && mwi_m_in_syscall(g->m) ? "syscall" : "running";
    break;
  case MWI_G_WAITING:
    t->state = why > MWI_WAIT_NONE && why < MWI_NWAITS ? mwi_wait_names[why] : "waiting";
    if (since > 0 && now > since) t->wait_minutes = (now - since) / 60000000000;
    break;
  default:
    t->state = "dead";
    break;
  }
}

void mwi_gtrace_print(int fd, const struct mwi_gtrace *t, bool system) {
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_line_str(&l, "goroutine ");
  mwi_line_udec(&l, t->id);
  if (system) {
    mwi_line_str(&l, " g=");
    mwi_line_hex(&l, (uintptr_t)t->g);
    mwi_line_str(&l, " m=");
    if (t->m)
      mwi_line_udec(&l, t->m);
    else
      mwi_line_str(&l, "nil");
  }
  mwi_line_str(&l, " [");
  mwi_line_str(&l, t->state);
  if (t->wait_minutes > 0) {
    mwi_line_str(&l, ", ");
    mwi_line_dec(&l, t->wait_minutes);
    mwi_line_str(&l, " minutes");
  }
  if (t->locked) mwi_line_str(&l, ", locked to thread");
  mwi_line_str(&l, "]:");
  mwi_line_end(&l, fd);
  if (t->unavailable) {
    mwi_line_str(&l, "\tgoroutine running on other thread; stack unavailable");
    mwi_line_end(&l, fd);
  } else {
    mwi_trace_print(fd, &t->trace, system);
  }
  if (!t->creator_pc) return;
  struct print p = {.fd = fd,
                    .system = system,
                    .once = true,
                    .pc = t->creator_pc,
                    .prefix = "created by ",
                    .creator = t->creator_id};
  mwi_symbolize(t->creator_pc, print_frame, &p);
}
