#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/index/test.sh -- the index against grep, sort and uniq
#
#     test.sh INDEX [FOLDER]       (FOLDER default: /usr/include/linux)
#
# Counts FOLDER and a scratch folder of awkward files (empty, no newline at the
# end, zero bytes, names with spaces, links, a pipe) with the index and with
# standard Unix tools, and compares files, words, distinct words, the ten most
# frequent, and one word's postings.  Then: a missing folder and an unreadable
# file are reported, everything else is indexed, and the exit status is 1.

set -eu
index=$1
folder=${2:-/usr/include/linux}
LC_ALL=C
export LC_ALL

scratch=$(mktemp -d)
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# expect WHAT WANTED GOT
expect() {
  [ "$2" = "$3" ] || fail "$1: Unix tools say '$2', the index says '$3'"
}

words_of() { grep -raohE '[A-Za-z0-9_]+' "$1" | grep '^[A-Za-z_]' || true; }

# compare FOLDER: all figures of the index against the tools
compare() {
  "$index" -w int "$1" >"$scratch/out" 2>"$scratch/err" || fail "index $1: status $?: $(cat "$scratch/err")"
  words_of "$1" | sort >"$scratch/words"
  expect "$1: files" "$(find "$1" -type f | wc -l)" "$(sed -n 's/^files *//p' "$scratch/out")"
  expect "$1: words" "$(wc -l <"$scratch/words")" "$(sed -n 's/^words *//p' "$scratch/out")"
  expect "$1: distinct" "$(uniq "$scratch/words" | wc -l)" "$(sed -n 's/^distinct *//p' "$scratch/out")"
  uniq -c "$scratch/words" | sort -k1,1nr -k2 | head -n 10 | awk '{print $1, $2}' >"$scratch/top"
  sed -n '/^most frequent/,/^[pc]/p' "$scratch/out" | awk '/ files\)$/ {print $1, $2}' >"$scratch/mine"
  diff "$scratch/top" "$scratch/mine" >&2 || fail "$1: ten most frequent"
  find "$1" -type f -exec grep -alwE 'int' {} + | sort >"$scratch/files" || true
  sed -n '/^postings of/,/^collector/p' "$scratch/out" |
    sed -n 's/^ *[0-9][0-9]*  //p' | sort >"$scratch/mine"
  diff "$scratch/files" "$scratch/mine" >&2 || fail "$1: the files that hold 'int'"
  grep -q '^  cycles ' "$scratch/out" || fail "$1: no collector summary"
  # bench/run.sh reads it
  grep -q '^  stops  *longest one [0-9.]* ms; ' "$scratch/out" || fail "$1: no longest stop"
}

odd=$scratch/odd
mkdir -p "$odd/deep/er/and deeper" "$odd/empty folder"
: >"$odd/empty"
printf 'no newline at the end: int' >"$odd/bare"
printf 'int\000zero\000bytes int 0x1F 12ab _x9 a-b\n' >"$odd/deep/zero"
printf 'caf\303\251 int_ int\377int\r\n' >"$odd/deep/er/name with spaces"
head -c 300000 /dev/zero | tr '\0' 'w' >"$odd/deep/er/and deeper/one long word"
yes 'int the and of loop' | head -n 60000 >"$odd/deep/large"
ln -s ../odd "$odd/loop"
ln -s nowhere "$odd/dangling"
mkfifo "$odd/pipe"
compare "$odd"
compare "$folder"

# What cannot be read is named; the rest is indexed all the same.
mkdir "$scratch/part"
echo 'one two two' >"$scratch/part/readable"
status=0
"$index" "$scratch/missing" "$scratch/part" >"$scratch/out" 2>"$scratch/err" || status=$?
[ "$status" = 1 ] || fail "missing folder: exit status $status, not 1"
grep -q "index: $scratch/missing: No such file or directory" "$scratch/err" || fail "missing folder: no message"
grep -q '^files     1 (1 left out)$' "$scratch/out" || fail "missing folder: the rest was not indexed"
grep -q '^words     3$' "$scratch/out" || fail "missing folder: the rest was not counted"

echo secret >"$scratch/part/closed"
chmod 000 "$scratch/part/closed"
mkdir -m 000 "$scratch/part/shut"
as_user=
if [ "$(id -u)" = 0 ]; then # root reads everything: ask as nobody
  chmod 755 "$scratch" "$scratch/part"
  as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
  $as_user "$index" "$scratch/part/readable" >/dev/null 2>&1 || as_user=impossible
fi
if [ "$as_user" = impossible ]; then
  echo "unreadable file: not tested (nobody cannot run $index)"
else
  status=0
  $as_user "$index" "$scratch/part" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" = 1 ] || fail "unreadable file: exit status $status, not 1"
  grep -q 'part/closed: Permission denied' "$scratch/err" || fail "unreadable file: no message"
  grep -q 'part/shut: Permission denied' "$scratch/err" || fail "unreadable folder: no message"
  grep -q '^files     1 (2 left out)$' "$scratch/out" || fail "unreadable file: the rest was not indexed"
fi
status=0
"$index" -x >/dev/null 2>&1 || status=$?
[ "$status" = 64 ] || fail "wrong usage: exit status $status, not 64"
echo "index: same as the Unix tools"
