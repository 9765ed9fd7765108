/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/test_gctrace.c -- the line is Go's, field for field
 *
 * The expected texts were worked out by hand from the rules that Go documents
 * (package runtime) and were compared with what Go 1.26 prints for the same
 * durations.  gctrace_grammar.sh holds real lines of both against one grammar.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "debug/gctrace.h"

static const char *format(const struct mwi_gctrace_record *r) {
  static struct mwi_line l;
  mwi_line_init(&l);
  mwi_gctrace_format(&l, r);
  l.buf[l.len] = 0;
  return l.buf;
}

static void a_whole_line(void **state) {
  (void)state;
  struct mwi_gctrace_record r = {
      .cycle = 4,
      .start_ns = 31999999,
      .cpu = 0.0299,
      .sweep_term_ns = 21999,
      .mark_ns = 1399999,
      .mark_term_ns = 4000,
      .cpu_sweep_term_ns = 42000,
      .cpu_assist_ns = 280999,
      .cpu_background_ns = 1100000,
      .cpu_idle_ns = 0,
      .cpu_mark_term_ns = 9000,
      .heap_start = 4 << 20,
      .heap_end = (5 << 20) - 1,
      .heap_marked = (1 << 20) + 1,
      .heap_goal = 4 << 20,
      .procs = 2,
      .forced = true,
  };
  assert_string_equal(format(&r),
                      "gc 4 @0.031s 2%: 0.021+1.3+0.004 ms clock, 0.042+0.28/1.1/0+0.009 ms cpu, "
                      "4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)");
  r.forced = false;
  r.start_ns = 3723004000000; /* an hour and something */
  r.stack_bytes = 3 << 20;
  r.global_bytes = 17 << 20;
  r.mark_ns = 123456789;
  r.cpu = 1;
  assert_string_equal(format(&r),
                      "gc 4 @3723.004s 100%: 0.021+123+0.004 ms clock, 0.042+0.28/1.1/0+0.009 ms "
                      "cpu, 4->4->1 MB, 4 MB goal, 3 MB stacks, 17 MB globals, 2 P");
}

static void times_are_cut_to_two_digits(void **state) {
  (void)state;
  static const struct {
    int64_t ns;
    const char *text;
  } cases[] = {
      {-5, "0"},        {0, "0"},         {999, "0"},         {1000, "0.001"},
      {9999, "0.009"},  {10000, "0.010"}, {99999, "0.099"},   {100000, "0.10"},
      {123456, "0.12"}, {999999, "0.99"}, {1000000, "1.0"},   {9999999, "9.9"},
      {10000000, "10"}, {10999999, "10"}, {123456789, "123"}, {60000000000, "60000"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct mwi_gctrace_record r = {.cycle = 1, .mark_ns = cases[i].ns, .procs = 1};
    char expected[64] = "@0.000s 0%: 0+";
    strcat(strcat(expected, cases[i].text), "+0 ms clock");
    if (!strstr(format(&r), expected)) fail_msg("%s is not in: %s", expected, format(&r));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_line),
      cmocka_unit_test(times_are_cut_to_two_digits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
