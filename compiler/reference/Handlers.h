//===- Handlers.h - One function an operation -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the interpreter's operation families have in common: a handler computes one operation's results
// from its operands, and a table finds the handler. Each family fills the table from a file of its own.
//
// To add an operation: write its handler in the family's file, add it to the family's add function, add
// a case to tests/compiler/reference.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_HANDLERS_H
#define IMBREX_COMPILER_REFERENCE_HANDLERS_H

#include "compiler/reference/Memory.h"
#include "compiler/reference/TileValue.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace imbrex::reference {

/// One execution of one operation. `results` are zeros of the result types on entry; the caller
/// normalizes them (narrow floats rounded, integers wrapped) after the handler.
struct OpRun {
  mlir::Operation *op;
  llvm::ArrayRef<const TileValue *> operands;
  llvm::MutableArrayRef<TileValue> results;
  const std::array<int64_t, 3> &programId;
  Memory &memory;
  std::string error; ///< set by the handler: why there is no result

  const TileValue &in(unsigned index) const { return *operands[index]; }
  TileValue &out() const { return results[0]; }
};

using Handler = void (*)(OpRun &);

class HandlerTable {
public:
  template <typename Op> void add(Handler handler) { handlers[mlir::TypeID::get<Op>()] = handler; }
  /// The handler of an operation, or null.
  Handler find(mlir::Operation *op) const { return handlers.lookup(op->getName().getTypeID()); }

private:
  llvm::DenseMap<mlir::TypeID, Handler> handlers;
};

void addFloatHandlers(HandlerTable &table);      ///< arith and math on floats
void addIntegerHandlers(HandlerTable &table);    ///< arith and math on integers
void addConversionHandlers(HandlerTable &table); ///< casts, arith.select, arith.constant
void addTileHandlers(HandlerTable &table);       ///< tile operations on values
void addViewHandlers(HandlerTable &table);
void addVaryingViewHandlers(HandlerTable &table); ///< tile operations on views and the grid

/// Combines the elements of each line in turn, first to last. `in` is outer x length x inner, `out` is outer x inner.
template <typename T, typename Combine>
void reduceAlong(const std::vector<T> &in, std::vector<T> &out, int64_t length, int64_t inner, Combine combine) {
  int64_t outer = out.size() / inner;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t x = 0; x < length; ++x)
      for (int64_t i = 0; i < inner; ++i) {
        T value = in[(o * length + x) * inner + i];
        T &result = out[o * inner + i];
        result = x == 0 ? value : combine(result, value);
      }
}

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_HANDLERS_H
