//===- Binding.h - Arguments matched with a signature -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one list of arguments says: which argument goes to which parameter, every view checked and with
// its strides written out, and the values of names and types that follow. On the stack of one launch;
// no heap memory for up to 16 parameters. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_BINDING_H
#define IMBREX_RUNTIME_BINDING_H

#include "runtime/Argument.h"
#include "runtime/SignaturePlan.h"
#include "llvm/ADT/SmallVector.h"

namespace imbrex {

/// A view after its checks.
struct BoundView {
  uint64_t address = 0; ///< with its byte offset
  uint64_t end = 0;     ///< behind the last byte; as `address` if it has no elements
  std::array<int64_t, Dims::kMaxRank> strides;
  unsigned alignment = 16; ///< see CompileOptions::alignment: 16, or the element's size
  bool hasMap = true;      ///< where that is 16: it has a tensor map too
  bool mayAlign = true;    ///< its shape leaves it to the address whether that is 16
  unsigned pageDim = 0;    ///< the dimension that counts the rows of pages
  int64_t pageRows = 0;    ///< rows of a page; 0: there are no pages, or nothing between them
  int64_t pagesApart = 0;  ///< rows from a page to the next
};

/// The dimensions of a view as they are in memory: rows of pages between which are others' are two, pages and rows.
struct MemoryShape {
  MemoryShape(const View &view, const BoundView &bound);

  unsigned rank;
  std::array<int64_t, Dims::kMaxRank + 1> extents, strides;
};

/// Who gave a name or type its value: a view parameter's dimension, or set().
struct Origin {
  int parameter = -1; ///< -1: set()
  unsigned dimension = 0;
};

struct Binding {
  llvm::SmallVector<const Argument *, 16> arguments; ///< by parameter; null: not given
  llvm::SmallVector<BoundView, 8> views;             ///< by parameter (unused for scalars)
  llvm::SmallVector<std::optional<int64_t>, 32> slots;
  llvm::SmallVector<Origin, 32> slotOrigins;
  llvm::SmallVector<std::optional<DataType>, 4> types; ///< by type parameter
  llvm::SmallVector<Origin, 4> typeOrigins;
};

/// What set() fixed, in the numbering of a plan.
struct FixedValues {
  std::vector<std::pair<unsigned, int64_t>> slots;
  std::vector<std::pair<unsigned, DataType>> types;
};

enum class Completeness {
  All, ///< every parameter that is not optional must be given, and every name be determined
  Some ///< check and infer from what is there
};

/// Matches by name, checks every view by itself, then unifies types and extents. An Error names the argument
/// (both, where two disagree) and what to change.
Result<void> bindArguments(const SignaturePlan &plan, const FixedValues &fixed, Arguments arguments,
                           Completeness completeness, Binding &binding);

/// Strides of an array without gaps; nullopt if they overflow 64 bits.
std::optional<Dims> denseStrides(const Dims &extents);

/// Parts of it, each in its own file.
Result<void> checkView(const SignaturePlan &plan, unsigned parameter, const View &view, Completeness completeness,
                       BoundView &bound);
/// Finds in the arguments how far the pages of views are apart; false if that is as it was.
bool placePages(const SignaturePlan &plan, Binding &binding);
/// As checkView, where `bound` is of a view that differs in its memory alone. False if checkView would refuse it, or
/// find it in another class of alignment; `bound` is then as it was.
bool moveView(const SignaturePlan &plan, unsigned parameter, const View &view, BoundView &bound);
Result<void> unifyTypes(const SignaturePlan &plan, Binding &binding);
Result<void> unifyExtents(const SignaturePlan &plan, Completeness completeness, Binding &binding);

/// Whether a condition is true of the values that are known.
inline bool holds(const ExpressionProgram &condition, const Binding &binding) {
  return condition.evaluate(binding.slots).value_or(0) != 0;
}

/// What is stored through one view must not be seen through another.
Result<void> checkOverlaps(const SignaturePlan &plan, const Binding &binding);

/// The type a parameter has in this binding, if its type parameter is known.
std::optional<DataType> boundType(const SignaturePlan &plan, const Binding &binding, unsigned parameter);

} // namespace imbrex

#endif // IMBREX_RUNTIME_BINDING_H
