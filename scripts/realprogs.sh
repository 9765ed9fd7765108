#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scripts/realprogs.sh -- Debian's lua5.4, cjson and zlib, unchanged, compiled by mallow
#
#     scripts/realprogs.sh MALLOW FOLDER
#
# Job      Fetch the three source packages into FOLDER (once), build each with
#          plain clang, with CC="MALLOW cc" and with -fgc-malloc besides (their
#          malloc is then the collector's, and what it frees is overwritten while
#          the tests run), at -O0 and -O2, run their own test suites, and print
#          code size and run time side by side.
# Tests    cjson: its ctest suite.  zlib: `make test` (example and minigzip,
#          static, shared and 64-bit).  lua5.4: the package has no test suite
#          (`make test` prints the version), so tests/realprogs/language.lua.
#          sqlite, only where asked for: the speed test that is in its sources, in memory, with
#          --verify, whose hash has to be clang's.
# Sources  As Debian ships them.  Two of lua's Debian patches are taken back,
#          which make the build need libtool and Debian's folders; without them
#          lua's own Makefile works.
# Needs    network (the first time), apt, dpkg-dev, make, cmake, clang-19
#          REALPROGS="lua zlib" takes some of them only, REALPROGS=sqlite needs tclsh;
#          LEVELS=-O2 one level only
# Exit     0 all tests passed; 1 some failed; 77 the packages cannot be fetched

set -eu
[ $# = 2 ] || {
  echo "usage: scripts/realprogs.sh MALLOW FOLDER" >&2
  exit 64
}
here=$(cd "$(dirname "$0")/.." && pwd)
mallow=$(realpath "$1")
clang=${MALLOW_CLANG:-clang-19}
mkdir -p "$2"
work=$(cd "$2" && pwd)
failures=0

# ---- Fetch ----------------------------------------------------------------

fetch() {
  local apt=$work/apt codename
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
    "http://deb.debian.org/debian $codename main" >"$apt/sources.list"
  local options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  (cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" source lua5.4 cjson zlib ${more:-}) \
    >"$work/fetch.log" 2>&1
}

more=
case " ${REALPROGS:-} " in *" sqlite "*) more=sqlite3 ;; esac
if ! [ -e "$work/fetched$more" ]; then
  rm -rf "$work"/lua5.4-*/ # patched below
  fetch || {
    echo "realprogs: the source packages cannot be fetched (see $work/fetch.log)" >&2
    exit 77
  }
  for patch in 0002-lua-modules-paths 0001-build-system; do
    (cd "$work"/lua5.4-*/ && patch -sRp1 <"debian/patches/$patch.patch")
  done
  touch "$work/fetched" "$work/fetched$more"
fi

# ---- Build and test ---------------------------------------------------------
# Each function runs in a fresh copy of its package, with CC and OPT set; what
# it prints goes to a log.  It leaves `object` (whose size counts) and `run`.

jobs=$(nproc)

lua() {
  make -s -j"$jobs" -C src linux CC="$CC -std=gnu99" MYCFLAGS="$OPT" CFLAGS="$OPT -DLUA_COMPAT_5_3 -DLUA_USE_LINUX" &&
    ./src/lua "$here/tests/realprogs/language.lua" &&
    ln -sf src/lua object &&
    printf '#!/bin/sh\nexec %s/src/lua %s 2\n' "$PWD" "$here/tests/realprogs/work.lua" >run
}

cjson() {
  CC=$CC CFLAGS=$OPT cmake -S . -B b -DCMAKE_BUILD_TYPE= -DENABLE_CJSON_UTILS=On \
    -DENABLE_CJSON_TEST=On -DENABLE_CUSTOM_COMPILER_FLAGS=Off -DCMAKE_POLICY_VERSION_MINIMUM=3.5 &&
    cmake --build b --parallel "$jobs" &&
    ctest --test-dir b --output-on-failure &&
    mkdir -p include/cjson && cp cJSON.h include/cjson/ &&
    $CC $OPT -Iinclude "$here/tests/realprogs/cjson_work.c" cJSON.c -lm -o cjson_work &&
    ln -sf b/libcjson.so object &&
    printf '#!/bin/sh\nexec %s/cjson_work 300\n' "$PWD" >run
}

zlib() {
  CC=$CC CFLAGS="$OPT -D_LARGEFILE64_SOURCE=1" ./configure &&
    make -j"$jobs" && make test && make test | grep -q 'zlib test OK' &&
    ln -sf libz.so.1 object &&
    find /usr/include -maxdepth 2 -name '*.h' -type f -print0 | sort -z |
      xargs -0 cat | head -c 30000000 >input &&
    printf '#!/bin/sh\n%s/minigzip -9 <%s/input | %s/minigzip -d | cksum\n' "$PWD" "$PWD" "$PWD" >run
}

sqlite() {
  ./configure --disable-shared --disable-readline --with-tcl=/usr/lib/tcl8.6 CC="$clang" &&
    make sqlite3.c sqlite3.h &&
    $CC $OPT -I. test/speedtest1.c sqlite3.c -lm -lpthread -ldl -o speed &&
    ./speed --size 5 --memdb --verify &&
    ln -sf speed object &&
    printf '#!/bin/sh\n%s/speed --size 50 --memdb --verify | grep Hash\n' "$PWD" >run
}

code_bytes() { size -A "$1" | awk '$1 == ".text" || $1 == "mw_text" {n += $2} END {print n + 0}'; }

# Processor time, best of three, in milliseconds: the machine may be busy.  The
# output has to be the same for both compilers.
run_ms() {
  local best=0 ms
  local TIMEFORMAT='%U %S'
  for _ in 1 2 3; do
    { time sh ./run >output.txt; } 2>time.txt || return 1
    ms=$(awk 'END {printf "%.0f", ($1 + $2) * 1000}' time.txt)
    if [ $best = 0 ] || [ "$ms" -lt $best ]; then best=$ms; fi
  done
  echo $best
}

printf '%-7s %-4s %-8s %12s %14s %10s %10s  %s\n' program opt compiler 'code bytes' 'over clang' 'CPU ms' 'over clang' tests
for program in ${REALPROGS:-lua cjson zlib}; do
  for level in ${LEVELS:--O0 -O2}; do
    plain_size=0
    plain_ms=0
    for compiler in clang mallow gcmalloc; do
      CC=$clang
      debug=
      [ $compiler = clang ] || CC="$mallow cc"
      [ $compiler = gcmalloc ] && CC="$CC -fgc-malloc" && debug=clobberfree=1
      OPT=$level
      copy=$work/build/$program$level-$compiler
      log=$work/$program$level-$compiler.log
      rm -rf "$copy"
      mkdir -p "$work/build"
      cp -R "$work"/$program[-35]*[0-9a-z]/ "$copy"
      verdict=passed
      bytes=-
      ms=-
      if (cd "$copy" && export GODEBUG=$debug && $program) >"$log" 2>&1; then
        bytes=$(code_bytes "$copy/object")
        ms=$(cd "$copy" && run_ms) || verdict="FAILED: the timed run"
      else
        verdict="FAILED: see $log"
      fi
      if [ $compiler = clang ]; then
        plain_size=$bytes
        plain_ms=$ms
        cp "$copy/output.txt" "$work/output.txt" 2>/dev/null || :
      elif [ "$verdict" = passed ] && ! cmp -s "$copy/output.txt" "$work/output.txt"; then
        verdict="FAILED: the timed run printed something else"
      fi
      [ "$verdict" = passed ] || failures=$((failures + 1))
      percent() { awk -v a="$1" -v b="$2" 'BEGIN {if (a + 0 && b + 0) printf "%+.1f %%", (a / b - 1) * 100; else print "-"}'; }
      printf '%-7s %-4s %-8s %12s %14s %10s %10s  %s\n' "$program" "$level" "$compiler" "$bytes" \
        "$(percent "$bytes" "$plain_size")" "$ms" "$(percent "$ms" "$plain_ms")" "$verdict"
    done
  done
done
[ $failures = 0 ]
