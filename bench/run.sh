#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/run.sh -- mallow beside Go, bdwgc and mimalloc: same work, same machine, in turn
#
#     bench/run.sh [BUILD]        (BUILD default: build; `make bench` calls this)
#
# Every figure is the median of BENCH_RUNS runs of a whole process; the peers'
# runs are interleaved, so that a change of the machine's mood hits all.  A peer
# that is not installed is left out with a line (scripts/setup.sh --bench).
#
#   BENCH_ONLY        which of: binary_trees alloc pingpong pause memlimit pool programs demo (default all)
#   BENCH_RUNS        runs of each (5)
#   BENCH_DEPTH       binary_trees: depth (19)
#   BENCH_ALLOC_MB    alloc: megabytes for each size (256)
#   BENCH_MESSAGES    pingpong: messages (1000000)
#   BENCH_LIVE_MB     pause: live megabytes (256)
#   BENCH_REPLACED    pause: trees replaced (400; a cycle comes with each BENCH_LIVE_MB / 4 of them)
#   BENCH_PEERS       only these (default: all that are installed)
#   BENCH_LIMIT       memlimit: GOMEMLIMIT (256MiB), with 150 MB live
#   BENCH_GARBAGE_MB  memlimit: megabytes allocated beside (1500)
#   BENCH_PAIRS       pool: pairs of get and put (20000000)
#   PROGRAMS_ONLY, PROGRAMS_ARGS   programs: see programs/run.sh
#   BENCH_DIR         demo: folder (/usr/include)

set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../build}" && pwd)
out=$build/bench
only=${BENCH_ONLY:-binary_trees alloc pingpong pause memlimit pool programs demo}
runs=${BENCH_RUNS:-5}
depth=${BENCH_DEPTH:-19}
alloc_mb=${BENCH_ALLOC_MB:-256}
messages=${BENCH_MESSAGES:-1000000}
live_mb=${BENCH_LIVE_MB:-256}
replaced=${BENCH_REPLACED:-400}
limit=${BENCH_LIMIT:-256MiB}
garbage_mb=${BENCH_GARBAGE_MB:-1500}
pairs=${BENCH_PAIRS:-20000000}
dir=${BENCH_DIR:-/usr/include}

clang=${MALLOW_CLANG:-clang-19}
cflags="-std=gnu17 -O2 -I$here"
mallow=$build/bin/mallow

mkdir -p "$out"
results=$out/results
rm -rf "$results"
mkdir "$results"

die() {
  echo "bench/run.sh: $*" >&2
  exit 1
}

# ---- Who is here --------------------------------------------------------

library() { # library FLAG HEADER: can clang link it?
  echo "#include <$2>
int main(void) { return 0; }" | "$clang" -x c - "$1" -o "$out/probe" 2>/dev/null
}

[ -x "$mallow" ] || die "$mallow is missing: run make first"
peers=mallow
if command -v go >/dev/null; then peers="$peers go"; else echo "Go is left out: no go on PATH"; fi
if library -lgc gc.h; then peers="$peers bdwgc"; else echo "bdwgc is left out: no libgc-dev"; fi
if library -lmimalloc mimalloc.h; then
  peers="$peers mimalloc"
else
  echo "mimalloc is left out: no libmimalloc-dev"
fi

if [ -n "${BENCH_PEERS:-}" ]; then
  all=$peers peers=
  for peer in $all; do case " $BENCH_PEERS " in *" $peer "*) peers="$peers $peer" ;; esac; done
fi

build_peer() { # build_peer BENCH PEER: false when this bench has no such peer
  local exe=$out/$1-$2
  case $2 in
  mallow) "$mallow" cc $cflags "$here/$1/mallow.c" -o "$exe" ;;
  go) [ -f "$here/$1/go.go" ] && go build -o "$exe" "$here/$1/go.go" ;;
  bdwgc) [ -f "$here/$1/bdwgc.c" ] && "$clang" $cflags "$here/$1/bdwgc.c" -lgc -o "$exe" ;;
  mimalloc)
    [ -f "$here/$1/malloc.c" ] &&
      "$clang" $cflags "$here/$1/malloc.c" -pthread -lmimalloc -o "$exe"
    ;;
  esac
}

# ---- Running ------------------------------------------------------------

# run_all BENCH ARGUMENTS: sets `present`; leaves BENCH-PEER.time (a line a run)
# and BENCH-PEER.out (what the programs printed, all runs) in $results.
run_all() {
  local bench=$1 peer run
  shift
  present=
  for peer in $peers; do
    if build_peer "$bench" "$peer"; then present="$present $peer"; fi
  done
  for run in $(seq "$runs"); do
    for peer in $present; do
      "$out/measure" "$results/$bench-$peer.time" "$out/$bench-$peer" "$@" \
        >>"$results/$bench-$peer.out" || die "$bench-$peer failed in run $run"
    done
  done
}

median() { sort -g | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : "-"}'; }

# time_column BENCH PEER N: median of a column of the .time file
time_column() { awk -v n="$3" '{print $n}' "$results/$1-$2.time" | median; }

# printed BENCH PEER LINE [WORD]: median of the value after WORD (or after LINE)
printed() {
  awk -v line="$3" -v word="${4:-$3}" \
    '$1 == line {for (i = 1; i < NF; i++) if ($i == word) print $(i + 1)}' \
    "$results/$1-$2.out" | median
}

# ratio A B: A/B with two decimals
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a + 0 > 0 && b + 0 > 0) printf "%.2f", a / b; else print "-"}'; }

# ---- The machine --------------------------------------------------------

head_line() {
  echo "machine   $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors," \
    "$(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1048576}' /proc/meminfo), Linux $(uname -r)"
  echo "versions  mallow $("$mallow" version 2>/dev/null | head -n 1), $("$clang" --version | head -n 1)"
  case " $peers " in *" go "*) echo "          $(go version)" ;; esac
  case " $peers " in *" bdwgc "*) echo "          bdwgc $(pkg-config --modversion bdw-gc 2>/dev/null || echo '?')" ;; esac
  case " $peers " in *" mimalloc "*)
    echo "          mimalloc $(dpkg-query -W -f '${Version}' libmimalloc-dev 2>/dev/null || echo '?')" ;;
  esac
  echo "runs      $runs of each, interleaved, whole processes; medians"
}

"$clang" $cflags "$here/measure.c" -o "$out/measure"
head_line

# ---- The tables ---------------------------------------------------------

for bench in $only; do
  echo
  case $bench in
  binary_trees)
    run_all binary_trees "$depth"
    echo "binary_trees, depth $depth (mallow and Go: a goroutine a depth; bdwgc: one thread; mimalloc: a thread a depth)"
    printf '  %-10s %9s %9s %9s %9s %14s\n' '' 'wall s' 'user s' 'sys s' 'peak MB' 'mallow / peer'
    mine=$(time_column binary_trees mallow 1)
    for peer in $present; do
      lines=$(($(wc -l <"$results/binary_trees-$peer.out") / runs))
      [ "$(head -n "$lines" "$results/binary_trees-$peer.out" | sort | md5sum)" = \
        "$(head -n "$lines" "$results/binary_trees-mallow.out" | sort | md5sum)" ] ||
        die "binary_trees: $peer printed other results"
      wall=$(time_column binary_trees "$peer" 1)
      printf '  %-10s %9s %9s %9s %9s %14s\n' "$peer" "$wall" "$(time_column binary_trees "$peer" 2)" \
        "$(time_column binary_trees "$peer" 3)" "$(time_column binary_trees "$peer" 4)" "$(ratio "$mine" "$wall")"
    done
    ;;
  alloc)
    run_all alloc "$alloc_mb"
    echo "alloc, ns for each object, $alloc_mb MB of each size, one goroutine or thread (in brackets: mallow / peer)"
    printf '  %-8s' bytes
    for peer in $present; do printf ' %18s' "$peer"; done
    echo
    for bytes in 16 32 64 128 256 1024 4096 32768 262144; do
      printf '  %-8s' "$bytes"
      mine=$(printed alloc mallow "alloc_${bytes}_ns")
      for peer in $present; do
        ns=$(printed alloc "$peer" "alloc_${bytes}_ns")
        printf ' %18s' "$ns ($(ratio "$mine" "$ns"))"
      done
      echo
    done
    ;;
  pingpong)
    run_all pingpong "$messages"
    echo "pingpong, ns for each of $messages messages"
    printf '  %-10s %22s %22s\n' '' 'unbuffered, to and fro' 'room for 128, one way'
    for peer in $present; do
      printf '  %-10s %22s %22s\n' "$peer" "$(printed pingpong "$peer" pingpong_ns_per_message)" \
        "$(printed pingpong "$peer" pipe_ns_per_message)"
    done
    printf '  %-10s' 'mallow/go'
    for what in pingpong pipe; do
      case " $present " in
      *" go "*) printf ' %22s' "$(ratio "$(printed pingpong mallow ${what}_ns_per_message)" \
        "$(printed pingpong go ${what}_ns_per_message)")" ;;
      esac
    done
    echo
    ;;
  pause)
    run_all pause "$live_mb" "$replaced"
    echo "pause, $live_mb MB live, $replaced trees of 4 MB replaced (ms; a cycle's stops are added;" \
      "least share of its speed over 20 and 100 ms)"
    printf '  %-10s %9s %10s %7s %9s %9s %9s %7s %7s %7s %8s\n' '' 'longest' 'all stops' cycles \
      'repl. p50' p99 max '20 ms' '100 ms' 'wall s' 'peak MB'
    for peer in $present; do
      printf '  %-10s %9s %10s %7s %9s %9s %9s %7s %7s %7s %8s\n' "$peer" \
        "$(printed pause "$peer" stop_ms longest_cycle)" "$(printed pause "$peer" stop_ms total)" \
        "$(printed pause "$peer" stop_ms cycles)" "$(printed pause "$peer" replace_ms median)" \
        "$(printed pause "$peer" replace_ms p99)" "$(printed pause "$peer" replace_ms max)" \
        "$(printed pause "$peer" utilisation 20_ms)" "$(printed pause "$peer" utilisation 100_ms)" \
        "$(time_column pause "$peer" 1)" "$(time_column pause "$peer" 4)"
    done
    ;;
  memlimit)
    GOMEMLIMIT=$limit run_all memlimit 150 "$garbage_mb"
    echo "memlimit, GOMEMLIMIT=$limit, 150 MB live, $garbage_mb MB of garbage (held: sys - heap_released, sampled)"
    printf '  %-10s %9s %9s %9s %9s %9s %14s\n' '' 'wall s' 'CPU s' 'held MB' 'peak MB' cycles 'CPU: mallow / peer'
    mine=$(printed memlimit mallow memlimit cpu_s)
    for peer in $present; do
      cpu=$(printed memlimit "$peer" memlimit cpu_s)
      printf '  %-10s %9s %9s %9s %9s %9s %14s\n' "$peer" "$(printed memlimit "$peer" memlimit wall_s)" "$cpu" \
        "$(printed memlimit "$peer" memlimit peak_mb)" "$(time_column memlimit "$peer" 4)" \
        "$(printed memlimit "$peer" memlimit cycles)" "$(ratio "$mine" "$cpu")"
    done
    ;;
  pool)
    echo "pool, CPU ns for a get and a put, $pairs pairs each"
    printf '  %-12s %10s %10s %14s\n' '' mallow go 'mallow / go'
    for n in 1 2; do
      rm -f "$results"/pool-*
      GOMAXPROCS=$n run_all pool "$pairs" "$n"
      mine=$(printed pool mallow "pool_${n}_ns")
      theirs=-
      case " $present " in *" go "*) theirs=$(printed pool go "pool_${n}_ns") ;; esac
      printf '  %-12s %10s %10s %14s\n' "$n processors" "$mine" "$theirs" "$(ratio "$mine" "$theirs")"
    done
    ;;
  programs) PROGRAMS_RUNS=$runs "$here/programs/run.sh" "$build" ;;
  demo)
    index=$build/examples/index/bin/index
    if [ ! -x "$index" ]; then
      echo "demo is left out: no $index (build the target index)"
      continue
    fi
    for run in $(seq "$runs"); do
      status=0
      "$out/measure" "$results/demo-mallow.time" "$index" "$dir" >>"$results/demo-mallow.out" \
        2>/dev/null || status=$?
      [ "$status" -le 1 ] || die "demo failed in run $run"
    done
    longest=$(sed -n 's/.*stops  *longest one \([0-9.]*\) ms.*/\1/p' "$results/demo-mallow.out")
    echo "demo (examples/index over $dir)"
    printf '  wall %s s, user %s s, peak %s MB; longest stop: median of runs %s ms, of all runs %s ms\n' \
      "$(time_column demo mallow 1)" "$(time_column demo mallow 2)" "$(time_column demo mallow 4)" \
      "$(echo "$longest" | median)" "$(echo "$longest" | sort -g | tail -n 1)"
    ;;
  *) die "no benchmark '$bench'" ;;
  esac
done
