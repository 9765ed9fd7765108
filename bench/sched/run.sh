#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/sched/run.sh -- scheduling and synchronisation: mallow beside Go
#
#     bench/sched/run.sh [BUILD]     (BUILD default: build)
#
# Every figure is the median of SCHED_RUNS runs (default 5) of a whole
# process, mallow and Go in turn.  `goal` is the ratio to reach.
#
#   SCHED_ONLY   which lines (default all), e.g. "pingpong mutex8"
#   SCHED_SCALE  multiplies the operations of each (default 1; 0.1 for a look)
#   SCHED_CC     the compiler command (default BUILD/bin/mallow cc)
#   SCHED_CPU    1: CPU time of the whole process per operation instead of
#                elapsed time; for machines that are not quiet.  Not for
#                `sleep`, `tickers`, `sleepers` and `parked`.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
runs=${SCHED_RUNS:-5}
scale=${SCHED_SCALE:-1}
only=${SCHED_ONLY:-}
cpu=${SCHED_CPU:-0}
TIMEFORMAT='%U %S'
out=$build/bench/sched
mkdir -p "$out"

${SCHED_CC:-$build/bin/mallow cc} -std=gnu17 -O2 "$here/mallow.c" -o "$out/mallow"
go build -o "$out/go" "$here/go.go"

median() { sort -g | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

echo "machine  $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, Linux $(uname -r)"
echo "versions $(go version); runs $runs, interleaved, medians"
printf '%-22s %12s %12s %8s %6s\n' '' mallow go ratio goal

# NAME OPERATIONS GOAL
while read -r name ops goal; do
  case " ${only:-$name} " in *" $name "*) ;; *) continue ;; esac
  ops=$(awk -v n="$ops" -v s="$scale" 'BEGIN {printf "%d", n * s}')
  rm -f "$out"/*.out
  for _ in $(seq "$runs"); do
    for who in mallow go; do
      { time timeout 300 "$out/$who" "$name" "$ops" >"$out/one"; } 2>"$out/time" || {
        echo "$name: $who failed" >&2
        exit 1
      }
      if [ "$cpu" = 1 ]; then
        awk -v name="$name" -v ops="$ops" 'END {printf "%s %.1f ns\n", name, ($1 + $2) * 1e9 / ops}' \
          "$out/time" >>"$out/$who.out"
      else
        cat "$out/one" >>"$out/$who.out"
      fi
    done
  done
  for line in $(awk '{print $1}' "$out/mallow.out" | sort -u); do
    goals=$goal
    case $line in parked) goals=1.8 ;; parked_gc) goals=0.4 ;; esac
    m=$(awk -v l="$line" '$1 == l {print $2}' "$out/mallow.out" | median)
    g=$(awk -v l="$line" '$1 == l {print $2}' "$out/go.out" | median)
    unit=$(awk -v l="$line" '$1 == l {print $3; exit}' "$out/mallow.out")
    printf '%-22s %8s %-3.3s %8s %-3.3s %8s %6s\n' "$line $ops" "$m" "$unit" "$g" "$unit" \
      "$(awk -v a="$m" -v b="$g" 'BEGIN {printf "%.2f", a / b}')" "$goals"
  done
done <<'LIST'
pingpong 1000000 0.5
buffered1 5000000 0.7
buffered4 4000000 0.7
select4 1000000 0.7
mutex8 8000000 1.0
spawn 1000000 0.7
yield 4000000 0.6
timeout 500000 -
sleep 100000 -
tickers 10000 1.0
sleepers 10000 1.0
parked 100000 1.8
parked 1000000 1.8
LIST
