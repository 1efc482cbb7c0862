//===- FakeCompiler.h - A compiler without a language -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A describe and a compile for tests of the runtime's own code. The text of a source is ignored; it has the
// kernels `scale_add` (Z = alpha * X + Y, one block for 64 elements), `attention`, whose signature is that of the
// language's sample, and `repeated`, with a grid of `count` blocks. Compiling counts and gives the module text of
// FakeDriver.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_FAKECOMPILER_H
#define IMBREX_TESTS_RUNTIME_FAKECOMPILER_H

#include "runtime/Runtime.h"
#include "tests/runtime/FakeDriver.h"
#include <atomic>

namespace imbrex::testing {

class FakeCompiler {
public:
  CompilerFunctions functions() const;
  unsigned compilations() const { return state->count; }
  /// The options of the last compilation.
  CompileOptions lastOptions() const;
  /// Makes the next compilations fail with this diagnostic; "" ends that.
  void failWith(std::string message);
  void setSharedBytes(unsigned bytes);
  void setMilliseconds(unsigned milliseconds);

  struct State {
    std::atomic<unsigned> count = 0;
    std::mutex mutex;
    CompileOptions last;
    std::string failure;
    unsigned sharedBytes = 0;
    unsigned milliseconds = 0; ///< how long a compilation takes
  };

private:
  std::shared_ptr<State> state = std::make_shared<State>();
};

/// Computes scale_add on the fake device.
void addFakeKernels(FakeDriver &driver);

/// Options of a runtime on the fake device with the fake compiler.
RuntimeOptions fakeOptions(const cuda::DriverTable &table, const FakeCompiler &compiler);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_RUNTIME_FAKECOMPILER_H
