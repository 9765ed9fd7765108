# SPDX-License-Identifier: MIT
#
# lib.sh -- what the scripts beside it share; sourced with their arguments
#
# Sets mallow (the command), here (this folder), clang and objcopy (plain ones), and work: a
# scratch folder, removed at the end.

set -eu
mallow=$1
here=$(cd "$(dirname "$0")" && pwd)
clang=${MALLOW_CLANG:-clang-19}
objcopy=llvm-objcopy-${clang##*-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What went wrong, and what a command has printed into `out`; a script that goes on ends with
# `exit $failed`.
failed=0
fail() {
  echo "${0##*/}: $*"
  cat out 2>/dev/null || :
  failed=1
}
die() {
  fail "$@"
  exit 1
}

# gdb, and the right to trace a process, which some containers do not give.
needs_gdb() {
  command -v gdb >/dev/null || die "gdb is not installed: scripts/setup.sh does it"
  if gdb -nx -batch -ex run /bin/true 2>&1 | grep -q 'ptrace: Operation not permitted'; then
    echo "${0##*/}: skipped, no process may be traced here"
    exit 0
  fi
}
