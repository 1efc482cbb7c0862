# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A GPU's clocks, power and temperature while it works, by nvidia-smi: read many times a second beside the rounds.

A single reading after the rounds finds a GPU that rests already. Where nvidia-smi is missing nothing is known, and where
its loop gives no reading in time one is taken by itself. Python's standard library only.
"""
import atexit, statistics, subprocess, threading, time

FIELDS = {"clocks.sm": "sm_clock_mhz", "clocks.max.sm": "sm_clock_max_mhz", "clocks.mem": "memory_clock_mhz",
          "power.draw": "power_w", "temperature.gpu": "temperature_c"}
NAMES = ["driver_version", "clocks_event_reasons.active"] + list(FIELDS)
MILLISECONDS = 100


def command(id):
    """For "cuda:N"."""
    return ["nvidia-smi", "--id=" + id.split(":")[1], "--query-gpu=" + ",".join(NAMES), "--format=csv,noheader,nounits"]


def reading_of(line):
    """(driver, reasons not to run at full clock, numbers by field), or None."""
    told = line.strip().split(", ")
    if len(told) != len(NAMES):
        return None
    numbers = {}
    for query, value in zip(FIELDS, told[2:]):
        try:
            numbers[FIELDS[query]] = float(value)
        except ValueError:  # "[N/A]"
            pass
    return told[0], told[1], numbers


class Sampler:
    """Reads until this process ends."""

    def __init__(self, id):
        self.id, self.readings = id, []  # (when by time.monotonic(), a reading)
        words = command(id) + ["--loop-ms=%d" % MILLISECONDS]
        try:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            return
        atexit.register(process.kill)
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, lines):
        for line in lines:
            reading = reading_of(line)
            if reading:
                self.readings.append((time.monotonic(), reading))

    def _one(self):
        try:
            told = subprocess.run(command(self.id), capture_output=True, text=True, timeout=10).stdout
        except (OSError, subprocess.TimeoutExpired):
            return []
        reading = reading_of(told)
        return [reading] if reading else []

    def facts(self, since):
        """The median of the readings since then, as fields of a record's `device`; {} where there are none."""
        found = [reading for when, reading in list(self.readings) if when >= since] or self._one()
        if not found:
            return {}
        facts = {"driver": found[-1][0]}
        for field in FIELDS.values():
            values = [numbers[field] for _, _, numbers in found if field in numbers]
            if values:
                facts[field] = statistics.median(values)
        reasons = dict.fromkeys(reasons for _, reasons, _ in found)
        facts["clock_note"] = "of %d readings; reasons not at full clock: %s" % (len(found), ", ".join(reasons))
        return facts
