# SPDX-License-Identifier: MIT
# toolchain.sh -- project/, an unchanged CMake project: toolchain file, and CC
. "$(dirname "$0")/lib.sh"

"$CMAKE" -G Ninja -S "$here/project" -B out \
  -DCMAKE_TOOLCHAIN_FILE="$prefix/lib/cmake/mallow/mallow-toolchain.cmake" >log || { cat log; die configure; }
"$CMAKE" --build out >log || { cat log; die build; }
expect 'sum 500500, words 3: alpha beta gamma' out/prog

CC="$prefix/bin/mallow cc" "$CMAKE" -G Ninja -S "$here/project" -B cc >log || { cat log; die configure; }
"$CMAKE" --build cc >log || { cat log; die build; }
expect 'sum 500500, words 3: alpha beta gamma' cc/prog

CC="$prefix/bin/mallow-cc" "$CMAKE" -G Ninja -S "$here/consumer" -B word -DPROJECT="$here/project" \
  -DCMAKE_PREFIX_PATH="$prefix" >log || { cat log; die configure; }
"$CMAKE" --build word >log || { cat log; die build; }
if grep -q fpass-plugin word/build.ninja; then die "mallowConfig added the plugin to mallow-cc"; fi
expect 'sum 500500, words 3: alpha beta gamma' word/shared

# The package beside the command: the plugin is not asked for twice.
"$CMAKE" -G Ninja -S "$here/consumer" -B pkg -DPROJECT="$here/project" \
  -DCMAKE_TOOLCHAIN_FILE="$prefix/lib/cmake/mallow/mallow-toolchain.cmake" >log || { cat log; die configure; }
"$CMAKE" --build pkg >log || { cat log; die build; }
if grep -q fpass-plugin pkg/build.ninja; then die "mallowConfig added the plugin to mallow cc"; fi
expect 'sum 500500, words 3: alpha beta gamma' pkg/shared
