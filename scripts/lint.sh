#!/bin/sh
# SPDX-License-Identifier: MIT
#
# lint.sh -- formatting and static analysis of the C files that git knows
#
#   lint.sh format           rewrite in place with clang-format 19
#   lint.sh check-format     name the files that it would change; status 1
#   lint.sh check-text       licence lines, leftover notes, includes that go up,
#                            links to no file; status 1
#   lint.sh tidy BUILD       clang-tidy 19 with BUILD/compile_commands.json
#   lint.sh analyze BUILD    clang's static analyser: minutes, and a person has
#                            to judge what it says
#
# The last two remember below BUILD what was clean: a file is looked at again
# when it, any header or .clang-tidy has changed.

set -eu
cd "$(dirname "$0")/.."

files() {
  git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  echo "lint.sh: not a git checkout, nothing looked at"
  exit 0
fi

case ${1-} in
format)
  files '*.c' '*.h' '*.cpp' | xargs -r clang-format-19 -i
  ;;
check-format)
  wrong=$(files '*.c' '*.h' '*.cpp' | xargs -r clang-format-19 --dry-run -Werror 2>&1 |
    sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error: .*/\1/p' | sort | uniq -c)
  [ -z "$wrong" ] || { printf 'places to format (make format):\n%s\n' "$wrong"; exit 1; }
  ;;
check-text)
  result=0
  for file in $(files '*.c' '*.h' '*.cpp' '*.S' '*.sh' '*.py' '*.go' '*.cmake' '*CMakeLists.txt' Makefile); do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || {
      echo "$file: no SPDX line at the top"
      result=1
    }
  done
  # the patterns are split so that they do not find themselves
  if files | grep -v '^LICENSE$' | xargs grep -nIE '\b(TO''DO|FIX''ME|XX''X)\b|place''holder'; then result=1; fi
  if files | xargs grep -nI '[^a-z]/wo''rk/'; then result=1; fi
  if files '*.c' '*.h' '*.sh' '*.md' '*.cmake' | xargs grep -nI '[[:blank:]]$'; then result=1; fi
  # base < os < heap < gc < sched < debug
  above=
  for layer in debug sched gc heap os base; do
    if [ -n "$above" ] && files "src/$layer/*" | xargs -r grep -nE "#include \"($above)/"; then
      echo "src/$layer includes a higher layer"
      result=1
    fi
    above=${above:+$above|}$layer
  done
  # links of the documentation to files
  for file in $(files '*.md'); do
    folder=$(dirname "$file")
    for target in $(grep -oE '\]\([^):]+\)' "$file" | sed 's/^](//; s/[#)].*//'); do
      [ -e "$folder/$target" ] || { echo "$file: no $target"; result=1; }
    done
  done
  exit $result
  ;;
tidy | analyze)
  build=$2
  checks=
  [ "$1" = tidy ] || checks='-*,clang-analyzer-*,-clang-analyzer-security.*,-clang-analyzer-unix.Stream'
  mkdir -p "$build/$1"
  common=$( (clang-tidy-19 --version; cat .clang-tidy; files '*.h' | xargs cat) | sha256sum)
  stamps=$build/$1
  export build checks common stamps
  files 'src/*.c' 'driver/*.c' 'plugin/*.c' | xargs -r -P "$(nproc)" -n 1 sh -c '
    key=$( (echo "$common"; cat "$1") | sha256sum | cut -d " " -f 1)
    stamp=$stamps/$(echo "$1" | tr / _).$key
    [ ! -e "$stamp" ] || exit 0
    if clang-tidy-19 --quiet -p "$build" --checks="$checks" "$1" >"$stamp.log" 2>/dev/null; then
      touch "$stamp"
    else
      cat "$stamp.log"
      result=1
    fi
    rm -f "$stamp.log"
    exit ${result:-0}' sh
  ;;
*)
  echo "usage: lint.sh format | check-format | check-text | tidy BUILD | analyze BUILD" >&2
  exit 2
  ;;
esac
