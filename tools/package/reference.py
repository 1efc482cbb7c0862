#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The reference manual. usage: reference.py INCLUDE_DIR OUT.md | reference.py INCLUDE_DIR --check

INCLUDE_DIR is what Headers.cmake lays out. A chapter a header: its opening comment, which is its contract, then every
public declaration in the header's order with the comment before or behind it. A comment holds for the declarations
below it up to the next blank line or comment; a field's may be its type's, and that of a header's first type the
opening comment. --check prints the declarations that have none, and fails if there are.
"""
import os, re, sys

OPENING = re.compile(r"^(class|struct|enum class|enum|typedef enum|typedef struct|union|namespace)\b")
# What the language itself says of a type: how it is copied, moved, destroyed, compared.
SPECIAL = re.compile(r"(~\w+\(|operator==|operator=\(|= default;|= delete;|explicit operator bool)")
SKIPPED = re.compile(r"^(#|extern \"C\"|friend |using |static_assert|IMBREX_)")


class Declaration:
    def __init__(self, owner, text, comment, line):
        self.owner, self.text, self.comment, self.line = owner, text, comment, line

    def is_type(self):
        return bool(OPENING.match(self.text))

    def is_field(self):
        return bool(self.owner) and "(" not in self.text.split("=")[0] and not self.is_type()

    def is_special(self):
        name = self.owner.split("::")[-1]
        constructor = name and re.match(r"(explicit |constexpr )*%s\(" % re.escape(name), self.text)
        return bool(constructor or SPECIAL.search(self.text))


def opening_comment(lines):
    """The first comment without its frame, and the line behind it."""
    body = []
    for number, line in enumerate(lines):
        text = re.sub(r"^(//|\|\*|/\*)", "", line).removesuffix("*|").rstrip()
        if not line.startswith(("//", "|*", "/*")):
            return body, number + line.startswith("\\*")
        if not re.search(r"===-|Part of the Imbrex|exceptions\. SPDX|SPDX-License|^-*$", text):
            body.append(text.removeprefix(" ").removeprefix(" "if text.startswith("  ") and line[0] == "|" else ""))
        elif body:
            body.append("")
    return body, len(lines)


def strip_comment(line):
    """(code, comment): what stands before a trailing comment, and it."""
    match = re.search(r"\s*(?:///<?|//|/\*)\s?(.*?)(?:\s*\*/)?$", line)
    return (line[:match.start()].rstrip(), match.group(1)) if match else (line.rstrip(), "")


def opens_scope(code, stack):
    """Whether a class, enumeration or namespace begins here; it is then on the stack."""
    code = re.sub(r"^template <>\s*", "", code)
    match = OPENING.match(code)
    if match and code.endswith("{"):
        words = re.sub(r"\[\[\w+\]\]|:[^:].*|\{|final|<.*>", "", code[match.end():]).split()
        stack.append((match.group(1), words[0] if words else "", [match.group(1) == "class" and "private" or "public"]))
        return True
    return False


class Reader:
    """Goes through one header's lines; what it finds is in `declarations`."""

    def __init__(self, lines, begin):
        self.stack, self.declarations, self.comment, self.pending, self.depth = [], [], [], "", 0
        self.run = ""  # the comment that still holds
        self.in_block = False
        for number in range(begin, len(lines)):
            self.line(lines[number].strip(), number + 1)

    def line(self, line, number):
        if self.take_comment(line):
            return
        code, trailing = strip_comment(line)
        if not code:
            if not line and not self.pending and not self.depth:
                self.comment, self.run = [], ""
            return
        if SKIPPED.match(code) and not self.pending and not self.depth:
            return
        if self.depth:  # within a body
            self.depth += code.count("{") - code.count("}")
            return
        if not self.pending and re.match(r"(public|private|protected):$", code):
            self.stack[-1][2][0] = code[:-1]
            self.comment, self.run = [], ""
            return
        self.pending = (self.pending + " " + code).strip()
        if trailing:
            self.comment.append(trailing)
        self.complete(number)

    def take_comment(self, line):
        block = line.startswith("/*") or self.in_block
        if self.pending or self.depth or not (block or line.startswith("//")):
            return False
        if not self.comment or not self.in_block:
            self.run = ""
        text = re.sub(r"^(///?<?|/\*|\*(?!/))\s?", "", line).replace("*/", "").rstrip()
        self.in_block = block and "*/" not in line
        if not re.match(r"-*-{3}", text):
            self.comment.append(text)
        return True

    def is_public(self):
        return all(scope[2][0] == "public" for scope in self.stack)

    def complete(self, number):
        code = self.pending
        in_enum = bool(self.stack) and "enum" in self.stack[-1][0]
        if code.startswith("}"):
            if self.stack:
                self.stack.pop()
            self.pending, self.comment, self.run = "", [], ""
            return
        if opens_scope(code, self.stack):
            scope = self.stack.pop()
            if scope[0] != "namespace":
                self.keep(code.removesuffix("{").strip(), number)
            self.stack.append(scope)
            self.pending, self.comment, self.run = "", [], ""
            return
        open_braces = code.count("{") - code.count("}")
        ends = code.endswith((";", "}")) or in_enum
        if open_braces > 0:
            self.depth = open_braces
            head = re.sub(r"\s*\{.*$", "", code)
            self.keep(re.sub(r"\)\s*:\s.*$", ")", head), number)
        elif not ends or code.count("(") > code.count(")"):
            return
        else:
            self.keep(re.sub(r"\s*\{.*\}$", "", code) if "(" in code else code, number)
        self.pending, self.comment = "", []

    def keep(self, text, number):
        if self.comment:
            self.run = "\n".join(self.comment).strip()
        forward = re.match(r"(typedef )?(class|struct) \w+( \w+)?;$", text)
        if self.is_public() and not (forward and not self.run):
            owner = "::".join(scope[1] for scope in self.stack if scope[0] != "namespace" and scope[1])
            self.declarations.append(Declaration(owner, text.rstrip(","), self.run, number))


def headers(folder):
    for path, _, files in sorted(os.walk(folder)):
        for name in sorted(files):
            if name.endswith(".h"):
                yield os.path.join(path, name)


def read(path):
    with open(path) as file:
        lines = file.read().splitlines()
    opening, begin = opening_comment(lines)
    return opening, Reader(lines, begin).declarations


def chapter(name, opening, declarations):
    out = ["## `%s`" % name, ""] + ["    " + line if line else "" for line in opening] + [""]
    owner = ""
    for each in declarations:
        if each.owner != owner:
            owner = each.owner
            out += ["### " + (owner or "Functions and types"), ""]
        out += ["```cpp", each.text, "```", ""] + ([each.comment, ""] if each.comment else [])
    return out


def undocumented(path):
    first = True
    for each in read(path)[1]:
        opened, first = each.is_type() and first, first and not each.is_type()
        if not (each.comment or each.is_special() or each.is_field() or opened):
            yield "%s:%d: %s%s" % (path, each.line, each.owner and each.owner + ": ", each.text)


def main(folder, out):
    if out == "--check":
        bare = [line for path in headers(folder) for line in undocumented(path)]
        print("\n".join(bare + ["%d declarations without a comment" % len(bare)]))
        return bool(bare)
    text = ["# Imbrex: reference", "", "Made from the public headers; a chapter begins with its header's contract.", ""]
    for path in headers(folder):
        text += chapter(os.path.relpath(path, folder), *read(path))
    with open(out, "w") as file:
        file.write("\n".join(text).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
