//===- Lowering.h - From tiles in registers to single threads - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state and the helpers of the pass cta-to-nvvm. A tile becomes one scalar a register of the
// thread, in the order of its layout's registers; a scalar becomes itself; a view its pointer, extents
// and strides. A float of 8 bits, which LLVM has not, is carried as an i8. Operations are rewritten in program order,
// one family a file:
//
//     Control        kernel, loops, branches           Elementwise   arith and math
//                                                      ByteCasts     casts from and to 8 bits
//     Shape          splat, iota, broadcast, scalar    GlobalMemory  tile.load, tile.store, scalars of a launch
//     SharedMemory   buffers, barriers, addresses      Rings         cta.put, cta.get, CopyByThreads
//     Products       cta.dot, with MmaProduct          Reductions    tile.reduce, cta.reduce, cta.any,
//                                                                cta.clear_margin
//     Intervals      tile.interval                     Combiners     tile.combine, tile.scan
//     Roles          cta.roles
//
// An operation that no family knows is an error at its place.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_LOWERING_H
#define IMBREX_COMPILER_CTA_TO_NVVM_LOWERING_H

#include "compiler/Target.h"
#include "compiler/cta_to_nvvm/InstructionCount.h"
#include "compiler/cta_to_nvvm/RingCompanions.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <map>
#include <vector>

namespace imbrex {

using mlir::Value;
using Values = llvm::SmallVector<Value>;

/// A view's launch values: base address, extents (i32, constants where static), strides in elements (i64).
struct ViewValues {
  Value pointer;
  Values extents, strides;
};

/// A place in a buffer that depends on the thread: row = rowBase + rowStep, column likewise. The bases
/// are i32 values; the steps are constants that move bits which the bases leave at zero (see
/// TileLayout.h), so that an address is a part of the thread and a constant.
struct SharedPlace {
  Value rowBase, columnBase;
  int64_t rowStep = 0, columnStep = 0;
};

/// Indices, i32, to which an access is confined beside the view's extents: `within` of tile.load.
struct AccessBounds {
  llvm::SmallVector<int64_t> dims; ///< of the view
  Values low, high;                ///< [low, high) along each of them

  bool has(int64_t dim) const { return llvm::is_contained(dims, dim); }
  /// Nulls where there are none.
  std::pair<Value, Value> along(int64_t dim) const { return tile::boundsWithin(dims, low, high, dim); }
};

/// What is accessed along one dimension of a view.
struct AlongView {
  int64_t elements; ///< of the tile
  bool hasMargin;   ///< positions from `elements` on are asked for too, and lie outside
  Value low, high;  ///< i32: indices that are accessed, [low, high); null: all of the view's
};

/// The elements of a tile that exist along one dimension of a view: those with first + position < count, all of them
/// i32 without sign (a negative index is a huge one). Null `count`: all exist.
struct IndexRange {
  Value first, count;
  int64_t certain; ///< positions below it exist whatever happens
};

/// How far the view reaches along one dimension of a tile, from this thread's first piece.
struct Reach {
  Value left;     ///< i32: positions from the first piece to the end; null: every piece is inside
  Value position; ///< i32: in place of `left` where the first piece may lie before the beginning: its position
  Value count;    ///< i32, with `position`: that of the end. Does not depend on the loop
};

/// Which barrier of a ring a step has, and in which phase: i32.
struct SlotPhase {
  Value offset; ///< of the barrier, in bytes from that of the first slot
  Value parity; ///< of step / slots
};

/// A descriptor (i64) of a tile that products of a loop read, and what of it the tile's place in shared memory and its
/// layout make, a constant.
struct LoopDescriptor {
  Value base;
  int64_t place = 0;
};

/// Where a put reads, from this thread's first piece on (CopyByThreads.h). A loop may carry it.
struct CopyCursor {
  Value pointer; ///< to the element at the thread's first piece, or at the tile's first element if pieces are irregular
  Reach rows, columns;
  bool isNarrowed = false; ///< the rows reach nowhere if the columns or the view's other dimensions do not
  /// Of a tile of one row: `rows` is how far that reaches along its columns, by position, and the pointer is to where
  /// the position is 0: of lines side by side the loop carries one number.
  bool isLine = false;
};

class Lowering {
public:
  /// For a kernel whose launch is settled.
  explicit Lowering(mlir::func::FuncOp kernel);

  /// Makes the llvm.func beside the kernel. Errors have been emitted on failure.
  mlir::LogicalResult run();

  //===--- Values ---------------------------------------------------------------===//

  mlir::OpBuilder b;
  mlir::Location loc;
  unsigned warps; ///< over which tiles are spread: of the CTA, or of this part of it
  const Target target;
  InstructionCount count; ///< of all that `b` has made

  Value i32(int64_t value);
  Value i64(int64_t value);
  Value add(Value x, Value y);
  Value addConstant(Value x, int64_t constant);
  Value mulConstant(Value x, int64_t constant);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value bitAnd(Value x, int64_t mask);
  Value shiftRight(Value x, unsigned bits);
  Value bitXor(Value x, Value y);
  Value both(Value x, Value y); ///< i1 and; a null operand is true
  Value less(Value x, Value y); ///< signed <
  Value select(Value condition, Value x, Value y);
  /// What an element of a tile is in a register: itself, or an i8.
  mlir::Type carried(mlir::Type element) { return tile::isF8(element) ? b.getI8Type() : element; }
  Value zero(mlir::Type element); ///< as it is carried
  Value toI64(Value x);           ///< sign-extends i32, leaves i64

  /// Registers of a tile, or a scalar as one value.
  const Values &registersOf(Value tile) const;
  Value scalarOf(Value value) const { return registersOf(value).front(); }
  void define(Value tile, Values registers) {
    count.names += int64_t(registers.size());
    registerValues[tile] = std::move(registers);
  }

  //===--- Threads ---------------------------------------------------------------===//

  Value warpgroup;          ///< i32, the same in all lanes for the assembler too; of those that compute, of cta.roles
  Value thread, lane, warp; ///< i32: index in the CTA or this part of it, in the warp, of the warp
  Values foldedExtents; ///< i32: the grid's extents along x and y (and z of resident CTAs) if it is folded, else none

  /// From here on, where the builder stands, the threads are those of a part of `partWarps` warps that starts at
  /// `firstWarp`.
  void enterPart(unsigned firstWarp, unsigned partWarps);

  /// `make`'s i32, which depends on the warp alone, made once at the start of the kernel or part and known to the
  /// assembler as the same in all lanes: it keeps such values in uniform registers (measured), and does not make them
  /// again from what they are made of where they are used. Words with the same `key` are one.
  using WordKey = std::tuple<mlir::Operation *, uint32_t, int64_t, unsigned>;
  Value uniformWord(const WordKey &key, llvm::function_ref<Value()> make);

  /// The part of coordinate `dim` that depends on the thread: i32, invariant in the whole kernel or part.
  Value threadCoordinate(const layout::TileLayout &layout, unsigned dim);
  /// True (i1) where the element of a tile of `shape` at `coord` (a register's, see TileLayout::registerCoord) exists
  /// in this thread: it does not lie in the layout's margin. Null if that is certain.
  Value insideTile(llvm::ArrayRef<int64_t> shape, const layout::TileLayout &layout, const layout::Coord &coord);
  /// True (i1) for the one thread of each group that holds the same elements; null if there are no replicas.
  Value firstReplica(const layout::TileLayout &layout);

  //===--- Control flow ----------------------------------------------------------===//

  mlir::Block *newBlock(mlir::TypeRange arguments = {});
  /// Builds `body` in a block of its own that runs where `condition` (null: always) holds.
  void when(Value condition, llvm::function_ref<void()> body);
  /// As `when`, with values: those of `body` where `condition` holds, else `otherwise`.
  Values whenElse(Value condition, llvm::ArrayRef<Value> otherwise, llvm::function_ref<Values()> body);

  //===--- Memory ------------------------------------------------------------------===//

  llvm::DenseMap<Value, Value> slotStarts; ///< cta.get result -> first byte of its slot in the ring, i32; or null: 0
  /// Result of a product in flight -> the words of its left operand in registers.
  llvm::DenseMap<Value, Values> inFlight;
  /// What the loop around a put or a get carries for it (LoopAddresses.h): the first byte of its slot in the ring,
  /// i32, and a put's cursor.
  llvm::DenseMap<mlir::Operation *, Value> slotOffsets;
  std::map<mlir::Operation *, SlotPhase> slotPhases; ///< of puts, gets and releases by mbarrier
  RingCompanions companions;
  std::map<mlir::Operation *, CopyCursor> cursors;
  llvm::DenseMap<mlir::Operation *, Value> tilePointers; ///< of loads and stores: where the loop around carries it
  llvm::DenseMap<mlir::Operation *, Value> endPointers;  ///< of these: what it is behind that loop

  /// Of products of a loop (Wgmma.cpp), by their block, the slots' first byte in the ring, the upper word, and the part
  /// that a warpgroup has.
  std::map<std::tuple<mlir::Block *, const void *, uint32_t, int64_t, unsigned>, LoopDescriptor> loopDescriptors;

  const ViewValues &viewOf(Value view) const { return views.find(view)->second; }
  /// Pointer to the first byte of a cta.alloc or a cta.ring.
  Value memoryBase(mlir::Operation *allocation);
  /// Pointer to a byte of the CTA's shared memory.
  Value sharedByte(int64_t offset) { return offsetPointer(sharedMemory, offset); }
  /// First byte in `ring`, i32, of the slot of `step`.
  Value slotOffset(cta::RingType ring, Value step);
  /// Pointer to the tile that `buffer` (an alloc or a get) stands for.
  Value slotPointer(Value buffer);
  /// i32: what `buffer` begins behind its alloc's or ring's first byte; null: nothing.
  Value slotStart(Value buffer) const;
  /// Pointer to an element of a slot.
  Value sharedPointer(Value slotPointer, const layout::SharedLayout &layout, const SharedPlace &place);
  /// `count` consecutive elements (a power of two, at most 16 bytes) from memory, as they are carried.
  Values loadVector(Value pointer, mlir::Type element, unsigned count);
  void storeVector(Value pointer, llvm::ArrayRef<Value> elements);
  /// True (i1) of the first thread of the CTA, or of the part.
  Value isFirstThread();
  /// The elements, of one type, as a vector.
  Value vectorOf(llvm::ArrayRef<Value> elements);
  /// Elements of 32 bits in all as an i32.
  Value wordOf(llvm::ArrayRef<Value> elements);
  /// Pointer plus a byte offset (i32 or i64 value), or plus a constant.
  Value offsetPointer(Value pointer, Value bytes);
  Value offsetPointer(Value pointer, int64_t bytes);
  /// Pointer to shared memory whose address differs in the bits of `turn`.
  Value turnedPointer(Value pointer, int64_t turn);
  /// Pointer to the element of `view` at `indices` (i32 or i64), with 64-bit arithmetic.
  Value viewPointer(Value view, llvm::ArrayRef<Value> indices);
  /// Pointer to this thread's element at coordinate 0 of a tile spread by `layout` over `dims` of `view`, from `start`
  /// on (i32 or i64).
  Value tilePointer(Value view, llvm::ArrayRef<Value> start, llvm::ArrayRef<int64_t> dims,
                    const layout::TileLayout &layout);
  /// Which positions of a tile that starts at `index` (of the cta stage) along dimension `dim` of `view` exist.
  IndexRange indexRange(Value view, unsigned dim, Value index, const AlongView &along);
  /// True (i1) where the element at `position` (i32) exists; null if certain.
  Value insideRange(const IndexRange &range, Value position);
  /// Makes one of `ranges` empty where `condition` (i1) does not hold: nothing need be asked for each element. Gives
  /// the condition back if none of them can say it, else null.
  Value foldInto(Value condition, llvm::MutableArrayRef<IndexRange> ranges);
  /// The bounds of `op`, an access to a view.
  template <typename Access> AccessBounds boundsOf(Access op) {
    AccessBounds bounds{llvm::SmallVector<int64_t>(op.getWithin()), {}, {}};
    for (auto [low, high] : llvm::zip(op.getLow(), op.getHigh())) {
      bounds.low.push_back(scalarOf(low));
      bounds.high.push_back(scalarOf(high));
    }
    return bounds;
  }
  /// True (i1) where `index` lies inside the view along `dim`, and inside `bounds`.
  Value insideAlong(Value view, unsigned dim, Value index, const AccessBounds &bounds);
  /// True (i1) of what a table that is certain names: an index, and not less than nothing.
  Value isIndex(Value index);
  /// Bytes (i32) from one index along `dim` to the next, of a view that a table names rows of.
  Value strideBytes(Value view, unsigned dim);
  /// index * stride in bytes (i64) of what a table that is certain names, anything where it names none.
  Value indexBytes(Value view, unsigned dim, Value index);
  /// True (i1) where all `indices` but those along `skip` lie inside the view and `bounds`; null if that is certain.
  Value insideView(Value view, llvm::ArrayRef<Value> indices, llvm::ArrayRef<int64_t> skip, const AccessBounds &bounds);

  Value callIntrinsic(mlir::Type result, llvm::StringRef name, mlir::ValueRange arguments);

  /// Lowers the operations of a block, terminator included.
  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lowerOperation(mlir::Operation *op);

private:
  Value makeThreadCoordinate(const layout::TileLayout &layout, unsigned dim);
  mlir::LogicalResult makeFunction();
  /// Refuses, at `op`, a kernel that has grown too large to compile in a sensible time.
  mlir::LogicalResult checkSize(mlir::Operation *op) const;
  void mapArguments(mlir::LLVM::LLVMFuncOp function);

  mlir::func::FuncOp kernel;
  mlir::Region *body = nullptr;
  Value sharedMemory; ///< base of dynamic shared memory
  llvm::DenseMap<Value, Values> registerValues;
  llvm::DenseMap<Value, ViewValues> views;
  mlir::Block *entry = nullptr;
  mlir::Operation *prologueEnd = nullptr; ///< values that depend on the thread alone go after it
  std::vector<std::tuple<layout::TileLayout, unsigned, Value>> coordinates;
  std::map<WordKey, Value> uniformWords;
};

//===--- The families ---------------------------------------------------------------===//
// Each returns success if it lowered `op`, failure with an error emitted if it should have but could
// not, and std::nullopt if the operation is not of its family.

using Lowered = std::optional<mlir::LogicalResult>;
Lowered lowerControl(Lowering &lowering, mlir::Operation *op);
Lowered lowerElementwise(Lowering &lowering, mlir::Operation *op);
Lowered lowerShape(Lowering &lowering, mlir::Operation *op);
Lowered lowerIntervals(Lowering &lowering, mlir::Operation *op);
Lowered lowerReductions(Lowering &lowering, mlir::Operation *op);
Lowered lowerCombiners(Lowering &lowering, mlir::Operation *op);
Lowered lowerGlobalMemory(Lowering &lowering, mlir::Operation *op);
Lowered lowerGathers(Lowering &lowering, mlir::Operation *op);
Lowered lowerSharedMemory(Lowering &lowering, mlir::Operation *op);
/// All threads of the CTA wait for each other.
void makeBarrier(Lowering &lowering);
/// Numbers of barriers (PTX ISA, "barrier"): of all threads, of those that compute, from there on of each warpgroup's
/// turn, and of those that copy.
constexpr int64_t kBarrierOfCta = 0, kBarrierOfRole = 1, kBarrierOfTurns = 2, kBarrierOfCopies = 15;
Lowered lowerRings(Lowering &lowering, mlir::Operation *op);
Lowered lowerRoles(Lowering &lowering, mlir::Operation *op);
Lowered lowerInstances(Lowering &lowering, mlir::Operation *op);
Lowered lowerProducts(Lowering &lowering, mlir::Operation *op);

/// One element as its elementary operation computes it: lowers `op` applied to scalar operands.
Value lowerElement(Lowering &lowering, mlir::Operation *op, mlir::ValueRange operands);
/// The value that lane (lane ^ mask) has. 64-bit values travel in halves, small ones in an i32.
Value shuffle(Lowering &lowering, Value value, unsigned mask);
/// Combines two elements as a reduction does.
Value combine(Lowering &lowering, tile::ReduceKind kind, Value x, Value y);

/// What `combine` of it and x leaves x.
Value neutral(Lowering &lowering, tile::ReduceKind kind, mlir::Type type);

/// Where the element at `coord` lies in a tile of `shape` that repeats along its extents of 1 (cta::narrowed).
layout::Coord narrowed(layout::Coord coord, llvm::ArrayRef<int64_t> shape);

/// For each register of `layout`: the coordinate it holds in lane 0 of warp 0 -> its number.
std::map<llvm::SmallVector<uint32_t, 4>, unsigned> registerNumbers(const layout::TileLayout &layout);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_LOWERING_H
