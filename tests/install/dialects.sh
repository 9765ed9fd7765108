# SPDX-License-Identifier: MIT
# dialects.sh -- mallow.h in each C and in C++, without a warning; a folder with a space
. "$(dirname "$0")/lib.sh"

for std in gnu89 c99 gnu99 c11 gnu11 c17 gnu17 c2x gnu2x; do
  pedantic=-Wpedantic
  [ $std = gnu89 ] && pedantic= # it knows no variadic macros
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

echo '#include <mallow.h>
int main() { mw_mutex m = {}; mw_mutex_lock(&m); mw_mutex_unlock(&m); return mw_set_max_procs(0) < 1; }' >plus.cpp
for compiler in c++ "$CLANG -x c++"; do
  command -v "${compiler%% *}" >/dev/null || continue
  # shellcheck disable=SC2086
  $compiler -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" plus.cpp -o plus -L "$prefix/lib" \
    -Wl,-rpath,"$prefix/lib" -lmallow || die "$compiler"
  ./plus || die "$compiler: status $?"
done

# What the command prints for make and eval survives a space.
ln -s "$prefix" 'with a space'
flags=$('with a space/bin/mallow' flags --cflags --libs)
eval "$CLANG macros.c -o spaced $flags" || die "mallow flags in a folder with a space: $flags"
./spaced
