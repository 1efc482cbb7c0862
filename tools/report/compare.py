# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which lines are compared, by how much ours is faster, and what the targets are.

Only lines of one run, whose rounds were interleaved, are compared. A ratio is the peer's time over ours: above 1, ours
is faster. What was wrong, failed or ran on a simulated device enters nothing.
"""
import json, math

OURS = "imbrex"
GROUP = ("kind", "kernel", "shape", "type", "mask")


class Target:
    def __init__(self, title, peer, goal, kind, kernel=None, shape=None, least=None, masks=None, types=("bf16",)):
        """`shape`: values that must be equal; `least`: values that must be reached."""
        self.title, self.peer, self.goal, self.kind, self.kernel = title, peer, goal, kind, kernel
        self.shape, self.least, self.masks, self.types = shape or {}, least or {}, masks, types

    def takes(self, line):
        shape = line["shape"]
        return (line["kind"] == self.kind and (not self.kernel or line["kernel"] == self.kernel)
                and (not self.types or line.get("type") in self.types)
                and (not self.masks or line.get("mask") in self.masks)
                and all(shape.get(name, shape.get("head_dim") if name == "value_dim" else None) == value
                        for name, value in self.shape.items())
                and all(shape.get(name, 0) >= value for name, value in self.least.items()))


def _forward(depth, peer, goal):
    return Target("forward, head dimension %d, 2k keys and more" % depth, peer, goal, "attention_forward",
                  shape={"head_dim": depth, "value_dim": depth}, least={"k": 2048, "q": 2048}, masks=("full", "causal"))


def _backward(depth, value, peer, goal):
    title = "backward, head dimension %s" % (depth if depth == value else "%d/%d" % (depth, value))
    return Target(title, peer, goal, "attention_backward", shape={"head_dim": depth, "value_dim": value})


TARGETS = [
    _forward(128, "torch.cudnn", 1.05), _forward(128, "torch.flash", 1.7), _forward(128, "triton", 1.25),
    _forward(128, "flex", 1.25), _forward(64, "torch.cudnn", 1.2),
    Target("forward, head dimension 64, window 128", "torch.cudnn", 1.2, "attention_forward", shape={"head_dim": 64},
           masks=("window:128:0", "window:128:128")),
    Target("forward, 8 heads, 256 queries, 32k keys", "torch.cudnn", 4.0, "attention_forward",
           shape={"heads": 8, "q": 256}, least={"k": 32768}),
    _backward(128, 128, "torch.cudnn", 1.10), _backward(256, 256, "torch.cudnn", 1.15),
    _backward(192, 128, "torch.cudnn", 1.5),
    Target("decoding, one query", "torch.cudnn", 1.0, "attention_decode", shape={"q": 1}),
    Target("launch of 19 arguments, at most 1.5 times a bare one", "driver", 1 / 1.5, "launch",
           shape={"arguments": 19}, types=None),
]


def measured(line):
    return line["checked"] and line["median"] is not None and not line["device"]["simulated"]


def key_of(line):
    return json.dumps([line.get(name) for name in GROUP], sort_keys=True)


def label_of(line):
    """Implementation and, where there is one, variant."""
    return line["implementation"] + (" " + line["variant"] if "variant" in line else "")


def groups(lines):
    """Lists of lines that may be compared: of one group, one device, and its newest run. In the order of the lines."""
    newest, order = {}, []
    for line in lines:
        place = (line["device"]["name"], key_of(line))
        if place not in newest:
            order.append(place)
        if place not in newest or line["date"] > newest[place][0]:
            newest[place] = (line["date"], line["run"])
    found = {place: [] for place in order}
    for line in lines:
        place = (line["device"]["name"], key_of(line))
        if line["run"] == newest[place][1]:
            found[place].append(line)
    return [found[place] for place in order]


def ratio(ours, peer):
    """(median, low, high) of the peer's time over ours; low and high are None where rounds were not paired."""
    if not (measured(ours) and measured(peer)) or not ours["median"] or not peer["median"]:
        return None
    paired = ours.get("ratios", {}).get(peer["implementation"])
    if paired:
        return paired["median"], paired["low"], paired["high"]
    return peer["median"] / ours["median"], None, None


def ours_of(group):
    """Our lines, the fastest that was measured first."""
    own = [line for line in group if line["implementation"] == OURS]
    return sorted(own, key=lambda line: line["median"] if measured(line) else math.inf)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def judge(lines):
    """(target, geometric mean or None, number of shapes) of every target: of our fastest line of each shape."""
    out = []
    for target in TARGETS:
        values = []
        for group in groups([line for line in lines if target.takes(line)]):
            own = ours_of(group)
            peers = [line for line in group if line["implementation"] == target.peer and measured(line)]
            if own and peers and measured(own[0]):
                values.append(ratio(own[0], min(peers, key=lambda line: line["median"]))[0])
        out.append((target, geometric_mean(values) if values else None, len(values)))
    return out
