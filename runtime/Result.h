//===- Result.h - A value, or an error that must be looked at ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every fallible function of the runtime returns. Nothing throws; an Error carries the failed call,
// its arguments and the driver's own words. Mistakes in a kernel's text arrive as ErrorKind::Compile
// with their diagnostics. Plain values: as thread-safe as a std::string. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_RESULT_H
#define IMBREX_RUNTIME_RESULT_H

#include "compiler/Diagnostics.h"
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace imbrex {

enum class ErrorKind {
  Argument,    ///< the caller's: a wrong name, shape, type, pointer or option
  Compile,     ///< the kernel's text: see `diagnostics`
  Assemble,    ///< PTX could not be turned into machine code, or not be loaded
  OutOfMemory, ///< of the device; or of the host, while it compiled
  NoDevice,    ///< the device asked for does not exist
  Fault,       ///< a kernel went wrong on the device, which is then lost: later calls say since when, and how to go on
  Driver,      ///< any other failure of a driver call
  File,        ///< a file could not be read or written
};

/// What went wrong, for a program (`kind`) and for a person.
struct Error {
  ErrorKind kind = ErrorKind::Argument;
  std::string message = {};                 ///< one sentence; names the argument, file or kernel
  std::string call = {};                    ///< driver or system call that failed, "" if none
  std::string arguments = {};               ///< of that call, as text
  std::string driverName = {};              ///< "CUDA_ERROR_OUT_OF_MEMORY", or the number if the driver has no name
  std::string driverWords = {};             ///< the driver's own sentence
  std::string report = {};                  ///< a simulated device's fault report, an assembler's log, or ""
  std::vector<Diagnostic> diagnostics = {}; ///< of a failed compilation

  /// Everything above for a person: the message, the call, the report; lines end in "\n".
  std::string render() const;
};

/// Prints the error to stderr and ends the process: what `value()` does where there is none.
[[noreturn]] void dieOf(const Error &error);

/// A T or an Error. `if (result)` asks which; `*result`, `result->` reach the value and need one.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() & { return *operator->(); }
  const T &operator*() const & { return *operator->(); }
  T &&operator*() && { return std::move(*operator->()); }
  T *operator->() {
    assert(*this && "there is no value");
    return std::get_if<0>(&content);
  }
  const T *operator->() const {
    assert(*this && "there is no value");
    return std::get_if<0>(&content);
  }

  /// The value, for a program that has no way to go on without it: on an error it prints the error
  /// and ends the process. A host that must live tests the result first.
  T value() && {
    if (!*this)
      dieOf(error());
    return std::move(**this);
  }
  T &value() & {
    if (!*this)
      dieOf(error());
    return **this;
  }

  const Error &error() const {
    assert(!*this && "there is no error");
    return *std::get_if<1>(&content);
  }
  Error takeError() {
    assert(!*this && "there is no error");
    return std::move(*std::get_if<1>(&content));
  }

private:
  std::variant<T, Error> content;
};

/// Success or an Error.
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default; ///< success
  Result(Error error) : content(std::move(error)) {}

  explicit operator bool() const { return !content; }
  /// See Result<T>::value().
  void value() const {
    if (content)
      dieOf(*content);
  }
  const Error &error() const {
    assert(content && "there is no error");
    return *content;
  }
  Error takeError() {
    assert(content && "there is no error");
    return std::move(*content);
  }

private:
  std::optional<Error> content;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_RESULT_H
