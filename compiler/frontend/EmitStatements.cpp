//===- EmitStatements.cpp - Bindings, loops and branches ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Variables that a loop or a branch assigns become loop-carried values or results; everything else is
// a name for a value.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

Emitter::Binding *Emitter::find(StringRef name) {
  for (Scope &scope : llvm::reverse(scopes))
    if (auto it = scope.find(name.str()); it != scope.end())
      return &it->second;
  return nullptr;
}

Val Emitter::settle(Val value) {
  Location loc = b.getUnknownLoc();
  if (value.kind == Val::Integer)
    return adapt(0, value, b.getI32Type());
  if (value.kind == Val::Float)
    return adapt(0, value, b.getF32Type());
  if (value.kind == Val::Bool)
    return Val::of(constant(loc, b.getI1Type(), 0, value.integer));
  return value;
}

void Emitter::emitBlock(const ast::Block &block) {
  scopes.emplace_back();
  for (const auto &stmt : block) {
    if (diagnostics.errorCount() >= kMaxErrors || emitted > kMaxOperations)
      break;
    emitStatement(*stmt);
  }
  scopes.pop_back();
}

void Emitter::emitStatement(const ast::Stmt &stmt) {
  switch (stmt.kind) {
  case ast::Stmt::Let:
  case ast::Stmt::Var: {
    Val value = emit(*stmt.value);
    if (value.kind == Val::View || value.kind == Val::Absent)
      value = error(stmt.value->offset, Message::NotAValue, describe(value));
    bool isVariable = stmt.kind == ast::Stmt::Var;
    if (scopes.back().contains(stmt.name))
      error(stmt.offset, Message::Duplicate, stmt.name);
    scopes.back()[stmt.name] = {isVariable ? settle(value) : value, isVariable};
    return;
  }
  case ast::Stmt::Assign:
    return emitAssign(stmt);
  case ast::Stmt::Tiles:
  case ast::Stmt::Range:
    return emitLoop(stmt);
  case ast::Stmt::If:
    return emitIf(stmt);
  case ast::Stmt::Store:
    return emitStore(stmt);
  }
}

void Emitter::emitAssign(const ast::Stmt &stmt) {
  Val value = emit(*stmt.value);
  Binding *binding = find(stmt.name);
  if (!binding) {
    error(stmt.offset, Message::UnknownName, stmt.name, "");
    return;
  }
  if (!binding->isVariable) {
    error(stmt.offset, Message::NotAVariable, stmt.name);
    return;
  }
  if (!stmt.op.empty())
    value = binary(stmt.offset, stmt.op, binding->value, value);
  if (value.isPoison() || binding->value.isPoison())
    return;
  if (value.isLiteral() && binding->value.kind == Val::Ssa)
    value = adapt(stmt.value->offset, value, binding->value.element());
  if (value.isPoison())
    return;
  bool sameType = value.kind == binding->value.kind &&
                  (value.kind != Val::Ssa || value.ssa.getType() == binding->value.ssa.getType());
  if (!sameType) {
    error(stmt.offset, Message::VariableType, stmt.name, describe(binding->value), describe(value));
    return;
  }
  binding->value = value;
}

static void collectAssigned(const ast::Block &block, std::set<std::string> &names) {
  for (const auto &stmt : block) {
    if (stmt->kind == ast::Stmt::Assign)
      names.insert(stmt->name);
    collectAssigned(stmt->body, names);
    collectAssigned(stmt->otherwise, names);
  }
}

/// Variables declared outside that the blocks assign, in order of their names.
std::vector<std::string> Emitter::assignedIn(std::initializer_list<const ast::Block *> blocks) {
  std::set<std::string> names;
  for (const ast::Block *block : blocks)
    collectAssigned(*block, names);
  std::vector<std::string> carried;
  for (const std::string &name : names)
    if (Binding *binding = find(name); binding && binding->isVariable && binding->value.kind == Val::Ssa)
      carried.push_back(name);
  return carried;
}

void Emitter::emitLoop(const ast::Stmt &stmt) {
  Location loc = at(stmt.offset);
  bool isTiles = stmt.kind == ast::Stmt::Tiles;
  Value lower, upper;
  if (isTiles) {
    Value extent = emitI32(*stmt.value, "the extent of tiles(...)");
    std::optional<int64_t> size = emitExtent(*stmt.second);
    if (!extent || !size)
      return;
    lower = constant(loc, b.getI32Type(), 0, 0);
    upper = arith::CeilDivSIOp::create(b, loc, extent, constant(loc, b.getI32Type(), 0, *size));
  } else {
    lower = emitI32(*stmt.value, "a loop's bound");
    upper = emitI32(*stmt.second, "a loop's bound");
    if (!lower || !upper)
      return;
  }
  const ast::Function *hook = program.file->findFunction(stmt.visible);
  if (!stmt.visible.empty() && (!hook || !hook->isHook || hook->parameters.size() != 1)) {
    error(stmt.visibleOffset, Message::VisibleNotHook, stmt.visible);
    return;
  }

  std::vector<std::string> carried = assignedIn({&stmt.body});
  SmallVector<Value> inits;
  for (const std::string &name : carried)
    inits.push_back(find(name)->value.ssa);
  auto loop = scf::ForOp::create(b, loc, lower, upper, constant(loc, b.getI32Type(), 0, 1), inits);
  OpBuilder::InsertionGuard guard(b);
  if (!loop.getBody()->empty())
    loop.getBody()->back().erase();
  b.setInsertionPointToEnd(loop.getBody());
  VisibleLoop outer = std::exchange(visible, {stmt.visible, loop.getBody(), false});
  scopes.emplace_back();
  scopes.back()[stmt.name] = {Val::of(loop.getInductionVar()), false};
  for (auto [name, argument] : llvm::zip(carried, loop.getRegionIterArgs()))
    find(name)->value = Val::of(argument);
  emitBlock(stmt.body);
  scopes.pop_back();
  if (!stmt.visible.empty() && !visible.found)
    error(stmt.visibleOffset, Message::VisibleUnused, stmt.visible);
  visible = outer;
  SmallVector<Value> results;
  for (const std::string &name : carried)
    results.push_back(find(name)->value.ssa);
  scf::YieldOp::create(b, loc, results);
  for (auto [name, result] : llvm::zip(carried, loop.getResults()))
    find(name)->value = Val::of(result);
}

void Emitter::emitIf(const ast::Stmt &stmt) {
  Val condition;
  const ast::Expr &expr = *stmt.value;
  Binding *view = expr.kind == ast::Expr::Name ? find(expr.text) : nullptr;
  if (view && (view->value.kind == Val::View || view->value.kind == Val::Absent))
    condition = Val::ofBool(view->value.kind == Val::View);
  else if (std::optional<Constant> constant = evaluate(expr, program, diagnostics); constant)
    condition = constant->kind == Constant::Bool ? Val::ofBool(constant->value) : Val::ofInteger(constant->value);
  else
    condition = emit(expr);
  if (condition.isPoison())
    return;
  if (condition.kind == Val::Bool)
    return emitBlock(condition.integer ? stmt.body : stmt.otherwise);
  if (condition.kind != Val::Ssa || !condition.ssa.getType().isInteger(1)) {
    error(expr.offset, Message::ConditionType, describe(condition),
          condition.tile() ? "; choose element by element with where(...)" : "");
    return;
  }
  emitRuntimeIf(stmt, condition);
}

void Emitter::emitRuntimeIf(const ast::Stmt &stmt, const Val &condition) {
  Location loc = at(stmt.offset);
  std::vector<std::string> carried = assignedIn({&stmt.body, &stmt.otherwise});
  SmallVector<Type> types;
  SmallVector<Val> before;
  for (const std::string &name : carried) {
    before.push_back(find(name)->value);
    types.push_back(before.back().ssa.getType());
  }
  auto branch = scf::IfOp::create(b, loc, types, condition.ssa, /*withElseRegion=*/true);
  for (auto [region, block] : {std::pair(&branch.getThenRegion(), &stmt.body), {&branch.getElseRegion(), &stmt.otherwise}}) {
    OpBuilder::InsertionGuard guard(b);
    if (!region->front().empty())
      region->front().back().erase();
    b.setInsertionPointToEnd(&region->front());
    for (auto [name, value] : llvm::zip(carried, before))
      find(name)->value = value;
    emitBlock(*block);
    SmallVector<Value> results;
    for (const std::string &name : carried)
      results.push_back(find(name)->value.ssa);
    scf::YieldOp::create(b, loc, results);
  }
  for (auto [name, result] : llvm::zip(carried, branch.getResults()))
    find(name)->value = Val::of(result);
}
