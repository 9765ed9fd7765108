#!/bin/sh
# SPDX-License-Identifier: MIT
#
# one_speaks.sh PROGRAM -- of a hundred goroutines that fail at once, one is heard [FA2]

for i in 1 2 3 4 5 6 7 8 9 10; do
  output=$(GOMAXPROCS=4 "$1" two 2>&1)
  status=$?
  errors=$(printf '%s\n' "$output" | grep -c '^fatal error:')
  if [ $status -ne 2 ] || [ "$errors" -ne 1 ]; then
    printf '%s\n' "$output"
    echo "one_speaks.sh: round $i: status $status, $errors errors"
    exit 1
  fi
done
