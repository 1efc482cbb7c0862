# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays in .npy files, with the standard library alone: dense, of f16, f32, f64, i8, i32, i64, u8 and u32; bf16 is read and written as the
upper half of f32 under the type '<V2', as `imbrex run` does.
"""
import ast
import math
import struct

_TYPES = {"f16": ("<f2", "e"), "f32": ("<f4", "f"), "f64": ("<f8", "d"), "i32": ("<i4", "i"), "i64": ("<i8", "q"),
          "i8": ("|i1", "b"), "u8": ("|u1", "B"), "u32": ("<u4", "I")}
_LETTERS = {descr: letter for descr, letter in _TYPES.values()}


def save(path, type_, shape, values):
    descr, letter = _TYPES[type_]
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join("%d," % n for n in shape))
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%d%s" % (len(values), letter), *values))
    return path


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + length].decode())
    body, letter = data[10 + length:], _LETTERS.get(header["descr"])
    if letter is None:  # bf16
        words = struct.unpack("<%dH" % (len(body) // 2), body)
        return [struct.unpack("<f", struct.pack("<I", word << 16))[0] for word in words]
    return list(struct.unpack("<%d%s" % (len(body) // struct.calcsize(letter), letter), body))


def largest_difference(a, b):
    """inf where one side is no number and the other is."""
    pairs = [(x, y) for x, y in zip(a, b) if not (x == y or (math.isnan(x) and math.isnan(y)))]
    return max((abs(x - y) if math.isfinite(x - y) else math.inf for x, y in pairs), default=0)


def attention(q, k, v, depth, scale, sees):
    """softmax(q k^T scale) v of one head in doubles; `sees(i, j)` is the mask. Rows are lists of `depth`."""
    def rows(x):
        return [x[i:i + depth] for i in range(0, len(x), depth)]
    keys, values, result = rows(k), rows(v), []
    for i, query in enumerate(rows(q)):
        logits = {j: scale * sum(a * b for a, b in zip(query, key)) for j, key in enumerate(keys) if sees(i, j)}
        most = max(logits.values(), default=0)
        weights = {j: math.exp(s - most) for j, s in logits.items()}
        total = sum(weights.values()) or 1
        result += [sum(w * values[j][d] for j, w in weights.items()) / total for d in range(depth)]
    return result
