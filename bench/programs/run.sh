#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/programs/run.sh -- programs of many kinds: mallow beside Go, mimalloc and jemalloc
#
#     bench/programs/run.sh [BUILD]     (BUILD default: build)
#
# Whole processes, in turn, medians.  What they print must be the same.  Peers that
# are not installed are left out; so are weak, deep and graph for malloc, which needs a
# collector or goroutines for them.
#
#   PROGRAMS_ONLY   which (default all), e.g. "lru json"
#   PROGRAMS_RUNS   runs of each (5)
#   PROGRAMS_ARGS   arguments of all that run, instead of those in the table below

set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
runs=${PROGRAMS_RUNS:-5}
only=${PROGRAMS_ONLY:-}
out=$build/bench/programs
clang=${MALLOW_CLANG:-clang-19}
flags="-std=gnu17 -O2"
mkdir -p "$out"

die() {
  echo "bench/programs/run.sh: $*" >&2
  exit 1
}

# NAME ARGUMENTS
table() {
  cat <<END
latency 256 50000
lru 100000 2000000
json 40
btree 200000 600000
list 3000000
graph 200000 30
join 50000 40
frag 64 4
handoff 20000
spread 32 400000
larson 8 20 100000
big 100 12
weak 600000
deep 20
END
}

# ---- Peers ----------------------------------------------------------------

peers=mallow
if command -v go >/dev/null; then peers="$peers go"; else echo "Go is left out: no go on PATH"; fi
for lib in mimalloc jemalloc; do
  if echo 'int main(void) { return 0; }' | "$clang" -x c - -l$lib -o "$out/probe" 2>/dev/null; then
    peers="$peers $lib"
  else
    echo "$lib is left out: no lib$lib-dev"
  fi
done

make_peer() { # make_peer NAME PEER: false when the program has no such peer
  case $2 in
  mallow) "$build/bin/mallow" cc $flags "$here/$1.c" -o "$out/$1-$2" ;;
  go) go build -o "$out/$1-$2" "$here/$1.go" "$here/common.go" ;;
  *)
    case $1 in weak | deep | graph) return 1 ;; esac
    "$clang" $flags -DMALLOC "$here/$1.c" -pthread -l"$2" -o "$out/$1-$2"
    ;;
  esac
}

# ---- Running --------------------------------------------------------------

# median FILE EXPRESSION: of an awk expression over the lines of FILE
median() { awk "{print $2}" "$1" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

"$clang" $flags "$here/../measure.c" -o "$out/measure"
echo "machine   $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, Linux $(uname -r)"
echo "runs      $runs of each, in turn, whole processes; medians; ratios are mallow / peer"
printf '%-9s %-9s %8s %8s %9s   %6s %6s %6s\n' '' '' 'wall s' 'CPU s' 'peak MB' wall CPU peak

while read -r name arguments; do
  case " ${only:-$name} " in *" $name "*) ;; *) continue ;; esac
  arguments=${PROGRAMS_ARGS:-$arguments}
  present=
  for peer in $peers; do
    if make_peer "$name" "$peer"; then present="$present $peer"; fi
    rm -f "$out/$name-$peer".{time,out,err}
  done
  for _ in $(seq "$runs"); do
    for peer in $present; do
      run=$out/$name-$peer
      "$out/measure" "$run.time" "$run" $arguments >"$run.out" 2>>"$run.err" || die "$name: $peer failed"
      cmp -s "$run.out" "$out/$name-mallow.out" || die "$name: $peer printed something else"
    done
  done
  for peer in $present; do
    file=$out/$name-$peer.time
    wall=$(median "$file" '$1') cpu=$(median "$file" '$2 + $3') peak=$(median "$file" '$4')
    [ "$peer" != mallow ] || mine="$wall $cpu $peak"
    echo "$mine $name $peer $wall $cpu $peak" | awk '
      function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
      {printf "%-9s %-9s %8.2f %8.2f %9.1f   %6s %6s %6s\n", $4, $5, $6, $7, $8,
       ratio($1, $6), ratio($2, $7), ratio($3, $8)}'
    [ "$name" != latency ] || echo "          us of a request: p50 $(median "$out/$name-$peer.err" '$3')," \
      "p99 $(median "$out/$name-$peer.err" '$5'), p99.9 $(median "$out/$name-$peer.err" '$7')," \
      "longest $(median "$out/$name-$peer.err" '$9')"
  done
done < <(table)
