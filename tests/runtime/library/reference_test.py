#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The manual has every public declaration, documented. usage: reference_test.py LIBRARY SOURCE CMAKE

What must be in it is asked of the library: all functions of C that it exports, and the exported functions of each
class that the manual has. A header with an undocumented function must be found.
"""
import os, re, subprocess, sys, tempfile, unittest

LIBRARY, SOURCE, CMAKE = sys.argv[1:4]
REFERENCE = os.path.join(SOURCE, "tools/package/reference.py")
# Compiled in, but private to their class (`exports.map` names whole classes).
PRIVATE = {"BoundKernel::setScalar", "Code::parametersOf", "Event::movedFrom", "Stream::movedFrom",
           "Kernel::change", "Runtime::note"}


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True)


def exported():
    """Demangled names without parameters."""
    for line in run("nm", "-DC", "--defined-only", LIBRARY).stdout.splitlines():
        yield re.sub(r"\[abi:\w+\]|\(.*|<.*", "", line.split(" ", 2)[2])


class Reference(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.headers = os.path.join(self.folder.name, "include")
        made = run(CMAKE, "-DSOURCE=" + SOURCE, "-DOUT=" + self.headers, "-P", SOURCE + "/tools/package/Headers.cmake")
        self.assertEqual(made.returncode, 0, made.stderr)

    def check(self):
        return run(sys.executable, REFERENCE, self.headers, "--check")

    def manual(self):
        path = os.path.join(self.folder.name, "reference.md")
        made = run(sys.executable, REFERENCE, self.headers, path)
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(path) as file:
            return file.read()

    def test_everything_is_documented(self):
        checked = self.check()
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_what_the_library_exports_is_there(self):
        manual, names = self.manual(), sorted(set(exported()))
        self.assertGreater(len(names), 200)
        for name in names:
            parts = name.removeprefix("imbrex::").split("::")
            if name.startswith("imbrex_"):
                self.assertRegex(manual, r"\b%s\(" % name)
            elif len(parts) == 2 and "~" not in name and parts[0] != parts[1] and "operator" not in name:
                chapters = re.findall(r"^### %s$.*?(?=^##)" % parts[0], manual, re.M | re.S)
                if chapters and "::".join(parts) not in PRIVATE:
                    self.assertRegex("".join(chapters), r"\b%s\(" % parts[1], name)

    def test_an_undocumented_function_is_found(self):
        path = os.path.join(self.headers, "imbrex/runtime/Buffer.h")
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("  size_t bytes() const;", "\n  int bare(int) const;\n"))
        checked = self.check()
        self.assertEqual(checked.returncode, 1)
        self.assertIn("Buffer: int bare(int) const;", checked.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
