# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface from Python, through tests/support/imbrex.py: launches, errors, threads and DLPack.
usage: tensor_test.py LIBRARY SOURCE_DIR

Tensors of the simulated device go both ways. A tensor of the host is refused: a handmade one, and NumPy's where NumPy
can be imported.
"""
import array, ctypes, os, sys, threading, unittest

LIBRARY, SOURCE = sys.argv[1:3]
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import imbrex
import imbrex_capsules

try:
    import numpy
except ImportError:
    numpy = None
    print("NumPy is not installed: its own tensors are not tried, a handmade tensor of the host is")

VECTOR_ADD = os.path.join(SOURCE, "kernels", "lessons", "vector_add.tile")
HOST_WORDS = "the tensor is in host memory, the runtime's device is sim:h200: copy the tensor to sim:h200 first"


class HostTensor:
    """A DLManagedTensor of 4 floats in host memory: data, device, ndim, dtype, shape, strides, byte_offset."""

    class Struct(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32),
                    ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                    ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                    ("byte_offset", ctypes.c_uint64), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

    def __init__(self):
        self.data, self.shape = (ctypes.c_float * 4)(), (ctypes.c_int64 * 1)(4)
        self.struct = self.Struct(data=ctypes.addressof(self.data), device=(1, 0), ndim=1, code=2, bits=32, lanes=1,
                                  shape=self.shape)

    def __dlpack__(self, stream=None):  # as before DLPack 1.0
        return imbrex_capsules.PyCapsule_New(ctypes.addressof(self.struct), b"dltensor", None)


def floats(buffer):
    return array.array("f", buffer.download())


class Tensors(unittest.TestCase):
    def setUp(self):
        self.runtime = imbrex.Library(LIBRARY).open("sim:h200", simulator_threads=1)
        self.kernel = self.runtime.load(VECTOR_ADD).kernel()
        self.addCleanup(self.runtime.close)
        self.addCleanup(self.kernel.close)

    def vectors(self, n):
        """Views X, Y, Z of n floats: X[i] = i, Y[i] = i / 2."""
        x, y = (self.runtime.upload(array.array("f", [step * i for i in range(n)]).tobytes()) for step in (1, 0.5))
        return {name: imbrex.View(buffer, "f32", [n]) for name, buffer in
                zip("XYZ", (x, y, self.runtime.allocate(4 * n)))}

    def assertSum(self, z, n):
        self.assertEqual(floats(z).tolist(), [1.5 * i for i in range(n)])

    def test_host_tensors_are_refused(self):
        with self.assertRaises(imbrex.ImbrexError) as caught:
            self.runtime.view(HostTensor())
        self.assertEqual(caught.exception.status, "IMBREX_ERROR_ARGUMENT")
        self.assertTrue(caught.exception.message.startswith(HOST_WORDS), caught.exception.message)
        if numpy:
            arguments = dict(self.vectors(4), X=numpy.zeros(4, numpy.float32))
            with self.assertRaisesRegex(imbrex.ImbrexError, HOST_WORDS):
                self.kernel.launch(arguments)

    def test_tensors_out_and_in(self):
        for versioned in (False, True):
            vectors = self.vectors(300)

            class Foreign:
                """Another library's tensor: all that is left of the buffer."""
                def __init__(self, view):
                    self.capsule = view.__dlpack__(max_version=(1, 2) if versioned else None)

                def __dlpack__(self, stream=None, max_version=None):
                    return self.capsule

            z = vectors["Z"].buffer
            tensors = {name: Foreign(view) for name, view in vectors.items()}
            self.assertEqual(vectors["X"].__dlpack_device__()[0], 12)
            del vectors
            run = self.kernel.bind(tensors)
            del tensors
            run()
            run()
            self.assertSum(z, 300)

    def test_a_cuda_tensor_is_told_the_stream(self):
        told, place = [], (2, 0)

        class Tensor:
            def __init__(self, view):
                self.view = view

            def __dlpack_device__(self):
                return place

            def __dlpack__(self, **words):
                told.append(words.pop("stream", None))
                return self.view.__dlpack__(**words)

        vectors = self.vectors(20)
        stream = self.runtime.create_stream()
        for given, expected in ((None, 1), (stream, stream.raw)):
            self.kernel.launch({name: Tensor(view) for name, view in vectors.items()}, given)
            self.kernel.bind({name: Tensor(view) for name, view in vectors.items()}, given)
            self.assertEqual(told, [expected] * 6)
            told.clear()
        place = (1, 0)
        self.runtime.view(Tensor(vectors["X"]))
        self.assertEqual(told, [None], "a host library takes no stream")

    def test_what_a_tensor_says_is_taken_over(self):
        buffer = self.runtime.allocate(1000)
        view = imbrex.View(buffer, "bf16", [3, 0, 5], strides=[40, 7, 1], byte_offset=64, read_only=True)
        capsule = view.__dlpack__(max_version=(1, 0))
        taken = self.runtime.view(type("Tensor", (), {"__dlpack__": lambda self, **_: capsule})())
        self.assertEqual((taken.type, taken.extents, taken.strides), ("bf16", (3, 0, 5), (40, 7, 1)))
        self.assertEqual((taken.struct.read_only, taken.struct.address), (1, 0))
        view = imbrex.View(buffer, "f16", [3, 5], byte_offset=64)
        taken = self.runtime.view(view)
        self.assertEqual((taken.strides, taken.struct.address), ((5, 1), buffer.address + 64))

    def test_strided_views_and_scalars(self):
        kernel = self.runtime.load_source("scale.tile", """
            kernel scale(X: view<f32>[M, N], Y: out view<f32>[M, N], a: f32, n: i32)
            grid (M) |i| { store Y[i, 0 :+ 16] = load X[i, 0 :+ 16] * a + cast<f32>(n); }""").kernel("scale")
        host = array.array("f", range(40))
        x, y = self.runtime.upload(host.tobytes()), self.runtime.allocate(2 * 8 * 4)
        stream = self.runtime.create_stream()
        kernel.launch({"X": imbrex.View(x, "f32", [2, 8], strides=[20, 1], byte_offset=16),
                       "Y": imbrex.View(y, "f32", [2, 8]), "a": 2, "n": 3}, stream)
        stream.synchronize()
        self.assertEqual(floats(y).tolist(), [2.0 * host[20 * i + j + 4] + 3 for i in range(2) for j in range(8)])
        with self.assertRaisesRegex(imbrex.ImbrexError, "argument 'n'"):
            kernel.launch({"X": imbrex.View(x, "f32", [2, 8]), "Y": imbrex.View(y, "f32", [2, 8]), "a": 2, "n": 2.5})

    def test_signature_inference_and_preparation(self):
        signature = self.kernel.signature()
        self.assertEqual(signature["types"], [{"name": "T", "allowed": ["f16", "bf16", "f32", "f64"]}])
        self.assertEqual(signature["parameters"][2],
                         {"name": "Z", "type": "T", "view": ["N"], "output": True, "inPlace": False, "optional": False})
        self.assertEqual(signature["tunables"][0], {"name": "BLOCK", "choices": [256, 512, 1024, 2048], "rounding": False,
                                                     "default": 1024})
        self.assertEqual((signature["key"], signature["extentConditions"]), (["T", "N pow2"], []))
        self.assertEqual((signature["name"], signature["integers"], signature["hooks"]), ("vector_add", [], []))
        vectors = self.vectors(100)
        shapes = self.kernel.infer({"X": vectors["X"]})
        self.assertEqual((shapes.extent("N"), shapes.type("T"), shapes.view("Z").extents), (100, "f32", (100,)))
        info = self.kernel.copy().set("warps", 2).prepare(vectors)
        self.assertEqual(info.numbers()["warps"], 2)
        self.assertIn(".entry", info.text("ptx"))

    def test_errors_become_exceptions(self):
        with self.assertRaises(imbrex.ImbrexError) as caught:
            self.runtime.load_source("bad.tile", "kernel k(\n  X: view<f32>[N] Y)")
        self.assertEqual(caught.exception.status, "IMBREX_ERROR_COMPILE")
        self.assertEqual((caught.exception.diagnostics[0]["file"], caught.exception.diagnostics[0]["line"]), ("bad.tile", 2))
        with self.assertRaises(imbrex.ImbrexError) as caught:
            imbrex.Library(LIBRARY).open("sim:none")
        self.assertEqual(caught.exception.status, "IMBREX_ERROR_NO_DEVICE")

    def test_eight_threads(self):
        sets = [self.vectors(200 + i) for i in range(8)]
        problems = []

        def launch(vectors):
            try:
                run = self.kernel.bind(vectors)
                for _ in range(5):
                    run()
            except imbrex.ImbrexError as problem:
                problems.append(problem)

        threads = [threading.Thread(target=launch, args=(vectors,)) for vectors in sets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        for i, vectors in enumerate(sets):
            self.assertSum(vectors["Z"].buffer, 200 + i)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
