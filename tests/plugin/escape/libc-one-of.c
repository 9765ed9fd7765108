// SPDX-License-Identifier: MIT
// What libc keeps, returns and stores: one argument of several.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
struct tm *now(struct tm *out) {
  time_t t = time(NULL);
  return localtime_r(&t, out);
}
struct tm *here(void) {
  time_t t = time(NULL);
  struct tm m;
  return localtime_r(&t, &m);
}
const char *find(const char *s, int c) {
  char set[2] = {(char)c, 0};
  return strpbrk(s, set);
}
const char *address(char *out, unsigned a) {
  struct in_addr in = {a};
  return inet_ntop(AF_INET, &in, out, 16);
}

int user(unsigned id) {
  char text[1000];
  struct passwd pw, *found;
  int n = getpwuid_r(id, &pw, text, sizeof text, &found);
  return n ? n : found != NULL;
}
struct passwd *kept(unsigned id) {
  static struct passwd pw;
  char buf[1000];
  struct passwd *found;
  getpwuid_r(id, &pw, buf, sizeof buf, &found);
  return found;
}
static void *run(void *arg) { return arg; }
int threads(void) {
  pthread_t id;
  pthread_attr_t attr;
  int x = 5;
  void *r;
  pthread_attr_init(&attr);
  pthread_create(&id, &attr, run, &x);
  pthread_join(id, &r);
  return *(int *)r;
}
// CHECK: {{^}}{{.*}}libc-one-of.c:10:27: leaking param: out to result level=0{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:16:13: moved to heap: m{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:19:30: leaking param: s to result level=0{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:23:27: leaking param: out to result level=0{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:36:8: moved to heap: buf{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:37:18: moved to heap: found{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:41:24: leaking param: arg to result level=0{{$}}
// CHECK: {{^}}{{.*}}libc-one-of.c:45:7: moved to heap: x{{$}}
