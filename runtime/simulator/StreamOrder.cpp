//===- StreamOrder.cpp - Which launch ends before which begins ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One clock a stream, an event and the host; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/StreamOrder.h"

#include <algorithm>

namespace imbrex::simulator {
namespace {

constexpr uint64_t kLegacyStream = 1;

/// Null and CU_STREAM_LEGACY are one stream.
uint64_t nameOf(uint64_t stream) { return stream == 0 ? kLegacyStream : stream; }

void join(std::map<uint64_t, uint64_t> &into, const std::map<uint64_t, uint64_t> &from) {
  for (const auto &[stream, number] : from) {
    uint64_t &known = into[stream];
    known = std::max(known, number);
  }
}

} // namespace

void StreamOrder::createStream(uint64_t stream, bool blocking) {
  if (!blocking)
    nonBlocking.insert(stream);
}

void StreamOrder::destroyStream(uint64_t stream) {
  streams.erase(stream);
  nonBlocking.erase(stream);
}

StreamOrder::Clock &StreamOrder::begin(uint64_t stream) {
  stream = nameOf(stream);
  Clock &clock = streams[stream];
  join(clock, host);
  if (stream == kLegacyStream) {
    for (const auto &[other, past] : streams)
      if (other != stream && !nonBlocking.contains(other))
        join(clock, past);
  } else if (!nonBlocking.contains(stream)) {
    join(clock, streams[kLegacyStream]);
  }
  now = clock;
  below = next;
  for (const Launch &launch : launches)
    if (!isKnown(launch, now)) {
      below = launch.firstRun;
      break;
    }
  return clock;
}

void StreamOrder::record(uint64_t event, uint64_t stream) { events[event] = begin(stream); }

void StreamOrder::wait(uint64_t stream, uint64_t event) {
  if (auto found = events.find(event); found != events.end())
    join(streams[nameOf(stream)], found->second);
}

void StreamOrder::hostWaitsForEvent(uint64_t event) {
  if (auto found = events.find(event); found != events.end())
    join(host, found->second);
  forgetOld();
}

void StreamOrder::hostWaitsForStream(uint64_t stream) {
  join(host, begin(stream));
  forgetOld();
}

void StreamOrder::hostWaitsForAll() {
  for (const auto &[stream, past] : streams)
    join(host, past);
  forgetOld();
}

/// What the host knows is before everything to come.
void StreamOrder::forgetOld() {
  std::erase_if(launches, [&](const Launch &launch) { return isKnown(launch, host); });
}

uint32_t StreamOrder::beginLaunch(uint64_t stream, uint64_t blocks, std::shared_ptr<const Program> program) {
  Clock &clock = begin(stream);
  uint32_t first = next;
  next += static_cast<uint32_t>(blocks);
  launches.push_back(
      {first, static_cast<uint32_t>(blocks), nameOf(stream), ++clock[nameOf(stream)], std::move(program)});
  if (launches.size() > kMostLaunches)
    launches.pop_front();
  return first;
}

void StreamOrder::beginCopy(uint64_t stream) { begin(stream); }

const StreamOrder::Launch *StreamOrder::launchOf(uint32_t run) const {
  auto after = std::ranges::upper_bound(launches, run, {}, &Launch::firstRun);
  if (after == launches.begin())
    return nullptr;
  const Launch &launch = *std::prev(after);
  return run - launch.firstRun < launch.blocks ? &launch : nullptr;
}

bool StreamOrder::isKnown(const Launch &launch, const Clock &clock) const {
  auto known = clock.find(launch.stream);
  return known != clock.end() && known->second >= launch.number;
}

bool StreamOrder::isBefore(uint32_t run) const {
  const Launch *launch = launchOf(run);
  return !launch || isKnown(*launch, now);
}

std::string StreamOrder::describe(uint32_t run, uint32_t instruction, std::string &place) const {
  const Launch *launch = launchOf(run);
  if (!launch)
    return "an earlier launch";
  if (instruction < launch->program->code.size())
    place = describeInstruction(*launch->program, instruction);
  return "block " + std::to_string(run - launch->firstRun) + " of an earlier launch of '" + launch->program->name +
         "' on another stream";
}

} // namespace imbrex::simulator
