#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documentation as one folder of pages that need no network and no server. usage: site.py SOURCE_DIR DOCS_DIR OUT IMBREX

DOCS_DIR holds what the build makes: operations, passes, the reference manual. A link to a page's source becomes one to the
page, as does a path in `code`; one that leads nowhere is an error. IMBREX makes the pages of what kernels become.
"""
import html, json, os, re, shutil, subprocess, sys

from markdown import Page, slug

LEARN = ["README.md", "tools/docs/coming_from_triton.md", "tools/docs/coming_from_cuda.md", "tools/docs/language.md",
         "tools/docs/cpp_guide.md", "tools/docs/c_guide.md"]
REFERENCE = ["compiler/frontend/Grammar.md", "DOCS/reference.md", "runtime/c/README.md", "tools/README.md", "tools/editors/README.md",
             "kernels/README.md", "kernels/Forms.md"]
INSIDE = ["compiler/README.md", "compiler/frontend/README.md", "dialects/README.md", "DOCS/tile_dialect.md", "DOCS/cta_dialect.md",
          "DOCS/tile_passes.md", "DOCS/tile_to_cta_passes.md", "DOCS/cta_passes.md", "DOCS/cta_to_nvvm_passes.md", "runtime/README.md",
          "runtime/simulator/README.md", "runtime/simulator/Figures.md", "runtime/standin/README.md", "tests/README.md", "tools/gpu_kit/README.md"]
ATTENTION = ["--set", "T=bf16", "--set", "DQK=128", "--set", "DV=128", "--set", "G=1", "--hook", "mask=causal"]
EXPLAINED = [("forward_sm_80", "Forward, sm_80", "kernels/attention_forward.tile", ATTENTION),
             ("forward_sm_90a", "Forward, sm_90a", "kernels/attention_forward.tile", ATTENTION + ["--target", "sm_90a"]),
             ("backward_sm_80", "Backward, sm_80", "kernels/attention_backward.tile", ATTENTION + ["--kernel", "attention_dkdv"]),
             ("backward_sm_90a", "Backward, sm_90a", "kernels/attention_backward.tile", ATTENTION + ["--kernel", "attention_dkdv", "--target", "sm_90a"])]
TITLES = {"README.md": "Imbrex", "DOCS/reference.md": "Headers, C++ and C", "runtime/c/README.md": "The C interface", "tools/README.md": "Command line and tools",
          "DOCS/tile_dialect.md": "Operations of tile", "DOCS/cta_dialect.md": "Operations of cta", "DOCS/tile_passes.md": "Passes: tile",
          "DOCS/tile_to_cta_passes.md": "Passes: tile to cta", "DOCS/cta_passes.md": "Passes: cta", "DOCS/cta_to_nvvm_passes.md": "Passes: cta to nvvm",
          "compiler/frontend/Grammar.md": "Grammar and meanings", "runtime/simulator/Figures.md": "What the simulator has shown"}


class Colours:
    """Code with its words marked, by the editors' grammar for tile texts and little for others."""

    def __init__(self, source):
        with open(os.path.join(source, "tools/editors/imbrex.tmLanguage.json"), encoding="utf-8") as file:
            patterns = json.load(file)["patterns"]
        self.tile = [(re.compile(p["match"]), self.kind(p)) for p in patterns]
        self.others = [(re.compile(m), k) for m, k in ((r"//.*|/\*.*?\*/|#(?!include|define).*", "quiet"), (r'"(?:[^"\\\n]|\\.)*"', "number"), (r"^\s*#\w+", "word"))]

    @staticmethod
    def kind(pattern):
        name = pattern.get("name", "keyword")
        return next((kind for word, kind in (("comment", "quiet"), ("keyword.operator", ""), ("keyword", "word"), ("storage", "type"), ("support", "call"), ("constant", "number"))
                     if name.startswith(word)), "")

    def __call__(self, text, language):
        is_tile = language in ("tile", "example") or (not language and re.search(r"^(kernel|fn|hook) \w", text, re.M))
        rules = self.tile if is_tile else self.others if language in ("cpp", "c", "cuda", "python") else []
        lines = [self.line(line, rules) for line in text.split("\n")]
        label = ' data-language="%s"' % html.escape(language) if language in ("cuda", "python") else ""
        return '<pre%s><code>%s</code></pre>' % (label, "\n".join(lines))

    @staticmethod
    def line(line, rules):
        out, at = [], 0
        while at < len(line):
            found = [(match.start(), order, match, kind) for order, (rule, kind) in enumerate(rules) for match in [rule.search(line, at)] if match and match.end() > at]
            if not found:
                break
            start, _, match, kind = min(found, key=lambda x: x[:2])
            out.append(html.escape(line[at:start], quote=False))
            out.append(('<i class="%s">%s</i>' if kind else "%.0s%s") % (kind, html.escape(match[0], quote=False)))
            at = match.end()
        return "".join(out) + html.escape(line[at:], quote=False)


class Site:
    def __init__(self, source, docs, out):
        self.source, self.docs, self.out, self.colours = source, docs, out, Colours(source)
        self.broken = []
        self.kernels = sorted(os.path.relpath(os.path.join(folder, name), source) for folder, _, names in os.walk(os.path.join(source, "kernels"))
                              for name in names if name.endswith(".tile") and "examples" not in folder) + ["tools/docs/paged_decode.tile"]
        self.files = {path: self.file_of(path) for path in LEARN + REFERENCE + INSIDE + self.kernels}
        self.titles = {}

    @staticmethod
    def file_of(path):
        return "index.html" if path == "README.md" else slug(path.replace("DOCS/", "").rsplit(".", 1)[0]) + ".html"

    def read(self, path):
        with open(os.path.join(self.docs, path[5:]) if path.startswith("DOCS/") else os.path.join(self.source, path), encoding="utf-8") as file:
            return file.read()

    def link_from(self, path):
        def link(target):
            if target.startswith("code:"):  # a path in code: a page, or nothing
                name = target[5:]
                for place in (name, os.path.normpath(os.path.join(os.path.dirname(path), name))):
                    known = place if place in self.files else place.rstrip("/") + "/README.md"
                    if "/" in name + place and known in self.files and known != path:
                        return self.files[known]
                return None
            if re.match(r"https?:|#", target):
                return target
            name, _, anchor = target.partition("#")
            place = os.path.normpath(os.path.join(os.path.dirname(path), name))
            if place not in self.files:
                self.broken.append("%s: '%s' leads nowhere" % (path, target))
                return None
            return self.files[place] + (anchor and "#" + anchor)

        return link

    def navigation(self, here):
        groups = [("Learn", LEARN), ("Kernels", self.kernels), ("Reference", REFERENCE), ("Inside", INSIDE)]
        out = []
        for name, paths in groups:
            items = "".join('<li%s><a href="%s">%s</a></li>' % (' class="here"' if path == here else "", self.files[path], html.escape(self.titles[path])) for path in paths)
            is_open = here in paths or name == "Learn"
            out.append("<details%s><summary>%s</summary><ul>%s</ul></details>" % (" open" if is_open else "", name, items))
        items = "".join('<li><a href="explain/%s.html">%s</a></li>' % (name, title) for name, title, _, _ in EXPLAINED)
        return "".join(out) + "<details open><summary>What kernels become</summary><ul>%s</ul></details>" % items

    def write(self, path, title, body, headings):
        contents = [(level, name, text) for level, name, text in headings if level in (2, 3)]
        contents = [x for x in contents if x[0] == 2] if len(contents) > 60 else contents
        inner = "".join('<li class="l%d"><a href="#%s">%s</a></li>' % x for x in contents) if len(contents) > 2 else ""
        aside = '<aside aria-label="On this page"><b>On this page</b><ul>%s</ul></aside>' % inner if inner else "<aside></aside>"
        origin = "" if path.startswith("DOCS/") else '<footer>From <code>%s</code></footer>' % html.escape(path)
        with open(os.path.join(self.out, self.files[path]), "w", encoding="utf-8") as file:
            file.write('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
                       '<title>%s</title><link rel="stylesheet" href="site.css"><body><a class="skip" href="#content">To the text</a>'
                       '<input type="checkbox" id="menu" aria-label="Menu"><nav aria-label="Pages"><a class="home" href="index.html">Imbrex</a><label for="menu">Pages</label>'
                       '<div>%s</div></nav><main id="content">\n%s\n%s</main>%s</body></html>\n'
                       % (html.escape(title if title == "Imbrex" else title + " - Imbrex"), self.navigation(path), body, origin, aside))

    def kernel_page(self, path):
        """A text with the words before its first kernel, and how to look further."""
        text = self.read(path)
        name = path.removeprefix("kernels/")
        commands = "build/bin/imbrex explain %s --html page.html\nbuild/bin/imbrex build %s --until tile    # or cta, nvvm, ptx" % (path, path)
        numbered = self.colours(text.rstrip("\n"), "tile").replace("<pre>", '<pre class="numbered">')
        numbered = re.sub(r"(<code>)(.*)(</code>)", lambda m: m[1] + "\n".join('<span id="L%d">%s</span>' % (n + 1, line) for n, line in enumerate(m[2].split("\n"))) + m[3], numbered, flags=re.S)
        return "<h1>%s</h1>\n%s\n<p>What becomes of it (types and integers in <code>&lt; &gt;</code> are set by <code>--set NAME=VALUE</code>):</p>%s" % (
            html.escape(name), numbered, self.colours(commands, ""))

    def make(self):
        pages = {}
        for path in LEARN + REFERENCE + INSIDE:
            pages[path] = page = Page(self.read(path), self.link_from(path), self.colours)
            self.titles[path] = TITLES.get(path) or page.title or path
        for path in self.kernels:
            self.titles[path] = path.removeprefix("kernels/").removeprefix("tools/docs/").removesuffix(".tile")
        for path, page in pages.items():
            self.write(path, self.titles[path], page.html, page.headings)
        for path in self.kernels:
            self.write(path, self.titles[path], self.kernel_page(path), [])


def main(source, docs, out, imbrex):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "explain"))
    site = Site(source, docs, out)
    site.make()
    for name, _, path, words in EXPLAINED:
        made = subprocess.run([os.path.abspath(imbrex), "explain", path, *words, "--html", os.path.abspath(os.path.join(out, "explain", name + ".html"))],
                              cwd=source, capture_output=True, text=True)
        if made.returncode:
            site.broken.append(made.stderr)
    if site.broken:
        print("\n".join(site.broken), file=sys.stderr)
        return 1
    shutil.copyfile(os.path.join(source, "tools/docs/site.css"), os.path.join(out, "site.css"))  # last: it says that all is there
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
