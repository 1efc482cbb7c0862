//===- ErrorsTest.cpp - Every message is produced, at its place -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A table of mistakes: the message's id, a text, the options, and "line:col: part of the message". An id of
// Errors.def that no row has fails the test, as does a row whose message is not the one it names.
//
//===----------------------------------------------------------------------===//

#include "ErrorRows.h"
#include "gtest/gtest.h"
#include <set>

using namespace imbrex;
using namespace imbrex::test;

static std::string repeat(const std::string &text, unsigned count) {
  std::string result;
  for (unsigned i = 0; i < count; ++i)
    result += text;
  return result;
}

/// A kernel with parameters and a tune block, and an empty body.
static std::string generic(const std::string &generics, const std::string &afterParameters) {
  return "kernel k" + generics + "(X: view<f32>[N])\n" + afterParameters + "\ngrid (1) |i| {}";
}

static std::string manyFunctions(unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += "fn f" + std::to_string(i) + "() = 1;\n";
  return text;
}

/// A kernel that adds `value` to a view of that type.
static std::string added(const std::string &type, const std::string &value) {
  return "kernel k(V: var view<" + type + ">[N])\ngrid (N) |i| {\nstore V[i] += " + value + ";\n}";
}

static std::vector<Row> lexerRows() {
  return {
      {Message::UnknownCharacter, "kernel $", "1:8: unexpected character '$'"},
      {Message::UnknownCharacter, "\x01", "1:1: unexpected character '\\x1'"},
      {Message::UnknownCharacter, "kernel \u201ck\u201d", "1:8: unexpected character '\u201c'\n"},
      {Message::NumberTooLong, body("let a = " + std::string(257, '1') + ";"), "3:9: a number may have 256 characters"},
      {Message::NumberTooLong, body("let a = 1." + std::string(300000, '1') + ";"), "this one has 300002"},
      {Message::IntegerTooLarge, body("let a = 9223372036854775808;"), "3:9: integer '9223372036854775808'"},
      {Message::BadNumber, body("let a = 12ab;"), "3:9: malformed number, or one beyond f64: '12ab'"},
      {Message::BadNumber, body("let a = 1e999;"), "3:9: malformed number, or one beyond f64: '1e999'"},
      {Message::BadNumber, body("let a = 1e;"), "3:9: malformed number, or one beyond f64: '1e'"},
      {Message::NameTooLong, "fn " + std::string(257, 'a') + "() = 1;", "1:4: a name may have 256 characters"},
      {Message::NumberTooLong, body("let a = 0." + std::string(300, '1') + ";"),
       "3:9: a number may have 256 characters"},
      {Message::SourceTooLong, std::string((1 << 20) + 1, ' '), "1:1: a source may have 1048576 bytes"},
  };
}

static std::vector<Row> parserRows() {
  return {
      {Message::Expected, body("let a = 1"), "4:1: expected ';', found '}'"},
      {Message::Expected, "kernel k(", "1:10: expected a parameter's name, found the end of the file"},
      {Message::Keyword, body("let for = 1;"), "3:5: expected a name, found the keyword 'for'"},
      {Message::TooMany, "kernel k(X: view<f32>[1,1,1,1,1,1,1,1,1]) grid (1) |i| {}",
       "dimensions of a view: 8 at most"},
      {Message::TooMany, manyFunctions(1025), "declarations of a file: 1024 at most"},
      {Message::TooMany, generic("", "tune { B: 1..2000 = 1; }"), "2:11: choices of a tuning parameter: 1024 at most"},
      {Message::TooMany, generic("", "require " + std::string(200, 'a') + repeat(" + " + std::string(200, 'a'), 30)),
       "bytes of an expression that the host evaluates"},
      {Message::EmptyRange, generic("", "tune { B: 4..1 = 1; }"), "2:11: the range 4..1 is empty"},
      {Message::TooDeep, body("let a = " + repeat("(", 300) + "1;"), "nested more than 200 deep"},
      {Message::TooDeep, body("let a = " + repeat("-", 300) + "1;"), "nested more than 200 deep"},
      {Message::TooDeep, body("let a = 1" + repeat(" + 1", 300) + ";"), "nested more than 200 deep"},
      {Message::TooDeep, body("let a = f" + repeat(".T", 300) + ";"), "nested more than 200 deep"},
      {Message::TooDeep, body(repeat("if true {", 300)), "nested more than 200 deep"},
      {Message::TooDeep, body("if n < 1 {}" + repeat(" else if n < 1 {}", 300)), "nested more than 200 deep"},
      {Message::ExpectedDeclaration, "let a = 1;", "1:1: expected 'kernel', 'fn' or 'hook', found 'let'"},
      {Message::ExpectedDeclaration, "kernal k() {}",
       "1:1: expected 'kernel', 'fn' or 'hook', found 'kernal', did you mean 'kernel'?"},
      {Message::ExpectedType, body("let a = cast<f17>(f);"),
       "3:14: expected a type (bool i8 i32 i64 u8 u32 f8e4m3 f8e5m2 f16 bf16 f32 f64"},
      {Message::ExpectedType, "kernel k<T: f17>(", "1:13: expected a type"},
      {Message::ExpectedExpression, body("let a = ;"), "3:9: expected an expression, found ';'"},
      {Message::ExpectedStatement, body("(1);"), "3:1: expected a statement"},
      {Message::ExpectedStatement, body("stor Y[n] = 1;"), "found 'stor', did you mean 'store'?"},
      {Message::BadExpand, body("let a = iota(4)[1];"), "expected [:, _] to add a column"},
      {Message::NotAValue, body("let a = X[n :+ 4, 0] + 1.0;"),
       "the view 'X' (read it with load) cannot be used as a value"},
      {Message::Chained, body("if 0 < n < 3 {}"), "3:10: comparisons do not chain: write a < b && b < c"},
      {Message::Chained, body("let a = n == 1 != true;"), "3:16: comparisons do not chain: write a == b && b != c"},
      {Message::Chained, "fn r(at) = 3 < at.q <= 5;", "1:21: comparisons do not chain: write a < b && b <= c"},
      {Message::CallStatement, body("exp(f);"), "3:1: a call is no statement"},
      {Message::NoSuchWord, body("print(n);"), "3:1: there is no 'print' in this language; store what you want"},
      {Message::NoSuchWord, body("for j in 0..n { break; }"),
       "3:17: there is no 'break' in this language; bound the loop"},
      {Message::NoSuchWord, body("while n < 3 { }"), "3:1: there is no 'while' in this language; loops are"},
      {Message::ReturnPlace, body("return f;"),
       "3:1: 'return' ends the body of a function and stands nowhere else; a "
       "kernel's results are stored"},
      {Message::ReturnPlace, "fn g(x) { if x { return x; } return 1; }", "1:18: 'return' ends the body of a function"},
      {Message::Expected, "fn g(x) { let a = x; }", "1:22: expected 'return', found '}'"},
      {Message::Expected, "fn g(x) { return x; let a = x; }", "1:21: expected '}', found 'let'"},
      {Message::Expected, "fn g(x) return x;", "1:9: expected '=', found 'return'"},
      {Message::Keyword, body("let return = 1;"), "3:5: expected a name, found the keyword 'return'"},
      {Message::StoreInFunction, "fn g(x) { for i in 0..2 { store x[i] = 1.0; } return 1; }",
       "1:27: a function stores nothing: return the value, and store it in the kernel"},
      {Message::HookResults, "hook h(x) { return x, x; }", "the hook 'h' must give one value"},
      {Message::TooMany, "fn g(x) { return x" + repeat(", x", 20) + "; }", "results of a function: 16 at most"},
      {Message::TooMany, body("let a" + repeat(", a", 20) + " = g(f);"), "names of one let: 16 at most"},
      {Message::ViewKind, "kernel k(x: inout view<f32>[N])",
       "1:13: 'inout': a view is an input, which may be left out"},
      {Message::ViewKind, "kernel k(x: in view<f32>[N])", "1:13: 'in': a view is an input, which may be left out"},
      {Message::StoreOperator, body("store Y[0, 0] -= 1.0;"), "3:15: there is no store with '-='"},
      {Message::KernelName, "kernel _(n: i32)", "1:8: '_' cannot name a kernel"},
      {Message::KernelName, "kernel WARP_SZ(n: i32)", "'WARP_SZ' cannot name a kernel"},
      {Message::GridRank, "kernel k(n: i32) grid (1, 2) |i| {}", "found 2 extents and 1 names"},
      {Message::Unsupported, body("let a = random(1);"), "3:9: 'random' is not supported"},
      {Message::Unsupported, body("atomic_add(Y[0 :+ 64], f);"), "3:1: 'atomic_add' is not supported"},
      {Message::Unsupported, body("let a = atomic_add(Y[n :+ 4], f);"), "3:9: 'atomic_add' is not supported\n"},
      {Message::Unsupported, "fn random(x) = x;", "1:4: a function of the reserved name 'random' is not supported"},
  };
}

static std::vector<Row> nameRows() {
  CompileOptions notOptional;
  notOptional.given.insert("Y");
  const std::string two = "kernel a(n: i32) grid (1) |i| {}\nkernel b(n: i32) grid (1) |i| {}";
  return {
      {Message::Duplicate, "fn a() = 1;\nfn a() = 2;", "2:4: 'a' is declared twice"},
      {Message::Duplicate, body("let a = 1;\nlet a = 2;"), "4:5: 'a' is declared twice"},
      {Message::Duplicate, "kernel k(N: i32, X: view<f32>[N]) grid (1) |i| {}", "1:31: 'N' is declared twice"},
      {Message::UnknownName, body("let alpha = 1;\nlet b = alpah;"),
       "4:9: unknown name 'alpah', did you mean 'alpha'?"},
      {Message::UnknownName, body("store YY[0, 0] = 1.0;"), "3:7: unknown name 'YY', did you mean "},
      {Message::Default, "kernel k(X: view<f32>[N], a: f32 = 1 / sqrt(N)) grid (1) |i| {}",
       "1:38: '1 / sqrt(N)': a default is a finite number"},
      {Message::Default, "kernel k(a: f32 = 1.0 / 0) grid (1) |i| {}",
       "1:23: '1.00 / 0': a default is a finite number"},
      {Message::LiteralKind, "kernel k(a: i32 = 1.5) grid (1) |i| {}", "1:19: found the float 1.5 where i32 is needed"},
      {Message::LiteralDoesNotFit, "kernel k(a: i8 = 300) grid (1) |i| {}", "1:18: the integer 300 does not fit i8"},
      {Message::HostScalar, "kernel k(X: view<f32>[N], n: f32) grid (cdiv(n, 4)) |i| {}",
       "1:46: 'n' is a scalar argument: an extent of a view is"},
      {Message::HostScalar, "kernel k(X: view<f32>[N], n: f32) require n > 0 || N > 0 grid (N) |i| {}",
       "1:43: 'n' is a scalar argument: an extent of a view is"},
      {Message::RequiredBound, "kernel k(X: view<f32>[N], n: f32) require n <= N grid (N) |i| {}",
       "1:48: 'N': a requirement compares a scalar argument with a finite number"},
      {Message::RequiredBound, "kernel k(X: view<f32>[N], a: f32) require a < inf grid (N) |i| {}",
       "1:47: 'inf': a requirement compares a scalar argument with a finite number"},
      {Message::RequiredBound, "kernel k(X: view<f32>[N], a: f32, b: f32) require a < b grid (N) |i| {}",
       "1:55: 'b': a requirement compares a scalar argument with a finite number"},
      {Message::RequiredBound, "kernel k(X: view<f32>[N], n: i64) require n < 9007199254740993 grid (N) |i| {}",
       "1:47: '9007199254740993': a requirement compares"},
      {Message::LiteralKind, "kernel k(X: view<f32>[N], n: i32) require n < 1.5 grid (N) |i| {}",
       "found the float 1.5 where i32 is needed"},
      {Message::FunctionReadsView, kernelOf("let a = g(n);", "fn g(x) = x + load I[x];\n"),
       "1:20: a function cannot read the view 'I', which is the kernel's"},
      {Message::FunctionReadsView, useHook(), "5:20: a function cannot read the view 'I'", hook("mask", "bias")},
      {Message::NotInFunction, kernelOf("let b = 1.0;\nlet a = g(n);", "fn g(x) = x + b;\n"),
       "1:15: a function cannot see 'b', which is the kernel's"},
      {Message::UnknownName, kernelOf("let a = g(n);", "fn g(x) = x + load Z[x];\n"), "1:20: unknown name 'Z'\n"},
      {Message::UnknownName, "kernel k(X: view<f32>[Rows]) grid (Row) |i| {}",
       "1:36: unknown name 'Row', did you mean 'Rows'?"},
      {Message::UnknownName, body("var acc = 1.0;\nac = 2.0;"), "4:1: unknown name 'ac', did you mean 'acc'?"},
      {Message::UnknownFunction, body("let a = rowmaxx(f);"),
       "3:9: unknown function 'rowmaxx', did you mean 'rowmax'?"},
      {Message::NoSuchWord, body("let a = sinh(f);"), "3:9: there is no 'sinh' in this language; write (exp(x)"},
      {Message::NoSuchWord, body("let a = fmax(f, f);"), "3:9: there is no 'fmax' in this language; write max(x, y)"},
      {Message::UnknownKernel, two, "0:0: no kernel 'c' in this file; it has a, b", named("c")},
      {Message::ChooseKernel, two, "0:0: this file has several kernels; choose one of a, b"},
      {Message::NoKernel, "fn a() = 1;", "0:0: this file has no kernel"},
      {Message::NotOptional, kernelOf(""), "'Y' is not an optional view of 'k'", notOptional},
  };
}

static std::vector<Row> specialisationRows() {
  CompileOptions alignment;
  alignment.alignment["X"] = 3;
  const std::string tuned = generic("", "tune { B: {16, 32} = 16; }");
  return {
      {Message::UnknownSetting, tuned, "kernel 'k' has no parameter 'C'; it has B", set({{"C", "1"}})},
      {Message::MissingParameter, generic("<T: f16 | f32>", ""),
       "1:10: parameter 'T' has no value; set it, for example T=f16"},
      {Message::BadSetting, generic("<T: f16 | f32>", ""), "must be one of f16, f32, found 'f64'", set({{"T", "f64"}})},
      {Message::BadIntegerSetting, generic("<D: int>", ""), "parameter 'D' must be an integer of 64 bits, found '6x'",
       set({{"D", "6x"}})},
      {Message::BadIntegerSetting, generic("<D: int>", ""), "parameter 'D' must be an integer of 64 bits, found '1111",
       set({{"D", std::string(1000000, '1')}})},
      {Message::BadSetting, tuned, "2:8: parameter 'B' must be one of {16, 32}, found '64'", set({{"B", "64"}})},
      {Message::NotAChoice, generic("", "tune { B: {16} = 32; }"), "2:8: 'B' = 32 is not among its choices {16}"},
      {Message::UnknownTunable, generic("", "tune { B: {1} = 1; when true { C = 1; } }"), "2:32: 'C' is not declared"},
      {Message::UnknownTarget, generic("", "tune { on sm_81 {} }"),
       "2:11: unknown target 'sm_81', did you mean 'sm_80'?"},
      {Message::TuneConstraint, generic("", "tune { B: {16} = 16; where B > 16; }"),
       "2:30: the constraint B > 16 does not hold: B is 16"},
      {Message::RequireFails, generic("<D: int>", "require D >= 1 && D % 8 == 0"),
       "2:25: (D % 8) == 0 is required and does not hold: D is 12\n", set({{"D", "12"}})},
      {Message::RequireFails, generic("<D: int, T: f32 | f16>", "require T == f16 || D > max(D, 7)"),
       "does not hold: T is f32, D is 6\n", set({{"D", "6"}, {"T", "f32"}})},
      {Message::NotConstant, generic("", "tune { B: {16} = 16; where B > N; }"), "'B > N' is known at launch only"},
      {Message::TuneExtent, generic("<T: f32>", "tune { B: {16} = 16; when N > 3 || T == f32 { B = 16; } }"),
       "2:33: '(N > 3) || (T == f32)' uses an extent", set({{"T", "f32"}})},
      {Message::TuneExtent, generic("", "tune { B: {16} = 16; when N > B { B = 16; } }"), "2:29: 'N > B' uses an"},
      {Message::TuneStorage, generic("", "tune { when !paged(N) {} }"), "2:14: 'paged(N)' asks how a host stores"},
      {Message::TuneStorage, generic("", "tune { when ragged(X, X) || true {} }"),
       "2:13: 'ragged(X, X)' asks how a host stores a view: write ragged(V), where V is a view of this kernel\n"},
      {Message::TuneKey, generic("", "tune { B: {16} = 16; key N, B; }"), "2:29: 'B' is no part of a key"},
      {Message::NotConstant, body("let a = iota(n);"), "3:14: expected a compile-time constant: 'n'"},
      {Message::NotConstant, body("let a = pow2(n);"), "3:14: expected a compile-time constant: 'n'"},
      {Message::HostExpression, generic("", "require exp(N) > 2"), "'exp(N) > 2' is evaluated before a launch"},
      {Message::BadWarps, generic("", "tune { warps: {64} = 64; }"), "'warps' must be 1 to 32, found 64"},
      {Message::BadWalk, generic("", "tune { walk: {0, 2} = 0; }"),
       "'walk', the instances along the first axis that go"},
      {Message::BadTurns, generic("", "tune { turns: {2} = 2; }"), "'turns', whether warpgroups issue products one"},
      {Message::BadStages, generic("", "tune { stages: {0} = 0; }"), "'stages' must be 1 to 8, found 0"},
      {Message::BadAlignment, tuned, "the alignment of 'X' must be 1, 2, 4, 8 or 16, found 3", alignment},
  };
}

static std::vector<Row> typeRows() {
  const std::string tile = "let t = fill<f32>[8, 16](0);\n";
  return {
      {Message::TypeMismatch, body("let a = f + n;"),
       "3:11: '+' needs operands of one type, found f32 and i32; convert one"},
      {Message::TypeMismatch, body("let a = true == 1;"), "found true and the integer 1"},
      {Message::ShapeMismatch, body(tile + "let a = t + fill<f32>[8](0);"),
       "shapes [8, 16] and [8] do not agree; add a dimension"},
      {Message::ShapeMismatch, body(tile + "let a = t + fill<f32>[8, 8](0);"),
       "4:11: '+': shapes [8, 16] and [8, 8] do not agree\n"},
      {Message::NeedsFloat, body("let a = sqrt(n);"), "3:9: 'sqrt' needs floats, found i32"},
      {Message::F8Arithmetic, body("let b = fill<f8e4m3>[8, 8](1); let a = b + b;"),
       "3:42: '+' does not take a tile of f8e4m3[8, 8]: floats of 8 bits are stored, cast, chosen by where and "
       "multiplied"},
      {Message::F8Arithmetic, body("let a = cast<f8e5m2>(f) == 0;"), "'==' does not take f8e5m2"},
      {Message::F8Arithmetic, body("let a = -cast<f8e5m2>(f);"), "'-' does not take f8e5m2"},
      {Message::F8Arithmetic, body("let a = exp(cast<f8e5m2>(f));"), "'exp' does not take f8e5m2"},
      {Message::F8Arithmetic, body("let a = rowsum(fill<f8e5m2>[8, 8](1));"), "'rowsum' does not take"},
      {Message::F8Arithmetic, body("let a = sum(fill<f8e5m2>[8, 8](1));"), "'sum' does not take"},
      {Message::F8Arithmetic, kernelOf("let a = rowreduce(g, fill<f8e4m3>[8, 8](1));", "fn g(x, y) -> f8e4m3 = x;\n"),
       "'rowreduce' does not take"},
      {Message::F8Scalar, "kernel k(X: view<f32>[N], s: f8e4m3) grid (N) |i| {}",
       "1:27: 's': a scalar argument cannot be f8e4m3; take f32, and cast it in the kernel"},
      {Message::LiteralDoesNotFit, body("let a = cast<f8e4m3>(1000.0);"), "3:9: the float 1000.0 does not fit f8e4m3"},
      {Message::LiteralDoesNotFit, body("let a = fill<f8e4m3>[8](inf);"), "does not fit f8e4m3"},
      {Message::NeedsInteger, body("let a = f % f;"), "3:11: '%' needs integers, found f32"},
      {Message::NeedsNumber, body("let a = -(n < 1);"), "3:9: '-' needs numbers, found bool"},
      {Message::NeedsBool, body("let a = n && true;"), "3:11: '&&' needs bool, found i32"},
      {Message::NeedsTile, body("let a = rowmax(f);"), "3:16: 'rowmax' needs a tile of rank 2, found f32"},
      {Message::NeedsScalar, body("for j in 0..f {}"), "3:13: a loop's bound must be a scalar of type i32, found f32"},
      {Message::LiteralKind, body("let a = n + 1.5;"), "3:11: found the float 1.5 where i32 is needed"},
      {Message::LiteralKind, body("let a = (n < 1) == 5;"), "found the integer 5 where bool is needed; compare it"},
      {Message::LiteralKind, body("let a = f + true;"), "found true where f32 is needed\n"},
      {Message::LiteralDoesNotFit, body("let a = n + 3000000000;"), "the integer 3000000000 does not fit i32"},
      {Message::LiteralDoesNotFit, body("let a = cast<f16>(1e30);"), "3:9: the float 1e+30 does not fit f16"},
      {Message::ArgumentCount, body("let a = dot(f);"), "3:9: 'dot' takes 2 or 3 arguments, found 1"},
      {Message::ArgumentCount, body("let a = exp(f, f);"), "3:9: 'exp' takes 1 arguments, found 2"},
      {Message::ArgumentType, kernelOf("let a = g(n);", "fn g(x: f32) = x;\n"),
       "4:11: 'g': argument 'x' must be f32, found i32"},
      {Message::BadCast, body("let a = cast<bool>(n);"), "3:9: cannot cast i32 to bool; compare with 0 instead"},
      {Message::NoField, body("let a = coord(0, 0, 0, 0, 1, 1).x;"), "a coord has no field 'x' (b, h, q, k, Sq, Sk)"},
      {Message::DotTypes, body("let a = dot(f, f);"), "dot needs two tiles of one type, a float or i8"},
      {Message::DotTypes, body("let u = fill<u8>[16, 16](200); let a = dot(u, u);"), "found a tile of u8[16, 16] and"},
      {Message::DotTypes, body("let s = fill<i8>[8, 8](1); let a = dot(s, s, fill<u32>[8, 8](0));"),
       "an accumulator of i32, found a tile of i8[8, 8] and a tile of u32[8, 8]; convert with cast<>"},
      {Message::DotMode, body(tile + "let a = dot<fp16>(t, t);"),
       "4:13: 'fp16' is no mode of dot; of f32 there are ieee (as without one), tf32 and tf32x3"},
      {Message::DotShapes, body(tile + "let a = dot(t, t);"), "4:9: dot: [8, 16] times [8, 16] do not agree"},
      {Message::DivisionByZero, body("let a = n / 0;"), "3:11: division by zero"},
      {Message::DivisionByZero, "kernel k(X: view<f32>[N]) grid (N % 0) |i| {}", "1:35: division by zero"},
      {Message::DivisionByZero, "kernel k(X: view<f32>[4 / 0]) grid (1) |i| {}", "1:25: division by zero"},
      {Message::Overflow, body("let a = 9223372036854775807 + 1;"), "3:29: this constant overflows 64 bits"},
      {Message::ResultType, kernelOf("let a = g(n);", "fn g(x) -> f32 = x;\n"),
       "1:18: 'g' is declared to give f32, but its body gives i32"},
      {Message::NotAValue, body("let a = X;"), "3:9: the view 'X' (read it with load) cannot be used as a value"},
      {Message::NotAValue, body("let a = f32;"), "3:9: the type f32 cannot be used as a value"},
  };
}

static std::vector<Row> bitRows() {
  return {
      {Message::TypeMismatch, body("let a = cast<u32>(n) + n;"),
       "3:22: '+' needs operands of one type, found u32 and i32"},
      {Message::LiteralDoesNotFit, body("let a = cast<u8>(n) + 256;"), "the integer 256 does not fit u8"},
      {Message::LiteralDoesNotFit, body("let a = cast<u32>(n) & -1;"), "the integer -1 does not fit u32"},
      {Message::NeedsInteger, body("let a = f & f;"), "3:11: '&'"},
      {Message::NeedsInteger, body("let a = 1.5 << 2;"), "3:13: '<<'"},
      {Message::Overflow, body("let a = 1 << 63;"), "3:11: this constant overflows 64 bits"},
      {Message::ArgumentType, body("let a, b, c, d = philox(1, n, 0, 0, 0);"),
       "3:28: 'philox': argument '2' must be u32, found i32"},
      {Message::ArgumentType, body("let a = philox16(f, 0, 0, 0, 0);"),
       "3:18: 'philox16': argument '1' must be i64, found f32"},
      {Message::SeveralValues, body("let a = philox(1, 0, 0, 0, 0);"),
       "3:9: 'philox' gives 4 values, here one is needed; write let a, b, c, d = philox(...)"},
      {Message::HostExpression, "kernel k(X: view<f32>[N]) grid (N >> 2) |i| {}",
       "'N >> 2' is evaluated before a launch"},
      {Message::StoreType, body("store Y[0, 0] = cast<u32>(n);"), "cannot store u32 to 'Y' of f32"},
  };
}

static std::vector<Row> joinedRows() {
  return {
      {Message::JoinForm, body("let P = X[(:, 3)];"),
       "3:11: indices in brackets make one dimension of a part of a view"},
      {Message::JoinForm, body("let P = X[(:)];"), "3:11: indices in brackets"},
      {Message::JoinForm, body("let P = X[(:, :, 0 .. n)];"), "3:11: indices in brackets"},
      {Message::JoinForm, body("let a = load X[(0 :+ 4, 0 :+ 4)];"), "3:17: indices in brackets"},
      {Message::JoinForm, "kernel k(X: view<f32>[N, 4, N, 4]) grid (1) |i| {\nlet P = X[(:, :), (:, :)];\n}",
       "2:20: indices in brackets"},
      {Message::JoinedPart, body("let P = X[(:, 0 .. n)];\nlet R = P[0 .. 4];"),
       "4:9: 'P' has two dimensions that are walked as one"},
      {Message::IndexCount, body("let P = X[(:, :)];\nlet a = load P[0, 0];"), "'P' has 1 dimensions, found 2 indices"},
      {Message::WholeNeedsConstant, body("let P = X[(:, :)];\nlet a = load P[:];"), "4:16: ':' needs an extent"},
      {Message::SliceOfTile, body("let P = X[(:, :)];\nlet a = load P[iota(4) :+ 4];"), "a slice start :+ SIZE begins"},
      {Message::StoreToInput, body("let P = X[(:, :)];\nstore P[0 :+ 4] = 1.0;"), "'P' is an input"},
      {Message::ExtentDimension, body("let P = X[(:, :)];\nlet a = extent(P, 1);"), "needs a d from 0 below 1"},
  };
}

static std::vector<Row> importRows() {
  auto imports = [](const std::string &word) { return "import \"" + word + "\";\n"; };
  return {
      {Message::UnfinishedText, "import \"masks.tile;\n", "1:8: the name of what is imported ends with a quote"},
      {Message::Expected, "import masks;", "1:8: expected the name of a file in quotes, found 'masks'"},
      {Message::Expected, "import \"masks.tile\" fn f() = 1;", "1:21: expected ';', found 'fn'"},
      {Message::ImportPlace, "fn f() = 1;\n" + imports("masks.tile"), "2:8: imports stand before all declarations"},
      {Message::ImportNotFound, imports("none.tile"), "1:8: cannot import 'none.tile': there is no such text"},
      {Message::ImportNotFound, imports("circle.tile"),
       "1:8: cannot import 'circle.tile': it leads in a circle: circle.tile imports circle.tile"},
      {Message::ImportNotFound, imports("test.tile"), "it leads in a circle: test.tile imports test.tile"},
      {Message::ImportClash, imports("hooks.tile") + "fn twice(x) = x;",
       "1:8: 'twice' is declared in this file and in 'hooks.tile'"},
      {Message::ImportClash, imports("hooks.tile") + imports("twice.tile"),
       "2:8: 'twice' is declared in 'hooks.tile' and in 'twice.tile'"},
      {Message::ImportClash, imports("twice.tile") + imports("twice.tile"), "2:8: 'twice' is declared in 'twice.tile'"},
      {Message::ExpectedExpression, imports("broken.tile"), "1:14: expected an expression, found ';'"},
      {Message::UnknownFunction, imports("hooks.tile") + kernelOf("let a = late(f);"), "unknown function 'late'"},
      {Message::UnknownFunction, imports("stray.tile") + kernelOf("let a = f(n);", "fn g(x) = x;\n"),
       "1:11: unknown function 'g'"},
      {Message::UnknownKernel, imports("hooks.tile") + kernelOf(""), "no kernel 'other' in this file", named("other")},
      {Message::UnknownHook, imports("hooks.tile") + kernelOf(""), "no hook 'sene' in this file; it has seen",
       hook("sene", "twice")},
      {Message::ForeignCharacter, body("let a = \"text\";"), "3:9: there is no '\"' in this language; it has no texts"},
  };
}

static std::vector<Row> derivativeRows() {
  const std::string tile = "let t = load X[0 :+ 64, :];\n";
  auto of = [&](const std::string &call, const std::string &functions) {
    return kernelOf(tile + "let a = derivative(" + call + ");", functions + "\n");
  };
  return {
      {Message::DerivativeName, body("let a = derivative(exp, f);"),
       "3:20: 'derivative' needs the name of a function that gives one value before the arguments, found 'exp'"},
      {Message::DerivativeName, body("let a = derivative();"), "3:9: 'derivative' needs the name of a function"},
      {Message::DerivativeName, of("g, f", "fn g(x) { return x, x; }"), "found 'g'"},
      {Message::DerivativeName, of("g, f", "fn g(c)(x) = c * x;"), "found 'g': derivative(f, x), or with"},
      {Message::DerivativeName, of("g(f), f", "fn g(x) = x;"), "found 'g(f)'"},
      {Message::ArgumentCount, of("g, f, f", "fn g(x) = x;"), "'g' takes 1 arguments, found 2"},
      {Message::NeedsFloat, of("g, n", "fn g(x) = x;"), "'derivative' needs floats, found i32"},
      {Message::DerivativeOf, of("g, f", "fn g(x) = x < 1;"),
       "5:20: 'g' cannot be differentiated by its first argument: it gives bool"},
      {Message::DerivativeOf, of("g, t", "fn g(x) = x - rowmax(x)[:, _];"),
       "it takes rowmax of what is made of it\n1:15: here\n"},
      {Message::DerivativeOf, of("g, t", "fn h(a, b) = a + b;\nfn g(x) = colscan(h, x);"),
       "6:20: 'g' cannot be differentiated by its first argument: it takes colscan of what is made of it\n2:11: "
       "here\n"},
      {Message::DerivativeOf, of("g, t", "fn g(x) = dot(x, x);"), "it takes dot of what is made of it"},
      {Message::DerivativeOf, of("g, t", "fn g(x) = x + x.T;"), "it takes .T of what is made of it\n1:17: here\n"},
      {Message::DerivativeOf, of("g, load X[0, :]", "fn g(x) = x[:, _] * x[_, :];"),
       "it makes both a row and a column of what is made of it"},
      {Message::DerivativeOf,
       of("g, f", "fn g(x) { var s = x; for k in 0..2 { s = s + sum(fill<f32>[4](s)); } return s; }"),
       "it takes rowsum of what is made of it"},
      {Message::UnknownHookFunction, useHook(), "no function 'softcpa'", hook("mask", "derivative(softcpa(1), f) > 0")},
  };
}

static std::vector<Row> functionRows() {
  return {
      {Message::CombinerName, body("let a = rowreduce(X, 1);"),
       "3:19: 'rowreduce' needs the name of a function of this file "
       "before its tiles, found 'X'"},
      {Message::CombinerName, body("let a = colscan();"),
       "3:9: 'colscan' needs the name of a function of this file before "
       "its tiles, found nothing"},
      {Message::CombinerName, body("let a = rowscan(max, load X[0 :+ 4, :]);"),
       "3:17: 'rowscan' needs the name of a function"},
      {Message::CombinerShape, kernelOf("let x = load X[0 :+ 4, :]; let a = rowscan(g, x, x);", "fn g(a, b) = a;\n"),
       "4:44: 'rowscan' of 2 tiles: 'g' must take 4 values (those of one place, then those of a later one) and give 2; "
       "it "
       "takes 2 and gives 1"},
      {Message::CombinerShape, kernelOf("let x = load X[0 :+ 4, :]; let a = rowscan(g, x);", "fn g(c)(a, b) = a;\n"),
       "it takes 3 and gives 1"},
      {Message::CombinerResult, kernelOf("let x = load X[0 :+ 4, :]; let a = rowscan(g, x);", "fn g(a, b) = a < b;\n"),
       "1:16: 'g': value 1 must be f32, as the tile's elements are, found bool"},
      {Message::CombinerBody,
       kernelOf("let x = load X[0 :+ 4, :]; let a = colreduce(g, x);",
                "fn g(a, b) { var s = a; if a < b { s = b; } return s; }\n"),
       "4:46: 'g' combines single elements in 'colreduce': no loads, tiles, loops or branches at run time"},
      {Message::CombinerBody,
       kernelOf("let x = load X[0 :+ 4, :]; let a = colreduce(g, x);", "fn g(a, b) = a * sum(fill<f32>[4](b));\n"),
       "'g' combines single elements in 'colreduce'"},
      {Message::ShapeMismatch,
       kernelOf("let a, b = rowscan(g, load X[0 :+ 4, :], load X[0 :+ 8, :]);", "fn g(a, b, c, d) { return a, b; }\n"),
       "4:47: 'rowscan': shapes [4, 64] and [8, 64] do not agree"},
      {Message::NeedsTile, kernelOf("let a = rowscan(g, iota(8));", "fn g(a, b) = a;\n"),
       "4:20: 'rowscan' needs a tile"},
      {Message::SeveralValues,
       kernelOf("let x = load X[0 :+ 4, :]; let a = rowscan(g, x, x);", "fn g(a, b, c, d) { return a, b; }\n"),
       "'rowscan' gives 2 values, here one is needed"},
      {Message::NeedsAnyTile, body("let a = sum(f);"), "3:13: 'sum' needs a tile, found f32"},
      {Message::NeedsNumber, body("let a = max(iota(4) < 2);"), "'max'"},
      {Message::ResultCount, "fn g(x) -> f32 { return x, x; }",
       "1:4: 'g' is declared to give 1 values, but its body gives 2"},
      {Message::SeveralValues, kernelOf("let a = g(n);", "fn g(x) { return x, x, x; }\n"),
       "4:9: 'g' gives 3 values, here one is needed; write let a, b, c = g(...)"},
      {Message::SeveralValues, kernelOf("let a, b, c = g(n);", "fn g(x) { return x, 1; }\n"),
       "4:15: 'g' gives 2 values, here 3 are needed; write let a, b = g(...)"},
      {Message::NamesNeedCall, body("let a, b = n;"),
       "3:12: 2 names need a function that gives as many values, found i32"},
      {Message::NamesNeedCall, body("let a, b = exp(f);"),
       "3:12: 2 names need a function that gives as many values, found f32"},
      {Message::ResultType, kernelOf("let a, b = g(n);", "fn g(x) -> i32, f32 { return x, x; }\n"),
       "1:33: 'g' is declared to give f32, but its body gives i32"},
      {Message::Duplicate, kernelOf("let a, a = g(n);", "fn g(x) { return x, x; }\n"), "4:5: 'a' is declared twice"},
      {Message::NotAVariable, kernelOf("let a = g(n);", "fn g(x) { x = 1; return x; }\n"),
       "1:11: 'x' cannot be assigned"},
      {Message::HidesVariable,
       kernelOf("let a = g(n);", "fn g(x) { var s = x; for i in 0..x { let s = 1; } return s; }\n"),
       "1:42: 's' hides the variable"},
      {Message::Recursion, kernelOf("let a, b = g(n);", "fn g(x) { let a, b = g(x); return a, b; }\n"),
       "1:22: 'g' calls itself"},
  };
}

static std::vector<Row> tileRows() {
  CompileOptions inOrder;
  inOrder.deterministic = true;
  const std::string optional = "kernel k(X: view<f32>[N], L: out? view<f32>[N]) grid (1) |i| {\nstore L[0] = 1.0;\n}";
  return {
      {Message::TileExtent, body("let a = iota(0);"), "a tile's extent must be 1 to 65536, found 0"},
      {Message::TileTooLarge, body("let a = fill<f32>[65536, 65536](0);"), "a tile may have 1048576 elements"},
      {Message::TileRank, body("let a = fill<f32>[2, 2, 2](0);"), "a tile has 1 or 2 dimensions, found 3"},
      {Message::NotAView, body("let a = load f[0];"), "3:14: 'f' is not a view"},
      {Message::ViewExtent, "kernel k<D: int>(X: view<f32>[D]) grid (1) |i| {}",
       "an extent of 'X' must be 1 to 2147418112, here D is 0", set({{"D", "0"}})},
      {Message::IndexCount, body("let a = load X[0];"), "'X' has 2 dimensions, found 1 indices"},
      {Message::IndexTileType, body("let a = load X[cast<i64>(iota(8)), 0];"), "convert it with cast<i32>(...)"},
      {Message::IndexTileType, body("let a = load X[cast<u32>(iota(8)), 0];"), "found a tile of u32[8]; convert"},
      {Message::SliceOfTile, body("let a = load X[iota(8) :+ 8, 0];"), "add iota to the tile instead"},
      {Message::IndexTileRanks, body("let a = load X[iota(8)[:, _], 0 :+ 8];"), "no slices, ':' or tiles of rank 1"},
      {Message::IndexTileShapes, body("let a = load X[iota(8)[:, _], iota(4)[:, _]];"), "do not meet"},
      {Message::RangeInLoad, body("let a = load X[0 .. 8, 0];"), "let P = V[lo .. hi]"},
      {Message::PartOfOneElement, body("let a = X[0, 1];"), "load it, or keep a dimension"},
      {Message::ExtentDimension, body("let a = extent(X, 2);"), "a d from 0 below 2"},
      {Message::WholeNeedsConstant, body("let a = load X[:, 0];"), "3:16: ':' needs an extent known at compile time"},
      {Message::AddToOutput, body("store Y[0, 0] += 1.0;"), "3:7: 'Y' is an output; what it holds counts"},
      {Message::AddType, added("i8", "1"), "'V' of i8 cannot be added to"},
      {Message::AddType, added("u8", "1"), "'V' of u8 cannot be added to"},
      {Message::AddMixed, added("f32", "load V[1]"), "'V' is added to here or in line 3"},
      {Message::AddMixed, added("f32", "1; store V[1] = 1"), "3:24: 'V' is added to here or in line 3"},
      {Message::AddInOrder, added("f16", "1"), "3:7: 'V' of f16 is added to in an order", inOrder},
      {Message::Unsupported, added("bf16", "1"), "3:7: adding bf16 in memory on sm_80 (from sm_90 on it is"},
      {Message::StoreToInput, body("store X[0, 0] = 1.0;"), "3:7: 'X' is an input; declare it 'out view<...>'"},
      {Message::LoadFromOutput, body("let a = load Y[0, 0];"), "'Y' is an output; what it holds cannot be loaded"},
      {Message::StoreType, body("store Y[0, 0] = n;"), "3:17: cannot store i32 to 'Y' of f32; convert it with cast<>"},
      {Message::StoreShape, body("store Y[0, :] = fill<f32>[8](0);"),
       "cannot store a tile [8] into a slice [64] of 'Y'"},
      {Message::AbsentView, optional, "2:7: 'L' is left out here; use it inside 'if L { ... }'"},
  };
}

static std::vector<Row> statementRows() {
  const std::string noCall = kernelOf("for j in tiles(N, 16) visible(mask) {}", kHooks);
  std::string chain = "fn f0(x) = x;\n", doubling = "fn f0(x) = x;\n", wide = "fn g(x) = x;\nfn f0(x) = x;\n";
  for (int i = 1; i <= 70; ++i)
    chain += "fn f" + std::to_string(i) + "(x) = f" + std::to_string(i - 1) + "(x);\n";
  for (int i = 1; i <= 30; ++i) {
    std::string callee = "f" + std::to_string(i - 1);
    doubling += "fn f" + std::to_string(i) + "(x) = " + callee + "(x) + " + callee + "(x);\n";
    wide += "fn f" + std::to_string(i) + "(x) = " + repeat("g(", 60) + callee + "(x)" + repeat(")", 60) + ";\n";
  }
  std::string nested = "fn f0(x) = x;\n", branching = nested;
  for (int i = 1; i <= 20; ++i)
    nested += "fn f" + std::to_string(i) + "(x) { var s = x; for k in 0..2 { s = f" + std::to_string(i - 1) +
              "(s); } return s; }\n";
  for (int i = 1; i <= 30; ++i)
    branching += "fn f" + std::to_string(i) + "(x) { var s = x; " + repeat("if s < 1 { ", 10) + "s = f" +
                 std::to_string(i - 1) + "(s);" + repeat(" }", 10) + " return s; }\n";
  return {
      {Message::TooMany, kernelOf("let a = f20(f);", nested), "loops in one another: 16 at most"},
      {Message::TooDeep, kernelOf("let a = f30(f);", branching), "nested more than 200 deep"},
      {Message::HidesVariable, body("var s = 0;\nfor j in 0..4 { let s = s + 1; }"),
       "4:21: 's' hides the variable of that name in an outer block; assign to it with 's = ...'"},
      {Message::HidesVariable, body("var s = 0;\nif n < 1 { var s = 1; }"), "4:16: 's' hides the variable"},
      {Message::HidesVariable, body("var s = 0;\nfor s in 0..4 { }"), "4:5: 's' hides the variable"},
      {Message::NotAVariable, body("let a = 1;\na = 2;"), "4:1: 'a' cannot be assigned: declare it with var"},
      {Message::VariableType, body("var a = 1;\na = f;"), "4:1: 'a' is i32 and cannot become f32"},
      {Message::ConditionType, body("if iota(4) < 2 {}"),
       "a condition must be a scalar bool, found a tile of bool[4]; choose element"},
      {Message::ConditionType, generic("", "tune { B: {1} = 1; where B; }"),
       "2:26: a condition must be a scalar bool, found 'B'"},
      {Message::VisibleUnused, noCall, "visible(mask): the loop never calls mask directly"},
      {Message::VisibleNotHook, kernelOf("for j in tiles(N, 16) visible(causal) {}", kHooks),
       "'causal' is not a hook of one coord"},
      {Message::Recursion, kernelOf("let a = g(n);", "fn g(x) = g(x);\n"), "1:11: 'g' calls itself"},
      {Message::InliningTooDeep, kernelOf("let a = f70(n);", chain), "functions call each other more than 64 deep"},
      {Message::TooManyOperations, kernelOf("let a = f30(n);", doubling),
       "this kernel takes more than 200000 operations"},
      {Message::TooDeep, kernelOf("let a = f30(n);", wide), "nested more than 1000 deep"},
  };
}

static std::vector<Row> allRows() {
  std::vector<Row> rows;
  for (auto part : {lexerRows, parserRows, nameRows, hookRows, varyingRows, specialisationRows, typeRows, bitRows,
                    importRows, joinedRows, derivativeRows, functionRows, tileRows, statementRows, foreignRows})
    for (Row &row : part())
      rows.push_back(std::move(row));
  return rows;
}

/// The longest piece of a message's format that has no {0} in it.
static std::string longestFixedPart(const std::string &format) {
  std::string longest;
  for (size_t begin = 0; begin < format.size();) {
    size_t end = std::min(format.find('{', begin), format.size());
    if (end - begin > longest.size())
      longest = format.substr(begin, end - begin);
    begin = std::min(format.find('}', end), format.size()) + 1;
  }
  return longest;
}

TEST(Errors, EveryRowGivesItsMessage) {
  for (const Row &row : allRows()) {
    std::string shown = row.text.substr(0, 400);
    Emitted result = emit(row.text, row.options);
    EXPECT_EQ(result.ir, "") << shown;
    EXPECT_NE(result.errors.find(row.expected), std::string::npos)
        << shown << "\nexpected: " << row.expected << "\nfound:    " << result.errors.substr(0, 2000);
    std::string part = longestFixedPart(formatOf(row.id));
    EXPECT_NE(result.errors.find(part), std::string::npos) << shown << "\nnot the message it names: " << part;
    EXPECT_LE(result.errorCount, kMaxErrors) << shown;
  }
}

TEST(Errors, EveryIdHasARow) {
  std::set<Message> covered;
  for (const Row &row : allRows())
    covered.insert(row.id);
#define IMBREX_ERROR(id, format) EXPECT_TRUE(covered.contains(Message::id)) << #id << " has no row";
#include "compiler/frontend/Errors.def"
}

TEST(Errors, SeveralARun) {
  Emitted result = emit(kernelOf("let a = ;\nlet b = 1 +;\nlet c = (2;\nlet d = 3;"));
  EXPECT_EQ(result.errorCount, 3u) << result.errors;
  result = emit(kernelOf("let a = nope;\nlet b = a + 1;\nlet c = f + n;"));
  EXPECT_EQ(result.errorCount, 2u) << "what follows from a poisoned value is silent\n" << result.errors;
  result = emit("kernel k<T: f16 | f32>(X: out view<T>[N])\ngrid (N) |i| { store X[i] = nope; }");
  EXPECT_EQ(result.errorCount, 2u) << "a type without a value does not hide the rest\n" << result.errors;
  result = emit("kernel k<D: int>(X: out view<f32>[D])\ntune { B: {1} = 1; when D > 4 { B = 1; } }\ngrid (D) |i| {}");
  EXPECT_EQ(result.errorCount, 1u) << "what follows from a missing integer is silent\n" << result.errors;
}

TEST(Errors, AWrongSettingOfADeclaredTunableIsToldOnce) {
  CompileOptions options;
  options.set["warps"] = "few";
  EXPECT_EQ(emit(kernelOf("let a = 1;"), options).errorCount, 1u) << "not declared";
  EXPECT_EQ(emit("kernel k(X: out view<f32>[N])\ntune { warps: {1, 2} = 1; }\ngrid (N) |i| {}", options).errorCount,
            1u);
}

TEST(Errors, NothingIsSaidOfWhatIsBehindTheDeepest) {
  for (const std::string &text : {body("let a = " + repeat("-(", 250) + "1" + repeat(")", 250) + ";"),
                                  body(repeat("if true {", 250) + repeat("}", 250)), body(repeat("if f(", 250))}) {
    Emitted result = emit(text);
    EXPECT_EQ(result.errorCount, 1u) << result.errors;
  }
}

TEST(Errors, LoopsInOneAnother) {
  auto nested = [](unsigned depth) {
    std::string text;
    for (unsigned i = 0; i < depth; ++i)
      text += "for j" + std::to_string(i) + " in 0..2 { ";
    return kernelOf(text + "let a = 1;" + std::string(depth, '}'));
  };
  EXPECT_EQ(emit(nested(kMaxLoops)).errors, "");
  EXPECT_NE(emit(nested(kMaxLoops + 1)).errors.find("loops in one another: 16 at most"), std::string::npos);
}

TEST(Errors, NoMoreThanTheMost) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "let a" + std::to_string(i) + " = nope;\n";
  EXPECT_EQ(emit(kernelOf(text)).errorCount, kMaxErrors);
  EXPECT_EQ(emit(std::string(1000, '$')).errorCount, kMaxErrors);
}
