# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention and its judging in plain Python, for small shapes: lists of numbers, and buffers of the library.

The rule is rule.py's. Arrays are flat, C order: q [B, Sq, H, D], k [B, Sk, Hk, D], v [B, Sk, Hk, Dv], o, lse [B, H, Sq].
"""
import array, math, random, struct
import imbrex

INFINITY = float("inf")
SIZES = {"f16": 2, "bf16": 2, "f32": 4, "f64": 8}


def bits_of_bf16(x):
    """Round to nearest even, of a float32."""
    if x != x:
        return 0x7FC0
    word = struct.unpack("<I", struct.pack("<f", x))[0]
    return (word + 0x7FFF + (word >> 16 & 1)) >> 16


def encode(values, type):
    if type == "bf16":
        return array.array("H", map(bits_of_bf16, values)).tobytes()
    return struct.pack("<%d%s" % (len(values), {"f16": "e", "f32": "f", "f64": "d"}[type]), *values)


def decode(data, type):
    if type == "bf16":
        words = array.array("H", data)
        return list(struct.unpack("<%df" % len(words), struct.pack("<%dI" % len(words), *(word << 16 for word in words))))
    return list(struct.unpack("<%d%s" % (len(data) // SIZES[type], {"f16": "e", "f32": "f", "f64": "d"}[type]), data))


def rounded(values, type):
    return decode(encode(values, type), type)


def normals(count, type, seed):
    source = random.Random(seed)
    return rounded([source.gauss(0, 1) for _ in range(count)], type)


class Inputs:
    """Seeded normals for a case."""

    def __init__(self, case, seed=1):
        keys = case.batch * case.k * case.kv_heads
        self.q = normals(case.batch * case.q * case.heads * case.head_dim, case.type, seed)
        self.k = normals(keys * case.head_dim, case.type, seed + 1)
        self.v = normals(keys * case.values, case.type, seed + 2)


def attend(case, inputs, step=lambda values: values):
    """(o, lse). `step` rounds a list of numbers, after each step of an eager framework."""
    group, depth, values = case.heads // case.kv_heads, case.head_dim, case.values
    o, lse = [0.0] * (case.batch * case.q * case.heads * values), [-INFINITY] * (case.batch * case.heads * case.q)
    for b in range(case.batch):
        for h in range(case.heads):
            for i in range(case.q):
                first, last = case.columns(i)
                if first == last:
                    continue
                at = ((b * case.q + i) * case.heads + h) * depth
                row = inputs.q[at : at + depth]
                starts = [(b * case.k + j) * case.kv_heads + h // group for j in range(first, last)]
                s = step([sum(map(float.__mul__, row, inputs.k[n * depth : n * depth + depth])) for n in starts])
                s = step([x * case.scale for x in s])
                if case.softcap:
                    s = step([case.softcap * math.tanh(x / case.softcap) for x in s])
                most = max(s)
                total = sum(math.exp(x - most) for x in s)
                p = step([math.exp(x - most) / total for x in s])
                out = [math.fsum(w * inputs.v[n * values + d] for w, n in zip(p, starts)) for d in range(values)]
                at = ((b * case.q + i) * case.heads + h) * values
                o[at : at + values] = step(out)
                lse[(b * case.heads + h) * case.q + i] = most + math.log(total)
    return o, lse


def difference(a, b):
    """The largest; infinite where one is NaN or one alone infinite."""
    largest = 0.0
    for x, y in zip(a, b):
        distance = 0.0 if x == y else abs(x - y)
        largest = max(largest, distance if distance == distance else INFINITY)
    return largest


class Judge:
    """The reference of one case's inputs, and the limit that follows."""

    def __init__(self, case, inputs):
        step = lambda values: rounded(values, case.type)
        self.output, self.lse = attend(case, inputs)
        baseline = difference(attend(case, inputs, step)[0], self.output)
        r, shift = step(self.output), step([0.3])[0]
        back = step([x - shift for x in step([x + shift for x in r])])
        self.limit = (3 if case.softcap else 2) * baseline + 2 * difference(back, r)

    def judge(self, out, lse):
        """"" if both are right, else one line."""
        error = difference(out, self.output)
        if not error <= self.limit:
            return "O: largest error %.3g, allowed %.3g" % (error, self.limit)
        for n, (got, want) in enumerate(zip(lse, self.lse)):
            if not (got == want if want == -INFINITY else abs(got - want) <= 1e-4 + 1e-6 * abs(want)):
                return "LSE: element %d is %r, should be %r" % (n, got, want)
        return ""


class Attention:
    """A case in buffers of the library, outputs NaN; `launch` returns (o, lse)."""

    def __init__(self, runtime, case, inputs):
        self.runtime, self.case = runtime, case
        self.o = runtime.allocate(case.batch * case.q * case.heads * case.values * SIZES[case.type])
        self.lse = runtime.allocate(case.batch * case.heads * case.q * 4)

        def view(values, *extents):
            return imbrex.View(runtime.upload(encode(values, case.type)), case.type, extents)

        self.arguments = {"Q": view(inputs.q, case.batch, case.q, case.heads, case.head_dim),
                          "K": view(inputs.k, case.batch, case.k, case.kv_heads, case.head_dim),
                          "V": view(inputs.v, case.batch, case.k, case.kv_heads, case.values),
                          "O": imbrex.View(self.o, case.type, [case.batch, case.q, case.heads, case.values]),
                          "L": imbrex.View(self.lse, "f32", [case.batch, case.heads, case.q]), "scale": case.scale}

    def launch(self, kernel):
        self.o.fill(0xFF)
        self.lse.fill(0xFF)
        kernel.launch(self.arguments)
        self.runtime.synchronize()
        return decode(self.o.download(), self.case.type), decode(self.lse.download(), "f32")
