//===- Bound.cpp - Bound kernels of the C interface -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of BoundKernel.h each.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Arguments.h"
#include "runtime/c/Objects.h"

using namespace imbrex;
using namespace imbrex::c;

imbrex_status imbrex_kernel_bind(const imbrex_kernel *kernel, const imbrex_argument *arguments, size_t count,
                                 imbrex_bound **bound, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {bound, "bound"}}, [&]() -> Result<void> {
    ArgumentList list;
    if (Result<void> read = readArguments(arguments, count, list); !read)
      return read;
    return give(bound, kernel->kernel.bind(std::span<const Argument>(list)),
                [&](BoundKernel made) { return new imbrex_bound{kernel->runtime, std::move(made)}; });
  });
}

imbrex_status imbrex_bound_place(const imbrex_bound *bound, const char *name, uint32_t *place, imbrex_error **error) {
  return answer(error, {{bound, "bound"}, {name, "name"}, {place, "place"}}, [&]() -> Result<void> {
    Result<unsigned> found = bound->bound.place(name);
    if (!found)
      return found.takeError();
    *place = *found;
    return {};
  });
}

imbrex_status imbrex_bound_set_view(imbrex_bound *bound, uint32_t place, const imbrex_view *view,
                                    imbrex_error **error) {
  return answer(error, {{bound, "bound"}, {view, "view"}}, [&]() -> Result<void> {
    Result<View> read = readView(view, "view");
    return read ? bound->bound.set(place, *read) : read.takeError();
  });
}

imbrex_status imbrex_bound_set_integer(imbrex_bound *bound, uint32_t place, int64_t value, imbrex_error **error) {
  return answer(error, {{bound, "bound"}}, [&] { return bound->bound.set(place, value); });
}

imbrex_status imbrex_bound_set_real(imbrex_bound *bound, uint32_t place, double value, imbrex_error **error) {
  return answer(error, {{bound, "bound"}}, [&] { return bound->bound.set(place, value); });
}

imbrex_status imbrex_bound_launch(imbrex_bound *bound, const imbrex_stream *stream, imbrex_error **error) {
  return answer(error, {{bound, "bound"}},
                [&] { return bound->bound.launch(stream ? stream->stream : bound->runtime->stream()); });
}

void imbrex_bound_free(imbrex_bound *bound) { delete bound; }
