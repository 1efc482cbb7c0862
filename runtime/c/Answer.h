//===- Answer.h - How a function of imbrex_c.h ends -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way from a Result to an imbrex_status and an imbrex_error, and the checks of pointers that come before.
// Every fallible function of the interface is one `answer`:
//
//   return answer(error, {{runtime, "runtime"}, {stream, "stream"}}, [&] {
//     return give(stream, runtime->runtime->createStream());
//   });
//
// Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_ANSWER_H
#define IMBREX_RUNTIME_C_ANSWER_H

#include "runtime/Result.h"
#include "runtime/c/imbrex_c.h"
#include <initializer_list>
#include <string_view>

namespace imbrex::c {

/// A pointer that must not be null, and its parameter's name.
struct Given {
  const void *pointer;
  const char *name;
};

/// The status of a kind. Total: a new kind does not compile without its status.
imbrex_status statusOf(ErrorKind kind);

Error argumentError(std::string message);

/// `text`, with U+FFFD for what is not UTF-8.
std::string validText(std::string text);

/// Writes *error, if asked for, and gives the status.
imbrex_status fail(imbrex_error **error, Error problem);
/// The failure of the first that is null; IMBREX_OK if none is.
imbrex_status checkGiven(imbrex_error **error, std::initializer_list<Given> given);

inline imbrex_status succeed(imbrex_error **error) {
  if (error)
    *error = nullptr;
  return IMBREX_OK;
}

inline imbrex_status finish(imbrex_error **error, Result<void> done) {
  return done ? succeed(error) : fail(error, done.takeError());
}

/// Checks `given`, then runs `body`, which returns a Result<void>.
template <typename Body>
imbrex_status answer(imbrex_error **error, std::initializer_list<Given> given, const Body &body) {
  for (const Given &one : given)
    if (!one.pointer) [[unlikely]]
      return checkGiven(error, given);
  return finish(error, body());
}

/// Puts a new handle, made of a result's value by `make`, into *to.
template <typename Handle, typename T, typename Make>
Result<void> give(Handle **to, Result<T> result, const Make &make) {
  if (!result)
    return result.takeError();
  *to = make(std::move(*result));
  return {};
}

/// A text of the caller's, freed by imbrex_text_free.
char *copyText(std::string_view text);

/// The text, or "" for null.
inline const char *orEmpty(const char *text) { return text ? text : ""; }

} // namespace imbrex::c

#endif // IMBREX_RUNTIME_C_ANSWER_H
