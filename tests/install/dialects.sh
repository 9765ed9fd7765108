# SPDX-License-Identifier: MIT
# dialects.sh -- mallow.h in each C and in C++, without a warning; a folder with a space
. "$(dirname "$0")/lib.sh"

for std in gnu89 c99 gnu99 c11 gnu11 c17 gnu17 c2x gnu2x; do
  pedantic=-Wpedantic
  [ $std = gnu89 ] && pedantic= # it knows no flexible arrays
  cat >macros.c <<'END'
#include <mallow.h>
typedef struct node { struct node *next; int v; } node;
typedef struct list { int n; node *e[]; } list;
static mw_mutex m;
static mw_chan *c;
int main(void) {
  int v = 0;
  mw_case one[1];
  list *l = mw_new_flex(list, e, 3);
  l->e[1] = mw_make(node, 2);
  l->e[2] = mw_new(node);
  c = mw_chan_make(int, 1);
  mw_mutex_lock(&m);
  mw_mutex_unlock(&m);
  mw_chan_send(c, 5);
  one[0] = mw_case_recv(c, &v);
  mw_select(one, 1);
  return mw_chan_try_send(c, 5) && mw_chan_try_recv(c, &v) == 1 && v == 5 && !l->e[2]->next ? 0 : 1;
}
END
  # shellcheck disable=SC2086 # a list of options
  "$prefix/bin/mallow" cc -std=$std -Wall -Wextra $pedantic -Werror macros.c -o macros ||
    die "-std=$std"
  ./macros || die "-std=$std: status $?"
done

# Whatever warnings a program asks for, found by -I as by -isystem: the header has none, nor its macros.
cat >quiet.c <<'END'
#include <mallow.h>
struct node { struct node *left, *right; };
extern int all(void *arg);
static mw_mutex m;
static void work(void *arg) { mw_chan_send(arg, 7); }
int all(void *arg) {
  static const long number = 3;
  struct node *n = mw_new(struct node), **a = mw_make(struct node *, 10);
  mw_chan *c = mw_chan_make(int, 2), *longs = mw_chan_make(long, 1);
  int x = 1, y = 0;
  mw_case cases[2];
  cases[0] = mw_case_recv(c, &y);
  cases[1] = mw_case_send(longs, &number);
  a[0] = n;
  mw_chan_send(c, x);
  if (!mw_chan_try_send(longs, number) || !mw_chan_recv(c, &y)) return 0;
  mw_chan_recv(longs, arg);
  mw_chan_try_recv(c, &x);
  mw_mutex_lock(&m);
  mw_mutex_unlock(&m);
  mw_go(work, c);
  mw_keep_alive(a);
  return mw_select(cases, 2);
}
END
for std in c89 gnu89 c99 gnu99 c11 gnu11 c17 gnu17 c2x gnu2x; do
  for compiler in "$CLANG -Weverything -Wno-unsafe-buffer-usage" gcc; do # the former: a[0] above
    command -v "${compiler%% *}" >/dev/null || continue
    # shellcheck disable=SC2086
    $compiler -std=$std -pedantic -Wall -Wextra -Wconversion -Wpadded -Werror -I "$prefix/include" \
      -fsyntax-only quiet.c || die "$compiler -std=$std"
  done
done

# C++ gets the same from its macros; the linker's warning of mw_new is another test's.
cat >plus.cpp <<'END'
#include <mallow.h>
struct node { node *next; int v; };
struct list { int n; node *e[1]; };
static void work(void *c) {
  mw_chan *ch = static_cast<mw_chan *>(c);
  mw_chan_send(ch, 5);
  mw_chan_close(ch);
}
int main() {
  mw_mutex m = {};
  mw_mutex_lock(&m);
  mw_mutex_unlock(&m);
  node *n = mw_new(node);
  n->next = mw_make(node, 2);
  mw_chan *c = mw_chan_make(int, 0);
  mw_chan *p = mw_chan_make(node *, 1);
  mw_go(work, c);
  int v = 0;
  node *back = nullptr;
  mw_case one[] = {mw_case_recv(c, &v), mw_case_recv(mw_chan_make(long, 0), NULL)};
  bool ok = mw_select(one, 2) == 0 && one[0].ok && v == 5 && !mw_chan_recv(c, nullptr);
  ok = ok && mw_chan_try_send(p, n) && mw_chan_try_recv(p, &back) == 1 && back == n;
  const long w = 1;
  mw_case send[] = {mw_case_send(mw_chan_make(long, 1), &w)};
  return ok && mw_select(send, 1) == 0 && mw_set_max_procs(0) >= 1 ? 0 : 1;
}
END
for compiler in c++ "$CLANG -x c++"; do
  command -v "${compiler%% *}" >/dev/null || continue
  for std in c++11 c++17 c++20; do
    # shellcheck disable=SC2086
    $compiler -std=$std -Wall -Wextra -Wpedantic -Wcast-qual -Wold-style-cast -Werror \
      -I "$prefix/include" plus.cpp -o plus \
      -L "$prefix/lib" -Wl,-rpath,"$prefix/lib" -lmallow 2>plus.txt || die "$compiler -std=$std: $(cat plus.txt)"
    ./plus || die "$compiler -std=$std: status $?"
  done
done

# What the command prints for make and eval survives a space.
ln -s "$prefix" 'with a space'
flags=$('with a space/bin/mallow' flags --cflags --libs)
eval "$CLANG macros.c -o spaced $flags" || die "mallow flags in a folder with a space: $flags"
./spaced
