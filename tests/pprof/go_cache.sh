#!/bin/sh
# SPDX-License-Identifier: MIT
#
# go_cache.sh FILE -- have Go build its pprof, and note in FILE where it keeps that
#
# Newer Go comes without pprof and builds it when it is first used.  That takes a minute of CPU time,
# which is not a test's.  The folder is the user's, or FILE.d where he has none that Go can write to.
# FILE is empty where there is no Go, or none with a pprof.

file=$1
: >"$file"
command -v go >/dev/null 2>&1 || exit 0
export GOFLAGS= GOTOOLCHAIN=local HOME="${HOME:-$file.d}"
for GOCACHE in "$(go env GOCACHE 2>/dev/null)" "$file.d"; do
  [ -n "$GOCACHE" ] || continue
  export GOCACHE
  if go tool -n pprof >/dev/null 2>&1; then
    printf '%s\n' "$GOCACHE" >"$file"
    exit 0
  fi
done
exit 0
