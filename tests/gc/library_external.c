/* SPDX-License-Identifier: MIT */
/* tests/gc/library_external.c -- external code that the library of library_comes_and_goes.c calls
 */
void library_external(void *p);
void library_external(void *p) {
  *(char volatile *)p = *(char volatile *)p;
}
