# SPDX-License-Identifier: MIT
# pkgconfig.sh -- clang and pkg-config, nothing else
. "$(dirname "$0")/lib.sh"

PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
p=$here/project

# shellcheck disable=SC2046,SC2086 # lists of options
"$CLANG" -O2 $(pkg-config --cflags mallow) "$p/main.c" "$p/list.c" "$p/words.c" -o prog \
  $(pkg-config --libs mallow)
expect 'sum 500500, words 3: alpha beta gamma' ./prog
readelf -d prog | grep -q 'libmallow.so.0' || die "not linked with libmallow.so.0"

# What pkg-config says works beside the command as well: the plugin that both
# ask for is loaded once.
# shellcheck disable=SC2046
"$prefix/bin/mallow" cc -O2 $(pkg-config --cflags mallow) "$p/main.c" "$p/list.c" "$p/words.c" \
  -o both $(pkg-config --libs mallow)
expect 'sum 500500, words 3: alpha beta gamma' ./both

# shellcheck disable=SC2046
"$CLANG" -O2 $(pkg-config --cflags mallow) "$p/main.c" "$p/list.c" "$p/words.c" -o static \
  "$(pkg-config --variable=libdir mallow)/libmallow.a" -pthread -ldl
expect 'sum 500500, words 3: alpha beta gamma' ./static
if readelf -d static | grep -q libmallow; then die "the static program needs libmallow.so"; fi

# shellcheck disable=SC2046
"$CLANG" -O2 -static $(pkg-config --cflags mallow) "$p/main.c" "$p/list.c" "$p/words.c" -o whole \
  $(pkg-config --static --libs mallow) 2>log || { cat log; die "pkg-config --static"; }
expect 'sum 500500, words 3: alpha beta gamma' ./whole

# Who forgets the options gets a program without barriers; the linker says so.
echo '#include <mallow.h>
int *volatile p; int main(void) { p = mw_new(int); return *p; }' >forgets.c
# shellcheck disable=SC2046
"$CLANG" $(pkg-config --cflags mallow) forgets.c -o forgets $(pkg-config --libs mallow) 2>log
[ ! -s log ] || { cat log; die "a message for a program that forgets nothing"; }
# shellcheck disable=SC2046
"$CLANG" -I"$prefix/include" forgets.c -o forgets $(pkg-config --libs mallow) 2>log
grep -q 'warning: mw_new in code that was not compiled with mallow cc' log ||
  { cat log; die "nothing said of a program without barriers"; }

# The options that a build system passes itself are those of the command: a
# variable of a loop's body is a new one each turn, without optimisation too.
cat >fresh.c <<'END'
int *kept[3];
int main(void) {
  for (int i = 0; i < 3; i++) {
    int x = i;
    kept[i] = &x;
  }
  return *kept[0] == 0 && *kept[1] == 1 && *kept[2] == 2 ? 0 : 1;
}
END
# shellcheck disable=SC2046
"$CLANG" $(pkg-config --cflags mallow) fresh.c -o fresh $(pkg-config --libs mallow)
./fresh || die "a variable of a loop is one object for all turns"
case $(pkg-config --cflags mallow) in
*"$("$prefix/bin/mallow" flags --cflags | sed 's/.*libmallow-cc.so //')"*) ;;
*) die "pkg-config and mallow flags differ" ;;
esac
