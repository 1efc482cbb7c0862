//===- Derivatives.h - The derivative of operations -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that have just been emitted are given others beside them, which make the derivative of each float by
// one value x: forward, in the order of the program, by the rules of calculus.
//
//     y = x * x;  z = tanh(y)        dy = x + x;  dz = (1 - z * z) * dy
//
// A branch gives the derivatives of its floats as further results, and a loop carries those of its variables along.
// An element of a tile is the derivative by the one element of x that it is made of; what would be made of several is
// refused. Where two pieces of a function meet, max and min take the first operand's side, and abs that of x.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_DERIVATIVES_H
#define IMBREX_COMPILER_FRONTEND_DERIVATIVES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include <string>
#include <vector>

namespace imbrex {

class Derivatives {
public:
  /// Of all that is made of `by`, a float or a tile of floats that nothing else uses.
  Derivatives(mlir::OpBuilder &builder, mlir::Value by);

  /// Gives derivatives to what lies between the two in their block. A branch or loop that needs further results is
  /// replaced by another. False if an operation has no rule; `refused` and `reason` then say which and why.
  bool derive(mlir::Operation *first, mlir::Operation *last);

  /// The derivative of `value`, 0 where it does not change with x.
  mlir::Value orZero(mlir::Value value);

  mlir::Operation *refused = nullptr;
  std::string reason; ///< "takes rowsum of what is made of it"
  /// Operations that were replaced, out of the program: who keeps them keeps their values from becoming others'.
  std::vector<mlir::OwningOpRef<mlir::Operation *>> replaced;

private:
  void findChanging(mlir::Value by);
  bool derive(llvm::ArrayRef<mlir::Operation *> operations);
  bool deriveBlock(mlir::Block &block);
  bool visit(mlir::Operation *op);
  bool visitIf(mlir::scf::IfOp branch);
  bool visitFor(mlir::scf::ForOp loop);
  bool refuse(mlir::Operation *op, std::string why);
  bool canMove(mlir::Operation *op);
  void replace(mlir::Operation *op, mlir::Operation *by, llvm::ArrayRef<unsigned> changing);
  void yieldMore(mlir::Block &block, llvm::ArrayRef<unsigned> changing);

  mlir::Value derivativeOf(mlir::Operation *op);
  mlir::Value slopeOf(mlir::Operation *op);
  mlir::Value ofProduct(mlir::arith::MulFOp op);
  mlir::Value ofQuotient(mlir::arith::DivFOp op);
  mlir::Value ofRoot(mlir::Operation *op);
  mlir::Value ofExtremum(mlir::Operation *op);
  mlir::Value again(mlir::Operation *op);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  /// A float or a tile of floats that is `value` everywhere.
  mlir::Value constant(mlir::Type type, double value);
  /// Null: the value does not change.
  mlir::Value of(mlir::Value value) const { return all.lookup(value); }

  mlir::OpBuilder &b;
  mlir::Location loc;
  bool isScalar;                        ///< x
  int expandedAt = -1;                  ///< the dimension that x of rank 1 has been given
  llvm::DenseSet<mlir::Value> changing; ///< floats
  llvm::DenseMap<mlir::Value, mlir::Value> all;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_DERIVATIVES_H
