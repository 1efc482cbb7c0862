//===- SignaturePlan.h - A kernel's signature, ready to be matched --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A signature with its names numbered and its extents decoded, made once a kernel: what every launch
// matches arguments against. Immutable, shared by threads. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIGNATUREPLAN_H
#define IMBREX_RUNTIME_SIGNATUREPLAN_H

#include "compiler/ExpressionProgram.h"
#include "runtime/Result.h"
#include <memory>

namespace imbrex {

struct SignaturePlan {
  KernelSignature signature;
  std::vector<std::string> names; ///< of slots: symbols and integer parameters, in order of appearance
  /// By parameter, by dimension; empty for a scalar.
  std::vector<std::vector<ExpressionProgram>> extents;
  std::vector<unsigned> integerSlots; ///< of signature.integerParameters
  /// By parameter: which of signature.typeParameters its type depends on, or -1.
  std::vector<int> typeIndex;
  std::vector<bool> wide;                          ///< by parameter: its type is wide<T>
  std::vector<ExpressionProgram> extentConditions; ///< the signature's

  /// Parameter::Pages of a parameter.
  struct Pages {
    unsigned parameter, dim;
    int64_t rows;
    unsigned apart; ///< the scalar parameter
  };
  std::vector<Pages> pages;

  /// A part of the signature's key: the type parameter of that number, or if that is negative an expression.
  struct KeyPart {
    int type;
    ExpressionProgram value;
  };
  std::vector<KeyPart> key;

  static Result<std::shared_ptr<const SignaturePlan>> make(KernelSignature signature);

  unsigned parameterCount() const { return unsigned(signature.parameters.size()); }
  std::optional<unsigned> parameterNamed(std::string_view name) const;
  std::optional<unsigned> slotNamed(std::string_view name) const;
  /// "view<T>[B, Sq, Hk * G]", "f32": for messages.
  std::string typeText(unsigned parameter) const;
  /// "Q, K and V": for messages.
  std::string parameterList() const;
};

/// "a, b and c".
std::string joinNames(const std::vector<std::string> &names);

} // namespace imbrex

#endif // IMBREX_RUNTIME_SIGNATUREPLAN_H
