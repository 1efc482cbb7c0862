# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tune.py checks on a simulated device: small problems as tune_problems.py has them, Python's standard library alone."""
import math, random
import plain
from cases import Attention
from imbrex import View

SAMPLE = 3


def sample(kernel):
    """Some of the assignments, always the same ones; the smaller halves of their products, which simulate quickly."""
    import tune

    choices = sorted(tune.assignments(kernel), key=lambda each: math.prod(each.values()))
    return random.Random(5).sample(choices[: max(SAMPLE, len(choices) // 2)], SAMPLE)


class AttentionProblem:
    def __init__(self, device, case):
        self.device, self.case, self.work = device, case, case.work()
        self.name, self.fields = case.text(), case.fields("attention_forward")
        inputs = plain.Inputs(case)
        self.problem, self.judge = plain.Attention(device.runtime, case, inputs), plain.Judge(case, inputs)

    def kernel(self):
        kernel = self.device.kernel("attention_forward.tile").set("T", self.case.type)
        for name, function in self.case.hooks().items():
            kernel.hook(name, function)
        return kernel

    def arguments(self):
        return self.problem.arguments

    def check(self, kernel):
        return self.judge.judge(*self.problem.launch(kernel))


class LessonProblem:
    """A lesson's kernel on f32 `arrays`: name -> (extents, values), the output last, with its expected values."""

    def __init__(self, device, name, arrays, tolerance, settings=()):
        self.device, self.path, self.tolerance, self.settings = device, "lessons/%s.tile" % name, tolerance, settings
        self.name, self.work = name, {}
        extents, self.expected = list(arrays.values())[-1]
        self.fields = {"kind": name, "kernel": name, "shape": {"elements": len(self.expected)}, "type": "f32"}
        self.views = {each: View(device.runtime.upload(plain.encode(values, "f32")), "f32", extents)
                      for each, (extents, values) in arrays.items()}
        self.out = list(self.views.values())[-1].buffer

    def kernel(self):
        kernel = self.device.kernel(self.path).set("T", "f32")
        for name, value in self.settings:
            kernel.set(name, value)
        return kernel

    def arguments(self):
        return self.views

    def check(self, kernel):
        self.out.fill(0xFF)
        kernel.launch(self.views)
        self.device.runtime.synchronize()
        error = plain.difference(plain.decode(self.out.download(), "f32"), self.expected)
        return "" if error <= self.tolerance else "largest error %.3g, allowed %.3g" % (error, self.tolerance)


def vector_add(device):
    x, y = plain.normals(700, "f32", 1), plain.normals(700, "f32", 2)
    z = plain.rounded([a + b for a, b in zip(x, y)], "f32")
    return LessonProblem(device, "vector_add", {name: ([700], values) for name, values in zip("XYZ", (x, y, z))}, 0)


def matmul(device, m=20, n=36, k=24):
    """Whole numbers: every sum is exact."""
    source = random.Random(3)
    a, b, bias = ([float(source.randrange(-4, 5)) for _ in range(count)] for count in (m * k, k * n, n))
    c = [max(0.0, bias[j] + sum(a[i * k + t] * b[t * n + j] for t in range(k))) for i in range(m) for j in range(n)]
    arrays = {"A": ([m, k], a), "B": ([k, n], b), "bias": ([n], bias), "C": ([m, n], c)}
    return LessonProblem(device, "matmul", arrays, 0)


def softmax(device, rows=5, columns=40):
    x, y = plain.normals(rows * columns, "f32", 4), []
    for i in range(rows):
        e = [math.exp(value) for value in x[i * columns : (i + 1) * columns]]
        y += [value / sum(e) for value in e]
    return LessonProblem(device, "softmax", {"X": ([rows, columns], x), "Y": ([rows, columns], y)}, 1e-5, [("D", columns)])


def all_of(device):
    yield AttentionProblem(device, Attention(1, 2, 1, 20, 36, 16, type="f16", mask="causal"))
    for make in (vector_add, matmul, softmax):
        yield make(device)
