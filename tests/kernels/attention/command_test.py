#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex attention forward, backward, decode and append on arrays, judged by --check and beside plain Python.

usage: command_test.py IMBREX SOURCE_DIR [DEVICE]      Python's standard library only.
"""
import math, os, random, subprocess, sys, tempfile, unittest

IMBREX, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path.insert(0, os.path.join(ROOT, "tests", "cases"))
import arrays

DEVICE = (sys.argv[3:4] or ["sim:h200"])[0]
del sys.argv[1:]
B, SQ, HK, G, D, PAGE = 2, 3, 2, 2, 16, 5
H, KEYS, COLUMNS = HK * G, [37, 8], 9


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        source = random.Random(4)
        normals = lambda n: [source.gauss(0, 1) for _ in range(n)]
        self.q = normals(B * SQ * H * D)
        self.rows = [[(normals(HK * D), normals(HK * D)) for _ in range(n)] for n in KEYS]
        order = source.sample(range(B * COLUMNS + 1), B * COLUMNS)
        pools = [[math.nan] * ((B * COLUMNS + 1) * PAGE * HK * D) for _ in "KV"]
        for b, rows in enumerate(self.rows):
            for s, both in enumerate(rows):
                at = (order[b * COLUMNS + s // PAGE] * PAGE + s % PAGE) * HK * D
                for pool, row in zip(pools, both):
                    pool[at:at + HK * D] = row
        self.save("q", "f32", (B, SQ, H, D), self.q)
        self.save("table", "i32", (B, COLUMNS), order)
        self.save("lengths", "i32", (B,), KEYS)
        for name, pool in zip("kv", pools):
            self.save(name, "f32", (B * COLUMNS + 1, PAGE, HK, D), pool)

    def path(self, name):
        return os.path.join(self.folder.name, name + ".npy")

    def save(self, name, *array):
        arrays.save(self.path(name), *array)

    def imbrex(self, *words):
        done = subprocess.run([IMBREX, "attention", *words], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def attend(self, what, *more):
        stored = lambda x: "paged(%s, %s, %s)" % (self.path(x), self.path("table"), self.path("lengths"))
        words = [what, "--device", DEVICE, "--cache-dir", "none", "--check", "--arg", "Q=" + self.path("q"), "--arg", "K=" + stored("k"),
                 "--arg", "V=" + stored("v"), "--hook", "mask=causal", "--out", "O=" + self.path("o"), "--out", "L=" + self.path("l"), *more]
        code, told = self.imbrex(*words)
        self.assertEqual(code, 0, told)
        return told

    def compare(self, softcap):
        o, lse = arrays.load(self.path("o")), arrays.load(self.path("l"))
        for b in range(B):
            for i in range(SQ):
                for h in range(H):
                    at = ((b * SQ + i) * H + h) * D
                    head = lambda row: row[h // G * D:(h // G + 1) * D]
                    seen = self.rows[b][:i + KEYS[b] - SQ + 1]
                    logits = [sum(x * y for x, y in zip(self.q[at:at + D], head(k))) / 4 for k, _ in seen]
                    if softcap:
                        logits = [softcap * math.tanh(s / softcap) for s in logits]
                    weights = [math.exp(s) for s in logits]
                    for d in range(D):
                        want = sum(w * head(v)[d] for w, (_, v) in zip(weights, seen)) / sum(weights)
                        self.assertAlmostEqual(o[at + d], want, delta=1e-5)
                    self.assertAlmostEqual(lse[(b * H + h) * SQ + i], math.log(sum(weights)), delta=1e-5)

    def test_forward(self):
        told = self.attend("forward")
        self.assertIn("check O:", told)
        self.compare(0)

    def test_decode(self):
        told = self.attend("decode", "--parts", "3", "--hook", "score=softcap(2.0)", "--hook", "mask=window(left, 0)",
                           "--arg", "left=100", "--set", "BN=16")
        for words in "attention_split", "attention_merge", "keys in 3 part(s), 2 head(s)", "tiles of 16 rows and 16 keys", "check O:", "check L:":
            self.assertIn(words, told)
        self.compare(2.0)
        self.assertIn("keys in 1 part(s)", self.attend("decode"))
        self.compare(0)

    def test_parts_read_no_keys_before_a_window(self):
        """NaN there is not seen, whichever part it lies in; one pass over the keys is the judge."""
        rows, pools = arrays.load(self.path("table")), {name: arrays.load(self.path(name)) for name in "kv"}
        for b, n in enumerate(KEYS):
            for s in range(max(0, n - SQ - 4)):  # the first query sees 4 keys before its own
                at = (rows[b * COLUMNS + s // PAGE] * PAGE + s % PAGE) * HK * D
                for pool in pools.values():
                    pool[at:at + HK * D] = [math.nan] * (HK * D)
        for name, pool in pools.items():
            self.save(name, "f32", (B * COLUMNS + 1, PAGE, HK, D), pool)
        window = ("--hook", "mask=window(4, 0)", "--set", "BN=8")
        self.attend("forward", *window)
        expected = arrays.load(self.path("o"))
        self.assertIn("keys in 3 part(s)", self.attend("decode", "--parts", "3", *window))
        self.assertTrue(all(math.isfinite(x) for x in expected))
        self.assertLess(arrays.largest_difference(expected, arrays.load(self.path("o"))), 1e-5)

    def test_append(self):
        """Two rows more; --check is the judge here, cache_test the oracle."""
        self.save("lengths", "i32", (B,), [n + 2 for n in KEYS])
        stored = lambda x: "paged(%s, %s, %s)" % (self.path(x), self.path("table"), self.path("lengths"))
        code, told = self.imbrex("append", "--device", DEVICE, "--cache-dir", "none", "--check", "--set", "T=f32", "--set", "R=%d" % D,
                                 "--arg", "KN=%dx2x%dx%d" % (B, HK, D), "--arg", "VN=%dx2x%dx%d" % (B, HK, D), "--arg", "K=" + stored("k"),
                                 "--arg", "V=" + stored("v"), "--out", "K=" + self.path("k2"), "--out", "V=" + self.path("v2"))
        self.assertEqual(code, 0, told)
        before, after = arrays.load(self.path("v")), arrays.load(self.path("v2"))
        changed = sum(x != y and not (math.isnan(x) and math.isnan(y)) for x, y in zip(before, after))
        self.assertEqual(changed, B * 2 * HK * D)

    def test_rows_without_room_are_refused(self):
        def told(cache, lengths=None):
            self.save("cache", "f32", (B, cache, HK, D), [0.0] * (B * cache * HK * D))
            if lengths:
                self.save("lengths", "i32", (B,), lengths)
            stored = "padded(%s, %s)" % (self.path("cache"), self.path("lengths")) if lengths else self.path("cache")
            words = [word for name in "KV" for word in ("--arg", "%sN=%dx5x%dx%d" % (name, B, HK, D), "--arg", "%s=%s" % (name, stored))]
            return self.imbrex("append", "--device", DEVICE, "--cache-dir", "none", "--set", "T=f32", "--check", *words)
        for words, said in ((4,), "'KN' has 5 new rows for each sequence, and 'K' has room for 4"), \
                ((8, [8, 9]), "argument 'K': sequence 1 is to have 9 rows, and there is room for 8"), \
                ((8, [4, 8]), "sequence 0 of 'K' has 4 with them: lengths count new rows already"):
            code, found = told(*words)
            self.assertEqual((code, said in found), (1, True), found)
        self.assertEqual(told(5)[0], 0)
        self.assertEqual(told(8, [5, 8])[0], 0)

    def gradients(self, q, k, v, go, rows, soft):
        """(dq, dk, dv, db) of one head with causal, by the definition: lists of `rows` rows of D, db of what the score gives, of `rows`."""
        dq, dk, dv = ([[0.0] * D for _ in range(rows)] for _ in range(3))
        db = [[0.0] * rows for _ in range(rows)]
        dot = lambda x, y: sum(a * b for a, b in zip(x, y))
        for i in range(rows):
            raw = [dot(q[i], k[j]) / 4 for j in range(i + 1)]
            weights = [math.exp(soft * math.tanh(x / soft)) for x in raw]
            p = [w / sum(weights) for w in weights]
            dp = [dot(go[i], v[j]) for j in range(i + 1)]
            delta = dot(p, dp)
            for j in range(i + 1):
                db[i][j] = p[j] * (dp[j] - delta)
                dx = db[i][j] * (1 - math.tanh(raw[j] / soft) ** 2) / 4
                for d in range(D):
                    dq[i][d] += dx * k[j][d]
                    dk[j][d] += dx * q[i][d]
                    dv[j][d] += p[j] * go[i][d]
        return dq, dk, dv, db

    def test_backward(self):
        rows = 7
        source = random.Random(9)
        given = {name: [source.gauss(0, 1) for _ in range(rows * heads * D)] for name, heads in (("q", H), ("k", HK), ("v", HK), ("do", H))}
        for name, heads in ("q", H), ("k", HK), ("v", HK), ("do", H):
            self.save("b" + name, "f32", (1, rows, heads, D), given[name])
        words = ["backward", "--device", DEVICE, "--cache-dir", "none", "--check", "--hook", "mask=causal", "--hook", "score=softcap(2.0)"]
        for name in "Q", "K", "V", "dO":
            words += ["--arg", "%s=%s" % (name, self.path("b" + name.lower()))]
        for name in "dQ", "dK", "dV":
            words += ["--out", "%s=%s" % (name, self.path(name))]
        code, told = self.imbrex(*words, "--out", "L=" + self.path("l"), "--out", "dB=1x%dx%dx%d:%s" % (H, rows, rows, self.path("dB")))
        self.assertEqual(code, 0, told)
        code, summed = self.imbrex(*words, "--out", "dB=1x%dx1x%d:%s" % (H, rows, self.path("dBsum")))
        self.assertEqual(code, 0, summed)
        for name in "O", "L", "Delta", "dQ", "dK", "dV", "dB":
            self.assertIn("check %s:" % name, told)
        found = {name: arrays.load(self.path(name)) for name in ("dQ", "dK", "dV")}
        bias, along = arrays.load(self.path("dB")), arrays.load(self.path("dBsum"))
        want = {"dQ": [0.0] * (rows * H * D), "dK": [0.0] * (rows * HK * D), "dV": [0.0] * (rows * HK * D)}
        for h in range(H):
            head = lambda name, n, x: [given[name][(i * n + x) * D:(i * n + x + 1) * D] for i in range(rows)]
            parts = self.gradients(head("q", H, h), head("k", HK, h // G), head("v", HK, h // G), head("do", H, h), rows, 2.0)
            for i in range(rows):
                for j in range(rows):
                    self.assertAlmostEqual(bias[(h * rows + i) * rows + j], parts[3][i][j], delta=2e-5)
            for j in range(rows):
                self.assertAlmostEqual(along[h * rows + j], sum(parts[3][i][j] for i in range(rows)), delta=2e-5)
            for name, n, x, part in zip(("dQ", "dK", "dV"), (H, HK, HK), (h, h // G, h // G), parts):
                for i in range(rows):
                    for d in range(D):
                        want[name][(i * n + x) * D + d] += part[i][d]
        for name in found:
            for x, y in zip(found[name], want[name]):
                self.assertAlmostEqual(x, y, delta=2e-5)

    def test_backward_of_ragged_rows(self):
        """Of [total, H, D], with an lse of [H, total]; --check is the judge."""
        rows, keys = [0, 9, 14], [0, 12, 26]
        self.save("queries", "i32", (3,), rows)
        self.save("keys", "i32", (3,), keys)
        normals, words = random.Random(6), []
        for name, offsets, count, heads in ("Q", "queries", rows[-1], H), ("K", "keys", keys[-1], HK), ("V", "keys", keys[-1], HK), ("dO", "queries", rows[-1], H):
            self.save(name, "f32", (count, heads, D), [normals.gauss(0, 1) for _ in range(count * heads * D)])
            words += ["--arg", "%s=ragged(%s, %s)" % (name, self.path(name), self.path(offsets))]
        for name in "dQ", "dK", "dV":
            words += ["--out", "%s=%s" % (name, self.path(name))]
        code, told = self.imbrex("backward", "--device", DEVICE, "--cache-dir", "none", "--check", "--hook", "mask=causal", *words)
        self.assertEqual(code, 0, told)
        for name in "dQ", "dK", "dV":
            self.assertIn("check %s:" % name, told)
        self.save("queries", "i32", (3,), [0, 9, 15])
        code, told = self.imbrex("backward", "--device", DEVICE, "--cache-dir", "none", *words)
        self.assertIn("sequence 1 is to be rows 9 to before 15, of 14", told)

    def test_backward_says_what_it_needs(self):
        code, told = self.imbrex("backward", "--device", DEVICE, "--arg", "Q=" + self.path("q"), "--out", "dQ=" + self.path("dq"))
        self.assertEqual((code, "--arg K=FILE.npy" in told), (1, True), told)
        code, told = self.imbrex("backward", "--device", DEVICE, "--arg", "Q=" + self.path("q"))
        self.assertEqual((code, "--out dQ=dq.npy" in told), (1, True), told)

    def test_a_bias_that_is_broadcast(self):
        """Its hook says which extents are 1; the results are those of the whole bias, and `bias` refuses it."""
        source, rows, keys = random.Random(2), 5, 9
        extents, names, places = (B, H, rows, keys), ("B", "Hk * G", "Sq", "Sk"), ("at.b", "at.h", "at.q", "at.k")
        words = ["forward", "--device", DEVICE, "--cache-dir", "none", "--check", "--set", "T=f32", "--out", "O=" + self.path("o"),
                 "--arg", "Q=%dx%dx%dx%d" % (B, rows, H, D), *("--arg=%s=%dx%dx%dx%d" % (x, B, keys, HK, D) for x in "KV"),
                 "--arg", "table=" + self.path("bias")]
        for whole in (0, 0, 1, 1), (0, 1, 0, 1), (1, 0, 0, 0), (0, 0, 0, 1), (1, 1, 1, 0):
            shape = tuple(n if is_whole else 1 for n, is_whole in zip(extents, whole))
            values = [source.gauss(0, 1) for _ in range(math.prod(shape))]
            self.save("bias", "f32", shape, values)
            text = "fn own(t: view<wide<T>>[%s])(s, at) = s + load t[%s]; own(table)" % (
                ", ".join(name if is_whole else "1" for name, is_whole in zip(names, whole)),
                ", ".join(place if is_whole else "0" for place, is_whole in zip(places, whole)))
            code, told = self.imbrex(*words, "--hook", "score=" + text)
            self.assertEqual(code, 0, told)
            found = arrays.load(self.path("o"))
            code, told = self.imbrex(*words, "--hook", "score=bias(table)")
            self.assertEqual((code, "is 1 but must be" in told), (1, True), told)
            expanded = []
            for b in range(B):
                for h in range(H):
                    for i in range(rows):
                        for j in range(keys):
                            at = 0
                            for n, x in zip(shape, (b, h, i, j)):
                                at = at * n + (x if n > 1 else 0)
                            expanded.append(values[at])
            self.save("bias", "f32", extents, expanded)
            code, told = self.imbrex(*words, "--hook", "score=bias(table)")
            self.assertEqual(code, 0, told)
            self.assertLess(arrays.largest_difference(found, arrays.load(self.path("o"))), 1e-6)

    def test_mistakes(self):
        code, told = self.imbrex("sideways")
        self.assertEqual((code, "forward, backward, decode or append" in told), (2, True), told)
        code, told = self.imbrex("decode", "--device", DEVICE, "--arg", "Q=" + self.path("q"), "--arg", "K=" + self.path("q"))
        self.assertEqual(code, 1, told)


if __name__ == "__main__":
    unittest.main()
