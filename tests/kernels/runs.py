# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of kernels in Python share: a kernel run on arrays made from a seed, judged by the interpreter
(`imbrex run --check`), its results for an oracle in plain Python.

usage of such a test: TEST IMBREX SOURCE_DIR [DEVICE]      Python's standard library only.
"""
import math, os, random, subprocess, sys, tempfile, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path.insert(0, os.path.join(ROOT, "tests", "cases"))
import arrays

DEVICES = sys.argv[3:4] or ["sim:a100", "sim:h200"]
del sys.argv[1:]


def normals(*shape, type="f32", scale=1.0):
    return type, shape, lambda source: source.gauss(0, 1) * scale


def integers(*shape, type="i32", low=-100, high=100):
    return type, shape, lambda source: source.randint(low, high)


def array(type_, shape, values):
    """An input of these elements."""
    values = iter(values)
    return type_, shape, lambda _: next(values)


def value_of(byte, element):
    """What a byte is, by the format's definition; of the numbers alone."""
    if element == "i8":
        return byte - 256 if byte > 127 else byte
    digits, bias = (3, 7) if element == "f8e4m3" else (2, 15)
    field, fraction = (byte & 0x7f) >> digits, byte & ((1 << digits) - 1)
    size = fraction * 2.0 ** (1 - bias - digits) if field == 0 else (1 + fraction / 2 ** digits) * 2.0 ** (field - bias)
    return -size if byte & 0x80 else size


class Runs(unittest.TestCase):
    FOLDER = None  # of the kernels

    def file_of(self, kernel):
        return kernel.removesuffix("_backward") + ".tile"

    def run_kernel(self, name, outputs, inputs=(), scalars=(), settings=(), device=None, hooks=(), text=None, check=True):
        """Runs the kernel, of its file or of `text`, with --check unless it would take long; the outputs' elements by name, and under "in" the
        inputs'. `hooks` are pairs of a hook and its binding. An input's name may be a view's and what is stored of it,
        "K ragged 0", "K ragged 1": these together are --arg K=ragged(..), and with "K scales f8e4m3 64" --arg
        K=scaled(ragged(..), .., f8e4m3, 64). A view that is read and written is both."""
        source, values = random.Random(name), {"in": {}}
        stored, scales = {}, {}
        with tempfile.TemporaryDirectory() as out:
            path = os.path.join(out, name + ".tile") if text else os.path.join(ROOT, self.FOLDER, self.file_of(name))
            if text:
                with open(path, "w") as file:
                    file.write(text)
            words = [IMBREX, "run", path, "--kernel", name, "--device", device, "--cache-dir", "none"] + ["--check"] * check
            for key, (type_, shape, element) in dict(inputs).items():
                path = os.path.join(out, key.replace(" ", "_") + "_in.npy")
                values["in"][key] = [element(source) for _ in range(math.prod(shape))]
                arrays.save(path, type_, shape, values["in"][key])
                values["in"][key] = arrays.load(path)
                view, _, part = key.partition(" ")
                if part.startswith("scales"):
                    scales[view] = ", ".join([path] + part.split()[1:])
                else:
                    stored.setdefault(" ".join(key.split()[:2]), []).append(path)
            for key, paths in stored.items():
                view, _, storage = key.partition(" ")
                value = "%s(%s)" % (storage, ", ".join(paths)) if storage else paths[0]
                words += ["--arg", "%s=%s" % (view, "scaled(%s, %s)" % (value, scales[view]) if view in scales else value)]
            for key, value in dict(scalars).items():
                words += ["--arg", "%s=%r" % (key, value)]
            for setting in settings:
                words += ["--set", setting]
            for hook in dict(hooks).items():
                words += ["--hook", "%s=%s" % hook]
            for key, shape in dict(outputs).items():
                words += ["--out", "%s=%s" % (key, "%s:%s" % (shape, os.path.join(out, key + ".npy")) if shape else os.path.join(out, key + ".npy"))]
            result = subprocess.run(words, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, " ".join(words) + "\n" + result.stdout + result.stderr)
            for key in dict(outputs):
                values[key] = arrays.load(os.path.join(out, key + ".npy"))
        return values

    def near(self, got, want, limit):
        self.assertEqual(len(got), len(want))
        for i, (x, y) in enumerate(zip(got, want)):
            self.assertLessEqual(abs(x - y), limit * (1 + abs(y)), "element %d: %r, expected %r" % (i, x, y))

    def on_devices(self, *settings):
        for device in DEVICES:
            for setting in settings or [()]:
                yield device, setting
