# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The sections of the page that compare implementations: targets, a section a kind of measurement, simulated devices."""
from collections import Counter

import svg
from compare import OURS, geometric_mean, groups, judge, label_of, measured, ours_of, ratio
from tables import escape, figure, length, quantity, shape_text, table, throughput, times

TITLES = {"attention_forward": "Attention, forward", "attention_backward": "Attention, backward",
          "attention_decode": "Attention, decoding", "attention_standard": "Standard attention against the kernel",
          "decode_cache": "Decoding with a cache and without", "matmul": "Matrix product", "softmax": "Softmax",
          "vector_add": "Vector addition", "launch": "Launch", "compile": "Compilation", "memory": "Memory",
          "micro": "Micro-benchmarks", "targets": "Targets", "faults": "Faults", "simulated": "Simulated devices",
          "environment": "Environment"}
PEERS = ["torch.cudnn", "torch.flash", "torch.math", "flex", "triton", "cublas", "torch"]  # their order and colours


def targets(lines):
    rows = []
    for target, mean, count in judge(lines):
        if mean is None:
            verdict = '<span class="soft">not measured</span>'
        elif mean >= target.goal:
            verdict = '<span class="good">&#10003; reached</span>'
        else:
            verdict = '<span class="bad">&#10007; missed</span>'
        rows.append([escape(target.title), escape(target.peer), "%.2f" % target.goal, "%.3f" % mean if mean else "-", count or "-", verdict])
    return ("<h2 id=targets>Targets</h2><p class=soft>The peer's time over ours, geometric mean over the shapes that were measured: above 1, "
            "ours is faster.</p>" + table(["what", "peer", "at least", "mean", "shapes", ""], rows, 2))


def _family(group):
    """Shapes that differ only in length and batch stand in one table."""
    line = group[0]
    depth, value = line["shape"].get("head_dim"), line["shape"].get("value_dim")
    parts = [line["kernel"], line.get("type", ""), line.get("mask", "")]
    if depth:
        parts.insert(1, "D %d" % depth + ("/%d" % value if value and value != depth else ""))
    return ", ".join(part for part in parts if part)


def _rows(family):
    """(label of the row, group) by length."""
    size = lambda group: (group[0]["shape"].get("k", 0), list(group[0]["shape"].values()))
    return sorted(family, key=size)


def _best_peers(group):
    """The fastest line of every peer, by name."""
    best = {}
    for line in group:
        name = line["implementation"]
        if name != OURS and (name not in best or (measured(line) and (not measured(best[name]) or line["median"] < best[name]["median"]))):
            best[name] = line
    return best


def _matrix(family, peers):
    """A row a shape: ours, then each peer's time and ratio; the geometric means last."""
    unit = family[0][0]["unit"]
    heads = ["shape", "ours, %s" % unit, "rate"] + [head for peer in peers for head in (escape(peer), "/ ours")]
    rows, ratios = [], {peer: [] for peer in peers}
    for group in _rows(family):
        best = _best_peers(group)
        for own in ours_of(group) or [None]:
            rate = throughput(own) if own else None
            name = shape_text(group[0]["shape"], ("head_dim", "value_dim")) + (" <small>%s</small>" % escape(own["variant"]) if own and "variant" in own else "")
            row = [name, quantity(own) if own else "-", "%s %s" % (svg.number(rate[0]), rate[1]) if rate else "-"]
            for peer in peers:
                there = best.get(peer)
                value = ratio(own, there) if own and there else None
                row += [quantity(there) if there else "-", times(value)]
                if value and own is ours_of(group)[0]:
                    ratios[peer].append(value[0])
            rows.append(row)
    means = ["<b>geometric mean</b>", "", ""]
    for peer in peers:
        means += ["", times((geometric_mean(ratios[peer]), None, None)) if ratios[peer] else "-"]
    return table(heads, rows + [means])


def _bars(family, peers):
    """The rate, or where there is none the time, by shape; whiskers are low and high."""
    rowed = _rows(family)
    def triple(line):
        if line is None or not measured(line):
            return None
        rate = throughput(line)
        if not rate:
            return tuple(line[name] for name in ("median", "low", "high"))
        return tuple(rate[0] * line["median"] / line[name] for name in ("median", "high", "low"))
    values = [(OURS, [triple(ours_of(group)[0]) if ours_of(group) else None for group in rowed])]
    values += [(peer, [triple(_best_peers(group).get(peer)) for group in rowed]) for peer in peers]
    if not any(any(each) for _, each in values) or len(rowed) < 2:
        return ""
    example = next(line for group in rowed for line in group if measured(line))
    unit = (throughput(example) or (0, example["unit"]))[1]
    return figure("%s by shape" % unit, svg.bars("%s by shape" % unit, unit, _places(rowed), values))


def _places(rowed):
    names = [length(group[0]["shape"]["k"]) if "k" in group[0]["shape"] else shape_text(group[0]["shape"]) for group in rowed]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [name + " B%d" % group[0]["shape"].get("batch", 0) if name in twice else name for name, group in zip(names, rowed)]


def _ratio_lines(family, peers):
    rowed = _rows(family)
    series = []
    for peer in peers:
        values = []
        for group in rowed:
            own, there = ours_of(group), _best_peers(group).get(peer)
            values.append(ratio(own[0], there) if own and there else None)
        series.append((peer, values))
    if not any(sum(value is not None for value in values) > 1 for _, values in series):
        return ""
    title = "peer's time over ours, by shape"
    return figure(title, svg.lines(title, "ratio", _places(rowed), series, [(1, "equal")], first=1))


def comparison(kind, lines):
    """Tables and plots of a kind whose implementations do the same work: a row a shape."""
    families = {}
    for group in groups(lines):
        families.setdefault((group[0]["device"]["name"], _family(group)), []).append(group)
    devices = {device for device, _ in families}
    out = ["<h2 id=%s>%s</h2>" % (kind, escape(TITLES.get(kind, kind)))]
    for (device, name), family in families.items():
        names = {line["implementation"] for group in family for line in group} - {OURS}
        peers = [name for name in PEERS if name in names] + sorted(names - set(PEERS))
        out.append("<h3>%s%s</h3>" % (escape(name), " <span class=soft>%s</span>" % escape(device) if len(devices) > 1 else ""))
        out.append(_matrix(family, peers) + "<div class=pair>%s</div>" % (_bars(family, peers) + _ratio_lines(family, peers)))
    return "".join(out)


def _counterpart(group, line):
    """Our line that does the work of a peer's: the one of its variant, or the only one there is."""
    own = ours_of(group)
    same = [one for one in own if one.get("variant") == line.get("variant")] or (own if len(own) == 1 else [])
    return same[0] if same and line["implementation"] != OURS else None


def listing(kind, lines):
    """A table of a kind whose variants do different work: a row a line, beside ours of the same variant."""
    rows = []
    for group in groups(lines):
        for line in group:
            name = ", ".join(part for part in (line["kernel"], shape_text(line["shape"]), line.get("type", ""), line.get("mask", "")) if part)
            own = _counterpart(group, line)
            value = ratio(own, line) if own else None
            rows.append([escape(name), escape(label_of(line)), escape(line["unit"]), quantity(line), times(value)])
    return ("<h2 id=%s>%s</h2>" % (kind, escape(TITLES.get(kind, kind)))
            + table(["what", "implementation", "unit", "median, low to high", "/ ours"], rows, 2))


def simulated(lines):
    """What was checked where nothing can be measured: counts only."""
    counts = Counter()
    for line in lines:
        state = "left out" if "failure" in line else "right" if line["checked"] else "wrong"
        counts[line["device"]["id"], line["kind"], state] += 1
    rows = [[escape(device), escape(TITLES.get(kind, kind))] + [counts[device, kind, state] for state in ("right", "wrong", "left out")]
            for device, kind in sorted({(device, kind) for device, kind, _ in counts})]
    return ("<h2 id=simulated>Simulated devices</h2><p class=soft>Results were compared; nothing was measured.</p>"
            + table(["device", "what", "right", "wrong", "left out"], rows, 2))
