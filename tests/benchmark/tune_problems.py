# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tune.py tunes on a GPU. Needs: torch.

A problem has: name, fields (of its records), work, kernel() with all but tuning parameters set, arguments(), check(kernel)
-> "" or what is wrong, calls(kernel) -> one call a set of buffers. Tensors are made when they are first asked for.
"""
import functools
import attention, lessons, ours, shapes
from rule import Judge


class AttentionProblem:
    def __init__(self, device, case):
        self.device, self.case, self.work = device, case, case.work()
        self.name, self.fields = case.text(), case.fields("attention_forward")

    @functools.cached_property
    def sets(self):
        return attention.make_sets(attention.make_set(self.case))

    @functools.cached_property
    def judge(self):
        return Judge(self.case, self.sets[0].q, self.sets[0].k, self.sets[0].v)

    def kernel(self):
        return ours.kernel_of(self.device, self.case)

    def arguments(self):
        return ours.arguments(self.case, self.sets[0])

    def check(self, kernel):
        first = self.sets[0]
        first.o.fill_(float("nan")), first.lse.fill_(float("nan"))
        kernel.launch(self.arguments(), ours.here(self.device))
        return "not every element of O was written" if bool(first.o.isnan().any()) else self.judge.judge(first.o, first.lse)

    def calls(self, kernel):
        return [kernel.bind(ours.arguments(self.case, set), ours.here(self.device)) for set in self.sets]


class LessonProblem:
    def __init__(self, device, problem):
        self.device, self.problem, self.work = device, problem, problem.work
        self.fields = lessons.fields(problem)
        self.name = "%s %s" % (self.fields["kernel"], problem.shape)

    @functools.cached_property
    def sets(self):
        return lessons.argument_sets(self.problem)

    @functools.cached_property
    def judge(self):
        return lessons.Judge(self.problem, self.sets[0][0])

    def kernel(self):
        return lessons.kernel_of(self.device, self.problem)

    def arguments(self):
        return self.sets[1][0]

    def check(self, kernel):
        list(self.sets[0][0].values())[-1].fill_(float("nan"))  # the output comes last
        kernel.launch(self.arguments(), ours.here(self.device))
        return self.judge.judge()

    def calls(self, kernel):
        return [kernel.bind(arguments, ours.here(self.device)) for arguments in self.sets[1]]


def all_of(device):
    """The most important first; each is dropped, with its tensors, before the next is made."""
    for depth in (128, 64, 256):
        yield AttentionProblem(device, shapes.forward(4096, depth, "causal"))
    yield AttentionProblem(device, shapes.forward(4096, 128, "full"))
    yield AttentionProblem(device, shapes.decode(128, 8192))
    for problem in lessons.PROBLEMS:
        yield LessonProblem(device, problem)
