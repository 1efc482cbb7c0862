//===- Memory.h - What instances store, and who stored it -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Program instances share nothing: they run in any order, so two that store one element, or one that
// loads what another stores, have no defined result. The interpreter runs them one after another and
// keeps, for each element of an output, who stored it and who loaded it; what would depend on the order
// is a fault that names both. Additions to one element may come from any instance, in any order.
//
// It also keeps what the running instance stored, so that a run can be taken back and compared with
// another one (Execution: the promise of tile.visible).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_MEMORY_H
#define IMBREX_COMPILER_REFERENCE_MEMORY_H

#include "compiler/reference/Interpreter.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace imbrex::reference {

/// A view that the kernel may store to. Elements are numbered row-major over its extents.
struct Output {
  std::string name; ///< as the kernel calls it
  ViewData view;
  std::vector<uint32_t> storedBy;                ///< an element's Touch; 0: nobody
  std::vector<std::array<uint32_t, 2>> loadedBy; ///< two different instances'; empty until something is loaded
  /// Where errors are kept, of what an element held first and of all that was added to it: the sum of absolute values,
  /// which no partial sum exceeds. Empty until something is added.
  std::vector<double> sizes;

  /// "[3, 64]", for messages.
  std::string coordinates(int64_t element) const;
};

/// What one element holds after an instance, and the operation that stored it there.
struct Stored {
  Output *output;
  int64_t element;
  uint64_t bits;
  mlir::Operation *op;
  double error = 0; ///< its bound, if the output keeps them
  double size = -1; ///< of Output::sizes; -1: nothing was added

  bool keepsError() const { return output->view.errors != nullptr; }
};
/// True of a store that adds.
bool isAddition(mlir::Operation *op);
using StoredElements = llvm::MapVector<void *, Stored>; ///< by address

class Memory {
public:
  /// What a load or store does. Dry: stores nothing. Hidden: in an iteration that a promise says nothing of.
  enum class Mode { Ordinary, Dry, Hidden };

  void addOutput(const ViewData &view, std::string name);
  /// The record of a view, or null if no kernel may store to it.
  Output *find(const ViewData *view);

  /// What follows is done by this instance. `keep`: takeBack may be asked for.
  void begin(std::array<int64_t, 3> instance, bool keep);

  /// The running instance is about to load or store an element at `address`. The text of a fault, or "".
  std::string load(Output &output, int64_t element, mlir::Operation *op);
  /// A store, or an addition: see isAddition.
  std::string store(Output &output, int64_t element, void *address, mlir::Operation *op);

  /// Undoes what this instance stored since `begin`, and gives what it had left.
  StoredElements takeBack();
  /// Stores it again; it can be taken back again.
  void putBack(const StoredElements &elements);

  Mode mode = Mode::Ordinary;

private:
  struct Touch {
    std::array<int64_t, 3> instance;
    mlir::Operation *op;
  };
  uint32_t touch(mlir::Operation *op);
  bool isOther(uint32_t touched) const;
  std::string conflict(const char *does, const Output &output, int64_t element, uint32_t other, const char *did) const;

  llvm::MapVector<const ViewData *, Output> outputs;
  std::vector<Touch> touches{{}}; ///< from 1: an operation of an instance that loaded or stored
  size_t firstTouch = 1;          ///< of the running instance
  std::array<int64_t, 3> instance{};
  bool keeping = false;
  struct Change {
    Stored before; ///< `bits` of before
    void *address;
  };
  std::vector<Change> changes;
};

/// "[1, 0, 2]".
std::string toText(llvm::ArrayRef<int64_t> numbers);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_MEMORY_H
