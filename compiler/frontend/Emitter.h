//===- Emitter.h - The state of emission ---------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks a specialised kernel and emits tile operations, checking types as it goes: after an error a
// poisoned value stands for what could not be made, and silences what follows from it.
//
//     EmitKernel       function, parameters, interface    EmitStatements   let, var, loops, branches
//     EmitExpressions  names, members, new tiles          EmitOperators    arithmetic, comparisons, logic
//     EmitValues       literals, shapes, broadcasting     EmitCasts        cast<type>(value)
//     EmitCalls        calls, built-ins                   EmitFunctions    functions and hooks, inlined
//     EmitChoices      where, also of two literals        EmitAccess       loads and stores of views
//     EmitCombiners    reductions and scans               EmitRandom       philox and philox16
//     EmitDerivative   derivative(f, x)
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_EMITTER_H
#define IMBREX_COMPILER_FRONTEND_EMITTER_H

#include "compiler/frontend/ExactIntegers.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Sema.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

/// What an expression stands for while it is emitted.
struct Val {
  enum Kind : uint8_t {
    Poison,  ///< an error was reported
    Integer, ///< compile-time integer, of no type yet
    Float,   ///< compile-time float, of no type yet
    Bool,    ///< compile-time truth value
    Choice,  ///< one of two numbers of no type yet: condition (Ssa), then two of Integer, Float, Choice in `fields`
    Type,    ///< an element type: integer is its DataType
    Ssa,     ///< a scalar or a tile
    Coord,   ///< b, h, q, k, Sq, Sk
    View,    ///< a view parameter
    Absent,  ///< an optional view that is left out
    Several, ///< what a function gives, in `fields`: only names of a let take it
  };
  Kind kind = Poison;
  int64_t integer = 0;
  double number = 0;
  mlir::Value ssa; ///< Ssa, View
  std::shared_ptr<std::vector<Val>> fields;
  const Parameter *parameter = nullptr; ///< View, Absent
  bool isUnsigned = false;              ///< an Ssa of u8 or u32
  int joined = -1;                      ///< a View: dimensions joined and joined + 1 of `ssa` are one of it

  static Val ofInteger(int64_t value) { return {Integer, value, double(value), {}, {}, {}}; }
  static Val ofFloat(double value) { return {Float, 0, value, {}, {}, {}}; }
  static Val ofBool(bool value) { return {Bool, value, double(value), {}, {}, {}}; }
  static Val ofType(DataType type) { return {Type, int64_t(type), 0, {}, {}, {}}; }
  static Val of(mlir::Value value, bool isUnsigned = false) { return {Ssa, 0, 0, value, {}, {}, isUnsigned}; }
  /// The value, or several as one of that kind; Poison if one of them is.
  static Val gather(llvm::ArrayRef<Val> values);

  bool isPoison() const { return kind == Poison; }
  /// Dimensions of a View, as the text sees it.
  size_t rank() const { return mlir::cast<tile::ViewType>(ssa.getType()).getRank() - (joined >= 0 ? 1 : 0); }
  bool isNumber() const { return kind == Integer || kind == Float || kind == Choice; }
  /// Known at compile time but for the conditions of a choice: its type comes from what it meets.
  bool isLiteral() const { return isNumber() || kind == Bool; }
  /// Element type of an Ssa value.
  mlir::Type element() const { return mlir::getElementTypeOrSelf(ssa.getType()); }
  bool isOfOneType(const Val &other) const { return element() == other.element() && isUnsigned == other.isUnsigned; }
  mlir::RankedTensorType tile() const {
    return kind == Ssa ? mlir::dyn_cast<mlir::RankedTensorType>(ssa.getType()) : mlir::RankedTensorType();
  }
};

/// True of rowreduce, rowscan, colreduce and colscan.
bool isCombiner(llvm::StringRef name);

/// Walks one kernel and builds its function. Whatever finds a mistake reports it and returns poison: a Val of
/// kind Poison, a null Value or nullopt. What meets poison returns poison and says nothing, so that one mistake
/// gives one message. A Value that is returned is never null unless that is stated.
class Emitter {
public:
  Emitter(const Specialisation &program, const CompileOptions &options, const Target &target,
          mlir::MLIRContext &context, KernelInterface &interface, Diagnostics &diagnostics);

  mlir::OwningOpRef<mlir::ModuleOp> run();

private:
  struct Binding {
    Val value;
    bool isVariable = false;
  };
  using Scope = std::map<std::string, Binding, std::less<>>;
  /// An argument and where it is written.
  struct Placed {
    Val value;
    uint32_t offset;
  };
  /// The loop whose visibility is promised, while its body is emitted.
  struct VisibleLoop {
    std::string hook;
    mlir::Block *body = nullptr;
    bool found = false;
  };

  //===--- EmitKernel.cpp ---===//
  void fillInterface();
  std::optional<double> standardOf(const ast::KernelParameter &parameter, DataType type);
  void checkHost();
  void checkHostExpression(const ast::Expr &expr, const std::set<std::string> &known, bool isExtent);
  void checkExtent(const ast::KernelParameter &parameter, const ast::Expr &extent);
  void emitRequirement(const ast::Expr &condition);
  mlir::func::FuncOp makeFunction(mlir::ModuleOp module);
  void bindParameters(mlir::func::FuncOp function);
  mlir::Value emitStored(const ast::KernelParameter &parameter, const StoredView &stored, mlir::Value storage);
  mlir::Value emitSequences(const ast::KernelParameter &parameter, const StoredView &stored, mlir::Value storage);
  void bindExtents();
  void hideCaptured();
  void bindGrid();
  void walkTogether(mlir::Value &x, mlir::Value &y);
  std::optional<DataType> resolveType(const ast::TypeName &type);
  mlir::Type toType(DataType type);

  //===--- EmitStatements.cpp ---===//
  void emitStatements(const ast::Block &block);
  void emitBlock(const ast::Block &block);
  void emitStatement(const ast::Stmt &stmt);
  void emitBinding(const ast::Stmt &stmt);
  void bindName(const ast::Stmt &stmt, llvm::StringRef name, Val value);
  void emitAssign(const ast::Stmt &stmt);
  std::vector<std::string> variableNames() const;
  bool hidesVariable(uint32_t offset, llvm::StringRef name);
  void emitLoop(const ast::Stmt &stmt);
  void emitLoopBody(const ast::Stmt &stmt, mlir::Block *body);
  std::optional<std::pair<mlir::Value, mlir::Value>> emitBounds(const ast::Stmt &stmt);
  void emitIf(const ast::Stmt &stmt);
  void emitRuntimeIf(const ast::Stmt &stmt, const Val &condition);
  void emitStore(const ast::Stmt &stmt);
  std::vector<std::string> assignedIn(std::initializer_list<const ast::Block *> blocks);
  Binding *find(llvm::StringRef name);

  //===--- EmitExpressions.cpp ---===//
  Val emit(const ast::Expr &expr);
  Val emitName(const ast::Expr &expr);
  Val emitMember(const ast::Expr &expr);
  Val emitExpand(const ast::Expr &expr);
  Val emitFill(const ast::Expr &expr);
  /// Adds to the work done; false, reported once, when it is too much.
  bool spend(uint32_t offset, size_t amount);

  //===--- EmitOperators.cpp ---===//
  Val emitUnary(const ast::Expr &expr);
  Val emitBinary(const ast::Expr &expr);
  Val binary(uint32_t offset, llvm::StringRef op, Val x, Val y);
  Val binaryLiterals(uint32_t offset, llvm::StringRef op, const Val &x, const Val &y);
  Val binaryTypes(uint32_t offset, llvm::StringRef op, const Val &x, const Val &y);
  Val binaryValues(uint32_t offset, llvm::StringRef op, const Val &x, const Val &y);
  Val divide(uint32_t offset, llvm::StringRef op, const Val &x, const Val &y);
  /// False, reported, of a float of 8 bits.
  bool hasArithmetic(uint32_t offset, llvm::StringRef op, const Val &x);
  /// A new value; what is known of it as an integer is kept.
  Val noted(mlir::Value value, bool isUnsigned = false) {
    if (!isUnsigned)
      exact.note(value);
    return Val::of(value, isUnsigned);
  }
  /// << and >> of two values of one type and shape.
  mlir::Value shift(mlir::Location loc, llvm::StringRef op, const Val &x, const Val &y);
  /// && and ||.
  Val logic(uint32_t offset, llvm::StringRef op, Val x, Val y);

  //===--- EmitCasts.cpp ---===//
  Val emitCast(const ast::Expr &expr);
  Val castLiteral(const ast::Expr &expr, Val value, DataType type);
  Val castTo(uint32_t offset, const Val &value, DataType type);

  //===--- EmitValues.cpp ---===//
  /// Brings both to one type and shape: literals adapt, scalars are splatted, extents of 1 repeat.
  bool unify(uint32_t offset, llvm::StringRef op, Val &x, Val &y);
  bool unifyShapes(uint32_t offset, llvm::StringRef op, Val &x, Val &y);
  Val broadcastTo(uint32_t offset, const Val &value, llvm::ArrayRef<int64_t> shape);
  /// A literal as a constant of `type`, a scalar or a tile; Poison, reported, if it does not fit.
  Val adapt(uint32_t offset, const Val &literal, mlir::Type type, bool isUnsigned = false);
  Val adapt(uint32_t offset, const Val &literal, DataType type);
  /// True of an Ssa, scalar or tile, of that element type.
  bool isOf(const Val &value, DataType type);
  bool fits(const Val &literal, DataType type);
  Val wrongLiteral(uint32_t offset, const Val &literal, mlir::Type element, bool isUnsigned);
  /// A literal in its own type; other values stay as they are.
  Val settle(uint32_t offset, Val value);
  /// The scalar i32 that an index, a start or a bound must be; null, reported, if it is none.
  mlir::Value emitI32(const ast::Expr &expr, llvm::StringRef what) { return toI32(expr, emit(expr), what); }
  mlir::Value toI32(const ast::Expr &expr, Val value, llvm::StringRef what);
  std::optional<int64_t> emitConstant(const ast::Expr &expr);
  std::optional<int64_t> emitExtent(const ast::Expr &expr);
  bool checkTile(uint32_t offset, llvm::ArrayRef<int64_t> shape);
  mlir::Value i32(mlir::Location loc, int64_t value);
  std::string describe(const Val &value);
  static std::string describe(mlir::Type type, bool isUnsigned = false);
  static std::string describe(llvm::ArrayRef<int64_t> shape);

  //===--- EmitCalls.cpp ---===//
  Val emitCall(const ast::Expr &expr);
  Val emitBuiltin(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  Val emitMath(const ast::Expr &expr, Val x);
  Val emitIota(uint32_t offset, int64_t count);
  Val emitDot(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  Val emitCoord(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  Val unknownFunction(const ast::Expr &expr);

  //===--- EmitFunctions.cpp ---===//
  Val emitFunction(uint32_t offset, const ast::Function &function, llvm::ArrayRef<Placed> extras,
                   llvm::ArrayRef<Placed> arguments);
  Val emitHook(uint32_t offset, const ast::Function &hook, llvm::ArrayRef<Placed> arguments);
  const ast::Function *findFunction(llvm::StringRef name) const;
  bool bindView(const ast::Function &function, const ast::FnParameter &parameter, Placed placed, Scope &scope);
  bool bindArgument(const ast::Function &function, const ast::FnParameter &parameter, Placed placed, Scope &scope);
  bool isKernelsAlone(uint32_t offset, llvm::StringRef name);
  bool checkExtras(const ast::Expr &expr, const ast::Function &function);
  std::vector<Val> emitBody(const ast::Function &function, Scope scope);
  Val expectValues(const ast::Expr &expr, Val value, size_t count);
  Val checkResult(uint32_t offset, Val value, const ast::TypeName &declared, Message message, llvm::StringRef name);
  void promiseVisible(uint32_t offset, const Val &mask, const Val &coord);

  //===--- EmitCombiners.cpp ---===//
  Val emitCombiner(const ast::Expr &expr);
  const ast::Function *combinerOf(const ast::Expr &expr);
  bool emitSources(const ast::Expr &expr, llvm::SmallVectorImpl<Val> &sources);
  bool emitCombinerBody(const ast::Expr &expr, const ast::Function &function, llvm::ArrayRef<Val> sources,
                        mlir::Operation *op);
  mlir::Value flipSign(mlir::Location loc, mlir::Value value);
  mlir::Value reduceAlong(mlir::Location loc, tile::ReduceKind kind, mlir::Value source, unsigned dim);
  Val emitReduce(const ast::Expr &expr, const Val &source);
  Val emitWhole(const ast::Expr &expr, const Val &source);

  //===--- EmitDerivative.cpp ---===//
  /// derivative(f, x, ..): of f by its first parameter, at x.
  Val emitDerivative(const ast::Expr &expr);
  const ast::Function *derivedFunction(const ast::Expr &expr, llvm::SmallVectorImpl<Placed> &extras);
  Val derive(const ast::Expr &expr, const ast::Function &function, mlir::Operation *begin, const Val &value);

  //===--- EmitRandom.cpp ---===//
  using Words = std::array<Val, 4>;
  Val emitPhilox(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  Val emitPhilox16(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  bool readArguments(const ast::Expr &expr, llvm::ArrayRef<Val> arguments, llvm::ArrayRef<DataType> types,
                     llvm::SmallVectorImpl<Val> &values);
  bool runPhilox(uint32_t offset, const Val &seed, Words &counter);
  std::pair<Val, Val> multiplyWide(uint32_t offset, const Val &x, uint32_t factor);

  //===--- EmitChoices.cpp ---===//
  Val emitWhere(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  /// x where the bool scalar or tile `condition` is true, else y.
  Val choose(uint32_t offset, Val condition, Val x, Val y);
  /// The choice of what `leaf` makes of each number of a choice.
  Val mapChoice(uint32_t offset, const Val &choice, llvm::function_ref<Val(const Val &)> leaf);
  /// A choice with a type of its own; other values stay as they are.
  Val settleChoice(uint32_t offset, Val value);
  /// Of two literals, one of them a choice.
  Val binaryChoices(uint32_t offset, llvm::StringRef op, Val x, Val y);
  /// What a literal is by itself: i1, i32, or f32 if it is a float or a choice with one.
  mlir::Type ownType(const Val &literal);

  //===--- EmitAccess.cpp ---===//
  /// A tile of a view: what tile.load says of it, and with tiles of indices what tile.gather does.
  struct Access {
    const Val *view;
    llvm::SmallVector<mlir::Value> indices;
    llvm::SmallVector<int64_t> dims, shape;
    bool isGather = false;

    tile::ViewType type() const { return mlir::cast<tile::ViewType>(view->ssa.getType()); }
  };
  Val emitLoad(const ast::Expr &expr);
  Val emitPart(const ast::Expr &expr);
  std::optional<Val> emitLength(const ast::Expr &expr);
  Val extentOf(uint32_t offset, const Val &view, unsigned dim);
  Val extentOf(uint32_t offset, mlir::Value view, unsigned dim);
  Val emitExtentOf(const ast::Expr &expr, llvm::ArrayRef<Val> arguments);
  const Val *findView(uint32_t offset, llvm::StringRef name, size_t indexCount);
  std::optional<Access> emitAccess(uint32_t offset, llvm::StringRef name, const std::vector<ast::Index> &indices);
  bool checkTouch(uint32_t offset, llvm::StringRef name, const Val &view, bool adds);
  bool checkAdd(const ast::Stmt &stmt, const Access &access);
  mlir::Value emitIndexValue(const ast::Expr &expr);
  bool emitIndex(Access &access, unsigned dim, const ast::Index &index);
  bool emitJoinedIndex(Access &access, const ast::Index &index);
  bool shapeGather(uint32_t offset, Access &access);
  bool shapePlane(uint32_t offset, Access &access);

  //===--- Small things ---===//
  template <typename... Arguments> Val error(uint32_t offset, Message message, Arguments &&...arguments) {
    report(diagnostics, offset, message, std::forward<Arguments>(arguments)...);
    return {};
  }
  mlir::Location at(uint32_t offset);

  const Specialisation &program;
  const CompileOptions &options;
  const Target &target;
  KernelInterface &interface;
  Diagnostics &diagnostics;
  mlir::OpBuilder b;
  ExactIntegers exact{b};
  std::vector<Scope> scopes; ///< innermost last; in the first stand parameters, extents and grid names
  /// While a function's body is emitted: the names that its kernel sees and it does not.
  const std::vector<Scope> *kernelScopes = nullptr;
  /// Of an extent that varies: the view that says how long a sequence is; null where all are dense.
  std::map<std::string, mlir::Value, std::less<>> varying;
  Scope hostScope; ///< what a hook's binding sees: the kernel's parameters, extents, and what it captured
  Scope constants; ///< integer and tuning parameters: visible in functions too
  std::vector<const ast::Function *> inlining;
  VisibleLoop visible;
  /// How a view that is read and written is touched first, and where.
  struct Touch {
    bool adds;
    uint32_t offset;
  };
  std::map<const Parameter *, Touch> touched;
  /// Operations that others replaced. They stay until the end, so that no new value is taken for one of theirs.
  std::vector<mlir::OwningOpRef<mlir::Operation *>> retired;
  size_t emitted = 0;
  unsigned depth = 0, loops = 0, blocks = 0;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_EMITTER_H
