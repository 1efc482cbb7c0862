//===- EmitFunctions.cpp - Functions and hooks, inlined -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function of the file stands in its call's place: its body is emitted with its arguments' values, and sees
// nothing of the kernel but its parameters. A hook is a function that the host may have put another in place of.
//
//===----------------------------------------------------------------------===//

#include "compiler/MlirTypes.h"
#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// f(a)(b): as many extra arguments as f declares, in brackets of their own.
bool Emitter::checkExtras(const ast::Expr &expr, const ast::Function &function) {
  if (size_t(expr.integer) == function.extras.size())
    return true;
  std::string form = function.name;
  for (const auto *list : {&function.extras, &function.parameters}) {
    if (list->empty() && list == &function.extras)
      continue;
    std::string names;
    for (const ast::FnParameter &parameter : *list)
      names += (names.empty() ? "" : ", ") + parameter.name;
    form += "(" + names + ")";
  }
  error(expr.offset, Message::ExtraCount, function.name, function.extras.size(), expr.integer, form);
  return false;
}

/// The function of that name that the text which is emitted can call; null if there is none.
const ast::Function *Emitter::findFunction(StringRef name) const {
  return (inlining.empty() ? program.file : inlining.back()->home)->findFunction(name);
}

/// The type that a load of the view gives: of scaled storage not that of its elements in memory.
static DataType loadedType(const Val &view) {
  std::optional<DataType> type = dataTypeOf(cast<tile::ViewType>(view.ssa.getType()).getElementType());
  return type && isFloat(*type) ? *type : view.parameter->type;
}

/// A view, and the extents that its declaration gives names.
bool Emitter::bindView(const ast::Function &function, const ast::FnParameter &parameter, Placed placed, Scope &scope) {
  auto [argument, offset] = placed;
  std::optional<DataType> type = resolveType(parameter.type);
  if (!type)
    return false;
  auto view = argument.kind == Val::View ? cast<tile::ViewType>(argument.ssa.getType()) : tile::ViewType();
  if (!view || argument.rank() != parameter.extents.size() || loadedType(argument) != *type) {
    error(offset, Message::ArgumentType, function.name, parameter.name, "a " + ast::typeText(parameter),
          view ? "a view of " + std::string(name(loadedType(argument))) + " with " + std::to_string(argument.rank()) +
                     " dimensions"
               : describe(argument));
    return false;
  }
  for (auto [dim, extent] : llvm::enumerate(parameter.extents)) {
    bool isSymbol = extent->kind == ast::Expr::Name && !lookUp(extent->text, program);
    if (isSymbol && !scope.contains(extent->text))
      scope[extent->text] = {extentOf(offset, argument, dim), false};
  }
  return true;
}

bool Emitter::bindArgument(const ast::Function &function, const ast::FnParameter &parameter, Placed placed,
                           Scope &scope) {
  auto [argument, offset] = placed;
  bool isCoord = parameter.type.name == "coord";
  if (isCoord && argument.kind != Val::Coord) {
    error(offset, Message::ArgumentType, function.name, parameter.name, "a coord", describe(argument));
    return false;
  }
  if (parameter.isView && !bindView(function, parameter, placed, scope))
    return false;
  if (!parameter.isView && !parameter.type.name.empty() && !isCoord) {
    std::optional<DataType> type = resolveType(parameter.type);
    if (!type)
      return false;
    // What an i32 or a bool is by itself stays known at compile time.
    bool stays = (*type == DataType::Bool && argument.kind == Val::Bool) ||
                 (*type == DataType::I32 && argument.kind == Val::Integer && llvm::isInt<32>(argument.integer));
    if (argument.isLiteral() && !stays)
      argument = adapt(offset, argument, *type);
    if (argument.isPoison())
      return false;
    if (!stays && !isOf(argument, *type)) {
      error(offset, Message::ArgumentType, function.name, parameter.name, name(*type), describe(argument));
      return false;
    }
  }
  if (!scope.try_emplace(parameter.name, Binding{argument, false}).second) {
    error(parameter.offset, Message::Duplicate, parameter.name);
    return false;
  }
  return true;
}

/// True, reported, if a function's body uses a name that only its kernel sees.
bool Emitter::isKernelsAlone(uint32_t offset, StringRef name) {
  if (!kernelScopes)
    return false;
  for (const Scope &scope : llvm::reverse(*kernelScopes))
    if (auto it = scope.find(name); it != scope.end()) {
      bool isView = it->second.value.kind == Val::View || it->second.value.kind == Val::Absent;
      error(offset, isView ? Message::FunctionReadsView : Message::NotInFunction, name);
      return true;
    }
  return false;
}

/// The results of `function`'s body, which sees its parameters in `scope` and the kernel's constants; what stands for
/// a hook sees the head of the kernel too.
std::vector<Val> Emitter::emitBody(const ast::Function &function, Scope scope) {
  std::vector<Scope> caller = std::exchange(scopes, {});
  const std::vector<Scope> *outer = kernelScopes;
  kernelScopes = outer ? outer : &caller;
  if (program.hooks.find(function.name) == &function)
    scopes.push_back(hostScope);
  scopes.push_back(std::move(scope));
  inlining.push_back(&function);
  scopes.emplace_back();
  emitStatements(function.body);
  std::vector<Val> results;
  for (auto [i, result] : llvm::enumerate(function.results)) {
    Val value = emit(*result);
    if (!function.types.empty())
      value = checkResult(result->offset, value, function.types[i], Message::ResultType, function.name);
    results.push_back(value);
  }
  inlining.pop_back();
  scopes = std::move(caller);
  kernelScopes = outer;
  return results;
}

Val Val::gather(ArrayRef<Val> values) {
  if (values.size() == 1)
    return values.front();
  if (llvm::any_of(values, [](const Val &value) { return value.isPoison(); }))
    return {};
  Val all;
  all.kind = Val::Several;
  all.fields = std::make_shared<std::vector<Val>>(values);
  return all;
}

/// `value` of the call `expr`, which must be one of `count` values; poison, reported, if it is of another number.
Val Emitter::expectValues(const ast::Expr &expr, Val value, size_t count) {
  size_t found = value.kind == Val::Several ? value.fields->size() : 1;
  if (value.isPoison() || found == count)
    return value;
  if (found == 1)
    return error(expr.offset, Message::NamesNeedCall, count, describe(value));
  std::string names = "a, b";
  for (size_t i = 2; i < found; ++i)
    names += std::string(", ") + char('a' + i);
  std::string needed = count == 1 ? "one is" : std::to_string(count) + " are";
  return error(expr.offset, Message::SeveralValues, expr.text, found, needed, names);
}

Val Emitter::checkResult(uint32_t offset, Val value, const ast::TypeName &declared, Message message, StringRef name) {
  if (value.isPoison())
    return {};
  std::optional<DataType> type = resolveType(declared);
  if (!type)
    return {};
  bool isBool = value.kind == Val::Bool || (value.kind == Val::Ssa && value.element().isInteger(1));
  if (isBool != (*type == DataType::Bool))
    return error(offset, message, name, imbrex::name(*type), describe(value));
  if (value.kind == Val::Bool)
    return value;
  if (value.isLiteral())
    return adapt(offset, value, *type);
  if (!isOf(value, *type))
    return error(offset, message, name, imbrex::name(*type), describe(value));
  return value;
}

Val Emitter::emitFunction(uint32_t offset, const ast::Function &function, ArrayRef<Placed> extras,
                          ArrayRef<Placed> arguments) {
  if (llvm::is_contained(inlining, &function))
    return error(offset, Message::Recursion, function.name);
  if (inlining.size() >= kMaxInlining)
    return error(offset, Message::InliningTooDeep, kMaxInlining);
  if (arguments.size() != function.parameters.size())
    return error(offset, Message::ArgumentCount, function.name, function.parameters.size(), arguments.size());
  Scope scope;
  for (auto [parameter, argument] : llvm::zip(function.extras, extras))
    if (!bindArgument(function, parameter, argument, scope))
      return {};
  for (auto [parameter, argument] : llvm::zip(function.parameters, arguments))
    if (!bindArgument(function, parameter, argument, scope))
      return {};
  return Val::gather(emitBody(function, std::move(scope)));
}

Val Emitter::emitHook(uint32_t offset, const ast::Function &hook, ArrayRef<Placed> arguments) {
  const ast::Function *bound = program.hooks.find(hook.name);
  Val result = emitFunction(offset, bound ? *bound : hook, {}, arguments);
  if (bound && !hook.types.empty())
    result = checkResult(offset, result, hook.types.front(), Message::HookResult, hook.name);
  bool isFirst = hook.name == visible.hook && !visible.found && b.getInsertionBlock() == visible.body;
  if (isFirst && !result.isPoison() && arguments[0].value.kind == Val::Coord)
    promiseVisible(offset, result, arguments[0].value);
  return result;
}

/// Emits tile.visible for the loop's hook: what it lets through, inside the sequences.
void Emitter::promiseVisible(uint32_t offset, const Val &mask, const Val &coord) {
  visible.found = true;
  const std::vector<Val> &at = *coord.fields;
  const Val &q = at[2], &k = at[3];
  if (!q.tile() || !k.tile() || q.tile().getRank() != 2 || k.tile().getRank() != 2)
    return; // nothing a loop over tiles could be bounded by
  Val inside = binary(offset, "&&", binary(offset, "<", q, at[4]), binary(offset, "<", k, at[5]));
  if (mask.kind == Val::Bool && !mask.integer)
    inside = binary(offset, "&&", inside, adapt(offset, mask, b.getI1Type()));
  else
    inside = binary(offset, "&&", mask, inside);
  if (RankedTensorType type = inside.tile(); type && type.getRank() == 2)
    tile::VisibleOp::create(b, inside.ssa.getLoc(), inside.ssa);
}
