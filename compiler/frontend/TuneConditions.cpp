//===- TuneConditions.cpp - What of a tune block a host evaluates ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of the cases' conditions that use extents, and the key: both as expressions that a host evaluates before
// a launch. A part is what && joins; one that uses an extent uses nothing else that only the compiler knows. And parts
// that ask how a host stores a view, which is known when a kernel is compiled.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Sema.h"
#include "llvm/ADT/StringSwitch.h"

using namespace imbrex;
using namespace imbrex::ast;

static bool isExtent(llvm::StringRef name, const Kernel &kernel) {
  return llvm::any_of(kernel.parameters, [&](const KernelParameter &parameter) {
    return llvm::any_of(parameter.extents,
                        [&](const ExprPtr &extent) { return llvm::StringRef(symbolOf(*extent)) == name; });
  });
}

static const GenericParameter *genericNamed(llvm::StringRef name, const Kernel &kernel) {
  auto found = llvm::find_if(kernel.generics, [&](const GenericParameter &each) { return each.name == name; });
  return found == kernel.generics.end() ? nullptr : &*found;
}

bool imbrex::usesExtent(const Expr &expr, const Kernel &kernel) {
  bool isOne = expr.kind == Expr::Name && !genericNamed(expr.text, kernel) && isExtent(expr.text, kernel);
  return isOne || llvm::any_of(expr.operands, [&](const ExprPtr &each) { return usesExtent(*each, kernel); });
}

/// True if every name of `expr` is an extent or an integer of < >.
static bool isKnownToHost(const Expr &expr, const Kernel &kernel) {
  if (expr.kind == Expr::Name) {
    const GenericParameter *generic = genericNamed(expr.text, kernel);
    return generic ? generic->isInteger : isExtent(expr.text, kernel);
  }
  return llvm::all_of(expr.operands, [&](const ExprPtr &each) { return isKnownToHost(*each, kernel); });
}

std::optional<Expression> imbrex::hostCondition(const Expr &part, const Kernel &kernel, Diagnostics &diagnostics) {
  if (isKnownToHost(part, kernel))
    return toExpression(part, diagnostics);
  report(diagnostics, part.offset, Message::TuneExtent, toText(part));
  return std::nullopt;
}

/// What a part asks of a view's storage; null if it asks for something else.
using StorageTest = bool (*)(const Storage &);

static bool isNot(const Expr &part) { return part.kind == Expr::Unary && part.text == "!"; }

static StorageTest testOf(const Expr &part) {
  if (part.kind != Expr::Call)
    return nullptr;
  return llvm::StringSwitch<StorageTest>(part.text)
      .Case("scaled", [](const Storage &storage) { return storage.scaling.has_value(); })
      .Case("ragged", [](const Storage &storage) { return storage.kind == Storage::Kind::Ragged; })
      .Case("paged", [](const Storage &storage) { return storage.kind == Storage::Kind::Paged; })
      .Default(nullptr);
}

bool imbrex::asksStorage(const Expr &part) { return testOf(isNot(part) ? *part.operands[0] : part); }

std::optional<bool> imbrex::storageCondition(const Expr &part, const Kernel &kernel,
                                             const CompileOptions::Storages &storages, Diagnostics &diagnostics) {
  const Expr &asked = isNot(part) ? *part.operands[0] : part;
  const bool isOneName = asked.operands.size() == 1 && asked.operands[0]->kind == Expr::Name;
  if (!isOneName || llvm::none_of(kernel.parameters, [&](const KernelParameter &parameter) {
        return parameter.name == asked.operands[0]->text && !parameter.extents.empty();
      })) {
    report(diagnostics, part.offset, Message::TuneStorage, toText(part), asked.text);
    return std::nullopt;
  }
  auto storage = storages.find(asked.operands[0]->text);
  const bool holds = storage != storages.end() && testOf(asked)(storage->second);
  return holds != isNot(part);
}

std::vector<Expression> imbrex::extentConditions(const Kernel &kernel, Diagnostics &diagnostics) {
  std::vector<Expression> conditions;
  auto addPart = [&](const Expr &part) {
    std::optional<Expression> condition;
    if (usesExtent(part, kernel))
      condition = hostCondition(part, kernel, diagnostics);
    if (condition && !llvm::is_contained(conditions, *condition))
      conditions.push_back(std::move(*condition));
  };
  for (const TuneCase &tuneCase : kernel.tune.cases)
    if (tuneCase.condition)
      forEachConjunct(*tuneCase.condition, addPart);
  if (conditions.size() > kMaxExtentConditions)
    report(diagnostics, kernel.offset, Message::TooMany, "conditions on extents in a tune block", kMaxExtentConditions);
  return conditions;
}

/// Of a kernel that names no key: its types, its integers, and the size of each extent to a factor of two.
static std::vector<Expression> standardKey(const Kernel &kernel) {
  std::vector<Expression> key;
  auto add = [&](const std::string &postfix) {
    if (!llvm::is_contained(key, Expression{postfix}))
      key.push_back({postfix});
  };
  for (const GenericParameter &generic : kernel.generics)
    add(generic.name);
  for (const KernelParameter &parameter : kernel.parameters)
    for (const ExprPtr &extent : parameter.extents)
      if (!symbolOf(*extent).empty() && !genericNamed(extent->text, kernel))
        add(extent->text + " pow2");
  return key;
}

std::vector<Expression> imbrex::tuneKey(const Kernel &kernel, Diagnostics &diagnostics) {
  if (kernel.tune.key.empty())
    return standardKey(kernel);
  std::vector<Expression> key;
  for (const ExprPtr &part : kernel.tune.key) {
    const GenericParameter *generic = part->kind == Expr::Name ? genericNamed(part->text, kernel) : nullptr;
    if (generic && !generic->isInteger)
      key.push_back({part->text});
    else if (!isKnownToHost(*part, kernel))
      report(diagnostics, part->offset, Message::TuneKey, toText(*part));
    else if (std::optional<Expression> expression = toExpression(*part, diagnostics))
      key.push_back(std::move(*expression));
  }
  return key;
}
