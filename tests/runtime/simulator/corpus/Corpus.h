//===- Corpus.h - CUDA kernels with oracles on the device -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case is a CUDA source of this folder, a function that fills buffers, launches its kernels and says what they must
// hold (computed there, in plain C++), and the bugs that the source can be compiled with (-DBUG=n), each with the
// faults that may tell it. NVIDIA's compiler turns the source into PTX that the simulator's authors have not written.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_SIMULATOR_CORPUS_CORPUS_H
#define IMBREX_TESTS_RUNTIME_SIMULATOR_CORPUS_CORPUS_H

#include "runtime/simulator/SimulatedDriver.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace imbrex::simulator::corpus {

using cuda::CUdeviceptr;

/// Grid, block and dynamic shared memory of a launch.
struct Shape {
  unsigned gridX, gridY, blockX, blockY, sharedBytes = 0;
  unsigned cluster = 1;
  bool cooperative = false;
};
inline Shape line(unsigned blocks, unsigned threads, unsigned sharedBytes = 0) {
  return {blocks, 1, threads, 1, sharedBytes};
}

/// One module on one fresh device. Calls after the first that fails do nothing; `verdict` says how it ended.
class Work {
public:
  Work(const std::string &ptx, const char *device, unsigned seed);
  ~Work();

  template <class T> CUdeviceptr in(const std::vector<T> &values) {
    return upload(values.data(), values.size() * sizeof(T));
  }
  template <class T> CUdeviceptr zero(size_t count) { return in(std::vector<T>(count)); }
  /// Nothing is written there: reading it is a fault.
  template <class T> CUdeviceptr out(size_t count) { return allocate(count * sizeof(T)); }
  void release(CUdeviceptr address);

  template <class... Arguments> void launch(const char *kernel, Shape shape, Arguments... arguments) {
    void *pointers[] = {static_cast<void *>(&arguments)..., nullptr};
    launchPointers(kernel, shape, pointers);
  }

  template <class T> std::vector<T> get(CUdeviceptr address, size_t count) {
    std::vector<T> values(count);
    download(values.data(), address, count * sizeof(T));
    return values;
  }
  /// The values, each within `relative` of its size or `absolute`.
  template <class T, class E>
  void expect(CUdeviceptr address, const std::vector<E> &wanted, double relative = 0, double absolute = 0) {
    compare(get<T>(address, wanted.size()), wanted, relative, absolute);
  }
  template <class T, class E>
  void compare(const std::vector<T> &got, const std::vector<E> &wanted, double relative = 0, double absolute = 0) {
    for (size_t i = 0; i < got.size(); ++i) {
      double a = static_cast<double>(got[i]), b = static_cast<double>(wanted[i]);
      bool right = a == b || std::abs(a - b) <= absolute + relative * std::abs(b);
      if (!right)
        return disagree(i, a, b);
    }
  }

  /// "right", "wrong: ..." or the fault's name; with "note: NAME" in place of "right" where the device told a note.
  std::string verdict() const;
  const std::string &report() const { return text; }

  /// The same numbers in every run.
  std::mt19937 random{7};
  std::vector<float> floats(size_t count, float scale = 1);
  template <class T> std::vector<T> integers(size_t count, int64_t least, int64_t end) {
    std::vector<T> values(count);
    for (T &value : values)
      value = static_cast<T>(least + static_cast<int64_t>(random() % static_cast<uint64_t>(end - least)));
    return values;
  }

private:
  CUdeviceptr upload(const void *bytes, size_t size);
  CUdeviceptr allocate(size_t size);
  void download(void *bytes, CUdeviceptr address, size_t size);
  void launchPointers(const char *kernel, const Shape &shape, void **arguments);
  void disagree(size_t index, double got, double wanted);
  void fail(const char *call);

  cuda::DriverTable driver;
  cuda::CUmodule module = nullptr;
  bool failed = false;
  std::string text, outcome, noted;
};

/// A bug that the source can be compiled with, and the verdicts that find it, separated by '|'. "right" and "wrong" are
/// never among them; "note: NAME" is where the ISA leaves a warning only.
struct Bug {
  int number;
  std::string faults;
};

/// How many synchronising instructions of a kernel may go and leave it right, and why that is so.
struct Redundant {
  unsigned count = 0;
  const char *reason = "";
};

struct Case {
  std::string source; ///< "sm80/bitonic": folder, which is the target, and file.
  std::string name;   ///< The kernel, or the first of them.
  void (*run)(Work &work);
  std::vector<Bug> bugs = {};
  Redundant redundant = {};
};

/// The product of row-major m x k and k x n.
std::vector<double> product(const std::vector<float> &a, const std::vector<float> &b, size_t m, size_t n, size_t k);
/// The values as bf16 (upper halves of floats), and cuts them to what that holds.
std::vector<uint16_t> takeBf16(std::vector<float> &values);

/// All cases, in one order.
const std::vector<Case> &cases();
/// The families: <Family>Cases.cpp each.
std::vector<Case> blockCases();
std::vector<Case> warpCases();
std::vector<Case> memoryCases();
std::vector<Case> matrixCases();
std::vector<Case> hopperCases();
std::vector<Case> strangeCases();

} // namespace imbrex::simulator::corpus

#endif // IMBREX_TESTS_RUNTIME_SIMULATOR_CORPUS_CORPUS_H
