# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lessons' kernels beside torch's own: matmul (cuBLAS), softmax, vector_add. Needs: torch.

A result may be off from the same in f64 by twice what torch's is, and one rounding.
"""
import torch
import ours, spread, timing
from attention import attempt, summary
from context import LOST
from rule import TYPES, UNIT_ROUNDOFF, full_sums

ROUNDS = 15


def normals(*shape, type="f32"):
    return torch.randn(*shape, device="cuda").to(TYPES[type])


class Matmul:
    """relu(A B + bias); cuBLAS multiplies alone, without bias and relu."""

    peer, path = "cublas", "lessons/matmul.tile"

    def __init__(self, m, n, k, type):
        self.shape, self.type = {"m": m, "n": n, "k": k}, type
        self.work = {"flop": 2 * m * n * k}

    def tensors(self):
        m, n, k = self.shape.values()
        return {"A": normals(m, k, type=self.type), "B": normals(k, n, type=self.type), "bias": normals(n),
                "C": torch.full((m, n), float("nan"), device="cuda", dtype=TYPES[self.type])}

    def peer_call(self, t):
        return lambda: torch.matmul(t["A"], t["B"])

    def eager(self, t, kind):
        rows = slice(0, 512)
        return torch.relu(t["A"][rows].to(kind) @ t["B"].to(kind) + t["bias"].to(kind))

    def judged(self, t):
        return t["C"][:512]


class Softmax:
    peer, path = "torch", "lessons/softmax.tile"

    def __init__(self, rows, columns, type):
        self.shape, self.type = {"rows": rows, "columns": columns}, type
        self.work = {"bytes": 4 * rows * columns}

    def tensors(self):
        rows, columns = self.shape.values()
        return {"X": normals(rows, columns, type=self.type),
                "Y": torch.full((rows, columns), float("nan"), device="cuda", dtype=TYPES[self.type])}

    def peer_call(self, t):
        return lambda: torch.softmax(t["X"], -1)

    def eager(self, t, kind):
        return torch.softmax(t["X"].to(kind), -1)

    def judged(self, t):
        return t["Y"]


class VectorAdd:
    peer, path = "torch", "lessons/vector_add.tile"

    def __init__(self, elements, type):
        self.shape, self.type = {"elements": elements}, type
        self.work = {"bytes": 12 * elements}

    def tensors(self):
        count = self.shape["elements"]
        return {"X": normals(count), "Y": normals(count), "Z": torch.full((count,), float("nan"), device="cuda")}

    def peer_call(self, t):
        out = torch.empty_like(t["Z"])
        return lambda: torch.add(t["X"], t["Y"], out=out)

    def eager(self, t, kind):
        return t["X"].to(kind) + t["Y"].to(kind)

    def judged(self, t):
        return t["Z"]


PROBLEMS = [Matmul(4096, 4096, 4096, "f16"), Matmul(8192, 8192, 2048, "bf16"), Softmax(16384, 1024, "f16"),
            Softmax(8192, 4096, "f16"), VectorAdd(64 << 20, "f32")]


def fields(problem):
    name = problem.path.split("/")[1].split(".")[0]
    return {"kind": name, "kernel": name, "shape": problem.shape, "type": problem.type}


class Judge:
    """The reference of one set of tensors in f64, and the limit that follows."""

    def __init__(self, problem, tensors):
        self.problem, self.tensors = problem, tensors
        self.reference = problem.eager(tensors, torch.float64)
        with full_sums():
            baseline = problem.eager(tensors, TYPES[problem.type]).double()
        unit = UNIT_ROUNDOFF[problem.type] * self.reference.abs().max().item()
        self.limit = 2 * (baseline - self.reference).abs().max().item() + unit

    def error(self):
        error = (self.problem.judged(self.tensors).double() - self.reference).abs().max().item()
        return error if error == error else 1e30  # NaN

    def judge(self):
        error = self.error()
        return "" if error <= self.limit else "largest error %.3g, allowed %.3g" % (error, self.limit)


def kernel_of(device, problem):
    kernel = device.kernel(problem.path).set("T", problem.type)
    return kernel.set("D", problem.shape["columns"]) if isinstance(problem, Softmax) else kernel


def argument_sets(problem):
    """(the tensors of each set, the arguments of each): together beyond the L2 cache, eight at most."""
    first = problem.tensors()
    count = min(8, timing.sets_beyond_l2(sum(x.nbytes for x in first.values())))
    sets = [first] + [problem.tensors() for _ in range(count - 1)]
    return sets, [{name: ours.view(x) for name, x in set.items()} for set in sets]


def checked(problem, context, sets, named):
    """(our line, our calls or None)."""
    kernel = kernel_of(context.device, problem)

    def check():
        runs = [kernel.bind(arguments, ours.here(context.device)) for arguments in named]
        runs[0]()
        torch.cuda.synchronize()
        return runs

    runs, failure = attempt("imbrex", check)
    line = {"implementation": "imbrex", "checked": False}
    if not failure:
        judge = Judge(problem, sets[0])
        wrong = judge.judge()
        line.update(error=judge.error(), tolerance=judge.limit, checked=not wrong)
        failure = wrong and "wrong result: " + wrong
    if failure:
        return dict(line, failure=failure), None
    return dict(line, configuration=ours.configuration(kernel.prepare(named[0]), kernel.signature())), runs


def measure(problem, context):
    sets, named = argument_sets(problem)
    lines, calls, lost = {}, {}, context.records.lost(fields(problem))
    for name in ("imbrex", problem.peer):
        line, runs = {"implementation": name, "checked": False, "failure": LOST}, None
        if name not in lost:
            line, runs = (checked(problem, context, sets, named) if name == "imbrex" else
                          ({"implementation": name, "checked": True}, [problem.peer_call(set) for set in sets]))
        lines[name] = line
        if runs:
            calls[name] = runs
    numbers, failure = attempt("imbrex", lambda: timing.measure(calls, ROUNDS, context.progress)) if calls else ({}, "")
    for name in calls:
        lines[name].update({"failure": failure} if failure else dict(numbers[name].line(), work=problem.work))
    if not failure and len(calls) == 2:
        lines["imbrex"]["ratios"] = {problem.peer: spread.ratio(numbers[problem.peer], numbers["imbrex"])}
    context.records.write(fields(problem), lines.values())
    context.progress.say("%s %s: %s" % (fields(problem)["kernel"], problem.shape, summary(lines)))


def measure_group(context):
    torch.manual_seed(11)
    for problem in PROBLEMS:
        context.run_once(fields(problem), "%s %s" % (fields(problem)["kernel"], problem.shape), lambda: measure(problem, context))
        torch.cuda.empty_cache()
