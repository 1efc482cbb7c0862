//===- Launch.cpp - Launches, preparation and inference from C ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one asks of a kernel with arguments. Results.cpp reads what comes of prepare and infer.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Arguments.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

imbrex_status imbrex_kernel_launch(const imbrex_kernel *kernel, const imbrex_stream *stream,
                                   const imbrex_argument *arguments, size_t count, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    const Stream &on = stream ? stream->stream : kernel->runtime->stream();
    return kernel->kernel.launch(on, std::span<const Argument>(list));
  });
}

static imbrex_info *newInfo(KernelInfo info) {
  std::string interface = info.interface.toJson(), repairs;
  for (const std::string &repair : info.repairs)
    repairs += repair + "\n";
  info.ptx = validText(std::move(info.ptx));
  info.assemblerLog = validText(std::move(info.assemblerLog));
  return new imbrex_info{std::move(info), std::move(interface), validText(std::move(repairs))};
}

imbrex_status imbrex_kernel_prepare(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                    imbrex_info **info, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    Result<KernelInfo> prepared = kernel->kernel.prepare(std::span<const Argument>(list));
    if (!prepared)
      return prepared.takeError();
    if (info)
      *info = newInfo(std::move(*prepared));
    return {};
  });
}

static_assert(int(Readiness::Loaded) == IMBREX_READY_LOADED && int(Readiness::Stored) == IMBREX_READY_STORED &&
              int(Readiness::Missing) == IMBREX_READY_MISSING);

imbrex_status imbrex_kernel_readiness(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                      int32_t *readiness, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {readiness, "readiness"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    Result<Readiness> found = kernel->kernel.readiness(std::span<const Argument>(list));
    if (!found)
      return found.takeError();
    *readiness = int32_t(*found);
    return {};
  });
}

imbrex_status imbrex_kernel_infer(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                  imbrex_shapes **shapes, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {shapes, "shapes"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    return give(shapes, kernel->kernel.infer(std::span<const Argument>(list)),
                [](InferredShapes inferred) { return new imbrex_shapes{std::move(inferred)}; });
  });
}
