//===- Sema.h - One kernel with its choices made -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds a kernel's type, integer and tuning parameters and its hooks from the options; checks names,
// choices, constraints and requirements. What remains is a program with static shapes.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_SEMA_H
#define IMBREX_COMPILER_FRONTEND_SEMA_H

#include "compiler/CompileOptions.h"
#include "compiler/KernelInterface.h"
#include "compiler/Target.h"
#include "compiler/frontend/HookBindings.h"
#include "compiler/frontend/VaryingExtents.h"

namespace imbrex {

/// The value of `walk` that launches the instances along the first axis from the last to the first.
constexpr int64_t kWalkBackwards = -1;

struct Specialisation {
  const ast::File *file = nullptr;
  const ast::Kernel *kernel = nullptr;
  std::map<std::string, int64_t, std::less<>> integers; ///< integer and tuning parameters
  std::map<std::string, DataType, std::less<>> types;
  HookBindings hooks;
  std::optional<StoredViews> stored;                 ///< present once specialised
  std::vector<Expression> requirements;              ///< those left to check at launch
  std::vector<const ast::Expr *> scalarRequirements; ///< those on scalars: comparisons with one scalar as a side
};

/// Reports and returns nullopt if the options do not make one program of the file.
std::optional<Specialisation> specialise(const ast::File &file, const CompileOptions &options, const Target &target,
                                         Diagnostics &diagnostics);

/// A compile-time value: an integer, a truth value, or a type.
struct Constant {
  enum Kind : uint8_t { Integer, Bool, Type } kind;
  int64_t value;
};

/// A name's constant: a parameter, a type parameter, or a type itself; nullopt if it is none of these.
std::optional<Constant> lookUp(const std::string &name, const Specialisation &specialisation);

/// Value of `expr` if it only uses constants and the parameters in `specialisation`. Null without a report if
/// it uses other names; reports overflow and division by zero.
std::optional<Constant> evaluate(const ast::Expr &expr, const Specialisation &specialisation, Diagnostics &diagnostics);

/// A number known when a kernel is specialised, of no type yet.
struct Number {
  bool isFloat;
  int64_t integer; ///< if it is none
  double real;     ///< in both cases
};
/// Value of a scalar parameter's default: in f64 but for integers among themselves, where / truncates. nullopt,
/// reported as `mistake`, if it uses what is not known then, or is not finite.
std::optional<Number> evaluateDefault(const ast::Expr &expr, const Specialisation &specialisation,
                                      Diagnostics &diagnostics, Message mistake = Message::Default);

/// True of a function of the language: exp, dot, rowreduce, ...
bool isBuiltin(llvm::StringRef name);
/// All of them.
std::vector<llvm::StringRef> builtinNames();
/// The built-in whose first argument is a function's name, with that function's extra arguments.
inline constexpr llvm::StringLiteral kDerivative = "derivative";

/// inf, nan, LOG2E, LN2, PI.
std::optional<double> namedNumber(llvm::StringRef name);

/// True of a scalar whose type is written as an integer or bool: grids and requirements compute with it.
bool isIntegerScalar(const ast::KernelParameter &parameter);
/// True if `condition` compares a scalar parameter of `kernel` with what is known when it is specialised, or a float
/// with anything.
bool comparesScalar(const ast::Expr &condition, const ast::Kernel &kernel);
/// True if `expr` uses an extent of a view that is a name, which only a launch knows.
bool usesExtent(const ast::Expr &expr, const ast::Kernel &kernel);
/// `part` of a case's condition, which uses an extent, for the host; nullopt, reported, if it uses what a host lacks.
std::optional<Expression> hostCondition(const ast::Expr &part, const ast::Kernel &kernel, Diagnostics &diagnostics);
/// True of a question how a host stores a view: scaled(K), ragged(K), paged(K).
bool isStorageQuestion(const ast::Expr &expr);
/// True if `expr` is or has one.
bool asksStorage(const ast::Expr &expr);
/// Whether a view is stored as `question` asks; nullopt, reported, if that is no view of `kernel`, or never stored so.
std::optional<bool> answer(const ast::Expr &question, const ast::Kernel &kernel, const StoredViews &stored,
                           Diagnostics &diagnostics);
/// KernelSignature::extentConditions and ::key.
std::vector<Expression> extentConditions(const ast::Kernel &kernel, Diagnostics &diagnostics);
std::vector<Expression> tuneKey(const ast::Kernel &kernel, Diagnostics &diagnostics);
/// Calls `visit` for each part of a condition that && joins.
void forEachConjunct(const ast::Expr &condition, llvm::function_ref<void(const ast::Expr &)> visit);

/// One step of integer arithmetic; nullopt on overflow, division by zero, or an operator that is none.
std::optional<Constant> evaluateBinary(llvm::StringRef op, const Constant &x, const Constant &y);

/// `expr` over names as a host-side expression; nullopt, reported, if it uses more than integer arithmetic.
std::optional<Expression> toExpression(const ast::Expr &expr, Diagnostics &diagnostics);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_SEMA_H
