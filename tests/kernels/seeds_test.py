#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small attention problems with known results through attention_forward: tests/data/seeds, at each case's own tolerance.

usage: seeds_test.py IMBREX SOURCE_DIR [DEVICE]      Python's standard library only.
"""
import json, os, struct, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
DATA = os.path.join(ROOT, "tests", "data", "seeds")


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<H", data[8:10])[0]
    descr = data[10 : 10 + length].decode().split("'descr': '")[1][:3]
    code = {"<f4": "f", "<f8": "d"}[descr]
    body = data[10 + length :]
    return struct.unpack("<%d%s" % (len(body) // struct.calcsize(code), code), body)


def gpus():
    listed = json.loads(subprocess.run([IMBREX, "devices", "--json"], capture_output=True, text=True).stdout)
    return [device["id"] for device in listed if not device["simulated"]][:1]


def differences(got, want, limit):
    """Elements that differ by more than the case allows; NaN never passes."""
    largest = max(abs(x) for x in want)
    for i, (x, y) in enumerate(zip(got, want)):
        allowed = limit.get("atol", 0) + limit.get("rtol", 0) * abs(y) + limit.get("relative_to_largest", 0) * largest
        if not abs(x - y) <= allowed:
            yield "element %d: %r, expected %r within %g" % (i, x, y, allowed)


class Seeds(unittest.TestCase):
    def test_cases(self):
        names = sorted(os.listdir(DATA))
        self.assertEqual(len(names), 8)
        for name in names:
            for device in sys.argv[3:] or ["sim:a100", "sim:h200"] + gpus():
                with self.subTest(name=name, device=device):
                    self.run_case(os.path.join(DATA, name), device)

    def run_case(self, folder, device):
        with open(os.path.join(folder, "case.json")) as file:
            case = json.load(file)
        with tempfile.TemporaryDirectory() as out:
            words = [IMBREX, "run", os.path.join(ROOT, "kernels", "attention_forward.tile"), "--device", device,
                     "--cache-dir", "none", "--set", "T=" + case["type"], "--arg", "scale=%r" % case["scale"],
                     "--hook", "mask=" + case["mask"]]
            for name in "QKV":
                words += ["--arg", "%s=%s" % (name, os.path.join(folder, name + ".npy"))]
            outputs = [name for name in "OL" if name in case]
            for name in outputs:
                words += ["--out", "%s=%s" % (name, os.path.join(out, name + ".npy"))]
            result = subprocess.run(words, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            for name in outputs:
                got, want = load(os.path.join(out, name + ".npy")), load(os.path.join(folder, name + ".npy"))
                self.assertEqual(len(got), len(want))
                self.assertEqual(list(differences(got, want, case[name]))[:3], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
