#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh MALLOW FILECHECK FILE... -- what `mallow cc -m` says of each file
#
# At -O0 to -O3, in order and with nothing else: CHECK lines are for all
# levels, OPT lines for -O1 and above, O0 to O3 lines for one.  What is inlined
# is not looked at here.
set -u
mallow=$1 filecheck=$2
shift 2
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0
for file; do
  for level in 0 1 2 3; do
    prefixes=CHECK,O$level
    [ "$level" = 0 ] || prefixes=$prefixes,OPT
    "$mallow" cc -w -m "-O$level" -c "$file" -o /dev/null 2>"$out" || failed=1
    if grep -v inlin "$out" >"$out.lines"; then
      if ! grep -q "^// \(CHECK\|O$level\|OPT\):" "$file"; then
        echo "$file, -O$level: nothing was expected, this was said:"
        cat "$out.lines"
        failed=1
      else
        "$filecheck" --check-prefixes="$prefixes" --allow-unused-prefixes --dump-input=fail \
          --implicit-check-not='{{move|escape|leaking|error}}' "$file" <"$out.lines" ||
          { echo "$file, -O$level"; failed=1; }
      fi
    elif grep -q "^// \(CHECK\|O$level\):" "$file"; then
      echo "$file, -O$level: nothing was said"
      failed=1
    fi
    rm -f "$out.lines"
  done
done
exit $failed
