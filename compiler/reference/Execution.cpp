//===- Execution.cpp - Running one program instance -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Control flow of the interpreter, and the call of handlers.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Execution.h"
#include "compiler/reference/ErrorBounds.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

namespace scf = mlir::scf;

namespace imbrex::reference {

std::string placeOf(mlir::Location location) {
  auto place = location->findInstanceOf<mlir::FileLineColLoc>();
  if (!place)
    return "";
  return (place.getFilename().getValue() + ":" + llvm::Twine(place.getLine()) + ":" + llvm::Twine(place.getColumn()) +
          ": ")
      .str();
}

Execution::Execution(const InterpreterOptions &options, Memory &memory, bool keepsErrors)
    : memory(memory), keepsErrors(keepsErrors), workLeft(options.maxOperations) {
  addFloatHandlers(handlers);
  addIntegerHandlers(handlers);
  addConversionHandlers(handlers);
  addTileHandlers(handlers);
  addViewHandlers(handlers);
  addVaryingViewHandlers(handlers);
}

bool Execution::run(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments, std::array<int64_t, 3> id) {
  if (promises.empty())
    kernel.walk([&](tile::VisibleOp promise) { promises[promise->getParentOp()].emplace_back(promise); });
  if (keepsErrors && !approximates)
    approximates = tile::isOf16Bits(kernel);
  programId = id;
  kept = {};
  memory.begin(id, /*keep=*/!promises.empty() || keepsErrors);
  if (!runBlock(kernel.getBody().front(), arguments))
    return false;
  if (kept && !checkPromises(kernel, arguments))
    return false;
  return !keepsErrors || sampleErrors(kernel, arguments);
}

bool Execution::sampleErrors(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments) {
  StoredElements exact = memory.takeBack();
  std::vector<StoredElements> samples;
  llvm::SaveAndRestore withoutBounds(keepsErrors, false);
  llvm::SaveAndRestore asMuchWork(workLeft, std::numeric_limits<uint64_t>::max());
  for (unsigned i = 0; i < kErrorSamples; ++i) {
    ErrorRandom random(i);
    llvm::SaveAndRestore moves(rounding, &random);
    if (!runBlock(kernel.getBody().front(), arguments))
      return false;
    samples.push_back(memory.takeBack());
  }
  narrowErrors(exact, samples);
  memory.putBack(exact);
  return true;
}

bool Execution::runBlock(mlir::Block &block, llvm::ArrayRef<ValueRef> arguments, mlir::Operation *end) {
  define(block.getArguments(), arguments);
  for (mlir::Operation &op : block.without_terminator()) {
    if (&op == end)
      break;
    if (!runOperation(op))
      return false;
  }
  return true;
}

bool Execution::runOperation(mlir::Operation &op) {
  if (!charge(op, 1))
    return false;
  if (auto loop = mlir::dyn_cast<scf::ForOp>(op))
    return runFor(loop);
  if (auto branch = mlir::dyn_cast<scf::IfOp>(op))
    return runIf(branch);
  if (auto loop = mlir::dyn_cast<scf::WhileOp>(op))
    return runWhile(loop);
  if (auto combine = mlir::dyn_cast<tile::CombineOp>(op))
    return runCombiner(op, combine.getDim());
  if (auto scan = mlir::dyn_cast<tile::ScanOp>(op))
    return runCombiner(op, scan.getDim());
  if (ValueRef known = constants.lookup(&op)) {
    environment[op.getResult(0)] = known;
    return true;
  }
  Handler handler = handlers.find(&op);
  if (!handler)
    return fail(op, "the interpreter does not know this operation");
  return runHandler(op, handler);
}

bool Execution::runHandler(mlir::Operation &op, Handler handler) {
  llvm::SmallVector<const TileValue *, 8> operands;
  for (mlir::Value operand : op.getOperands())
    operands.push_back(environment.find(operand)->second.get());
  llvm::SmallVector<TileValue, 1> results;
  uint64_t work = 0;
  for (mlir::Type type : op.getResultTypes()) {
    std::optional<TileValue> result = TileValue::zeros(type);
    if (!result) {
      std::string text;
      llvm::raw_string_ostream(text) << "no values of type " << type;
      return fail(op, text);
    }
    work += result->size();
    results.push_back(std::move(*result));
  }
  if (mlir::isa<tile::DotOp>(op))
    work *= operands[0]->shape[1];
  if (!charge(op, work))
    return false;

  OpRun run{&op, operands, results, programId, memory, {}};
  handler(run);
  if (!run.error.empty())
    return fail(op, run.error);
  if (mlir::isa<tile::LoadOp, tile::GatherOp>(op))
    hideLoaded(&op, results[0]);
  if (keepsErrors)
    boundErrors(run, handler, *approximates);
  if (rounding)
    moveByRoundings(run, *rounding, approximates.value_or(false));
  for (auto [name, result] : llvm::zip_equal(op.getResults(), results)) {
    result.normalize();
    environment[name] = std::make_shared<TileValue>(std::move(result));
  }
  if (mlir::isa<mlir::arith::ConstantOp>(op))
    constants[&op] = environment[op.getResult(0)];
  return true;
}

bool Execution::runFor(scf::ForOp op) {
  auto bound = [&](mlir::Value value) { return environment.find(value)->second->ints[0]; };
  unsigned width = environment.find(op.getLowerBound())->second->element.width;
  __int128 low = bound(op.getLowerBound()), high = bound(op.getUpperBound()), step = bound(op.getStep());
  if (op.getUnsignedCmp()) {
    low = zeroExtend(int64_t(low), width);
    high = zeroExtend(int64_t(high), width);
    step = zeroExtend(int64_t(step), width);
  }
  if (step <= 0)
    return fail(*op, "the step is not positive");
  llvm::SmallVector<ValueRef, 4> carried = valuesOf(op.getInitArgs());
  for (__int128 i = low; i < high; i += step) {
    llvm::SmallVector<ValueRef, 4> arguments = {std::make_shared<TileValue>(TileValue::integer(int64_t(i), width))};
    llvm::append_range(arguments, carried);
    if (!charge(*op, 1) || !runIteration(op, arguments, carried))
      return false;
  }
  define(op.getResults(), carried);
  return true;
}

bool Execution::runIteration(scf::ForOp op, llvm::ArrayRef<ValueRef> arguments,
                             llvm::SmallVectorImpl<ValueRef> &carried) {
  if (!promises.contains(op)) {
    if (!runBlock(*op.getBody(), arguments))
      return false;
    carried = valuesOf(op.getBody()->getTerminator()->getOperands());
    return true;
  }
  Iteration iteration;
  if (!readPromises(op, arguments, iteration))
    return false;
  if (iteration.isHidden && !runsAll)
    return true;
  llvm::SaveAndRestore mode(memory.mode, iteration.isHidden ? Memory::Mode::Hidden : memory.mode);
  iterations.push_back(&iteration);
  bool isDone = runBlock(*op.getBody(), arguments);
  iterations.pop_back();
  if (!isDone)
    return false;
  carried = valuesOf(op.getBody()->getTerminator()->getOperands());
  return true;
}

bool Execution::runIf(scf::IfOp op) {
  bool taken = environment.find(op.getCondition())->second->ints[0] != 0;
  mlir::Region &region = taken ? op.getThenRegion() : op.getElseRegion();
  if (region.empty())
    return true;
  if (!runBlock(region.front(), {}))
    return false;
  define(op.getResults(), valuesOf(region.front().getTerminator()->getOperands()));
  return true;
}

bool Execution::runWhile(scf::WhileOp op) {
  llvm::SmallVector<ValueRef, 4> carried = valuesOf(op.getInits());
  while (true) {
    if (!charge(*op, 1) || !runBlock(*op.getBeforeBody(), carried))
      return false;
    scf::ConditionOp condition = op.getConditionOp();
    llvm::SmallVector<ValueRef, 4> passed = valuesOf(condition.getArgs());
    if (environment.find(condition.getCondition())->second->ints[0] == 0) {
      define(op.getResults(), passed);
      return true;
    }
    if (!runBlock(*op.getAfterBody(), passed))
      return false;
    carried = valuesOf(op.getAfterBody()->getTerminator()->getOperands());
  }
}

llvm::SmallVector<ValueRef, 4> Execution::valuesOf(mlir::ValueRange values) const {
  return llvm::map_to_vector<4>(values, [&](mlir::Value value) { return environment.find(value)->second; });
}

void Execution::define(mlir::ValueRange names, llvm::ArrayRef<ValueRef> values) {
  for (auto [name, value] : llvm::zip_equal(names, values))
    environment[name] = value;
}

bool Execution::charge(mlir::Operation &op, uint64_t work) {
  if (work > workLeft)
    return fail(op, "more work than allowed (InterpreterOptions::maxOperations)");
  workLeft -= work;
  return true;
}

bool Execution::fail(mlir::Operation &op, const llvm::Twine &message) {
  errorText = (placeOf(op.getLoc()) + "'" + op.getName().getStringRef() + "': " + message).str();
  return false;
}

} // namespace imbrex::reference
