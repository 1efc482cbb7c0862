//===- HookBindings.cpp - What a host puts in place of hooks --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a binding, makes a function of it, and collects the names that it captures with their types.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/HookBindings.h"
#include "compiler/frontend/Parser.h"
#include "compiler/frontend/Sema.h"

using namespace imbrex;
using namespace imbrex::ast;

namespace {

/// One binding of one hook.
class HookBinder {
public:
  HookBinder(const File &file, const Kernel &kernel, const Function &hook, HookBindings &result,
             Diagnostics &diagnostics)
      : kernel(kernel), hook(hook), result(result), diagnostics(diagnostics) {
    own->outer = &file;
  }

  void bind(const std::string &text);

private:
  template <typename... Arguments> void error(uint32_t offset, Message message, Arguments &&...arguments) {
    report(diagnostics, offset, message, std::forward<Arguments>(arguments)...);
  }

  bool completeCall(ExprPtr &expr);
  bool isKnown(const std::string &name) const;
  void collect(const Expr &expr);
  void collectCall(const Expr &call, const Function &function, size_t extras);
  void capture(const Expr &name, const FnParameter &parameter, std::map<std::string, std::string> &symbols);
  std::vector<Expression> extentsOf(const Expr &name, const FnParameter &parameter,
                                    std::map<std::string, std::string> &symbols);
  void matchView(const KernelParameter &view, const FnParameter &parameter,
                 std::map<std::string, std::string> &symbols);

  const Kernel &kernel;
  const Function &hook;
  HookBindings &result;
  Diagnostics &diagnostics;
  std::shared_ptr<File> own = std::make_shared<File>();
};

} // namespace

/// Hands the hook's parameters to a function that is named without them: `causal`, `window(64, 0)`. False if that was
/// reported as wrong.
bool HookBinder::completeCall(ExprPtr &expr) {
  bool isName = expr->kind == Expr::Name, isCall = expr->kind == Expr::Call && expr->integer == 0;
  const Function *function = isName || isCall ? own->findFunction(expr->text) : nullptr;
  if (!function || (isCall && function->extras.empty()))
    return true;
  if (function->isHook || function->extras.size() != expr->operands.size()) {
    error(expr->offset, function->isHook ? Message::HookOfHook : Message::HookArgumentCount, hook.name, function->name,
          function->extras.size(), expr->operands.size());
    return false;
  }
  if (function->parameters.size() != hook.parameters.size()) {
    error(expr->offset, Message::HookParameterCount, hook.name, hook.parameters.size(), function->name,
          function->parameters.size());
    return false;
  }
  expr->kind = Expr::Call;
  expr->integer = int64_t(function->extras.size());
  for (const FnParameter &parameter : hook.parameters) {
    auto argument = std::make_unique<Expr>();
    argument->kind = Expr::Name;
    argument->offset = expr->offset;
    argument->text = parameter.name;
    expr->operands.push_back(std::move(argument));
  }
  return true;
}

/// True of what the language, the hook or the head of the kernel calls so.
bool HookBinder::isKnown(const std::string &name) const {
  auto isNamed = [&](const auto &each) { return each.name == name; };
  auto hasExtent = [&](const KernelParameter &parameter) {
    return llvm::any_of(parameter.extents, [&](const ExprPtr &extent) { return symbolOf(*extent) == name; });
  };
  return llvm::any_of(hook.parameters, isNamed) || llvm::any_of(kernel.generics, isNamed) ||
         llvm::any_of(kernel.tune.tunables, isNamed) || llvm::any_of(kernel.parameters, isNamed) ||
         llvm::any_of(kernel.parameters, hasExtent) || namedNumber(name) || parseDataType(name);
}

/// Captures the names of `expr` that nobody knows.
void HookBinder::collect(const Expr &expr) {
  bool isView = expr.kind == Expr::Load || expr.kind == Expr::Part;
  bool isFunction = expr.kind == Expr::Name && own->findFunction(expr.text); // of a reduction
  if ((expr.kind == Expr::Name || isView) && !isFunction && !isKnown(expr.text))
    return error(expr.offset, isView ? Message::CapturedLoad : Message::UntypedCapture, hook.name, expr.text);
  const Function *function = expr.kind == Expr::Call ? own->findFunction(expr.text) : nullptr;
  if (function)
    return collectCall(expr, *function, size_t(expr.integer));
  if (expr.kind == Expr::Call && !isBuiltin(expr.text)) {
    std::vector<std::string> functions;
    for (const Function *candidate : own->visibleFunctions())
      if (!candidate->isHook)
        functions.push_back(candidate->name);
    return error(expr.offset, Message::UnknownHookFunction, hook.name, expr.text, suggestion(expr.text, functions));
  }
  for (const ExprPtr &operand : expr.operands) {
    bool isDerived = operand == expr.operands[0] && expr.kind == Expr::Call && expr.text == kDerivative;
    const Function *derived = isDerived && operand->kind == Expr::Call ? own->findFunction(operand->text) : nullptr;
    if (derived)
      collectCall(*operand, *derived, operand->operands.size());
    else
      collect(*operand);
  }
  for (const Index &index : expr.indices)
    for (const ExprPtr *part : {&index.start, &index.size})
      if (*part)
        collect(**part);
}

/// The first `extras` arguments are those in brackets of their own.
void HookBinder::collectCall(const Expr &call, const Function &function, size_t extras) {
  std::map<std::string, std::string> symbols; // the function's names of extents, as this call has them
  for (auto [i, operand] : llvm::enumerate(call.operands)) {
    const std::vector<FnParameter> &list = i < extras ? function.extras : function.parameters;
    size_t place = i < extras ? i : i - extras;
    const FnParameter *parameter = place < list.size() ? &list[place] : nullptr;
    bool isCaptured = operand->kind == Expr::Name && !isKnown(operand->text);
    if (isCaptured && parameter && !parameter->type.name.empty() && parameter->type.name != "coord")
      capture(*operand, *parameter, symbols);
    else
      collect(*operand);
    for (const KernelParameter &view : kernel.parameters)
      if (parameter && parameter->isView && operand->kind == Expr::Name && view.isView && view.name == operand->text)
        matchView(view, *parameter, symbols);
  }
}

/// What the function calls an extent is the kernel's extent.
void HookBinder::matchView(const KernelParameter &view, const FnParameter &parameter,
                           std::map<std::string, std::string> &symbols) {
  for (auto [extent, symbol] : llvm::zip(view.extents, parameter.extents))
    if (symbol->kind == Expr::Name && extent->kind != Expr::Part)
      if (std::optional<Expression> known = toExpression(*extent, diagnostics))
        symbols.try_emplace(symbol->text, known->postfix);
}

/// Extents of a captured view. Names that the kernel's head does not know are the call's own: "slopes.H".
std::vector<Expression> HookBinder::extentsOf(const Expr &name, const FnParameter &parameter,
                                              std::map<std::string, std::string> &symbols) {
  std::vector<Expression> extents;
  for (const ExprPtr &extent : parameter.extents) {
    std::optional<Expression> written = toExpression(*extent, diagnostics);
    if (!written)
      return {};
    std::string postfix;
    for (llvm::StringRef token : llvm::split(written->postfix, ' ')) {
      bool isName = llvm::is_contained(written->unknowns({}), token.str());
      auto isScalar = [&](const KernelParameter &each) { return !each.isView && each.name == token; };
      if (isName && llvm::any_of(kernel.parameters, isScalar))
        error(extent->offset, Message::HostScalar, token);
      std::string word = token.str();
      if (isName && !isKnown(word))
        word = symbols.try_emplace(word, name.text + "." + word).first->second;
      postfix += (postfix.empty() ? "" : " ") + word;
    }
    extents.push_back({postfix});
  }
  return extents;
}

void HookBinder::capture(const Expr &name, const FnParameter &parameter, std::map<std::string, std::string> &symbols) {
  std::string declared = typeText(parameter);
  for (const CapturedParameter &other : result.captured)
    if (other.described.name == name.text) {
      if (other.declared != declared)
        error(name.offset, Message::CapturedTwice, name.text, other.declared, declared);
      return;
    }
  CapturedParameter captured;
  captured.described.name = name.text;
  captured.described.isView = parameter.isView;
  captured.described.extents = extentsOf(name, parameter, symbols);
  captured.type = parameter.type;
  captured.offset = name.offset;
  captured.declared = std::move(declared);
  result.captured.push_back(std::move(captured));
}

void HookBinder::bind(const std::string &text) {
  uint32_t begin = diagnostics.addText({"hook " + hook.name, text}, /*ofCaller=*/true);
  unsigned before = diagnostics.errorCount();
  ExprPtr binding = Parser(text, diagnostics, begin).parseBinding(*own);
  if (!binding || diagnostics.errorCount() != before)
    return;
  if (binding->kind == Expr::Name && !isKnown(binding->text) && !own->findFunction(binding->text))
    binding->kind = Expr::Call; // a function's name, misspelt
  if (!completeCall(binding))
    return;
  collect(*binding);
  if (diagnostics.errorCount() != before)
    return;
  Function &function = own->functions.emplace_back();
  function.offset = begin;
  function.home = own.get();
  function.name = hook.name;
  for (const FnParameter &parameter : hook.parameters)
    function.parameters.push_back(
        {begin, parameter.name, parameter.isView ? TypeName() : parameter.type, /*isView=*/false, {}});
  function.results.push_back(std::move(binding));
  result.files[hook.name] = std::move(own);
}

HookBindings imbrex::bindHooks(const File &file, const Kernel &kernel, const CompileOptions::Hooks &hooks,
                               Diagnostics &diagnostics) {
  HookBindings result;
  std::string known;
  for (const Function *function : file.visibleFunctions())
    if (function->isHook)
      known += (known.empty() ? "" : ", ") + function->name;
  for (const auto &[name, text] : hooks) {
    const Function *declared = file.findFunction(name);
    if (declared && declared->isHook)
      HookBinder(file, kernel, *declared, result, diagnostics).bind(text);
    else
      reportWithoutPlace(diagnostics, Message::UnknownHook, name, known.empty() ? "none" : known);
  }
  return result;
}
