#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples/check_output.sh README PROGRAM -- does the README show what the program prints?
#
# The README's first ```console block holds a command (`$ ...`) that runs the
# program without arguments, and its output.  Both must agree to the letter.

set -eu
readme=$1 program=$2
shown=$(sed -n '/^```console$/,/^```$/p' "$readme" | sed '1d;/^```$/,$d' | grep -v '^\$ ')
given=$("$program")
if [ "$shown" != "$given" ]; then
  printf '%s shows:\n%s\n\n%s prints:\n%s\n' "$readme" "$shown" "$program" "$given" >&2
  exit 1
fi
echo "as shown"
