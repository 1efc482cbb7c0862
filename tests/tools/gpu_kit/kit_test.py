#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kit as it is carried away: put together, small enough, self-contained, and run from a read-only place.

usage: kit_test.py BUILD_DIR SOURCE_DIR [--long]      Python's standard library only.

Without --long the kind `tests`, which repeats what the suite does anyhow, is only listed.
"""
import json, os, subprocess, sys, tempfile, unittest

BUILD, ROOT = sys.argv[1], sys.argv[2]
LONG = "--long" in sys.argv
MAKE = os.path.join(ROOT, "tools", "gpu_kit", "make.py")


class Kit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.kit = os.path.join(cls.folder.name, "a kit")
        cls.told = subprocess.run([sys.executable, MAKE, ROOT, BUILD, cls.kit], capture_output=True, text=True)
        subprocess.run(["chmod", "-R", "a-w", cls.kit])
        cls.addClassCleanup(subprocess.run, ["chmod", "-R", "u+w", cls.kit])

    def setUp(self):
        self.assertEqual(self.told.returncode, 0, self.told.stdout + self.told.stderr)

    def run_kind(self, kind, device="sim:h200", **environment):
        """Exit code, what was printed, and the files handed out."""
        name = kind + "-" + device.replace(":", "-")
        out = os.path.join(self.folder.name, "out-" + name)
        done = subprocess.run([os.path.join(self.kit, "run.sh"), kind, "--device", device, "--state",
                               os.path.join(self.folder.name, "state-" + name)], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "OUT": out, **environment})
        return done.returncode, done.stdout + done.stderr, os.listdir(out) if os.path.isdir(out) else []

    def test_small_enough(self):
        size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(self.kit) for name in names)
        self.assertLess(size, 60 << 20)

    def test_needs_no_llvm_and_nothing_of_this_machine(self):
        known = ("libimbrex.so", "libstdc++.so", "libgcc_s.so", "libc.so", "libm.so", "libz.so", "libdl.so", "libpthread.so", "ld-linux")
        for name in os.listdir(os.path.join(self.kit, "bin")):
            told = subprocess.run(["readelf", "-d", os.path.join(self.kit, "bin", name)], capture_output=True, text=True).stdout
            needed = [line.split("[")[1].rstrip("]") for line in told.splitlines() if "(NEEDED)" in line]
            self.assertTrue(needed, name)
            self.assertEqual([library for library in needed if not library.startswith(known)], [], name)
            self.assertNotIn(BUILD, told)

    def test_every_kind_runs_on_a_simulated_device(self):
        for kind in ("smoke", "record", "bench", "micro", "tune") + (("tests",) if LONG else ()):
            with self.subTest(kind=kind):
                code, told, files = self.run_kind(kind)
                self.assertEqual(code, 0, told)
                self.assertLessEqual(len(files), 8)
                self.assertIn(kind + ".txt", files)
                self.assertIn("nothing is measured", told)
                self.assertIn(" 0 failed", told)

    def test_no_measured_number_of_a_simulated_device(self):
        self.run_kind("bench")
        self.run_kind("micro")
        lines = 0
        for kind in ("bench", "micro"):
            out = os.path.join(self.folder.name, "out-%s-sim-h200" % kind)
            for name in os.listdir(out):
                if not name.endswith(".jsonl") or name.endswith("-steps.jsonl"):
                    continue
                with open(os.path.join(out, name)) as file:
                    for line in map(json.loads, file):
                        lines += 1
                        self.assertEqual((line["median"], line["low"], line["high"]), (None, None, None), line)
        self.assertGreater(lines, 10)

    def test_the_way_on_a_gpu(self):
        """On a stand-in for the driver, which takes PTX alone: hence no ptxas, and no micro-benchmarks."""
        machine = {"LD_LIBRARY_PATH": os.path.join(BUILD, "tests", "tools", "standin"), "PATH": "/usr/bin:/bin"}
        for kind in ("smoke", "record", "tune"):
            with self.subTest(kind=kind):
                code, told, files = self.run_kind(kind, "cuda:0", **machine)
                self.assertEqual(code, 0, told)
                self.assertNotIn("no GPU is used", told)
                self.assertIn(kind + ".txt", files)
        self.assertIn("missing: torch", told)

    def test_a_second_call_goes_on(self):
        self.run_kind("smoke")
        code, told, _ = self.run_kind("smoke")
        self.assertEqual(code, 0)
        self.assertIn("going on: 6 of 6 steps are done already", told)

    def test_a_broken_program_fails_its_run(self):
        broken = os.path.join(self.folder.name, "broken")
        subprocess.run(["cp", "-r", self.kit, broken], check=True)
        subprocess.run(["chmod", "-R", "u+w", broken], check=True)
        with open(os.path.join(broken, "bin", "attention_example"), "w") as file:
            file.write("#!/bin/sh\nkill -SEGV $$\n")
        done = subprocess.run([os.path.join(broken, "run.sh"), "smoke", "--device", "sim:h200", "--state",
                               os.path.join(self.folder.name, "broken-state")], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "OUT": os.path.join(self.folder.name, "broken-out")})
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("1 failed", done.stdout)

    def test_another_folder_is_not_replaced(self):
        told = subprocess.run([sys.executable, MAKE, ROOT, BUILD, self.folder.name], capture_output=True, text=True)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("is no kit", told.stderr)

    def test_a_wrong_word_is_2(self):
        self.assertEqual(self.run_kind("nonsense")[0], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
