//===- Ast.h - What a source says, as a tree ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain structs; each node knows the byte of the source where it begins. Grammar.md names the
// productions. Trees own their children.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_AST_H
#define IMBREX_COMPILER_FRONTEND_AST_H

#include "compiler/DataType.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::ast {

/// A type as written: a scalar type's name, a type parameter, or wide<...> of one.
struct TypeName {
  uint32_t offset = 0;
  std::string name; ///< empty: not given
  bool wide = false;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// One place between the brackets of a view: `:`, `e`, `e :+ size`, or `e .. end`.
struct Index {
  enum Kind : uint8_t { Whole, Single, Slice, Range } kind = Whole;
  uint32_t offset = 0;
  ExprPtr start, size;   ///< `size` of a range: its end
  bool isJoined = false; ///< to the next: (:, lo .. hi)
};

struct Expr {
  enum Kind : uint8_t {
    Integer, ///< integer
    Float,   ///< number
    Bool,    ///< integer 0 or 1
    Name,    ///< text
    Unary,   ///< text: "-" or "!"; operands[0]
    Binary,  ///< text: the operator; operands[0], operands[1]
    Call,    ///< text: the function; operands, the first `integer` of them in brackets of their own: f(a)(b);
             ///< type.name: the mode in dot<mode>(a, b), or empty
    Fill,    ///< type, shape = operands but the last, value = operands.back()
    Cast,    ///< type, operands[0]
    Member,  ///< operands[0], text
    Expand,  ///< operands[0], integer: the dimension inserted
    Load,    ///< text: the view; indices
    Part,    ///< the same without `load`: a part of the view, as a view
  };
  Kind kind;
  uint32_t offset;
  unsigned height = 1; ///< of the tree below; bounded, because those who walk it recurse
  std::string text;
  int64_t integer = 0;
  double number = 0;
  TypeName type;
  std::vector<ExprPtr> operands;
  std::vector<Index> indices;
};

struct Stmt;
using Block = std::vector<std::unique_ptr<Stmt>>;

struct Stmt {
  enum Kind : uint8_t {
    Let,    ///< name and moreNames, value
    Var,    ///< name and moreNames, value
    Assign, ///< name, op ("" or "+", ...), value
    Tiles,  ///< for name in tiles(value, second) [visible(visible)] body
    Range,  ///< for name in value..second body
    If,     ///< value, body, otherwise
    Store,  ///< store name[indices] = value; op "+": += value
  };
  Kind kind;
  uint32_t offset;
  std::string name, op, visible;
  uint32_t visibleOffset = 0;
  std::vector<std::string> moreNames; ///< let a, b = ...: all but the first
  ExprPtr value, second;
  std::vector<Index> indices;
  Block body, otherwise;
};

/// A parameter of a function or hook: the type may be missing, or "coord"; of a view it is the element's.
struct FnParameter {
  uint32_t offset;
  std::string name;
  TypeName type;
  bool isView = false;
  std::vector<ExprPtr> extents; ///< of a view
};

struct File;

/// fn name(extras)(parameters) -> types { body; return results; }, or with "= result".
struct Function {
  uint32_t offset = 0;
  const File *home = nullptr; ///< whose functions its body sees
  std::string name;
  bool isHook = false;
  std::vector<FnParameter> extras, parameters;
  std::vector<TypeName> types; ///< of the results; empty: not given
  Block body;                  ///< stores nothing
  std::vector<ExprPtr> results;
};

struct KernelParameter {
  uint32_t offset;
  std::string name;
  bool isView = false, output = false, optional = false;
  bool inPlace = false; ///< declared var: an output that is read too
  TypeName type;
  std::vector<ExprPtr> extents;
  ExprPtr standard; ///< of a scalar: its value where the host gives none; may be null
};

struct GenericParameter {
  uint32_t offset;
  std::string name;
  bool isInteger = false;
  std::vector<DataType> allowed;
};

struct Tunable {
  uint32_t offset;
  std::string name;
  std::vector<int64_t> choices;
  int64_t standard = 0;
};

/// `on sm_80 [when condition] { ... }` or `when condition { ... }`: values that replace defaults.
struct TuneCase {
  uint32_t offset;
  std::vector<std::string> targets;
  ExprPtr condition;
  struct Setting {
    uint32_t offset;
    std::string name;
    int64_t value;
  };
  std::vector<Setting> settings;
};

struct Tune {
  std::vector<Tunable> tunables;
  std::vector<ExprPtr> constraints;
  std::vector<TuneCase> cases; ///< later ones win
  std::vector<ExprPtr> key;
  std::vector<std::string> rounding;
};

struct Kernel {
  uint32_t offset = 0;
  std::string name;
  std::vector<GenericParameter> generics;
  std::vector<KernelParameter> parameters;
  std::vector<ExprPtr> requirements; ///< conjuncts
  Tune tune;
  std::vector<ExprPtr> grid;
  std::vector<FnParameter> gridNames;
  Block body;
};

/// import "word": the functions of another file, but not those that it imports itself.
struct FileImport {
  uint32_t offset;
  std::string word;
  std::shared_ptr<const File> file; ///< null where that was reported as wrong
};

struct File {
  std::vector<FileImport> imports;
  std::vector<Function> functions; ///< hooks too
  std::vector<Kernel> kernels;
  const File *outer = nullptr; ///< whose functions are seen too, behind its own: of a hook's binding

  /// The functions that are seen here: its own, imported ones, those of the outer file.
  std::vector<const Function *> visibleFunctions() const;
  const Function *findFunction(std::string_view name) const;
};

/// The expression in the language's own notation: for messages.
std::string toText(const Expr &expr);
/// "wide<T>".
std::string toText(const TypeName &type);
/// "view<T>[B, Sq]", "f32", or "" where no type is given.
std::string typeText(const FnParameter &parameter);

} // namespace imbrex::ast

#endif // IMBREX_COMPILER_FRONTEND_AST_H
