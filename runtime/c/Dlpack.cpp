//===- Dlpack.cpp - Views from and to DLPack tensors ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Import copies what a tensor says into an imbrex_view, and refuses what a view cannot say. Export makes a
// tensor that shares the buffer's memory. A simulated device is kDLExtDev, with a device_id that tells live
// simulated devices apart: their addresses mean nothing to each other.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Dlpack.h"
#include "runtime/c/Answer.h"
#include "runtime/c/Arguments.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"
#include "runtime/c/Types.h"
#include <charconv>

using namespace imbrex;
using namespace imbrex::c;

namespace {

struct TypeRow {
  DataType type;
  uint8_t code;
};

/// A tensor for others, and all that it points to.
template <typename Managed> struct Export {
  Managed managed = {};
  int64_t shape[IMBREX_MAX_RANK] = {}, strides[IMBREX_MAX_RANK] = {};
  std::shared_ptr<const Buffer> memory;
};

} // namespace

/// A code and the type's size in bits are a DLDataType.
static constexpr TypeRow kTypeCodes[] = {
    {DataType::Bool, kDLBool},
    {DataType::I8, kDLInt},
    {DataType::I32, kDLInt},
    {DataType::I64, kDLInt},
    {DataType::U8, kDLUInt},
    {DataType::U32, kDLUInt},
    {DataType::F16, kDLFloat},
    {DataType::BF16, kDLBfloat},
    {DataType::F32, kDLFloat},
    {DataType::F64, kDLFloat},
    {DataType::F8E4M3, kDLFloat8_e4m3fn},
    {DataType::F8E5M2, kDLFloat8_e5m2},
};

static DLDevice deviceOf(const Runtime &runtime) {
  const DeviceInfo &info = runtime.device();
  if (info.simulated) {
    auto number = reinterpret_cast<uint64_t>(runtime.owner()); // of an object: a multiple of 16
    return {kDLExtDev, int32_t((number >> 4) & INT32_MAX)};
  }
  int32_t ordinal = 0;
  const char *digits = info.id.data() + info.id.find(':') + 1;
  std::from_chars(digits, info.id.data() + info.id.size(), ordinal);
  return {kDLCUDA, ordinal};
}

static std::string deviceText(DLDevice device) {
  std::string number = std::to_string(device.device_id);
  switch (device.device_type) {
  case kDLCPU:
    return "host memory";
  case kDLCUDA:
    return "the memory of cuda:" + number;
  case kDLCUDAHost:
    return "pinned host memory";
  case kDLCUDAManaged:
    return "managed memory";
  case kDLROCM:
    return "the memory of the ROCm device " + number;
  case kDLExtDev:
    return "the memory of the simulated or other extension device " + number;
  }
  return "the memory of DLPack's device type " + std::to_string(device.device_type) + ", device " + number;
}

static Result<void> checkDevice(const Runtime &runtime, DLDevice device) {
  DLDevice ours = deviceOf(runtime);
  if (device.device_type == ours.device_type && device.device_id == ours.device_id)
    return {};
  const std::string &id = runtime.device().id;
  return argumentError("the tensor is in " + deviceText(device) + ", the runtime's device is " + id +
                       ": copy the tensor to " + id + " first (imbrex_buffer_upload, or the library it comes from)");
}

static std::string typeText(DLDataType type) {
  if (type.code == kDLFloat8_e4m3fn || type.code == kDLFloat8_e5m2)
    return type.code == kDLFloat8_e4m3fn ? "float8_e4m3fn" : "float8_e5m2";
  constexpr const char *names[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
  std::string text =
      type.code < std::size(names) ? names[type.code] : "DLPack's type code " + std::to_string(type.code) + " of bits ";
  return text + std::to_string(type.bits);
}

static Result<DataType> readType(DLDataType type) {
  if (type.lanes != 1)
    return argumentError("the tensor's elements have " + std::to_string(type.lanes) +
                         " lanes, and one is taken: see the lanes as one more dimension");
  for (const TypeRow &row : kTypeCodes)
    if (row.code == type.code && 8 * byteSize(row.type) == type.bits)
      return row.type;
  std::string taken;
  for (const TypeRow &row : kTypeCodes)
    taken += (taken.empty() ? "" : ", ") + typeText({row.code, uint8_t(8 * byteSize(row.type)), 1});
  return argumentError("the tensor's elements are " + typeText(type) + ": taken are " + taken);
}

static Result<void> readTensor(const Runtime &runtime, const DLTensor &tensor, imbrex_view &view) {
  if (Result<void> here = checkDevice(runtime, tensor.device); !here)
    return here;
  Result<DataType> type = readType(tensor.dtype);
  if (!type)
    return type.takeError();
  if (tensor.ndim < 0 || tensor.ndim > IMBREX_MAX_RANK)
    return argumentError("the tensor has " + std::to_string(tensor.ndim) + " dimensions, and 0 to " +
                         std::to_string(IMBREX_MAX_RANK) + " are taken");
  if (!tensor.shape && tensor.ndim > 0)
    return argumentError("the tensor's shape is null, but it has " + std::to_string(tensor.ndim) + " dimensions");
  view.type = numberOf(*type);
  view.address = reinterpret_cast<uint64_t>(tensor.data);
  view.byte_offset = tensor.byte_offset;
  view.rank = uint32_t(tensor.ndim);
  view.has_strides = tensor.strides != nullptr;
  for (int32_t i = 0; i < tensor.ndim; ++i) {
    view.extents[i] = tensor.shape[i];
    view.strides[i] = tensor.strides ? tensor.strides[i] : 0;
  }
  return {};
}

static Result<void> checkForm(int32_t versioned) {
  if (versioned == 0 || versioned == 1)
    return {};
  return argumentError("'versioned' is " + std::to_string(versioned) +
                       ": 0 is a DLManagedTensor, 1 a DLManagedTensorVersioned");
}

imbrex_status imbrex_view_from_dlpack(const imbrex_runtime *runtime, const void *managed_tensor, int32_t versioned,
                                      imbrex_view *view, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {managed_tensor, "managed_tensor"}, {view, "view"}},
                [&]() -> Result<void> {
                  if (Result<void> form = checkForm(versioned); !form)
                    return form;
                  imbrex_view read = {};
                  const auto *tensor = static_cast<const DLTensor *>(managed_tensor);
                  if (versioned) {
                    const auto *managed = static_cast<const DLManagedTensorVersioned *>(managed_tensor);
                    if (managed->version.major != 1)
                      return argumentError("the tensor is of DLPack " + std::to_string(managed->version.major) + "." +
                                           std::to_string(managed->version.minor) + ", and 1.x is taken");
                    read.read_only = (managed->flags & DLPACK_FLAG_BITMASK_READ_ONLY) != 0;
                    tensor = &managed->dl_tensor;
                  }
                  if (Result<void> done = readTensor(*runtime->runtime, *tensor, read); !done)
                    return done;
                  return writeStruct(view, read, "view");
                });
}

/// That all of `view` lies in its buffer. Writes out dense strides.
static Result<void> checkExport(const View &view, Dims &strides) {
  uint64_t last = 0, dense = 1; // of the last element, in elements; all of it if there is no element
  bool empty = false, fits = view.byteOffset <= *view.availableBytes;
  strides = view.extents;
  for (unsigned i = view.extents.size(); i-- > 0;) {
    int64_t extent = view.extents[i];
    strides[i] = view.strides.empty() ? int64_t(dense) : view.strides[i];
    if (extent < 0 || strides[i] < 0)
      return argumentError("'view' has a negative extent or stride in dimension " + std::to_string(i));
    empty |= extent == 0;
    uint64_t reach = 0;
    fits &= !__builtin_mul_overflow(uint64_t(extent ? extent - 1 : 0), uint64_t(strides[i]), &reach) &&
            !__builtin_add_overflow(last, reach, &last);
    fits &= !__builtin_mul_overflow(dense, uint64_t(extent ? extent : 1), &dense) && dense <= INT64_MAX;
  }
  uint64_t bytes = 0;
  fits &= !__builtin_add_overflow(last, uint64_t(1), &last) &&
          !__builtin_mul_overflow(last, uint64_t(byteSize(view.type)), &bytes);
  if (fits && (empty || bytes <= *view.availableBytes - view.byteOffset))
    return {};
  return argumentError("'view' does not lie in its buffer of " + std::to_string(*view.availableBytes) + " bytes");
}

template <typename Managed> static void deleteExport(Managed *self) {
  delete static_cast<Export<Managed> *>(self->manager_ctx);
}

/// What both forms have in common.
template <typename Managed>
static Managed *makeExport(const imbrex_buffer &buffer, const View &view, const Dims &strides) {
  auto *made = new Export<Managed>();
  made->memory = buffer.buffer;
  bool empty = false;
  for (unsigned i = 0; i < view.extents.size(); ++i) {
    made->shape[i] = view.extents[i];
    made->strides[i] = strides[i];
    empty |= view.extents[i] == 0;
  }
  DLTensor &tensor = made->managed.dl_tensor;
  tensor.data = empty ? nullptr : reinterpret_cast<void *>(view.address + view.byteOffset);
  tensor.device = deviceOf(*buffer.runtime);
  tensor.ndim = int32_t(view.extents.size());
  for (const TypeRow &row : kTypeCodes)
    if (row.type == view.type)
      tensor.dtype = {row.code, uint8_t(8 * byteSize(row.type)), 1};
  tensor.shape = made->shape;
  tensor.strides = made->strides;
  made->managed.manager_ctx = made;
  made->managed.deleter = deleteExport<Managed>;
  return &made->managed;
}

imbrex_status imbrex_buffer_to_dlpack(const imbrex_buffer *buffer, const imbrex_view *view, int32_t versioned,
                                      void **managed_tensor, imbrex_error **error) {
  return answer(error, {{buffer, "buffer"}, {view, "view"}, {managed_tensor, "managed_tensor"}}, [&]() -> Result<void> {
    imbrex_view given;
    if (Result<void> done = readStruct(view, given, "view"); !done)
      return done;
    if (given.buffer && given.buffer != buffer)
      return argumentError("'view' is of another buffer than 'buffer'");
    given.buffer = buffer;
    Result<View> read = readView(&given, "view");
    if (!read)
      return read.takeError();
    if (Result<void> form = checkForm(versioned); !form)
      return form;
    if (read->readOnly && !versioned)
      return argumentError("'view' is read-only, which only a DLManagedTensorVersioned can say: set 'versioned' to 1");
    Dims strides;
    if (Result<void> fits = checkExport(*read, strides); !fits)
      return fits;
    if (!versioned) {
      *managed_tensor = makeExport<DLManagedTensor>(*buffer, *read, strides);
      return {};
    }
    auto *made = makeExport<DLManagedTensorVersioned>(*buffer, *read, strides);
    made->version = {1, 0};
    made->flags = read->readOnly ? DLPACK_FLAG_BITMASK_READ_ONLY : 0;
    *managed_tensor = made;
    return {};
  });
}
