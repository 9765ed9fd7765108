#!/bin/sh
# SPDX-License-Identifier: MIT
#
# traces_grammar.sh PROGRAM -- gcpacertrace, scavtrace and schedtrace by a strict grammar
#
# Every line on stderr has to be one of theirs, whole: none is cut by another's.

n='(0|[1-9][0-9]*)'
real='[+-][0-9]\.[0-9]{6}e[+-][0-9]{2,3}'
cat >"${TMPDIR:-/tmp}/grammar.$$" <<END
pacer: assist ratio=$real \\(scan $n MB in $n->$n MB\\) workers=$n\\+$real
pacer: $n% CPU \\(25 exp\\.\\) for $n\\+$n\\+$n B work \\($n B exp\\.\\) in $n B -> $n B \\(∆goal -?$n, cons/mark $real\\)
pacer: sweep done at heap size ${n}MB; allocated ${n}MB during sweep; swept $n pages at $real pages/byte
scav $n KiB work \\(bg\\), $n KiB work \\(eager\\), $n KiB now, $n% util( \\(forced\\))?
SCHED ${n}ms: gomaxprocs=$n idleprocs=$n threads=$n spinningthreads=$n needspinning=$n idlethreads=$n runqueue=$n \\[ ($n )+\\] schedticks=\\[ ($n )+\\]
END
grammar="${TMPDIR:-/tmp}/grammar.$$"
errors="${TMPDIR:-/tmp}/traces.$$"
trap 'rm -f "$grammar" "$errors"' EXIT

GODEBUG=gcpacertrace=1,scavtrace=1,schedtrace=5 "$1" >/dev/null 2>"$errors" ||
  { tail "$errors"; exit 1; }
bad=$(grep -Evx -f "$grammar" "$errors")
[ -z "$bad" ] || { echo "not of the grammar:"; echo "$bad" | head; exit 1; }
while IFS= read -r form; do
  grep -Eqx "$form" "$errors" || { echo "none of: $form"; exit 1; }
done <"$grammar"
grep -q '(forced)$' "$errors" || { echo "no forced scavenging"; exit 1; }
echo "$(wc -l <"$errors") lines"
