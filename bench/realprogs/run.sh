#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/realprogs/run.sh -- what ordinary C costs when mallow compiles it, by cause
#
#     bench/realprogs/run.sh BUILD FOLDER
#
# Job      Builds Debian's lua5.4, which scripts/realprogs.sh has fetched into
#          FOLDER, with plain clang and in ways that leave out one of mallow's
#          parts after the other, and prints beside clang's: bytes of code, of
#          .rodata and of .eh_frame; instructions of each part of parts.lua,
#          less those of starting up; and processor time of tests/realprogs/work.lua.
# How      Instructions are valgrind's (a part's repeat to about 1 %: the seed of
#          Lua's hash is an address).  valgrind needs a libmallow without debug
#          information.  Processor time is the least of REALPROGS_RUNS (5) runs that take
#          turns; on a busy machine it says little.
# Needs    clang-19, make, valgrind, strip
#          REALPROGS_PARTS="calls loop" takes some parts only
set -eu
[ $# = 2 ] || {
  echo "usage: bench/realprogs/run.sh BUILD FOLDER" >&2
  exit 64
}
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
mallow=$build/bin/mallow
clang=${MALLOW_CLANG:-clang-19}
source=$(ls -d "$folder"/lua5.4-*/)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/lib"
cp "$build"/lib/libmallow.so.0 "$work/lib/"
strip -g "$work/lib/libmallow.so.0"

variants="clang frame-pointer mallow no-escape no-barriers no-polls neither gc-malloc"
compiler() {
  case $1 in
    clang) echo "$clang" ;;
    frame-pointer) echo "$clang -fno-omit-frame-pointer" ;;
    mallow) echo "$mallow cc" ;;
    gc-malloc) echo "$mallow cc -fgc-malloc" ;;
    no-escape) echo "$mallow cc -fno-mallow-escape" ;;
    no-barriers) echo "env MALLOW_CC=no-barriers $mallow cc -fno-mallow-escape" ;;
    no-polls) echo "env MALLOW_CC=no-polls $mallow cc -fno-mallow-escape" ;;
    neither) echo "env MALLOW_CC=no-barriers,no-polls $mallow cc -fno-mallow-escape" ;;
  esac
}

for v in $variants; do
  cp -R "$source" "$work/$v"
  make -s -j"$(nproc)" -C "$work/$v/src" linux CC="$(compiler $v) -std=gnu99" MYCFLAGS=-O2 \
    CFLAGS="-O2 -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" >"$work/$v.log" 2>&1 || {
    cat "$work/$v.log" >&2
    exit 1
  }
done

printf '%-9s' ''
for v in $variants; do printf '%14s' "$v"; done
echo

# A row: the first number as it is, the others as ratios to it.
row() {
  printf '%-9s' "$1"
  shift
  awk -v all="$*" 'BEGIN {n = split(all, a, " "); printf "%14d", a[1]
    for (i = 2; i <= n; i++) printf "%14.3f", a[i] / a[1]
    print ""}'
}

bytes() {
  size -A "$work/$2/src/lua" | awk -v s="$1" '
    s == "code" && ($1 == ".text" || $1 == "mw_text") {n += $2}
    $1 == s {n += $2}
    END {print n}'
}
for section in code .rodata .eh_frame; do
  row $section $(for v in $variants; do bytes $section $v; done)
done

instructions() {
  LD_LIBRARY_PATH=$work/lib valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    "$work/$1/src/lua" "$here/parts.lua" "$2" 2 2>&1 >/dev/null | awk '/Collected/ {print $4}'
}
declare -A start
for v in $variants; do start[$v]=$(instructions $v none); done
row start $(for v in $variants; do echo "${start[$v]}"; done)
for part in ${REALPROGS_PARTS:-calls loop strings tables closures sort trees methods}; do
  row "$part" $(for v in $variants; do echo $(($(instructions $v "$part") - ${start[$v]})); done)
done

cpu() {
  local TIMEFORMAT='%U %S'
  { time "$work/$1/src/lua" "$here/../../tests/realprogs/work.lua" 2 >/dev/null; } 2>&1 |
    awk '{print int(($1 + $2) * 1000)}'
}
declare -A least
for _ in $(seq "${REALPROGS_RUNS:-5}"); do
  for v in $variants; do
    ms=$(cpu $v)
    [ "${least[$v]:-$ms}" -lt "$ms" ] || least[$v]=$ms
  done
done
row 'CPU ms' $(for v in $variants; do echo "${least[$v]}"; done)
