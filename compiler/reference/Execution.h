//===- Execution.h - Running one program instance ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The environment of values and the control flow: blocks, scf.for, scf.if, scf.while. Everything else is
// a handler's (Handlers.h).
//
// A loop with the promise of tile.visible leaves out the iterations in which the mask is false everywhere, and
// reads columns as zero that the bounds of the mask hide (MaskBounds.h). An instance that left an iteration
// out is run a second time with all of them (Promise.cpp); what the two store must be the same.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_EXECUTION_H
#define IMBREX_COMPILER_REFERENCE_EXECUTION_H

#include "compiler/reference/ErrorSamples.h"
#include "compiler/reference/Handlers.h"
#include "compiler/reference/MaskBounds.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex::reference {

/// Runs the instances of one kernel, one after another. Functions that return bool return false once
/// `error` is set.
class Execution {
public:
  /// `keepsErrors`: values carry bounds of their errors.
  Execution(const InterpreterOptions &options, Memory &memory, bool keepsErrors);

  /// Runs one instance; `arguments` are the entry block's. False: see error().
  bool run(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments, std::array<int64_t, 3> programId);
  const std::string &error() const { return errorText; }

private:
  /// Runs the operations of `block` before `end`; all but the terminator if that is null.
  bool runBlock(mlir::Block &block, llvm::ArrayRef<ValueRef> arguments, mlir::Operation *end = nullptr);
  bool runOperation(mlir::Operation &op);
  bool runHandler(mlir::Operation &op, Handler handler);
  bool runFor(mlir::scf::ForOp op);
  bool runIteration(mlir::scf::ForOp op, llvm::ArrayRef<ValueRef> arguments, llvm::SmallVectorImpl<ValueRef> &carried);

  // Promise.cpp
  /// What the promises in the body of a loop say of one iteration.
  struct Iteration {
    bool isHidden = false;        ///< it changes nothing
    bool isHiddenByBounds = true; ///< and the bounds of the mask say so
    llvm::DenseMap<mlir::Operation *, std::pair<unsigned, std::vector<bool>>>
        hiddenColumns; ///< of a load: axis, columns
  };
  bool readPromises(mlir::scf::ForOp op, llvm::ArrayRef<ValueRef> arguments, Iteration &iteration);
  /// What the promises leave of a tile that was loaded.
  void hideLoaded(mlir::Operation *load, TileValue &tile) const;
  bool checkPromises(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments);
  bool comparePromised(const StoredElements &promised, const StoredElements &all);

  /// Runs the instance again with random roundings, and narrows the errors of what it stored.
  bool sampleErrors(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> arguments);

  bool runIf(mlir::scf::IfOp op);
  // Combiners.cpp
  /// A tile.combine or tile.scan: element after element, or, where results are moved by roundings, by halves, which is
  /// as far from that as any order of a device.
  bool runCombiner(mlir::Operation &op, unsigned dim);
  using Elements = llvm::SmallVector<ValueRef, 4>; ///< of one place, one a tile
  bool applyCombiner(mlir::Operation &op, const Elements &x, const Elements &y, Elements &result);
  bool combineLine(mlir::Operation &op, std::vector<Elements> &line);
  bool combineHalves(mlir::Operation &op, llvm::MutableArrayRef<Elements> line);
  bool runWhile(mlir::scf::WhileOp op);

  llvm::SmallVector<ValueRef, 4> valuesOf(mlir::ValueRange values) const;
  void define(mlir::ValueRange names, llvm::ArrayRef<ValueRef> values);
  /// Adds to the work done; false once it is more than allowed.
  bool charge(mlir::Operation &op, uint64_t work);
  bool fail(mlir::Operation &op, const llvm::Twine &message);

  HandlerTable handlers;
  Environment environment;
  llvm::DenseMap<mlir::Operation *, ValueRef> constants;               ///< made once, not once an iteration
  llvm::DenseMap<mlir::Operation *, std::vector<MaskBounds>> promises; ///< of a loop, in order
  llvm::SmallVector<const Iteration *, 2> iterations; ///< that run, of loops with promises; the innermost last
  Memory &memory;
  bool keepsErrors;
  ErrorRandom *rounding = nullptr;  ///< if there: every result is moved
  std::optional<bool> approximates; ///< see boundErrors; known once an instance runs that keeps errors
  std::array<int64_t, 3> programId{};
  tile::VisibleOp kept; ///< a promise because of which the instance left out an iteration
  ValueRef keptIndex;   ///< which
  bool runsAll = false; ///< nothing is left out: the run that checks the promises
  uint64_t workLeft;
  std::string errorText;
};

/// "file:line:column: ", or nothing where the location is unknown.
std::string placeOf(mlir::Location location);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_EXECUTION_H
