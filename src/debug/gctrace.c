/* SPDX-License-Identifier: MIT */
/*
 * debug/gctrace.c -- GODEBUG=gctrace=1, field for field Go's line
 *
 *   gc 4 @0.031s 2%: 0.021+1.3+0.004 ms clock, 0.042+0.28/1.1/0+0.009 ms cpu,
 *   4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)      (one line)
 *
 * Job      A pure function from a record to that text, and its one write(2).
 * Promise  Tools that parse Go's lines parse these: same fields, same
 *          separators, same rounding (down).  tests/debug/gctrace_grammar.sh
 *          holds one grammar against both.
 * Numbers  Times are milliseconds: from 10 ms on without decimals; below with
 *          two significant digits and at most three decimals, cut, not
 *          rounded, and "0" below a microsecond.  MB is 2^20 bytes, rounded down.
 */
#include "debug/gctrace.h"

/* value / 10^decimals, with all decimals and at least one digit before the point. */
static void fixed(struct mwi_line *l, uint64_t value, unsigned decimals) {
  uint64_t unit = 1;
  for (unsigned i = 0; i < decimals; i++) unit *= 10;
  mwi_line_udec(l, value / unit);
  if (!decimals) return;
  mwi_line_str(l, ".");
  for (uint64_t rest = value % unit; unit > 1; rest %= unit) {
    unit /= 10;
    mwi_line_udec(l, rest / unit);
  }
}

static void ms(struct mwi_line *l, int64_t ns) {
  uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
  if (us >= 10000) {
    fixed(l, us / 1000, 0);
  } else if (us == 0) {
    mwi_line_str(l, "0");
  } else {
    unsigned decimals = 3;
    for (; us >= 100; us /= 10) decimals--; /* two digits are left */
    fixed(l, us, decimals);
  }
}

static void mb(struct mwi_line *l, uint64_t bytes) {
  mwi_line_udec(l, bytes >> 20);
}

void mwi_gctrace_format(struct mwi_line *l, const struct mwi_gctrace_record *r) {
  mwi_line_str(l, "gc ");
  mwi_line_udec(l, r->cycle);
  mwi_line_str(l, " @");
  fixed(l, r->start_ns > 0 ? (uint64_t)r->start_ns / 1000000 : 0, 3);
  mwi_line_str(l, "s ");
  mwi_line_udec(l, (uint64_t)(r->cpu * 100));
  mwi_line_str(l, "%: ");
  ms(l, r->sweep_term_ns);
  mwi_line_str(l, "+");
  ms(l, r->mark_ns);
  mwi_line_str(l, "+");
  ms(l, r->mark_term_ns);
  mwi_line_str(l, " ms clock, ");
  ms(l, r->cpu_sweep_term_ns);
  mwi_line_str(l, "+");
  ms(l, r->cpu_assist_ns);
  mwi_line_str(l, "/");
  ms(l, r->cpu_background_ns);
  mwi_line_str(l, "/");
  ms(l, r->cpu_idle_ns);
  mwi_line_str(l, "+");
  ms(l, r->cpu_mark_term_ns);
  mwi_line_str(l, " ms cpu, ");
  mb(l, r->heap_start);
  mwi_line_str(l, "->");
  mb(l, r->heap_end);
  mwi_line_str(l, "->");
  mb(l, r->heap_marked);
  mwi_line_str(l, " MB, ");
  mb(l, r->heap_goal);
  mwi_line_str(l, " MB goal, ");
  mb(l, r->stack_bytes);
  mwi_line_str(l, " MB stacks, ");
  mb(l, r->global_bytes);
  mwi_line_str(l, " MB globals, ");
  mwi_line_udec(l, r->procs);
  mwi_line_str(l, " P");
  if (r->forced) mwi_line_str(l, " (forced)");
}

void mwi_gctrace_print(const struct mwi_gctrace_record *r) {
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_gctrace_format(&l, r);
  mwi_line_end(&l, 2);
}
