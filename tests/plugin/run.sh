#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh BUILD FILECHECK FILE -- executes the RUN lines of a test
#
#   %cc      clang with the plugin and mallow's headers
#   %ir0 %ir2  the same, to LLVM IR on stdout, at -O0 and -O2, of this file
#   %early   IR after the early pass alone (markers still there)
#   %opt     opt with the plugin, IR on stdout
#   %mallow  the command   %check  FileCheck of this file   %s  this file
#   %S       its folder    %t      a scratch name           %lib  the plugin
#
# A RUN line fails when any command of its pipeline does; `not CMD` succeeds
# when CMD fails with an ordinary exit status.

set -eu
build=$1 filecheck=$2 file=$3
folder=$(dirname "$file")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
plugin=$build/lib/libmallow-cc.so
clang=${MALLOW_CLANG:-clang-19}
opt=${MALLOW_OPT:-opt-19}
include=$(cat "$build/lib/mallow-build-tree")
cc="$clang -fpass-plugin=$plugin -I$include"
early="$clang -O2 -Xclang -disable-llvm-passes -I$include -S -emit-llvm $file -o - | $opt -load-pass-plugin=$plugin -passes=mallow-early -S"

not() {
  status=0
  "$@" || status=$?
  [ "$status" -gt 0 ] && [ "$status" -lt 128 ]
}

count=0
sed -n 's/.*RUN:[[:blank:]]*//p' "$file" >"$scratch/lines"
[ -s "$scratch/lines" ] || { echo "run.sh: no RUN line in $file"; exit 1; }
while IFS= read -r line; do
  count=$((count + 1))
  command=$(printf '%s\n' "$line" | sed \
    -e "s~%check~$filecheck --enable-var-scope --dump-input=fail --input-file=- $file~g" \
    -e "s~%early~$early~g" \
    -e "s~%ir\([0-3]\)~$cc -O\1 -S -emit-llvm $file -o -~g" \
    -e "s~%cc~$cc~g" -e "s~%opt~$opt -load-pass-plugin=$plugin -S~g" \
    -e "s~%mallow~$build/bin/mallow~g" -e "s~%lib~$plugin~g" -e "s~%build~$build~g" \
    -e "s~%S~$folder~g" -e "s~%s~$file~g" -e "s~%t~$scratch/t~g")
  # every stage of the pipeline has to succeed
  stages=$(printf '%s\n' "$command" | sed 's/ | / || touch "$scratch\/failed"; } | { /g')
  rm -f "$scratch/failed"
  if ! eval "{ $stages; }" || [ -e "$scratch/failed" ]; then
    echo "run.sh: RUN line $count failed: $command"
    exit 1
  fi
done <"$scratch/lines"
