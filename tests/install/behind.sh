# SPDX-License-Identifier: MIT
# behind.sh -- a library made with mallow in a program that knows nothing of it
#
# Its threads would start on their creator's block: refused, with the way out.
. "$(dirname "$0")/lib.sh"

cat >library.c <<'END'
#include <mallow.h>
struct node { struct node *next; long v; };
long sum(long n) {
  struct node *l = NULL;
  for (long i = 0; i < n; i++) {
    struct node *x = mw_new(struct node);
    *x = (struct node){l, i};
    l = x;
  }
  long s = 0;
  for (; l; l = l->next) s += l->v;
  return s;
}
END
cat >main.c <<'END'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#ifdef OPEN
static long (*sum)(long);
#else
long sum(long n);
#endif
static void *work(void *p) {
  for (int i = 0; i < 100; i++)
    if (sum(1000) != 499500) return p;
  return NULL;
}
int main(void) {
#ifdef OPEN
  void *library = dlopen("./library.so", RTLD_NOW);
  if (!library) return puts(dlerror()), 1;
  sum = (long (*)(long))dlsym(library, "sum");
#endif
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, work, t);
  void *bad = work(t);
  for (int i = 0; i < 4; i++) {
    void *r;
    pthread_join(t[i], &r);
    if (r) bad = r;
  }
  return bad ? puts("wrong"), 1 : puts("right"), 0;
}
END
"$prefix/bin/mallow" cc -O2 -fPIC -shared library.c -o library.so
"$CLANG" main.c ./library.so -o needed -pthread
"$CLANG" -DOPEN main.c -o opens -pthread -ldl
for program in needed opens; do
  status=0
  ./$program >out 2>&1 || status=$?
  [ $status = 2 ] && grep -q '^fatal error: libmallow was loaded behind libc.*LD_PRELOAD' out ||
    { cat out; die "$program: status $status"; }
  LD_PRELOAD=$prefix/lib/libmallow.so.0 expect right ./$program
done

# Linked with it, or by it, it is ahead.
"$CLANG" main.c ./library.so -o linked -pthread -L "$prefix/lib" -Wl,-rpath,"$prefix/lib" \
  -Wl,--no-as-needed -lmallow
expect right ./linked
"$prefix/bin/mallow" cc -DOPEN main.c -o opens -ldl
expect right ./opens
