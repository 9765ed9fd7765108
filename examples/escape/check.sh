#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh MALLOW -- the output that README.md shows is the output that comes
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^    [$] / { sub(/^    [$] /, ""); print > "'"$work"'/commands"; n++; next }
     /^    / && n { sub(/^    /, ""); print > ("'"$work"'/want." n) }' README.md
n=0
mkdir "$work/bin"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$1" >"$work/bin/mallow"
chmod +x "$work/bin/mallow"
while IFS= read -r command; do
  n=$((n + 1))
  command=$(printf '%s\n' "$command" | sed "s|/tmp/|$work/|g")
  PATH="$work/bin:$PATH" sh -c "$command" >"$work/got" 2>&1 || :
  touch "$work/want.$n"
  diff -u "$work/want.$n" "$work/got" || {
    echo "check.sh: README.md shows another output of: $command"
    exit 1
  }
done <"$work/commands"
test "$n" -ge 10
