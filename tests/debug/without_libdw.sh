#!/bin/sh
# SPDX-License-Identifier: MIT
#
# without_libdw.sh PROGRAM -- a trace has function names where elfutils is not installed [Y1]

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
: >"$folder/libdw.so.1" # found first, and no library

output=$(LD_LIBRARY_PATH=$folder "$1" misuse 2>&1)
status=$?
printf '%s\n' "$output"
[ $status -eq 2 ] || { echo "without_libdw.sh: ended with $status"; exit 1; }
printf '%s\n' "$output" | grep -qx 'main(\.\.\.)' &&
  printf '%s\n' "$output" | grep -Eqx '	/.*/debug-nothing \+0x[0-9a-f]+'
