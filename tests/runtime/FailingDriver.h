//===- FailingDriver.h - A driver in which one call fails -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wraps every member of a table so that the n-th call of one function returns an error without being
// made, and counts the calls of each. Thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_FAILINGDRIVER_H
#define IMBREX_TESTS_RUNTIME_FAILINGDRIVER_H

#include "runtime/CudaDriver.h"
#include <map>
#include <memory>
#include <mutex>

namespace imbrex::testing {

struct FailurePlan {
  std::string symbol; ///< exported name; "" lets everything pass
  int call = 1;       ///< which call of it fails, from 1
  cuda::CUresult result = cuda::CUDA_ERROR_UNKNOWN;
  std::map<std::string, int> counts;  ///< calls made so far, by exported name
  std::map<std::string, int> audible; ///< `counts` at a moment that the test chooses
  std::mutex mutex;

  bool fails(const char *name) {
    std::lock_guard lock(mutex);
    return ++counts[name] == call && symbol == name;
  }
};

template <typename... Arguments>
std::function<cuda::CUresult(Arguments...)> failing(const std::function<cuda::CUresult(Arguments...)> &inner,
                                                    const char *symbol, const std::shared_ptr<FailurePlan> &plan) {
  return [inner, symbol, plan](Arguments... arguments) {
    return plan->fails(symbol) ? plan->result : inner(arguments...);
  };
}

inline cuda::DriverTable makeFailing(const cuda::DriverTable &inner, const std::shared_ptr<FailurePlan> &plan) {
  cuda::DriverTable table = inner;
#define IMBREX_CUDA(field, symbol, parameters) table.field = failing(inner.field, symbol, plan);
#include "runtime/CudaSymbols.def"
  return table;
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_RUNTIME_FAILINGDRIVER_H
