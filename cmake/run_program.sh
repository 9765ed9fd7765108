#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_program.sh -- run a program and judge its exit status and output
#
#   run_program.sh [-x STATUS|fail] [--expect FILE] [--reject FILE] [-u ULIMIT]
#                  [-l LIBRARY_FOLDER] -- PROGRAM [ARGUMENTS]
#
# FILE has a regular expression (grep -E) a line.  The output (both streams) is
# shown in any case.  Exit status 0 when the program ended with STATUS (default
# 0; `fail`: any but 0), every line of --expect was found in its output and none
# of --reject was; else 1 with a line for each thing that was not so.

expected=0
limit=
library=
expect=/dev/null
reject=/dev/null
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

while [ $# -gt 0 ]; do
  case $1 in
  -x) expected=$2; shift 2 ;;
  --expect) expect=$2; shift 2 ;;
  --reject) reject=$2; shift 2 ;;
  -u) limit=$2; shift 2 ;;
  -l) library=$2; shift 2 ;;
  --) shift; break ;;
  *) echo "run_program.sh: unknown option $1" >&2; exit 1 ;;
  esac
done

(
  if [ -n "$library" ]; then
    LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
  fi
  # shellcheck disable=SC2086 # an option and its value
  [ -z "$limit" ] || ulimit $limit || exit 125
  exec "$@"
) >"$work/output" 2>&1
status=$?
cat "$work/output"

result=0
if [ "$expected" = fail ]; then
  [ $status -ne 0 ] || { echo "run_program.sh: ended with 0, should have failed"; result=1; }
elif [ $status -ne "$expected" ]; then
  echo "run_program.sh: ended with $status, not $expected"
  result=1
fi
while IFS= read -r regex; do
  grep -Eq -e "$regex" "$work/output" || { echo "run_program.sh: not in the output: $regex"; result=1; }
done <"$expect"
while IFS= read -r regex; do
  if grep -Eq -e "$regex" "$work/output"; then
    echo "run_program.sh: must not be in the output: $regex"
    result=1
  fi
done <"$reject"
exit $result
