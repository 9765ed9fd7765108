#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# check_docs.py [BUILD] -- what the documentation and the heads of files refer to is there
#
# Job      In every page (*.md) and in every comment of the C files:
#          - promises, [G1]: one head states it, and HACKING's table knows its file
#          - files: `sched/fold.c`, "Next  chan.c": there is one
#          In the pages and manuals, besides:
#          - tests, `net.*`: with BUILD, ctest knows one
#          - names of mallow.h, options of the command, names of GODEBUG
#          And the other way round: the manuals have every option and every name of GODEBUG.
# Why      Words outlive what they are about; a link checker sees only links.

import fnmatch
import glob
import re
import subprocess
import sys

wrong = []


def say(where, what):
    wrong.append(f"{where}: {what}")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


tracked = [f for f in subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], text=True, check=True,
                                     stdout=subprocess.PIPE).stdout.splitlines() if glob.glob(glob.escape(f))]
pages = [f for f in tracked if f.endswith(".md")]
manuals = [f for f in tracked if re.match(r"docs/man/mallow\.\d$", f)]
sources = [f for f in tracked if re.search(r"\.(c|h|cpp|S)$", f)]
code = {f: read(f) for f in sources}
comments = {f: "\n".join(re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S)) for f, text in code.items()}
prose = {f: read(f) for f in pages}
build = {f: read(f) for f in tracked if re.search(r"\.cmake$|CMakeLists.txt$", f)}

# ---- Promises: a head states them, "[G1] A white object ..."

stated = {}
for f, text in {**comments, **build}.items():
    head = text[: text.find("*/", 40)] if f in comments else text
    for tag in re.findall(r"\[([A-Z]{1,2}\d+)\](?: (?!of\b|and\b|to\b)\S|: )", head):
        stated.setdefault(tag, set()).add(f)
for f, text in {**comments, **prose}.items():
    for tag in re.findall(r"\[([A-Z]{1,2}\d+)\](?!\()", text):
        if tag not in stated:
            say(f, f"[{tag}]: no head states it")

table = re.search(r"\| Promise \|.*?\n\n", read("HACKING.md"), re.S).group(0)
rows = [line.split("|")[1:5] for line in table.splitlines()[2:] if line.count("|") >= 5]
known = set()
for tags, _, where, _ in rows:
    row = set()
    for first, last in re.findall(r"\b([A-Z]{1,2}\d+)(?:-([A-Z]{1,2}\d+))?", tags):
        letters, low = re.match(r"([A-Z]+)(\d+)", first).groups()
        high = int(re.search(r"\d+", last).group(0)) if last else int(low)
        row |= {f"{letters}{n}" for n in range(int(low), high + 1)}
    known |= row
    names = re.findall(r"`([^`]+)`", where)
    for tag in row:
        if tag not in stated:
            say("HACKING.md", f"[{tag}]: no head states it")
        elif not any(fnmatch.fnmatch(f, "*" + name.replace(".c", ".*").replace(".h", ".*").split("/")[-1])
                     for f in stated[tag] for name in names):
            say("HACKING.md", f"[{tag}] is in {', '.join(sorted(stated[tag]))}, not in {where.strip()}")

# ---- Files

basenames = {f.split("/")[-1] for f in tracked} | {f.split("/")[-1] for f in glob.glob("docs/man/*")}
ending = r"\.(?:c|h|cpp|S|py|sh|md|cmake|go|ll|map)"
of_others = {"unistd.h", "stdio.h", "prog.c", "file.c", "trees.c", "stdlib.h", "string.h"}


def is_file(name):
    if "/" not in name:
        return "*" in name and any(fnmatch.fnmatch(b, name) for b in basenames) or name in basenames
    name = name.removeprefix("./")
    return any(fnmatch.fnmatch(f, name) or fnmatch.fnmatch(f, "*/" + name) for f in tracked)


for f, text in comments.items():
    head = text[: text.find("*/")]
    for part in re.findall(r"^ \* (?:Next|Callers)\s+(.*?)(?=^ \* [A-Z]|^ \*/|\Z)", head, re.M | re.S):
        for name in re.findall(r"(?<![\w./<])([\w/*-]+" + ending + r")\b(?!>)", part):
            if not is_file(name):
                say(f, f"no {name}")
    for name in re.findall(r"\b((?:src|base|os|heap|gc|sched|debug|plugin|driver|tests|bench|docs|include)/[\w/*-]+"
                           + ending + r")\b", text):
        if not is_file(name):
            say(f, f"no {name}")
for f, text in prose.items():
    made = set(re.findall(r"^// ([\w.-]+)$", text, re.M)) | of_others  # programs that the page shows
    for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        for name in re.findall(r"^(?:\./)?([\w/*.-]+" + ending + r")$", span):
            if name not in made and not is_file(name):
                say(f, f"no {name}")

# ---- Tests

if len(sys.argv) > 1:
    listing = subprocess.run(["ctest", "--test-dir", sys.argv[1], "-N", "-C", "soak"], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    tests = re.findall(r"Test +#\d+: (\S+)", listing)
    groups = {t.split(".")[0] for t in tests}
    for f, text in prose.items():
        for span in re.findall(r"(?<!`)`([\w.*{},-]+)`(?!`)", text):
            if span.split(".")[0] not in groups or "." not in span or re.search(ending + "$", span):
                continue
            alternatives = re.match(r"(.*)\{(.*)\}(.*)", span)
            names = [alternatives[1] + a + alternatives[3] for a in alternatives[2].split(",")] if alternatives else [span]
            for name in names:
                if not any(fnmatch.fnmatch(t, name) for t in tests):
                    say(f, f"no test {name}")

# ---- Names of mallow.h, options, GODEBUG

public = set(re.findall(r"\b(?:mw_\w+|MW_\w+)", read("include/mallow.h"))) | {"mw_user_main", "MW_CHECK", "MW_STRESS"}
driver = code["driver/args.c"] + code["driver/main.c"]
options = set(re.findall(r"-(?:f|W)(?:no-)?(?:mallow|gc)-[\w-]+", driver))
table = re.search(r"names\[\]|\{\"gctrace\".*?\};", code["src/debug/knobs.c"], re.S)
knobs = set(re.findall(r"\{\"([a-z]+)\",", code["src/debug/knobs.c"])) | {"httpdebug"}
for f, text in {**prose, **{m: read(m).replace("\\-", "-") for m in manuals}}.items():
    for name in set(re.findall(r"\b(?:mw_[a-z_]+[a-z]|MW_[A-Z]+[A-Z])\b(?!\*)", text)) - public:
        if not any(name in t for g, t in code.items() if not g.startswith(("tests/", "include/"))) and not any(
                p.startswith(name) for p in public):
            say(f, f"no {name}")
    for name in set(re.findall(r"(?<![\w-])-(?:f|W)(?:no-)?(?:mallow|gc)-[\w-]+", text)) - options:
        say(f, f"no option {name}")
    for value in re.findall(r"GODEBUG=([\w=,:.]+)", text):
        for name in value.split(","):
            name = name.split("=")[0]
            if name not in knobs and not name.isdigit() and name != "N":
                say(f, f"no GODEBUG={name}")
page = read("docs/man/mallow.1").replace("\\-", "-") + read("docs/man/mallow.7").replace("\\-", "-")
for name in sorted(knobs | {o for o in options if o.startswith(("-fno-mallow", "-Wno-mallow", "-fgc", "-fmallow-summaries"))}):
    if name not in page:
        say("docs/man", f"{name} is not there")

print("\n".join(sorted(set(wrong))))
sys.exit(1 if wrong else 0)
