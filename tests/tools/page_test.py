#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The page of `imbrex explain --html`: what its data links, what --against finds, and, in a headless Chromium where one
is installed, that it can be pointed at, clicked, searched and walked by keys at two widths.

usage: page_test.py IMBREX SOURCE_DIR [--pictures DIR]      Python's standard library only.
"""
import json, os, re, resource, shutil, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
PICTURES = sys.argv[sys.argv.index("--pictures") + 1] if "--pictures" in sys.argv else None
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import browser

FORWARD = ["kernels/attention_forward.tile", "--set", "T=bf16", "--set", "DQK=128", "--set", "DV=128", "--set", "G=1",
           "--hook", "mask=causal"]
BACKWARD = ["kernels/attention_backward.tile", "--kernel", "attention_dkdv", *FORWARD[1:]]
SOFTMAX = ["kernels/lessons/softmax.tile", "--set", "T=f32", "--set", "D=1024"]
MOST_BYTES, MOST_SECONDS = 5 << 20, 2.0
HAS_MACHINE_CODE = shutil.which("ptxas") is not None and shutil.which("nvdisasm") is not None


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True, cwd=ROOT)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def page(self, name, *words):
        made = imbrex("explain", *words, "--html", self.path(name))
        self.assertEqual(made.returncode, 0, made.stderr)
        return self.path(name)

    def data(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        body = text.split('<script type="application/json" id="data">')[1].split("</script>")[0]
        return json.loads(body)


class Data(Case):
    def column(self, data, stage):
        return next(column for column in data["columns"] if column["stage"] == stage)

    def lines_at(self, data, column, word):
        """Lines of the kernel's text that lines of the column with `word` came from."""
        return {line for text, place in zip(column["text"].split("\n"), column["places"]) if word in text
                for which, line in data["places"][place] if which == 0}

    def test_forward_is_small_and_quick(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        path = self.page("forward.html", *FORWARD)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(os.path.getsize(path), MOST_BYTES)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, MOST_SECONDS)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for word in ("http://", "https://", "src=", "@import", "url("):
            self.assertNotIn(word, text.split('id="data"')[0] + text.split("</script>", 1)[1], "it needs something else")

    def test_every_stage_leads_back_to_the_text(self):
        data = self.data(self.page("softmax.html", *SOFTMAX))
        self.assertEqual([c["stage"] for c in data["columns"]][:4], ["tile", "cta", "nvvm", "ptx"])
        text = data["texts"][0]["text"].split("\n")
        store = next(i + 1 for i, line in enumerate(text) if "store" in line.split("//")[0])
        maximum = next(i + 1 for i, line in enumerate(text) if "rowmax" in line.split("//")[0])
        for stage, word in (("tile", "tile.store"), ("cta", "tile.store"), ("ptx", "st.global")):
            self.assertEqual(self.lines_at(data, self.column(data, stage), word), {store}, stage)
        self.assertIn(maximum, self.lines_at(data, self.column(data, "tile"), "tile.reduce max"))
        self.assertIn(maximum, self.lines_at(data, self.column(data, "ptx"), "shfl"))

    def test_instructions_stand_on_their_lines(self):
        data = self.data(self.page("softmax.html", *SOFTMAX))
        ptx = self.column(data, "ptx")
        lines = ptx["text"].split("\n")
        self.assertEqual(len(lines), len(ptx["kinds"]))
        self.assertEqual(sum(kind >= 0 for kind in ptx["kinds"]), data["scores"][0]["instructions"])
        self.assertEqual(len(ptx["live"]), data["scores"][0]["instructions"])
        names = data["kind_names"]
        for line, kind in zip(lines, ptx["kinds"]):
            if "ex2.approx" in line:
                self.assertEqual(names[kind], "function", line)
            if line.strip().startswith((".loc", "//", ".reg", "$L")):
                self.assertEqual(kind, -1, line)

    def test_no_text_ends_the_script(self):
        hostile = self.path("hostile.tile")
        with open(hostile, "w") as file:
            file.write("// </script><script>document.title = 'taken'</script> {{data}} <!--\n"
                       "kernel k(X: view<f32>[N], Y: out view<f32>[N])\ngrid (cdiv(N, 128)) |i| {\n"
                       "  store Y[i * 128 :+ 128] = load X[i * 128 :+ 128];\n}\n")
        path = self.page("hostile.html", hostile)
        self.assertIn("</script><script>", self.data(path)["texts"][0]["text"])

    def test_loops_and_buffers(self):
        data = self.data(self.page("forward.html", *FORWARD))
        self.assertEqual(len(data["ranges"]), 2)
        self.assertEqual([r["tests"] for r in data["ranges"]], [False, True], "only the second applies the mask")
        self.assertEqual(data["ranges"][0]["from"], "0")
        self.assertIn("cdiv(Sk, 64)", json.dumps(data["ranges"]))
        self.assertIn("grid.x * 128 + Sk - Sq", json.dumps(data["ranges"]))
        full = self.data(self.page("full.html", *[word for word in FORWARD if "causal" not in word and word != "--hook"]))
        self.assertNotRegex(json.dumps(full["ranges"]), r"where\(\d+ [<>=!]+ \d+,", "what numbers decide is decided")
        for buffer in data["buffers"]:
            kinds = {kind for kind, *_ in buffer["uses"]}
            self.assertIn("read", kinds, buffer)
            self.assertTrue(kinds & {"copy", "write"}, buffer)
            self.assertTrue(all(0 <= at < data["operations"] for _, at, _ in buffer["uses"]))

    @unittest.skipUnless(HAS_MACHINE_CODE, "no ptxas or no nvdisasm: the model reads machine code")
    def test_roles_on_hopper(self):
        """Warps that copy and warps that compute, by the model: in the page, and as text for a terminal."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        path = self.page("hopper.html", *FORWARD, "--target", "sm_90a")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(os.path.getsize(path), MOST_BYTES)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, MOST_SECONDS)
        data = self.data(path)
        self.assertEqual(len(data["timelines"]), 2)
        for line in data["timelines"]:
            self.assertEqual(line["roles"], ["computes 0", "computes 1", "copies"])
            kinds = [{what for warp, _, what, _, _ in line["events"] if warp == role} for role in range(3)]
            self.assertLessEqual({"tensor", "function", "wait: products"}, kinds[0])
            self.assertLessEqual({"copy", "wait: slot"}, kinds[2])
            self.assertNotIn("tensor", kinds[2])
            # The tensor pipe makes one product at a time, whoever issued it.
            products = sorted((begin, end) for _, _, what, begin, end in line["events"] if what == "tensor")
            self.assertTrue(all(first[1] <= second[0] + 1e-9 for first, second in zip(products, products[1:])))
        self.assertEqual((data["compute_warps"], data["warps"]), (8, 12))
        nvvm = self.column(data, "nvvm")
        self.assertIn("<(f32 x 88)>", nvvm["text"])
        self.assertNotRegex(nvvm["text"], r"(f32, ){8}|(=f,){8}")
        self.assertEqual(nvvm["text"].count("\n"), imbrex("build", *FORWARD, "--target", "sm_90a", "--until", "nvvm").stdout.count("\n"))
        text = imbrex("explain", *FORWARD, "--target", "sm_90a").stdout
        self.assertRegex(text, r"\n  roles        8 warps compute, with \d+ registers a thread; 4 copy\n")
        self.assertRegex(text, r"\n      computes 1  products      [#+.]{64}\n      computes 1  functions     [#+.]{64}\n      computes 1  waits  ")
        for remark in ("product by wgmma", "copied by the copy engine", "4 warps copy, 8 compute", "late product: delayed by one iteration"):
            self.assertIn(remark, text)
        self.assertNotIn("no model", text)

    def test_device_and_extents(self):
        made = imbrex("explain", *FORWARD, "--device", "sim:h200", "--target", "sm_90", "--extent", "Sq=4096",
                      "--extent", "Hk=16", "--extent", "B=2", "--json")
        data = json.loads(made.stdout)
        self.assertEqual(data["instances"], 32 * 16 * 2)
        self.assertEqual(data["occupancy"]["device"], "sim:h200")
        self.assertEqual(data["occupancy"]["most_warps"], 64)
        wrong = imbrex("explain", *FORWARD, "--device", "sim:abacus")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("no device 'sim:abacus'; there are", wrong.stderr)

    def test_tuning(self):
        tuned = imbrex("tune", "kernels/lessons/vector_add.tile", "--set", "T=f32", "--arg", "X=100000", "--arg",
                       "Y=100000", "--cache-dir", self.path("cache"), "--budget", "5", "--device", "sim", "--json")
        self.assertEqual(tuned.returncode, 0, tuned.stderr)
        with open(self.path("tuning.json"), "w") as file:
            file.write(tuned.stdout)
        vector = ["kernels/lessons/vector_add.tile", "--set", "T=f32"]
        data = self.data(self.page("tuned.html", *vector, "--tuning", self.path("tuning.json")))
        self.assertTrue(data["tuning"]["candidates"])
        wrong = imbrex("explain", *vector, "--html", self.path("x.html"), "--tuning", os.path.join(ROOT, "README.md"))
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("expected what 'imbrex tune --json' prints", wrong.stderr)


class Against(Case):
    def compare(self, *words):
        made = imbrex("explain", *SOFTMAX, *words, "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(made.stdout)

    def fact(self, comparison, name):
        return next(fact for fact in comparison["facts"] if fact["name"] == name)

    def test_itself(self):
        same = self.compare("--against", self.page("same.html", *SOFTMAX))
        self.assertEqual(same["lines"], [])
        for column in same["columns"]:
            self.assertEqual((column["added"], column["removed"]), (0, 0), column)

    def test_settings_targets_and_texts(self):
        warps = self.compare("--against", "warps=2")
        self.assertEqual((self.fact(warps, "warps")["here"], self.fact(warps, "warps")["other"]), (4, 2))
        target = self.compare("--against", "target=sm_90")
        self.assertEqual(self.fact(target, "target")["other"], "sm_90")
        other = self.path("other.tile")
        with open(os.path.join(ROOT, SOFTMAX[0])) as file:
            text = file.read()
        with open(other, "w") as file:
            file.write(text.replace("exp", "exp2") if "exp2" not in text else text.replace("exp2", "exp"))
        texts = self.compare("--against", other)
        self.assertGreater(next(c for c in texts["columns"] if c["stage"] == "tile")["added"], 0)
        wrong = imbrex("explain", *SOFTMAX, "--against", "nothing")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("--against takes NAME=VALUE", wrong.stderr)

    def word(self, line):
        """The first word that is no address, without digits: those are names."""
        words = re.sub(r"/\*\w+\*/|[@!]*U?P\d", "", line).split()
        return re.sub(r"\d+", "", words[0]) if words else ""

    def test_columns_can_be_put_together_again(self):
        """Without what is only here, and with what is only there, a column is the other's."""
        here = Data.data(self, self.page("here.html", *SOFTMAX, "--against", "warps=2"))
        other = Data.data(self, self.page("other.html", *SOFTMAX, "--set", "warps=2"))
        for mine, theirs in zip(here["columns"], other["columns"]):
            gone, fresh, lines = dict(mine["gone"]), set(mine["fresh"]), []
            text, told = mine["text"].split("\n"), theirs["text"].split("\n")
            self.assertLess(len(fresh), len(text))
            for i, line in enumerate(text):
                lines += gone.get(i, [])
                lines += [] if i in fresh else [line]
            self.assertEqual(len(lines), len(told), mine["stage"])
            for put, line in zip(lines, told):
                self.assertEqual(self.word(put), self.word(line))

    def test_as_text(self):
        text = imbrex("explain", *SOFTMAX, "--against", "warps=2").stdout
        self.assertIn("against warps=2", text)
        self.assertRegex(text, r"\* warps +2 +4")
        self.assertRegex(text, r"ptx +\d+ only there")


@unittest.skipUnless(browser.find(), "no Chromium is installed (apt-get install chromium): the page was not opened")
class Opened(Case):
    @classmethod
    def setUpClass(cls):
        cls.chromium = browser.Browser(browser.find())
        cls.addClassCleanup(cls.chromium.__exit__)

    def open(self, words, width, scheme="light"):
        page = self.chromium
        seconds = page.open(self.page("page.html", *words), width, 1000, scheme)
        self.assertLess(seconds, MOST_SECONDS)
        self.assertEqual(page.errors(), [])
        return page

    def middle(self, page, selector):
        box = page.run("(() => { const e = document.querySelector(%r); e.scrollIntoView({block: 'center'});"
                       " const b = e.getBoundingClientRect(); return [b.x + Math.min(b.width, 400) / 2, b.y + b.height / 2]; })()" % selector)
        page.settle()
        return page.run("(() => { const b = document.querySelector(%r).getBoundingClientRect();"
                        " return [b.x + Math.min(b.width, 400) / 2, b.y + b.height / 2]; })()" % selector) or box

    def look(self, page, name):
        """The picture is of a page on which something is drawn; kept where --pictures says."""
        folder = PICTURES or self.folder.name
        os.makedirs(folder, exist_ok=True)
        self.assertGreater(len(page.picture(os.path.join(folder, name + ".png"))), 20000)

    def row_of(self, page, word):
        row = page.run("columns[0].rows.findIndex(row => row.line && row.line.includes(%r))" % word)
        self.assertGreaterEqual(row, 0)
        return ".col.text [data-r='%d'] > span" % row

    def test_hover_lights_all_columns(self):
        page = self.open(FORWARD, 1600)
        page.move(*self.middle(page, self.row_of(page, "let mn = max(m, rowmax(s))")))
        page.settle()
        lit = page.run("columns.filter(c => c.shown).map(c => [c.id, document.querySelectorAll('.col.' + c.id + ' .lit').length])")
        self.assertEqual(dict(lit)["text"], 1)
        self.assertGreater(dict(lit)["ptx"], 10)
        self.assertIn("function", page.run("document.querySelector('.status').textContent"))
        page.move(5, 5)
        page.settle()
        self.assertEqual(page.run("document.querySelectorAll('.lit').length"), 0)

    def test_click_holds_and_brings_into_view(self):
        page = self.open(FORWARD, 1600)
        page.click(*self.middle(page, self.row_of(page, "acc = dot(cast<T>(p")))
        page.settle()
        self.assertEqual(page.run("document.querySelectorAll('.col.text .pin').length"), 1)
        seen = page.run("(() => { const lines = document.querySelector('.col.ptx .lines').getBoundingClientRect();"
                        " return [...document.querySelectorAll('.col.ptx .pin')].filter(e => { const b = e.getBoundingClientRect();"
                        " return b.bottom > lines.top && b.top < lines.bottom; }).length; })()")
        self.assertGreater(seen, 3, "what it became is not in view")
        self.look(page, "forward_1600_held")
        page.key("Escape")
        page.settle()
        self.assertEqual(page.run("document.querySelectorAll('.pin').length"), 0)

    def test_machine_line_leads_back(self):
        page = self.open(FORWARD, 1600)
        row = page.run("(() => { const c = columnOf('ptx'); return c.rows.findIndex(r => r.line.includes('ex2.approx')); })()")
        page.run("hold(columnOf('ptx'), %d)" % row)
        self.assertIn("line", page.run("'line ' + columns[0].pin.map(r => columns[0].rows[r].number).join()"))
        self.assertEqual(page.run("columns[0].pin.length"), 1)

    def test_search(self):
        page = self.open(SOFTMAX, 1600)
        page.key("/")
        for key in "shfl":
            page.key(key)
        page.run("new Promise(done => setTimeout(done, 300))")
        found = page.run("columnOf('ptx').hit.length")
        self.assertEqual(found, page.run("columnOf('ptx').rows.filter(r => (r.line || '').includes('shfl')).length"))
        self.assertGreater(found, 0)

    def test_keys(self):
        page = self.open(SOFTMAX, 1600)
        page.run("document.querySelector('.col.text .lines').focus()")
        for _ in range(3):
            page.key("ArrowDown")
        self.assertEqual(page.run("document.querySelectorAll('.at').length"), 1)
        page.key("Enter")
        page.settle()
        self.assertEqual(page.run("held.join()"), page.run("columns[0].keys[columns[0].at].join()"))
        focusable = page.run("[...document.querySelectorAll('button, input, a, [tabindex]')].every(e => e.tabIndex >= 0)")
        self.assertTrue(focusable)

    def test_narrow_and_dark(self):
        page = self.open(SOFTMAX, 700, "dark")
        self.assertLessEqual(page.run("document.documentElement.scrollWidth"), 700, "the page is wider than the window")
        self.look(page, "softmax_700_dark")
        page = self.open(SOFTMAX, 1600)
        self.assertLessEqual(page.run("document.documentElement.scrollWidth"), 1600)
        self.look(page, "softmax_1600")

    def test_words_of_the_pictures_are_apart_and_large_enough(self):
        """Of the backward kernel, whose smallest buffers are thinner than a line of words."""
        page = self.open([*BACKWARD, "--target", "sm_90a"], 700)
        words = page.run("[...document.querySelectorAll('[data-memory] text')].map(t => { const b = t.getBoundingClientRect();"
                         " return [t.textContent, b.x, b.y, b.width, b.height]; })")
        self.assertTrue({"L 1x64 f32, 2 slots", "Delta 1x64 f32, 2 slots"} <= {w[0] for w in words}, words)
        inner = 2  # pixels of a line's height that no letter uses
        for i, (a, ax, ay, aw, ah) in enumerate(words):
            self.assertGreater(ah, 9, a)
            for b, bx, by, bw, bh in words[:i]:
                self.assertFalse(ax < bx + bw and bx < ax + aw and ay + inner < by + bh and by + inner < ay + ah, (a, b))
        box = page.run("(() => { const b = document.querySelector('[data-memory] svg').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
        for a, ax, ay, aw, ah in words:
            self.assertTrue(box[0] <= ax and ax + aw <= box[0] + box[2] and ay + ah <= box[1] + box[3] + inner, "cut off: " + a)
        self.look(page, "backward_700")

    @unittest.skipUnless(HAS_MACHINE_CODE, "no ptxas or no nvdisasm: the model reads machine code")
    def test_timeline_of_roles(self):
        for width, scheme in ((1600, "light"), (700, "dark")):
            page = self.open([*FORWARD, "--target", "sm_90a"], width, scheme)
            self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width)
            texts = page.run("[...document.querySelectorAll('[data-timeline=\"0\"] text')].map(t => t.textContent)")
            for word in ("computes 0", "computes 1", "copies", "products", "exponentials", "waits"):
                self.assertIn(word, texts)
            box = page.run("(() => { const e = document.querySelector('[data-timeline=\"0\"] svg'); e.scrollIntoView({block: 'center'});"
                           " const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
            page.settle()
            box = page.run("(() => { const b = document.querySelector('[data-timeline=\"0\"] svg').getBoundingClientRect(); return [b.x, b.y, b.width]; })()")
            lanes = page.run("lanesOf(D.timelines[0]).lanes.map(l => [l[0], l[1], l[4]])")
            y = next(top for role, lane, top in lanes if role == 2 and lane == "copy") + 6
            page.move(box[0] + box[2] * 0.6, box[1] + y * box[2] / 1180)
            page.settle()
            self.assertRegex(page.run("document.querySelector('[data-timeline=\"0\"] .readout').textContent"), r"SYNCS.*cycles")
            self.look(page, "hopper_%d_%s" % (width, scheme))

    def test_columns_can_be_chosen(self):
        page = self.open(SOFTMAX, 1600)
        shown = page.run("document.querySelectorAll('.col.cta').length")  # from the start where there is no machine code
        for expected in (1 - shown, shown):
            page.run("document.querySelector('[data-column=cta]').click()")
            self.assertEqual(page.run("document.querySelectorAll('.col.cta').length"), expected)

    def test_hostile_text_stays_text(self):
        hostile = self.path("hostile.tile")
        with open(hostile, "w") as file:
            file.write("// </script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">\n"
                       "kernel k(X: view<f32>[N], Y: out view<f32>[N])\ngrid (cdiv(N, 128)) |i| {\n"
                       "  store Y[i * 128 :+ 128] = load X[i * 128 :+ 128];\n}\n")
        page = self.open([hostile], 1200)
        self.assertEqual(page.run("document.title"), "k for sm_80")
        self.assertEqual(page.run("document.querySelectorAll('img').length"), 0)

    def test_spills_are_told(self):
        ptxas = self.path("ptxas")
        with open(ptxas, "w") as file:
            file.write('#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\n'
                       'for word; do [ "$last" = -o ] && echo code > "$word"; last="$word"; done\n'
                       'grep -q "reqntid 64" "$last" && bytes=0 || bytes=100\n'
                       'echo "    0 bytes stack frame, $bytes bytes spill stores, 0 bytes spill loads"\n')
        os.chmod(ptxas, 0o700)
        note = "[...document.querySelectorAll('.facts div')].find(e => e.textContent.startsWith('Spilled')).textContent"
        words = ["kernels/lessons/vector_add.tile", "--set", "T=f32", "--set", "BLOCK=256", "--ptxas", ptxas]
        self.assertEqual(self.open(words, 1200).run(note), "Spilled0 Bwarps=4 spills 100 B")
        self.assertEqual(self.open([*words, "--set", "warps=1"], 1200).run(note), "Spilled100 Bwarps=2 spills 0 B")

    def test_comparison(self):
        page = self.open([*SOFTMAX, "--against", "warps=2"], 1600)
        self.assertGreater(page.run("document.querySelectorAll('.fresh, .gone').length"), 0)
        self.assertIn("Against", page.run("document.querySelector('nav').textContent"))
        self.look(page, "softmax_1600_against")


if __name__ == "__main__":
    words = [word for word in sys.argv[3:] if word not in ("--pictures", PICTURES)]
    unittest.main(argv=[sys.argv[0], *words])
