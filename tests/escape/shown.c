/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/shown.c -- moved variables in code as people write it
 *
 * gdb_turns.sh compares what gdb shows at each call of stop() with the same program at -O0,
 * and counts the <optimized out> against plain clang's, where these variables stay on the
 * stack.  So nothing here reads a variable through its address after its frame is gone: what
 * outlives a function is only looked at while it runs.
 */
#define NOINLINE __attribute__((noinline))
struct node {
  struct node *next;
  int key;
};
struct span {
  const char *from;
  int length;
  int kind;
};
struct handler {
  int (*call)(struct handler *h, int by);
  int total, calls;
};
struct matrix {
  double v[4];
};
struct config {
  int width, height, depth;
  const char *title;
  unsigned flags : 4, level : 4;
};
void *volatile sink;
struct node *volatile listed;
struct span *volatile spans;
struct handler *volatile registered;
int *volatile counter;
volatile int verdict, four = 4;
static const char *volatile input = "12+345*6";

NOINLINE void stop(void) {
  __asm__ volatile("" : : : "memory");
}
NOINLINE void finish(void) {
  __asm__ volatile("" : : : "memory");
}
/* The call of stop() is not the function's last. */
static inline void go_on(void) {
  __asm__ volatile("" : : : "memory");
}
static inline void push(struct node *n) {
  n->next = listed;
  listed = n;
}
/* nodes on the stack of the caller, as a list of waiters is */
NOINLINE int waiters(int n) {
  struct node first = {0, n}, second = {0, n + 1};
  push(&first);
  stop();
  second.key *= 2;
  push(&second);
  stop();
  int sum = 0;
  for (struct node *p = listed; p; p = p->next) sum += p->key;
  listed = 0;
  stop();
  first.key = sum;
  stop();
  go_on();
  return sum + first.key;
}
/* out-parameters of a parser, all of them through the heap */
NOINLINE int read_number(const char **at, int *value) {
  sink = at;
  counter = value;
  const char *p = *at;
  int v = 0;
  while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
  *at = p;
  *value = v;
  return v > 0;
}
NOINLINE int parser(const char *text) {
  const char *at = text;
  int sum = 0, value = -1;
  stop();
  while (read_number(&at, &value)) {
    sum += value;
    stop();
    if (!*at) break;
    at++;
    value = 0;
    stop();
    go_on();
  }
  return sum;
}
/* parts of a struct, one after the other */
NOINLINE struct span *scanner(const char *text) {
  struct span s = {text, 0, 0};
  while (*text >= '0' && *text <= '9') text++;
  s.length = (int)(text - s.from);
  stop();
  s.kind = *text == '+' ? 1 : 2;
  stop();
  spans = &s;
  s.length++;
  stop();
  s.from++;
  stop();
  go_on();
  return &s;
}
/* a closure: a function and what it works on */
NOINLINE static int add(struct handler *h, int by) {
  h->calls++;
  return h->total += by;
}
NOINLINE int closure(int n) {
  struct handler h = {add, n, 0};
  int before = h.total;
  stop();
  registered = &h;
  for (int i = 0; i < 2; i++) {
    registered->call(registered, 10 + i);
    stop();
    go_on();
  }
  h.calls = -1;
  stop();
  go_on();
  return h.total - before + h.calls;
}
/* a parameter whose address is kept, and which changes at once */
NOINLINE int keep(int n) {
  counter = &n;
  n++;
  stop();
  *counter += 5;
  stop();
  n *= 2;
  stop();
  go_on();
  return n;
}
/* an array that is filled, searched, and handed on */
NOINLINE int table(int n) {
  int squares[4], found = -1;
  for (int i = 0; i < four; i++) squares[i] = i * n;
  stop();
  counter = squares;
  squares[2] = 99;
  stop();
  for (int i = 0; i < four; i++)
    if (squares[i] == 99) found = i;
  stop();
  go_on();
  return squares[found] + found;
}
/* inlined, where the object is not needed */
static inline int *start_at(int start) {
  int count = start;
  count += 1;
  stop();
  count += verdict;
  stop();
  return &count;
}
NOINLINE int *starts(int n) {
  int *p = start_at(n);
  stop();
  p = start_at(n + 10);
  go_on();
  return p;
}
/* a matrix that is turned */
NOINLINE struct matrix *turned(double d) {
  struct matrix m = {{d, 2 * d, 3 * d, 4 * d}};
  stop();
  double t = m.v[1];
  m.v[1] = m.v[2];
  m.v[2] = t;
  stop();
  sink = &m;
  stop();
  go_on();
  return &m;
}
/* conditions decide whether and when it escapes */
NOINLINE int decide(int n) {
  int state = n, *p = 0;
  if (n & 1) {
    state = 10;
    stop();
    counter = p = &state;
    stop();
  } else {
    state = 20;
    stop();
  }
  state += n;
  stop();
  if (p) *p += 1;
  stop();
  go_on();
  return state;
}
/* many members, bit-fields among them */
NOINLINE int configure(int width) {
  struct config c = {width, width * 2, 1, "none", 3, 4};
  stop();
  c.flags |= 8;
  c.title = "set";
  stop();
  sink = &c;
  stop();
  c.level = 9;
  c.depth += four;
  stop();
  go_on();
  return c.width + c.depth + (int)c.level;
}
/* two variables that take turns in being the one that is pointed to */
NOINLINE int swap(int n) {
  int one = n, two = n * 100, *p = &one;
  for (int i = 0; i < 3; i++) {
    counter = p;
    *p += i;
    stop();
    p = p == &one ? &two : &one;
    go_on();
  }
  one++;
  two++;
  stop();
  go_on();
  return one + two;
}
/* the result of a call, in a variable that moves, beside one that does not */
NOINLINE int fetch(int n) {
  return n + verdict;
}
NOINLINE int called(int n) {
  int got = fetch(n), local = got;
  stop();
  counter = &got;
  got += 7;
  stop();
  local = fetch(got);
  got = 1;
  stop();
  int copy = local;
  got = copy + local;
  stop();
  go_on();
  return got;
}
int main(void) {
  int sum = waiters(3) + parser(input) + closure(5) + keep(41) + table(3);
  sink = scanner(input);
  sink = starts(100);
  sink = turned(0.5);
  sum += decide(1) + decide(2) + configure(640) + swap(1) + called(2);
  verdict = sum;
  finish();
  return 0;
}
