# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`example` blocks of the pages: each becomes one kernel that stores what every line gives, run on the simulated device.

A line is a function (`fn ..`), a statement (`let ..;`), an array or a number (`x: f32 = [1, 2]`), or EXPRESSION -> TYPE VALUES.
"""
import ast, os, re, struct, subprocess

CODES = {"bool": ("|b1", "?"), "i8": ("|i1", "b"), "i32": ("<i4", "i"), "i64": ("<i8", "q"), "u8": ("|u1", "B"), "u32": ("<u4", "I"),
         "f16": ("<f2", "e"), "f32": ("<f4", "f"), "f64": ("<f8", "d")}


def shape_of(value):
    return [len(value)] + shape_of(value[0]) if isinstance(value, list) else []


def flat(value):
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


def write_npy(path, type_name, value):
    descr, code = CODES[type_name]
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join("%d," % n for n in shape_of(value)))
    text += " " * (-(11 + len(text)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        file.write(struct.pack("<%d%s" % (len(flat(value)), code), *flat(value)))


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10 : 10 + length].decode())
    code = next(code for descr, code in CODES.values() if descr == header["descr"])
    body = data[10 + length :]
    return list(struct.unpack("<%d%s" % (len(body) // struct.calcsize(code), code), body))


class Example:
    def __init__(self, text):
        self.functions, self.inputs, self.body, self.results = [], [], [], []
        for line in text.strip().split("\n"):
            given = re.match(r"(\w+): (\w+) = (.*)$", line)
            result = re.match(r"(.*?)\s+-> (\w+) (.*)$", line)
            if line.startswith("fn "):
                self.functions.append(line)
            elif given:
                self.inputs.append((given[1], given[2], ast.literal_eval(given[3])))
            elif result:
                self.store(result[1], result[2], result[3])
            else:
                self.body.append(line)

    def store(self, expression, type_name, values):
        name, shape = "result%d" % len(self.results), shape_of(ast.literal_eval(values))
        self.results.append((expression, name, type_name, values))
        place = ", ".join("0 :+ %d" % n for n in shape) or "0"
        self.body.append("store %s[%s] = %s;" % (name, place, expression))

    def kernel(self):
        parameters, loads = [], []
        for name, type_name, value in self.inputs:
            shape = shape_of(value)
            parameters.append("%s: view<%s>[%s]" % (name.upper(), type_name, ", ".join(map(str, shape))) if shape else "%s: %s" % (name, type_name))
            if shape:
                loads.append("let %s = load %s[%s];" % (name, name.upper(), ", ".join("0 :+ %d" % n for n in shape)))
        for _, name, type_name, values in self.results:
            shape = shape_of(ast.literal_eval(values)) or [1]
            parameters.append("%s: out view<%s>[%s]" % (name, type_name, ", ".join(map(str, shape))))
        return "\n".join(self.functions + ["kernel example(%s)" % ", ".join(parameters), "grid (1) |instance| {"] + loads + self.body + ["}"]) + "\n"

    def run(self, imbrex, folder, device):
        """What each line gives; an AssertionError with the program's words where it does not run."""
        path = lambda name: os.path.join(folder, name)
        with open(path("example.tile"), "w") as file:
            file.write(self.kernel())
        words = [imbrex, "run", path("example.tile"), "--device", device]
        for name, type_name, value in self.inputs:
            if shape_of(value):
                write_npy(path(name + ".npy"), type_name, value)
            words += ["--arg", "%s=%s" % ((name.upper(), path(name + ".npy")) if shape_of(value) else (name, value))]
        for _, name, _, _ in self.results:
            words += ["--out", "%s=%s" % (name, path(name + ".npy"))]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + self.kernel()
        return [read_npy(path(name + ".npy")) for _, name, _, _ in self.results]

    def mistakes(self, given):
        """Lines whose result is not the one shown, to the last digit shown of a float."""
        for (expression, _, type_name, values), found in zip(self.results, given):
            shown = re.findall(r"-?[\d.]+", values)
            for text, value in zip(shown, found, strict=True):
                digits = len(text.split(".")[1]) if "." in text else 6 - len(text.lstrip("-"))
                within = 1.01 * 10.0 ** -digits if type_name.startswith("f") else 0
                if not abs(float(text) - value) <= within:
                    yield "%s -> %s, not %s" % (expression, found, values)
                    break
