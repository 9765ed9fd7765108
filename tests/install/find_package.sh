# SPDX-License-Identifier: MIT
# find_package.sh -- consumer/ with CMake, shared and static
. "$(dirname "$0")/lib.sh"

"$CMAKE" -G Ninja -S "$here/consumer" -B out -DCMAKE_C_COMPILER="$CLANG" \
  -DCMAKE_PREFIX_PATH="$prefix" -DPROJECT="$here/project" >log || { cat log; die configure; }
"$CMAKE" --build out >log || { cat log; die build; }
expect 'sum 500500, words 3: alpha beta gamma' out/shared
expect 'sum 500500, words 3: alpha beta gamma' out/static

# A compiler that cannot load the plugin is refused with the reason.
if command -v gcc >/dev/null 2>&1; then
  if "$CMAKE" -G Ninja -S "$here/consumer" -B gcc -DCMAKE_C_COMPILER=gcc \
    -DCMAKE_PREFIX_PATH="$prefix" -DPROJECT="$here/project" >log 2>&1; then
    die "gcc was accepted"
  fi
  grep -q 'mallow needs clang 19' log || { cat log; die "gcc refused without the reason"; }
fi
