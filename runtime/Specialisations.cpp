//===- Specialisations.cpp - Compiled kernels, loaded on a device ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One slot a key: whoever makes it does so without a lock, the others wait for the slot. The index by launch keys holds
// no kernel: what leaves the slots leaves the index under its lock, and is destroyed behind it.
//
//===----------------------------------------------------------------------===//

#include "runtime/Specialisations.h"
#include <algorithm>
#include <chrono>

using namespace imbrex;

/// Whether the same key would end in the same way again.
static bool isOfCaller(const Error &error) {
  return error.kind == ErrorKind::Argument || error.kind == ErrorKind::Compile;
}

Result<Ready> Specialisations::get(const std::string &key, const std::function<Result<Ready>()> &make) {
  std::shared_ptr<Slot> slot;
  bool isOurs = false;
  std::vector<std::shared_ptr<Slot>> dropped; // destroyed last, without a lock
  {
    std::lock_guard lock(slotsMutex);
    std::shared_ptr<Slot> &found = slots[key];
    isOurs = !found;
    if (isOurs)
      found = std::make_shared<Slot>();
    found->used = ++clock;
    slot = found;
    if (isOurs && slots.size() > most)
      dropped = letGo();
  }
  if (isOurs) {
    Result<Ready> result = make();
    if (result)
      (*result)->used = clock.load();
    if (!result && !isOfCaller(result.error())) {
      std::lock_guard lock(slotsMutex);
      slots.erase(key);
    }
    std::lock_guard lock(slot->mutex);
    slot->result = std::move(result);
    slot->done.notify_all();
    return *slot->result;
  }
  std::unique_lock lock(slot->mutex);
  slot->done.wait(lock, [&] { return slot->result.has_value(); });
  return *slot->result;
}

std::optional<Result<Ready>> Specialisations::peek(const std::string &key) {
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard lock(slotsMutex);
    auto found = slots.find(key);
    if (found == slots.end())
      return std::nullopt;
    slot = found->second;
  }
  std::lock_guard lock(slot->mutex);
  return slot->result;
}

/// The index for writing, or after a while without it.
std::unique_lock<StripedMutex> Specialisations::tryIndex() {
  constexpr std::chrono::milliseconds kPatience{2};
  std::unique_lock lock(indexMutex, std::try_to_lock);
  for (auto end = std::chrono::steady_clock::now() + kPatience; !lock && std::chrono::steady_clock::now() < end;) {
    std::this_thread::yield();
    (void)lock.try_lock();
  }
  return lock;
}

/// Takes a quarter of the bound out, those used longest ago, but for what is being made. Under slotsMutex.
std::vector<std::shared_ptr<Specialisations::Slot>> Specialisations::letGo() {
  struct Entry {
    uint64_t used;
    const std::string *key;
    const ReadyKernel *ready;
  };
  std::vector<Entry> list;
  for (const auto &[key, slot] : slots) {
    std::lock_guard lock(slot->mutex);
    if (!slot->result)
      continue;
    const ReadyKernel *ready = *slot->result ? (**slot->result).get() : nullptr;
    list.push_back({std::max(slot->used, ready ? ready->used.load() : 0), &key, ready});
  }
  std::sort(list.begin(), list.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  list.resize(std::min(list.size(), std::max<size_t>(most / 4, 1)));
  std::vector<std::shared_ptr<Slot>> dropped;
  std::unique_lock lock = tryIndex();
  if (!lock) // the next one that is made tries again
    return dropped;
  for (const Entry &entry : list) {
    for (auto it = index.begin(); entry.ready && it != index.end();) {
      auto next = std::next(it);
      if (it->second == entry.ready)
        index.erase(it);
      it = next;
    }
    auto found = slots.find(*entry.key);
    dropped.push_back(std::move(found->second));
    slots.erase(found);
  }
  return dropped;
}

void Specialisations::remember(llvm::StringRef launchKey, const Ready &ready) {
  std::lock_guard lock(slotsMutex);
  bool isKept = std::any_of(slots.begin(), slots.end(), [&](const auto &each) {
    std::lock_guard guard(each.second->mutex);
    const std::optional<Result<Ready>> &result = each.second->result;
    return result && *result && **result == ready;
  });
  if (!isKept)
    return;
  std::unique_lock writing = tryIndex();
  if (!writing)
    return;
  if (index.size() >= kMostLaunchKeys)
    index.clear();
  index[launchKey] = ready.get();
}

size_t Specialisations::size() {
  std::lock_guard lock(slotsMutex);
  return slots.size();
}
