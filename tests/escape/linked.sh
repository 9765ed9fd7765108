#!/bin/sh
# SPDX-License-Identifier: MIT
#
# linked.sh MALLOW -- variables whose place is decided when linking [DP1] [EG1]: which stay on the
# stack; that all are on the heap where mallow cannot know; that what is broken changes nothing
. "$(dirname "$0")/lib.sh"
cd "$work"

# The stack has exactly these; "none" for no variable.
places() {
  what=$1
  shift
  for knobs in clobberfree=1 clobberfree=1,gcstress=1; do
    GODEBUG=$knobs timeout 60 ./prog >out 2>&1 || {
      fail "$what: GODEBUG=$knobs: status $?"
      return
    }
    grep -q '^9 kept, sum 211$' out || fail "$what: GODEBUG=$knobs: $(tail -1 out)"
    grep -q badly out && fail "$what: $(grep badly out)"
    got=$(sed -n 's/ stack$//p' out | sort -u | tr '\n' ' ')
    want=$(printf '%s\n' "$@" | grep -v '^none$' | sort -u | tr '\n' ' ')
    [ "$got" = "$want" ] || fail "$what: on the stack: $got; expected: $want"
  done
}
all="read read_twice giver turned holder in_wide passed_to_read each_turn aligned leads ring ring_far in_ring to_ring"
$clang -O2 -c "$here/linked_plain.c" -o plain.o

compile() {
  for f in a b c; do "$mallow" cc "$@" -c "$here/linked_$f.c" -o $f.o; done
}
for level in -O0 -O1 -O2 -O3 "-O2 -g" "-O2 -ffunction-sections -fdata-sections"; do
  # shellcheck disable=SC2086 # several options
  compile $level
  # shellcheck disable=SC2086
  "$mallow" cc $level a.o b.o c.o plain.o -o prog
  places "$level" $all
done
# (the last one merges constants that are alike)
for option in -fuse-ld=lld -Wl,--gc-sections "-fuse-ld=lld -Wl,--gc-sections" \
  "-fuse-ld=lld -Wl,--icf=all -Wl,--ignore-data-address-equality"; do
  # shellcheck disable=SC2086
  "$mallow" cc $option a.o b.o c.o plain.o -o prog
  places "$option" $all
done

compile -O2
"$mallow" cc -no-pie a.o b.o c.o plain.o -o prog
places "-no-pie" $all
rm -f libbc.a
ar rc libbc.a b.o c.o plain.o
"$mallow" cc a.o -L. -lbc -o prog
places "an archive" $all
"$mallow" cc -O2 "$here/linked_a.c" "$here/linked_b.c" "$here/linked_c.c" plain.o -o prog
places "one command" $all
"$mallow" cc -static-mallow a.o b.o c.o plain.o -o prog
places "static" $all
ld -r a.o b.o c.o -o abc.o
"$mallow" cc -Wl,--emit-relocs abc.o plain.o -o prog
places "a partial link" $all
for f in a b c; do "$objcopy" -g $f.o stripped_$f.o; done
"$mallow" cc stripped_a.o stripped_b.o stripped_c.o plain.o -o prog
places "objcopy -g" $all

# -m, given when linking: what was decided, and why
"$mallow" cc -m=2 a.o b.o c.o plain.o -o prog 2>report
[ "$(grep -c '^/.*linked_a.c:[0-9]*:[0-9]*: .* does not escape$' report)" = "$(echo $all | wc -w)" ] ||
  { fail "-m: what does not escape"; cat report; }
for word in $all; do
  grep -q ": $word does not escape$" report || fail "-m: $word"
done
says() { # VARIABLE REASON
  grep -A 2 ": moved to heap: $1$" report >about || fail "-m: $1 is not said to move"
  grep -qF "      ($2)" about || { fail "-m=2: $1: $2"; cat about; }
}
says kept "keeps keeps its argument 1"
says given "gives returns its argument 1"
says kept_next "keeps_next keeps its argument 1, or what that leads to"
says variadic "several takes it as a variable argument"
says to_outside "outside is not in the program, or was not compiled by mallow"
says ring_kept "starts_on stores it in ring_kept itself, and what that holds is kept"
sort -t: -k2,2n -k3,3n report | grep linked_a >sorted
grep linked_a report | cmp -s - sorted || fail "-m: the order"
"$mallow" cc -m a.o b.o c.o plain.o -o prog 2>short
grep -v "^ " report | cmp -s - short || fail "-m and -m=2 differ in more than the flows"
"$mallow" cc -m=2 -Wl,--wrap=nobody a.o b.o c.o plain.o -o prog 2>report
says read "linked with an option that can give names to other functions"
if grep -q "does not escape" report; then fail "-m: something is said to stay"; fi
"$mallow" cc -m=2 -fno-mallow-summaries a.o b.o c.o plain.o -o prog 2>report
says read "linked with -fno-mallow-summaries"
compile -O2 -fPIC
"$mallow" cc -m=2 -shared a.o b.o c.o plain.o -o libmain.so 2>report
compile -O2
says read "in a shared library, where another may be loaded"
# what inlining keeps in the frame is not spoken of
cat >inlined.c <<'C'
void outside(int *p);
static inline void perhaps(int *p, int n) { if (n) outside(p); }
int main(void) { int kept = 0; perhaps(&kept, 0); return kept; }
C
"$mallow" cc -m -w -O0 -c inlined.c -o inlined.o 2>report
grep -q "may move to heap: kept (decided when linking)" report || fail "-m at -O0"
"$mallow" cc -m -w -O2 -c inlined.c -o inlined.o 2>report
if grep -q "move to" report; then fail "-m: what is inlined"; cat report; fi
"$mallow" cc -m inlined.o plain.o -o prog 2>report
[ ! -s report ] || { fail "-m, when linking: what is inlined"; cat report; }

# only what linked_b.c alone answers
$clang -O2 -c "$here/linked_c.c" -o clang_c.o
"$mallow" cc a.o b.o clang_c.o plain.o -o prog
places "a callee of clang's" giver in_wide

# another linker command
lib=$(dirname "$mallow")/../lib
$clang a.o b.o c.o plain.o -L"$lib" -Wl,-rpath,"$lib" -lmallow -o prog
places "linked by clang" none
for option in -Wl,--wrap=nobody -Wl,--defsym=nobody=main -s "-Wl,-z,muldefs" "-Xlinker --wrap=nobody"; do
  # shellcheck disable=SC2086
  "$mallow" cc $option a.o b.o c.o plain.o -o prog
  places "$option" none
done

# a library's functions can be others when it is loaded
"$mallow" cc -O2 -fPIC -shared "$here/linked_b.c" "$here/linked_c.c" "$here/linked_plain.c" -o libabc.so
"$mallow" cc -O2 a.o -L. -labc -Wl,-rpath,"$work" -o prog
places "a shared library" none
compile -O2 -fPIC
"$mallow" cc -shared a.o b.o c.o plain.o -o libmain.so
echo 'int main(void);' >m.c
$clang -x c -c m.c -o m.o
"$mallow" cc -Wl,--no-as-needed m.o -L. -lmain -Wl,-rpath,"$work" -o prog
places "all in a shared library" none

compile -O2 -fno-mallow-summaries
"$mallow" cc a.o b.o c.o plain.o -o prog
places "-fno-mallow-summaries" none

# two functions of a name; sections that are broken
compile -O2
change() {
  "$objcopy" --dump-section "$2=s" "$3" 2>dump.err || { # not there
    fail "$1: $(cat dump.err)"
    return
  }
  eval "$4"
  "$objcopy" --update-section "$2=s" "$3" changed.o
}
for how in 'printf "reads x\n" >>s' 'printf "reads 0 - 0 reads_far 0 7\n" >>s' \
  'printf "nobody 0 - 0 reads_far 0 0\n" >>s' 'printf "reads 9 - 0 reads_far 0 0\n" >>s' \
  'truncate -s -3 s'; do
  change "$how" .mallow.given b.o "$how"
  "$mallow" cc a.o changed.o c.o plain.o -o prog
  places "given: $how" none
done
for how in 'truncate -s -1 s' 'truncate -s -9 s' 'printf xyz >>s' 'printf "12345678\nreads 0 2,\0" >>s' \
  'printf "12345678\nreads 0 0\0" >>s' 'printf "12345678reads 0 0,\0" >>s' 'printf "12345678\n!\0" >>s'; do
  change "$how" .mallow.places a.o "$how"
  "$mallow" cc changed.o b.o c.o plain.o -o prog
  places "sites: $how" none
done
# records of one byte, as a linker would leave them that merges constants: [DP1] is looked after
"$mallow" cc -O2 -S "$here/linked_a.c" -o merged.s
sed -i '/\.section[[:space:]]*\.mallow\.places/{n;s/mwi_moves\.0\.[0-9]*/mwi_moves.0/;}' merged.s
[ "$(grep -c 'quad[[:space:]]*mwi_moves\.0$' merged.s)" -gt 5 ] || fail "no records are merged"
"$mallow" cc -c merged.s -o merged.o
"$mallow" cc -m=2 merged.o b.o c.o plain.o -o prog 2>report
places "records of one byte" none
says read "what was linked contradicts itself"
change "summary" .mallow.summaries b.o 'printf "reads -,-\n" >>s'
"$mallow" cc a.o changed.o c.o plain.o -o prog
places "described twice" giver turned in_wide leads ring ring_far in_ring to_ring
exit $failed
