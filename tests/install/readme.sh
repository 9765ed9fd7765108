# SPDX-License-Identifier: MIT
# readme.sh -- the README's first program does what the README says
#
# The first ```c block of README.md is the program, the first ```console block
# after it the session: each line that begins with "$ " is run, and what it
# prints has to be the lines below it.
. "$(dirname "$0")/lib.sh"

PATH=$prefix/bin:$PATH
awk '/^```/ { if (on) exit; on = $0 == "```c"; next } on' "$root/README.md" >first.c
awk '/^```c$/ { seen = 1 } /^```/ { if (on) exit; on = seen && $0 == "```console"; next } on' \
  "$root/README.md" >session
[ -s first.c ] || die "no program in README.md"
grep -q '^\$ ' session || die "no session in README.md"
name=$(sed -n 's/^\$ mallow cc .* \([a-z]*\.c\).*/\1/p' session | head -n 1)
[ -n "$name" ] || die "the session compiles nothing"
mv first.c "$name"

grep '^\$ ' session | sed 's/^\$ //' >commands
while IFS= read -r command; do
  printf '$ %s\n' "$command"
  sh -c "$command" 2>&1 || die "status $?: $command"
done <commands >got
diff session got || die "the session differs (< README, > here)"
