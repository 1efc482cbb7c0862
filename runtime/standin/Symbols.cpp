//===- Symbols.cpp - How programs find the driver's entries ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuGetProcAddress in both forms, and the entries that are refused by name (Refused.def). The exported symbols are
// the only list of what there is: a name is looked up among them, the newest form that the program's version knows
// first.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <dlfcn.h>

using namespace imbrex::standin;

namespace {

/// Entries whose newer form came with a version; others have one form, or a "_v2" that all programs mean.
struct Form {
  const char *name;
  int since;
  const char *symbol;
};
constexpr Form kForms[] = {
    {"cuCtxCreate", 12050, "cuCtxCreate_v4"},
    {"cuCtxCreate", 11040, "cuCtxCreate_v3"},
    {"cuCtxCreate", 0, "cuCtxCreate_v2"},
    {"cuMemAdvise", 12020, "cuMemAdvise_v2"},
    {"cuMemAdvise", 0, "cuMemAdvise"},
    {"cuMemPrefetchAsync", 12020, "cuMemPrefetchAsync_v2"},
    {"cuMemPrefetchAsync", 0, "cuMemPrefetchAsync"},
    {"cuStreamGetCaptureInfo", 12030, "cuStreamGetCaptureInfo_v3"},
    {"cuStreamGetCaptureInfo", 0, "cuStreamGetCaptureInfo_v2"},
    {"cuGetProcAddress", 12000, "cuGetProcAddress_v2"},
    {"cuGetProcAddress", 0, "cuGetProcAddress"},
    {"cuCtxGetDevice", 13000, "cuCtxGetDevice_v2"},
    {"cuCtxGetDevice", 0, "cuCtxGetDevice"},
    {"cuCtxSynchronize", 13000, "cuCtxSynchronize_v2"},
    {"cuCtxSynchronize", 0, "cuCtxSynchronize"},
    {"cuStreamGetCtx", 12050, "cuStreamGetCtx_v2"},
    {"cuStreamGetCtx", 0, "cuStreamGetCtx"},
};

void *ownLibrary() {
  static void *library = [] {
    Dl_info info;
    return dladdr(reinterpret_cast<void *>(&ownLibrary), &info) ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                                                                : nullptr;
  }();
  return library;
}

void *findEntry(const std::string &name, int version) {
  for (const Form &form : kForms)
    if (name == form.name && version >= form.since)
      return dlsym(ownLibrary(), form.symbol);
  void *newer = dlsym(ownLibrary(), (name + "_v2").c_str());
  return newer ? newer : dlsym(ownLibrary(), name.c_str());
}

} // namespace

STANDIN_API cuGetProcAddress_v2(const char *name, void **entry, int version, uint64_t, int *state) {
  enum { kFound = 0, kNotFound = 1 };
  if (!name || !entry)
    return CUDA_ERROR_INVALID_VALUE;
  *entry = findEntry(name, version);
  if (state)
    *state = *entry ? kFound : kNotFound;
  return *entry || state ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
STANDIN_API cuGetProcAddress(const char *name, void **entry, int version, uint64_t flags) {
  return cuGetProcAddress_v2(name, entry, version, flags, nullptr);
}
STANDIN_API cuGetExportTable(const void **, const void *) { return CUDA_ERROR_NOT_FOUND; }

#define IMBREX_REFUSED(name)                                                                                           \
  extern "C" [[gnu::visibility("default"), gnu::weak]] imbrex::cuda::CUresult name() { return refuse(#name); }
#include "runtime/standin/Refused.def"
