/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/gcmalloc_pieces.c -- with -fgc-malloc, pointers overwritten and copied in pieces [G1]
 *
 * By loops of the program's own over char, short and long, which are no memset and no memcpy, and
 * by libc's functions for text.  Each way is given chains of objects that only the piecewise
 * store's old value, or its new one, leads to; with gcstress a collection is under way at most
 * times, and with clobberfree an object that it lost says so at once.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
enum { CHAINS = 400, ROUNDS = 12, MAGIC = 0x600d };

struct node {
  struct node *next;
  long magic;
  char *text;
  long pad[3];
};

static int lost;

/* n and the one behind it are as they were made. */
static bool check(const struct node *n, const char *way) {
  for (int i = 0; i < 2; i++, n = n->next) {
    if (n && n->magic == MAGIC && strcmp(n->text, "text") == 0) continue;
    lost++;
    printf("%s: an object was lost\n", way);
    return false;
  }
  return true;
}

static NOINLINE struct node *new_node(struct node *next) {
  struct node *n = malloc(sizeof *n);
  n->next = next;
  n->magic = MAGIC;
  n->text = strdup("text");
  return n;
}

/* ---- Ways to overwrite ------------------------------------------------------------ */

static NOINLINE void by_bytes(void *p, size_t n) {
  for (unsigned char *c = p; n; n--) *c++ = 0xdf;
}
static NOINLINE void by_volatile_bytes(void *p, size_t n) {
  for (volatile char *c = p; n; n--) *c++ = 0;
}
static NOINLINE void by_bytes_backwards(void *p, size_t n) {
  for (char *c = p; n; n--) c[n - 1] = (char)n;
}
static NOINLINE void by_longs(void *p, size_t n) {
  for (unsigned long *c = p; n >= sizeof *c; n -= sizeof *c) *c++ = n;
}
static NOINLINE void eight_bytes(void *p, size_t n) {
  char *c = p;
  c[0] = c[3] = c[5] = (char)n;
  c[1] = c[2] = c[4] = 1;
  c[6] = c[7] = 2;
}
static NOINLINE void by_strcpy(void *p, size_t n) {
  (void)n;
  strcpy(p, "longer than a pointer");
}
static NOINLINE void by_sprintf(void *p, size_t n) {
  snprintf(p, n, "%d %d %d", 123456, 654321, 100000);
}
static NOINLINE void by_literal(void *p, size_t n) {
  (void)n;
  memcpy(p, "sixteen bytes...", 16);
}
static int zeros;
static NOINLINE void by_read(void *p, size_t n) {
  if (read(zeros, p, n) != (ssize_t)n) exit(2);
}
static NOINLINE void in_parts(void *p, size_t n) {
  memset(p, 0, 4);
  memset((char *)p + 4, (int)n, 4);
}

static const struct {
  const char *name;
  void (*wipe)(void *, size_t);
} wipes[] = {
    {"bytes", by_bytes},
    {"volatile bytes", by_volatile_bytes},
    {"bytes backwards", by_bytes_backwards},
    {"longs", by_longs},
    {"eight bytes", eight_bytes},
    {"strcpy", by_strcpy},
    {"snprintf", by_sprintf},
    {"a literal", by_literal},
    {"read", by_read},
    {"memset in parts", in_parts},
};

/* ---- Ways to copy ------------------------------------------------------------------- */

static NOINLINE void copy_bytes(void *to, const void *from) {
  char *d = to;
  const char *s = from;
  for (size_t n = sizeof(void *); n; n--) *d++ = *s++;
}
static NOINLINE void copy_longs(void *to, const void *from) {
  long *d = to;
  const long *s = from;
  for (volatile size_t n = 1; n; n--) *d++ = *s++;
}
static NOINLINE void copy_shorts(void *to, const void *from) {
  typedef unsigned short __attribute__((may_alias)) half;
  half *d = to;
  const half *s = from;
  for (volatile int i = 0; i < 4; i++) d[i] = s[i];
}
static NOINLINE void copy_parts(void *to, const void *from) {
  memcpy(to, from, 3);
  memcpy((char *)to + 3, (const char *)from + 3, 5);
}
static NOINLINE void copy_numbers(void *to, const void *from) {
  unsigned long word = (unsigned long)*(void *const *)from;
  for (int i = 0; i < 8; i++) ((unsigned char *)to)[i] = (unsigned char)(word >> (8 * i));
}
static NOINLINE void copy_odd(void *to, const void *from) { /* from where nothing is seen */
  char odd[24];
  char *volatile at = odd + 3;
  memcpy(at, from, 8);
  memcpy(to, at, 8);
  memset(odd, 0, sizeof odd);
}

static const struct {
  const char *name;
  void (*copy)(void *, const void *);
} copies[] = {
    {"copied bytes", copy_bytes},     {"copied longs", copy_longs},
    {"copied shorts", copy_shorts},   {"copied parts", copy_parts},
    {"copied numbers", copy_numbers}, {"copied from an odd address", copy_odd},
};

static NOINLINE void swap_bytes(void *a, void *b) {
  char *x = a, *y = b;
  for (size_t n = sizeof(void *); n; n--) {
    char t = *x;
    *x++ = *y;
    *y++ = t;
  }
}

static struct node **chains;

/* What follows the first of a chain is on this stack alone, once that is wiped. */
static NOINLINE void pop_all(int way) {
  for (int i = 0; i < CHAINS; i++) {
    struct node *first = chains[i], *next = first->next;
    wipes[way].wipe(first, sizeof *first);
    for (int k = 0; k < 3; k++) free(malloc(48));
    check(next, wipes[way].name);
  }
}

/* The rest of a chain goes to where a scan has been already. */
static NOINLINE void move_all(int way) {
  for (int i = 0; i < CHAINS; i++) {
    struct node *rest = chains[i]->next;
    chains[i]->next = NULL;
    struct node *holder = new_node(NULL);
    copies[way].copy(&holder->next, &rest);
    rest = NULL;
    for (int k = 0; k < 3; k++) free(malloc(48));
    bool good = check(holder->next, copies[way].name);
    chains[i]->next = good ? holder->next : new_node(new_node(NULL));
  }
}

static NOINLINE void swap_all(void) {
  for (int i = 0; i + 1 < CHAINS; i++) {
    swap_bytes(&chains[i], &chains[CHAINS - 1 - i]);
    free(malloc(48));
  }
  for (int i = 0; i < CHAINS; i++) check(chains[i], "swapped");
}

static void fill(void) {
  chains = malloc(CHAINS * sizeof *chains);
  for (int i = 0; i < CHAINS; i++) chains[i] = new_node(new_node(new_node(NULL)));
}

int main(void) {
  FILE *f = fopen("/dev/zero", "r");
  if (!f) return 2;
  zeros = fileno(f);
  for (int r = 0; r < ROUNDS; r++) {
    for (size_t w = 0; w < sizeof wipes / sizeof wipes[0]; w++) {
      fill();
      pop_all((int)w);
    }
    fill();
    for (size_t w = 0; w < sizeof copies / sizeof copies[0]; w++) move_all((int)w);
    swap_all();
  }
  printf("%d lost\n", lost);
  return lost != 0;
}
