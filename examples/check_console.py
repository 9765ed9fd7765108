#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
check_console.py [--roughly] [--files FOLDER] PAGE.md MALLOW_BIN [SECTION...]

Are the commands of a page of documentation, and what they print, true?

Each ```c block whose first line is `// name.c` becomes that file, in a folder of
its own where FOLDER's files are as well; each ```console block holds commands
(`$ ...`) for a shell, with MALLOW_BIN on the PATH, and what they print on both
streams.  In that, `...` stands for anything within a line, and `about N` for N
within a factor of two (or 2 more or less).  --roughly: every number may differ
so, and times in ms altogether.  With sections (a heading's first words), only those.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile


def blocks(text):
    """(heading, language, lines) of every fenced block."""
    heading, language, lines = "", None, []
    for line in text.splitlines():
        if language is None:
            if line.startswith("## "):
                heading = line[3:]
            elif line.startswith("```"):
                language, lines = line[3:], []
        elif line == "```":
            yield heading, language, lines
            language = None
        else:
            lines.append(line)
    if language is not None:
        raise SystemExit("the last block has no end")


def pattern(line, roughly):
    """Regular expression for a shown line, and the numbers that are `about`."""
    if roughly:
        line = re.sub(r"\b\d+ ms\b", "... ms", line)
        about = [int(n) for n in re.findall(r"\d+", line)]
        parts = [re.sub(r"\d+", r"(\\d+)", re.escape(p)) for p in line.split("...")]
        return re.compile(".*".join(parts)), about
    about = [int(n) for n in re.findall(r"\babout (\d+)\b", line)]
    parts = [re.escape(p) for p in line.split("...")]
    text = ".*".join(parts)
    return re.compile(re.sub(r"\babout\\? \d+\b", r"about (\\d+)", text)), about


def agrees(shown, given, roughly):
    if len(shown) != len(given):
        return False
    for s, g in zip(shown, given):
        expression, about = pattern(s, roughly)
        match = expression.fullmatch(g)
        if not match:
            return False
        for want, got in zip(about, map(int, match.groups())):
            if not (want / 2 <= got <= want * 2 or abs(want - got) <= 2):
                return False
    return True


def run(command, env):
    done = subprocess.run(["sh", "-c", command], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    lines = done.stdout.splitlines()
    return lines + [f"[exit status {done.returncode}]"] * (done.returncode != 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--roughly", action="store_true")
    parser.add_argument("--files")
    parser.add_argument("page")
    parser.add_argument("bin")
    parser.add_argument("sections", nargs="*")
    options = parser.parse_args()
    roughly, sections = options.roughly, options.sections
    with open(options.page, encoding="utf-8") as f:
        text = f.read()
    env = dict(os.environ, PATH=os.path.abspath(options.bin) + os.pathsep + os.environ["PATH"])
    for name in ("GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG"):
        env.pop(name, None)
    folder = tempfile.mkdtemp(prefix="page-")
    if options.files:
        shutil.copytree(options.files, folder, dirs_exist_ok=True)
    os.chdir(folder)
    bad = commands = 0
    for heading, language, lines in blocks(text):
        if sections and not any(heading.startswith(s) for s in sections):
            continue
        if language == "c":
            name = re.fullmatch(r"// (\w+\.c)", lines[0])
            if not name:
                raise SystemExit(f"a listing under '{heading}' has no name")
            with open(name[1], "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
        if language != "console":
            continue
        starts = [i for i, line in enumerate(lines) if line.startswith("$ ")]
        for at, end in zip(starts, starts[1:] + [len(lines)]):
            commands += 1
            shown, given = lines[at + 1:end], run(lines[at][2:], env)
            if not agrees(shown, given, roughly):
                bad += 1
                print(f"under '{heading}': {lines[at]}", "shown:", *shown, "given:", *given[:20], sep="\n    ")
    shutil.rmtree(folder)
    if commands == 0:
        raise SystemExit("no such section, or no commands in it")
    if bad:
        raise SystemExit(f"{bad} of {commands} commands print something else")
    print(f"ok: {commands} commands")


main()
