//===- KernelInterface.h - What a host needs to launch a kernel - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names, types and shapes of a kernel's parameters, its grid and its argument layout: everything a
// host must know to check arguments and launch. Serialised as JSON into cache entries. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_KERNELINTERFACE_H
#define IMBREX_COMPILER_KERNELINTERFACE_H

#include "compiler/DataType.h"
#include "compiler/Limits.h"
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace imbrex {

/// An integer expression over names (symbolic extents, integer parameters, tuning parameters), kept as
/// postfix text: tokens apart by one space. Operators: + - * / % cdiv min max pow2 == != < <= > >= && || !
/// (logic gives 0 or 1; / and % truncate, as in C). Example: cdiv(Sq, BM) is "Sq BM cdiv".
struct Expression {
  std::string postfix;

  /// nullopt if a name has no value, on division by zero, or on overflow of 64 bits.
  std::optional<int64_t> evaluate(const std::map<std::string, int64_t, std::less<>> &values) const;
  /// Names without a value in `values`, in order of appearance, each once.
  std::vector<std::string> unknowns(const std::map<std::string, int64_t, std::less<>> &values) const;
  /// "cdiv(Sq, BM)": for messages.
  std::string infix() const;
  bool operator==(const Expression &) const = default;
};

/// What a kernel requires of a scalar argument: `scalar` `comparison` `bound`, the bound as the scalar's type holds it.
struct ScalarRequirement {
  std::string scalar;
  std::string comparison; ///< < <= > >= == !=
  double bound = 0;       ///< finite; an integer's lies within 2^53

  /// Whether `value`, as the kernel gets it, meets it. A NaN meets none but !=.
  bool holds(double value) const;
  /// "scale > 0": for messages.
  std::string infix() const;
  bool operator==(const ScalarRequirement &) const = default;
};

/// One value parameter of a kernel: a view or a scalar.
struct Parameter {
  std::string name;
  bool isView = false;
  /// Element type of a view, type of a scalar. In a signature it may be a type parameter instead.
  DataType type = DataType::F32;
  std::string typeParameter = {};       ///< "T", "wide<T>", or "" (only in a KernelSignature)
  std::vector<Expression> extents = {}; ///< one a dimension (views)
  bool output = false;                  ///< declared `out` or `var`
  bool inPlace = false;                 ///< declared `var`: what it holds before a launch counts too
  bool optional = false;                ///< declared `in?` or `out?`, or a scalar with a default
  bool present = true;                  ///< false: an optional view that this specialisation leaves out
  unsigned alignment = 16;              ///< bytes; see CompileOptions::alignment
  std::optional<double> standard = {};  ///< of a scalar, once specialised: its value where the host gives none
  /// S of K: view<T>[B, S[B], D]: the dimension whose extent varies, and the one along which it does, of the view as
  /// declared, however it is stored. Only in a KernelSignature.
  struct Varying {
    unsigned dim, along;
    bool operator==(const Varying &) const = default;
  };
  std::optional<Varying> varying = {};
  /// Of a view that is the rows of all pages: dimension `dim` counts rows, of which the first `rows` of each `apart`
  /// are a page's; that is a scalar parameter. Only in a KernelSignature.
  struct Pages {
    unsigned dim;
    int64_t rows;
    std::string apart;
  };
  std::optional<Pages> pages = {};
};

/// T of "wide<T>"; any other text as it is.
std::string_view baseTypeParameter(std::string_view text);

/// One value that a launch passes to the entry.
struct LaunchValue {
  /// What of an argument, or of the launch, the value is.
  enum class Kind : uint8_t {
    Pointer,    ///< of view `name`: u64, the device address of its first element
    Extent,     ///< of view `name` along dimension `index`: i32. An extent written alike again is not passed again
    Stride,     ///< of view `name` along dimension `index`: i64, in elements
    Scalar,     ///< parameter `name`: of type `type`
    GridExtent, ///< of a folded grid along axis `index` (0: x, 1: y): i32
    TensorMap   ///< of view `name`: a CUtensorMap, 128 bytes, aligned to 64 (cuTensorMapEncodeTiled)
  };
  Kind kind = Kind::Scalar;
  std::string name = {};
  unsigned index = 0;
  DataType type = DataType::I32; ///< of a scalar
  /// Of a tensor map: elements of a box along each dimension of the view, and the bytes of a box's row, the span of the
  /// swizzle: 32, 64 or 128.
  std::vector<unsigned> box = {};
  unsigned span = 0;

  /// What it takes among the entry's parameters, where it is aligned to as much.
  unsigned bytes() const;
  bool operator==(const LaunchValue &) const = default;
};

/// A specialised kernel as a host sees it.
struct KernelInterface {
  std::string kernel; ///< the kernel's name in the text
  std::string entry;  ///< the PTX entry's name
  std::vector<Parameter> parameters;
  std::vector<LaunchValue> launchValues; ///< the entry's parameters, in their order; empty below stage cta
  std::map<std::string, int64_t, std::less<>> constants; ///< integer and tuning parameters, as specialised
  std::map<std::string, DataType, std::less<>> types;    ///< type parameters
  std::vector<Expression> grid;                          ///< 3, in the order x, y, z
  std::vector<Expression> requirements;                  ///< `require`d conditions on extents, checked at launch
  std::vector<ScalarRequirement> scalarRequirements;     ///< those on scalars, checked at launch too
  std::string target;
  unsigned warps = 0;       ///< of a CTA
  unsigned sharedBytes = 0; ///< dynamic shared memory of a CTA
  /// CompileOptions::foldGrid: a grid of x * y * z is launched along x alone, and x and y are launch values.
  bool foldedGrid = false;

  /// CTAs a multiprocessor that stay and go through the instances of a folded grid; 0: a CTA for each instance.
  int64_t resident() const {
    auto found = constants.find("resident");
    return found == constants.end() ? 0 : found->second;
  }

  /// As one JSON object, and back; nullopt if the text is none that toJson gives.
  std::string toJson() const;
  static std::optional<KernelInterface> fromJson(std::string_view json);
};

/// What can be said of a kernel before it is specialised; from `describe`.
struct KernelSignature {
  /// `T: f16 | bf16` of the text; empty: every type.
  struct TypeParameter {
    std::string name;
    std::vector<DataType> allowed;
  };
  /// A parameter of the tune block.
  struct Tunable {
    std::string name;
    std::vector<int64_t> choices;
    bool rounding = false; ///< another choice may change the last bits of results
    int64_t standard = 0;  ///< where no case of the tune block says otherwise
  };
  std::string name;
  std::vector<TypeParameter> typeParameters;
  std::vector<std::string> integerParameters;
  std::vector<Tunable> tunables;
  /// What a result of tuning holds for: names of type parameters, and expressions over integer parameters and extents.
  std::vector<Expression> key;
  /// What the cases of the tune block ask of extents. Those that hold for a launch are CompileOptions::holds.
  std::vector<Expression> extentConditions;
  std::vector<Parameter> parameters; ///< extents over symbols and parameters
  std::vector<std::string> hooks;    ///< names of the file's hooks

  /// Those of extentConditions that are true with these values, as CompileOptions::holds takes them.
  std::set<std::string, std::less<>> holding(const std::map<std::string, int64_t, std::less<>> &values) const;

  /// The schema stands in runtime/c/README.md.
  std::string toJson() const;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_KERNELINTERFACE_H
