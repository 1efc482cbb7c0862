#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kit as it is carried away: put together, small enough, self-contained, and run from a read-only place.

usage: kit_test.py BUILD_DIR SOURCE_DIR [--long]      Python's standard library only.

Without --long the kind `tests`, which repeats what the suite does anyhow, is only listed.
"""
import json, os, subprocess, sys, tarfile, tempfile, unittest

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

    def run_kind(self, *words, device="sim:h200", name="", program=(), **environment):
        """Exit code, what was printed, and the files handed out. Progress and results are kept by `name`."""
        name = name or "-".join(words) + "-" + device.replace(":", "-")
        out = os.path.join(self.folder.name, "out-" + name)
        done = subprocess.run([*(program or [os.path.join(self.kit, "run.sh")]), *words, "--device", device, "--state",
                               os.path.join(self.folder.name, "state-" + name)], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "OUT": out, **environment})
        return done.returncode, done.stdout + done.stderr, os.listdir(out) if os.path.isdir(out) else []

    def broken(self, name, program, text):
        """A copy of the kit with one program replaced: what runs it."""
        broken = os.path.join(self.folder.name, name)
        subprocess.run(["cp", "-r", self.kit, broken], check=True)
        subprocess.run(["chmod", "-R", "u+w", broken], check=True)
        with open(os.path.join(broken, "bin", program), "w") as file:
            file.write("#!/bin/sh\n%s\n" % text)
        return [os.path.join(broken, "run.sh")]

    def test_small_enough(self):
        size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(self.kit) for name in names)
        self.assertLess(size, 60 << 20)

    def test_no_kernel_is_looked_for_in_the_source_tree(self):
        for name in os.listdir(os.path.join(self.kit, "bin")):
            with open(os.path.join(self.kit, "bin", name), "rb") as file:
                self.assertFalse((ROOT + "/kernels/").encode() in file.read(), name + ": use inRoot of RunMode.h")

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
        """On a stand-in for the driver, which takes PTX alone: hence no micro-benchmarks, and by run.py, which looks
        for no ptxas where run.sh does."""
        machine = {"LD_LIBRARY_PATH": os.path.join(BUILD, "runtime", "standin"), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        for kind in ("smoke", "record", "tune"):
            with self.subTest(kind=kind):
                code, told, files = self.run_kind(kind, device="cuda:0", program=[sys.executable, os.path.join(self.kit, "kit", "run.py")], **machine)
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
        run = self.broken("broken", "attention_example", "kill -SEGV $$")
        code, told, _ = self.run_kind("smoke", name="broken", program=run)
        self.assertEqual(code, 1, told)
        self.assertIn("1 failed", told)

    def test_a_program_that_lists_or_runs_no_tests_fails(self):
        """Exit code 0, and nothing done."""
        run = self.broken("empty", "kernels_test", 'echo "[==========] 0 tests from 0 test suites ran. (0 ms total)"')
        code, told, _ = self.run_kind("smoke", name="empty", program=run)
        self.assertEqual(code, 1, told)
        self.assertIn("failed    vector_add: it says nowhere that it did its work", told)
        code, told, _ = self.run_kind("tests", "--seconds", "12", name="empty", program=run)
        self.assertEqual(code, 1, told)
        self.assertIn("failed    kernels_test/list", told)

    def test_another_device_is_not_done(self):
        self.run_kind("smoke", name="moved")
        code, told, _ = self.run_kind("smoke", name="moved", device="sim:h100")
        self.assertEqual(code, 0, told)
        self.assertIn("begun anew", told)
        self.assertNotIn("going on", told)
        code, told, _ = self.run_kind("smoke", name="moved", device="cuda:9")
        self.assertEqual(code, 2, told)
        self.assertIn("there is no device cuda:9", told)

    def test_several_kinds_are_one_pack_that_is_taken_up_again(self):
        code, told, files = self.run_kind("smoke", "micro", name="several")
        self.assertEqual(code, 0, told)
        self.assertEqual(files, ["kit.tar.gz"])
        with tarfile.open(os.path.join(self.folder.name, "out-several", "kit.tar.gz")) as tar:
            self.assertEqual(sorted(tar.getnames()), ["micro-steps.jsonl", "micro.jsonl", "micro.txt", "smoke-steps.jsonl", "smoke.txt"])
        code, told, _ = self.run_kind("micro", "--resume", os.path.join(self.folder.name, "out-several", "kit.tar.gz"), name="taken up")
        self.assertEqual(code, 0, told)
        self.assertIn("going on: 4 of 4 steps are done already", told)

    def test_seconds_shorten_a_run(self):
        code, told, _ = self.run_kind("bench", "--seconds", "10", name="short")
        self.assertIn(code, (0, 75), told)
        self.assertEqual(self.run_kind("bench", "--seconds", "9999", name="short")[0], 2)

    def test_through_a_symbolic_link(self):
        link = os.path.join(self.folder.name, "link")
        os.symlink(os.path.join(self.kit, "run.sh"), link)
        done = subprocess.run([link, "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_unwritable_place_is_refused_in_a_line(self):
        code, told, _ = self.run_kind("smoke", name="nowhere", OUT="/proc/nowhere")
        self.assertEqual(code, 2)
        self.assertEqual(len(told.splitlines()), 1, told)
        self.assertIn("set OUT to a folder that can be written", told)

    def test_a_sanitizer_that_does_not_work_here_is_left_out(self):
        """It refuses the trial: what it says is named. It finds an error: that is a failure. It works: its end is the program's."""
        script = os.path.join(self.kit, "kit", "sanitize.py")
        path = os.path.join(self.folder.name, "sanitizers")
        os.mkdir(path)
        for text, wanted, says in (("echo '========= Error: device not supported'; exit 1", 2, "missing: .*: Error: device not supported"),
                                   ("exit 9", 9, "^$"), ('shift 4; exec "$@"', 0, "--gtest_filter=B --x")):
            with open(os.path.join(path, "compute-sanitizer"), "w") as file:
                file.write("#!/bin/sh\n%s\n" % text)
            os.chmod(os.path.join(path, "compute-sanitizer"), 0o700)
            done = subprocess.run([sys.executable, script, "memcheck", "A", "echo", "--gtest_filter=B", "--x"], capture_output=True,
                                  text=True, env={"PATH": path + ":" + os.environ["PATH"]})
            self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
            self.assertRegex(done.stdout, says)

    def test_another_folder_is_not_replaced(self):
        told = subprocess.run([sys.executable, MAKE, ROOT, BUILD, self.folder.name], capture_output=True, text=True)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("is no kit", told.stderr)
        other = os.path.join(self.folder.name, "other")
        os.mkdir(other)
        open(os.path.join(other, "run.sh"), "w").close()
        self.assertNotEqual(subprocess.run([sys.executable, MAKE, ROOT, BUILD, other], capture_output=True).returncode, 0)
        self.assertEqual(os.listdir(other), ["run.sh"])

    def test_a_wrong_word_is_2(self):
        self.assertEqual(self.run_kind("nonsense")[0], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
