//===- FakeDriver.h - A driver table without a device -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A driver for tests of the runtime's own code: memory is the host's, a module is the text "entry NAME", and
// launching a kernel calls the function registered for NAME. It counts what is alive and checks that calls
// that need a context have one, so that leaks and missing contexts are seen. A captured launch is a node of a graph;
// all streams are one, so that capture is of them all. Thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_FAKEDRIVER_H
#define IMBREX_TESTS_RUNTIME_FAKEDRIVER_H

#include "runtime/CudaDriver.h"
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace imbrex::testing {

struct FakeLaunch {
  unsigned grid[3];
  unsigned threads, sharedBytes;
  void **values;
  bool programmatic = false; ///< launched with that attribute
  template <typename T> T value(unsigned i) const { return *static_cast<T *>(values[i]); }
};

class FakeDriver {
public:
  using Kernel = std::function<void(const FakeLaunch &)>;

  /// What is alive, by kind. All 0 when everything was given back.
  struct Alive {
    int contexts = 0, streams = 0, events = 0, buffers = 0, modules = 0, pushed = 0, graphs = 0, executables = 0;
    bool none() const {
      return !contexts && !streams && !events && !buffers && !modules && !pushed && !graphs && !executables;
    }
  };

  FakeDriver();
  cuda::DriverTable table() const;
  /// `values`: how many 8-byte words its values are, kept by a graph.
  void addKernel(const std::string &entry, Kernel kernel, unsigned values = 0);
  int lastPriority() const; ///< of the last stream that was made with one
  Alive alive() const;
  unsigned launches() const;
  int maxDynamicShared() const; ///< the last value of that function attribute

  struct State;

private:
  std::shared_ptr<State> state;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_RUNTIME_FAKEDRIVER_H
