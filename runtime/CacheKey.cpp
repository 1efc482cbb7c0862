//===- CacheKey.cpp - What tells two compilations apart -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fields with their lengths; a container is one field whose value is again a list of fields.
//
//===----------------------------------------------------------------------===//

#include "runtime/CacheKey.h"
#include "runtime/CacheEntry.h"
#include "runtime/LittleEndian.h"
#include <algorithm>

using namespace imbrex;

void CacheKey::add(std::string_view name, std::string_view value) {
  appendField(data, name);
  appendField(data, value);
}

std::string CacheKey::digest() const { return sha256Hex(data); }

// One overload for every type of a CompileOptions field.
static std::string valueOf(const std::string &value) { return value; }
static std::string valueOf(bool value) { return value ? "1" : "0"; }
static std::string valueOf(const CompileOptions::Settings &settings) {
  CacheKey nested;
  for (const auto &[name, setting] : settings)
    nested.add(name, setting.text());
  return nested.bytes();
}
static std::string valueOf(const CompileOptions::Hooks &hooks) {
  CacheKey nested;
  for (const auto &[name, function] : hooks)
    nested.add(name, function);
  return nested.bytes();
}
static std::string valueOf(const CompileOptions::Storages &storages) {
  CacheKey nested;
  for (const auto &[name, storage] : storages)
    nested.add(name, storage.text());
  return nested.bytes();
}
static std::string valueOf(const std::set<std::string, std::less<>> &names) {
  CacheKey nested;
  for (const std::string &name : names)
    nested.add(name, "");
  return nested.bytes();
}
static std::string valueOf(const std::map<std::string, unsigned, std::less<>> &numbers) {
  CacheKey nested;
  for (const auto &[name, number] : numbers)
    nested.add(name, std::to_string(number));
  return nested.bytes();
}

CacheKey imbrex::makeCacheKey(const Source &source, const CompileOptions &options,
                              const CacheEnvironment &environment) {
  CacheKey key;
  key.add("compiler", environment.compilerBuildId);
  key.add("assembler", environment.assembler);
  std::vector<const Source *> texts = textsOf(source);
  for (const Source *text : texts) {
    key.add("source text", text->text);
    for (const Import &import : text->imports) {
      auto place = std::find(texts.begin(), texts.end(), import.source.get()) - texts.begin();
      key.add("import " + import.word, std::to_string(place));
    }
  }
  options.visit([&](const char *name, const auto &field) { key.add(std::string("option ") + name, valueOf(field)); });
  return key;
}
