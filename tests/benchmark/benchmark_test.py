#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark's scripts on a simulated device: they check, find a damaged kernel, and neither print nor keep a time.

usage: benchmark_test.py LIBIMBREX SOURCE_DIR      Python's standard library only.
"""
import contextlib, dis, io, json, os, re, shutil, subprocess, sys, tempfile, time, types, unittest, unittest.mock

LIBRARY, ROOT = sys.argv[1], sys.argv[2]
SCRIPTS = {"bench": "bench.jsonl", "grid": "grid.jsonl", "tune": "tune.jsonl"}
sys.path[:0] = [os.path.join(ROOT, "tests", name) for name in ("benchmark", "support")]
import device as devices  # noqa: E402
import cases, clocks, compile_time, context, grid_ahead, grid_cases, imbrex, launch_overhead, progress, records, spread, tune  # noqa: E402


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
            path = os.path.join(copy, "kernels", "masks.tile")
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

    def test_who_loses_the_device_is_left_out_and_nothing_is_tried_without_end(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.jsonl")
            fields, other = ({"kind": "launch", "kernel": name, "shape": {}} for name in "kl")
            book = records.Records(path, False, None, "0", {})
            self.assertTrue(book.may_begin(fields))
            book.lose(fields, "triton")
            book = records.Records(path, True, None, "0", {})  # what stands beside the file goes along
            self.assertEqual((book.may_begin(fields), book.lost(fields), book.lost(other)), (True, {"triton"}, set()))
            book.lose(fields, "imbrex")
            self.assertTrue(book.may_begin(fields))
            book.lose(fields, "triton")  # left out, and lost again
            self.assertFalse(book.may_begin(fields))
            self.assertTrue(book.may_begin(other))
            book.lose(other, "triton")
            book.lose(other, "imbrex")
            self.assertEqual(book.lost({"kind": "third"}), {"triton"}, "ours is left out only where it failed")
            for i in range(records.MOST_LOSSES):
                self.assertEqual(book.may_begin(other), 2 + i < records.MOST_LOSSES)
                book.lose(other, str(i))

    def context(self, folder, lost=lambda: False):
        device = types.SimpleNamespace(simulated=True)
        facts = {"id": "sim:x", "name": "n", "simulated": True}
        book = records.Records(os.path.join(folder, "x.jsonl"), True, lambda: facts, "0", {})
        return context.Context(device, book, progress.Progress(100, watch=False), lost=lost)

    def test_a_group_that_loses_the_device_ends(self):
        fields = {"kind": "launch", "kernel": "k", "shape": {}}

        def lose():
            with context.running("flex"):
                raise RuntimeError("an illegal memory access")

        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as told:
            for _ in range(2):
                with self.assertRaises(SystemExit) as end:
                    self.context(folder, lambda: True).run_once(fields, "it", lose)
                self.assertEqual(end.exception.code, progress.DEVICE_LOST)
            last = self.context(folder, lambda: True)
            last.run_once(fields, "it", lose)
            self.assertTrue(last.records.done(fields))
        self.assertEqual(told.getvalue().count("flex lost the device in it"), 2)

    def test_tuning_goes_on_without_the_assignment_that_faults(self):
        problem = types.SimpleNamespace(name="p", fields={"kind": "matmul", "kernel": "p", "shape": {}})
        ran = []

        def check(kernel):
            ran.append(kernel)
            if kernel == "bad":
                raise RuntimeError("an illegal memory access")  # by torch's next call
            return ""

        problem.check = check
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            first = self.context(folder, lambda: ran[-1] == "bad")
            with self.assertRaises(context.DeviceLost) as lost:
                tune.right_ones(problem, {"a=1": "good", "a=2": "bad"}, first)
            self.assertEqual(lost.exception.args[0], "a=2")
            first.records.lose(problem.fields, lost.exception.args[0])
            good, wrong = tune.right_ones(problem, {"a=1": "good", "a=2": "bad", "a=3": "good"}, self.context(folder))
        self.assertEqual((list(good), list(wrong)), (["a=1", "a=3"], ["a=2"]))

    def test_tuning_takes_what_its_budget_allows_the_default_first(self):
        class Kernel:
            def copy(self):
                return Kernel()

            def set(self, name, value):
                self.value = value

            def prepare(self, _):
                time.sleep(0.01)
                return types.SimpleNamespace(numbers=lambda: {"local_bytes": self.value == 3, "repairs": 0})

        choices, watch = [{"a": i} for i in range(200)], progress.Progress(100, watch=False)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            self.assertEqual(tune.compiled(Kernel(), None, choices, watch, 0)[1], 1)
            kernels, tried = tune.compiled(Kernel(), None, choices, watch, 0.05)
            self.assertTrue(1 < tried < 200 and list(kernels)[0] == "a=0" and len(kernels) == tried - (tried > 3), told.getvalue())
            kernels, tried = tune.compiled(Kernel(), None, choices[:5], watch)
        self.assertEqual((list(kernels), tried), (["a=0", "a=1", "a=2", "a=4"], 5))
        self.assertEqual(tune.shuffled(choices), tune.shuffled(choices))
        self.assertNotEqual(tune.shuffled(choices), choices)

    def test_clocks_are_those_of_the_rounds(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "nvidia-smi")
            with open(path, "w") as file:
                file.write("#!/bin/sh\nfor clock in 300 1900 1800 1700; do echo 580.65, 0x4, $clock, 1980, 2619, '[N/A]', 50; done\n"
                           "case \"$*\" in *loop*) exec sleep 20;; esac\n")
            os.chmod(path, 0o755)
            with unittest.mock.patch.dict(os.environ, PATH=folder + os.pathsep + os.environ["PATH"]):
                sampler = clocks.Sampler("cuda:0")
                deadline = time.monotonic() + 20
                while len(sampler.readings) < 4 and time.monotonic() < deadline:
                    time.sleep(0.01)
            facts = sampler.facts(sampler.readings[1][0])
            self.assertEqual((facts["sm_clock_mhz"], facts["driver"], "power_w" in facts), (1800, "580.65", False))
            self.assertEqual(facts["clock_note"], "of 3 readings; reasons not at full clock: 0x4")
            with unittest.mock.patch.dict(os.environ, PATH=folder + "/none"):
                self.assertEqual(sampler.facts(time.monotonic()), {})

    def test_what_is_only_compiled_is_accepted(self):
        words = {"library": LIBRARY, "device": "sim:h200", "ptxas": ""}
        device = devices.Device(types.SimpleNamespace(**words))
        small = cases.Attention(2, 2, 1, 20, 24, 16, type="f16", mask="causal")
        for place in ("dense", "padded", "heads_first", "far"):
            grid_ahead.compile_ahead(grid_cases.GridCase(small, 1, place), device)
        for name in compile_time.WORK:
            microseconds, info = compile_time.prepare(device, name, None)
            self.assertIn(".entry", info.text("ptx"))
            self.assertGreater(microseconds, 0)

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
