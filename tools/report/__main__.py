#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements as one page: tables, plots, targets, environment.

usage: python3 tools/report OUTPUT.html FILE.jsonl...      Python's standard library only; the page needs no network.

The files hold one JSON line a measurement (tests/benchmark/results/README.md). A malformed line is told by file and number,
and then no page is written (exit code 1). Lines of simulated devices are counted and never shown as time.
"""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import micro, schema, sections
from tables import escape, table

COMPARED = ["attention_forward", "attention_backward", "attention_decode", "matmul", "softmax", "vector_add"]
LISTED = ["attention_standard", "decode_cache", "memory", "launch", "compile"]


def distinct(values):
    return ", ".join(dict.fromkeys(str(value) for value in values if value not in (None, "")))


def short_commit(commit):
    """Twelve digits, and what follows a "+": that the tree was changed."""
    digits, plus, changes = commit.partition("+")
    return digits[:12] + plus + changes


def environment(lines):
    """What was measured on what: a row a device."""
    rows, devices = [], {}
    for line in lines:
        devices.setdefault((line["device"]["id"], line["device"]["name"]), []).append(line)
    for (id, name), of in devices.items():
        facts = [line["device"] for line in of]
        dates = sorted(line["date"] for line in of)
        clocks = sorted(fact["sm_clock_mhz"] for fact in facts if "sm_clock_mhz" in fact)
        notes = distinct(fact.get("clock_note") for fact in facts)
        software = distinct("%s %s" % item for line in of for item in line.get("software", {}).items())
        rows.append([escape("%s, %s" % (name, id)), "simulated" if facts[0]["simulated"] else escape(distinct(fact.get("driver") for fact in facts)) or "-",
                     ("%d to %d MHz" % (clocks[0], clocks[-1]) if clocks[0] < clocks[-1] else "%d MHz" % clocks[0]) if clocks else escape(notes) or "-", escape(software) or "-",
                     escape(distinct(short_commit(line["commit"]) for line in of)), escape(dates[0]) + (" to " + escape(dates[-1]) if dates[-1] != dates[0] else ""), len(of)])
    return "<h2 id=environment>Environment</h2>" + table(["device", "driver", "SM clock", "software", "commits", "dates", "lines"], rows, 6)


def faults(lines):
    """Wrong results and failures of ours; a peer's own are in its tables."""
    rows = [[escape(line["kind"]), escape("%s %s %s" % (line["kernel"], line.get("variant", ""), line.get("mask", ""))),
             escape(line.get("failure") or "wrong result")]
            for line in lines if line["implementation"] in ("imbrex", "hardware") and ("failure" in line or not line["checked"])]
    return "<h2 id=faults>Wrong, failed, left out</h2>" + table(["kind", "what", "why"], rows, 3) if rows else ""


def page(lines):
    real = [line for line in lines if not line["device"]["simulated"]]
    parts = []
    if real:
        parts.append(("targets", sections.targets([line for line in real if line["kind"] != "micro"])))
    kinds = list(dict.fromkeys(COMPARED + LISTED + [line["kind"] for line in real]))
    for kind in kinds:
        of = [line for line in real if line["kind"] == kind]
        if of and kind != "micro":
            parts.append((kind, (sections.comparison if kind in COMPARED else sections.listing)(kind, of)))
    if any(line["kind"] == "micro" for line in real):
        parts.append(("micro", micro.section([line for line in real if line["kind"] == "micro"])))
    parts.append(("faults", faults(real)))
    if len(real) < len(lines):
        parts.append(("simulated", sections.simulated([line for line in lines if line["device"]["simulated"]])))
    parts.append(("environment", environment(lines)))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css"), encoding="utf-8") as file:
        style = file.read()
    links = "".join('<a href="#%s">%s</a>' % (name, escape(sections.TITLES.get(name, name))) for name, text in parts if text)
    intro = "Times are medians; low and high are the 10th and the 90th percentile of the rounds, below ten rounds and for cycles the least and the largest."
    nothing = "" if real else "<p><b>Nothing here was measured: all lines are of simulated devices.</b></p>"
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>Imbrex: measurements</title><style>%s</style></head><body><h1>Imbrex: measurements</h1><p class=soft>%s</p>%s<nav>%s</nav>%s</body></html>\n"
            % (style, intro, nothing, links, "\n".join(text for _, text in parts)))


def main(words):
    if len(words) < 2 or words[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        lines, wrong = schema.read(words[1:])
    except OSError as error:
        print("report: %s" % error, file=sys.stderr)
        return 1
    if wrong or not lines:
        print("\n".join(wrong or ["report: no line in the files"]), file=sys.stderr)
        return 1
    with open(words[0], "w", encoding="utf-8") as file:
        file.write(page(lines))
    print("%s: %d lines, %d of simulated devices" % (words[0], len(lines), sum(line["device"]["simulated"] for line in lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
