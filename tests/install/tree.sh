# SPDX-License-Identifier: MIT
# tree.sh -- the installed files, what they name, what the library exports
. "$(dirname "$0")/lib.sh"

(cd "$prefix" && find . ! -type d | grep -v -e /mallow/docs/ -e /mallow/examples/ | LC_ALL=C sort) >found
cat >wanted <<'END'
./bin/mallow
./bin/mallow-cc
./include/mallow.h
./lib/cmake/mallow/mallow-toolchain.cmake
./lib/cmake/mallow/mallowConfig.cmake
./lib/cmake/mallow/mallowConfigVersion.cmake
./lib/libmallow-cc.so
./lib/libmallow-gcmalloc.a
./lib/libmallow.a
./lib/libmallow.so
./lib/libmallow.so.0
./lib/libmallow.so.0.1.0
./lib/pkgconfig/mallow.pc
./share/doc/mallow/CHANGELOG.md
./share/doc/mallow/LICENSE
./share/doc/mallow/README.md
./share/man/man1/mallow.1
./share/man/man3/mallow.h.3
./share/man/man7/mallow.7
END
for file in docs/guide.md docs/design/README.md examples/README.md examples/tuning/sweep.sh; do
  [ -e "$prefix/share/doc/mallow/$file" ] || die "share/doc/mallow/$file is not installed"
done
diff wanted found || die "the installed files differ (< documented, > found)"

# [BT3]: no file may name the place it was built or first installed.
for file in bin/mallow lib/libmallow.so lib/libmallow-cc.so; do
  if readelf -d "$prefix/$file" | grep -E 'R(UN)?PATH.*(build|prefix)'; then
    die "$file has a run path into the build tree"
  fi
done
if readelf --debug-dump=info --dwarf-depth=1 "$prefix/lib/libmallow.so" | grep -E '^ *Version: *[^4 ]'; then
  die "libmallow.so has debug information that old tools cannot read"
fi
if grep -rIl "$prefix-first" "$prefix"; then die "installed files name the prefix"; fi
if grep -rIl "$build" "$prefix"; then die "installed files name the build tree"; fi

# Only the public interface is exported.
nm -D --defined-only "$prefix/lib/libmallow.so" | awk '{print $3}' |
  grep -Ev '^(mw_|mwi_rt_|mwi_chan_|mwi_[a-z]+(_make)?_typed$|(pthread|thrd)_create$|(close(|_range|from)|dup[23]|fork|setsockopt)$)' && die "stray exports"

# Every public function exists.
# (awk: names followed by '(' in declarations that are no macros)
"$CLANG" -E -P -I"$prefix/include" "$prefix/include/mallow.h" |
  grep -Eo '\bmw_[a-z0-9_]+ *\(' | tr -d ' (' | LC_ALL=C sort -u >declared
nm -D --defined-only "$prefix/lib/libmallow.so" | awk '{print $3}' | LC_ALL=C sort -u >defined
LC_ALL=C comm -23 declared defined >missing
[ ! -s missing ] || { cat missing; die "declared in mallow.h but not in libmallow.so"; }

# The command's version, the package's and the header's are one.
version=$(sed -n 's/^Version: //p' "$prefix/lib/pkgconfig/mallow.pc")
grep -q "define MW_VERSION \"$version\"" "$prefix/include/mallow.h" || die "MW_VERSION is not $version"
"$prefix/bin/mallow" version | grep -qF "$version" || die "mallow version does not print $version"
