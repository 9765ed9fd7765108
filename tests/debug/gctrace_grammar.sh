#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gctrace_grammar.sh PROGRAM -- one strict grammar for our gctrace lines and Go's
#
# PROGRAM collects a few times.  Where a go of 1.21 or later is on the PATH, the
# lines that it prints itself have to pass as well: that the grammar is Go's.

ms='(0|0\.00[1-9]|0\.0[1-9][0-9]|0\.[1-9][0-9]|[1-9]\.[0-9]|[1-9][0-9]+)'
n='(0|[1-9][0-9]*)'
line="gc [1-9][0-9]* @$n\\.[0-9]{3}s $n%: $ms\\+$ms\\+$ms ms clock, "
line="$line$ms\\+$ms/$ms/$ms\\+$ms ms cpu, $n->$n->$n MB, $n MB goal, "
line="$line$n MB stacks, $n MB globals, [1-9][0-9]* P( \\(forced\\))?"

# judge NAME FILE: every line that begins as one of these does, and there are some
judge() {
  found=$(grep -c '^gc [0-9]* @' "$2")
  bad=$(grep '^gc [0-9]* @' "$2" | grep -Evx "$line")
  echo "$1: $found lines"
  [ "$found" -ge 3 ] || { echo "$1: too few"; cat "$2"; exit 1; }
  [ -z "$bad" ] || { echo "$1: not of the grammar:"; echo "$bad"; exit 1; }
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
GODEBUG=gctrace=1 "$1" 2>"$work/ours" >/dev/null || { cat "$work/ours"; exit 1; }
judge mallow "$work/ours"

grep -q '(forced)$' "$work/ours" || { echo "mallow: none is forced"; exit 1; }

# the go command is a Go program itself
command -v go >/dev/null && go version | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])' || exit 0
GODEBUG=gctrace=1 HOME=$work GOFLAGS= GOTOOLCHAIN=local go list std 2>"$work/go" >/dev/null || exit 1
judge Go "$work/go"
