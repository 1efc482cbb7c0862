#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels of the micro-benchmarks: PTX of the templates in kernels/, a file an entry, and machine code where there
is ptxas.

usage: assemble.py OUTPUT [PTXAS]      writes OUTPUT/ENTRY.ptx and, given an assembler, OUTPUT/ENTRY.cubin and
                                       OUTPUT/ENTRY.log (ptxas -v). Python's standard library only.

A template is PTX with repetition of lines and of entries, nothing that its PTX does not show:
  //@for NAMES in EXPRESSION   the lines to the matching //@end, once for each value, which has as many parts as names
  //@if EXPRESSION             the lines to the matching //@end where it holds
  //@include FILE              the file of this name beside the template, expanded in place
  $name  ${expression}         the value
  %d[64]                       %d0, %d1, ..., %d63
Expressions are Python's, over the names that enclosing loops bind. interleave(e=2, f=4) gives ("e", 0), ("f", 0),
("f", 1), ...: so many of each kind, each spread evenly over the whole, with its number among its kind.
"""
import os, re, subprocess, sys

ARCHITECTURE = "sm_90a"  # of the machine code; PTX keeps its template's target
TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels")


def interleave(**counts):
    places = [((i + 0.5) / n, kind, i) for kind, n in counts.items() for i in range(n)]
    return [(kind, i) for _, kind, i in sorted(places, key=lambda place: place[0])]


HELPERS = {"interleave": interleave, "range": range, "__builtins__": {}}


def substitute(line, names):
    def value(match):
        word = match.group(1) or match.group(2)
        return str(eval(word, HELPERS, names)) if match.group(1) or word in names else match.group(0)

    line = re.sub(r"\$\{([^}]*)\}|\$([A-Za-z]\w*)", value, line)
    return re.sub(r"(%\w+)\[(\d+)\]", lambda m: ", ".join("%s%d" % (m[1], i) for i in range(int(m[2]))), line)


def matching_end(lines, begin, path):
    depth = 0
    for i in range(begin, len(lines)):
        word = lines[i].strip()
        depth += word.startswith(("//@for", "//@if")) - (word == "//@end")
        if depth == 0:
            return i
    raise SystemExit("%s:%d: no //@end" % (path, begin + 1))


def expand(lines, names, path):
    out, i = [], 0
    while i < len(lines):
        word = lines[i].strip()
        loop = re.match(r"//@for (.+?) in (.+)", word)
        if loop:
            end = matching_end(lines, i, path)
            bound = [name.strip() for name in loop[1].split(",")]
            for item in eval(loop[2], HELPERS, names):
                parts = item if len(bound) > 1 else (item,)
                out += expand(lines[i + 1 : end], {**names, **dict(zip(bound, parts, strict=True))}, path)
            i = end
        elif word.startswith("//@if "):
            end = matching_end(lines, i, path)
            if eval(word[6:], HELPERS, names):
                out += expand(lines[i + 1 : end], names, path)
            i = end
        elif word.startswith("//@include "):
            inner = os.path.join(os.path.dirname(path), word[11:])
            with open(inner, encoding="utf-8") as file:
                out += expand(file.read().splitlines(), names, inner)
        elif word.startswith("//@"):
            raise SystemExit("%s:%d: unknown directive: %s" % (path, i + 1, word))
        else:
            out.append(substitute(lines[i], names))
        i += 1
    return out


def entries(template):
    """(name, PTX of a module of its own) of every entry of a template."""
    with open(template, encoding="utf-8") as file:
        text = "\n".join(expand(file.read().splitlines(), {}, template)) + "\n"
    head, *bodies = re.split(r"^(?=\.visible \.entry )", text, flags=re.M)
    return [(re.match(r"\.visible \.entry (\w+)", body)[1], head + body) for body in bodies]


def assemble(folder, name, ptxas):
    path = os.path.join(folder, name)
    done = subprocess.run([ptxas, "-arch", ARCHITECTURE, "-v", path + ".ptx", "-o", path + ".cubin"], capture_output=True, text=True)
    with open(path + ".log", "w", encoding="utf-8") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit("%s does not assemble:\n%s%s" % (name, done.stdout, done.stderr))


def main():
    folder, ptxas = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else None)
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if old.endswith((".ptx", ".cubin", ".log")):
            os.remove(os.path.join(folder, old))
    count = 0
    for template in sorted(os.listdir(TEMPLATES)):
        # A template without a heading of its own is a part of others.
        path = os.path.join(TEMPLATES, template)
        if ".entry" not in open(path, encoding="utf-8").read():
            continue
        for name, text in entries(path):
            with open(os.path.join(folder, name + ".ptx"), "w", encoding="utf-8") as file:
                file.write(text)
            if ptxas:
                assemble(folder, name, ptxas)
            count += 1
    print("%d kernels%s" % (count, " assembled" if ptxas else " as PTX: no ptxas"))


if __name__ == "__main__":
    main()
