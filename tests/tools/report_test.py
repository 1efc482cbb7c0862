#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The page of measurements: its numbers, what it refuses, and that a simulated device's line is never shown as time.

usage: report_test.py SOURCE_DIR      Python's standard library only.
"""
import copy, json, os, re, subprocess, sys, tempfile, unittest

REPORT = os.path.join(sys.argv[1], "tools", "report")
sys.dont_write_bytecode = True
GPU = {"id": "cuda:0", "name": "Some GPU", "simulated": False, "driver": "580.65", "sm_clock_mhz": 1700}
SIMULATED = {"id": "sim:h200", "name": "Simulated H200", "simulated": True}
SHAPE = {"batch": 1, "heads": 16, "kv_heads": 16, "q": 4096, "k": 4096, "head_dim": 128}
NOTHING = {"median": None, "low": None, "high": None, "rounds": 0}


def line(**more):
    whole = {"schema": 1, "run": "r1", "kind": "attention_forward", "kernel": "attention", "implementation": "imbrex",
             "shape": SHAPE, "type": "bf16", "mask": "full", "device": GPU, "commit": "abc", "date": "2026-05-01T10:00:00Z",
             "unit": "us", "median": 100, "low": 99, "high": 102, "rounds": 20, "checked": True}
    return {**copy.deepcopy(whole), **more}


class Page(unittest.TestCase):
    def report(self, *lines):
        """(exit code, page or "", stderr). A line is an object, text or bytes."""
        with tempfile.TemporaryDirectory() as folder:
            source, page = os.path.join(folder, "lines.jsonl"), os.path.join(folder, "page.html")
            with open(source, "wb") as file:
                for one in lines:
                    text = one if isinstance(one, (str, bytes)) else json.dumps(one)
                    file.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
            done = subprocess.run([sys.executable, REPORT, page, source], capture_output=True, text=True)
            if not os.path.exists(page):
                return done.returncode, "", done.stderr
            with open(page) as file:
                return done.returncode, file.read(), done.stderr

    def good(self, *lines):
        code, text, errors = self.report(*lines)
        self.assertEqual((code, errors), (0, ""))
        return text

    def target(self, text, title, peer):
        """(mean, shapes, verdict) of a row of the table of targets."""
        row = re.search(r"<tr><td[^>]*>%s</td><td[^>]*>%s</td>(.*?)</tr>" % (re.escape(title), re.escape(peer)), text)[1]
        cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        return cells[1], cells[2], cells[3]

    FORWARD = "forward, head dimension 128, 2k keys and more"

    def test_ratios_and_geometric_means(self):
        longer = {**SHAPE, "q": 8192, "k": 8192}
        text = self.good(line(), line(implementation="torch.cudnn", median=137, low=136, high=138),
                         line(shape=longer, median=400, low=399, high=401),
                         line(shape=longer, implementation="torch.cudnn", median=432, low=431, high=433))
        self.assertIn(">1.37<", text)
        self.assertIn(">1.08<", text)
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn"), ("1.216", "2", "&#10003; reached"))  # (1.37 * 1.08) ** 0.5
        self.assertEqual(self.target(text, self.FORWARD, "triton"), ("-", "-", "not measured"))

    def test_paired_ratios_come_first(self):
        text = self.good(line(ratios={"torch.cudnn": {"median": 1.03, "low": 1.01, "high": 1.04}}), line(implementation="torch.cudnn", median=137, low=136, high=138))
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn"), ("1.030", "1", "&#10007; missed"))
        self.assertIn("1.01 to 1.04", text)
        self.assertNotIn(">1.37<", text)

    def test_throughput_comes_from_the_work(self):
        self.assertIn("687 TFLOP/s", self.good(line(work={"flop": 68719476736})))

    def test_only_one_run_is_compared_the_newest(self):
        old = [line(run="old", date="2026-04-01T00:00:00Z"), line(run="old", date="2026-04-01T00:00:00Z", implementation="torch.cudnn", median=300, low=300, high=300)]
        text = self.good(*old, line())
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn")[0], "-")
        text = self.good(*old, line(), line(implementation="torch.cudnn", median=110, low=110, high=110))
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn")[0], "1.100")

    def test_wrong_results_enter_nothing(self):
        text = self.good(line(checked=False, **NOTHING), line(implementation="torch.cudnn"))
        self.assertIn("wrong result", text)
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn")[0], "-")
        text = self.good(line(checked=False, median=77.25, low=77.25, high=77.25), line(implementation="torch.cudnn"))
        self.assertNotIn("77.2", text)
        self.assertEqual(self.target(text, self.FORWARD, "torch.cudnn")[0], "-")

    def test_failures_are_told(self):
        text = self.good(line(**NOTHING, failure="refused: no backward <yet>"))
        self.assertIn("refused: no backward &lt;yet&gt;", text)

    def test_simulated_lines_are_counted_and_never_time(self):
        code, text, _ = self.report(line(device=SIMULATED, **NOTHING), line(device=SIMULATED, **NOTHING, implementation="triton"))
        self.assertEqual(code, 0)
        self.assertIn("Nothing here was measured", text)
        self.assertNotIn("<svg", text)
        self.assertNotIn("Targets</h2>", text)
        for more in ({}, {**NOTHING, "ratios": {"triton": {"median": 1, "low": 1, "high": 1}}}, {**NOTHING, "rate": {"unit": "x", "value": 1}}):
            code, text, errors = self.report(line(device=SIMULATED, **more))
            self.assertEqual((code, text), (1, ""))
            self.assertIn("lines.jsonl:1: a number of a simulated device", errors)

    def test_malformed_lines_are_refused_by_number(self):
        cases = [("{", "not JSON"), ("[]", "not an object"), (line(median=float("nan")), "NaN is no JSON number"),
                 (line(medain=3), "unknown field 'medain'"), (line(rounds=1.5), "rounds is not a whole number"),
                 (line(checked=1), "checked is not true or false"), (line(median=98), "not low <= median <= high"),
                 (line(shape={"m": "4"}), "shape.m"), (line(device={"id": "cuda:0"}), "device.name"),
                 (line(device={**GPU, "sm_clock_mhz": "1700"}), "device.sm_clock_mhz is not a number"),
                 (line(device={**GPU, "name": "\ud800"}), "not UTF-8"), (b"\xff\xfe", "not UTF-8"), ("[" * 100000, "nested too deep"),
                 (line(low=0, work={"flop": 5}), "a time that is not above zero"), (line(high=10**400), "high is not a number"),
                 (line(kind='x" onload="y'), "kind 'x\" onload=\"y' is none of"), (line(work={"flop": -1}), "work.flop"),
                 (line(ratios={"triton": {"median": 0, "low": 0, "high": 1}}), "ratios.triton is not 0 < low"),
                 (line(ratios={"triton": {"median": 3, "low": 1, "high": 2}}), "ratios.triton is not 0 < low"),
                 (line(unit="ms"), "unit 'ms'"), (line(schema=2), "schema 2"), (line(failure="x"), "a number of a line with a failure"),
                 (line(**NOTHING), "no median, low or high and no failure"), (line(ratios={"triton": 1.2}), "ratios.triton"),
                 (line(work={"flops": 3}), "work.flops"), (line(rate={"unit": "x"}), "rate"),
                 ({k: v for k, v in line().items() if k != "commit"}, "no field 'commit'"), ("", "not JSON")]
        for wrong, what in cases:
            with self.subTest(what=what):
                code, text, errors = self.report(line(), wrong, line())
                self.assertEqual((code, text), (1, ""))
                self.assertRegex(errors, r"lines\.jsonl:2: .*" + re.escape(what))
                self.assertEqual(len(errors.splitlines()), 1)

    def test_launches_and_variants_are_listed(self):
        launch = {"kind": "launch", "kernel": "arguments19", "shape": {"arguments": 19}}
        compiled = {"kind": "compile", "shape": {}}
        text = self.good(line(**launch, median=3, low=3, high=3), line(**launch, implementation="driver", median=2.4, low=2.4, high=2.4),
                         line(**compiled, variant="cold", median=500, low=500, high=500), line(**compiled, variant="disk", median=5, low=5, high=5),
                         line(**compiled, implementation="triton", variant="cold", median=900, low=900, high=900))
        self.assertEqual(self.target(text, "launch of 19 arguments, at most 1.5 times a bare one", "driver")[0], "0.800")
        self.assertIn(">1.80<", text)  # cold beside cold
        self.assertNotIn(">180.00<", text)

    def test_a_changed_tree_is_told(self):
        self.assertIn("0123456789ab+changes<", self.good(line(commit="0123456789abcdef+changes")))

    def test_a_line_of_nothing_known_breaks_no_page(self):
        for unit, value in (("bytes", 0), ("cycles", 0), ("us", 1)):
            lines = []
            for kind, kernel in [("memory", "m"), ("matmul", "m"), ("micro", "exponentials"), ("micro", "shared")]:
                for shape in ({}, {"ex2": 1}, {"ex2": 1, "fma": 4}, {"period": 0, "q": 0, "k": 0, "batch": 0}):
                    more = dict(kind=kind, kernel=kernel, unit=unit, median=value, low=value, high=value)
                    one = line(**more, shape=shape, rate={"unit": "x", "value": 0})
                    lines += [one, dict(one, implementation="triton"), dict(one, shape={**shape, "fma": 1, "q": 3})]
            with self.subTest(unit=unit):
                self.good(*lines)

    def test_micro_results_and_plots(self):
        rows = [line(kind="micro", kernel="exponentials", implementation="hardware", variant="e1_f%d_a0_m0_c0_w4" % fma, unit="cycles",
                     shape={"warps": 4, "ex2": 1, "fma": fma}, rate={"unit": "ex2/clock/SM", "value": 15.25}) for fma in (0, 4)]
        text = self.good(*rows)
        self.assertIn("15.2 ex2/clock/SM", text)
        self.assertEqual(text.count("<polyline"), 1)

    def test_the_page_stands_alone(self):
        text = self.good(line(), line(implementation="triton"), line(shape={**SHAPE, "q": 8192, "k": 8192}), line(shape={**SHAPE, "q": 8192, "k": 8192}, implementation="triton"))
        self.assertNotRegex(text, r"https?:|<script|<link|@import|url\(")
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertIn("@media print", text)
        self.assertEqual(text.count("<rect class=\"m s0\" x=") , 3)  # two bars and a sign in the legend
        self.assertIn("580.65", text)

    def test_wrong_words(self):
        for words in ([], ["only.html"], ["--help"]):
            self.assertEqual(subprocess.run([sys.executable, REPORT, *words], capture_output=True).returncode, 2)
        done = subprocess.run([sys.executable, REPORT, "x.html", "no such file"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such file", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
