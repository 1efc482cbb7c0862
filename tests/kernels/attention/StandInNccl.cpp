//===- StandInNccl.cpp - NCCL for threads of one process ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libnccl.so.2 for the stand-in driver (runtime/standin): the ranks are threads, and what they send is copied by the
// driver from device memory to device memory. Only what NcclCommunicator calls, with what NCCL asks of a caller
// checked: sends and receives in a group, on a context that is current, of as many bytes as the other side expects.
//
//===----------------------------------------------------------------------===//

#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <vector>

namespace {

struct Letter {
  const void *from;
  size_t bytes;
  bool isTaken;
};

struct World {
  int size = 0, joined = 0;
  std::map<std::pair<int, int>, std::vector<Letter *>> letters; ///< by sender and receiver
};

struct Rank {
  World *world;
  int self;
};

struct Pending {
  Rank *rank;
  bool sends;
  void *memory;
  size_t bytes;
  int peer;
};

struct Id {
  char bytes[128];
};

std::mutex mutex;
std::condition_variable changed;
std::map<int, World> worlds;
int lastWorld = 0;
thread_local int groups = 0;
thread_local std::vector<Pending> pending;

enum { Success = 0, UnhandledCuda = 1, InvalidArgument = 4, InvalidUsage = 5 };

template <typename Function> Function *driver(const char *symbol) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  return library ? reinterpret_cast<Function *>(dlsym(library, symbol)) : nullptr;
}

int copy(void *to, const void *from, size_t bytes) {
  static auto *call = driver<int(unsigned long long, unsigned long long, size_t)>("cuMemcpyDtoD_v2");
  return !call || call(reinterpret_cast<unsigned long long>(to), reinterpret_cast<unsigned long long>(from), bytes);
}

bool hasContext() {
  static auto *call = driver<int(void **)>("cuCtxGetCurrent");
  void *context = nullptr;
  return call && call(&context) == 0 && context;
}

int queue(bool sends, void *memory, size_t bytes, int type, int peer, void *comm) {
  if (type != 1 || groups == 0 || peer < 0 || peer >= static_cast<Rank *>(comm)->world->size)
    return InvalidUsage;
  pending.push_back({static_cast<Rank *>(comm), sends, memory, bytes, peer});
  return Success;
}

} // namespace

extern "C" {
int ncclGetUniqueId(Id *id) {
  std::lock_guard lock(mutex);
  *id = {};
  const int made = ++lastWorld;
  std::memcpy(id->bytes, &made, sizeof made);
  return Success;
}

int ncclCommInitRank(void **comm, int size, Id id, int rank) {
  if (!hasContext())
    return InvalidUsage;
  int which = 0;
  std::memcpy(&which, id.bytes, sizeof which);
  std::unique_lock lock(mutex);
  World &world = worlds[which];
  world.size = size;
  ++world.joined;
  changed.notify_all();
  changed.wait(lock, [&] { return world.joined >= size; });
  *comm = new Rank{&world, rank};
  return Success;
}

int ncclCommDestroy(void *comm) {
  delete static_cast<Rank *>(comm);
  return Success;
}

int ncclCommGetAsyncError(void *, int *code) {
  *code = Success;
  return Success;
}

int ncclGroupStart() {
  ++groups;
  return Success;
}

int ncclSend(const void *memory, size_t bytes, int type, int peer, void *comm, void *) {
  return queue(true, const_cast<void *>(memory), bytes, type, peer, comm);
}

int ncclRecv(void *memory, size_t bytes, int type, int peer, void *comm, void *) {
  return queue(false, memory, bytes, type, peer, comm);
}

int ncclGroupEnd() {
  if (--groups != 0)
    return groups < 0 ? InvalidUsage : Success;
  int code = hasContext() ? Success : UnhandledCuda;
  std::vector<Letter> sent;
  sent.reserve(pending.size());
  std::unique_lock lock(mutex);
  for (const Pending &each : pending)
    if (each.sends) {
      sent.push_back({each.memory, each.bytes, false});
      each.rank->world->letters[{each.rank->self, each.peer}].push_back(&sent.back());
    }
  changed.notify_all();
  for (const Pending &each : pending)
    if (!each.sends) {
      std::vector<Letter *> &from = each.rank->world->letters[{each.peer, each.rank->self}];
      changed.wait(lock, [&] { return !from.empty(); });
      Letter *letter = from.front();
      from.erase(from.begin());
      if (letter->bytes != each.bytes)
        code = InvalidArgument;
      else if (copy(each.memory, letter->from, each.bytes) != 0)
        code = UnhandledCuda;
      letter->isTaken = true;
      changed.notify_all();
    }
  changed.wait(lock, [&] {
    for (const Letter &letter : sent)
      if (!letter.isTaken)
        return false;
    return true;
  });
  pending.clear();
  return code;
}

const char *ncclGetErrorString(int code) { return code == InvalidUsage ? "invalid usage" : "an error"; }
}
