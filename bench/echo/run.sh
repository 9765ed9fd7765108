#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench/echo/run.sh -- an echo server on loopback: mallow beside Go
#
#     bench/echo/run.sh [BUILD]     (BUILD default: build)
#
# Servers mallow.c and go.go, a goroutine for each connection, and bare.c, which
# has no goroutines and does what the kernel asks for only, in two ways; the load is Debian's
# wrk: ECHO_CONNECTIONS (default 1000) connections that each send the next
# request when the answer is there.  ECHO_RUNS (default 5) runs of ECHO_SECONDS
# (default 5) each, the servers in turn; medians, and of the ratios their
# medians too, run by run: neighbours in time saw the same machine.
#
#   ECHO_THREADS  wrk's threads (default 2; with one, it is what limits mallow)
#   ECHO_CC       the compiler command (default BUILD/bin/mallow cc)

set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
runs=${ECHO_RUNS:-5}
seconds=${ECHO_SECONDS:-5}
connections=${ECHO_CONNECTIONS:-1000}
threads=${ECHO_THREADS:-2}
out=$build/bench/echo
mkdir -p "$out"
command -v wrk >/dev/null || {
  echo "echo: no wrk; see scripts/setup.sh --bench" >&2
  exit 1
}

${ECHO_CC:-$build/bin/mallow cc} -std=gnu17 -O2 "$here/mallow.c" -o "$out/mallow"
go build -o "$out/go" "$here/go.go"
clang-19 -std=gnu17 -O2 -pthread "$here/bare.c" -o "$out/bare"
ulimit -n "$(ulimit -Hn)"

server=
trap '[ -z "$server" ] || kill "$server"' EXIT

# One run of one server: requests a second, 50th, 99th, 99.9th percentile in us, errors.
measure() {
  local port=$((20000 + RANDOM % 10000)) program=$1 how=
  [ "$1" != homes ] || { program=bare how=homes; }
  : >"$out/ready" # not the last one's word
  "$out/$program" $port $how >"$out/ready" 2>&1 &
  server=$!
  until grep -q ready "$out/ready"; do
    kill -0 "$server" || { echo "echo: $1 has ended" >&2; cat "$out/ready" >&2; exit 1; }
    sleep 0.1
  done
  wrk -t"$threads" -c"$connections" -d"${seconds}s" -s "$here/report.lua" \
    "http://127.0.0.1:$port/" >"$out/wrk" 2>&1 || :
  grep -q ^RESULT "$out/wrk" || { echo "echo: no result for $1:" >&2; cat "$out/wrk" >&2; exit 1; }
  sed -n 's/^RESULT //p' "$out/wrk" >>"$out/$1.out"
  # processor time of all its threads, us for each answer
  cat /proc/"$server"/task/*/schedstat | awk -v s="$seconds" -v n="$(tail -n 1 "$out/$1.out")" \
    '{ns += $1} END {split(n, a, " "); printf "%.2f\n", ns / 1000 / (a[1] * s)}' >>"$out/$1.cpu"
  kill "$server" || { echo "echo: $1 has ended" >&2; exit 1; }
  wait "$server" 2>/dev/null || :
  server=
}

rm -f "$out"/*.out "$out"/*.cpu
for _ in $(seq "$runs"); do
  measure mallow
  measure go
  measure bare
  measure homes
done

echo "machine  $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, Linux $(uname -r)"
echo "versions $(go version); $(wrk -v 2>&1 | sed -n 's/ *\[.*//p;q')"
echo "$connections connections, wrk -t$threads, $runs runs of $seconds s, interleaved, medians"
paste "$out/mallow.out" "$out/go.out" "$out/bare.out" "$out/homes.out" | awk '
  function median(a, n,   i, j, t) {
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && a[j] < a[j - 1]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    return a[int((n + 1) / 2)]
  }
  {
    n++
    errors += $5 + $10 + $15 + $20
    for (i = 1; i <= 4; i++) {
      m[i, n] = $i; g[i, n] = $(i + 5); f[i, n] = $(i + 10); h[i, n] = $(i + 15)
      r[i, n] = $i / $(i + 5); q[i, n] = $(i + 10) / $(i + 5); p[i, n] = $(i + 15) / $(i + 5)
    }
  }
  END {
    split("requests/s|50% us|99% us|99.9% us", name, "|")
    split(">= 1.3|||<= 1", goal, "|")
    printf "%-12s %9s %9s %9s %9s %10s %8s %9s  %s\n", "", "mallow", "go", "bare", "homes", "mallow/go",
      "bare/go", "homes/go", "goal"
    for (i = 1; i <= 4; i++) {
      for (k = 1; k <= n; k++) {
        a[k] = m[i, k]; b[k] = g[i, k]; c[k] = r[i, k]; d[k] = f[i, k]; e[k] = q[i, k]; u[k] = h[i, k]
        v[k] = p[i, k]
      }
      printf "%-12s %9d %9d %9d %9d %10.2f %8.2f %9.2f  %s\n", name[i], median(a, n), median(b, n),
        median(d, n), median(u, n), median(c, n), median(e, n), median(v, n), goal[i]
    }
    printf "%-12s %9d\n", "errors", errors
  }'
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
m=$(median <"$out/mallow.cpu") g=$(median <"$out/go.cpu") f=$(median <"$out/bare.cpu")
h=$(median <"$out/homes.cpu")
awk -v m="$m" -v g="$g" -v f="$f" -v h="$h" 'BEGIN {
  printf "%-12s %9s %9s %9s %9s %10.2f %8.2f %9.2f\n", "CPU us each", m, g, f, h, m / g, f / g, h / g}'
