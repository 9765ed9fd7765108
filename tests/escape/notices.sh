#!/bin/sh
# SPDX-License-Identifier: MIT
#
# notices.sh MALLOW -- without escape analysis the generated programs must fail
. "$(dirname "$0")/lib.sh"
python3 "$here/generate.py" 1 50 >"$work/p.c"
"$mallow" cc -w -O1 -fno-mallow-escape "$work/p.c" -o "$work/p"
if GODEBUG=clobberfree=1 timeout 30 "$work/p" >"$work/out" 2>&1; then
  echo "notices.sh: nothing was noticed"
  exit 1
fi
