# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pieces of the page that all its sections use: tables, figures, and how numbers and names are written."""
import html

from compare import measured
from svg import number

WRONG = '<span class="bad">wrong result</span>'
SHORT = {"batch": "B", "heads": "H", "kv_heads": "Hkv", "q": "Sq", "k": "Sk", "head_dim": "D", "value_dim": "Dv"}


def escape(words):
    return html.escape(str(words))


def table(heads, rows, texts=1, dense=False):
    """Cells are HTML; the first `texts` columns are words, the others numbers. `dense`: a line a row."""
    def cells(tag, row):
        return "".join('<%s%s>%s</%s>' % (tag, ' class="t"' if i < texts else "", cell, tag) for i, cell in enumerate(row))

    return ('<div class="wide"><table%s><thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>'
            % (' class="dense"' if dense else "", cells("th", heads), "".join("<tr>%s</tr>" % cells("td", row) for row in rows)))


def figure(caption, plot):
    return "<figure><figcaption>%s</figcaption>%s</figure>" % (escape(caption), plot)


def shape_text(shape, but=()):
    """`but`: names to leave out. Equal heads and equal lengths are told once."""
    shown = {name: value for name, value in shape.items() if name not in but}
    if shown.get("kv_heads") == shown.get("heads"):
        shown.pop("kv_heads", None)
    if "q" in shown and shown["q"] == shown.get("k"):
        shown = {("S" if name == "q" else name): value for name, value in shown.items() if name != "k"}
    short = SHORT if "heads" in shape else {}
    return ", ".join("%s %s" % (short.get(name, name), "{:,}".format(value)) for name, value in shown.items())


def length(value):
    return "%dk" % (value // 1024) if value % 1024 == 0 and value else str(value)


def quantity(line):
    """The median and its spread in the line's unit, or why there is none."""
    if "failure" in line:
        return '<span class="soft">%s</span>' % escape(line["failure"])
    if not line["checked"]:
        return WRONG
    if not measured(line):
        return '<span class="soft">not measured</span>'
    return "%s <small>%s to %s</small>" % tuple(number(line[name]) for name in ("median", "low", "high"))


def throughput(line):
    """(value, unit) from the work of one call, or None."""
    work = line.get("work", {})
    if not measured(line) or line["unit"] != "us" or not line["median"]:
        return None
    if "flop" in work:
        return work["flop"] / line["median"] / 1e6, "TFLOP/s"
    if "bytes" in work:
        return work["bytes"] / line["median"] / 1e3, "GB/s"
    return None


def times(value):
    """A ratio with its spread, or a dash."""
    if value is None:
        return "-"
    mid, low, high = value
    spread = " <small>%.2f to %.2f</small>" % (low, high) if low is not None else ""
    return '<span class="%s">%.2f</span>%s' % ("good" if mid >= 1 else "bad", mid, spread)
