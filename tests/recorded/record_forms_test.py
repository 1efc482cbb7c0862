#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""record_forms on the simulated device: a file, cut and resumed, a child that ends, a form that does not load.

usage: record_forms_test.py RECORD_FORMS FORMS_TXT      Python's standard library only. Assembles a sample where there is a ptxas.
"""
import glob, os, shutil, signal, subprocess, sys, tempfile, time, unittest

PROGRAM, FORMS = sys.argv[1], sys.argv[2]


def run(*words, forms=FORMS):
    result = subprocess.run([PROGRAM, "--forms", forms, *words], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


class RecordForms(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "x.rec")

    def tearDown(self):
        self.folder.cleanup()

    def record(self, *words, **named):
        return run("--device", "sim:h100", "--out", self.file, *words, **named)

    def bytes(self):
        with open(self.file, "rb") as file:
            return file.read()

    def test_whole_cut_and_resumed(self):
        code, told = self.record("--only", "^(add|sub)")
        self.assertEqual(code, 0, told)
        self.assertIn("simulated: results of no GPU", told)
        whole = self.bytes()
        code, told = self.record("--only", "^(add|sub)")
        self.assertEqual(code, 2, told)
        self.assertIn("is there already", told)
        for cut in (len(whole) - 3, len(whole) // 2, len(whole) // 5, 40, 0):
            with open(self.file, "wb") as file:
                file.write(whole[:cut])
            code, told = self.record("--only", "^(add|sub)", "--resume")
            self.assertEqual(code, 0, told)
            self.assertEqual(self.bytes(), whole)

    def test_a_damaged_header_is_no_recording(self):
        self.record("--only", "^add.s32")
        whole = self.bytes()
        for right, damaged in ((b"capability 9 0", b"capability x 0"), (b"capability 9 0", b"capability 9"),
                               (b"capability 9 0", b"capability 9 0 0"), (b"driver ", b"driver v"), (b"simulated yes", b"simulated yet")):
            self.assertIn(right, whole)
            with open(self.file, "wb") as file:
                file.write(whole.replace(right, damaged, 1))
            code, told = self.record("--only", "^add.s32", "--resume")
            self.assertEqual(code, 2, (damaged, told))
            self.assertIn("is no recording", told)

    def test_a_recording_of_another_device_is_not_continued(self):
        self.record("--only", "^add.s32")
        whole = self.bytes()
        for right, other in ((b"capability 9 0", b"capability 9 1"), (b"simulated yes", b"simulated no")):
            with open(self.file, "wb") as file:
                file.write(whole.replace(right, other, 1))
            code, told = self.record("--only", "^add.s32", "--resume")
            self.assertEqual(code, 2, (other, told))
            self.assertIn("of another device or driver", told)

    def test_child_that_ends(self):
        parent = subprocess.Popen([PROGRAM, "--forms", FORMS, "--device", "sim:h100", "--out", self.file],
                                  stdout=subprocess.PIPE, text=True)
        while parent.poll() is None and (not os.path.exists(self.file) or os.path.getsize(self.file) < 100000):
            time.sleep(0.001)
        try:
            with open("/proc/%d/task/%d/children" % (parent.pid, parent.pid)) as file:
                children = file.read().split()
        except OSError:
            children = []
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        told = parent.communicate()[0]
        self.assertIn(b"\nend ", self.bytes())
        self.assertLessEqual(told.count("  failed: "), len(children))
        self.assertEqual(parent.returncode, 1 if "  failed: " in told else 0, told)

    def test_form_that_does_not_load(self):
        forms = os.path.join(self.folder.name, "forms.txt")
        with open(forms, "w") as file:
            file.write("sm_80   add.s32 b32, b32, b32\nsm_80   add.s32.odd b32, b32, b32\nsm_80   sub.s32 b32, b32, b32\n"
                       "sm_100  add.rn.f32.f16 b32, b16, b32\n")
        code, told = self.record(forms=forms)
        self.assertEqual(code, 1, told)
        self.assertIn("failed: add.s32.odd b32, b32, b32: ", told)
        self.assertIn("3 forms recorded, 1 failed", told)
        self.assertIn("1 need a later device", told)
        code, told = self.record("--only", "^sub", "--retry", forms=forms)
        self.assertEqual(code, 0, told)
        self.assertNotIn(b"failed", self.bytes())
        self.assertIn("2 forms recorded, 0 failed", told)

    def test_refusals(self):
        for words, what in ((["--device", "cuda:99"], "--out"), (["--odd"], "what is"), (["--only", "("], "needed")):
            code, told = run(*words)
            self.assertEqual(code, 2, told)
            self.assertIn(what, told)
        code, told = run("--device", "sim:none", "--out", self.file)
        self.assertEqual(code, 2, told)
        self.assertIn("there is no device", told)
        code, told = self.record("--only", "(")
        self.assertIn("no regular expression", told)
        with open(self.file, "w") as file:
            file.write("a letter\n")
        code, told = self.record("--resume")
        self.assertEqual(code, 2, told)
        self.assertIn("is no recording", told)
        self.assertEqual(self.bytes(), b"a letter\n")
        code, told = self.record(forms="/nowhere/forms.txt")
        self.assertIn("cannot read", told)

    def test_a_sample_of_kernels_assembles(self):
        code, told = run("--write-ptx", self.folder.name)
        self.assertEqual(code, 0, told)
        kernels = sorted(glob.glob(os.path.join(self.folder.name, "*.ptx")))
        self.assertGreater(len(kernels), 200)
        if not shutil.which("ptxas"):
            print("kernels not assembled: no ptxas on PATH")
            return
        for kernel in kernels[::1 if "--long" in sys.argv else 20]:
            target = kernel.split(".")[-2]
            arch = target if len(target) > len("sm_90") else "sm_90"
            result = subprocess.run(["ptxas", "-arch=" + arch, kernel, "-o", os.devnull], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, kernel + result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
