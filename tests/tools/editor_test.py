#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What editors use: `imbrex lsp` asked over its protocol, `imbrex build --json`, the grammar of tools/editors, and texts
of stages without and with locations.

usage: editor_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import json, os, re, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
SOFTMAX = os.path.join(ROOT, "kernels", "lessons", "softmax.tile")
TEXT = """fn twice(x) = x * 2.0;

kernel k<T: f32 | f16>(X: view<T>[N], Y: out view<T>[N])
grid (cdiv(N, 128)) |i| {
  let tile = load X[i * 128 :+ 128];
  let more = exp(tile);
  store Y[i * 128 :+ 128] = more;
}
"""


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True, cwd=ROOT)


class Client:
    """Speaks the Language Server Protocol to a child."""

    def __init__(self):
        self.process = subprocess.Popen([IMBREX, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number, self.notices = 0, []

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def read(self):
        length = 0
        while (line := self.process.stdout.readline().strip()):
            name, value = line.split(b":")
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self.process.stdout.read(length))

    def notify(self, method, **params):
        self.write({"method": method, "params": params})

    def ask(self, method, **params):
        self.number += 1
        self.write({"id": self.number, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self.number:
                return message
            self.notices.append(message)

    def end(self):
        self.process.kill()
        self.process.communicate()

    def close(self):
        self.ask("shutdown")
        self.notify("exit")
        return self.process.wait(20)


class LanguageServer(unittest.TestCase):
    def setUp(self):
        self.client = Client()
        self.addCleanup(self.client.end)
        self.capabilities = self.client.ask("initialize", capabilities={})["result"]["capabilities"]
        self.client.notify("initialized")
        self.uri = "file://" + os.path.join(ROOT, "kernels", "lessons", "some%20text.tile")

    def open(self, text):
        self.client.notify("textDocument/didOpen", textDocument={"uri": self.uri, "languageId": "imbrex", "version": 1, "text": text})
        message = self.client.read()
        self.assertEqual(message["method"], "textDocument/publishDiagnostics")
        self.assertEqual(message["params"]["uri"], self.uri)
        return message["params"]["diagnostics"]

    def at(self, text, word, nth=0):
        """The place inside the nth occurrence of a word, as the protocol counts."""
        offset = [m.start() for m in re.finditer(re.escape(word), text)][nth]
        line = text[:offset].count("\n")
        return {"line": line, "character": len(text[text.rfind("\n", 0, offset) + 1:offset].encode("utf-16-le")) // 2}

    def asked(self, method, place):
        return self.client.ask(method, textDocument={"uri": self.uri}, position=place)["result"]

    def test_life(self):
        self.assertEqual(self.capabilities["textDocumentSync"], 1)
        self.assertEqual(self.client.ask("no/such")["error"]["code"], -32601)
        self.assertEqual(self.client.close(), 0)

    def test_diagnostics_come_and_go(self):
        self.assertEqual(self.open(TEXT), [])
        broken = TEXT.replace("exp(tile)", "exp(tiel)")
        self.client.notify("textDocument/didChange", textDocument={"uri": self.uri, "version": 2}, contentChanges=[{"text": broken}])
        found = self.client.read()["params"]["diagnostics"]
        self.assertEqual(len(found), 1)
        self.assertIn("did you mean 'tile'", found[0]["message"])
        self.assertEqual(found[0]["range"]["start"], self.at(broken, "tiel"))
        self.assertEqual(found[0]["range"]["end"]["character"] - found[0]["range"]["start"]["character"], 4)

    def test_what_cannot_be_parsed(self):
        found = self.open("kernel k(\n")
        self.assertTrue(found)
        self.assertEqual(found[0]["severity"], 1)
        self.assertIsNone(self.asked("textDocument/definition", {"line": 0, "character": 50}))

    def test_every_kernel_of_the_tree_is_without_mistakes(self):
        for folder in ("kernels", "kernels/lessons"):
            for name in sorted(os.listdir(os.path.join(ROOT, folder))):
                if name.endswith(".tile"):
                    with self.subTest(name), open(os.path.join(ROOT, folder, name), encoding="utf-8") as file:
                        self.uri = "file://" + os.path.join(ROOT, folder, name)
                        self.assertEqual(self.open(file.read()), [])

    def test_hover(self):
        self.open(TEXT)
        value = lambda *place: self.asked("textDocument/hover", self.at(TEXT, *place))["contents"]["value"]
        self.assertIn("e to the power x", value("exp"))
        self.assertIn("128 f32", value("tile", 0))
        self.assertIn("128 f32", value("more", 1))
        self.assertIn("fn twice(x)", value("twice"))
        self.assertIsNone(self.asked("textDocument/hover", self.at(TEXT, "= x")))

    def test_definition(self):
        text = TEXT.replace("exp(tile)", "twice(cast<f32>(tile))").replace("= more", "= cast<T>(more)")
        text = "// \u00e9\U0001f600\n" + text
        self.open(text)
        found = self.asked("textDocument/definition", self.at(text, "twice", 1))
        self.assertEqual(found["range"]["start"], self.at(text, "twice", 0))
        self.assertEqual(found["uri"], self.uri)
        self.assertEqual(self.asked("textDocument/definition", self.at(text, "i *", 1))["range"]["start"], self.at(text, "i| {"))

    def test_definition_in_an_import(self):
        text = 'import "score_gradient.tile";\nfn f(x) = x;\n'
        with open(os.path.join(ROOT, "kernels", "lessons", "score_gradient.tile")) as file:
            name = re.search(r"^(?:fn|hook) (\w+)", file.read(), re.M).group(1)
        text += "fn g(x) = %s(x);\n" % name
        self.open(text)
        found = self.asked("textDocument/definition", self.at(text, name + "(x)"))
        self.assertTrue(found["uri"].endswith("score_gradient.tile"), found)

    def test_completion(self):
        self.open(TEXT)
        labels = [item["label"] for item in self.asked("textDocument/completion", self.at(TEXT, "exp"))]
        for word in ("rowsum", "kernel", "bf16", "LOG2E", "twice", "more", "X"):
            self.assertIn(word, labels)

    def test_format(self):
        self.open(TEXT.replace("let more = ", "let   more="))
        edits = self.client.ask("textDocument/formatting", textDocument={"uri": self.uri}, options={})["result"]
        self.assertEqual([edit["newText"] for edit in edits], [TEXT])
        self.open(TEXT)
        self.assertEqual(self.client.ask("textDocument/formatting", textDocument={"uri": self.uri}, options={})["result"], [])


class Grammar(unittest.TestCase):
    def test_kept_file_is_that_of_the_words(self):
        with open(os.path.join(ROOT, "tools", "editors", "imbrex.tmLanguage.json")) as file:
            self.assertEqual(file.read(), imbrex("grammar").stdout, "renew it: imbrex grammar > tools/editors/imbrex.tmLanguage.json")

    def test_words_get_their_colours(self):
        patterns = json.loads(imbrex("grammar").stdout)["patterns"]
        scope = lambda text: next((p.get("name", "declaration") for p in patterns if (m := re.match(p["match"], text)) and m.group(0)), None)
        for text, expected in (("kernel k(", "declaration"), ("let x", "keyword.control.imbrex"), ("bf16", "storage.type.imbrex"),
                               ("rowsum(x)", "support.function.imbrex"), ("// x", "comment.line.double-slash.imbrex"),
                               ("1.5e3", "constant.numeric.imbrex"), ("LOG2E", "constant.language.imbrex"), ("tune {", "keyword.other.imbrex")):
            self.assertEqual(scope(text), expected, text)


    def test_every_word_of_the_tree(self):
        """As an editor goes through a line: keywords, types, numbers and comments of every kernel have their colours, other
        names have none. What is a keyword and a type is read off Grammar.md."""
        patterns = [(re.compile(p["match"]), p.get("name", "keyword.other.imbrex")) for p in json.loads(imbrex("grammar").stdout)["patterns"]]
        with open(os.path.join(ROOT, "compiler", "frontend", "Grammar.md"), encoding="utf-8") as file:
            page = file.read()
        keywords = set(re.search(r"Keywords, which cannot be names: `([\w ]+)`", page)[1].split())
        types = set(re.search(r"\*\*Types\*\*: `([\w ]+)`", page)[1].split())
        count = 0
        for folder in ("kernels", "kernels/lessons", "tools/docs"):
            for name in sorted(os.listdir(os.path.join(ROOT, folder))):
                if not name.endswith(".tile"):
                    continue
                with open(os.path.join(ROOT, folder, name), encoding="utf-8") as file:
                    lines = file.read().split("\n")
                for line in lines:
                    for text, scope in self.coloured(line, patterns):
                        count += 1
                        expected = ("comment" if text.startswith("//") else "string" if text.startswith('"') else "keyword" if text in keywords
                                    else "storage.type" if text in types else "constant.numeric" if text[0].isdigit() else None)
                        with self.subTest(name=name, line=line, text=text):
                            if expected:
                                self.assertTrue((scope or "none").startswith(expected), scope)
                            elif scope and not scope.startswith(("support.function", "constant.language", "keyword", "entity", "storage")):
                                self.fail(scope)
        self.assertGreater(count, 5000)

    def test_the_fuzzers_dictionary_has_every_word(self):
        with open(os.path.join(ROOT, "compiler", "frontend", "Words.def")) as file:
            words = set(re.findall(r'^IMBREX_WORD\(\w+, "([^"]+)"', file.read(), re.M))
        with open(os.path.join(ROOT, "tests", "fuzz", "tile.dict")) as file:
            entries = re.sub(r"\\x..|\\", " ", file.read())
        self.assertGreater(len(words), 80)
        self.assertEqual(words - set(re.findall(r"\w+", entries)), set(), "add them to tests/fuzz/tile.dict")

    @staticmethod
    def coloured(line, patterns):
        """(word, scope) of words, numbers, texts and comments: at each place the pattern that begins first, then the first."""
        at = 0
        while at < len(line):
            found = min(((m.start(), n, m, scope) for n, (rule, scope) in enumerate(patterns) if (m := rule.search(line, at)) and m.end() > at),
                        default=None, key=lambda x: x[:2])
            begin = found[2].start() if found else len(line)
            yield from ((word, None) for word in re.findall(r"\b[A-Za-z_]\w*|\b\d[\w.]*", line[at:begin]))
            if not found:
                return
            text, scope = found[2][0], found[3]
            if re.match(r'//|"', text):
                yield text, scope
            else:  # a declaration colours its keyword, then its name
                yield from ((word, scope) for word in re.findall(r"\b[A-Za-z_]\w*|\b\d[\w.]*", text)[:1])
            at = found[2].end()


class Dumps(unittest.TestCase):
    def test_build_as_json(self):
        good = imbrex("build", SOFTMAX, "--set", "T=f32", "--set", "D=64", "--json")
        data = json.loads(good.stdout)
        self.assertTrue(data["ok"])
        self.assertEqual((data["kernel"], data["target"]), ("softmax", "sm_80"))
        self.assertIn("ptx", data["milliseconds"])
        self.assertIn("parameters", data["interface"])
        bad = imbrex("build", SOFTMAX, "--set", "T=f99", "--set", "D=64", "--json")
        self.assertEqual(bad.returncode, 1)
        self.assertFalse(json.loads(bad.stdout)["ok"])
        self.assertEqual(json.loads(bad.stdout)["diagnostics"][0]["severity"], "error")

    def test_a_wrong_type_is_one_mistake(self):
        """Nothing follows from it, whatever the text's cases ask of the type."""
        bad = json.loads(imbrex("build", "kernels/lessons/matmul.tile", "--set", "T=f99", "--json").stdout)
        self.assertEqual([each["message"] for each in bad["diagnostics"]], ["parameter 'T' must be one of f16, bf16, f32, found 'f99'"])

    def test_build_as_json_whatever_goes_wrong(self):
        """Standard output is one JSON object, and `ok` is what the exit code says."""
        with tempfile.TemporaryDirectory() as folder:
            empty, text = os.path.join(folder, "empty.tile"), [SOFTMAX, "--set", "T=f32", "--set", "D=64"]
            open(empty, "w").close()
            for words, message in (([os.path.join(folder, "none.tile")], "No such file"), ([folder], "it is a directory"), ([empty], "this file has no kernel"),
                                   ([*text, "-o", os.path.join(folder, "none", "x.ptx")], "cannot be written"), ([*text, "--dump", os.path.join(empty, "x")], "--dump"),
                                   ([*text, "--each-pass"], "--dump"), ([*text, "--extent", "Z=3"], "no extent or integer 'Z'; there are"), ([*text, "--until", "cubin", "--ptxas", "/none"], ""),
                                   ([*text, "--target", "sm_5"], "unknown target"), ([SOFTMAX, "--from", "ptx"], "")):
                with self.subTest(words):
                    done = imbrex("build", *words, "--json")
                    data = json.loads(done.stdout)
                    self.assertEqual((done.returncode, data["ok"]), (1, False))
                    errors = [each["message"] for each in data["diagnostics"] if each["severity"] == "error"]
                    self.assertTrue(errors and message in errors[-1], errors)
            done = imbrex("build", *text, "-o", os.path.join(folder, "x.ptx"), "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout)["ok"]), (0, True))
            self.assertTrue(os.path.getsize(os.path.join(folder, "x.ptx")))

    def test_texts_without_and_with_locations(self):
        for stage in ("tile", "cta", "nvvm"):
            flags = ["build", SOFTMAX, "--set", "T=f32", "--set", "D=64", "--until", stage]
            plain, full = imbrex(*flags).stdout, imbrex(*flags, "--locations").stdout
            self.assertNotIn("loc(", plain)
            self.assertIn("loc(", full)
            self.assertEqual(plain, imbrex(*flags).stdout)
            if stage == "cta":
                self.assertIn("#layout = #cta.layout<", plain)
                self.assertEqual(plain.count("#cta.layout<"), plain.count("= #cta.layout<"), "a layout stands in the middle of the text")

    def test_ptx_has_the_text_beside_it(self):
        ptx = imbrex("build", SOFTMAX, "--set", "T=f32", "--set", "D=64").stdout
        with open(SOFTMAX) as file:
            lines = file.read().split("\n")
        last = None
        for line in ptx.split("\n"):
            place = re.match(r"\s*\.loc\s+1 (\d+) \d+(?:\s+// (.*))?$", line)
            if not place or place.group(1) == "0":
                continue
            number = int(place.group(1))
            self.assertEqual(place.group(2), lines[number - 1].strip() if number != last else None, line)
            last = number


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
