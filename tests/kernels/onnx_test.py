#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's Attention: the 98 cases of tests/data/onnx_attention, each by name, through the kernels that are shipped.

Past keys and new ones are one padded cache: cache_append makes `present_key` and `present_value` of it. The scores that
qk_matmul_output asks for are those of a kernel of the test's own; after the softmax they are P.

usage: onnx_test.py IMBREX SOURCE_DIR [DEVICE]      Python's standard library only.
"""
import json, math, os, struct, subprocess, sys, tarfile, tempfile, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path.insert(0, os.path.join(ROOT, "tests", "cases"))
import arrays

DEVICES = sys.argv[3:4] or ["sim:a100"]
del sys.argv[1:]
KERNELS = os.path.join(ROOT, "kernels")
TOLERANCE = {"f32": (1e-3, 1e-7), "f16": (1e-2, 1e-2), "bf16": (2e-2, 1e-2)}

SCORES = """import "masks.tile";
hook score(s, at: coord) = s;
hook mask(at: coord) -> bool = true;
kernel scores<T: f16 | bf16 | f32, DQK: int, G: int>(Q: view<T>[B, Sq, Hk * G, DQK], K: view<T>[B, Sk[B], Hk, DQK],
    Y: out view<f32>[B, Hk * G, Sq, Sk], scale: f32)
grid (cdiv(Sk, 32), cdiv(Sq, 16), Hk * G * B) |j, i, z| {
  let b = z / (Hk * G); let h = z % (Hk * G);
  let at = coord(b, h, i * 16 + iota(16)[:, _], j * 32 + iota(32)[_, :], Sq, Sk[b]);
  let s = score(dot(load Q[b, i * 16 :+ 16, h, :], (load K[b, j * 32 :+ 32, h / G, :]).T) * scale, at);
  store Y[b, h, i * 16 :+ 16, j * 32 :+ 32] = where(mask(at), s, -inf);
}
"""


class Array:
    """Elements of a type and a shape, in C order."""

    def __init__(self, type_, shape, values):
        self.type, self.shape, self.values = type_, list(shape), values

    def heads_inside(self, heads):
        """[B, H, S, D], or [B, S, H * D] of so many heads, as [B, S, H, D]."""
        if len(self.shape) == 3:
            b, s, features = self.shape
            return Array(self.type, (b, s, heads, features // heads), self.values)
        b, h, s, d = self.shape
        row = lambda b_, s_, h_: self.values[((b_ * h + h_) * s + s_) * d:][:d]
        return Array(self.type, (b, s, h, d), [x for b_ in range(b) for s_ in range(s) for h_ in range(h) for x in row(b_, s_, h_)])

    def like(self, shape):
        """[B, S, H, D] in the layout of `shape`: of 3 dimensions [B, S, H * D], else [B, H, S, D]."""
        if len(shape) == 3:
            return self.values
        b, s, h, d = self.shape
        return [x for b_ in range(b) for h_ in range(h) for s_ in range(s) for x in self.values[((b_ * s + s_) * h + h_) * d:][:d]]

    def save(self, path):
        if self.type == "bf16":  # '<V2', the upper halves of f32, which the cases' values are exactly
            arrays.save(path, "f16", self.shape, [0] * len(self.values))
            with open(path, "r+b") as file:
                data = file.read().replace(b"'<f2'", b"'<V2'")
                body = struct.pack("<%dH" % len(self.values), *(struct.unpack("<I", struct.pack("<f", x))[0] >> 16 for x in self.values))
                file.seek(0)
                file.write(data[:len(data) - len(body)] + body)
        else:
            arrays.save(path, self.type, self.shape, self.values)
        return path


def read(path, told):
    """An array of a case; truth values are bytes."""
    if told["dtype"] == "bool":
        with open(path, "rb") as file:
            data = file.read()
        return Array("u8", told["shape"], list(data[len(data) - math.prod(told["shape"]):]))
    return Array(told["dtype"], told["shape"], arrays.load(path))


class Case:
    """A folder of a case, and where what is run of it goes."""

    def __init__(self, folder, out, device):
        with open(os.path.join(folder, "case.json")) as file:
            told = json.load(file)
        self.out, self.device, self.attributes, self.wanted = out, device, told["attributes"], told["outputs"]
        load = lambda name, of: read(os.path.join(folder, name + ".npy"), of)
        self.given = {name: load(name, of) for name, of in told["inputs"].items()}
        self.expected = {name: load(name, of) for name, of in told["outputs"].items()}
        heads = self.attributes.get("q_num_heads", 0), self.attributes.get("kv_num_heads", 0)
        self.q, self.k, self.v = (self.given[name].heads_inside(heads[name != "Q"]) for name in "QKV")
        self.words = []

    def path(self, name):
        return os.path.join(self.out, name + ".npy")

    def run(self, file, kernel, *words):
        words = [IMBREX, "run", file, "--kernel", kernel, "--device", self.device, "--cache-dir", "none", "--set", "T=" + self.q.type, *words]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(" ".join(words) + "\n" + done.stdout + done.stderr)

    def append(self):
        """k and v with the past before them, by cache_append."""
        lengths = None
        for name, past in (("k", "past_key"), ("v", "past_value")):
            before, new = self.given[past].heads_inside(0), getattr(self, name)
            b, s, h, d = new.shape
            row = h * d
            whole = before.shape[1] + s
            values = []
            for at in range(b):
                values += before.values[at * before.shape[1] * row:][:before.shape[1] * row] + [math.nan] * (s * row)
            Array(new.type, (b, whole, h, d), values).save(self.path(name))
            new.save(self.path(name + "n"))
            lengths = Array("i32", (b,), [whole] * b).save(self.path("whole"))
        stored = lambda name: "padded(%s, %s)" % (self.path(name), lengths)
        self.run(os.path.join(KERNELS, "cache_append.tile"), "cache_append", "--set", "R=0", "--set", "INTERLEAVED=0",
                 "--arg", "KN=" + self.path("kn"), "--arg", "VN=" + self.path("vn"), "--arg", "K=" + stored("k"), "--arg", "V=" + stored("v"),
                 "--out", "K=" + self.path("present_key"), "--out", "V=" + self.path("present_value"))
        for name, present in (("k", "present_key"), ("v", "present_value")):
            new = getattr(self, name)
            shape = [new.shape[0], new.shape[1] + self.given["past_key"].shape[2], *new.shape[2:]]
            setattr(self, name, Array(new.type, shape, arrays.load(self.path(present))))

    def hooks(self):
        """What a query sees and the scores: of causal and window, softcap and attn_mask."""
        # The key beside a query: behind the past, or the last beside the last where lengths are given.
        beside = "at.q + (at.Sk - at.Sq)" if "nonpad_kv_seqlen" in self.given else "at.q"
        if "past_key" in self.given:
            beside = "at.q + %d" % self.given["past_key"].shape[2]
        left, right = self.attributes.get("left_window_size", -1), self.attributes.get("right_window_size", -1)
        sees = ["at.k <= " + beside] if self.attributes.get("is_causal") else []
        sees += ["at.k >= %s - %d" % (beside, left)] if left >= 0 else []
        sees += ["at.k <= %s + %d" % (beside, right)] if right >= 0 else []
        cap = self.attributes.get("softcap", 0)
        score = "softcap(%r)(s, at)" % cap if cap else "s"
        functions, self.capped = "", score
        if "attn_mask" in self.given:
            mask = self.given["attn_mask"]
            shape = [1] * (4 - len(mask.shape)) + mask.shape
            table = Array("u8" if mask.type == "u8" else "f32", shape, mask.values).save(self.path("table"))
            self.words = ["--arg", "table=" + table]
            place = "min(at.b, N0 - 1), min(at.h, N1 - 1), min(at.q, N2 - 1), at.k"
            if mask.type == "u8":
                functions = "fn table_of(t: view<u8>[N0, N1, N2, N3])(at) = cast<i32>(load t[%s]) != 0; " % place
                sees.append("table_of(table)(at)")
            else:
                self.bias = "fn bias_of(t: view<f32>[N0, N1, N2, N3])(s, at) = where(at.k < N3, s + load t[%s], -inf); " % place
                score = self.bias + "bias_of(table)(%s, at)" % score
        return functions + (" && ".join(sees) or "true"), score

    def stored(self, name):
        path = getattr(self, name.lower()).save(self.path(name))
        if "nonpad_kv_seqlen" not in self.given:
            return path
        lengths = self.given["nonpad_kv_seqlen"]
        return "padded(%s, %s)" % (path, Array("i32", lengths.shape, lengths.values).save(self.path("lengths")))

    def found(self):
        """{name: the elements in the layout of the case's output}."""
        result = {}
        if "past_key" in self.given:
            self.append()
            for name, whole in (("present_key", self.k), ("present_value", self.v)):
                result[name] = whole.like([0] * 4)
        mask, score = self.hooks()
        inputs = ["--arg", "Q=" + self.q.save(self.path("Q")), "--arg", "K=" + self.stored("K"),
                  "--arg", "scale=%r" % self.attributes.get("scale", 1 / math.sqrt(self.q.shape[3]))]
        outputs = ["--out", "O=" + self.path("O")]
        mode = self.attributes.get("qk_matmul_output_mode", 0)
        if "qk_matmul_output" in self.wanted and mode == 3:
            outputs += ["--out", "P=" + self.path("scores")]
        self.run(os.path.join(KERNELS, "attention_forward.tile"), "attention_forward", *inputs, "--arg", "V=" + self.stored("V"), *self.words,
                 "--hook", "mask=" + mask, "--hook", "score=" + score, *outputs)
        result["Y"] = Array(self.q.type, self.q.shape[:3] + self.v.shape[3:], arrays.load(self.path("O"))).like(self.wanted["Y"]["shape"])
        if "qk_matmul_output" in self.wanted:
            result["qk_matmul_output"] = self.scores(mode, mask, score, inputs)
        return result

    def scores(self, mode, mask, score, inputs):
        if mode != 3:
            file = os.path.join(self.out, "scores.tile")
            with open(file, "w") as text:
                text.write(SCORES)
            hooks = ["--hook", "score=" + (score if mode == 2 else self.capped if mode == 1 else "s")]
            hooks += ["--hook", "mask=" + mask] if mode == 2 else []
            captured = self.words if mode == 2 else []
            self.run(file, "scores", *inputs, *captured, *hooks, "--out", "Y=" + self.path("scores"))
        return arrays.load(self.path("scores"))


class Onnx(unittest.TestCase):
    def check(self, folder, device):
        with tempfile.TemporaryDirectory() as out:
            case = Case(folder, out, device)
            found = case.found()
            self.assertEqual(sorted(found), sorted(case.wanted))
            for name, want in case.expected.items():
                relative, absolute = TOLERANCE[want.type]
                self.assertEqual(len(found[name]), len(want.values))
                for i, (x, y) in enumerate(zip(found[name], want.values)):
                    self.assertTrue(x == y or abs(x - y) <= absolute + relative * abs(y), "%s[%d] is %r, expected %r" % (name, i, x, y))

    def test_cases(self):
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(os.path.join(ROOT, "tests", "data", "onnx_attention", "cases.tar.xz")) as pack:
                pack.extractall(folder, filter="data")
            count = 0
            for device in DEVICES:
                for group, number in (("onnx_attention", 76), ("onnx_attention_window", 22)):
                    names = sorted(os.listdir(os.path.join(folder, group)))
                    self.assertEqual(len(names), number)
                    for name in names:
                        with self.subTest(name=name, device=device):
                            self.check(os.path.join(folder, group, name), device)
                            count += 1
            print("%d cases" % count)


if __name__ == "__main__":
    unittest.main()
