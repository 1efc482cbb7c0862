#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the library does to the process that loads it. usage: host_test.py LIBRARY SOURCE_DIR LIBLLVM

Each case is a process of its own: loaded beside another LLVM in either order by dlopen, and let go by dlclose.
"""
import subprocess, sys, unittest

LIBRARY, SOURCE, LLVM = sys.argv[1:4]
BEGIN = """
import array, ctypes, os, sys
sys.path.insert(0, os.path.join(%r, "tests", "support"))
import imbrex
LIBRARY, LLVM = %r, %r
KERNELS = os.path.join(%r, "kernels")

def compiles(**options):
    runtime = imbrex.Library(LIBRARY).open("sim:a100", simulator_threads=1, **options)
    kernel = runtime.load(os.path.join(KERNELS, "lessons", "vector_add.tile")).kernel()
    x, z = runtime.upload(array.array("f", range(100)).tobytes()), runtime.allocate(400)
    x_view, z_view = (imbrex.View(each, "f32", [100]) for each in (x, z))
    kernel.launch({"X": x_view, "Y": x_view, "Z": z_view})
    assert array.array("f", z.download())[99] == 198
    for each in (kernel, x, z, runtime):
        each.close()

def host_llvm():
    llvm = ctypes.CDLL(LLVM, mode=ctypes.RTLD_GLOBAL)
    llvm.LLVMContextCreate.restype = llvm.LLVMModuleCreateWithNameInContext.restype = ctypes.c_void_p
    llvm.LLVMModuleCreateWithNameInContext.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    llvm.LLVMPrintModuleToString.restype, llvm.LLVMPrintModuleToString.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    module = llvm.LLVMModuleCreateWithNameInContext(b"host", llvm.LLVMContextCreate())
    assert b"ModuleID = 'host'" in llvm.LLVMPrintModuleToString(module)
""" % (SOURCE, LIBRARY, LLVM, SOURCE)


def child(text):
    return subprocess.run([sys.executable, "-c", BEGIN + text], capture_output=True, text=True, timeout=300)


class Host(unittest.TestCase):
    def assertWell(self, text):
        done = child(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_loaded_before_another_llvm(self):
        self.assertWell("compiles(); host_llvm(); compiles()")

    def test_loaded_behind_another_llvm(self):
        self.assertWell("host_llvm(); compiles(); host_llvm()")

    def mapped(self, work):
        """Whether the library is still mapped when `work` is done and all handles are closed; twice."""
        return self.assertWell("""
import _ctypes, threading
def let_go():
    handle = ctypes.CDLL(LIBRARY)._handle
    for _ in range(2):  # also what compiles() opened
        _ctypes.dlclose(handle)
for _ in range(2):
    %s
    let_go()
    with open("/proc/self/maps") as maps:
        print(any("libimbrex" in line for line in maps))
""" % work).split()

    def test_dlclose_unmaps_it(self):
        self.assertEqual(self.mapped("compiles(compiles_in_child=1)"), ["False", "False"])
        self.assertEqual(self.mapped("""
    thread = threading.Thread(target=compiles)
    thread.start()
    thread.join()
    while len(os.listdir("/proc/self/task")) > 1: pass  # it ends a moment later
"""), ["False", "False"])

    def test_a_thread_that_compiled_keeps_it(self):
        """MLIR has thread_local caches with destructors: the C library keeps their code as long as the thread lives."""
        self.assertEqual(self.mapped("compiles()"), ["True", "True"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
