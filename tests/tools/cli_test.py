#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line as users rely on it: exit codes, diagnostics with a place, stages, arrays in and out.

usage: cli_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import array, json, math, os, random, shutil, signal, struct, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
KERNELS = os.path.join(ROOT, "kernels")
ATTENTION = os.path.join(KERNELS, "attention_forward.tile")
LESSONS = os.path.join(KERNELS, "lessons")


def imbrex(*words):
    return subprocess.run([IMBREX, *words], capture_output=True, text=True)


def save(path, shape, values, descr="<f4"):
    code = {"<f4": "f", "<f8": "d", "<i4": "i", "<V2": "H", "<u2": "H"}[descr]
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (descr, "".join("%d," % n for n in shape))
    text += " " * (-(11 + len(text)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        file.write(array.array(code, values).tobytes())


def load(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10 : 10 + length], {})
    code = {"<f4": "f", "<f8": "d", "<f2": "e", "<i4": "i"}[header["descr"]]
    body = data[10 + length :]
    return header["shape"], list(struct.unpack("<%d%s" % (len(body) // struct.calcsize(code), code), body))


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.random = random.Random(7)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def normals(self, name, *shape):
        count = 1
        for n in shape:
            count *= n
        save(self.path(name), shape, [self.random.gauss(0, 1) for _ in range(count)])
        return self.path(name)

    def test_numbers_of_flags_are_taken_or_refused_with_their_range(self):
        add = os.path.join(LESSONS, "vector_add.tile")
        launch = [add, "--set", "T=f32", "--arg", "X=64", "--arg", "Y=64", "--out", "Z=64", "--device", "sim"]
        for words, said in (
            (["explain", add, "--set", "T=f32", "--extent", "N=-1"], "the extent 'N' is -1: 0 or more"),
            (["tune", *launch, "--threads", "4294967295"], "4294967295: 0 (one a core) to 1024"),
            (["tune", *launch, "--threads", "-1"], "expected a number of at least 1, found '-1'"),
            (["tune", *launch, "--budget", "1e300"], "above 0 and at most 1000000, found '1e300'"),
            (["run", *launch, "--set", "warps=9"], "must be one of {1, 2, 4, 8}, found '9'"),
            (["run", *launch, "--set", "BLOCK=2147483647"], "must be one of {256, 512, 1024, 2048}, found '2147483647'"),
            (["simulate", add, "--block", "4294967296"], "from 1 to 4294967295 such as 4,2,1, found '4294967296'"),
            (["attention", "decode", "--parts", "-1"], "expected a number of at least 1, found '-1'"),
            (["sample", "q.npy=3", "--seed", "-1"], "expected a number of at least 0, found '-1'"),
        ):
            done = imbrex(*words)
            self.assertIn(done.returncode, (1, 2), words)
            self.assertIn(said, done.stderr)

    def test_imports(self):
        """Beside the file first, then among the kernels that come along; a mistake there has its place."""
        os.mkdir(self.path("lib"))
        for name, body in (("lib/own.tile", 'import "../base.tile";\nfn doubled(x) = base(x) * 2.0;\n'), ("base.tile", "fn base(x) = x + 1.0;\n")):
            with open(self.path(name), "w") as file:
                file.write(body)
        head = 'import "lib/own.tile";\nimport "lessons/score_gradient.tile";\n'
        kernel = self.text(head + "kernel k(X: view<f32>[N], Y: out view<f32>[N]) grid (cdiv(N, 16)) |i| "
                           "{ store Y[i * 16 :+ 16] = softcap(3.0)(doubled(load X[i * 16 :+ 16]), i); }\n")
        x, y = self.normals("x.npy", 20), self.path("y.npy")
        words = ["run", kernel, "--device", "sim:a100", "--cache-dir", self.path("cache"), "--arg", "X=" + x, "--out", "Y=" + y, "--check"]
        for add in (1, 5):
            with open(self.path("base.tile"), "w") as file:
                file.write("fn base(x) = x + %d.0;\n" % add)
            self.assertEqual(imbrex(*words).returncode, 0)
            want = [3 * math.tanh((v + add) * 2 / 3) for v in load(x)[1]]
            self.assertTrue(all(abs(a - b) < 1e-5 for a, b in zip(load(y)[1], want)), "the cache knows what is imported")
        with open(self.path("base.tile"), "w") as file:
            file.write("fn base(x) = y;\n")
        result = imbrex("build", kernel)
        self.assertEqual(result.returncode, 1)
        self.assertIn("../base.tile:1:14: error: unknown name 'y'", result.stderr)
        os.remove(self.path("base.tile"))
        self.assertIn("lib/own.tile:1:8: error: cannot import '../base.tile'", imbrex("build", kernel).stderr)

    def text(self, body):
        path = self.path("kernel.tile")
        with open(path, "w") as file:
            file.write(body)
        return path

    def run_on(self, device, kernel, *words):
        return imbrex("run", kernel, "--device", device, "--cache-dir", self.path("cache"), "--check", *words)

    # Flags and lists.

    def test_wrong_flags_give_2(self):
        for words in (["--nonsense"], ["frobnicate"], ["build"], ["build", ATTENTION, "--set", "T"], [],
                      ["stages", "--set", "T=f16"], ["build", ATTENTION, "--until", "nowhere"]):
            with self.subTest(words=words):
                result = imbrex(*words)
                self.assertEqual(result.returncode, 2)
                self.assertIn("imbrex --help", result.stderr)

    def test_help_gives_0(self):
        self.assertEqual(imbrex("--help").returncode, 0)

    def test_stages_are_those_of_the_readme(self):
        names = [stage["name"] for stage in json.loads(imbrex("stages", "--json").stdout)]
        with open(os.path.join(ROOT, "README.md")) as file:
            self.assertIn("text -> " + " -> ".join(names), file.read())

    def test_dump_keeps_every_stage_with_its_options(self):
        folder = self.path("dump")
        result = imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--dump", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sorted(os.listdir(folder)), ["vector_add." + end for end in ("cta.mlir", "nvvm.mlir", "ptx", "tile.mlir")])
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as file:
                self.assertTrue(file.read().startswith("// set: T=f32\n// target: sm_80\n"), name)
        again = imbrex("build", os.path.join(folder, "vector_add.cta.mlir"), "--from", "cta")
        self.assertEqual(again.returncode, 0, again.stderr)
        result = imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--dump", "/proc/none")
        self.assertEqual(result.returncode, 1)

    # The text after a stage's last pass is the stage's; each can be taken up by imbrex-opt or read.
    def test_each_pass_is_dumped_and_timed(self):
        folder = self.path("passes")
        kernel = os.path.join(LESSONS, "vector_add.tile")
        result = imbrex("build", kernel, "--set", "T=f32", "--dump", folder, "--each-pass", "--timings")
        self.assertEqual(result.returncode, 0, result.stderr)
        passes = sorted(name for name in os.listdir(folder) if len(name.split(".")) == 5)
        self.assertEqual([int(name.split(".")[2]) for name in passes], list(range(1, len(passes) + 1)))
        names = [name.split(".")[3] for name in passes]
        for name in ("tile-bound-loops", "canonicalize", "tile-to-cta", "cta-place-barriers", "cta-to-nvvm"):
            self.assertIn(name, names)
        self.assertLess(names.index("tile-to-cta"), names.index("cta-place-barriers"))
        timed = [line.split()[0] for line in result.stderr.splitlines() if line.startswith("  ") and line.endswith(" ms")]
        self.assertEqual(timed, names)
        with open(os.path.join(folder, passes[-1])) as last, open(os.path.join(folder, "vector_add.nvvm.mlir")) as stage:
            self.assertEqual(last.read(), stage.read())
        result = imbrex("build", kernel, "--set", "T=f32", "--each-pass")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--each-pass needs a folder: --dump DIR", result.stderr)

    def test_map_of_the_readme_names_real_folders(self):
        with open(os.path.join(ROOT, "README.md")) as file:
            rows = [line.split("`")[1] for line in file if line.startswith("| `")]
        self.assertEqual(sorted(rows), ["compiler/", "dialects/", "kernels/", "runtime/", "tests/", "tools/"])
        for row in rows:
            self.assertTrue(os.path.isdir(os.path.join(ROOT, row)), row)

    def test_devices_lists_what_can_be_simulated(self):
        ids = [device["id"] for device in json.loads(imbrex("devices", "--json").stdout)]
        for name in ("sim:h200", "sim:a100", "sim:l40s"):
            self.assertIn(name, ids)

    # Building.

    def test_each_stage_can_be_seen_and_taken_up_again(self):
        flags = ["--set", "T=f16", "--target", "sm_86"]
        whole = imbrex("build", os.path.join(LESSONS, "matmul.tile"), *flags)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        self.assertIn(".target sm_86", whole.stdout)
        code = lambda ptx: [l for l in ptx.splitlines() if l and ".loc" not in l and ".file" not in l]
        for stage in ("tile", "cta", "nvvm"):
            with self.subTest(stage=stage):
                path = self.path("matmul.%s.mlir" % stage)
                part = imbrex("build", os.path.join(LESSONS, "matmul.tile"), *flags, "--locations", "--until", stage, "-o", path)
                self.assertEqual(part.returncode, 0, part.stderr)
                rest = imbrex("build", path, "--from", stage, "--target", "sm_86")
                self.assertEqual(rest.returncode, 0, rest.stderr)
                self.assertEqual(code(rest.stdout), code(whole.stdout))

    def test_texts_of_stages_that_are_none_end_in_diagnostics(self):
        tile = self.path("add.mlir")
        imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--until", "tile", "-o", tile)
        for stage in ("tile", "cta", "nvvm", "ptx"):
            for path in (self.text(""), self.text("module {}"), self.text("kernel k() grid (1) |i| {}"), ATTENTION, tile):
                if (stage, path) == ("tile", tile):
                    continue
                with self.subTest(stage=stage, path=path):
                    result = imbrex("build", path, "--from", stage)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(path, result.stderr)
                    self.assertEqual(result.stdout, "")

    def test_ptx_is_taken_up_again(self):
        ptx = self.path("add.ptx")
        imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "-o", ptx)
        with open(ptx) as file:
            self.assertEqual(imbrex("build", ptx, "--from", "ptx").stdout, file.read())
        result = imbrex("build", ptx, "--from", "ptx", "--until", "cubin", "-o", self.path("add.cubin"))
        if shutil.which("ptxas"):
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertGreater(os.path.getsize(self.path("add.cubin")), 0)
        else:
            self.assertIn("no ptxas on PATH", result.stderr)

    def test_same_input_same_bytes(self):
        words = ["build", ATTENTION, "--set", "T=bf16", "--set", "DQK=64", "--set", "DV=64", "--set", "G=2"]
        self.assertEqual(imbrex(*words).stdout, imbrex(*words).stdout)

    def test_dump_writes_every_stage(self):
        folder = self.path("dump")
        result = imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--dump", folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(os.listdir(folder)), 4)

    def test_mistakes_have_a_place(self):
        body = "kernel k<T: f32>(X: view<T>[N], Y: out view<T>[N])\ngrid (N) |i| {\n  store Y[i :+ 8] = load Z[i :+ 8];\n}\n"
        path = self.text(body)
        result = imbrex("build", path, "--set", "T=f32")
        self.assertEqual(result.returncode, 1)
        self.assertIn("kernel.tile:3:26: error:", result.stderr)
        self.assertIn("^", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_too_much_shared_memory_is_refused_with_numbers(self):
        result = imbrex("build", ATTENTION, "--set", "T=bf16", "--set", "DQK=256", "--set", "DV=256", "--set", "G=1",
                        "--set", "BM=128", "--set", "BN=128", "--set", "stages=4", "--target", "sm_86")
        self.assertEqual(result.returncode, 1)
        self.assertIn("bytes of shared memory", result.stderr)
        self.assertIn("101376", result.stderr)

    def test_explain_says_what_the_compiler_did(self):
        result = imbrex("explain", ATTENTION, "--set", "T=bf16", "--set", "DQK=128", "--set", "DV=128", "--set", "G=1",
                        "--hook", "mask=causal", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        told = json.loads(result.stdout)
        ptx = told["scores"][0]
        self.assertEqual((ptx["language"], ptx["kernel"]), ("ptx", "attention_forward"))
        self.assertEqual(len(ptx["loops"]), 2, "tiles that are wholly visible, and partial ones")
        for loop in ptx["loops"]:
            self.assertEqual(loop["kinds"]["tensor"], 128)
            self.assertEqual(loop["flops"], 2 * 2 * 16 * 64 * 128, "a warp's: two products of 16 rows")
            self.assertEqual(loop["least_cycles"]["tensor"], 1024)
        self.assertEqual(told["bank_conflicts"], [])
        self.assertTrue(any("ring of 2 slots" in remark["message"] for remark in told["remarks"]))
        self.assertFalse(any("conversion" in remark["message"] for remark in told["remarks"]), "a conversion in the main loop")

    def test_a_mask_bounds_the_keys_of_a_part(self):
        told = imbrex("explain", os.path.join(KERNELS, "attention_decode.tile"), "--kernel", "attention_split", "--set", "T=bf16", "--set", "U=f32",
                      "--set", "DQK=64", "--set", "DV=64", "--set", "G=8", "--hook", "mask=causal_window(300)").stdout
        self.assertIn("loop bounded by the mask's visible columns", told)
        self.assertIn("mask applied only to tiles that are not wholly visible", told)

    def test_explain_says_what_a_storage_costs(self):
        words = ["explain", ATTENTION, "--set", "T=bf16", "--set", "DQK=64", "--set", "DV=64", "--set", "G=1"]
        dense = json.loads(imbrex(*words, "--json").stdout)
        self.assertEqual(dense["storages"], [])
        told = json.loads(imbrex(*words, "--storage", "K=paged:16", "--storage", "V=padded", "--json").stdout)
        hot = lambda of: next(loop["instructions"] for loop in of["scores"][0]["loops"] if loop["flops"])
        self.assertEqual([(each["view"], each["storage"]) for each in told["storages"]], [("K", "paged:16"), ("V", "padded")])
        for each in told["storages"]:
            self.assertEqual(each["instructions"], hot(told))
        alone = json.loads(imbrex(*words, "--storage", "V=padded", "--json").stdout)
        self.assertEqual(told["storages"][0]["dense"], hot(alone))
        self.assertEqual(alone["storages"][0]["dense"], hot(dense))
        self.assertIn("K is paged:16: %d instructions a pass of the hottest loop, %d if it were dense" % (hot(told), hot(alone)),
                      imbrex(*words, "--storage", "K=paged:16", "--storage", "V=padded").stdout)

    def explain_with(self, spills, *more):
        """Explains a lesson with an assembler that spills spills[warps] bytes."""
        ptxas = self.path("ptxas")
        cases = "".join('*".reqntid %d"*) bytes=%d;; ' % (32 * warps, bytes) for warps, bytes in spills.items())
        with open(ptxas, "w") as file:
            file.write('#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\necho code > "$5"\n'
                       'case "$(cat "$6")" in %s*) bytes=0;; esac\n'
                       'echo "    0 bytes stack frame, $bytes bytes spill stores, 0 bytes spill loads"\n' % cases)
        os.chmod(ptxas, 0o700)
        words = ["explain", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--set", "BLOCK=256", *more, "--ptxas", ptxas]
        text, told = imbrex(*words), imbrex(*words, "--json")
        self.assertEqual((text.returncode, told.returncode), (0, 0), text.stderr)
        return text.stdout, json.loads(told.stdout)

    def test_explain_advises_on_what_is_set(self):
        set_to_2 = "--set", "warps=2"
        text, told = self.explain_with({1: 200, 2: 100, 4: 0, 8: 0}, *set_to_2)
        self.assertIn("100 bytes spilled", text)
        self.assertIn("advice       warps=4 spills nothing\n", text)
        self.assertEqual(told["advice"], {"settings": {"warps": 4}, "spilled_bytes": 0, "repairs": 0})
        self.assertEqual(told["settings"]["warps"], 2)
        text, told = self.explain_with({1: 16, 2: 100, 4: 8, 8: 0}, *set_to_2)
        self.assertIn("advice       warps=4 spills 8 bytes\n", text)
        text, told = self.explain_with({1: 100, 2: 100, 4: 100, 8: 0}, *set_to_2)
        self.assertIn("advice       no tuning near this one is better: make the tiles smaller\n", text)
        self.assertNotIn("advice", told)
        text, told = self.explain_with({}, *set_to_2)
        self.assertNotIn("advice", text)
        self.assertNotIn("replaced", text)

    def test_a_default_that_spills_is_replaced(self):
        text, told = self.explain_with({2: 24, 4: 100, 8: 0})
        self.assertIn("8 warps, ", text)
        self.assertIn(" 0 bytes spilled", text)
        self.assertIn("replaced     warps=4 of the tune block spills 100 bytes\n", text)
        self.assertEqual(told["replaced"], {"settings": {"warps": 4}, "spilled_bytes": 100, "repairs": 0})
        self.assertEqual((told["settings"]["warps"], told["spilled_bytes"]), (8, 0))
        self.assertNotIn("advice", told)
        dump, code = self.path("dump"), self.path("k.cubin")
        built = imbrex("build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--set", "BLOCK=256", "--until", "cubin",
                       "-o", code, "--dump", dump, "--ptxas", self.path("ptxas"))
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertIn("warps=4 of the tune block spills 100 bytes: warps=8 is taken\n", built.stderr)
        with open(os.path.join(dump, "vector_add.ptx")) as file:
            self.assertIn(".reqntid 256", file.read(), "texts are those of the code")

    def test_a_default_that_nothing_near_replaces_does_not_build(self):
        self.explain_with({1: 100, 2: 100, 4: 100, 8: 100}, "--set", "warps=4")
        words = ["build", os.path.join(LESSONS, "vector_add.tile"), "--set", "T=f32", "--until", "cubin", "-o", self.path("k.cubin"),
                 "--ptxas", self.path("ptxas")]
        built = imbrex(*words)
        self.assertEqual(built.returncode, 1)
        self.assertIn("error: kernel 'vector_add' as its tune block has it spills 100 bytes, and no tuning near that is clean: ", built.stderr)
        self.assertFalse(os.path.exists(self.path("k.cubin")))
        built = imbrex(*words, "--set", "warps=4")
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertIn("100 bytes spilled", built.stderr)

    def test_a_compiler_that_fails_leaves_what_repeats_it(self):
        # Long enough in the compiler for the child to be ended meanwhile.
        kernel = "kernel k(Y: out view<f64>[N]) grid (1) |i| {\n  var x = cast<f64>(i);\n%s  store Y[i] = x;\n}\n" % (
            "  x = exp(x);\n" * 400)
        parent = subprocess.Popen([os.path.abspath(IMBREX), "build", self.text(kernel), "-o", "out.ptx"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder.name)
        children = ""
        while not children:
            with open("/proc/%d/task/%d/children" % (parent.pid, parent.pid)) as file:
                children = file.read()
        os.kill(int(children.split()[0]), signal.SIGABRT)
        out, err = parent.communicate()
        self.assertEqual((parent.returncode, out), (4, ""), err)
        self.assertIn("the compiler itself failed: signal 6", err)
        name, = [name for name in os.listdir(self.folder.name) if name.startswith("kernel.crash-")]
        self.assertIn(name, err)
        with open(self.path(name)) as file:
            command, build, text = file.read().split("\n", 2)
        self.assertEqual((command, text), ("// imbrex build %s -o out.ptx" % name, kernel))
        again = imbrex("build", self.path(name), "-o", self.path("out.ptx"))
        self.assertEqual((again.returncode, again.stderr), (0, ""))

    # Running.

    def test_samples(self):
        """Arrays of every type, the same for the same seed, whatever else the call makes."""
        def made(*words):
            result = subprocess.run([os.path.abspath(IMBREX), "sample", *words], capture_output=True, text=True, cwd=self.folder.name)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stdout

        self.assertEqual(made("a.npy=2x3", "b.npy=2x3", "n.npy=400:i32"), "a.npy: f32 2x3\nb.npy: f32 2x3\nn.npy: i32 400\n")
        (shape, first), (_, second) = load(self.path("a.npy")), load(self.path("b.npy"))
        self.assertEqual(shape, (2, 3))
        self.assertNotEqual(first, second)
        self.assertTrue(all(-1 <= x < 1 for x in first + second))
        self.assertEqual(set(load(self.path("n.npy"))[1]), set(range(8)))
        made("c.npy=2x3", "d.npy=3x2")
        made("e.npy=2x3", "--seed", "2")
        self.assertEqual(load(self.path("c.npy"))[1], first)
        self.assertEqual(load(self.path("d.npy"))[1], second)
        self.assertNotEqual(load(self.path("e.npy"))[1], first)
        for word in ("x.npy", "x=3", "x.npy=", "x.npy=3y4", "x.npy=3:f31", "x.npy=3:", ".npy=3", "x.npy=-1", "x.npy=9999999x9999999"):
            result = imbrex("sample", self.path("good.npy") + "=1", word)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("error: ", result.stderr)
            self.assertIn("'%s'" % word, result.stderr)
        self.assertFalse(os.path.exists(self.path("good.npy")), "one was made although another is wrong")

    def test_attention(self):
        q, k, v = self.normals("q.npy", 1, 70, 4, 40), self.normals("k.npy", 1, 90, 2, 40), self.normals("v.npy", 1, 90, 2, 24)
        for kind, device in (("bf16", "sim:a100"), ("f16", "sim:h200"), ("f32", "sim:l40s"), ("f64", "sim:b200")):
            for mask in ("full", "causal", "causal_top_left", "window(9, 4)", "causal_window(20)"):
                with self.subTest(kind=kind, mask=mask):
                    result = self.run_on(device, ATTENTION, "--set", "T=" + kind, "--arg", "Q=" + q, "--arg", "K=" + k,
                                         "--arg", "V=" + v, "--arg", "scale=0.2", "--hook", "mask=" + mask,
                                         "--out", "O=" + self.path("o.npy"), "--out", "L=" + self.path("l.npy"))
                    self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                    self.assertTrue(result.stdout.startswith("device: " + device))
                    self.assertEqual(load(self.path("o.npy"))[0], (1, 70, 4, 24))
                    self.assertEqual(load(self.path("l.npy"))[0], (1, 4, 70))

    def test_an_array_of_another_type_says_what_its_bits_are(self):
        x = self.path("x.npy")
        save(x, (4,), [1, 2, 3, 4], "<i4")
        for kind, bits in (("f8e4m3", "u1"), ("bf16", "u2")):
            kernel = self.text("kernel k(X: view<%s>[N], Y: out view<f32>[N]) grid (1) |i| { store Y[0 :+ 4] = "
                               "cast<f32>(load X[0 :+ 4]); }" % kind)
            result = self.run_on("sim:a100", kernel, "--arg", "X=" + x, "--out", "Y=" + self.path("y.npy"))
            self.assertEqual(result.returncode, 1)
            self.assertIn("an array of 'i4' cannot be read as %s; its bits can be given as an array of '%s'" % (kind, bits),
                          result.stderr)

    def test_an_output_by_its_shape_and_file(self):
        kernel, out = self.text("kernel k(Y: out view<i32>[N]) grid (1) |i| { store Y[0 :+ 4] = iota(4); }"), self.path("y.npy")
        result = self.run_on("sim:a100", kernel, "--out", "Y=" + out)
        self.assertEqual(result.returncode, 1)
        self.assertIn("--out Y=64:" + out, result.stderr)  # as many dimensions as it has
        result = self.run_on("sim:a100", kernel, "--out", "Y=6:" + out, "--set", "warps=2")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(load(out), ((6,), [0, 1, 2, 3, 0x5A5A5A5A, 0x5A5A5A5A]))

    def test_a_view_that_is_read_and_written(self):
        kernel, c = self.text("kernel k(C: var view<f32>[N]) grid (3) |i| { store C[i :+ 4] += fill<f32>[4](1); }"), self.path("c.npy")
        save(c, [5], [10.0, 20.0, 30.0, 40.0, 50.0], "<f4")
        out = self.path("out.npy")
        result = self.run_on("sim:a100", kernel, "--arg", "C=" + c, "--out", "C=" + out)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual((load(out)[1], load(c)[1][0]), ([11, 22, 33, 43, 52], 10))
        for flags, what in ((["--out", "C=" + out], "give what it holds first too, --arg C=FILE.npy"),
                            (["--arg", "C=" + c, "--out", "C=5:" + out], "its shape is that of --arg C; give a file alone"),
                            (["--arg", "C=" + c, "--deterministic"], "a deterministic kernel must not")):
            result = self.run_on("sim:a100", kernel, *flags)
            self.assertEqual(result.returncode, 1)
            self.assertIn(what, result.stderr)
        told = imbrex("build", kernel, "--deterministic")
        self.assertEqual(told.returncode, 1)
        self.assertIn("store parts, and add them in a second kernel", told.stderr)

    def test_stores_happen_in_order(self):
        kernel = self.text("kernel k(Y: out view<f32>[N]) tune { warps: {1, 2, 4, 8} = 4; } grid (1) |i| {\n"
                           "for j in 0..192 { store Y[j :+ 64] = fill<f32>[64](cast<f32>(j)); }\n"
                           "store Y[3 :+ 40] = fill<f32>[40](-1); }")
        for warps in ("1", "4", "8"):
            result = self.run_on("sim:h200", kernel, "--out", "Y=255", "--set", "warps=" + warps)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_ring_in_a_loop_is_filled_again_behind_its_readers(self):
        kernel = self.text("kernel k(A: view<f16>[M, K], B: view<f16>[K, N], C: out view<f32>[M, N], n: i32)\n"
                           "tune { warps: {1, 2, 4, 8} = 4; stages: 1..4 = 2; } grid (1) |i| {\n"
                           "var acc = fill<f32>[32, 8](0);\n"
                           "for q in 0..n { for k in tiles(K, 16) {\n"
                           "acc = dot(load A[0 :+ 32, k * 16 :+ 16], load B[k * 16 :+ 16, 0 :+ 8], acc); } }\n"
                           "store C[0 :+ 32, 0 :+ 8] = acc; }")
        for depth in (16, 48):
            a, b = self.normals("a.npy", 32, depth), self.normals("b.npy", depth, 8)
            for stages in "1234":
                result = self.run_on("sim:a100", kernel, "--arg", "A=" + a, "--arg", "B=" + b, "--arg", "n=3", "--out", "C=32x8",
                                     "--set", "stages=" + stages)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_tiles_of_odd_extents_through_shared_memory(self):
        x = self.normals("x.npy", 6, 40)
        kernel = self.text("kernel k(X: view<f16>[6, 40], A: out view<f16>[40, 6], B: out view<f16>[40]) grid (1) |i| {\n"
                           "let x = load X[0 :+ 6, 0 :+ 40]; store A[0 :+ 40, 0 :+ 6] = x.T; store B[0 :+ 40] = colmax(x); }")
        for warps in ("1", "3", "4"):
            result = self.run_on("sim:h200", kernel, "--arg", "X=" + x, "--out", "A=40x6", "--out", "B=40", "--set", "warps=" + warps)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_integers_where_division_is_not_defined_elsewhere(self):
        kernel = self.text("kernel k(A: view<i32>[N], B: view<i32>[N], Y: out view<i32>[N], Z: out view<i32>[N]) grid (1) |i| {\n"
                           "let a = load A[0 :+ 8]; let b = load B[0 :+ 8];\n"
                           "store Y[0 :+ 8] = where(b == 0, -1, a % b); store Z[0 :+ 8] = a / b; }")
        save(self.path("a.npy"), [5], [7, 8, 9, -(2**31), -(2**31)], "<i4")
        save(self.path("b.npy"), [5], [2, 0, 3, -1, 0], "<i4")
        y, z = self.path("y.npy"), self.path("z.npy")
        result = self.run_on("sim:a100", kernel, "--arg", "A=" + self.path("a.npy"), "--arg", "B=" + self.path("b.npy"),
                             "--out", "Y=" + y, "--out", "Z=" + z)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(load(y)[1], [1, -1, 0, 0, -1])
        self.assertEqual(load(z)[1], [3, 0, 3, -(2**31), 0])

    def test_raw_bits_of_bf16(self):
        kernel, out = os.path.join(LESSONS, "vector_add.tile"), self.path("z.npy")
        for descr in ("<V2", "<u2"):  # what NumPy writes of ml_dtypes.bfloat16, and of its bits
            with self.subTest(descr=descr):
                save(self.path("x.npy"), [3], [0x3F80, 0x4000, 0xC040], descr)
                result = self.run_on("sim:h200", kernel, "--set", "T=bf16", "--arg", "X=" + self.path("x.npy"),
                                     "--arg", "Y=" + self.path("x.npy"), "--out", "Z=" + out)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(load(out), ((3,), [2.0, 4.0, -6.0]))

    def test_lessons(self):
        x, y = self.normals("x.npy", 3001), self.normals("y.npy", 3001)
        out = self.path("z.npy")
        result = self.run_on("sim:a100", os.path.join(LESSONS, "vector_add.tile"), "--arg", "X=" + x, "--arg", "Y=" + y,
                             "--out", "Z=" + out)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(load(out)[1][3000], struct.unpack("f", struct.pack("f", load(x)[1][3000] + load(y)[1][3000]))[0])
        for kind in ("f32", "bf16"):
            rows = self.normals("rows.npy", 13, 77)
            result = self.run_on("sim:a100", os.path.join(LESSONS, "softmax.tile"), "--set", "T=" + kind, "--arg",
                                 "X=" + rows, "--out", "Y=" + out)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            a, b, bias = self.normals("a.npy", 70, 90), self.normals("b.npy", 90, 50), self.normals("bias.npy", 50)
            result = self.run_on("sim:h200", os.path.join(LESSONS, "matmul.tile"), "--set", "T=" + kind, "--arg",
                                 "A=" + a, "--arg", "B=" + b, "--arg", "bias=" + bias, "--out", "C=" + out)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_wrong_arguments_are_named(self):
        q, k = self.normals("q.npy", 1, 8, 2, 16), self.normals("k.npy", 1, 8, 2, 24)
        cases = [
            (["--arg", "Q=" + q, "--arg", "K=" + k, "--arg", "V=" + q, "--arg", "scale=1", "--out", "O=" + q], "DQK"),
            (["--arg", "Q=" + q, "--arg", "K=" + q, "--out", "O=1x8x2x16"], "V"),
            (["--arg", "scale=" + "1" * 100000], "scale"),
            (["--arg", "Z=" + q], "Z"),
            (["--arg", "Q=" + self.path("none.npy")], "none.npy"),
            (["--arg", "Q=3"], "Q"),
            (["--arg", "scale=big"], "scale"),
            (["--arg", "Q=" + q, "--arg", "K=" + q, "--arg", "V=" + q, "--arg", "scale=1", "--out", "O=2x2"], "O"),
        ]
        for words, name in cases:
            with self.subTest(words=words):
                result = imbrex("run", ATTENTION, "--set", "T=bf16", "--device", "sim", *words)
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn(name, result.stderr)

    def test_a_scalar_that_is_not_given_has_its_default(self):
        arrays = ["--arg", "Q=" + self.normals("q.npy", 1, 8, 2, 16), "--arg", "K=" + self.normals("k.npy", 1, 9, 2, 16),
                  "--arg", "V=" + self.normals("v.npy", 1, 9, 2, 8), "--set", "T=f32", "--out", "O=" + self.path("o.npy")]
        results = []
        for scale in ([], ["--arg", "scale=0.25"]):
            result = self.run_on("sim:h200", ATTENTION, *arrays, *scale)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            results.append(load(self.path("o.npy"))[1])
        self.assertEqual(results[0], results[1])

    def test_a_requirement_says_the_value_that_breaks_it(self):
        q = self.normals("q.npy", 1, 4, 1, 577)
        result = imbrex("run", ATTENTION, "--device", "sim", "--cache-dir", "none", "--set", "T=bf16", "--arg", "Q=" + q,
                        "--arg", "K=" + q, "--arg", "V=" + q, "--out", "O=" + self.path("o.npy"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("DQK <= 576 is required and does not hold: DQK is 577", result.stderr)

    def test_a_requirement_on_a_scalar_says_its_value(self):
        q = self.normals("q.npy", 1, 4, 1, 64)
        result = imbrex("run", ATTENTION, "--device", "sim", "--cache-dir", "none", "--set", "T=bf16", "--arg", "Q=" + q,
                        "--arg", "K=" + q, "--arg", "V=" + q, "--arg", "scale=-0.5", "--out", "O=" + self.path("o.npy"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("kernel 'attention_forward' requires scale > 0, but scale is -0.5", result.stderr)

    def test_a_pass_that_is_left_out(self):
        flags = ["build", ATTENTION, "--set", "T=bf16", "--set", "DQK=64", "--set", "DV=64", "--set", "G=1"]
        whole, without = imbrex(*flags), imbrex(*flags, "--without", "tile-lag-maxima")
        self.assertEqual((whole.returncode, without.returncode), (0, 0), whole.stderr + without.stderr)
        self.assertNotEqual(whole.stdout, without.stdout)
        wrong = imbrex(*flags, "--without", "tile-to-cta")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("no pass 'tile-to-cta' can be left out; those that can: tile-bound-loops, ", wrong.stderr)

    def test_a_mistake_in_a_hook_is_shown_in_the_hook(self):
        result = imbrex("build", ATTENTION, "--set", "T=bf16", "--set", "DQK=64", "--set", "DV=64", "--set", "G=1", "--hook",
                        "mask=window(1e3, 0)")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "hook mask:1:8: error: found the float 1000.0 where i32 is needed; write an integer, "
                                        "or convert with cast<>\n  window(1e3, 0)\n         ^\n")

    def test_a_folder_is_no_kernel(self):
        for words in (["build", KERNELS], ["run", KERNELS, "--device", "sim"], ["explain", KERNELS]):
            result = imbrex(*words)
            self.assertEqual(result.returncode, 1)
            self.assertIn("a directory", result.stderr)

    def test_the_same_text_elsewhere_is_found_in_a_cache_that_others_may_read(self):
        cache, x = self.path("shared"), self.normals("x.npy", 100)
        os.mkdir(cache, 0o755)
        os.chmod(cache, 0o755)
        with open(os.path.join(LESSONS, "vector_add.tile")) as file:
            elsewhere = self.text(file.read())
        for kernel in (os.path.join(LESSONS, "vector_add.tile"), elsewhere):
            result = imbrex("run", kernel, "--device", "sim", "--cache-dir", cache, "--arg", "X=" + x, "--arg", "Y=" + x,
                            "--out", "Z=" + self.path("z.npy"))
            self.assertEqual((result.returncode, result.stderr), (0, ""), result.stderr)
            self.assertEqual(len([name for name in os.listdir(cache) if name != "tuning"]), 1)
        link = self.path("link")
        os.symlink(cache, link)
        result = imbrex("cache", "--cache-dir", link)
        self.assertEqual(result.returncode, 1)
        self.assertIn("is a symbolic link", result.stderr)

    def test_an_unknown_device_is_an_error(self):
        self.assertEqual(imbrex("run", ATTENTION, "--device", "sim:abacus").returncode, 1)

    def test_cache_can_be_looked_at_and_emptied(self):
        self.test_lessons()
        there = json.loads(imbrex("cache", "stat", "--cache-dir", self.path("cache"), "--json").stdout)
        self.assertGreater(there["entries"], 0)
        checked = json.loads(imbrex("cache", "verify", "--cache-dir", self.path("cache"), "--json").stdout)
        self.assertEqual(checked["damaged"], 0)
        imbrex("cache", "clear", "--cache-dir", self.path("cache"))
        self.assertEqual(json.loads(imbrex("cache", "--cache-dir", self.path("cache"), "--json").stdout)["entries"], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
