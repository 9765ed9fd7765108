// SPDX-License-Identifier: MIT
// Wrong words for the command itself: one line, "mallow: what: why, or what was expected", status 1.
// RUN: not %mallow nonsense 2>%t.err && grep -q "^mallow: unknown command 'nonsense': expected cc, run, flags or version" %t.err && test $(wc -l <%t.err) = 1
// RUN: not %mallow version extra 2>%t.err && grep -q "^mallow: version: unexpected argument 'extra'" %t.err
// RUN: not %mallow flags 2>%t.err && grep -q '^mallow: flags: no argument: expected --cflags or --libs' %t.err
// RUN: not %mallow flags --all 2>%t.err && grep -q "^mallow: flags: unknown argument '--all': expected" %t.err
// RUN: not %mallow run 2>%t.err && grep -q '^mallow: run: no file: usage' %t.err && test $(wc -l <%t.err) = 1
// RUN: not %mallow run '' 2>%t.err && grep -q "^mallow: run: '' is not a file: usage" %t.err
// RUN: not %mallow run %S 2>%t.err && grep -q '^mallow: run: .* is a directory' %t.err
// RUN: not %mallow run %t.c 2>%t.err && grep -q '^mallow: run: .*: No such file or directory$' %t.err
// RUN: not env TMPDIR=%t.no %mallow run %s 2>%t.err && grep -q '^mallow: run: cannot make the folder .*TMPDIR' %t.err
// RUN: not env MALLOW_CLANG=%S %mallow cc -c %s 2>%t.err && grep -q '^mallow: cannot run .*: Permission denied: set MALLOW_CLANG' %t.err
// RUN: for words in version --help "flags --cflags"; do not %mallow $words >/dev/full 2>%t.err && grep -q "^mallow: standard output: No space left" %t.err || exit 1; done
// A tree without the plugin.
// RUN: mkdir -p %t.tree/bin && cp %mallow %t.tree/bin && not %t.tree/bin/mallow cc -c %s 2>%t.err && grep -q '^mallow: .*libmallow-cc.so: No such file or directory: the installed tree is not whole' %t.err && test $(wc -l <%t.err) = 1
int nothing;
