//===- Codes.cpp - PTX and machine code of others, from C -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of Code.h each.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Codes.h"
#include "runtime/WholeFile.h"
#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::c;

Result<CodeShape> imbrex::c::readCodeShape(const imbrex_code_shape *given) {
  imbrex_code_shape read = {};
  if (Result<void> done = readStruct(given, read, "shape"); !done)
    return done.takeError();
  CodeShape shape;
  std::copy(read.grid, read.grid + 3, shape.grid.begin());
  std::copy(read.block, read.block + 3, shape.block.begin());
  shape.sharedBytes = read.shared_bytes;
  return shape;
}

static Result<void> giveCode(const imbrex_runtime *runtime, std::string image, imbrex_code **code) {
  return give(code, Code::load(*runtime->runtime, std::move(image)),
              [&](Code made) { return new imbrex_code{runtime->runtime, std::move(made)}; });
}

imbrex_status imbrex_code_load(const imbrex_runtime *runtime, const void *image, size_t bytes, imbrex_code **code,
                               imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {image, "image"}, {code, "code"}},
                [&] { return giveCode(runtime, std::string(static_cast<const char *>(image), bytes), code); });
}

imbrex_status imbrex_code_load_file(const imbrex_runtime *runtime, const char *path, imbrex_code **code,
                                    imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {path, "path"}, {code, "code"}}, [&]() -> Result<void> {
    std::optional<std::string> image = readWholeFile(path);
    if (!image)
      return Error{ErrorKind::File, "'" + std::string(path) + "' cannot be read"};
    return giveCode(runtime, std::move(*image), code);
  });
}

imbrex_status imbrex_code_prepare(const imbrex_code *code, const char *entry, uint32_t shared_bytes,
                                  imbrex_error **error) {
  return answer(error, {{code, "code"}, {entry, "entry"}}, [&] { return code->code.prepare(entry, shared_bytes); });
}

imbrex_status imbrex_code_launch(const imbrex_code *code, const imbrex_stream *stream, const char *entry,
                                 const imbrex_code_shape *shape, const void *const *values, imbrex_error **error) {
  return answer(error, {{code, "code"}, {entry, "entry"}, {shape, "shape"}}, [&]() -> Result<void> {
    Result<CodeShape> read = readCodeShape(shape);
    if (!read)
      return read.takeError();
    const Stream &on = stream ? stream->stream : code->runtime->stream();
    return code->code.launchWith(on, entry, *read, values);
  });
}

void imbrex_code_free(imbrex_code *code) { delete code; }
