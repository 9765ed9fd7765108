# SPDX-License-Identifier: MIT
# uninstall.sh -- make uninstall takes away what was installed, and nothing else
. "$(dirname "$0")/lib.sh"

"$CMAKE" --install "$build" --prefix "$work/there" >install.log || { cat install.log; die install; }
cp "$build/install_manifest.txt" list
mkdir -p there/share/doc/other
echo mine >there/bin/mallow-mine
make -s -C "$root" uninstall INSTALLED="$work/list" >uninstall.log || die "make uninstall"
[ "$(cd there && find . ! -type d)" = ./bin/mallow-mine ] || die "left: $(find there ! -type d)"
[ ! -e there/share/doc/mallow ] && [ ! -e there/lib/cmake/mallow ] || die "mallow's own folders are left"
[ -d there/share/doc/other ] || die "a folder of others is gone"
if make -s -C "$root" uninstall INSTALLED="$work/list" 2>again.log; then die "twice"; fi
grep -q 'nothing is installed from here' again.log || die "twice: $(cat again.log)"
