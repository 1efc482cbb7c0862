//===- Messages.cpp - The frontend's messages -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of Errors.def and suggestions for misspelt names.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Messages.h"
#include "llvm/ADT/StringRef.h"

using namespace imbrex;

static const char *const kFormats[] = {
#define IMBREX_ERROR(id, format) format,
#include "compiler/frontend/Errors.def"
};

static constexpr bool kOfCaller[] = {
#define IMBREX_ERROR(id, format) false,
#define IMBREX_CALLER_ERROR(id, format) true,
#include "compiler/frontend/Errors.def"
};

bool imbrex::isOfCaller(Message message) { return kOfCaller[unsigned(message)]; }

const char *imbrex::formatOf(Message message) { return kFormats[unsigned(message)]; }

std::string imbrex::suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> known) {
  unsigned limit = name.size() < 2 ? 0 : std::min<size_t>(1 + name.size() / 4, 4), best = limit + 1;
  const std::string *closest = nullptr;
  for (const std::string &candidate : known.take_front(kMaxSuggestions))
    if (unsigned distance = name == candidate                    ? best
                            : name.equals_insensitive(candidate) ? 0
                                                                 : name.edit_distance(candidate, true, limit + 1);
        distance < best)
      best = distance, closest = &candidate;
  return closest ? ", did you mean '" + *closest + "'?" : "";
}
