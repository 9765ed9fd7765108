#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pprof.sh KIND PROGRAM GO_CACHE -- the profiles of PROGRAM (profiles.c), read by `go tool pprof`,
# which the folder that the file GO_CACHE names has

kind=$1
program=$2
GOCACHE=$(cat "$3")
source=$(cd "$(dirname "$0")" && pwd)/profiles.c
[ -n "$GOCACHE" ] || { echo "pprof.sh: skipped, there is no go to read profiles with"; exit 0; }

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1 # pprof looks for sources from here; the name of this folder is in no path
export GOCACHE GOFLAGS= GOTOOLCHAIN=local HOME="${HOME:-$folder}" PPROF_TMPDIR="$folder"
tool=$(go tool -n pprof) || { echo "pprof.sh: skipped, this go has no pprof"; exit 0; }

die() { echo "pprof.sh: $*" >&2; exit 1; }
pprof() { "$tool" "$@" 2>"$folder/errors" || { cat "$folder/errors" >&2; die "pprof $*"; }; }
line_of() { grep -n "line: $1 " "$source" | cut -d: -f1; }

# The flat, or with field 4 the cumulative, value of a function in -top's output.
value() { # FILE FUNCTION FIELD OPTIONS...
  file=$1 name=$2 field=$3; shift 3
  pprof -top -nodecount=1000 "$@" "$folder/$file" |
    awk -v name="$name" -v field="$field" '$6 == name { print $field + 0; found = 1 } END { if (!found) print 0 }'
}

# -list of FUNCTION has a value at the line marked with its name
lists() { # FILE FUNCTION
  pprof -list "^$2\$" "$folder/$1" >"$folder/list"
  grep -Eq "[0-9.]+(m?s|MB) +[0-9.]+(m?s|MB) +$(line_of "$2"): " "$folder/list" ||
    { cat "$folder/list"; die "-list $2"; }
}

# NAME VALUE LOW HIGH
between() {
  awk -v v="$2" -v lo="$3" -v hi="$4" 'BEGIN { exit !(v >= lo && v <= hi) }' ||
    die "$1 is $2, expected $3 to $4"
}

"$program" "$kind" "$folder" || die "$program $kind failed"

case $kind in
heap)
  # within what sampling at 512 KiB gives: 128 samples each, 9 % of standard deviation, six of it
  between "kept" "$(value heap keep 1 -unit=MB -sample_index=inuse_space)" 29 101
  between "dropped, in use" "$(value heap drop 1 -unit=MB -sample_index=inuse_space)" 0 3
  between "dropped, allocated" "$(value allocs drop 1 -unit=MB)" 29 101
  between "large" "$(value heap inlined 1 -unit=MB -sample_index=inuse_space)" 8 9
  between "kept after its death" "$(value freed keep 1 -unit=MB -sample_index=inuse_space)" 0 3
  pprof -raw "$folder/heap" >"$folder/raw"
  grep -q '^PeriodType: space bytes' "$folder/raw" && grep -q '^Period: 524288' "$folder/raw" || die "period"
  grep -q 'alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes' "$folder/raw" ||
    die "sample types"
  grep -q 'bytes:\[64 bytes\]' "$folder/raw" || die "no size label"
  grep -Eq "M=1 inlined .*/profiles.c:$(line_of inlined):" "$folder/raw" || die "no inlined frame"
  grep -Eq '^1: 0x[0-9a-f]+/0x[0-9a-f]+/0x[0-9a-f]+ .*/pprof-profiles [0-9a-f]{40}' "$folder/raw" ||
    die "no mapping with a build id"
  lists heap keep
  grep -Eq '^heap profile: [0-9]+: [0-9]+ \[[0-9]+: [0-9]+\] @ heap/1048576$' "$folder/heap.txt" || die "text"
  grep -q '^# HeapAlloc = ' "$folder/heap.txt" || die "text without statistics"
  between "kept, by the text form" \
    "$(pprof -top -unit=MB -sample_index=inuse_space "$folder/heap.txt" | awk '/Showing nodes/ { print $5 + 0 }')" 37 110
  # without zlib (and so without libdw): uncompressed, with names
  mkdir "$folder/bare" "$folder/poor" && : >"$folder/poor/libz.so.1"
  LD_LIBRARY_PATH=$folder/poor "$program" heap "$folder/bare" || die "without zlib"
  between "kept, without zlib" "$(value bare/heap keep 1 -unit=MB -sample_index=inuse_space)" 29 101
  ;;
exact)
  between "objects kept" "$(value heap keep 1 -sample_index=inuse_objects)" 10000 10000
  between "bytes kept" "$(value heap keep 1 -unit=B -sample_index=inuse_space)" 640000 640000
  between "objects dropped" "$(value heap drop 1 -sample_index=alloc_objects)" 1000 1000
  between "objects kept with sampling off" "$(value off keep 1 -sample_index=inuse_objects)" 10000 10000
  ;;
goroutine)
  between "waiters" "$(value goroutine wait_here 1)" 25 25
  pprof -raw "$folder/goroutine" | grep -Eq "M=1 wait_here .*/profiles.c:$(line_of wait):" || die "line"
  grep -q '^goroutine profile: total 26$' "$folder/goroutine.txt" || die "text"
  [ "$(grep -c '^goroutine .*\[chan receive\]:$' "$folder/goroutines.txt")" -eq 25 ] || die "debug=2"
  pprof -raw "$folder/threadcreate" | grep -q '^threadcreate/count' || die "threadcreate"
  between "threads made for attach_here, itself first" "$(value threadcreate attach_here 4)" 1 10
  ;;
contention)
  # 40 turns of 5 ms or more, with three others waiting; no more than four of the test's time limit
  between "milliseconds waited" "$(value block hold 4 -unit=ms)" 300 480000
  between "milliseconds made to wait" "$(value mutex hold 4 -unit=ms)" 300 480000
  between "contended unlocks" "$(value mutex hold 4 -sample_index=contentions)" 20 45
  pprof -raw "$folder/mutex" | grep -Eq " hold .*/profiles.c:$(line_of unlock):" || die "line of the unlock"
  grep -q '^--- contention:$' "$folder/block.txt" && grep -q '^sampling period=1$' "$folder/mutex.txt" || die "text"
  ;;
cpu)
  pprof -raw "$folder/cpu" >"$folder/raw"
  grep -q '^PeriodType: cpu nanoseconds' "$folder/raw" && grep -q '^Period: 10000000' "$folder/raw" || die "period"
  total=$(value cpu spinner 4 -unit=ms)
  between "milliseconds in all" "$total" 1000 2500
  most=$(value cpu burn_most 4 -unit=ms)
  between "burn_most, part of both" "$most" "$(echo "$total" | awk '{ print $1 * 0.15 }')" "$total"
  between "burn_some, against burn_most" "$(value cpu burn_some 4 -unit=ms)" 0 "$most"
  lists cpu burn
  # through libc's bsearch, which has no frame pointers
  grep -q '^ *[0-9]*: .* compare ' "$folder/raw" || die "no callback out of a library"
  pprof -peek '^external$' "$folder/cpu" | grep -q 'spinner' || die "no caller beyond a library"
  ;;
esac
