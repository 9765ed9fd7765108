#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cgroup.sh PROGRAM -- GODEBUG=cgroupmemlimit=1 in a control group of our own, where we may make one
#
# PROGRAM is memlimit.c.  First what it takes for the limit; then its load, which
# the kernel would end if it went over.

program=$1
limit=$((128 << 20))
for parent in "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" \
  "/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)"; do
  group=$parent/mallow-test-$$
  mkdir "$group" 2>/dev/null || continue
  trap 'rmdir "$group"' EXIT
  for file in memory.max memory.limit_in_bytes; do
    [ -w "$group/$file" ] && echo $limit >"$group/$file" && break
  done || { rmdir "$group"; trap - EXIT; continue; }
  in_group() { sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"; }

  said=$(GODEBUG=cgroupmemlimit=1 in_group "$program" kernel) || exit 1
  [ "$said" = "limit $((limit / 100 * 90))" ] || { echo "with a limit of $limit: $said"; exit 1; }
  said=$(in_group "$program" kernel)
  [ "$said" = "limit 9223372036854775807" ] || { echo "not asked for: $said"; exit 1; }
  said=$(GODEBUG=cgroupmemlimit=1 GOMEMLIMIT=off in_group "$program" kernel)
  [ "$said" = "limit 9223372036854775807" ] || { echo "GOMEMLIMIT=off: $said"; exit 1; }
  GODEBUG=cgroupmemlimit=1 in_group "$program" holds 50 150 || { echo "status $?"; exit 1; }
  exit 0
done
echo "cgroup.sh: skipped, no control group can be made here"
