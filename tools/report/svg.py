# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plots as inline SVG: bars with whiskers, and lines over a logarithmic or linear axis. Colours are the page's.

A series has a class s0, s1, ... that the style sheet colours, and a marker of its own, so that print in grey can be read.
"""
import html, math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 660, 240, 56, 12, 10, 26
MARKERS = ("circle", "square", "diamond", "triangle", "cross", "ring")


COLOURS = 6


def text(x, y, words, anchor="middle", more=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (x, y, anchor, more, html.escape(str(words)))


def number(value):
    """Three digits that count, without needless zeros."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = "%.*f" % (digits, value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def ticks(high, wanted=5):
    """Round values from 0 to at least `high`, and above 0."""
    if high <= 0:
        return [0, 1]
    step = 10 ** math.floor(math.log10(high / wanted))
    step *= next(m for m in (1, 2, 5, 10) if high / (step * m) <= wanted)
    return [step * i for i in range(math.ceil(high / step - 1e-9) + 1)]


def marker(series, x, y):
    shape, series, r = MARKERS[series % len(MARKERS)], series % COLOURS, 3.6
    around = {"square": [(-r, -r), (r, -r), (r, r), (-r, r)], "diamond": [(0, -r - 1), (r + 1, 0), (0, r + 1), (-r - 1, 0)],
              "triangle": [(0, -r - 1), (r + 1, r), (-r - 1, r)]}
    if shape in around:
        points = " ".join("%.1f,%.1f" % (x + dx, y + dy) for dx, dy in around[shape])
        return '<polygon class="m s%d" points="%s"/>' % (series, points)
    if shape == "cross":
        return '<path class="l s%d" d="M%.1f %.1fl7 7m0 -7l-7 7"/>' % (series, x - r, y - r)
    return '<circle class="%s s%d" cx="%.1f" cy="%.1f" r="%.1f"/>' % ("l" if shape == "ring" else "m", series, x, y, r)


def frame(body, title, height=HEIGHT):
    return ('<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><title>%s</title>%s</svg>'
            % (WIDTH, height, html.escape(title, quote=True), html.escape(title), "".join(body)))


def legend(names, first=0, boxes=False):
    """A row above a plot: the marker, or a box of its colour, and the name of every series."""
    sign = lambda k: '<rect class="m s%d" x="2" y="2" width="10" height="10"/>' % (k % COLOURS) if boxes else marker(k, 7, 7)
    return '<p class="legend">%s</p>' % " ".join(
        '<span><svg viewBox="0 0 14 14" aria-hidden="true">%s</svg>%s</span>'
        % (sign(first + i), html.escape(name)) for i, name in enumerate(names))


def _axis(values, unit):
    body = []
    top = values[-1]
    scale = lambda v: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * v / top
    for value in values:
        body.append('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (LEFT, WIDTH - RIGHT, scale(value), scale(value)))
        body.append(text(LEFT - 6, scale(value) + 4, number(value), "end"))
    body.append(text(12, TOP + (HEIGHT - TOP - BOTTOM) / 2, unit, "middle", ' transform="rotate(-90 12 %.1f)"' % (TOP + (HEIGHT - TOP - BOTTOM) / 2)))
    return body, scale


def lines(title, unit, labels, series, guides=(), first=0):
    """`labels`: of the places along x; `series`: (name, [value, (value, low, high) or None, one a place]); `guides`:
    (value, words) as dashed lines; `first`: the colour of the first series."""
    triples = [(name, [v if v is None or isinstance(v, tuple) else (v, None, None) for v in values]) for name, values in series]
    highest = max([v[2] if v[2] is not None else v[0] for _, values in triples for v in values if v] + [g for g, _ in guides])
    body, scale = _axis(ticks(highest * 1.04), unit)
    place = lambda i: LEFT + (WIDTH - LEFT - RIGHT) * (i + 0.5) / len(labels)
    body += [text(place(i), HEIGHT - BOTTOM + 16, label) for i, label in enumerate(labels)]
    for value, words in guides:
        body.append('<line class="guide" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (LEFT, WIDTH - RIGHT, scale(value), scale(value)))
        body.append(text(WIDTH - RIGHT - 2, scale(value) - 4, words, "end"))
    for k, (name, values) in enumerate(triples, first):
        points = [(place(i), v) for i, v in enumerate(values) if v]
        body.append('<polyline class="l s%d" points="%s"/>' % (k % COLOURS, " ".join("%.1f,%.1f" % (x, scale(v[0])) for x, v in points)))
        for x, v in points:
            if v[1] is not None:
                body.append('<path class="whisker s%d" d="M%.1f %.1fV%.1f"/>' % (k % COLOURS, x, scale(v[1]), scale(v[2])))
            body.append(marker(k, x, scale(v[0])))
    return legend([name for name, _ in series], first) + frame(body, title)


def bars(title, unit, labels, series):
    """As lines(), a cluster of bars a place; whiskers from low to high."""
    highest = max(v[2] for _, values in series for v in values if v)
    body, scale = _axis(ticks(highest * 1.04), unit)
    room = (WIDTH - LEFT - RIGHT) / len(labels)
    width = min(26, room * 0.8 / len(series))
    for i, label in enumerate(labels):
        body.append(text(LEFT + room * (i + 0.5), HEIGHT - BOTTOM + 16, label))
        for k, (name, values) in enumerate(series):
            if not values[i]:
                continue
            value, low, high = values[i]
            x = LEFT + room * (i + 0.5) + width * (k - len(series) / 2)
            body.append('<rect class="m s%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>'
                        % (k % COLOURS, x + 1, scale(value), width - 2, scale(0) - scale(value)))
            body.append('<path class="whisker" d="M%.1f %.1fV%.1f"/>' % (x + width / 2, scale(low), scale(high)))
    return legend([name for name, _ in series], boxes=True) + frame(body, title)
