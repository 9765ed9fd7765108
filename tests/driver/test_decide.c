/* SPDX-License-Identifier: MIT */
/*
 * tests/driver/test_decide.c -- the check of what the linking has decided sees each half of it
 * [DP1]
 *
 * Over records as the plugin writes them, of functions none of which is really there.
 */
#include "decide.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

bool renames_any(const struct renames *r) {
  (void)r;
  return false;
}

static struct section section(const char *text) {
  return (struct section){text, strlen(text)};
}

/* Three functions of one parameter; `outer` gives its own to the two others. */
static struct image image;
static struct program program;
static struct param *of(const char *name) {
  struct function *f = find(&program, name, strlen(name));
  assert_non_null(f);
  return f->p;
}
static int solved(const char *summaries, const char *given) {
  static const char names[] = "\0inner\0outer\0third";
  static const Elf64_Sym symbols[] = {
      {.st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1},
      {.st_name = 7, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1},
      {.st_name = 13, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1}};
  image = (struct image){.summaries = section(summaries),
                         .given = section(given),
                         .symbols = {(const char *)symbols, sizeof symbols},
                         .strings = {names, sizeof names}};
  program = (struct program){.im = &image};
  assert_true(read_functions(&program) && read_symbols(&program) && read_givens(&program));
  solve(&program);
  return holds(&program);
}
static int fini(void **state) {
  (void)state;
  for (size_t i = 0; i < program.nfns; i++) free(program.fns[i].p);
  free(program.fns);
  free(program.givens);
  return 0;
}

/* `inner` keeps its argument: so does who hands it on. */
static void more_leaks(void **state) {
  (void)state;
  assert_true(solved("inner 0,-\nouter -,-\nthird -,-\n", "outer 0 - 1 inner 0 0\n"));
  assert_int_equal(of("outer")->heap, 1);
  of("outer")->heap = 2;
  assert_false(holds(&program));
  of("outer")->heap = -1;
  assert_false(holds(&program));
  of("outer")->heap = 0; /* more than was asked for */
  assert_true(holds(&program));
}

/* `inner` stores its argument's address in what that points to. */
static void more_holds_itself(void **state) {
  (void)state;
  assert_true(solved("inner -,-,0\nouter -,-\nthird -,-\n", "outer 0 - 1 inner 0 0\n"));
  assert_int_equal(of("outer")->own, 1);
  of("outer")->own = 2;
  assert_false(holds(&program));
  of("outer")->own = -1;
  assert_false(holds(&program));
}

/* And `third` keeps what it holds: with that its address is kept. */
static void what_holds_itself_leaks_with_its_content(void **state) {
  (void)state;
  assert_true(solved("inner -,-,0\nouter -,-\nthird 2,-\n",
                     "outer 0 - 0 inner 0 0\nouter 0 - 2 third 0 1\n"));
  assert_int_equal(of("outer")->own, 0);
  assert_int_equal(of("outer")->heap, 0);
  of("outer")->heap = 2; /* as it follows from `third` alone */
  assert_false(holds(&program));
  of("outer")->heap = 0;
  of("outer")->result = 1; /* returned, and so is its address */
  assert_false(holds(&program));
  of("outer")->result = 0;
  assert_true(holds(&program));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(more_leaks, fini),
      cmocka_unit_test_teardown(more_holds_itself, fini),
      cmocka_unit_test_teardown(what_holds_itself_leaks_with_its_content, fini),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
