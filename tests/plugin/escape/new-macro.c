// SPDX-License-Identifier: MIT
// What a macro makes is named by its type, as the source writes it; two of one macro are two.
#include <mallow.h>
#define NEW(T) mw_new(T)
#define MAKE(T, n) mw_make(T, (n))
#define FLEX(T, n) mw_new_flex(T, data, n)
#define NODE struct node
#define PAIR(A, B) (mw_global = mw_new(A), mw_read(mw_new(B)))
struct node {
  struct node *next;
  int v;
};
typedef unsigned short count_t;
typedef struct {
  int a, b;
} pair;
union number {
  int i;
  double d;
};
enum color { RED };
struct packet {
  int n;
  char data[];
};
typedef int (*handler)(void *, int);
void *volatile mw_global;
static int mw_read(void *p) {
  return *(char *)p;
}
static inline int *box(int n) {
  int *p = NEW(int);
  *p = n;
  return p;
}
int f(int n) {
  mw_global = NEW(int);
  mw_global = NEW(count_t);
  mw_global = NEW(pair);
  mw_global = NEW(struct node);
  mw_global = NEW(NODE);
  mw_global = mw_new(NODE);
  mw_global = NEW(union number);
  mw_global = NEW(enum color);
  mw_global = NEW(int *);
  mw_global = NEW(const char *);
  mw_global = NEW(char[16]);
  mw_global = NEW(int[2][3]);
  mw_global = NEW(handler);
  mw_global = NEW(int (*)(void));
  mw_global = NEW(int (*)[4]);
  mw_global = NEW(_Atomic int);
  mw_global = NEW(volatile int);
  mw_global = NEW(_Complex double);
  mw_global = NEW(char *const *);
  mw_global = NEW(__typeof__(n));
  mw_global = MAKE(int, n);
  mw_global = MAKE(count_t, 10);
  mw_global = FLEX(struct packet, n);
  int a = *NEW(count_t);
  int b = PAIR(long, count_t);
  mw_global = box(1);
  return a + b + *box(2);
}
// CHECK: {{^}}{{.*}}new-macro.c:28:26: p does not escape{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:32:12: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:37:15: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:38:15: mw_new(count_t) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:39:15: mw_new(pair) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:40:15: mw_new(struct node) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:41:15: mw_new(struct node) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:42:15: mw_new(NODE) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:43:15: mw_new(union number) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:44:15: mw_new(enum color) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:45:15: mw_new(int *) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:46:15: mw_new(const char *) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:47:15: mw_new(char[16]) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:48:15: mw_new(int[2][3]) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:49:15: mw_new(handler) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:50:15: mw_new(int (*)(void)) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:51:15: mw_new(int (*)[4]) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:52:15: mw_new(_Atomic(int)) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:53:15: mw_new(volatile int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:54:15: mw_new(_Complex double) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:55:15: mw_new(char *const *) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:56:15: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:57:15: mw_make(int, ...) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:58:15: mw_make(count_t, 10) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:59:15: mw_new_flex(struct packet, ...) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:60:12: mw_new(count_t) does not escape{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:61:11: mw_new(count_t) does not escape{{$}}
// CHECK: {{^}}{{.*}}new-macro.c:61:11: mw_new(long) escapes to heap{{$}}
