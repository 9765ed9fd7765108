#!/bin/sh
# SPDX-License-Identifier: MIT
#
# lint.sh -- formatting and static analysis of the C files that git knows
#
#   lint.sh format           rewrite in place with clang-format 19
#   lint.sh check-format     complain about what that would change; status 1
#   lint.sh tidy BUILD       clang-tidy 19 with BUILD/compile_commands.json
#
# tidy remembers in BUILD/tidy/ what was clean: a file is analysed again when
# it, any header, .clang-tidy or its command has changed.

set -eu
cd "$(dirname "$0")/.."

c_files() {
  git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

case ${1-} in
format)
  c_files '*.c' '*.h' '*.cpp' | xargs -r clang-format-19 -i
  ;;
check-format)
  c_files '*.c' '*.h' '*.cpp' | xargs -r clang-format-19 --dry-run -Werror
  ;;
tidy)
  build=$2
  mkdir -p "$build/tidy"
  common=$( (clang-tidy-19 --version; cat .clang-tidy; c_files '*.h' | xargs cat) | sha256sum)
  export build common
  c_files 'src/*.c' 'driver/*.c' 'plugin/*.c' | xargs -r -P "$(nproc)" -n 1 sh -c '
    key=$( (echo "$common"; cat "$1") | sha256sum | cut -d " " -f 1)
    stamp=$build/tidy/$(echo "$1" | tr / _).$key
    [ ! -e "$stamp" ] || exit 0
    clang-tidy-19 --quiet -p "$build" "$1" 2>"$stamp.log" || { cat "$stamp.log"; exit 255; }
    rm -f "$stamp.log"
    touch "$stamp"' sh
  ;;
*)
  echo "usage: lint.sh format | check-format | tidy BUILD" >&2
  exit 2
  ;;
esac
