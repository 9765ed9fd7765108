# SPDX-License-Identifier: MIT
# static.sh -- the runtime in the program itself, with and without libc
. "$(dirname "$0")/lib.sh"

p=$here/project
for flags in -static-mallow -static -static-pie '-static-mallow -flto'; do
  # shellcheck disable=SC2086 # a list of options
  "$prefix/bin/mallow" cc -O2 -g $flags "$p/main.c" "$p/list.c" "$p/words.c" -o prog 2>log ||
    { cat log; die "linking with $flags"; }
  expect 'sum 500500, words 3: alpha beta gamma' ./prog
  if readelf -d prog | grep -q 'NEEDED.*libmallow'; then die "$flags: needs libmallow.so"; fi
done
