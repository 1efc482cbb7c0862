//===- TypedKernel.h - What headers made from kernels stand on --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `imbrex header FILE` makes a C++ header of a kernel's text: a class for each kernel, with a struct of its arguments.
// A name, a rank, a fixed element type or a scalar's type that is wrong, and an argument that is left out, then do not
// compile:
//
//   auto add = imbrex_kernels::vector_add::VectorAdd::load(runtime).value();
//   add.launch(stream, {.X = {x, DataType::F32, {n}}, .Y = {y, DataType::F32, {n}}, .Z = {z, DataType::F32, {n}}});
//
// Plain values. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TYPEDKERNEL_H
#define IMBREX_RUNTIME_TYPEDKERNEL_H

#include "runtime/Runtime.h"

namespace imbrex::typed {

/// A scalar that must be given, by a value that T holds without narrowing.
template <typename T> struct Given {
  template <typename U>
    requires requires(U value) { T{value}; }
  Given(U value) : value{value} {}
  T value;
};

/// A view of that rank, which must be given. With a type it is of that element type; without one the type is given with
/// it. `strides` as View has them: in elements, the last is 1.
template <unsigned Rank, DataType... Type> class Array {
  static_assert(sizeof...(Type) <= 1);
  static constexpr bool kIsFixed = sizeof...(Type) == 1;

public:
  template <typename Memory, size_t N>
    requires(kIsFixed && N == Rank)
  Array(const Memory &memory, const int64_t (&extents)[N]) : Array(View(memory, Type..., dims(extents))) {}
  template <typename Memory, size_t N>
    requires(kIsFixed && N == Rank)
  Array(const Memory &memory, const int64_t (&extents)[N], const int64_t (&strides)[N])
      : Array(View(memory, Type..., dims(extents), dims(strides))) {}
  template <typename Memory, size_t N>
    requires(!kIsFixed && N == Rank)
  Array(const Memory &memory, DataType type, const int64_t (&extents)[N]) : Array(View(memory, type, dims(extents))) {}
  template <typename Memory, size_t N>
    requires(!kIsFixed && N == Rank)
  Array(const Memory &memory, DataType type, const int64_t (&extents)[N], const int64_t (&strides)[N])
      : Array(View(memory, type, dims(extents), dims(strides))) {}
  /// What is known only at run time: a launch says if it does not fit.
  explicit Array(const View &view) : content(view) {}

  const View &view() const { return content; }

private:
  static Dims dims(const int64_t (&list)[Rank]) { return Dims(std::span<const int64_t>(list, Rank)); }
  View content;
};

/// Which interface a header was made for: 64 hexadecimal digits, of all that describe() says of a kernel.
std::string interfaceHash(const KernelSignature &signature);

/// The kernel of a text, if it has the interface that a header was made for; else an Error of kind Argument.
Result<Kernel> load(const Runtime &runtime, const Source &source, std::string_view kernel, std::string_view hash);

} // namespace imbrex::typed

namespace imbrex {

/// The header of a text with these kernels (describe); it holds what the text imports too. Never fails; the text should
/// have no errors.
std::string kernelHeader(const Source &source, const std::vector<KernelSignature> &kernels);

} // namespace imbrex

#endif // IMBREX_RUNTIME_TYPEDKERNEL_H
