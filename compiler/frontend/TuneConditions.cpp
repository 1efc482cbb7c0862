//===- TuneConditions.cpp - What of a tune block a host evaluates ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of the cases' conditions that use extents, and the key: both as expressions that a host evaluates before
// a launch. A part is what && joins; one that uses an extent uses nothing else that only the compiler knows. And
// questions of how a host stores a view, which is known when a kernel is compiled.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Sema.h"
#include "llvm/ADT/StringSwitch.h"

using namespace imbrex;
using namespace imbrex::ast;

static constexpr llvm::StringLiteral kScaled = "scaled";

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

/// What a question asks of a view's storage; null if `expr` is no question of that kind.
using StorageTest = bool (*)(const Storage &);

static StorageTest testOf(const Expr &expr) {
  if (expr.kind != Expr::Call)
    return nullptr;
  return llvm::StringSwitch<StorageTest>(expr.text)
      .Case(kScaled, [](const Storage &storage) { return storage.scaling.has_value(); })
      .Case("ragged", [](const Storage &storage) { return storage.kind == Storage::Kind::Ragged; })
      .Case("paged", [](const Storage &storage) { return storage.kind == Storage::Kind::Paged; })
      .Default(nullptr);
}

bool imbrex::isStorageQuestion(const Expr &expr) { return testOf(expr); }

bool imbrex::asksStorage(const Expr &expr) {
  return isStorageQuestion(expr) || llvm::any_of(expr.operands, [](const ExprPtr &each) { return asksStorage(*each); });
}

bool imbrex::usesExtent(const Expr &expr, const Kernel &kernel) {
  if (isStorageQuestion(expr)) // which names a view
    return false;
  bool isOne = expr.kind == Expr::Name && !genericNamed(expr.text, kernel) && isExtent(expr.text, kernel);
  return isOne || llvm::any_of(expr.operands, [&](const ExprPtr &each) { return usesExtent(*each, kernel); });
}

/// True if every name of `expr` is an extent or an integer of < >.
static bool isKnownToHost(const Expr &expr, const Kernel &kernel) {
  if (isStorageQuestion(expr))
    return false;
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

/// Why no host can store `view` as `question` asks; empty if one can.
static std::string whyNever(const Expr &question, const KernelParameter &view) {
  if (!varyingOf(view))
    return "has no extent that varies, as in K: view<T>[B, S[B], D]";
  if (question.text != kScaled)
    return "";
  if (view.output || view.inPlace)
    return "is stored to, and what is scaled is only read";
  std::optional<DataType> type = parseDataType(view.type.name);
  return type && !canBeScaled(*type) ? "is a view of " + view.type.name + ", and what is scaled is one of floats" : "";
}

std::optional<bool> imbrex::answer(const Expr &question, const Kernel &kernel, const StoredViews &stored,
                                   Diagnostics &diagnostics) {
  const bool isOfName = question.operands.size() == 1 && question.operands[0]->kind == Expr::Name;
  auto view = llvm::find_if(kernel.parameters, [&](const KernelParameter &parameter) {
    return isOfName && parameter.isView && parameter.name == question.operands[0]->text;
  });
  if (view == kernel.parameters.end()) {
    report(diagnostics, question.offset, Message::TuneStorage, toText(question), question.text);
    return std::nullopt;
  }
  if (std::string reason = whyNever(question, *view); !reason.empty()) {
    report(diagnostics, question.offset, Message::TuneNever, toText(question), view->name, reason);
    return std::nullopt;
  }
  const StoredView *found = stored.find(view->name);
  return found && testOf(question)(found->storage);
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
