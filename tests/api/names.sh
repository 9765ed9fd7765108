#!/bin/sh
# SPDX-License-Identifier: MIT
#
# names.sh HEADER PROGRAM.c PAGE -- the program uses, and the manual page mentions, every
# name that the header declares

header=$1 program=$2 page=$3
bad=0
# functions and macros that are used like functions; types; without comments
names=$(sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$header" |
  grep -oE '\b(mw_[a-z_]+[a-z]|MW_[A-Z]+)\b' | sort -u)
[ "$(echo "$names" | wc -l)" -gt 80 ] || { echo "names.sh: only found: $names"; exit 1; }
for name in $names; do
  grep -qw "$name" "$program" || { echo "$program does not use $name"; bad=1; }
  sed 's/\\-/-/g' "$page" | grep -qw "$name" || { echo "$page does not mention $name"; bad=1; }
done
exit $bad
