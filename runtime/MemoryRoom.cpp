//===- MemoryRoom.cpp - How much memory a process may still take ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The system tells all of it in small files of lines "name: number", "name number", or a number alone.
//
//===----------------------------------------------------------------------===//

#include "runtime/MemoryRoom.h"
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace imbrex;

/// The beginning of a file of the system; "" if it cannot be read.
static std::string readStart(const std::string &path) {
  std::string text(8192, '\0');
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t got = file < 0 ? -1 : read(file, text.data(), text.size());
  if (file >= 0)
    close(file);
  text.resize(got > 0 ? size_t(got) : 0);
  return text;
}

/// The number behind `name` at the start of a line; behind nothing if `name` is "".
static std::optional<uint64_t> numberIn(const std::string &text, const std::string &name) {
  size_t at = name.empty() || text.starts_with(name) ? 0 : text.find("\n" + name);
  if (at == std::string::npos)
    return std::nullopt;
  at = text.find_first_not_of(": \t\n", at == 0 ? name.size() : at + 1 + name.size());
  if (at == std::string::npos || text[at] < '0' || text[at] > '9') // "max"
    return std::nullopt;
  return strtoull(text.c_str() + at, nullptr, 10);
}

static size_t lessOf(size_t room, std::optional<uint64_t> most, std::optional<uint64_t> taken) {
  if (!most || !taken)
    return room;
  return std::min<size_t>(room, *most > *taken ? *most - *taken : 0);
}

static size_t withinLimits(size_t room) {
  constexpr uint64_t kKilo = 1024;
  const std::string status = readStart("/proc/self/status");
  for (auto [resource, name] : {std::pair(RLIMIT_AS, "VmSize"), {RLIMIT_DATA, "VmData"}}) {
    rlimit limit{};
    std::optional<uint64_t> taken = numberIn(status, name);
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && taken)
      room = lessOf(room, limit.rlim_cur, *taken * kKilo);
  }
  return room;
}

static size_t withinMachine(size_t room) {
  constexpr uint64_t kKilo = 1024;
  const std::string memory = readStart("/proc/meminfo");
  if (std::optional<uint64_t> free = numberIn(memory, "MemAvailable"))
    room = std::min<size_t>(room, *free * kKilo + numberIn(memory, "SwapFree").value_or(0) * kKilo);
  const bool isStrict = numberIn(readStart("/proc/sys/vm/overcommit_memory"), "") == 2;
  std::optional<uint64_t> most = numberIn(memory, "CommitLimit"), promised = numberIn(memory, "Committed_AS");
  if (isStrict && most && promised)
    room = lessOf(room, *most * kKilo, *promised * kKilo);
  return room;
}

/// Of the cgroup at `path` below `root`, and of those around it.
static size_t withinGroups(size_t room, const std::string &root, std::string path, const char *limit,
                           const char *usage) {
  for (;;) {
    const std::string folder = root + path + "/";
    std::optional<uint64_t> used = numberIn(readStart(folder + usage), "");
    const std::string pages = used ? readStart(folder + "memory.stat") : "";
    if (used)
      *used -=
          std::min(*used, numberIn(pages, "inactive_file").value_or(0) + numberIn(pages, "active_file").value_or(0));
    room = lessOf(room, numberIn(readStart(folder + limit), ""), used);
    if (path.empty())
      return room;
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

/// Lines "0::/a/b" (version 2) and "4:memory:/a/b" (version 1) of proc/self/cgroup (cgroups(7)).
static size_t withinGroups(size_t room) {
  const std::string groups = readStart("/proc/self/cgroup");
  for (size_t at = 0; at < groups.size();) {
    const std::string line = groups.substr(at, groups.find('\n', at) - at);
    at += line.size() + 1;
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    std::string path = line.substr(second + 1);
    path.resize(path == "/" ? 0 : path.size());
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty())
      room = withinGroups(room, "/sys/fs/cgroup", path, "memory.max", "memory.current");
    else if (("," + controllers + ",").find(",memory,") != std::string::npos)
      room = withinGroups(room, "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes");
  }
  return room;
}

size_t imbrex::memoryRoom() { return withinGroups(withinMachine(withinLimits(SIZE_MAX))); }

CompileFunction imbrex::inChildWhereMemoryIsShort(CompileFunction here) {
  CompileFunction child = inChild(here);
  return [here = std::move(here), child = std::move(child)](const Source &source, const CompileOptions &options) {
    return memoryRoom() < kRoomToCompile ? child(source, options) : here(source, options);
  };
}
