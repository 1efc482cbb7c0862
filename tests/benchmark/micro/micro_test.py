#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The micro-benchmarks without a GPU: ptxas kept what they measure, and what a simulated device knows is right there.

usage: micro_test.py MICRO KERNELS [--long]      Python's standard library only. Reads MICRO_DISASSEMBLER (a path) or
                                                 finds nvdisasm or cuobjdump in PATH. Looks into the machine code of
                                                 every fourth kernel, with --long of all.
"""
import functools, json, os, re, shutil, subprocess, sys, tempfile, unittest
from collections import Counter

MICRO, KERNELS = sys.argv[1], sys.argv[2]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import assemble

ENTRIES = sorted(name[:-4] for name in os.listdir(KERNELS) if name.endswith(".ptx"))
ASSEMBLED = [name for name in ENTRIES if os.path.exists(os.path.join(KERNELS, name + ".cubin"))]
DISASSEMBLER = os.environ.get("MICRO_DISASSEMBLER") or shutil.which("nvdisasm") or shutil.which("cuobjdump")


def micro(*words, kernels=KERNELS):
    return subprocess.run([MICRO, "--kernels", kernels, *words], capture_output=True, text=True)


def machine_code(entry):
    words = [DISASSEMBLER, "-c"] if "nvdisasm" in os.path.basename(DISASSEMBLER) else [DISASSEMBLER, "-sass"]
    done = subprocess.run([*words, os.path.join(KERNELS, entry + ".cubin")], capture_output=True, text=True, check=True)
    return done.stdout


@functools.lru_cache(maxsize=1)
def instructions(entry):
    """(address, predicate, opcode, operands, label it jumps to) in order; labels as (name,)."""
    out = []
    for line in machine_code(entry).splitlines():
        label = re.match(r"\s*(\.L_x_\d+):", line)
        code = re.match(r"\s*/\*([0-9a-f]{4,})\*/\s+(@!?U?P\w+\s+)?([\w.]+)\s*(.*?)\s*;", line)
        if label:
            out.append((label[1],))
        elif code:
            out.append((int(code[1], 16), code[2], code[3], code[4]))
    return out


def loops(entry):
    """The opcodes and operands of each loop that holds no other, in order: from a label to the jump back to it."""
    code, found, begin = instructions(entry), [], {}
    addresses = {item[0]: i for i, item in enumerate(code) if len(item) > 1}
    for i, item in enumerate(code):
        if len(item) == 1:
            begin[item[0]] = i
        elif item[2].startswith("BRA"):
            to = re.search(r"\((\.L_x_\d+)\)", item[3])
            start = begin.get(to[1]) if to else addresses.get(int(re.search(r"0x([0-9a-f]+)", item[3])[1], 16), i + 1)
            if start is not None and start < i:
                found.append((start, i))
    inner = [(a, b) for a, b in found if not any(a <= c and d <= b and (a, b) != (c, d) for c, d in found)]
    return [[item[2:] for item in code[a : b + 1] if len(item) > 1] for a, b in inner if b - a > 2]


def count(loop):
    return Counter(opcode.split(".")[0] for opcode, _ in loop)


def banks(operands):
    """Even and odd registers among the sources of an fma."""
    return [int(n) % 2 for n in re.findall(r"\bR(\d+)\b", operands.split(",", 1)[1])]


class Templates(unittest.TestCase):
    def expand(self, text, names=None):
        return assemble.expand(text.splitlines(), names or {}, "t")

    def test_loops_conditions_and_lists(self):
        text = "//@for a, b in [(1, 2), (3, 4)]\nx$a ${a+b} $other\n//@if a == 3\n{%d[3]}\n//@end\n//@end"
        self.assertEqual(self.expand(text), ["x1 3 $other", "x3 7 $other", "{%d0, %d1, %d2}"])

    def test_what_is_wrong_is_told(self):
        for text in ("//@for a in [1]\nx", "//@loop", "//@if 1\n//@for a in [1]\n//@end"):
            with self.subTest(text=text), self.assertRaises(SystemExit):
                self.expand(text)

    def test_interleave(self):
        mixed = assemble.interleave(e=3, f=6)
        self.assertEqual([i for kind, i in mixed if kind == "f"], list(range(6)))
        self.assertFalse(re.search("fffff|ee", "".join(kind for kind, _ in mixed)))


class MachineCode(unittest.TestCase):
    def setUp(self):
        if len(ASSEMBLED) < len(ENTRIES) or not ENTRIES:
            self.skipTest("no ptxas was found when the kernels were made: nothing to look at")

    def test_all_entries_are_there(self):
        self.assertEqual(Counter(name.split("_")[0] for name in ENTRIES),
                         {"exponentials": 22, "queue": 6, "ports": 20, "shared": 19})

    def test_no_spills_and_no_serialised_products(self):
        for entry in ENTRIES:
            with self.subTest(entry=entry), open(os.path.join(KERNELS, entry + ".log")) as file:
                log = file.read()
                self.assertIn("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads", log)
                self.assertNotRegex(log, r"C75\d\d|warning")


class MeasuredInstructions(unittest.TestCase):
    """ptxas neither removed nor merged what is measured, nor moved it where it is not."""

    def setUp(self):
        if not DISASSEMBLER:
            self.skipTest("neither nvdisasm nor cuobjdump in PATH, and MICRO_DISASSEMBLER is not set")
        if not ASSEMBLED:
            self.skipTest("no ptxas was found when the kernels were made")

    def each(self, experiment, look):
        entries = [entry for entry in ENTRIES if entry.startswith(experiment + "_")]
        for entry in entries if "--long" in sys.argv else entries[::4]:
            with self.subTest(entry=entry):
                look(entry, *entry.split("_")[1:])

    def test_exponentials(self):
        def look(entry, *parts):
            wanted = [16 * int(part[1:]) for part in parts]
            (loop,) = loops(entry)
            found = count(loop)
            self.assertEqual([found[k] for k in ("MUFU", "FFMA", "FADD", "FMNMX", "F2FP")], wanted)
            self.assertLessEqual(len(loop), sum(wanted) + 8)

        self.each("exponentials", look)

    def test_queue(self):
        def look(entry, form, columns):
            loop = next(loop for loop in loops(entry) if count(loop)["HGMMA"])
            order = [opcode.split(".")[0] for opcode, _ in loop if opcode.startswith(("HGMMA", "CS2R"))]
            self.assertEqual(order, ["CS2R"] + ["HGMMA", "CS2R"] * (32 if form == "ss" else 16))

        self.each("queue", look)

    def test_ports(self):
        def look(entry, form, pattern, who):
            found = loops(entry)
            fma = next(loop for loop in found if count(loop)["FFMA"])
            self.assertEqual(count(fma)["FFMA"], 448 if pattern in ("one", "two") else 384)
            if form != "none":
                columns = 256 if (form, who) == ("ss", "other") else 128
                product = next(loop for loop in found if count(loop)["HGMMA"])
                self.assertEqual(count(product)["HGMMA"], 1024 // columns)
                self.assertEqual(product is fma, who == "own")
            if who == "own":  # all products are issued before the first fma
                order = [opcode for opcode, _ in fma]
                self.assertLess(max(i for i, o in enumerate(order) if o.startswith("HGMMA")), order.index("FFMA"))
            self.check_operands(pattern, [operands for opcode, operands in fma if opcode.startswith("FFMA")])

        self.each("ports", look)

    def check_operands(self, pattern, operands):
        of = [banks(text) for text in operands]
        self.assertFalse(any("UR" in text for text in operands))
        if pattern in ("spread", "same"):
            self.assertTrue(all(len(sources) == 3 for sources in of))
            one_bank = sum(len(set(sources)) == 1 for sources in of) / len(of)
            self.assertTrue(one_bank > 0.9 if pattern == "same" else one_bank < 0.1, one_bank)
        else:
            self.assertTrue(all(len(sources) == (3 if pattern == "one" else 2) for sources in of))
        if pattern == "one":
            self.assertTrue(all(len(set(re.findall(r"\bR\d+\b", text.split(",", 1)[1]))) == 1 for text in operands))
        else:
            self.assertLess(sum(".reuse" in text for text in operands) / len(operands), 0.05)

    def test_shared(self):
        kinds = {"loads": ("LDS", 4), "stores": ("STS", 4), "copies": ("LDGSTS", 4), "bulk": ("UBLKCP", 1)}

        def look(entry, form, columns, kind):
            opcode, wanted = kinds[kind]
            found = count(instruction[2:] for instruction in instructions(entry) if len(instruction) > 1)
            self.assertGreaterEqual(found[opcode], wanted)
            if form != "none":
                product = next(loop for loop in loops(entry) if count(loop)["HGMMA"])
                self.assertEqual(count(product)["HGMMA"], 1024 // int(columns[1:]))

        self.each("shared", look)


class OnASimulatedDevice(unittest.TestCase):
    def test_results_are_right_and_nothing_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "lines.jsonl")
            done = micro("--device", "sim:h200", "--json", path, "--commit", "abc123")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Nothing is measured", done.stdout)
            self.assertNotRegex(done.stdout, r"\d cycles|/clock/")
            with open(path) as file:
                lines = [json.loads(line) for line in file]
        listed = micro("--list").stdout.split()
        self.assertEqual(["%s/%s" % (line["kernel"], line["variant"]) for line in lines], listed)
        for line in lines:
            self.assertEqual([line[k] for k in ("median", "low", "high", "rounds", "commit")], [None, None, None, 0, "abc123"])
            self.assertNotIn("rate", line)
            self.assertTrue(line["device"]["simulated"])
            self.assertTrue(line["checked"], line)
            self.assertNotIn("failure", line)

    def test_a_wrong_result_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            name = "exponentials_e0_f8_a0_m0_c0"
            with open(os.path.join(KERNELS, name + ".ptx")) as file:
                text = file.read()
            with open(os.path.join(folder, name + ".ptx"), "w") as file:  # one fma of a pass becomes another
                file.write(text.replace("fma.rn.f32 %f3, %f3, %half, %half;", "fma.rn.f32 %f3, %f3, %half, %f3;", 1))
            done = micro("--device", "sim:h200", "--only", "exponentials/w1", kernels=folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("WRONG RESULT", done.stdout)

    def test_a_hang_ends_one_variant_only(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, endless in (("exponentials_e0_f8_a0_m0_c0", True), ("exponentials_e1_f0_a0_m0_c0", False)):
                with open(os.path.join(KERNELS, name + ".ptx")) as file:
                    text = file.read()
                with open(os.path.join(folder, name + ".ptx"), "w") as file:
                    file.write(text.replace("@%again bra again;", "bra again;") if endless else text)
            done = micro("--device", "sim:h200", "--seconds", "1", "--only", "exponentials/w1", kernels=folder)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, r"e0_f8_a0_m0_c0_w1 +time limit")
            self.assertRegex(done.stdout, r"e1_f0_a0_m0_c0_w1 +result right")

    def test_wrong_flags_and_absent_devices(self):
        self.assertEqual(micro("--nonsense").returncode, 2)
        self.assertEqual(micro("--only", "nothing").returncode, 2)
        done = micro("--device", "sim:nothing", "--only", "queue")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no device 'sim:nothing'", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + [word for word in sys.argv[3:] if word != "--long"])
