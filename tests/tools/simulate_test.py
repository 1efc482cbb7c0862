#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex simulate: any PTX on arrays, with the checks; how a fault is printed.

usage: simulate_test.py IMBREX      Python's standard library only.
"""
import array, os, struct, subprocess, sys, tempfile, time, unittest

IMBREX = sys.argv[1]
HEAD = ".version 8.0\n.target sm_80\n.address_size 64\n"
SCALE = HEAD + """.visible .entry scale(.param .u64 scale_param_0, .param .u64 scale_param_1, .param .f32 scale_param_2)
{
.reg .b32 %r<4>; .reg .f32 %f<4>; .reg .b64 %rd<6>;
ld.param.u64 %rd1, [scale_param_0]; ld.param.u64 %rd2, [scale_param_1]; ld.param.f32 %f1, [scale_param_2];
mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.u32 %r1, %r1, %r2, %r3;
mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;
ld.global.f32 %f2, [%rd4];
mul.f32 %f3, %f2, %f1;
st.global.f32 [%rd5], %f3;
ret;
}
"""
RACE = HEAD + """.file 1 "kernel.cu"
.visible .entry race(.param .u64 race_param_0)
{
.reg .b32 %r<2>; .reg .b64 %rd<2>;
ld.param.u64 %rd1, [race_param_0];
mov.u32 %r1, %ctaid.x;
.loc 1 2 5
  st.global.u32 [%rd1], %r1;
ret;
}
"""
SPIN = HEAD + """.visible .entry spin(.param .u64 spin_param_0)
{
.reg .pred %p; .reg .b32 %r<2>; .reg .b64 %rd<2>;
ld.param.u64 %rd1, [spin_param_0];
LOOP: ld.volatile.global.u32 %r1, [%rd1];
setp.eq.u32 %p, %r1, 0; @%p bra LOOP;
ret;
}
"""
LONG = HEAD + """.visible .entry long(.param .u64 out)
{
.reg .pred %p; .reg .b32 %r<3>; .reg .b64 %rd<2>;
ld.param.u64 %rd1, [out];
mov.u32 %r1, 0;
LOOP: add.u32 %r1, %r1, 1; setp.lt.u32 %p, %r1, 60000000; @%p bra LOOP;
st.global.u32 [%rd1], %r1;
ret;
}
"""
# Each of two blocks waits for the other.
MEET = HEAD + """.visible .entry meet(.param .u64 meet_param_0)
{
.reg .pred %p; .reg .b32 %r<4>; .reg .b64 %rd<4>;
ld.param.u64 %rd1, [meet_param_0];
mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd2, %r1, 8; add.s64 %rd2, %rd1, %rd2;
xor.b32 %r2, %r1, 1; mul.wide.u32 %rd3, %r2, 8; add.s64 %rd3, %rd1, %rd3;
st.release.gpu.global.u64 [%rd2], 1;
LOOP: ld.acquire.gpu.global.u32 %r3, [%rd3];
setp.eq.u32 %p, %r3, 0; @%p bra LOOP;
ret;
}
"""
RANK = HEAD.replace("sm_80", "sm_90") + """.visible .entry rank(.param .u64 rank_param_0)
{
.reg .b32 %r<3>; .reg .b64 %rd<3>;
ld.param.u64 %rd1, [rank_param_0];
mov.u32 %r1, %ctaid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd2, %rd1, %rd2;
mov.u32 %r2, %cluster_ctarank; st.global.u32 [%rd2], %r2;
ret;
}
"""
# As nvcc writes a launch by the device.
LAUNCHES = HEAD + """.extern .func (.param .b32 r) cudaLaunchDevice(.param .b64 a);
.visible .entry parent(.param .u64 parent_param_0)
{
.reg .b32 %r<2>; .reg .b64 %rd<2>;
mov.u64 %rd1, scale;
{ .param .b64 a; .param .b32 r; st.param.b64 [a], %rd1; call.uni (r), cudaLaunchDevice, (a); ld.param.b32 %r1, [r]; }
ret;
}
""" + SCALE[len(HEAD):]


def save(path, values, code="f", descr="<f4"):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" % (descr, len(values))
    text += " " * (-(11 + len(text)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + array.array(code, values).tobytes())


def load(path, code="f"):
    with open(path, "rb") as file:
        data = file.read()
    return list(array.array(code, data[10 + struct.unpack("<H", data[8:10])[0]:]))


class Simulate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def simulate(self, text, *words):
        with open(self.path("k.ptx"), "w") as file:
            file.write(text)
        return subprocess.run([IMBREX, "simulate", self.path("k.ptx"), *words], capture_output=True, text=True, cwd=self.folder.name)

    def test_arrays_and_scalars(self):
        save(self.path("x.npy"), [float(i) for i in range(64)])
        for scalar in ("2.5", "f32:2.5", "hex:00002040"):
            done = self.simulate(SCALE, "--grid", "2", "--block", "32", "--arg", "0=x.npy", "--out", "scale_param_1=f32:64:y.npy", "--arg", "2=" + scalar)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("scale: 2 blocks, no fault", done.stdout)
            self.assertEqual(load(self.path("y.npy")), [2.5 * i for i in range(64)])

    def test_in_place_and_schedules(self):
        save(self.path("x.npy"), [float(i) for i in range(64)])
        done = self.simulate(SCALE, "--grid", "2", "--block", "32", "--arg", "0=x.npy", "--arg", "1=x.npy", "--out", "1=y.npy", "--arg", "2=3.0", "--schedules", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("under 4 schedules", done.stdout)
        self.assertEqual(load(self.path("y.npy"))[:3], [0.0, 3.0, 6.0])

    def test_a_fault_has_a_place(self):
        with open(self.path("kernel.cu"), "w") as file:
            file.write("void race(int *p) {\n    *p = blockIdx.x;\n}\n")
        done = self.simulate(RACE, "--grid", "2", "--block", "1", "--out", "0=u32:1")
        self.assertEqual(done.returncode, 3)
        self.assertIn("k.ptx:11:3: error: global-memory race in kernel 'race'", done.stderr)
        self.assertIn("  st.global.u32 [%rd1], %r1;\n", done.stderr)
        self.assertIn("kernel.cu:2:5: note: from here", done.stderr)
        self.assertIn("*p = blockIdx.x;", done.stderr)
        self.assertIn("note: the other access", done.stderr)
        self.assertEqual(self.simulate(RACE, "--grid", "2", "--block", "1", "--out", "0=u32:1", "--races", "block").returncode, 0)

    def test_an_endless_loop_is_told_in_seconds(self):
        save(self.path("x.npy"), [0], "i", "<i4")
        begin = time.monotonic()
        done = self.simulate(SPIN, "--block", "32", "--arg", "0=x.npy")
        self.assertEqual(done.returncode, 3)
        self.assertIn("endless loop in kernel 'spin'", done.stderr)
        self.assertLess(time.monotonic() - begin, 20)

    def test_a_long_block_shows_progress(self):
        done = self.simulate(LONG, "--block", "32", "--out", "out=u32:1:y.npy")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"long: 0 of 1 blocks, \d+ million warp-instructions")
        self.assertEqual(load(self.path("y.npy"), "I"), [60000000])

    def test_blocks_that_wait_for_each_other(self):
        save(self.path("x.npy"), [0, 0], "Q", "<u8")
        done = self.simulate(MEET, "--grid", "2", "--block", "1", "--arg", "0=x.npy", "--out", "0=y.npy", "--cooperative", "--schedules", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(load(self.path("y.npy"), "Q"), [1, 1])

    def test_clusters_of_the_launch(self):
        for words, ranks in (([], [0, 0, 0, 0]), (["--cluster", "2"], [0, 1, 0, 1]), (["--cluster", "4,1,1"], [0, 1, 2, 3])):
            done = self.simulate(RANK, "--grid", "4", "--block", "1", "--out", "0=u32:4:y.npy", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(load(self.path("y.npy"), "I"), ranks)
        self.assertEqual(self.simulate(RANK, "--grid", "4", "--block", "1", "--out", "0=u32:4", "--cluster", "3").returncode, 3)

    def test_a_kernel_that_launches_is_refused_by_name(self):
        done = self.simulate(LAUNCHES, "--kernel", "parent", "--block", "1", "--out", "0=u32:4")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("'scale' is a kernel: its address is for launches by the device", done.stderr)
        done = self.simulate(LAUNCHES.replace("mov.u64 %rd1, scale", "mov.u64 %rd1, 0"), "--kernel", "parent", "--block", "1", "--out", "0=u32:4")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("cudaLaunchDevice", done.stderr)

    def test_one_warp_is_traced(self):
        save(self.path("x.npy"), [1.0] * 64)
        words = ["--grid", "1", "--block", "64", "--arg", "0=x.npy", "--out", "1=f32:64", "--arg", "2=1.5"]
        done = self.simulate(SCALE, *words, "--trace", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line for line in done.stdout.splitlines() if "PTX line" in line]
        self.assertEqual(len(lines), 14)
        self.assertTrue(lines[-1].startswith("ffffffff  PTX line 13: ret"), lines[-1])

    def test_how_long_a_launch_may_run(self):
        counts = HEAD + ".entry count()\n{\n.reg .u32 %r<2>;\n.reg .pred %p<2>;\nmov.u32 %r1, 0;\nLOOP:\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, 100000;\n@%p1 bra LOOP;\nret;\n}\n"
        done = self.simulate(counts, "--block", "32", "--max-instructions", "2000")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("instruction budget exceeded", done.stderr)
        self.assertIn("more than 2000 warp-instructions", done.stderr)
        self.assertIn("--max-instructions raises the limit", done.stderr)
        done = self.simulate(counts, "--block", "32", "--max-instructions", str(1 << 40))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_parameters_have_the_names_of_the_ptx(self):
        text = SCALE.replace("scale_param_0", "x").replace("scale_param_1", "out").replace("scale_param_2", "by")
        save(self.path("x.npy"), [1.0] * 32)
        done = self.simulate(text, "--block", "32", "--arg", "x=x.npy", "--out", "out=f32:32:y.npy", "--arg", "by=3.0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(load(self.path("y.npy"), "f"), [3.0] * 32)
        done = self.simulate(text, "--block", "32", "--arg", "y=x.npy")
        self.assertIn("has no parameter 'y'; it has 3, numbered from 0: x, out, by", done.stderr)

    def test_files_that_hold_no_kernel(self):
        done = self.simulate(HEAD + ".func f()\n{\nret;\n}\n", "--block", "32", "--kernel", "k")
        self.assertIn("there is no kernel 'k'; the file has none that can be run", done.stderr)
        done = self.simulate("\x7fELF\x02", "--block", "32")
        self.assertEqual(done.returncode, 1)
        self.assertIn("this is machine code", done.stderr)

    def test_mistakes(self):
        save(self.path("x.npy"), [1.0] * 32)
        words = ["--block", "32", "--arg", "0=x.npy", "--out", "1=f32:32"]
        for extra, told in ((["--arg", "2=f64:1"], "has 8 bytes, the parameter 4"), ([], "parameter 2 (4 bytes) has no value"),
                            (["--arg", "7=1"], "has no parameter '7'"), (["--arg", "2=x.npy"], "has 4 bytes: no pointer"),
                            (["--arg", "2=1.0", "--kernel", "other"], "there is no kernel 'other'; the file has scale"),
                            (["--arg", "2=1.0", "--device", "sim:none"], "no simulated device 'none'")):
            with self.subTest(extra=extra):
                done = self.simulate(SCALE, *words, *extra)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(told, done.stderr)
        for flags in (["--grid", "0"], ["--races", "none"], ["--schedules", "0"], ["--max-instructions", "0"], ["--max-instructions", "1e9"]):
            self.assertEqual(self.simulate(SCALE, *words, *flags).returncode, 2)
        self.assertIn("needs --block", self.simulate(SCALE).stderr)
        self.assertIn("k.ptx:1", self.simulate("nonsense", "--block", "1").stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
