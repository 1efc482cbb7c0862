//===- TunedTable.cpp - What tuning found, as launches look it up ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys as bytes and text, and the table.
//
//===----------------------------------------------------------------------===//

#include "runtime/TunedTable.h"
#include <mutex>

using namespace imbrex;

/// Of a part that has no value (a product beyond 64 bits): as good as any other.
static constexpr int64_t kNoValue = INT64_MIN;

static int64_t valueOf(const SignaturePlan::KeyPart &part, const Binding &binding) {
  if (part.type < 0)
    return part.value.evaluate(binding.slots).value_or(kNoValue);
  const std::optional<DataType> &type = binding.types[unsigned(part.type)];
  return type ? int64_t(*type) : kNoValue;
}

KeyBytes imbrex::keyBytes(const SignaturePlan &plan, const Binding &binding) {
  KeyBytes key;
  for (const SignaturePlan::KeyPart &part : plan.key) {
    int64_t value = valueOf(part, binding);
    key.append(llvm::StringRef(reinterpret_cast<const char *>(&value), sizeof value));
  }
  return key;
}

std::string imbrex::keyText(const SignaturePlan &plan, const Binding &binding) {
  std::string text;
  for (size_t i = 0; i < plan.key.size(); ++i) {
    int64_t value = valueOf(plan.key[i], binding);
    text += (text.empty() ? "" : ", ") + plan.signature.key[i].infix() + "=";
    text += plan.key[i].type < 0 ? std::to_string(value) : std::string(name(DataType(value)));
  }
  return text;
}

unsigned TunedTable::find(const KeyBytes &key) const {
  std::shared_lock lock(mutex);
  auto found = numbers.find(key);
  return found == numbers.end() ? 0 : found->second;
}

Tuning TunedTable::tuning(unsigned number) const {
  std::shared_lock lock(mutex);
  return tunings[number - 1];
}

void TunedTable::adopt(llvm::StringRef key, Tuning tuning) {
  std::unique_lock lock(mutex);
  tunings.push_back(std::move(tuning));
  numbers[key] = unsigned(tunings.size());
  count.store(tunings.size(), std::memory_order_release);
}
