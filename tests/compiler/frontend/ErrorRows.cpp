//===- ErrorRows.cpp - Mistakes in bindings, and words of other languages -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of ErrorsTest.cpp's table.
//
//===----------------------------------------------------------------------===//

#include "ErrorRows.h"

using namespace imbrex;
using namespace imbrex::test;

std::vector<Row> test::hookRows() {
  return {
      {Message::UnknownHook, useHook(), "0:0: no hook 'msk' in this file; it has mask", hook("msk", "causal")},
      {Message::UnknownHookFunction, useHook(),
       "1:1: hook 'mask': no function 'casual' in this file, did you mean 'causal'?", hook("mask", "casual")},
      {Message::HookResult, useHook(), "hook 'mask' gives bool, but here its function gives the integer 3",
       hook("mask", "1 + 2")},
      {Message::BindingEnd, useHook(), "1:8: a hook's binding ends after one expression, here follows 'at'",
       hook("mask", "causal at")},
      {Message::HookOfHook, useHook(), "1:1: hook 'mask': 'mask' is a hook itself; bind a function",
       hook("mask", "mask")},
      {Message::Recursion, useHook(), "1:1: 'mask' calls itself", hook("mask", "mask(at) && causal(at)")},
      {Message::UnknownHookFunction, useHook(), "1:15: hook 'mask': no function 'near' in this file",
       hook("mask", "causal(at) && near(ids)(at)")},
      {Message::UntypedCapture, useHook(),
       "1:22: hook 'mask': unknown name 'most'; to make it an argument of the launch, hand it to a function",
       hook("mask", "causal(at) && at.k < most")},
      {Message::UntypedCapture, useHook(), "1:5: hook 'mask': unknown name 'x'", hook("mask", "two(x, true)")},
      {Message::CapturedLoad, useHook(), "1:6: hook 'mask': unknown view 'ids'; to make it an argument",
       hook("mask", "load ids[at.k] == 1")},
      {Message::CapturedTwice, useHook(), "1:64: 'x' cannot be i32 and view<i32>[M] in one launch; take two names",
       hook("mask", "fn f(a: view<i32>[M])(at) = load a[0] == 1; window(x)(at) && f(x)(at)")},
      {Message::HostScalar, useHook(), "'f' is a scalar argument: an extent of a view is made of integers",
       hook("mask", "fn g(a: view<i32>[f])(at) = load a[0] == 1; g(x)")},
      {Message::HostExpression, useHook(), "1:19: '1.50' is evaluated before a launch",
       hook("mask", "fn g(a: view<i32>[1.5])(at) = load a[0] == 1; g(x)")},
      {Message::ArgumentType, useHook(),
       "'g': argument 'a' must be a view<f32>[M], found a view of i32 with 1 dimensions",
       hook("mask", "fn g(a: view<f32>[M])(at) = load a[0] == 1; g(I)")},
      {Message::ArgumentType, useHook(), "'g': argument 'a' must be a view<i32>[M, M], found a view of i32",
       hook("mask", "fn g(a: view<i32>[M, M])(at) = load a[0, 0] == 1; g(I)")},
      {Message::ArgumentType, useHook(), "'g': argument 'a' must be a view<i32>[M], found the integer 3",
       hook("mask", "fn g(a: view<i32>[M])(at) = load a[0] == 1; g(3)")},
      {Message::ExpectedExpression, useHook(), "1:8: expected an expression", hook("mask", "window(")},
      {Message::NumberTooLong, useHook(), "1:8: a number may have 256",
       hook("mask", "window(" + std::string(300, '1') + ")")},
      {Message::LiteralKind, useHook(), "1:8: found the float 1000.0 where i32 is needed; write an integer",
       hook("mask", "window(1e3)")},
      {Message::HookArgumentCount, useHook(), "'window' takes 1 arguments of its own, found 2",
       hook("mask", "window(1, 2)")},
      {Message::HookParameterCount, useHook(), "hook 'mask' has 1 parameters, but 'two' takes 2", hook("mask", "two")},
      {Message::ExtraCount, kernelOf("let a = window(1, n);", kHooks),
       "'window' takes 1 arguments in brackets of their own before the others, found 0; write window(left)(at)"},
      {Message::ExtraCount, kernelOf("let a = two(1)(2, 3);", kHooks), "found 1; write two(a, b)"},
      {Message::HookResult, useHook(), "hook 'mask' gives bool, but here its function gives the float 1.5",
       hook("mask", "number")},
  };
}

/// A kernel of views that a host may store as it likes, or not, with `cases` in its tune block.
static std::string tuned(const std::string &cases) {
  return "kernel k(X: view<f32>[B, S[B]], I: view<i32>[B, S[B]], Z: view<f32>[B], Y: out view<f32>[B, S[B]])\ntune { " +
         cases + " } grid (B) |i| {}";
}

std::vector<Row> test::varyingRows() {
  return {
      {Message::NothingVaries, kernelOf(""),
       "'I' has no extent that varies and cannot be ragged; views that have one, as in K: view<T>[B, S[B], D]: none",
       stored("I", "ragged")},
      {Message::NothingVaries, varying(""), "'Z' has no extent that varies and cannot be paged:4; views that have one",
       stored("Z", "paged:4")},
      {Message::ScaledStore, varying(""), "'Y' is stored to and cannot be scaled(dense,f8e4m3)",
       stored("Y", "scaled(dense,f8e4m3)")},
      {Message::ScaledType, "kernel k(X: view<i32>[B, S[B]]) grid (B) |i| {}",
       "1:10: 'X' is a view of i32 and cannot be scaled(padded,i8): what is scaled is a view of f16, bf16, f32 or f64",
       stored("X", "scaled(padded,i8)")},
      {Message::ScaledHeads, varying(""), "'X' cannot be scaled(ragged,i8,heads): it has no dimension but those",
       stored("X", "scaled(ragged,i8,heads)")},
      {Message::VaryingExtent, "kernel k(X: view<f32>[B, S[3]]) grid (1) |i| {}",
       "1:26: 'X': an extent S[B] varies along another extent of the view, B"},
      {Message::VaryingExtent, "kernel k(X: view<f32>[B, S[B], R[B]]) grid (1) |i| {}", "1:32: 'X': an extent R[B]"},
      {Message::LengthIndex, varying("let n = S[0, 1];"), "2:9: 'S[...]' is the length of one sequence: give"},
      {Message::BadTf32, "kernel k(Y: out view<f32>[N]) tune { tf32: {2} = 2; } grid (1) |i| {}",
       "1:38: 'tf32', the products of tf32 that stand for one of f32 where 'dot' states no mode, must be 0 (as it is), "
       "1 (as dot<tf32>) or 3 (as dot<tf32x3>), found 2"},
      {Message::BadResident, "kernel k(Y: out view<f32>[N]) tune { resident: {33} = 33; } grid (1) |i| {}",
       "'resident', the CTAs of a multiprocessor that go through all instances, must be 0 (a CTA for each instance) to "
       "32"},
      {Message::TuneNever, tuned("when scaled(Y) || true {}"),
       "2:13: 'scaled(Y)' never holds: 'Y' is stored to, and what is scaled is only read\n"},
      {Message::TuneNever, tuned("when !paged(Z) {}"),
       "2:14: 'paged(Z)' never holds: 'Z' has no extent that varies, as in K: view<T>[B, S[B], D]\n"},
      {Message::TuneNever, tuned("when scaled(I) {}"),
       "2:13: 'scaled(I)' never holds: 'I' is a view of i32, and what is scaled is one of floats\n"},
      {Message::StorageOperand, tuned("when scaled(X) == true {}"),
       "2:23: 'scaled(X) == true': whether a host stores a view so stands alone or as an operand of !, && and ||\n"},
      {Message::TuneExtent, tuned("when scaled(X) || B > 3 {}"), "2:23: 'scaled(X) || (B > 3)' uses an extent"},
      {Message::AlongVarying, varying("let x = load X[0 :+ 2, 0];"),
       "2:14: 'X' is stored by sequences: along the dimension of the sequences an access has one index",
       stored("X", "padded")},
  };
}

/// What other languages would have.
std::vector<Row> test::foreignRows() {
  return {
      {Message::ForeignCharacter, body("let a = ~n;"), "3:9: there is no '~' in this language; write x ^ -1"},
      {Message::NotDecimal, body("let a = 0x10;"), "3:9: numbers are decimal, found '0x10'"},
      {Message::NumberSuffix, body("let a = 1.5f;"), "3:9: a number has no suffix, found '1.5f'"},
      {Message::Conditional, body("let a = n > 0 ? 1 : 2;"), "3:15: there is no 'c ? x : y'; write where(c, x, y)"},
      {Message::Conditional, body("let a = f if n > 0 else 2;"), "3:11: there is no 'x if c else y'; write where"},
      {Message::WordOperator, body("if n > 0 and n < 5 { }"), "3:10: there is no operator 'and'; write &&"},
      {Message::Power, body("let a = f ** 2;"), "3:12: there is no '**'; write x * x"},
      {Message::PointAlone, body("let a = .5;"), "3:9: a number has digits on both sides of its point; write 0.5"},
      {Message::PointAlone, body("let a = 3.;"), "3:11: a number has digits on both sides of its point; write 3.0"},
      {Message::NoLists, body("let a = [1, 2];"), "3:9: there are no lists; a tile comes of load"},
      {Message::CompoundAssign, body("var a = n; a ^= 1;"), "3:14: there is no '^='; write a = a ^ ..."},
      {Message::CompoundAssign, body("var a = n; a <<= 1;"), "3:14: there is no '<<='; write a = a << ..."},
      {Message::CompoundAssign, body("var a = n; a >>= 1;"), "3:14: there is no '>>='; write a = a >> ..."},
      {Message::Increment, body("var a = n; a++;"), "3:13: there is no '++'; write a += 1"},
      {Message::Increment, body("var a = n; a--;"), "3:13: there is no '--'; write a -= 1"},
      {Message::TypeOfLet, body("let a: f32 = n;"),
       "3:6: a name takes the type of its value; write a = cast<f32>(...)"},
      {Message::TypeBeforeName, body("f32 a = 0;"), "3:1: a value gets a name by let, a variable by var; write let a"},
      {Message::StoreWord, body("Y[n, 0] = 1;"), "3:2: what is written to a view is stored; write store Y[...] = ..."},
      {Message::ViewIndices, body("let a = load X;"), "3:15: 'X' needs an index for each dimension of the view"},
      {Message::ViewIndices, body("store Y = 1;"), "3:9: 'Y' needs an index for each dimension of the view"},
      {Message::SliceForm, body("let a = load X[0:4, 0];"), "3:17: a slice is start :+ SIZE, with a constant SIZE"},
      {Message::LoopRange, body("for (j = 0; j < n; j += 1) { }"), "3:5: a loop is for j in lo..hi"},
      {Message::LoopRange, body("for j in n { }"), "3:12: a loop is for j in lo..hi"},
      {Message::LoopStep, body("for j in 0..n..2 { }"), "3:14: a loop counts by one"},
      {Message::EqualsInCondition, body("if n = 3 { }"), "3:6: '=' gives a value to a var; compare with '=='"},
      {Message::BodyBraces, body("if n > 3 store Y[0, 0] = 1;"), "3:10: the body of an if or a loop stands in braces"},
      {Message::TypedForm, body("let a = cast(f32, n);"), "3:9: 'cast' names the type that it makes; write cast<f32>"},
      {Message::TypedForm, body("let a = fill(0);"), "3:9: 'fill' names the type that it makes; write fill<f32>[N]"},
      {Message::ForeignType, body("let a = cast<float>(n);"), "3:14: there is no type 'float'; write f32"},
      {Message::ForeignType, "kernel k<T: half>(X: view<T>[N]) grid (1) |i| {}",
       "1:13: there is no type 'half'; write f16"},
      {Message::NotAnInteger, body("let a = load X[0 :+ 3.5, 0];"),
       "3:21: expected an integer constant, found the float"},
  };
}
