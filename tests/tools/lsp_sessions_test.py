#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Twenty sessions with the language server, of texts as they are while somebody types, and wrong: it answers every request,
publishes diagnostics for every change, says something of every text that `imbrex build` refuses, and lives to the end.

usage: lsp_sessions_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import json, os, random, re, select, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
SESSIONS, CHANGES, PATIENCE = 20, 14, 60


class Client:
    """Speaks the Language Server Protocol to a child, and does not wait for ever."""

    def __init__(self, folder):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([os.path.abspath(IMBREX), "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, cwd=folder)
        self.buffer, self.number = b"", 0

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def more(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        data = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
        if not data:
            self.errors.seek(0)
            raise AssertionError(("no answer within %d s" % PATIENCE if not ready else "the server ended: status %s" % self.process.wait(10))
                                 + "\n" + self.errors.read().decode(errors="replace"))
        self.buffer += data

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        while len(self.buffer) < length:
            self.more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return json.loads(body)

    def notify(self, method, **params):
        self.write({"method": method, "params": params})

    def ask(self, method, **params):
        self.number += 1
        self.write({"id": self.number, "method": method, "params": params})
        while (message := self.read()).get("id") != self.number:
            pass
        return message

    def close(self):
        self.ask("shutdown")
        self.notify("exit")
        return self.process.wait(20)


def texts():
    """The session's texts: short kernels of the tree, and the pages' blocks."""
    found = []
    for name in ("softmax", "matmul", "argmax", "dropout", "rms_norm", "score_gradient"):
        with open(os.path.join(ROOT, "kernels", "lessons", name + ".tile"), encoding="utf-8") as file:
            found.append(file.read())
    for page in ("language.md", "coming_from_triton.md"):
        with open(os.path.join(ROOT, "tools", "docs", page), encoding="utf-8") as file:
            found += re.findall(r"```tile\n(.*?)```", file.read(), re.S)
    return found


def changed(text, draw):
    """The text as it is in the middle of some edit."""
    tokens = [m.span() for m in re.finditer(r"\w+|[^\w\s]", text)] or [(0, 0)]
    begin, end = draw.choice(tokens)
    other = text[slice(*draw.choice(tokens))]
    return draw.choice([
        lambda: text[:begin],                                           # typed so far
        lambda: text[:end] + "\n}\n",                                   # cut short
        lambda: text[:begin] + text[end:],                              # a word is missing
        lambda: text[:begin] + other + text[end:],                      # another stands there
        lambda: text[:begin] + text[begin:end] * 2 + text[end:],        # twice
        lambda: text[:begin] + draw.choice("(){}[]<>|;:,.=+-*/\"'\\\t@#$~`?!&^%_\u00e9\U0001f600\u2028\0") + text[begin:],
        lambda: text[:begin] + str(draw.choice([0, -1, 2**31, 2**63, 2**70, "1e400", "0x"])) + text[end:],
        lambda: text.replace("\n", "\r\n"),
        lambda: "\ufeff" + text,
        lambda: text[begin:] + text[:begin],
        lambda: re.sub(r"\bf32\b|<T>", draw.choice(["f64", "i32", "bool", "<U>"]), text),
        lambda: text[:begin] + "(" * draw.choice([3, 300, 5000]) + text[begin:],
        lambda: draw.choice(["", " ", "\n", "}", "kernel", "import \"none.tile\";\n", "import \"", "//", "fn f(x) = f(x);\n"]) + draw.choice(["", text]),
    ])()


class Sessions(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.client = Client(self.folder.name)
        self.addCleanup(lambda: (self.client.process.kill(), self.client.process.communicate()))
        self.assertIn("capabilities", self.client.ask("initialize", capabilities={})["result"])
        self.path = os.path.join(self.folder.name, "a.tile")
        self.uri = "file://" + self.path

    def published(self):
        while (message := self.client.read()).get("method") != "textDocument/publishDiagnostics":
            pass
        return message["params"]["diagnostics"]

    def open(self, text):
        self.client.notify("textDocument/didOpen", textDocument={"uri": self.uri, "version": 1, "text": text})
        return self.published()

    def change(self, text):
        self.client.notify("textDocument/didChange", textDocument={"uri": self.uri, "version": 2}, contentChanges=[{"text": text}])
        return self.published()

    def refusal(self, text):
        """What `imbrex build` says of the text, by the place that needs no choice of types; None if it does not mind."""
        with open(self.path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        done = subprocess.run([IMBREX, "header", self.path], capture_output=True, text=True, errors="replace")
        return done.stderr if done.returncode else None

    def check_places(self, text, diagnostics):
        lines = text.split("\n")
        for each in diagnostics:
            self.assertTrue(each["message"].strip())
            begin, end = each["range"]["start"], each["range"]["end"]
            self.assertLessEqual((begin["line"], begin["character"]), (end["line"], end["character"]))
            self.assertLess(end["line"], len(lines) + 1)
            self.assertLessEqual(begin["character"], len(lines[begin["line"]].encode("utf-16-le")) // 2)

    def ask_everything(self, text, draw):
        for method in ("hover", "definition", "completion", "formatting"):
            line = draw.choice([0, text.count("\n"), draw.randrange(text.count("\n") + 1), 10**9])
            answer = self.client.ask("textDocument/" + method, textDocument={"uri": self.uri}, options={},
                                     position={"line": line, "character": draw.choice([0, 1, 7, draw.randrange(90), 10**9])})
            self.assertIn("result", answer, method)

    def session(self, number):
        draw, bases = random.Random(number), texts()
        base = bases[number % len(bases)]
        self.open(base)
        text = base
        for step in range(CHANGES):
            text = changed(draw.choice([base, text]), draw)
            with self.subTest(session=number, step=step, text=text[:3000]):
                found = self.change(text)
                self.check_places(text, found)
                self.ask_everything(text, draw)
                refusal = self.refusal(text)
                if refusal:
                    self.assertTrue(found, "silent, but: " + refusal)
        self.assertEqual(self.client.close(), 0)

    def test_an_import_that_is_wrong_is_told(self):
        with open(os.path.join(self.folder.name, "bad.tile"), "w") as file:
            file.write("fn f(x) = x +;\n")
        text = '// above\nimport "bad.tile";\nkernel k(X: view<f32>[N], Y: out view<f32>[N])\ngrid (1) |i| { store Y[0 :+ 4] = f(load X[0 :+ 4]); }\n'
        found = self.open(text)
        self.assertTrue(found)
        self.assertIn("bad.tile:1:", found[0]["message"])
        self.assertEqual(found[0]["range"]["start"], {"line": 1, "character": 7})

    def test_messages_that_are_none(self):
        """What is no message is answered by an error, and the next one by its result."""
        for data in (b"Content-Length: 5\r\n\r\nhello", b"Content-Length: 0\r\n\r\n", b"Content-Length: x\r\n\r\n", b"Content-Length: -4\r\n\r\n", b"Hello\r\n\r\n",
                     b"Content-Length: 2\r\n\r\n[]", b"Content-Length: 4\r\n\r\nnull", b"Content-Length: 100000\r\n\r\n" + b"[" * 100000,
                     b"Content-Length: 70000000\r\n\r\n" + b" " * 70000000, b"Content-Length: 3\r\n\r\n\xff\xfe\xfd"):
            with self.subTest(data=data[:40]):
                self.client.raw(data)
                self.assertEqual(self.client.read()["error"]["code"], -32700)
                self.assertIn("result", self.client.ask("textDocument/hover", textDocument={"uri": self.uri}))
        for method, params in (("textDocument/didOpen", {}), ("textDocument/didChange", {"contentChanges": [5]}), ("textDocument/didChange", {"contentChanges": []}),
                               ("textDocument/didClose", {}), ("$/cancelRequest", {"id": 1}), ("textDocument/hover", {"position": -1})):
            self.client.notify(method, **params)
            self.assertIn("result", self.client.ask("textDocument/hover", textDocument={"uri": self.uri}, position={"line": -5, "character": "x"}))


for number in range(SESSIONS):
    setattr(Sessions, "test_session_%02d" % number, lambda self, number=number: self.session(number))

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
