//===- TuneStore.cpp - What tuning found, kept ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records as JSON in the first field of a cache entry. Reading is strict: what is not whole counts as not there.
//
//===----------------------------------------------------------------------===//

#include "runtime/TuneStore.h"
#include "runtime/RuntimeState.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
namespace json = llvm::json;

static constexpr unsigned kClockStep = 100000; ///< kHz: boards of one name differ by clocks, runs by less than this

CacheKey imbrex::tuneIdentity(const KernelState &kernel) {
  const RuntimeState &runtime = *kernel.module->runtime;
  const DeviceInfo &device = runtime.device->info();
  CacheKey key =
      makeCacheKey(kernel.module->source, kernel.options, {runtime.compiler.buildId, runtime.assembler.identity()});
  key.add("device", device.name);
  key.add("multiprocessors", std::to_string(device.multiprocessors));
  key.add("driver", std::to_string(device.driverVersion));
  key.add("clock", std::to_string(device.clockKiloHertz / kClockStep));
  return key;
}

Result<TuneStore> TuneStore::open(const std::string &cacheDirectory, CacheKey identity) {
  const std::string folder = tuningFolder(cacheDirectory);
  Result<DiskCache> devices = DiskCache::open(folder);
  if (!devices)
    return devices.takeError();
  Result<DiskCache> cache = DiskCache::open(folder + "/" + identity.digest());
  if (!cache)
    return cache.takeError();
  return TuneStore(std::move(*cache), std::move(*devices), std::move(identity));
}

static json::Object toJson(const Tuning &tuning) {
  json::Object object;
  for (const auto &[name, value] : tuning)
    object[name] = value;
  return object;
}

static std::string textOf(const json::Value &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

CacheKey TuneStore::keyOf(std::string_view key, const Tuning &tuning) const {
  CacheKey full = identity;
  full.add("key", key);
  full.add("tuning", textOf(::toJson(tuning)));
  return full;
}

static std::string encode(const TuneStore::Record &record) {
  const TuneCandidate &c = record.candidate;
  return textOf(json::Object{{"key", llvm::toHex(record.key)},
                             {"tuning", toJson(c.tuning)},
                             {"outcome", int64_t(c.outcome)},
                             {"why", c.why},
                             {"milliseconds", c.milliseconds},
                             {"ratio", c.ratio},
                             {"uncertainty", c.uncertainty},
                             {"rounds", int64_t(c.rounds)},
                             {"sameBits", c.sameBits},
                             {"cycles", c.cycles},
                             {"registers", int64_t(c.registers)},
                             {"sharedBytes", int64_t(c.sharedBytes)},
                             {"localBytes", int64_t(c.localBytes)},
                             {"attempts", int64_t(record.attempts)}});
}

static std::optional<TuneStore::Record> decode(const std::string &text) {
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  const json::Object *object = value->getAsObject();
  const json::Object *tuning = object ? object->getObject("tuning") : nullptr;
  std::optional<llvm::StringRef> key = object ? object->getString("key") : std::nullopt;
  TuneStore::Record record;
  if (!tuning || !key || !llvm::tryGetFromHex(*key, record.key))
    return std::nullopt;
  TuneCandidate &c = record.candidate;
  for (const auto &[name, number] : *tuning)
    c.tuning[name.str()] = number.getAsInteger().value_or(0);
  auto integer = [&](llvm::StringRef name) { return object->getInteger(name).value_or(0); };
  auto real = [&](llvm::StringRef name) { return object->getNumber(name).value_or(0); };
  int64_t outcome = integer("outcome");
  if (outcome < 0 || outcome > int64_t(TuneOutcome::Estimated))
    return std::nullopt;
  c.outcome = TuneOutcome(outcome);
  c.why = object->getString("why").value_or("").str();
  c.milliseconds = real("milliseconds"), c.ratio = real("ratio"), c.uncertainty = real("uncertainty");
  c.rounds = unsigned(integer("rounds"));
  c.sameBits = object->getBoolean("sameBits").value_or(false);
  c.cycles = real("cycles");
  c.registers = unsigned(integer("registers")), c.sharedBytes = unsigned(integer("sharedBytes"));
  c.localBytes = unsigned(integer("localBytes"));
  record.attempts = unsigned(integer("attempts"));
  return record;
}

std::vector<TuneStore::Record> TuneStore::all() const {
  std::vector<Record> records;
  for (const auto &[key, entry] : cache.all())
    if (std::optional<Record> record = decode(entry.interface))
      records.push_back(std::move(*record));
  return records;
}

std::optional<TuneStore::Record> TuneStore::find(std::string_view key, const Tuning &tuning) const {
  std::optional<CacheEntry> entry = cache.find(keyOf(key, tuning));
  return entry ? decode(entry->interface) : std::nullopt;
}

Result<void> TuneStore::store(const Record &record) const {
  return cache.store(keyOf(record.key, record.candidate.tuning), {"", encode(record), "", "", ""});
}

std::optional<DiskCache::Claim> TuneStore::claim(std::string_view key, const Tuning &tuning) const {
  return cache.claim(keyOf(key, tuning), /*wait=*/false);
}

std::optional<DiskCache::Claim> TuneStore::claimDevice(const DeviceInfo &device) const {
  CacheKey key;
  key.add("device", device.id);
  key.add("name", device.name);
  return devices.claim(key, /*wait=*/true);
}

std::vector<std::pair<std::string, Tuning>> imbrex::bestOf(const std::vector<TuneStore::Record> &records) {
  std::map<std::string, const TuneCandidate *> best;
  for (const TuneStore::Record &record : records) {
    const TuneCandidate &c = record.candidate;
    bool isTimed = c.outcome == TuneOutcome::Measured || c.outcome == TuneOutcome::Estimated;
    if (!isTimed || c.ratio <= 0 || c.ratio * (1 + c.uncertainty) >= 1)
      continue;
    const TuneCandidate *&known = best[record.key];
    if (!known || c.ratio * (1 + c.uncertainty) < known->ratio * (1 + known->uncertainty))
      known = &c;
  }
  std::vector<std::pair<std::string, Tuning>> list;
  list.reserve(best.size());
  for (const auto &[key, candidate] : best)
    list.emplace_back(key, candidate->tuning);
  return list;
}
