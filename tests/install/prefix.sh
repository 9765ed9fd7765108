# SPDX-License-Identifier: MIT
# prefix.sh -- install into a scratch prefix, and move that
. "$(dirname "$0")/lib.sh"

rm -rf "$prefix" "$prefix-first"
"$CMAKE" --install "$build" --prefix "$prefix-first" >install.log || { cat install.log; die install; }
mv "$prefix-first" "$prefix"
