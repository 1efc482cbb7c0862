//===- LegacyLaunch.cpp - Launches in the steps of CUDA 3 -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA Driver API, "Execution Control [DEPRECATED]": the shape of a block, the shared memory and the parameters belong
// to the function and stay until they are set anew; cuLaunchGrid takes only the grid. PyCUDA still calls them.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

using namespace imbrex::standin;
using imbrex::cuda::CUfunction;
using imbrex::cuda::CUstream;

STANDIN_API cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                           unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void **params,
                           void **extra);

namespace {

constexpr size_t kMostParameterBytes = 32764;

struct Settings {
  unsigned block[3] = {1, 1, 1}, sharedBytes = 0;
  std::vector<char> params;
};

struct Table {
  std::mutex mutex;
  std::map<CUfunction, Settings> of;
};

/// Never destroyed: calls may come until the process is gone.
Table &settings() {
  static Table &only = *new Table;
  return only;
}

/// f(settings of the function), alone.
template <class F> CUresult change(CUfunction function, F f) {
  if (!function)
    return CUDA_ERROR_INVALID_VALUE;
  Table &table = settings();
  std::lock_guard lock(table.mutex);
  f(table.of[function]);
  return CUDA_SUCCESS;
}

CUresult setParameter(CUfunction function, int offset, const void *value, size_t bytes) {
  if (offset < 0 || (!value && bytes))
    return CUDA_ERROR_INVALID_VALUE;
  return change(function, [&](Settings &s) {
    size_t end = static_cast<size_t>(offset) + bytes;
    s.params.resize(std::max(s.params.size(), end));
    std::memcpy(s.params.data() + offset, value, bytes);
  });
}

} // namespace

STANDIN_API cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
  if (x <= 0 || y <= 0 || z <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  return change(function, [&](Settings &s) {
    s.block[0] = static_cast<unsigned>(x);
    s.block[1] = static_cast<unsigned>(y);
    s.block[2] = static_cast<unsigned>(z);
  });
}
STANDIN_API cuFuncSetSharedSize(CUfunction function, unsigned bytes) {
  return change(function, [&](Settings &s) { s.sharedBytes = bytes; });
}
STANDIN_API cuParamSetSize(CUfunction function, unsigned bytes) {
  return change(function, [&](Settings &s) { s.params.resize(bytes); });
}
STANDIN_API cuParamSeti(CUfunction function, int offset, unsigned value) {
  return setParameter(function, offset, &value, sizeof(value));
}
STANDIN_API cuParamSetf(CUfunction function, int offset, float value) {
  return setParameter(function, offset, &value, sizeof(value));
}
STANDIN_API cuParamSetv(CUfunction function, int offset, const void *value, unsigned bytes) {
  return setParameter(function, offset, value, bytes);
}

STANDIN_API cuLaunchGridAsync(CUfunction function, int width, int height, CUstream stream) {
  if (width <= 0 || height <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  Settings s;
  if (CUresult status = change(function, [&](Settings &of) { s = of; }); status != CUDA_SUCCESS)
    return status;
  size_t bytes = s.params.size();
  s.params.resize(std::max(bytes, kMostParameterBytes)); // What was not set is 0.
  void *extra[] = {reinterpret_cast<void *>(1), s.params.data(), reinterpret_cast<void *>(2), &bytes, nullptr};
  return cuLaunchKernel(function, static_cast<unsigned>(width), static_cast<unsigned>(height), 1, s.block[0],
                        s.block[1], s.block[2], s.sharedBytes, stream, nullptr, extra);
}
STANDIN_API cuLaunchGrid(CUfunction function, int width, int height) {
  return cuLaunchGridAsync(function, width, height, nullptr);
}
STANDIN_API cuLaunch(CUfunction function) { return cuLaunchGrid(function, 1, 1); }
