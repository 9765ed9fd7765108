# SPDX-License-Identifier: MIT
# uninstall.sh -- make uninstall takes away what was installed, and nothing else
. "$(dirname "$0")/lib.sh"

# at PREFIX: what make install does but for building
at() {
  make -s -C "$root" note-folders PREFIX="$1" INSTALLED="$work/list" || die note-folders
  "$CMAKE" --install "$build" --prefix "$1" >install.log || { cat install.log; die install; }
  cp "$build/install_manifest.txt" list
}

# a PREFIX that others use, too
mkdir -p there/share/doc/other there/lib
at "$work/there"
echo mine >there/bin/mallow-mine
make -s -C "$root" uninstall INSTALLED="$work/list" >uninstall.log || die "make uninstall"
[ "$(cd there && find . ! -type d)" = ./bin/mallow-mine ] || die "left: $(find there ! -type d)"
[ ! -e there/share/doc/mallow ] && [ ! -e there/lib/cmake ] || die "mallow's own folders are left"
[ -d there/share/doc/other ] && [ -d there/lib ] || die "a folder of others is gone"
if make -s -C "$root" uninstall INSTALLED="$work/list" 2>again.log; then die "twice"; fi
grep -q 'nothing is installed from here' again.log || die "twice: $(cat again.log)"

# a fresh one, with a space, installed twice: nothing is left of it
at "$work/a fresh/one"
at "$work/a fresh/one"
make -s -C "$root" uninstall INSTALLED="$work/list" >uninstall.log || die "make uninstall"
[ ! -e "a fresh" ] || die "left: $(find "a fresh")"
