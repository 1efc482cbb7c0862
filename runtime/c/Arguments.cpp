//===- Arguments.cpp - Arguments and views from C -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structs of this version are read where they lie; others are copied first.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Arguments.h"
#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"
#include "runtime/c/Types.h"

using namespace imbrex;
using namespace imbrex::c;

static constexpr size_t kMostArguments = 1024; // no kernel has so many parameters: the count is wrong

static_assert(IMBREX_MAX_RANK == Dims::kMaxRank);

/// `given` if it is of this version, else `copy` filled from it; null and *problem set if it is of none.
template <typename T> static const T *current(const T *given, T &copy, const char *what, Result<void> &problem) {
  if (sizeOf(given) == sizeof(T)) [[likely]]
    return given;
  problem = readStruct(given, copy, what);
  return problem ? &copy : nullptr;
}

static std::string viewWords(const char *what) { return "the view of argument '" + std::string(what) + "'"; }

static Error viewError(const char *what, const std::string &problem) {
  return argumentError(viewWords(what) + ": " + problem);
}

static Result<void> setMemory(const imbrex_view &from, const char *what, View &view) {
  view.address = from.address;
  view.byteOffset = from.byte_offset;
  if (!from.buffer)
    return {};
  const Buffer &buffer = *from.buffer->buffer;
  if (from.address != 0 && from.address != buffer.address()) [[unlikely]]
    return viewError(what, "it has a buffer, and an address that is not the buffer's: set one of them");
  view.address = buffer.address();
  view.availableBytes = buffer.bytes();
  view.owner = buffer.owner();
  return {};
}

/// Fills `view`, which is as new.
static Result<void> fillView(const imbrex_view *given, const char *what, View &view) {
  imbrex_view copy;
  Result<void> problem;
  const imbrex_view *from = current(given, copy, "view", problem);
  if (!from)
    return viewError(what, problem.error().message);
  std::optional<DataType> type = typeOf(from->type);
  if (!type) [[unlikely]]
    return viewError(what, "its type " + std::to_string(from->type) + " is no imbrex_type");
  if (from->rank > IMBREX_MAX_RANK) [[unlikely]]
    return viewError(what,
                     "its rank is " + std::to_string(from->rank) + ", and at most " + std::to_string(IMBREX_MAX_RANK));
  if (from->reserved) [[unlikely]]
    return viewError(what, "its member `reserved` is " + std::to_string(from->reserved) + ", and must be 0");
  view.type = *type;
  view.readOnly = from->read_only != 0;
  view.extents = Dims(std::span(from->extents, from->rank));
  if (from->has_strides)
    view.strides = Dims(std::span(from->strides, from->rank));
  return setMemory(*from, what, view);
}

Result<View> imbrex::c::readView(const imbrex_view *given, const char *what) {
  View view;
  if (Result<void> filled = fillView(given, what, view); !filled)
    return filled.takeError();
  return view;
}

static Result<void> addArgument(const imbrex_argument &argument, size_t index, ArgumentList &list) {
  if (!argument.name) [[unlikely]]
    return argumentError("arguments[" + std::to_string(index) + "].name is null");
  switch (argument.kind) {
  case IMBREX_ARGUMENT_VIEW:
    if (!argument.view) [[unlikely]]
      return argumentError("argument '" + std::string(argument.name) + "' is a view, but its member `view` is null");
    list.emplace_back(argument.name, View());
    return fillView(argument.view, argument.name, list.back().view);
  case IMBREX_ARGUMENT_INTEGER:
    list.emplace_back(argument.name, argument.integer);
    return {};
  case IMBREX_ARGUMENT_REAL:
    list.emplace_back(argument.name, argument.real);
    return {};
  case IMBREX_ARGUMENT_BOOL:
    if (argument.integer != 0 && argument.integer != 1) [[unlikely]]
      return argumentError("argument '" + std::string(argument.name) + "' is " + std::to_string(argument.integer) +
                           ", but a bool is 0 or 1");
    list.emplace_back(argument.name, argument.integer == 1);
    return {};
  }
  return argumentError("argument '" + std::string(argument.name) + "': its kind " + std::to_string(argument.kind) +
                       " is no imbrex_argument_kind");
}

Result<void> imbrex::c::readArguments(const imbrex_argument *arguments, size_t count, ArgumentList &list) {
  if (count == 0)
    return {};
  if (!arguments)
    return argumentError("'arguments' is null, but 'count' is " + std::to_string(count));
  if (count > kMostArguments)
    return argumentError("'count' is " + std::to_string(count) + ": no kernel has more than " +
                         std::to_string(kMostArguments) + " parameters");
  const uint32_t size = sizeOf(arguments);
  if (Result<void> fits = checkSize(size, alignof(imbrex_argument), "arguments[0]"); !fits)
    return fits;
  for (size_t i = 0; i < count; ++i) {
    auto *given = reinterpret_cast<const imbrex_argument *>(reinterpret_cast<const char *>(arguments) + i * size);
    if (sizeOf(given) != size) [[unlikely]]
      return argumentError("the size of 'arguments[" + std::to_string(i) + "]' is " + std::to_string(sizeOf(given)) +
                           ", that of arguments[0] is " + std::to_string(size));
    imbrex_argument copy;
    Result<void> problem;
    const imbrex_argument *argument = current(given, copy, "arguments", problem);
    if (!argument)
      return problem;
    if (Result<void> added = addArgument(*argument, i, list); !added)
      return added;
  }
  return {};
}
