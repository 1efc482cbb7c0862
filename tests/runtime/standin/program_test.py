#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Unmodified CUDA programs, compiled by nvcc where it is installed, run on the stand-in libraries without a GPU.

usage: program_test.py STANDIN_FOLDER SOURCE_FOLDER [PRELOAD]      Skips, and says so, where there is no nvcc.
PRELOAD is a library that the stand-ins need and the programs lack: a sanitizer's.
"""
import os, shutil, subprocess, sys, tempfile, unittest

STANDIN, SOURCES = sys.argv[1], sys.argv[2]
ENVIRONMENT = {"LD_LIBRARY_PATH": STANDIN, "LD_PRELOAD": "".join(sys.argv[3:])}
NVCC = shutil.which("nvcc") or ("/usr/local/cuda/bin/nvcc" if os.path.exists("/usr/local/cuda/bin/nvcc") else None)


class Programs(unittest.TestCase):
    def run_program(self, source, *flags, **environment):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            made = subprocess.run([NVCC, "-std=c++17", "-cudart", "shared", "-gencode", "arch=compute_80,code=compute_80", *flags, "-o", program,
                                   os.path.join(SOURCES, source)], capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stderr)
            return subprocess.run([program], capture_output=True, text=True, timeout=120, env={**ENVIRONMENT, **environment})

    def expect_right(self, source, *flags):
        done = self.run_program(source, *flags)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("right", done.stdout)
        return done.stderr

    def test_every_way_to_pack_ptx(self):
        for flags in (["--no-compress"], ["--compress-mode=default"], ["--compress-mode=size"]):
            with self.subTest(flags=flags):
                self.expect_right("runtime_api.cu", *flags)

    def test_last_block(self):
        self.assertNotIn("race", self.expect_right("last_block.cu"))
        done = self.run_program("last_block.cu", "-DNO_FENCE")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("global-memory race in kernel", done.stderr)

    def test_the_environment_says_how_long_a_launch_may_run(self):
        done = self.run_program("last_block.cu", IMBREX_SIM_MAX_INSTRUCTIONS="10")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("instruction budget exceeded", done.stderr)
        self.assertIn("more than 10 warp-instructions", done.stderr)
        self.assertIn("IMBREX_SIM_MAX_INSTRUCTIONS raises the limit", done.stderr)
        for wrong in ("0", "1e9", "-1", "many"):
            done = self.run_program("last_block.cu", IMBREX_SIM_MAX_INSTRUCTIONS=wrong)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"IMBREX_SIM_MAX_INSTRUCTIONS is '{wrong}', not a number of at least 1", done.stderr)


if __name__ == "__main__":
    if not NVCC:
        print("skipped: there is no nvcc on this machine")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
