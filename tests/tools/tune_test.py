#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex tune on a simulated device: nothing is measured and every line says so, results are kept and carried.

usage: tune_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import json, os, subprocess, sys, tempfile, unittest
import xml.etree.ElementTree as xml

IMBREX, ROOT = sys.argv[1], sys.argv[2]
VECTOR_ADD = os.path.join(ROOT, "kernels", "lessons", "vector_add.tile")
ATTENTION = os.path.join(ROOT, "kernels", "attention_forward.tile")


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True)


def lines_of(picture):
    return [text.text for text in picture.iter() if text.tag.endswith("text")]


class Tune(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def tune(self, *words, cache="cache"):
        return imbrex("tune", VECTOR_ADD, "--device", "sim", "--cache-dir", self.path(cache), "--set", "T=f32", "--arg",
                      "X=100000", "--arg", "Y=100000", *(words if "--budget" in words else ("--budget", "300", *words)))

    def test_lines(self):
        done = self.tune()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        head, kernel, counts, *lines = done.stdout.splitlines()
        self.assertIn("simulated", head)
        self.assertEqual(kernel, "kernel vector_add, key T=f32, pow2(N)=131072")
        self.assertRegex(counts, r"^16 candidates: \d+ estimated")
        self.assertGreaterEqual(len(lines), 12)
        for line in lines:
            self.assertIn("not measured", line)

    def test_json_picture_and_pack(self):
        first = json.loads(self.tune("--json", "--picture", self.path("t.svg")).stdout)
        self.assertTrue(first["simulated"] and first["complete"])
        self.assertEqual(first["candidates"][0]["tuning"], {"BLOCK": 1024, "warps": 4})
        best = first["candidates"][first["best"]]
        self.assertEqual(min(c.get("ratio", 9) for c in first["candidates"]), best["ratio"])
        self.assertFalse([c for c in first["candidates"] if "milliseconds" in c], "nothing is measured")
        picture = xml.parse(self.path("t.svg")).getroot()
        bars = [bar for bar in picture.iter() if bar.tag.endswith("rect") and len(bar)]
        self.assertEqual(len(bars), sum("ratio" in c for c in first["candidates"]))
        self.assertIn("not measured", "".join(lines_of(picture)))
        pack = self.path("pack")
        self.assertRegex(imbrex("tune", "--cache-dir", self.path("cache"), "--export", pack).stdout, r"^15 results")
        self.assertRegex(imbrex("tune", "--cache-dir", self.path("other"), "--import", pack).stdout, r"^15 results")
        again = json.loads(self.tune("--json", cache="other").stdout)
        self.assertEqual(again["candidates"], first["candidates"])
        with open(pack, "r+b") as file:
            file.truncate(os.path.getsize(pack) - 7)
        damaged = imbrex("tune", "--cache-dir", self.path("third"), "--import", pack)
        self.assertEqual(damaged.returncode, 1)
        self.assertIn("cut off", damaged.stderr)

    def test_a_picture_tells_what_was_not_tried(self):
        report = json.loads(self.tune("--json", "--budget", "0.001", "--picture", self.path("t.svg")).stdout)
        waiting = sum(c["outcome"] == "waiting" for c in report["candidates"])
        self.assertGreater(waiting, 0)
        lines = lines_of(xml.parse(self.path("t.svg")).getroot())
        self.assertIn("%d not tried: time was up" % waiting, lines)
        self.assertLess(max(map(len, lines)), 161)

    def test_refusals_carry_their_number(self):
        done = imbrex("tune", ATTENTION, "--device", "sim", "--cache-dir", "none", "--set", "T=f64", "--set", "BM=192",
                      "--set", "BN=176", "--set", "warps=1", "--hook", "mask=causal", "--arg", "Q=1x64x1x256", "--arg",
                      "K=1x64x1x256", "--arg", "V=1x64x1x256", "--arg", "scale=0.1", "--json")
        self.assertEqual(done.returncode, 1, "what is set cannot be compiled at all")
        self.assertRegex(done.stderr, r"takes \d+ registers of each thread, more than \d+")

    def test_mistakes(self):
        self.assertIn("give a .npy file or a shape", imbrex("tune", VECTOR_ADD, "--device", "sim", "--arg", "X=many").stderr)
        self.assertIn("set its type T", imbrex("tune", VECTOR_ADD, "--device", "sim", "--arg", "X=100").stderr)
        self.assertEqual(imbrex("tune", VECTOR_ADD, "--budget", "0").returncode, 2)
        self.assertEqual(imbrex("tune").returncode, 2)
        nothing = imbrex("tune", "--cache-dir", self.path("none"), "--export", self.path("pack"))
        self.assertEqual((nothing.returncode, os.path.exists(self.path("pack"))), (1, False))
        self.assertIn("there are no results of tuning in '%s'" % self.path("none"), nothing.stderr)
        missing = imbrex("tune", "--cache-dir", self.path("none"), "--import", self.path("pack"))
        self.assertIn("cannot be read", missing.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
