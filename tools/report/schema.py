# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The JSON line of a measurement, schema 1 (tests/benchmark/results/README.md): what a line must hold, and reading.

A malformed line is refused by its file and number; a number of a simulated device is malformed.
"""
import json

TEXT, FLAG, WHOLE, NUMBER, OBJECT = "text", "true or false", "a whole number", "a number", "an object"
FIELDS = {"schema": WHOLE, "run": TEXT, "kind": TEXT, "kernel": TEXT, "implementation": TEXT, "variant": TEXT,
          "shape": OBJECT, "type": TEXT, "mask": TEXT, "configuration": OBJECT, "device": OBJECT, "software": OBJECT,
          "commit": TEXT, "date": TEXT, "unit": TEXT, "median": NUMBER, "low": NUMBER, "high": NUMBER, "rounds": WHOLE,
          "work": OBJECT, "rate": OBJECT, "ratios": OBJECT, "checked": FLAG, "error": NUMBER, "tolerance": NUMBER,
          "failure": TEXT, "note": TEXT}
OPTIONAL = {"variant", "type", "mask", "configuration", "software", "work", "rate", "ratios", "error", "tolerance",
            "failure", "note"}
MEASURED = ("median", "low", "high")
UNITS = ("us", "bytes", "cycles", "count")
KINDS = ("attention_forward", "attention_backward", "attention_decode", "attention_standard", "decode_cache", "matmul",
         "softmax", "vector_add", "launch", "compile", "memory", "micro")
DEVICE = {"id": TEXT, "name": TEXT, "simulated": FLAG, "compute_capability": TEXT, "driver": TEXT, "clock_note": TEXT,
          "multiprocessors": WHOLE, "sm_clock_mhz": NUMBER, "sm_clock_max_mhz": NUMBER, "memory_clock_mhz": NUMBER,
          "power_w": NUMBER, "temperature_c": NUMBER}


LARGEST = 1e30  # a number beyond it is a mistake, and no arithmetic on others overflows


def _is(value, kind):
    if kind in (WHOLE, NUMBER):
        numeric = int if kind == WHOLE else (int, float)
        return isinstance(value, numeric) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    return isinstance(value, {TEXT: str, FLAG: bool, OBJECT: dict}[kind])


def _object_complaint(line):
    """Inside shape, device, work, rate and ratios."""
    for name, value in line["shape"].items():
        if not _is(value, WHOLE):
            return "shape.%s is not a whole number" % name
    for name, kind in DEVICE.items():
        if (name in line["device"] or name in ("id", "name", "simulated")) and not _is(line["device"].get(name), kind):
            return "device.%s is not %s" % (name, kind)
    for name, value in line.get("work", {}).items():
        if name not in ("flop", "bytes") or not _is(value, NUMBER) or value < 0:
            return "work.%s is not a number of flop or bytes" % name
    if "rate" in line and not (_is(line["rate"].get("unit"), TEXT) and _is(line["rate"].get("value"), NUMBER)):
        return "rate is not a unit and a value"
    for peer, ratio in line.get("ratios", {}).items():
        if not isinstance(ratio, dict) or not all(_is(ratio.get(name), NUMBER) for name in MEASURED):
            return "ratios.%s is not median, low and high" % peer
        if not 0 < ratio["low"] <= ratio["median"] <= ratio["high"]:
            return "ratios.%s is not 0 < low <= median <= high" % peer
    return ""


def _measured_complaint(line):
    """Numbers where something was measured, and only there."""
    numbers = [line[name] for name in MEASURED]
    derived = [name for name in ("rate", "ratios") if name in line]
    if line["device"]["simulated"] or "failure" in line:
        why = "simulated device" if line["device"]["simulated"] else "line with a failure"
        return "a number of a %s" % why if derived or numbers != [None] * 3 else ""
    if None in numbers:
        # What was measured and found wrong has no number to tell.
        return "" if not line["checked"] and numbers == [None] * 3 else "no median, low or high and no failure"
    if not numbers[1] <= numbers[0] <= numbers[2]:
        return "not low <= median <= high"
    if numbers[1] < 0 or (numbers[1] == 0 and line["unit"] == "us"):
        return "a time that is not above zero" if line["unit"] == "us" else "a number below zero"
    return ""


def complaint(line):
    """What is wrong with a line (a value that JSON gave), or ""."""
    if not isinstance(line, dict):
        return "not an object"
    for name, value in line.items():
        if name not in FIELDS:
            return "unknown field '%s'" % name
        if not _is(value, FIELDS[name]) and not (name in MEASURED and value is None):
            return "%s is not %s" % (name, FIELDS[name])
    missing = [name for name in FIELDS if name not in line and name not in OPTIONAL]
    if missing:
        return "no field '%s'" % missing[0]
    if line["schema"] != 1:
        return "schema %d is not known" % line["schema"]
    if line["kind"] not in KINDS:
        return "kind '%s' is none of %s" % (line["kind"], ", ".join(KINDS))
    if line["unit"] not in UNITS:
        return "unit '%s' is none of %s" % (line["unit"], ", ".join(UNITS))
    return _object_complaint(line) or _measured_complaint(line)


def _refuse_constant(word):
    raise ValueError(word + " is no JSON number")


def read(paths):
    """(lines, complaints "FILE:NUMBER: what") of the files."""
    lines, wrong = [], []
    for path in paths:
        with open(path, "rb") as file:
            for number, text in enumerate(file, 1):
                try:
                    line = json.loads(text.decode(), parse_constant=_refuse_constant)
                    json.dumps(line, ensure_ascii=False).encode()  # half a surrogate pair is no text
                    what = complaint(line)
                except UnicodeError as error:
                    what = "not UTF-8: %s" % error
                except ValueError as error:
                    what = "not JSON: %s" % error
                except RecursionError:
                    what = "not JSON that can be read: nested too deep"
                if what:
                    wrong.append("%s:%d: %s" % (path, number, what))
                else:
                    lines.append(line)
    return lines, wrong
