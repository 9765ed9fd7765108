#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test.sh PROGRAM GO_CACHE -- are the README's commands and what they print true?
#
# Each ```console block holds commands for a shell, with a $, and their output.
# GO_CACHE: a file that names the folder with Go's pprof.

set -eu
program=$1
readme=$(cd "$(dirname "$0")" && pwd)/README.md
GOCACHE=$(cat "$2")
[ -n "$GOCACHE" ] || { echo "test.sh: skipped, there is no go to read profiles with"; exit 0; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GOCACHE GOFLAGS= GOTOOLCHAIN=local HOME="${HOME:-$folder}"
ln -s "$program" profile
sed -n '/^```console$/,/^```$/p' "$readme" | sed '/^```/d' >shown
grep '^\$ ' shown | grep -v 'mallow cc' | sed 's/^\$ //' >commands
while IFS= read -r line; do
  printf '$ %s\n' "$line"
  sh -c "$line" </dev/null 2>/dev/null
done <commands >given
grep -v 'mallow cc' shown | diff - given || { echo "test.sh: README.md (<) and what is printed (>) differ"; exit 1; }
