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
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

Emitter::Binding *Emitter::find(StringRef name) {
  for (Scope &scope : llvm::reverse(scopes))
    if (auto it = scope.find(name.str()); it != scope.end())
      return &it->second;
  auto it = constants.find(name.str());
  return it == constants.end() ? nullptr : &it->second;
}

void Emitter::emitStatements(const ast::Block &block) {
  for (const auto &stmt : block) {
    if (diagnostics.errorCount() >= kMaxErrors || emitted > kMaxOperations)
      break;
    emitStatement(*stmt);
  }
}

void Emitter::emitBlock(const ast::Block &block) {
  llvm::SaveAndRestore inside(blocks, blocks + 1);
  if (blocks > kMaxNesting && !block.empty()) { // through functions: the parser bounds those of one text
    error(block.front()->offset, Message::TooDeep, kMaxNesting);
    return;
  }
  scopes.emplace_back();
  emitStatements(block);
  scopes.pop_back();
}

void Emitter::emitStatement(const ast::Stmt &stmt) {
  switch (stmt.kind) {
  case ast::Stmt::Let:
  case ast::Stmt::Var:
    return emitBinding(stmt);
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

/// True, reported, if `name` is about to hide a variable of an outer block: what was meant is its value.
bool Emitter::hidesVariable(uint32_t offset, StringRef name) {
  for (const Scope &scope : llvm::reverse(ArrayRef(scopes).drop_back()))
    if (auto it = scope.find(name); it != scope.end()) {
      if (it->second.isVariable)
        error(offset, Message::HidesVariable, name);
      return it->second.isVariable;
    }
  return false;
}

/// One name of a let or var.
void Emitter::bindName(const ast::Stmt &stmt, StringRef name, Val value) {
  bool isVariable = stmt.kind == ast::Stmt::Var;
  bool isPart = value.kind == Val::View && stmt.value->kind == ast::Expr::Part && !isVariable;
  bool isName = (value.kind == Val::View && !isPart) || value.kind == Val::Absent || value.kind == Val::Type;
  if (isName || (isVariable && value.kind == Val::Coord))
    value = error(stmt.value->offset, Message::NotAValue, describe(value));
  if (isVariable)
    value = settle(stmt.value->offset, value);
  if (hidesVariable(stmt.offset, name))
    return;
  if (!scopes.back().try_emplace(name.str(), Binding{value, isVariable}).second)
    error(stmt.offset, Message::Duplicate, name);
}

void Emitter::emitBinding(const ast::Stmt &stmt) {
  if (stmt.moreNames.empty())
    return bindName(stmt, stmt.name, emit(*stmt.value));
  size_t count = stmt.moreNames.size() + 1;
  bool isCall = stmt.value->kind == ast::Expr::Call;
  Val value = expectValues(*stmt.value, isCall ? emitCall(*stmt.value) : emit(*stmt.value), count);
  bindName(stmt, stmt.name, value.isPoison() ? Val() : value.fields->front());
  for (auto [i, name] : llvm::enumerate(stmt.moreNames))
    bindName(stmt, name, value.isPoison() ? Val() : (*value.fields)[i + 1]);
}

void Emitter::emitAssign(const ast::Stmt &stmt) {
  Val value = emit(*stmt.value);
  Binding *binding = find(stmt.name);
  if (!binding) {
    error(stmt.offset, Message::UnknownName, stmt.name, suggestion(stmt.name, variableNames()));
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
    value = adapt(stmt.value->offset, value, binding->value.ssa.getType(), binding->value.isUnsigned);
  if (value.isPoison())
    return;
  bool sameType = value.kind == binding->value.kind &&
                  (value.kind != Val::Ssa || (value.ssa.getType() == binding->value.ssa.getType() &&
                                              value.isUnsigned == binding->value.isUnsigned));
  if (!sameType) {
    error(stmt.offset, Message::VariableType, stmt.name, describe(binding->value), describe(value));
    return;
  }
  binding->value = value;
}

std::vector<std::string> Emitter::variableNames() const {
  std::vector<std::string> names;
  for (const Scope &scope : llvm::reverse(scopes))
    for (const auto &[name, binding] : scope)
      if (binding.isVariable && names.size() < kMaxSuggestions)
        names.push_back(name);
  return names;
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

/// Bounds of a loop over tiles or a range; nullopt, reported, if they are none.
std::optional<std::pair<Value, Value>> Emitter::emitBounds(const ast::Stmt &stmt) {
  Location loc = at(stmt.offset);
  if (stmt.kind == ast::Stmt::Range) {
    Value lower = emitI32(*stmt.value, "a loop's bound"), upper = emitI32(*stmt.second, "a loop's bound");
    return lower && upper ? std::optional(std::pair(lower, upper)) : std::nullopt;
  }
  Value extent = emitI32(*stmt.value, "the extent of tiles(...)");
  std::optional<int64_t> size = emitExtent(*stmt.second);
  if (!extent || !size)
    return std::nullopt;
  Value lower = i32(loc, 0), upper = arith::CeilDivSIOp::create(b, loc, extent, i32(loc, *size));
  exact.note(upper);
  return std::pair(lower, upper);
}

void Emitter::emitLoop(const ast::Stmt &stmt) {
  llvm::SaveAndRestore inside(loops, loops + 1);
  if (loops > kMaxLoops) { // also through functions
    error(stmt.offset, Message::TooMany, "loops in one another", kMaxLoops);
    return;
  }
  const ast::Function *hook = program.file->findFunction(stmt.visible);
  if (!stmt.visible.empty() && (!hook || !hook->isHook || hook->parameters.size() != 1)) {
    error(stmt.visibleOffset, Message::VisibleNotHook, stmt.visible);
    return;
  }
  std::optional<std::pair<Value, Value>> bounds = emitBounds(stmt);
  std::vector<std::string> carried = assignedIn({&stmt.body});
  if (!bounds || !spend(stmt.offset, carried.size()))
    return;
  SmallVector<Value> inits;
  for (const std::string &name : carried)
    inits.push_back(find(name)->value.ssa);
  Location loc = at(stmt.offset);
  auto loop = scf::ForOp::create(b, loc, bounds->first, bounds->second, i32(loc, 1), inits);
  Interval first = exact.interval(bounds->first), end = exact.interval(bounds->second);
  exact.definePosition(loop.getInductionVar(), {first.low, std::max(first.low, end.high - 1)});
  OpBuilder::InsertionGuard guard(b);
  if (!loop.getBody()->empty())
    loop.getBody()->back().erase();
  b.setInsertionPointToEnd(loop.getBody());
  for (auto [name, argument] : llvm::zip(carried, loop.getRegionIterArgs()))
    find(name)->value.ssa = argument;
  emitLoopBody(stmt, loop.getBody());
  SmallVector<Value> results;
  for (const std::string &name : carried)
    results.push_back(find(name)->value.ssa);
  scf::YieldOp::create(b, loc, results);
  for (auto [name, result] : llvm::zip(carried, loop.getResults()))
    find(name)->value.ssa = result;
}

/// The statements, with the loop's name and what visible(...) promises.
void Emitter::emitLoopBody(const ast::Stmt &stmt, Block *body) {
  VisibleLoop outer = std::exchange(visible, {stmt.visible, body, false});
  unsigned before = diagnostics.errorCount();
  scopes.emplace_back();
  hidesVariable(stmt.offset, stmt.name);
  scopes.back()[stmt.name] = {Val::of(body->getArgument(0)), false};
  emitBlock(stmt.body);
  scopes.pop_back();
  if (!stmt.visible.empty() && !visible.found && diagnostics.errorCount() == before)
    error(stmt.visibleOffset, Message::VisibleUnused, stmt.visible);
  visible = outer;
}

void Emitter::emitIf(const ast::Stmt &stmt) {
  Val condition;
  const ast::Expr &expr = *stmt.value;
  Binding *view = expr.kind == ast::Expr::Name ? find(expr.text) : nullptr;
  if (view && (view->value.kind == Val::View || view->value.kind == Val::Absent))
    condition = Val::ofBool(view->value.kind == Val::View);
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
  if (!spend(stmt.offset, carried.size()))
    return;
  SmallVector<Type> types;
  SmallVector<Val> before;
  for (const std::string &name : carried) {
    before.push_back(find(name)->value);
    types.push_back(before.back().ssa.getType());
  }
  auto branch = scf::IfOp::create(b, loc, types, condition.ssa, /*withElseRegion=*/true);
  for (auto [region, block] :
       {std::pair(&branch.getThenRegion(), &stmt.body), {&branch.getElseRegion(), &stmt.otherwise}}) {
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
    find(name)->value.ssa = result;
}
