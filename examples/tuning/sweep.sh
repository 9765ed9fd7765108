#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sweep.sh PROGRAM [ARGUMENTS] -- the same work with other settings, a line each
#
# Writes what it prints to tuning.dat as well (tab-separated: setting, MB, collections, ms)
# for plot.sh.

set -eu
program=$1
shift
unset GOGC GOMEMLIMIT GODEBUG
: >tuning.dat

line() { # SETTINGS...: run the program with them
  result=$(env "$@" "$program" $arguments)
  echo "$*: $result"
  echo "$result" | sed -E "s/^([0-9]+) MB, ([0-9]+) collections, ([0-9]+) ms.*/$*\t\1\t\2\t\3/" >>tuning.dat
}

arguments=$*
for percent in 25 50 100 200 400; do line GOGC=$percent; done
for limit in 48MiB 64MiB 96MiB; do line GOGC=off GOMEMLIMIT=$limit; done
