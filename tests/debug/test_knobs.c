/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/test_knobs.c -- the environment, well-formed and not [KN1] [KN2]
 *
 * Over a fake environment; what goes to stderr is collected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "debug/knobs.h"

static const char *variable, *value;
static char said[8192];

static const char *get(void *ctx, const char *name) {
  (void)ctx;
  return variable && strcmp(name, variable) == 0 ? value : NULL;
}

static void complain(void *ctx, const char *line, size_t n) {
  (void)ctx;
  assert_int_equal(line[n - 1], '\n');
  assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
  strncat(said, line, n);
}

static struct mwi_knobs parse(const char *name, const char *v) {
  static const struct mwi_knobs_source src = {get, complain, NULL};
  struct mwi_knobs k;
  variable = name;
  value = v;
  said[0] = 0;
  mwi_knobs_parse(&k, &src);
  return k;
}

static void nothing_set_gives_defaults(void **state) {
  (void)state;
  struct mwi_knobs k = parse(NULL, NULL);
  assert_int_equal(k.gogc, 100);
  assert_int_equal(k.gomaxprocs, 0);
  assert_int_equal(k.traceback, MWI_TRACEBACK_SINGLE);
  assert_int_equal(
      k.gctrace | k.gcstoptheworld | k.gccheckmark | k.clobberfree | k.gcstress | k.foldstress, 0);
  assert_string_equal(said, "");
}

static void gogc_takes_a_number_or_off(void **state) {
  (void)state;
  assert_int_equal(parse("GOGC", "50").gogc, 50);
  assert_int_equal(parse("GOGC", "0").gogc, 0);
  assert_int_equal(parse("GOGC", "2147483647").gogc, 2147483647);
  assert_int_equal(parse("GOGC", "off").gogc, -1);
  assert_int_equal(parse("GOGC", "-5").gogc, -1);
  assert_int_equal(parse("GOGC", "+5").gogc, 5);
  assert_int_equal(parse("GOGC", "").gogc, 100);
  assert_string_equal(said, "");
}

static void bad_gogc_is_named_and_ignored(void **state) {
  (void)state;
  const char *bad[] = {"abc", "1e3", "50%", " 50", "2147483648", "99999999999999999999",
                       "-",   "OFF", "+"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(parse("GOGC", bad[i]).gogc, 100);
    assert_non_null(strstr(said, "GOGC=\""));
    assert_non_null(strstr(said, bad[i]));
  }
  parse("GOGC", "abc");
  assert_string_equal(said,
                      "mallow: GOGC=\"abc\": expected a number of percent or \"off\"; using 100\n");
}

static void gomemlimit_has_units(void **state) {
  (void)state;
  assert_true(parse(NULL, NULL).gomemlimit == INT64_MAX);
  assert_true(parse("GOMEMLIMIT", "off").gomemlimit == INT64_MAX);
  assert_true(parse("GOMEMLIMIT", "off").gomemlimit_given);
  assert_false(parse(NULL, NULL).gomemlimit_given);
  assert_true(parse("GOMEMLIMIT", "0").gomemlimit == 0);
  assert_true(parse("GOMEMLIMIT", "1000").gomemlimit == 1000);
  assert_true(parse("GOMEMLIMIT", "+10MiB").gomemlimit == 10 << 20);
  assert_true(parse("GOMEMLIMIT", "3B").gomemlimit == 3);
  assert_true(parse("GOMEMLIMIT", "3KiB").gomemlimit == 3 << 10);
  assert_true(parse("GOMEMLIMIT", "256MiB").gomemlimit == 256 << 20);
  assert_true(parse("GOMEMLIMIT", "4GiB").gomemlimit == (int64_t)4 << 30);
  assert_true(parse("GOMEMLIMIT", "2TiB").gomemlimit == (int64_t)2 << 40);
  assert_true(parse("GOMEMLIMIT", "9223372036854775807").gomemlimit == INT64_MAX);
  assert_string_equal(said, "");
  const char *bad[] = {"-1",         "1MB",
                       "MiB",        "1 MiB",
                       "1.5GiB",     "9223372036854775808",
                       "8388608TiB", "99999999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_true(parse("GOMEMLIMIT", bad[i]).gomemlimit == INT64_MAX);
    assert_non_null(strstr(said, "GOMEMLIMIT=\""));
  }
}

static void gomaxprocs_has_bounds(void **state) {
  (void)state;
  assert_int_equal(parse("GOMAXPROCS", "1").gomaxprocs, 1);
  assert_int_equal(parse("GOMAXPROCS", "1024").gomaxprocs, 1024);
  assert_string_equal(said, "");
  const char *bad[] = {"0", "-1", "1025", "two", "4 "};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(parse("GOMAXPROCS", bad[i]).gomaxprocs, 0);
    assert_non_null(strstr(said, "GOMAXPROCS="));
  }
}

static void gotraceback_has_words_and_numbers(void **state) {
  (void)state;
  assert_int_equal(parse("GOTRACEBACK", "none").traceback, MWI_TRACEBACK_NONE);
  assert_int_equal(parse("GOTRACEBACK", "0").traceback, MWI_TRACEBACK_NONE);
  assert_int_equal(parse("GOTRACEBACK", "single").traceback, MWI_TRACEBACK_SINGLE);
  assert_int_equal(parse("GOTRACEBACK", "all").traceback, MWI_TRACEBACK_ALL);
  assert_int_equal(parse("GOTRACEBACK", "1").traceback, MWI_TRACEBACK_ALL);
  assert_int_equal(parse("GOTRACEBACK", "system").traceback, MWI_TRACEBACK_SYSTEM);
  assert_int_equal(parse("GOTRACEBACK", "crash").traceback, MWI_TRACEBACK_CRASH);
  assert_string_equal(said, "");
  assert_int_equal(parse("GOTRACEBACK", "loud").traceback, MWI_TRACEBACK_SINGLE);
  assert_non_null(strstr(said, "GOTRACEBACK=\"loud\""));
}

static void godebug_is_a_list(void **state) {
  (void)state;
  struct mwi_knobs k = parse("GODEBUG", "gctrace=1,gcstress=1000,,clobberfree=1,");
  assert_int_equal(k.gctrace, 1);
  assert_int_equal(k.gcstress, 1000);
  assert_int_equal(k.clobberfree, 1);
  assert_int_equal(k.gccheckmark, 0);
  assert_string_equal(said, "");
  k = parse("GODEBUG", "gcstoptheworld=2,gccheckmark=1,gctrace=1,gctrace=0");
  assert_int_equal(k.gcstoptheworld, 2);
  assert_int_equal(k.gccheckmark, 1);
  assert_int_equal(k.gctrace, 0); /* the last one counts, as in Go */
}

static void names_of_go_pass_in_silence(void **state) {
  (void)state;
  struct mwi_knobs k = parse("GODEBUG", "http2client=0,gctrace=1,asyncpreemptoff=1");
  assert_int_equal(k.gctrace, 1);
  assert_string_equal(said, "");
}

static void one_bad_item_spoils_only_itself(void **state) {
  (void)state;
  struct mwi_knobs k = parse("GODEBUG", "gctrace=yes,clobberfree=1,gcstress,gccheckmark=7");
  assert_int_equal(k.gctrace, 0);
  assert_int_equal(k.clobberfree, 1);
  assert_int_equal(k.gccheckmark, 0);
  assert_non_null(strstr(said, "\"gctrace=yes\": expected gctrace=0, 1 or 2; ignored\n"));
  assert_non_null(strstr(said, "\"gcstress\": expected name=value; ignored\n"));
  assert_non_null(strstr(said, "\"gccheckmark=7\": expected gccheckmark=0 or 1; ignored\n"));
}

static void odd_bytes_stay_on_one_line(void **state) {
  (void)state;
  parse("GOGC", "a\nb\x1b[31m\"\\");
  assert_non_null(strstr(said, "GOGC=\"a\\x0ab\\x1b[31m\\\"\\\\\""));
  char longer[6000];
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = 0;
  assert_int_equal(parse("GOGC", longer).gogc, 100);
  assert_int_equal(parse("GODEBUG", longer).gctrace, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_set_gives_defaults),
      cmocka_unit_test(gogc_takes_a_number_or_off),
      cmocka_unit_test(bad_gogc_is_named_and_ignored),
      cmocka_unit_test(gomemlimit_has_units),
      cmocka_unit_test(gomaxprocs_has_bounds),
      cmocka_unit_test(gotraceback_has_words_and_numbers),
      cmocka_unit_test(godebug_is_a_list),
      cmocka_unit_test(names_of_go_pass_in_silence),
      cmocka_unit_test(one_bad_item_spoils_only_itself),
      cmocka_unit_test(odd_bytes_stay_on_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
