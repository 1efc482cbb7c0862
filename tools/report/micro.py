# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The section of the micro-benchmarks: a table an experiment, and a plot where a curve is the answer."""
import svg
from compare import measured
from tables import escape, figure, quantity, table


def _curve(lines, along, values_of, name_of):
    """(places, series): the rate over shape[along], a series a name."""
    lines = [line for line in lines if measured(line) and "rate" in line]
    places = sorted({line["shape"].get(along, 0) for line in lines})
    series = {}
    for line in lines:
        series.setdefault(name_of(line), {})[line["shape"].get(along, 0)] = values_of(line)
    return places, [(name, [points.get(place) for place in places]) for name, points in series.items()]


def _exponentials(lines):
    """Exponentials a clock over the fma beside each."""
    plain = [line for line in lines if line["shape"].get("ex2") == 1 and not any(line["shape"].get(k) for k in ("add", "max", "convert"))]
    places, series = _curve(plain, "fma", lambda line: line["rate"]["value"], lambda line: "warps: %d" % line["shape"].get("warps", 0))
    series.sort(key=lambda one: int(one[0].split()[1]))
    if len(places) < 2:
        return ""
    title = "exponentials a clock and SM, by fma beside each"
    return figure(title, svg.lines(title, "ex2 / clock", places, series, [(16, "16: the unit alone")]))


def _shared(lines):
    """The share of the tensor peak over the bytes a clock that traffic asks for, a plot a product."""
    asked = lambda line: 8192 / line["shape"]["period"] if line["shape"].get("period") else 0
    groups = {}
    for line in lines:
        parts = line.get("variant", "").split("_")  # FORM_nN_TRAFFIC_products_pP_wgW
        if len(parts) == 6 and parts[3] == "products" and line["shape"].get("period"):
            groups.setdefault((parts[0], parts[1], parts[5]), []).append({**line, "shape": {"asked": asked(line), "traffic": parts[2]}})
    out = []
    for (form, columns, warpgroups), of in sorted(groups.items()):
        places, series = _curve(of, "asked", lambda line: line["rate"]["value"], lambda line: line["shape"]["traffic"])
        if len(places) > 1:
            title = "%s %s %s: share of the tensor peak, by bytes a clock that traffic asks for" % (form, columns, warpgroups)
            out.append(figure(title, svg.lines(title, "of the peak", [svg.number(place) for place in places], series)))
    return "<div class=pair>%s</div>" % "".join(out)


PLOTS = {"exponentials": _exponentials, "shared": _shared}


def section(lines):
    experiments = {}
    for line in lines:
        experiments.setdefault((line["device"]["name"], line["kernel"]), []).append(line)
    out = ["<h2 id=micro>Micro-benchmarks</h2><p class=soft>Cycles of the SM's own clock. How to read each: tests/benchmark/micro/README.md.</p>"]
    for (device, name), of in experiments.items():
        newest = max(of, key=lambda line: line["date"])["run"]
        of = [line for line in of if line["run"] == newest]
        rows = [[escape(line.get("variant", "")), quantity(line),
                 "%s %s" % (svg.number(line["rate"]["value"]), escape(line["rate"]["unit"])) if "rate" in line else "-",
                 escape(line.get("note", ""))] for line in of]
        out.append("<h3>%s <span class=soft>%s</span></h3>" % (escape(name), escape(device)))
        out.append(PLOTS.get(name, lambda _: "")(of) + table(["variant", "cycles a pass, low to high", "rate", "note"], rows, dense=True))
    return "".join(out)
