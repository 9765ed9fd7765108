#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/stress/inject.sh -- the n-th mmap, madvise or thread creation fails
#
#     inject.sh SMALL
#
# Runs the program `small` with MALLOW_FAIL=KIND:N for N = 1, 2, ... until it
# ends well three times running (no N-th call any more, or not needed).  Each run must
# end well, or in a fatal error with exit status 2; never by a signal, in
# another status, or not at all.

set -u
small=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0

for kind in mmap madvise thread; do
  well=0
  fatal=0
  n=0
  while [ $well -lt 3 ] && [ $n -lt 200 ]; do
    n=$((n + 1))
    MALLOW_FAIL=$kind:$n timeout 200 "$small" 200 20 >"$out" 2>&1
    status=$?
    if [ $status -eq 0 ]; then
      well=$((well + 1))
    elif [ $status -eq 2 ] && grep -q '^fatal error: ' "$out"; then
      well=0
      fatal=$((fatal + 1))
    else
      echo "FAIL: $kind:$n: status $status, and no fatal error:"
      tail -n 20 "$out"
      failed=1
      well=0
    fi
  done
  echo "$kind: $n calls made to fail, $fatal ended in a fatal error"
done
exit $failed
