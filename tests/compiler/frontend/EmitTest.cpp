//===- EmitTest.cpp - What each construct becomes -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One behaviour a test, on kernels of a few lines; each result is verified by emit().
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "gtest/gtest.h"

using namespace imbrex;
using namespace imbrex::test;

/// The emitted kernel with `body`; records a test failure on an error.
static Emitted emitBody(const std::string &body, const std::string &declarations = "") {
  Emitted result = emit(kernelOf(body, declarations));
  EXPECT_EQ(result.errors, "") << body;
  return result;
}

#define EXPECT_HAS(result, text) EXPECT_TRUE((result).has(text)) << text << "\n" << (result).ir
#define EXPECT_HAS_NOT(result, text) EXPECT_FALSE((result).has(text)) << text << "\n" << (result).ir

TEST(Emit, FunctionAndItsAttributes) {
  CompileOptions options;
  options.alignment["X"] = 4;
  options.target = "sm_90a";
  Emitted result = emit("kernel k(X: view<f32>[N, 64], Y: out view<bf16>[2, M], s: f32)\n"
                        "tune { warps: {1, 2} = 2; stages: 1..4 = 3; }\ngrid (N) |i| {}",
                        options);
  EXPECT_HAS(
      result,
      "@k(%arg0: !tile.view<?x64xf32> {tile.alignment = 4 : i32, tile.extents = [\"N\", \"64\"], tile.name = \"X\"}, "
      "%arg1: !tile.view<2x?xbf16, out> {tile.alignment = 16 : i32, tile.extents = [\"2\", \"M\"], tile.name = \"Y\"}, "
      "%arg2: f32 {tile.name = \"s\"})");
  EXPECT_HAS(result, "tile.kernel = #tile.request<\"sm_90a\", warps 2, stages 3>");
}

TEST(Emit, ExtentsAreReadOnce) {
  Emitted result = emitBody("let a = n + N; let c = N * 2;");
  EXPECT_EQ(result.count("tile.extent "), 1u) << result.ir;
  EXPECT_HAS(result, "tile.extent %arg0, 0");
}

/// A part's first key may lie beyond 32 bits before it meets the length: then it is a number of 32 bits again, by which
/// masks are bounded. Of a product that may leave even 64 bits nothing is known.
TEST(Emit, PositionsThatFitAgain) {
  auto part = [](const std::string &share) {
    return emit("kernel k(X: view<f32>[S], Y: out view<f32>[Parts])\ngrid (Parts) |p| {\nlet first = min(p * " + share +
                ", S);\nstore Y[p] = sum(where(first + iota(16) < S, load X[first :+ 16], 0));\n}");
  };
  Emitted result = part("(cdiv(cdiv(S, 16), Parts) * 16)");
  EXPECT_EQ(result.errors, "");
  EXPECT_HAS(result, "arith.trunci");
  EXPECT_HAS_NOT(part("(S * Parts)"), "arith.trunci");
}

TEST(Emit, Interface) {
  CompileOptions options;
  options.set = {{"T", "bf16"}, {"D", "64"}, {"B", "32"}};
  Emitted result = emit("kernel k<T: f16 | bf16, D: int>(X: view<T>[N, D], L: out? view<wide<T>>[N], s: wide<T>)\n"
                        "require D % 8 == 0 && N > 3\ntune { B: {16, 32} = 16; }\ngrid (cdiv(N, B), D) |i, j| {}",
                        options);
  const KernelInterface &interface = result.interface;
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(interface.kernel, "k");
  EXPECT_EQ(interface.types.at("T"), DataType::BF16);
  EXPECT_EQ(interface.constants.at("B"), 32);
  EXPECT_EQ(interface.grid[0].infix(), "cdiv(N, B)");
  EXPECT_EQ(interface.grid[2].postfix, "1");
  ASSERT_EQ(interface.requirements.size(), 1u) << "what is known is checked at once";
  EXPECT_EQ(interface.requirements[0].infix(), "N > 3");
  EXPECT_EQ(interface.warps, 4u);
  ASSERT_EQ(interface.parameters.size(), 3u);
  EXPECT_FALSE(interface.parameters[1].present);
  EXPECT_EQ(interface.parameters[1].type, DataType::F32);
  EXPECT_HAS(result, "!tile.view<?x64xbf16>");
  EXPECT_HAS_NOT(result, "\"L\"");
}

// Parts of conditions that use extents hold where the host says so; a setting of the host's goes before every case.
TEST(Emit, CasesByExtents) {
  const std::string text = "kernel k<T: f32 | f16>(X: view<T>[N])\ntune { B: {16, 32, 64} = 64; "
                           "when T == f32 && N <= 16 && N != 3 { B = 16; } when N <= 16 && T == f16 { B = 32; } }\n"
                           "grid (cdiv(N, B)) |i| {}";
  auto chosen = [&](const char *type, std::set<std::string, std::less<>> holds) {
    CompileOptions options;
    options.set["T"] = type;
    options.holds = std::move(holds);
    return emit(text, options).interface.constants.at("B");
  };
  EXPECT_EQ(chosen("f32", {}), 64);
  EXPECT_EQ(chosen("f32", {"N <= 16"}), 64);
  EXPECT_EQ(chosen("f32", {"N <= 16", "N != 3"}), 16);
  EXPECT_EQ(chosen("f16", {"N <= 16", "N != 3"}), 32);
}

// A requirement on a scalar is a fact of the kernel, and a condition for the host in the scalar's own type.
TEST(Emit, RequirementsOnScalars) {
  Emitted result = emit("kernel k<D: int>(X: view<f32>[N, D], s: f32, n: i32) require N > 3 && 0.1 < s && n != -1 && "
                        "s <= sqrt(D)\ngrid (N) |i| {}",
                        [] {
                          CompileOptions options;
                          options.set["D"] = 64;
                          return options;
                        }());
  EXPECT_EQ(result.errors, "");
  const std::vector<ScalarRequirement> expected = {{"s", ">", double(0.1f)}, {"n", "!=", -1}, {"s", "<=", 8}};
  EXPECT_EQ(result.interface.scalarRequirements, expected);
  EXPECT_EQ(result.interface.requirements.size(), 1u);
  EXPECT_EQ(result.count("tile.require"), 3u) << result.ir;
  EXPECT_HAS(result, "arith.cmpf ogt, %arg1");
  EXPECT_HAS(result, "arith.cmpi ne, %arg2");
}

TEST(Emit, LoadsAndStores) {
  Emitted result = emitBody("store Y[i * 16 :+ 16, :] = load X[i * 16 :+ 16, :];");
  EXPECT_HAS(result, "dims [0, 1] : !tile.view<?x64xf32> -> tensor<16x64xf32>");
  EXPECT_HAS(result, "dims [0, 1] : tensor<16x64xf32>, !tile.view<?x64xf32, out>");
  EXPECT_HAS(emitBody("let a = load X[3, 4];"), "dims [] : !tile.view<?x64xf32> -> f32");
  EXPECT_HAS(emitBody("let a = load X[3, 0 :+ 8];"), "dims [1] : !tile.view<?x64xf32> -> tensor<8xf32>");
}

TEST(Emit, LiteralsAdapt) {
  Emitted result = emitBody("let a = load H[0 :+ 4, :] * 2;");
  EXPECT_HAS(result, "arith.constant dense<2.000000e+00> : tensor<4x64xf16>");
  EXPECT_HAS(emitBody("let a = n * 2;"), "arith.constant 2 : i32");
  EXPECT_HAS(emitBody("let a = cast<f64>(f) * 0.1;"), "arith.constant 1.000000e-01 : f64");
  EXPECT_HAS(emitBody("var a = 1; a = 2;"), "arith.constant 2 : i32");
  EXPECT_HAS(emitBody("let a = cast<i64>(3000000000) + cast<i64>(n);"), "arith.constant 3000000000 : i64");
}

TEST(Emit, ConstantsFold) {
  Emitted result = emitBody("let a = iota(cdiv(100, 16) * 2 + max(1, 2) - 7 % 4); let b = f * (2.0 * LOG2E / LOG2E);");
  EXPECT_HAS(result, "tile.iota : tensor<13xi32>");
  EXPECT_HAS(result, "arith.constant 2.000000e+00 : f32");
}

TEST(Emit, Broadcasting) {
  Emitted result = emitBody("let a = iota(8)[:, _] + iota(4)[_, :];");
  EXPECT_HAS(result, "tile.expand_dims %2 at 1 : tensor<8xi32> -> tensor<8x1xi32>");
  EXPECT_HAS(result, "tile.broadcast %3 : tensor<8x1xi32> -> tensor<8x4xi32>");
  EXPECT_HAS(emitBody("let a = load X[0 :+ 4, :] * f;"), "tile.splat %arg4 : f32 -> tensor<4x64xf32>");
}

TEST(Emit, Math) {
  EXPECT_HAS(emitBody("let a = exp(f);"), "math.exp ");
  EXPECT_HAS(emitBody("let a = log(f);"), "math.log ");
  EXPECT_HAS(emitBody("let a = abs(n);"), "math.absi");
  EXPECT_HAS(emitBody("let a = max(f, 0);"), "arith.maxnumf");
  EXPECT_HAS(emitBody("let a = min(n, 0);"), "arith.minsi");
  EXPECT_HAS(emitBody("let a = f != f;"), "arith.cmpf une");
  EXPECT_HAS(emitBody("let a = n % 3;"), "arith.remsi");
}

TEST(Emit, Casts) {
  EXPECT_HAS(emitBody("let a = cast<f16>(f);"), "arith.truncf");
  EXPECT_HAS(emitBody("let a = cast<bf16>(load H[0, 0]);"), "arith.extf %2 : f16 to f32");
  EXPECT_HAS(emitBody("let a = cast<f32>(n);"), "arith.sitofp");
  EXPECT_HAS(emitBody("let a = cast<i8>(f);"), "arith.fptosi");
  EXPECT_HAS(emitBody("let a = cast<i64>(n);"), "arith.extsi");
  EXPECT_HAS(emitBody("let a = cast<i32>(n < 1);"), "arith.extui");
}

TEST(Emit, Dot) {
  Emitted result = emitBody("let h = load H[0 :+ 16, :]; let a = dot(h, h.T); let c = dot(h, h.T, a);");
  EXPECT_HAS(result, "tile.transpose %2 : tensor<16x64xf16> -> tensor<64x16xf16>");
  EXPECT_HAS(result, "arith.constant dense<0.000000e+00> : tensor<16x16xf32>");
  EXPECT_EQ(result.count("tile.dot"), 2u);
}

TEST(Emit, ModesOfDot) {
  Emitted result = emitBody("let x = load X[0 :+ 16, :]; let a = dot<tf32>(x, x.T); let c = dot<tf32x3>(x, x.T, a);"
                            "let d = dot<ieee>(x, x.T); let h = load H[0 :+ 16, :]; let e = dot<tf32>(h, h.T);");
  EXPECT_EQ(result.count("tile.dot"), 4u);
  EXPECT_EQ(result.count(" mode tf32 :"), 1u); // of f16 it is the plain product
  EXPECT_EQ(result.count(" mode tf32x3 :"), 1u);
}

TEST(Emit, DotOfIntegers) {
  Emitted result = emitBody("let x = cast<i8>(load I[0 :+ 16])[_, :]; let a = dot(x.T, x);");
  EXPECT_HAS(result, "tensor<16x1xi8>, tensor<1x16xi8>, tensor<16x16xi32>");
}

TEST(Emit, Reductions) {
  EXPECT_HAS(emitBody("let a = rowmax(load X[0 :+ 4, :]);"),
             "tile.reduce max %2 along 1 : tensor<4x64xf32> -> tensor<4xf32>");
  EXPECT_HAS(emitBody("let a = colsum(load X[0 :+ 4, :]);"),
             "tile.reduce sum %2 along 0 : tensor<4x64xf32> -> tensor<64xf32>");
}

TEST(Emit, Where) {
  EXPECT_HAS(emitBody("let a = where(iota(4) < 2, 1.0, f);"), ": tensor<4xi1>, tensor<4xf32>");
  EXPECT_HAS_NOT(emitBody("let a = where(true, f, 1.0);"), "arith.select");
}

TEST(Emit, WhereOfLiteralsIsALiteral) {
  const std::string sign = "fn sign(x) = where(x > 0, 1, where(x < 0, -1, 0));\n", h = "let h = load H[0 :+ 4, :]; ";
  EXPECT_HAS(emitBody(h + "let a = h * sign(h);", sign), "arith.mulf %2, %9 : tensor<4x64xf16>");
  EXPECT_HAS(emitBody("let a = f * sign(n);", sign), "arith.mulf %arg4, %5 : f32");
  EXPECT_HAS(emitBody("let a = n + 2 * -where(f < 1, 3, 4);"), "arith.constant -8 : i32");
  EXPECT_HAS(emitBody("let a = where(f < 1, 3, 4) < 3.5 && f < 2;"), "arith.select %2, %true, %false : i1");
  EXPECT_HAS(emitBody("let a = exp(where(f < 1, 0, 1.5));"), "arith.select");
  EXPECT_HAS(emitBody("var a = where(f < 1, 0, 1.5); a = where(f < 2, 1, 2);"), "arith.select");
  EXPECT_HAS(emitBody("store Y[0, 0 :+ 64] = where(iota(64) < n, 1, 0);"), "tensor<64xi1>, tensor<64xf32>");
  EXPECT_HAS(emitBody("let a = fill<f16>[4](where(f < 1, 1, 2));"), "tile.splat");
  EXPECT_HAS(emitBody("let a = rowsum(where(iota(4)[_, :] < n, 1, 0));"), "tensor<1x4xi32> -> tensor<1xi32>");
  EXPECT_HAS(emitBody("let a = dot(where(iota(16)[:, _] > iota(8)[_, :], 1, 0), load H[0 :+ 8, :]);"),
             "tensor<16x8xf16>, tensor<8x64xf16>");
  EXPECT_HAS(emitBody("let a = where(iota(4) < n, 1, 0)[:, _];"), "tensor<4xi32> -> tensor<4x1xi32>");
  EXPECT_HAS(emitBody("let a = cast<f16>(where(f < 1, 1, 2.5));"), "arith.select");
}

TEST(Emit, ChoicesOfChoicesStaySmall) {
  std::string doubled = "let a0 = where(f < 1, 1, 2); ";
  for (int i = 1; i < 60; ++i)
    doubled += "let a" + std::to_string(i) + " = where(f < " + std::to_string(i) + ", a" + std::to_string(i - 1) +
               ", a" + std::to_string(i - 1) + "); ";
  Emitted choices = emitBody(doubled + "let b = a59 * 2;");
  EXPECT_EQ(choices.errors, "");
  EXPECT_LT(choices.count("arith.select"), 200u);
  Emitted squares = emitBody(
      "let a = where(f < 1, 1, 2); let b = a * a; let c = b * b; let d = c * c; let e = d * d; let g = e * n;");
  EXPECT_EQ(squares.errors, "");
  EXPECT_LT(squares.count("arith.select"), 100u);
}

TEST(Emit, LoopsCarryVariables) {
  Emitted result = emitBody("var s = 0.0; var t = n; for j in 0..n { s += f; } store Y[t, 0] = s;");
  EXPECT_HAS(result, "iter_args(%arg7 = %cst) -> (f32)  : i32");
  EXPECT_EQ(result.count("arith.addf"), 1u);
  EXPECT_HAS(emitBody("for j in tiles(N, 16) {}"), "arith.ceildivsi %0, %c16_i32");
}

TEST(Emit, RuntimeIf) {
  Emitted result = emitBody("var s = 0.0; if n < 3 { s = f; } else if n < 4 { s = 2.0; } store Y[0, 0] = s;");
  EXPECT_EQ(result.count("scf.if"), 2u) << result.ir;
  EXPECT_HAS(result, "-> (f32)");
}

/// What ! says of comparisons of integers is the opposite comparison, so that masks are bounded however they are
/// spelled; of floats it is not, for NaN.
TEST(Emit, NotOfComparisons) {
  Emitted result = emitBody("let a = where(!(i < n || i >= N) && !!(i == 3), 1.0, 2.0);");
  EXPECT_HAS(result, "arith.cmpi sge");
  EXPECT_HAS(result, "arith.cmpi slt");
  EXPECT_HAS(result, "arith.cmpi eq");
  EXPECT_HAS_NOT(result, "false");
  EXPECT_HAS(emitBody("let a = where(!(cast<f32>(n) < 2.0), 1.0, 2.0);"), "arith.cmpf olt");
}

TEST(Emit, CompileTimeIf) {
  Emitted result = emitBody("if 1 < 2 { store Y[0, 0] = 1.0; } else { store Y[nonsense] = 1; }");
  EXPECT_EQ(result.count("tile.store"), 1u);
  EXPECT_HAS_NOT(result, "scf.if");
  CompileOptions options;
  options.set["T"] = "f16";
  Emitted typed = emit("kernel k<T: f16 | f32>(Y: out view<T>[N]) grid (1) |i| {\n"
                       "if T == f16 { store Y[0] = 1; } else { store Y[1] = 1; } }",
                       options);
  EXPECT_EQ(typed.errors, "");
  EXPECT_EQ(typed.count("tile.store"), 1u);
}

TEST(Emit, OptionalOutputs) {
  CompileOptions given;
  given.given.insert("L");
  const std::string plain =
      "kernel k(X: view<f32>[N], L: out? view<f32>[N]) grid (N) |i| { if L { store L[i] = 1.0; } }";
  EXPECT_EQ(emit(plain, given).count("tile.store"), 1u);
  EXPECT_EQ(emit(plain).errors, "");
  EXPECT_EQ(emit(plain).count("tile.store"), 0u);
}

TEST(Emit, OptionalInputs) {
  CompileOptions given;
  given.given.insert("S");
  const std::string plain = "kernel k(S: in? view<f32>[N], L: out view<f32>[N]) grid (N) |i| {\n"
                            "var s = 1.0; if S { s = load S[i]; } store L[i] = s; }";
  EXPECT_EQ(emit(plain, given).count("tile.load"), 1u);
  EXPECT_EQ(emit(plain).errors, "");
  EXPECT_EQ(emit(plain).count("tile.load"), 0u);
  EXPECT_NE(emit("kernel k(S: in? view<f32>[N], L: out view<f32>[N]) grid (N) |i| { store L[i] = load S[i]; }")
                .errors.find("S"),
            std::string::npos);
}

TEST(Emit, TuningChoices) {
  const std::string text = "kernel k<T: f16 | f64>(X: view<T>[N])\ntune { B: {1, 2, 4, 8} = 1; on sm_90 { B = 2; }\n"
                           "when T == f64 { B = 4; } on sm_100 when T == f64 { B = 8; } }\n"
                           "grid (N) |i| { let a = iota(B); }";
  auto choice = [&](const std::string &type, const std::string &target, const std::string &value) {
    CompileOptions options;
    options.set["T"] = type;
    options.target = target;
    if (!value.empty())
      options.set["B"] = value;
    return emit(text, options).interface.constants["B"];
  };
  EXPECT_EQ(choice("f16", "sm_80", ""), 1);
  EXPECT_EQ(choice("f16", "sm_90", ""), 2);
  EXPECT_EQ(choice("f16", "sm_90a", ""), 2) << "a name without its letter stands for all of them";
  EXPECT_EQ(choice("f64", "sm_90", ""), 4) << "later blocks win";
  EXPECT_EQ(choice("f64", "sm_100", ""), 8) << "both the target and the condition";
  EXPECT_EQ(choice("f16", "sm_100", ""), 1) << "the target alone is not enough";
  EXPECT_EQ(choice("f64", "sm_90", "8"), 8) << "a setting wins over all";
}

TEST(Emit, TuningByStorage) {
  const std::string text = "kernel k(X: view<bf16>[B, S[B], D], Y: view<bf16>[B, S[B], D])\n"
                           "tune { BM: {1, 2, 4, 8} = 1; when paged(X) { BM = 2; }\n"
                           "when scaled(X) && S <= 16 { BM = 4; }\n"
                           "when !ragged(X) && ragged(Y) { BM = 8; } }\ngrid (B) |i| { let a = iota(BM); }";
  auto choice = [&](const char *storage, const char *other = "", const char *holds = "") {
    CompileOptions options;
    if (*storage)
      options.storage["X"] = *Storage::parse(storage);
    if (*other)
      options.storage["Y"] = *Storage::parse(other);
    if (*holds)
      options.holds.insert(holds);
    return emit(text, options).interface.constants["BM"];
  };
  EXPECT_EQ(choice(""), 1);
  EXPECT_EQ(choice("padded"), 1);
  EXPECT_EQ(choice("paged:16"), 2);
  EXPECT_EQ(choice("scaled(paged:16,i8)"), 2) << "scaled and paged";
  EXPECT_EQ(choice("scaled(paged:16,i8)", "", "S <= 16"), 4);
  EXPECT_EQ(choice("scaled(dense,i8)"), 1) << "the other part does not hold";
  EXPECT_EQ(choice("", "ragged"), 8);
  EXPECT_EQ(choice("ragged", "ragged"), 1) << "each view by its name";
}

TEST(Emit, TuningByStoragesTogether) {
  auto choice = [](const char *condition, const char *storage) {
    CompileOptions options;
    options.set["D"] = 64;
    if (*storage)
      options.storage["X"] = *Storage::parse(storage);
    const std::string text = std::string("kernel k<D: int>(X: view<bf16>[B, S[B], D], Y: out view<bf16>[B, S[B], D])\n"
                                         "tune { BM: {1, 2} = 1; when ") +
                             condition + " { BM = 2; } }\ngrid (B) |i| { let a = iota(BM); }";
    Emitted result = emit(text, options);
    EXPECT_EQ(result.errors, "") << condition;
    return result.interface.constants["BM"];
  };
  EXPECT_EQ(choice("scaled(X) || paged(X)", "paged:16"), 2);
  EXPECT_EQ(choice("scaled(X) || paged(X)", "scaled(dense,i8)"), 2);
  EXPECT_EQ(choice("scaled(X) || paged(X)", "ragged"), 1);
  EXPECT_EQ(choice("scaled(X) || D > 32", ""), 2) << "beside what is known when the kernel is specialised";
  EXPECT_EQ(choice("D > 64 || scaled(X)", ""), 1);
  EXPECT_EQ(choice("!!ragged(X)", "ragged"), 2);
  EXPECT_EQ(choice("!!ragged(X)", "paged:4"), 1);
  EXPECT_EQ(choice("!(ragged(X) && D > 64)", "ragged"), 2);
  EXPECT_EQ(choice("ragged(Y)", "ragged"), 2) << "an output is stored as the input that it follows";
  EXPECT_EQ(choice("ragged(Y)", "paged:4"), 1);
}

TEST(Emit, FunctionsAreInlined) {
  Emitted result =
      emitBody("let a = g(f, 3);", "fn h(x) = x * x;\nfn g(x: f32, k: i32) -> f32 = h(x) + cast<f32>(k);\n");
  EXPECT_HAS(result, "arith.mulf");
  EXPECT_HAS_NOT(result, "call");
  Emitted hidden = emit(kernelOf("let secret = 1; let a = g(f);", "fn g(x) = x + secret;\n"));
  EXPECT_NE(hidden.errors.find("a function cannot see 'secret'"), std::string::npos)
      << "a function sees nothing of its caller";
}

TEST(Emit, FunctionsHaveBodiesAndSeveralResults) {
  const std::string functions = "fn step(s, x) -> f32, f32 { var t = s; for k in 0..3 { t = t * x + cast<f32>(k); }\n"
                                "  if P == 1 { t = -t; } return t, max(t, 0); }\n"
                                "fn twice(s, x) { let a, b = step(s, x); let c, d = step(b, a); return d, c; }\n";
  CompileOptions options;
  options.set["P"] = 1;
  Emitted result = emit(functions + "kernel k<P: int>(Y: out view<f32>[N], f: f32) grid (1) |i| {\n"
                                    "var a, b = twice(f, 2.0); a += b; store Y[0] = a; }",
                        options);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.count("scf.for"), 2u);
  EXPECT_EQ(result.count("arith.negf"), 2u);
  EXPECT_EQ(result.count("scf.if"), 0u) << "P is known";
  CompileOptions bound;
  bound.hooks["h"] = "g(2)";
  Emitted hook = emit(kernelOf("let a = h(f);", "hook h(x: f32) -> f32 { let y = -x; return y; }\n"
                                                "fn g(c: f32)(x) { let y = x * c; return y * y; }\n"),
                      bound);
  EXPECT_EQ(hook.errors, "");
  EXPECT_EQ(hook.count("arith.mulf"), 2u);
  Emitted loads = emitBody("let a, b = g(I, n);", "fn g(V, k) { let x = load V[k]; return x, x + 1; }\n");
  EXPECT_HAS(loads, "tile.load");
}

TEST(Emit, TwoDimensionsWalkedAsOne) {
  Emitted result =
      emit("fn first(P: view<f32>[R, 8]) = load P[0, 0];\n"
           "kernel k(X: view<f32>[B, S, 6, 8], Y: out view<f32>[B, S, 6, 8], g: i32) grid (S, 3) |i, h| {\n"
           "let P = X[1, (:, h * 2 .. h * 2 + 2), :]; let R = Y[1, (:, h * 2 .. h * 2 + 2), :];\n"
           "store R[i * 16 :+ 16, :] = load P[i * 16 :+ 16, :];\nlet one = load P[g, 3];\n"
           "let t = load P[iota(4) - 1, 0 :+ 4]; let n = extent(P, 0) + extent(P, 1);\n"
           "let w = X[0, 0, (:, :)]; let all = load w[:]; }");
  EXPECT_EQ(result.errors, "");
  EXPECT_HAS(result,
             "dims [-1, 2] : !tile.view<?x?x8xf32>, tensor<16x1xi32>, tensor<16x1xi32>, i32 -> tensor<16x8xf32>");
  EXPECT_HAS(result, "tile.scatter");
  EXPECT_HAS(result, "-> tensor<48xf32>");
  EXPECT_HAS(result, "tile.load %") << "one element is no gather";
}

TEST(Emit, ImportedFunctionsAndHooks) {
  const std::string text = "import \"hooks.tile\"; import \"masks.tile\";\n" +
                           kernelOf("let at = coord(0, 0, i, n, N, N); let a = twice(f);\n"
                                    "store Y[0, 0] = where(seen(at) && causal(at), a, 0);");
  Emitted result = emit(text, {}, /*locations=*/true);
  EXPECT_EQ(result.errors, "");
  EXPECT_HAS(result, "loc(\"masks.tile\":1");
  EXPECT_HAS(result, "loc(\"hooks.tile\":4");
  CompileOptions options;
  options.hooks["seen"] = "!causal(at)";
  EXPECT_EQ(emit(text, options).errors, "") << "a binding sees what the file sees";
}

TEST(Emit, DerivativesStandBesideTheFunction) {
  const std::string functions = "hook score(s: f32, at) = s;\nfn softcap(c)(s, at) = c * tanh(s / c);\n"
                                "fn biased(b: view<f32>[N, D])(s, at) = s + load b[at, 0];\n";
  const std::string both =
      kernelOf("let s = score(f, n); let d = derivative(score, f, n); store Y[0, 0] = s + d;", functions);
  auto bound = [&](const std::string &binding) {
    CompileOptions options;
    options.hooks["score"] = binding;
    Emitted result = emit(both, options);
    EXPECT_EQ(result.errors, "") << binding;
    return result;
  };
  Emitted capped = bound("softcap(15.0)");
  EXPECT_EQ(capped.count("math.tanh"), 2u) << "the value, and the value that the derivative is made of: one to CSE";
  EXPECT_EQ(capped.count("arith.divf"), 3u);
  EXPECT_HAS(bound("biased(X)"), "tile.load");
  Emitted captured = bound("fn g(c: f32)(s, at) = softcap(c)(s, at); derivative(g(cap), s, at)");
  EXPECT_HAS(captured, "tile.name = \"cap\"");
  EXPECT_HAS_NOT(captured, "unrealized");
}

TEST(Emit, DerivativesOfBranchesAndLoops) {
  Emitted result = emitBody("let d = derivative(g, f); store Y[0, 0] = d;",
                            "fn g(x) { var s = x; var t = 0.0; var k = 0;\n"
                            "  for j in 0..3 { t = t + s; s = s * x; k = k + 1; }\n"
                            "  if x > 0 { s = exp(s); k = 2; } else { t = 1; }\n  return s + t + cast<f32>(k); }\n");
  EXPECT_HAS(result, "-> (i32, f32, f32, f32, f32)") << "k does not change with x";
  EXPECT_EQ(result.count("scf.if"), 1u);
  EXPECT_EQ(result.count("scf.for"), 1u);
  Emitted zero = emitBody("let d = derivative(g, f); store Y[0, 0] = d;", "fn g(x) = floor(x) + where(x > 0, 1, 2);\n");
  EXPECT_HAS_NOT(zero, "arith.mulf");
}

TEST(Emit, ReductionsAndScansByAFunction) {
  const std::string functions =
      "fn best(a, i, b, j) { let first = a >= b; return where(first, a, b), where(first, i, j); }\n"
      "fn plus(a, b) = a + b;\nfn one(a, b) = 1;\n";
  Emitted result = emitBody("let x = load X[0 :+ 16, :]; let at = iota(64)[_, :] + iota(16)[:, _] * 0;\n"
                            "let m, k = rowreduce(best, x, at); let s = colscan(plus, x); let c = rowreduce(one, x);",
                            functions);
  EXPECT_HAS(result, "tile.combine");
  EXPECT_HAS(result, "along 1 : tensor<16x64xf32>, tensor<16x64xi32> -> tensor<16xf32>, tensor<16xi32>");
  EXPECT_HAS(result, "tile.scan");
  EXPECT_HAS(result, "along 0 : tensor<16x64xf32> -> tensor<16x64xf32>");
  EXPECT_EQ(result.count("tile.yield"), 3u);
}

TEST(Emit, BitsAndNumbersWithoutSign) {
  Emitted good = emitBody("let u = cast<u32>(n); let a = u >> 3 < u / 5 && n >> 1 < 2; let b = (u & 12 | 1 ^ u) << u;\n"
                          "let c = cast<f32>(u) + cast<f32>(cast<u8>(f)); let d = max(u, 4294967295);");
  for (const char *op : {"arith.shrui", "arith.divui", "arith.cmpi ult", "arith.shrsi", "arith.andi", "arith.ori",
                         "arith.xori", "arith.shli", "arith.uitofp", "arith.fptoui", "arith.maxui"})
    EXPECT_HAS(good, op);
}

TEST(Emit, MoreThanThreeExtentsOfAGridShareAnAxis) {
  Emitted result = emit("kernel k(X: view<f32>[N, M], Y: out view<i32>[N], n: i32) require n % 2 == 0 && n <= N\n"
                        "grid (N, 2, M, cdiv(n, 4), 3) |a, b, c, d, e| { store Y[a] = c + d * 10 + e * 100; }");
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.interface.grid.size(), 3u);
  EXPECT_EQ(result.interface.grid[2].infix(), "M * cdiv(n, 4) * 3");
  EXPECT_EQ(result.interface.requirements.size(), 2u);
  EXPECT_EQ(result.count("arith.remui"), 2u);
}

TEST(Emit, SumsOfWholeTilesAreScalars) {
  Emitted result =
      emitBody("let a = sum(load H[0 :+ 16, :]); let b = max(iota(5)); let c = min(load X[0 :+ 4, :]) + f;");
  EXPECT_EQ(result.count("tile.scalar"), 3u);
  EXPECT_HAS(result, "arith.extf");
  EXPECT_HAS(result, ": tensor<1xi32> -> i32");
}

TEST(Emit, AFunctionMayReadAViewThatIsHandedOver) {
  Emitted result = emitBody("let a = g(I, n);", "fn g(V, k) = load V[k];\n");
  EXPECT_EQ(result.errors, "");
  EXPECT_HAS(result, "tile.load");
}

TEST(Emit, ExtraArgumentsStandInBracketsOfTheirOwn) {
  const std::string functions = "fn scaled(c: f32, d)(x, y) = c * x + d * y;\n";
  Emitted direct = emitBody("let a = scaled(2.0, 3.0)(f, f);", functions);
  Emitted inlined = emitBody("let a = 2.0 * f + 3.0 * f;");
  EXPECT_EQ(direct.errors, "");
  EXPECT_EQ(direct.count("arith.mulf"), inlined.count("arith.mulf"));
  EXPECT_EQ(emitBody("let a = two(f);", functions + "fn two(x) = scaled(2.0, 3.0)(x, x);\n").errors, "");
}

TEST(Emit, DefaultsOfScalarsAreComputedWhenTheKernelIsSpecialised) {
  CompileOptions options;
  options.set = {{"D", "64"}};
  Emitted result =
      emit("kernel k<D: int>(Y: out view<f32>[N], a: f32 = 1 / sqrt(D), b: i64 = -D / 10, c: f64 = 7 / 2 + 0.5, "
           "d: f32) grid (1) |i| {}",
           options);
  EXPECT_EQ(result.errors, "");
  const std::vector<Parameter> &parameters = result.interface.parameters;
  EXPECT_EQ(parameters[1].standard, 0.125);
  EXPECT_EQ(parameters[2].standard, -6.0);
  EXPECT_EQ(parameters[3].standard, 3.5);
  EXPECT_FALSE(parameters[4].standard);
}

TEST(Emit, AByteOrderMarkIsNotPartOfTheText) { EXPECT_EQ(emit("\xEF\xBB\xBF" + kernelOf("let a = 1;")).errors, ""); }

static const std::string kMasked = "for j in tiles(N, 32) visible(mask) {\n"
                                   "let at = coord(0, 0, i * 16 + iota(16)[:, _], j * 32 + iota(32)[_, :], n, N);\n"
                                   "let s = where(mask(at), 1.0, 0.0);\n}";
static const std::string kMask = "hook mask(at: coord) -> bool = true;\nfn causal(at) = at.k <= at.q;\n"
                                 "fn window(left: i32)(at) = left < 0 || at.k >= at.q - left;\nfn none(at) = false;\n";

TEST(Emit, MasksAreComposedOfFunctionsWithConstants) {
  CompileOptions both;
  both.hooks["mask"] = "both";
  Emitted result = emit(kernelOf(kMasked, kMask + "fn both(at) = causal(at) && window(64)(at);\n"), both);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(result.count("arith.cmpi sge"), 1u) << "left < 0 is decided: 64 stays known";
  EXPECT_EQ(result.count("arith.cmpi sle"), 1u);
}

TEST(Emit, VisiblePromisesTheMaskInsideTheSequences) {
  Emitted result = emitBody(kMasked, kMask);
  EXPECT_EQ(result.count("tile.visible"), 1u) << result.ir;
  EXPECT_EQ(result.count("arith.cmpi slt"), 2u) << "the rows and the columns\n" << result.ir;
  CompileOptions options;
  options.hooks["mask"] = "causal";
  Emitted causal = emit(kernelOf(kMasked, kMask), options);
  EXPECT_EQ(causal.count("arith.cmpi sle"), 1u) << causal.ir;
  EXPECT_HAS(causal, "tile.visible %");
  options.hooks["mask"] = "none";
  EXPECT_EQ(emit(kernelOf(kMasked, kMask), options).count("tile.visible"), 1u);
}

TEST(Emit, HookConstantsStayConstants) {
  CompileOptions options;
  options.hooks["mask"] = "window(-1)";
  EXPECT_HAS_NOT(emit(kernelOf(kMasked, kMask), options), "arith.ori");
  EXPECT_HAS_NOT(emit(kernelOf(kMasked, kMask), options), "arith.cmpi sge");
  options.hooks["mask"] = "window(5)";
  EXPECT_HAS(emit(kernelOf(kMasked, kMask), options), "arith.cmpi sge");
}

TEST(Emit, EveryOperationHasItsPlace) {
  Emitted result =
      emit(kernelOf("var a = 1.0;\nfor j in 0..n { a = where(f < 1, a, 2) * exp(f); }\nstore Y[0, 0] = a;"), {}, true);
  EXPECT_HAS(result, "\"test.tile\":4:5");
  EXPECT_HAS_NOT(result, "loc(unknown)");
}

TEST(Emit, TwiceGivesTheSameText) {
  const std::string text = kernelOf(kMasked, kMask);
  EXPECT_EQ(emit(text).ir, emit(text).ir);
}
