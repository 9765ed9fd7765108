#!/bin/sh
# SPDX-License-Identifier: MIT
#
# traces_grammar.sh PROGRAM -- gcpacertrace, scavtrace and schedtrace by a strict grammar
#
# Every line on stderr has to be one of theirs, whole: none is cut by another's.
# Where a go of 1.26 or later is on the PATH (older ones print numbers with a
# sign and an exponent), its own lines have to pass as well.

n='(0|[1-9][0-9]*)'
real='([0-9]+(\.[0-9]*[1-9])?|[0-9](\.[0-9]*[1-9])?e[+-][0-9]{2,3})'
cat >"${TMPDIR:-/tmp}/grammar.$$" <<END
pacer: assist ratio=$real \\(scan $n MB in $n->$n MB\\) workers=$n\\+$real
pacer: $n% CPU \\(25 exp\\.\\) for $n\\+$n\\+$n B work \\($n B exp\\.\\) in $n B -> $n B \\(∆goal -?$n, cons/mark $real\\)
pacer: sweep done at heap size ${n}MB; allocated ${n}MB during sweep; swept $n pages at $real pages/byte
scav $n KiB work \\(bg\\), $n KiB work \\(eager\\), $n KiB now, $n% util( \\(forced\\))?
SCHED ${n}ms: gomaxprocs=$n idleprocs=$n threads=$n spinningthreads=$n needspinning=$n idlethreads=$n runqueue=$n \\[ ($n )+\\] schedticks=\\[ ($n )+\\]
END
grammar="${TMPDIR:-/tmp}/grammar.$$"
errors="${TMPDIR:-/tmp}/traces.$$"
home=$(mktemp -d) || exit 1
trap 'rm -rf "$grammar" "$errors" "$home"' EXIT

GODEBUG=gcpacertrace=1,scavtrace=1,schedtrace=5 "$1" >/dev/null 2>"$errors" ||
  { tail "$errors"; exit 1; }
bad=$(grep -Evx -f "$grammar" "$errors")
[ -z "$bad" ] || { echo "not of the grammar:"; echo "$bad" | head; exit 1; }
while IFS= read -r form; do
  grep -Eqx "$form" "$errors" || { echo "none of: $form"; exit 1; }
done <"$grammar"
grep -q '(forced)$' "$errors" || { echo "no forced scavenging"; exit 1; }
echo "$(wc -l <"$errors") lines"

# the go command is a Go program itself
command -v go >/dev/null && go version | grep -Eq 'go1\.(2[6-9]|[3-9][0-9])' || exit 0
GODEBUG=gcpacertrace=1,scavtrace=1,schedtrace=5 HOME=$home GOFLAGS= GOTOOLCHAIN=local \
  go list std 2>"$errors" >/dev/null || exit 1
bad=$(grep -E '^(pacer: |scav |SCHED )' "$errors" | grep -Evx -f "$grammar")
[ -z "$bad" ] || { echo "Go's are not of the grammar:"; echo "$bad" | head; exit 1; }
for word in pacer: scav SCHED; do
  grep -q "^$word " "$errors" || { echo "Go printed no $word"; exit 1; }
done
