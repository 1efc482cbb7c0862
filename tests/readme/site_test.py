#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documentation as the build made it (tools/docs/site.py): links lead somewhere, nothing comes over a network, no page is
lost; and the Markdown that the pages are written in.

usage: site_test.py SITE_DIR SOURCE_DIR      Python's standard library only.
"""
import html, os, re, sys, unittest
from html.parser import HTMLParser

SITE, ROOT = sys.argv[1], sys.argv[2]
sys.path.insert(0, os.path.join(ROOT, "tools", "docs"))
from markdown import Page


class Reader(HTMLParser):
    VOID = {"meta", "link", "input", "hr", "br"}

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.open, self.wrong, self.prose, self.code = set(), [], [], [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.wrong.append("two of id " + attributes["id"])
            self.ids.add(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        self.loads += [attributes[name] for name in ("src", "srcset") if name in attributes] + ([attributes["href"]] if tag == "link" else [])
        self.code += tag in ("code", "pre", "title")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.code -= tag in ("code", "pre", "title")
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</%s> closes something else" % tag)

    def handle_data(self, data):
        if not self.code:
            self.prose.append(data)


def pages():
    return sorted(name for name in os.listdir(SITE) if name.endswith(".html"))


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.read = {}
        for name in pages():
            with open(os.path.join(SITE, name), encoding="utf-8") as file:
                cls.read[name] = Reader(file.read())

    def test_links(self):
        self.assertGreater(len(self.read), 50)
        wrong, count = [], 0
        for name, page in self.read.items():
            for link in page.links:
                count += 1
                target, _, anchor = link.partition("#")
                if re.match(r"https?:", link):
                    continue
                if target and not os.path.isfile(os.path.join(SITE, target)):
                    wrong.append("%s: %s" % (name, link))
                elif anchor and (target or name) in self.read and anchor not in self.read[target or name].ids:
                    wrong.append("%s: %s" % (name, link))
        self.assertEqual(wrong, [])
        self.assertGreater(count, 2000)

    def test_every_page_can_be_reached(self):
        found, todo = set(), ["index.html"]
        while todo:
            name = todo.pop()
            if name in self.read and name not in found:
                found.add(name)
                todo += [link.partition("#")[0] for link in self.read[name].links]
        self.assertEqual(found, set(self.read))

    def test_every_document_and_kernel_has_a_page(self):
        with open(os.path.join(SITE, "index.html"), encoding="utf-8") as file:
            names = html.unescape(file.read())
        for folder, _, files in os.walk(os.path.join(ROOT, "kernels")):
            for name in files:
                if name.endswith(".tile") and "examples" not in folder:
                    self.assertIn(">%s</a>" % os.path.relpath(os.path.join(folder, name), os.path.join(ROOT, "kernels"))[:-5], names)
        for name in os.listdir(os.path.join(ROOT, "tools", "docs")):
            if name.endswith(".md"):
                self.assertIn('href="tools-docs-%s.html"' % name[:-3], names)

    def test_no_network_and_well_formed(self):
        for name, page in self.read.items():
            with self.subTest(page=name):
                self.assertEqual(page.loads, ["site.css"])
                self.assertEqual((page.wrong, page.open), ([], []))
        with open(os.path.join(SITE, "site.css")) as file:
            self.assertNotRegex(file.read(), r"@import|url\(")

    def test_no_markup_is_left_over(self):
        for name, page in self.read.items():
            with self.subTest(page=name):
                self.assertEqual(re.findall(r"\*\*|```|</?(?:table|t[drh]|p|br?|i|a|[uo]l|li|pre)>|\[TOC\]|\]\(|(?m:^#+ )|\|---", " ".join(page.prose)), [])

    def test_pages_of_kernels(self):
        names = os.listdir(os.path.join(SITE, "explain"))
        self.assertEqual(sorted(names), ["%s_%s.html" % (k, t) for k in ("backward", "forward") for t in ("sm_80", "sm_90a")])
        for name in names:
            self.assertLess(os.path.getsize(os.path.join(SITE, "explain", name)), 5 << 20)


class Markdown(unittest.TestCase):
    def html(self, text):
        return Page(text, lambda target: None if target.startswith("code:") else target, lambda code, language: "<pre>%s</pre>" % html.escape(code)).html

    def test_blocks(self):
        self.assertEqual(self.html("# A `b`\n\ntwo\nlines\n"), '<h1 id="a-b">A <code>b</code></h1>\n<p>two\nlines</p>')
        self.assertEqual(self.html("p:\n\n    a < b\n\n    c\n\nq"), "<p>p:</p>\n<pre>a &lt; b\n\nc</pre>\n<p>q</p>")
        self.assertEqual(self.html("```c\n# no heading\n```"), "<pre># no heading</pre>")
        self.assertEqual(self.html("- a\n- b\n  c\n  - d\n\nq"), "<ul>\n<li>a</li>\n<li>b\nc\n<ul>\n<li>d</li>\n</ul></li>\n</ul>\n<p>q</p>")
        self.assertIn("<ol>\n<li>a</li>\n<li>b</li>\n</ol>", self.html("1. a\n2. b"))

    def test_tables(self):
        self.assertIn("<tr><td>a</td><td><code>x | y</code></td><td>c | d</td></tr>", self.html("| h | i | j |\n|---|---|---|\n| a | `x | y` | c \\| d |"))
        self.assertNotIn("<thead>", self.html("| | |\n|---|---|\n| a | b |"))
        self.assertIn("<tr><td>a|b</td></tr>", self.html("<table>\n<tr><th>H</th></tr>\n<tr><td>a|b</td></tr>\n</table>"))

    def test_spans(self):
        self.assertEqual(self.html("**b** *e* `a*b*` 2 * 3 * 4 snake_case_name _i_"), "<p><strong>b</strong> <em>e</em> <code>a*b*</code> 2 * 3 * 4 snake_case_name <em>i</em></p>")
        self.assertEqual(self.html("**1. `a` and `b`** c"), "<p><strong>1. <code>a</code> and <code>b</code></strong> c</p>")
        self.assertEqual(self.html("[a](b.md) x[i](j k) ``a`b``"), '<p><a href="b.md">a</a> x[i](j k) <code>a`b</code></p>')

    def test_nothing_of_a_page_is_markup_of_its_own(self):
        self.assertEqual(self.html("<script>x</script> &amp; `<b>` \"q\""), '<p>&lt;script&gt;x&lt;/script&gt; &amp;amp; <code>&lt;b&gt;</code> "q"</p>')


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
