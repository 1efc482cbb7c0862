# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: grammar.py SOURCE [--write]. The productions in compiler/frontend/Grammar.md, from the parser itself.

Each function of compiler/frontend/Parse*.cpp says in the comment before it what it reads: `/// NAME = ... ;`. That is the only
place where a production is written by hand. The page has them below marks, `<!-- productions: file import function -->`, in the
mark's order. --write writes the page; without it, whether the page is as it would be written, a difference is printed, exit 1.
"""
import difflib, os, re, sys

WIDTH = 112
TOKEN = re.compile(r"""'"'|"[^"]*"|\w+|\.\.|[^\s\w"]""")
MARK = re.compile(r"^<!-- productions: ([\w ]+) -->\n\n(?:    .*\n)*", re.M)


def productions(text):
    """Name -> tokens of what `NAME = ... ;` a text has; whatever stands between two is passed over."""
    tokens, found, at = TOKEN.findall(text), {}, 0
    while at + 1 < len(tokens):
        if re.match(r"[a-z]+$", tokens[at]) and tokens[at + 1] == "=" and ";" in tokens[at:]:
            end = tokens.index(";", at)
            found[tokens[at]] = tokens[at + 2 : end]
            at = end
        at += 1
    return found


def quoted(source):
    """Name -> tokens of what the parser's functions quote. A name that two quote differently is an error."""
    found, folder = {}, os.path.join(source, "compiler", "frontend")
    for name in sorted(os.listdir(folder)):
        if not re.match(r"Parse\w*\.cpp$", name):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        for block in re.findall(r"(?:^ *///.*\n)+", text, re.M):
            for key, value in productions(re.sub(r"^ *///", "", block, flags=re.M)).items():
                if found.setdefault(key, value) != value:
                    sys.exit("%s: the production %s is another one elsewhere" % (name, key))
    return found


def alternatives(tokens):
    """The tokens, cut before each `|` that stands in no bracket."""
    parts, depth = [[]], 0
    for token in tokens:
        depth += (token in "([{") - (token in ")]}")
        if token == "|" and depth == 0:
            parts.append([])
        parts[-1].append(token)
    return parts


def lines(tokens, width):
    """As few lines as there can be, cut before alternatives, or where one is too long by itself before any bracket."""
    made = [""]
    for part in alternatives(tokens):
        text = " ".join(part)
        if made[-1] and len(made[-1]) + 1 + len(text) > width:
            made.append("")
        while len(text) > width:
            at = max(m.start() for m in re.finditer(r" (?=[\[{(])", text[:width]))
            made[-1] = (made[-1] + " " + text[:at]).strip()
            made.append("")
            text = text[at + 1 :]
        made[-1] = (made[-1] + " " + text).strip()
    return made


def block(names, found):
    longest = max(map(len, names))
    out = []
    for name in names:
        if name not in found:
            sys.exit("no function of the parser quotes the production '%s'" % name)
        made = lines(found[name], WIDTH - longest)
        made[-1] += " ;"
        out += ["    %-*s = %s" % (longest, name, made[0])] + ["    %s%s" % (" " * (longest + (1 if x[0] == "|" else 3)), x) for x in made[1:]]
    return "\n".join(out) + "\n"


def written(page, found):
    shown = []

    def fill(match):
        shown.extend(match[1].split())
        return "<!-- productions: %s -->\n\n%s" % (match[1], block(match[1].split(), found))

    page = MARK.sub(fill, page)
    if missing := sorted(set(found) - set(shown)):
        sys.exit("Grammar.md shows no production %s" % ", ".join(missing))
    return page


def main(source, write):
    path = os.path.join(source, "compiler", "frontend", "Grammar.md")
    with open(path, encoding="utf-8") as file:
        page = file.read()
    new = written(page, quoted(source))
    if write and new != page:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new)
    elif new != page:
        sys.stdout.writelines(difflib.unified_diff(page.splitlines(True), new.splitlines(True), "Grammar.md", "the parser"))
        sys.exit("Grammar.md is not what the parser quotes: tools/docs/grammar.py SOURCE --write")


if __name__ == "__main__":
    main(sys.argv[1], "--write" in sys.argv[2:])
