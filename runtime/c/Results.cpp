//===- Results.cpp - Compiled kernels and inferred shapes, read from C ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// KernelInfo and InferredShapes, member by member.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"
#include "runtime/c/Types.h"

using namespace imbrex;
using namespace imbrex::c;

static imbrex_kernel_numbers numbersOf(const KernelInfo &info) {
  imbrex_kernel_numbers numbers = {};
  numbers.warps = info.interface.warps;
  numbers.shared_bytes = info.interface.sharedBytes;
  numbers.static_shared_bytes = info.staticSharedBytes;
  numbers.registers = info.registers;
  numbers.local_bytes = info.localBytes;
  numbers.repairs = uint32_t(info.repairs.size());
  numbers.from_disk = info.fromDisk;
  numbers.machine_code_bytes = info.machineCodeBytes;
  return numbers;
}

imbrex_status imbrex_info_get_numbers(const imbrex_info *info, imbrex_kernel_numbers *numbers, imbrex_error **error) {
  return answer(error, {{info, "info"}, {numbers, "numbers"}},
                [&] { return writeStruct(numbers, numbersOf(info->info), "numbers"); });
}

const char *imbrex_info_text(const imbrex_info *info, int32_t field) {
  if (!info)
    return "";
  switch (field) {
  case IMBREX_INFO_PTX:
    return info->info.ptx.c_str();
  case IMBREX_INFO_INTERFACE:
    return info->interface.c_str();
  case IMBREX_INFO_ASSEMBLER_LOG:
    return info->info.assemblerLog.c_str();
  case IMBREX_INFO_REPAIRS:
    return info->repairs.c_str();
  }
  return "";
}

void imbrex_info_free(imbrex_info *info) { delete info; }

/// The entry of that name, or an Error that says that `kind` is not determined.
template <typename Map>
static Result<const typename Map::mapped_type *> find(const Map &map, const char *name, const char *kind) {
  if (auto found = map.find(std::string_view(name)); found != map.end())
    return &found->second;
  return argumentError("the arguments determine no " + std::string(kind) + " '" + name + "'");
}

imbrex_status imbrex_shapes_extent(const imbrex_shapes *shapes, const char *name, int64_t *value,
                                   imbrex_error **error) {
  return answer(error, {{shapes, "shapes"}, {name, "name"}, {value, "value"}}, [&]() -> Result<void> {
    Result<const int64_t *> found = find(shapes->shapes.extents, name, "symbol or integer parameter");
    if (!found)
      return found.takeError();
    *value = **found;
    return {};
  });
}

imbrex_status imbrex_shapes_type(const imbrex_shapes *shapes, const char *name, int32_t *type, imbrex_error **error) {
  return answer(error, {{shapes, "shapes"}, {name, "name"}, {type, "type"}}, [&]() -> Result<void> {
    Result<const DataType *> found = find(shapes->shapes.types, name, "type parameter");
    if (!found)
      return found.takeError();
    *type = numberOf(**found);
    return {};
  });
}

imbrex_status imbrex_shapes_view(const imbrex_shapes *shapes, const char *name, imbrex_view *view,
                                 imbrex_error **error) {
  return answer(error, {{shapes, "shapes"}, {name, "name"}, {view, "view"}}, [&]() -> Result<void> {
    Result<const InferredShapes::Shape *> found = find(shapes->shapes.views, name, "view parameter");
    if (!found)
      return found.takeError();
    const InferredShapes::Shape &shape = **found;
    if (shape.extents.size() > IMBREX_MAX_RANK)
      return argumentError("view parameter '" + std::string(name) + "' has " + std::to_string(shape.extents.size()) +
                           " dimensions, more than " + std::to_string(IMBREX_MAX_RANK));
    imbrex_view filled = {};
    filled.type = numberOf(shape.type);
    filled.rank = uint32_t(shape.extents.size());
    std::copy(shape.extents.begin(), shape.extents.end(), filled.extents);
    return writeStruct(view, filled, "view");
  });
}

void imbrex_shapes_free(imbrex_shapes *shapes) { delete shapes; }
