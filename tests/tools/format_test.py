#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""imbrex format: every text of the tree keeps its tokens and comments, is its own format once it is formatted, and does
not depend on the blanks that it had. usage: format_test.py IMBREX SOURCE_DIR      Python's standard library only.
"""
import os, random, re, subprocess, sys, tempfile, unittest

IMBREX, ROOT = sys.argv[1], sys.argv[2]
TOKEN = re.compile(r'//[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|->|==|!=|<=|>=|&&|\|\||<<|:\+|\.\.|\+=|-=|\*=|/=|\S')


def tokens(text):
    return [token.rstrip() for token in TOKEN.findall(text)]


def texts():
    for folder in ("kernels", "tests"):
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(".tile"):
                    yield os.path.join(path, name)


def read(path):
    with open(path) as file:
        return file.read()


def imbrex(*words, **more):
    return subprocess.run([IMBREX, "format", *words], capture_output=True, text=True, **more)


def formatted(text):
    result = imbrex("-", input=text)
    return result.stdout if result.returncode == 0 else None


class Format(unittest.TestCase):
    maxDiff = None

    def test_every_text_of_the_tree(self):
        checked = 0
        for path in texts():
            text = read(path)
            once = formatted(text)
            if once is None:  # a text with a mistake, which some tests are about
                self.assertNotIn("/kernels/", path)
                continue
            checked += 1
            self.assertEqual(tokens(once), tokens(text), path)
            self.assertEqual(formatted(once), once, path)
        self.assertGreater(checked, 30)

    def test_kernels_are_formatted(self):
        """Of programs, lessons, tests and benchmarks: all that the tree has, whoever wrote them first."""
        paths = [path for path in texts() if path.endswith(".tile")]
        self.assertGreater(len(paths), 60)
        result = imbrex("--check", *paths)
        self.assertEqual((result.returncode, result.stdout), (0, ""), "run imbrex format on them")

    def test_blanks_do_not_matter(self):
        source = random.Random(5)
        plain = lambda text: re.sub(r"\s*//", " //", text)

        def shaken(line):
            code, slashes, comment = line.partition("//")
            code = re.sub(r" +", lambda _: " " * source.randint(1, 4), code)
            return "\t" * source.randint(0, 1) + code + slashes + comment + " " * source.randint(0, 2)

        for path in texts():
            want = formatted(read(path))
            if want is not None:
                text = "\r\n".join(shaken(line) for line in read(path).split("\n"))
                self.assertEqual(plain(formatted(text)), plain(want), path)

    def test_layout(self):
        self.assertEqual(formatted("""

import   "a.tile" ;
// about k


// more
fn f( x,y : view<f32>[N] )->f32=-x*( -1+y [0 ] . T)  ; // one
fn longer_name(x) { let a , b=g( 1 )(x); return a;} // two
                                                    // still two
kernel k<T:f16|bf16,D:int>(X:view< wide<T> >[N,D],Y:out ? view<T>[N],
V:var view<T>[ N ] )
require D%8==0&&!(D<3)
tune{B:{1,2}=2;S:1 .. 4=2;where(B>1);when D>(3){B=1;}key T;}
grid(cdiv(N,B),2)|i,j|{
for t in 0 .. n|1{
if a{
// inside
}
else{x=fill<wide<T>>[B,D](0);}
}
let P=V[(:,i*2..3) ,a:+B,:];
store Y[i:+B]+=dot<tf32>(x[:,_],
y.T)<z>>-2;
}
"""), """import "a.tile";
// about k

// more
fn f(x, y: view<f32>[N]) -> f32 = -x * (-1 + y[0].T);  // one
fn longer_name(x) { let a, b = g(1)(x); return a; }    // two
                                                       // still two
kernel k<T: f16 | bf16, D: int>(X: view<wide<T>>[N, D], Y: out? view<T>[N],
    V: var view<T>[N])
  require D % 8 == 0 && !(D < 3)
tune { B: {1, 2} = 2; S: 1..4 = 2; where (B > 1); when D > (3) { B = 1; } key T; }
grid (cdiv(N, B), 2) |i, j| {
  for t in 0..n | 1 {
    if a {
      // inside
    }
    else { x = fill<wide<T>>[B, D](0); }
  }
  let P = V[(:, i * 2 .. 3), a :+ B, :];
  store Y[i :+ B] += dot<tf32>(x[:, _],
      y.T) < z >> -2;
}
""")

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad, wrong = (os.path.join(folder, name + ".tile") for name in ("good", "bad", "wrong"))
            for path, text in ((good, "fn f() = 1;\n"), (bad, "fn f()=1;"), (wrong, "fn f( = 1;\n")):
                with open(path, "w") as file:
                    file.write(text)
            result = imbrex(good, bad, "--check")
            self.assertEqual((result.returncode, result.stdout, read(bad)), (1, bad + "\n", "fn f()=1;"))
            result = imbrex(good, bad)
            self.assertEqual((result.returncode, result.stdout, read(bad)), (0, bad + "\n", "fn f() = 1;\n"))
            result = imbrex(wrong, good)
            self.assertEqual((result.returncode, read(wrong)), (1, "fn f( = 1;\n"))
            self.assertIn("wrong.tile:1:7: error: expected", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
