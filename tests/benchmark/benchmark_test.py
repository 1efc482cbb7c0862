#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark's scripts on a simulated device: they check, find a damaged kernel, and neither print nor keep a time.

usage: benchmark_test.py LIBIMBREX SOURCE_DIR      Python's standard library only.
"""
import dis, json, os, re, shutil, subprocess, sys, tempfile, time, types, unittest

LIBRARY, ROOT = sys.argv[1], sys.argv[2]
SCRIPTS = {"bench": "bench.jsonl", "grid": "grid.jsonl", "tune": "tune.jsonl"}
sys.path[:0] = [os.path.join(ROOT, "tests", name) for name in ("benchmark", "support")]
import grid_cases, imbrex, launch_overhead, progress, records, spread  # noqa: E402


def run(script, out, *words, root=ROOT):
    path = os.path.join(root, "tests", "benchmark", script + ".py")
    return subprocess.run([sys.executable, path, "--tiny", "--device=sim:h200", "--library=" + LIBRARY, "--out=" + out,
                           "--commit=0123abc", *words], capture_output=True, text=True)


def copy_of_tree(to):
    """What the scripts need beside the library."""
    for folder in (("tests", "benchmark"), ("tests", "support"), ("tools", "report"), ("kernels",)):
        shutil.copytree(os.path.join(ROOT, *folder), os.path.join(to, *folder), ignore=shutil.ignore_patterns("__pycache__", "*.cpp"))


class Tiny(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = folder.name

    def lines(self, script):
        with open(os.path.join(self.out, SCRIPTS[script])) as file:
            return [json.loads(line) for line in file]

    def test_checks_pass_no_time_is_told_and_resume_goes_on(self):
        for script, name in SCRIPTS.items():
            with self.subTest(script=script):
                self.assertEqual(run(script, self.out, "--seconds=0").returncode, 3, "the time is over, the rest is left")
                result = run(script, self.out)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn("measures nothing", result.stdout)
                self.assertIsNone(re.search(r"\d ?(us|ms|s|TFLOP/s|GB/s)\b", result.stdout), result.stdout)
                before = self.lines(script)
                with open(os.path.join(self.out, name), "rb+") as file:
                    file.truncate(len(file.read()) - 9)  # as a kill leaves it
                again = run(script, self.out, "--resume")
                self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
                self.assertEqual(len(self.lines(script)), len(before))
        for line in self.lines("bench") + self.lines("tune"):
            self.assertEqual([line["median"], line["low"], line["high"], line["rounds"]], [None, None, None, 0])
            self.assertTrue(line["device"]["simulated"] and line["checked"], line)

    def test_a_damaged_kernel_is_found(self):
        with tempfile.TemporaryDirectory() as copy:
            copy_of_tree(copy)
            path = os.path.join(copy, "kernels", "attention_forward.tile")
            with open(path) as file:
                text = file.read()
            damaged = text.replace("fn causal(at) = at.k <= at.q", "fn causal(at) = at.k < at.q")
            self.assertNotEqual(text, damaged)
            with open(path, "w") as file:
                file.write(damaged)
            for script in SCRIPTS:
                with self.subTest(script=script):
                    result = run(script, self.out, root=copy)
                    self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                    self.assertIn("FAILED", result.stdout)
                    if script != "tune":
                        again = run(script, self.out, "--resume", root=copy)
                        self.assertEqual(again.returncode, 1, "resumed, the failure is forgotten")

    def test_what_cannot_start_says_so(self):
        result = run("bench", self.out, "--library=/nowhere/libimbrex.so")
        self.assertEqual(result.returncode, 2)
        self.assertIn("/nowhere/libimbrex.so", result.stderr)
        self.assertEqual(run("bench", self.out, "--device=cuda:0").returncode, 2)
        path = os.path.join(ROOT, "tests", "benchmark", "bench.py")
        result = subprocess.run([sys.executable, path, "--device=sim:h200", "--out=" + self.out], capture_output=True, text=True)
        self.assertEqual(result.returncode, 2)
        self.assertIn("measures nothing", result.stderr)


class Parts(unittest.TestCase):
    def test_a_line_against_the_schema_is_not_written(self):
        facts = {"id": "cuda:0", "name": "n", "simulated": False}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.jsonl")
            new = records.Records(path, False, lambda: facts, "0", {})
            fields, good = {"kind": "launch", "kernel": "k", "shape": {}}, {"implementation": "imbrex", "checked": True}
            with self.assertRaises(ValueError):
                new.write(fields, [dict(good, medain=1.0)])
            facts["simulated"] = True
            with self.assertRaises(ValueError):
                new.write(fields, [dict(good, median=2.0, low=1.0, high=3.0)])
            self.assertFalse(os.path.exists(path))
            new.write(fields, [good])
            self.assertTrue(records.Records(path, True, None, "0", {}).done(fields))

    def test_the_bare_launch_costs_python_what_ours_does(self):
        def way(bind):
            """What Python executes of a bound launch that succeeds."""
            run = next(each for each in bind.__code__.co_consts if isinstance(each, types.CodeType) and each.co_name == "run")
            names = [each.opname for each in dis.get_instructions(run) if each.opname not in ("NOP", "COPY_FREE_VARS")]
            return names[: next(i for i, name in enumerate(names) if "JUMP" in name and "_IF_" in name) + 1]

        self.assertIn("CALL_FUNCTION_EX", way(imbrex.Kernel.bind))
        self.assertEqual(way(imbrex.Kernel.bind), way(launch_overhead.bound))

    def test_a_piece_within_another_has_its_own_time(self):
        watch = progress.Progress(100, watch=False)
        with watch.doing("outer", 5):
            outer = watch.until
            with watch.doing("inner", 50):
                self.assertGreater(watch.until, outer)
                time.sleep(0.05)
            self.assertEqual(watch.what, "outer")
            self.assertGreaterEqual(watch.until, outer + 0.05)

    def test_spread(self):
        self.assertEqual(spread.spread([3, 1, 2]), (2, 1, 3))
        self.assertEqual(spread.spread(range(20)), (9.5, 2, 17))
        self.assertEqual(spread.ratio(spread.Numbers([2, 4], 0), spread.Numbers([1, 1], 0)), {"median": 3, "low": 2, "high": 4})

    def test_the_grid_is_whole_and_meets_everything_early(self):
        cases = grid_cases.ordered(1)
        self.assertEqual(len({case.text() for case in cases}), 2 * 3 * 2 * 2 * 2 * 5 * 20 + 10)
        early = [case for case in cases[:150] if case.attention.batch == grid_cases.BATCH]
        self.assertEqual({(case.attention.q, case.attention.k) for case in early}, set(grid_cases.LENGTHS))
        self.assertEqual({(case.attention.type, case.attention.head_dim, case.attention.kv_heads) for case in early},
                         {(type, depth, heads) for type in ("f16", "bf16") for depth in (64, 96, 128, 192, 256) for heads in (6, 2, 1)})
        self.assertEqual([case.text() for case in cases], [case.text() for case in grid_cases.ordered(1)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
