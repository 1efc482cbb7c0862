# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Markdown that this project's pages use, as HTML: headings, paragraphs, lists, tables, code (indented, fenced), and in a
line code, bold, emphasis and links. What it does not know stays text: nothing of a page is ever markup of its own.
"""
import html, re


def slug(text):
    return re.sub(r"[^\w]+", "-", re.sub(r"[`*]", "", text).lower()).strip("-") or "section"


def spans(text, link):
    """One line's worth. `link` gives the address of a link's target, or of "code:PATH"; None leaves its text."""
    codes = []

    def keep(match):
        code = match[2].strip()
        target, shown = link("code:" + code), "<code>%s</code>" % html.escape(code, quote=False)
        codes.append('<a href="%s">%s</a>' % (html.escape(target), shown) if target else shown)
        return "\1%d\2" % (len(codes) - 1)

    text = re.sub(r"(`+)(.+?)(?<!`)\1(?!`)", keep, re.sub("[\1\2]", "", text), flags=re.S)
    return re.sub("\1(\\d+)\2", lambda match: codes[int(match[1])], plain_spans(text, link))


def plain_spans(text, link):
    def anchor(match):
        target = link(html.unescape(match[2]))
        return '<a href="%s">%s</a>' % (html.escape(target), match[1]) if target else match[1]

    text = html.escape(text.replace("\\|", "|"), quote=False)
    text = re.sub(r"\[([^\]\[]+)\]\(([^()\s]+)\)", anchor, text)
    text = re.sub(r"\*\*(\S(?:.*?\S)?)\*\*", r"<strong>\1</strong>", text, flags=re.S)
    text = re.sub(r"(?<![\w*])\*(\w(?:[^*]*[\w.!?)])?)\*(?![\w*])", r"<em>\1</em>", text)
    return re.sub(r"(?<![\w_])_([A-Za-z](?:[^_]*\w)?[.:]?)_(?![\w_])", r"<em>\1</em>", text)


class Page:
    """`link(target)` turns a link of the page into one of the site; `code(text, language)` gives code's HTML."""

    def __init__(self, text, link, code):
        self.link, self.code, self.title, self.headings, self.ids = link, code, "", [], set()
        text = re.sub(r"<!--.*?-->|^\[TOC\]$", "", text, flags=re.S | re.M).expandtabs(4)
        text = re.sub(r"^(#+ `[\w.]+`) \(::[\w:]+\)$", r"\1", text, flags=re.M)  # an operation's class
        self.html = "\n".join(self.blocks(text.split("\n")))

    def blocks(self, lines):
        at = 0
        while at < len(lines):
            line = lines[at]
            heading = re.match(r"(#{1,6})\s+(.*?)\s*#*$", line)
            if not line.strip():
                at += 1
            elif heading:
                yield self.heading(len(heading[1]), heading[2])
                at += 1
            elif re.match(r"\s*```", line):
                end = next((i for i in range(at + 1, len(lines)) if re.match(r"\s*```\s*$", lines[i])), len(lines))
                indent = len(line) - len(line.lstrip())
                yield self.code("\n".join(x[indent:] if not x[:indent].strip() else x for x in lines[at + 1 : end]), line.strip()[3:].strip())
                at = end + 1
            elif line.startswith("    "):
                end = at
                while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                    end += 1
                yield self.code("\n".join(x[4:] for x in lines[at:end]).strip("\n"), "")
                at = end
            elif line.startswith("<table>"):
                end = next((i for i in range(at, len(lines)) if "</table>" in lines[i]), len(lines) - 1)
                yield self.made_table("\n".join(lines[at : end + 1]))
                at = end + 1
            elif re.match(r"\s*(-{3,}|\*{3,})\s*$", line):
                yield "<hr>"
                at += 1
            elif line.lstrip().startswith("|") and at + 1 < len(lines) and re.match(r"\s*\|?[\s:|-]*-[\s:|-]*$", lines[at + 1]):
                end = at
                while end < len(lines) and lines[end].lstrip().startswith("|"):
                    end += 1
                yield self.table(lines[at:end])
                at = end
            elif re.match(r"\s{0,3}([*+-]|\d+[.)])\s+", line):
                end = self.end_of_list(lines, at)
                yield self.list(lines[at:end])
                at = end
            else:
                end = at + 1
                while end < len(lines) and lines[end].strip() and not re.match(r"#{1,6}\s|\s*```|\s{0,3}([*+-]|\d+[.)])\s+|\|", lines[end]):
                    end += 1
                yield "<p>%s</p>" % spans("\n".join(x.strip() for x in lines[at:end]), self.link)
                at = end

    def heading(self, level, text):
        name = base = slug(text)
        while name in self.ids:
            name = "%s-%d" % (base, len(self.ids))
        self.ids.add(name)
        self.title = self.title or (re.sub(r"[`*]", "", text) if level == 1 else "")
        self.headings.append((level, name, spans(text, lambda _: None)))
        return '<h%d id="%s">%s</h%d>' % (level, name, spans(text, self.link), level)

    @staticmethod
    def end_of_list(lines, at):
        end = at + 1
        while end < len(lines):
            blank = not lines[end].strip()
            following = lines[end + 1] if blank and end + 1 < len(lines) else lines[end]
            if blank and not re.match(r"\s{2,}\S|\s{0,3}([*+-]|\d+[.)])\s+", following):
                break
            if re.match(r"#{1,6}\s|```", lines[end]) or (not blank and not lines[end - 1].strip() and not re.match(r"\s{2,}|\s{0,3}([*+-]|\d+[.)])\s", lines[end])):
                break
            end += 1
        return end

    def list(self, lines):
        items, ordered = [], bool(re.match(r"\s*\d", lines[0]))
        indent = len(lines[0]) - len(lines[0].lstrip())
        for line in lines:
            mark = re.match(r"(\s*)([*+-]|\d+[.)])\s+", line)
            if mark and len(mark[1]) <= indent:
                items.append([line[mark.end() :]])
                width = mark.end()
            else:
                items[-1].append(line[min(width, len(line) - len(line.lstrip())) :])
        tag = "ol" if ordered else "ul"
        return "<%s>\n%s\n</%s>" % (tag, "\n".join("<li>%s</li>" % self.item(item) for item in items), tag)

    def item(self, lines):
        inner = "\n".join(self.blocks(lines))
        one = re.fullmatch(r"<p>((?:(?!</?p>).)*)</p>((?:\n<[uo]l>.*)?)", inner, re.S)
        return one[1] + one[2] if one else inner

    def table(self, lines):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", self.whole_cells(line.strip()).removeprefix("|").removesuffix("|"))] for line in lines]
        cells = lambda row, tag: "".join("<%s>%s</%s>" % (tag, spans(x.replace("\0", "|"), self.link), tag) for x in row)
        head = "<thead><tr>%s</tr></thead>" % cells(rows[0], "th") if any(rows[0]) else ""
        body = "\n".join("<tr>%s</tr>" % cells(row, "td") for row in rows[2:])
        return '<div class="wide"><table>%s<tbody>\n%s\n</tbody></table></div>' % (head, body)

    def made_table(self, text):
        """As mlir-tblgen writes tables."""
        rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", text, re.S)]
        clean = lambda cell: html.unescape(re.sub(r"</?\w+[^>]*>", " ", cell)).strip().replace("|", "\\|").replace("\n", " ")
        rows = [[clean(cell) for cell in row] for row in rows if row]
        return self.table(["|".join(row) for row in rows[:1] + [["-"]] + rows[1:]])

    @staticmethod
    def whole_cells(line):
        """A bar within code parts no cells."""
        return re.sub(r"(`+)(.+?)\1", lambda code: code[0].replace("\\|", "\0").replace("|", "\0"), line)
