//===- Errors.cpp - The C interface's errors ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From imbrex::Error to imbrex_error and what one can ask of it. Texts are made valid UTF-8 once, here: an
// error may quote whatever the caller gave.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"
#include "llvm/Support/JSON.h"
#include <cstdlib>
#include <cstring>

using namespace imbrex;
using namespace imbrex::c;

imbrex_status imbrex::c::statusOf(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::Argument:
    return IMBREX_ERROR_ARGUMENT;
  case ErrorKind::Compile:
    return IMBREX_ERROR_COMPILE;
  case ErrorKind::Assemble:
    return IMBREX_ERROR_ASSEMBLE;
  case ErrorKind::OutOfMemory:
    return IMBREX_ERROR_OUT_OF_MEMORY;
  case ErrorKind::NoDevice:
    return IMBREX_ERROR_NO_DEVICE;
  case ErrorKind::Fault:
    return IMBREX_ERROR_FAULT;
  case ErrorKind::Driver:
    return IMBREX_ERROR_DRIVER;
  case ErrorKind::File:
    return IMBREX_ERROR_FILE;
  }
  return IMBREX_ERROR_DRIVER;
}

Error imbrex::c::argumentError(std::string message) { return Error{ErrorKind::Argument, std::move(message)}; }

std::string imbrex::c::validText(std::string text) {
  return llvm::json::isUTF8(text) ? std::move(text) : llvm::json::fixUTF8(text);
}

static void makeValid(Error &error) {
  for (std::string *text :
       {&error.message, &error.call, &error.arguments, &error.driverName, &error.driverWords, &error.report})
    *text = validText(std::move(*text));
  for (Diagnostic &diagnostic : error.diagnostics)
    for (std::string *text : {&diagnostic.file, &diagnostic.message, &diagnostic.sourceLine})
      *text = validText(std::move(*text));
}

imbrex_status imbrex::c::fail(imbrex_error **error, Error problem) {
  imbrex_status status = statusOf(problem.kind);
  if (!error)
    return status;
  makeValid(problem);
  std::string everything = problem.render();
  *error = new imbrex_error{std::move(problem), std::move(everything)};
  return status;
}

imbrex_status imbrex::c::checkGiven(imbrex_error **error, std::initializer_list<Given> given) {
  for (const Given &one : given)
    if (!one.pointer)
      return fail(error, argumentError("'" + std::string(one.name) + "' is null"));
  return succeed(error);
}

char *imbrex::c::copyText(std::string_view text) {
  char *copy = static_cast<char *>(malloc(text.size() + 1));
  if (!copy)
    return nullptr;
  memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

void imbrex_text_free(char *text) { free(text); }

imbrex_status imbrex_error_status(const imbrex_error *error) { return error ? statusOf(error->error.kind) : IMBREX_OK; }

const char *imbrex_error_text(const imbrex_error *error, int32_t field) {
  if (!error)
    return "";
  switch (field) {
  case IMBREX_ERROR_MESSAGE:
    return error->error.message.c_str();
  case IMBREX_ERROR_EVERYTHING:
    return error->everything.c_str();
  case IMBREX_ERROR_CALL:
    return error->error.call.c_str();
  case IMBREX_ERROR_CALL_ARGUMENTS:
    return error->error.arguments.c_str();
  case IMBREX_ERROR_DRIVER_NAME:
    return error->error.driverName.c_str();
  case IMBREX_ERROR_DRIVER_WORDS:
    return error->error.driverWords.c_str();
  case IMBREX_ERROR_REPORT:
    return error->error.report.c_str();
  }
  return "";
}

size_t imbrex_error_diagnostic_count(const imbrex_error *error) { return error ? error->error.diagnostics.size() : 0; }

static uint32_t severityNumber(Severity severity) {
  switch (severity) {
  case Severity::Error:
    return 0;
  case Severity::Note:
    return 1;
  case Severity::Remark:
    return 2;
  }
  return 0;
}

imbrex_status imbrex_error_diagnostic(const imbrex_error *error, size_t index, imbrex_diagnostic *diagnostic) {
  if (!error || !diagnostic || index >= error->error.diagnostics.size())
    return IMBREX_ERROR_ARGUMENT;
  const Diagnostic &from = error->error.diagnostics[index];
  imbrex_diagnostic filled = {};
  filled.severity = severityNumber(from.severity);
  filled.line = from.line;
  filled.column = from.column;
  filled.file = from.file.c_str();
  filled.message = from.message.c_str();
  filled.source_line = from.sourceLine.c_str();
  return writeStruct(diagnostic, filled, "diagnostic") ? IMBREX_OK : IMBREX_ERROR_ARGUMENT;
}

void imbrex_error_free(imbrex_error *error) { delete error; }
