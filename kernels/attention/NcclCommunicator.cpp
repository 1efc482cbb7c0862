//===- NcclCommunicator.cpp - Ranks of NCCL -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few entries of nccl.h that two-sided exchange takes, declared here as they are there. The library is never
// closed: it keeps threads and exit handlers of its own.
//
//===----------------------------------------------------------------------===//

#include "kernels/NcclCommunicator.h"
#include "kernels/attention/Steps.h"
#include "runtime/DeviceContext.h"
#include "runtime/Handles.h"
#include <dlfcn.h>

using namespace imbrex;
using namespace imbrex::attention;

namespace {

using Comm = void *;                              ///< ncclComm_t
enum Code : int { Success = 0, SystemError = 2 }; ///< ncclResult_t
constexpr int kUint8 = 1;                         ///< ncclDataType_t

struct Library {
  int (*getUniqueId)(NcclId *);
  int (*commInitRank)(Comm *, int, NcclId, int); ///< the id by value, as nccl.h has it
  int (*commDestroy)(Comm);
  int (*commGetAsyncError)(Comm, int *);
  int (*groupStart)();
  int (*groupEnd)();
  int (*send)(const void *, size_t, int, int, Comm, void *);
  int (*recv)(void *, size_t, int, int, Comm, void *);
  const char *(*getErrorString)(int);

  /// An Error of the call that gave `code`, unless that is success.
  Result<void> check(int code, const char *call, const std::string &message) const {
    if (code == Success)
      return {};
    Error error{ErrorKind::Driver, message};
    error.call = call;
    error.driverName = std::to_string(code);
    error.driverWords = getErrorString(code);
    return error;
  }
};

} // namespace

static Error missing(std::string what) {
  const char *reason = dlerror();
  Error error{ErrorKind::NoDevice, std::move(what)};
  error.driverWords = reason ? reason : "";
  return error;
}

static Result<Library> load(const char *name) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return missing("there is no NCCL on this machine: " + std::string(name) + " was not found");
  Library entries;
  const char *lacking = nullptr;
  auto bind = [&](auto &member, const char *symbol) {
    member = reinterpret_cast<std::remove_reference_t<decltype(member)>>(dlsym(library, symbol));
    lacking = member ? lacking : symbol;
  };
  bind(entries.getUniqueId, "ncclGetUniqueId"), bind(entries.commInitRank, "ncclCommInitRank");
  bind(entries.commDestroy, "ncclCommDestroy"), bind(entries.commGetAsyncError, "ncclCommGetAsyncError");
  bind(entries.groupStart, "ncclGroupStart"), bind(entries.groupEnd, "ncclGroupEnd");
  bind(entries.send, "ncclSend"), bind(entries.recv, "ncclRecv");
  bind(entries.getErrorString, "ncclGetErrorString");
  if (lacking)
    return missing(std::string(name) + " is older than NCCL 2.7: it lacks " + lacking);
  return entries;
}

namespace {

class NcclCommunicator final : public Communicator {
public:
  NcclCommunicator(Library library, std::shared_ptr<DeviceContext> device, int rank, int size)
      : library(library), device(std::move(device)), self(rank), count(size) {}
  ~NcclCommunicator() override {
    if (comm)
      (void)device->inContext([&]() -> Result<void> {
        library.commDestroy(comm);
        return {};
      });
  }

  Result<void> connect(const NcclId &id) {
    return device->inContext([&] {
      return library.check(library.commInitRank(&comm, count, id, self), "ncclCommInitRank",
                           "rank " + std::to_string(self) + " of " + std::to_string(count) + " could not join");
    });
  }

  int rank() const override { return self; }
  int size() const override { return count; }
  Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to, const Buffer &receive,
                        size_t receiveOffset, int from, size_t bytes) override {
    if (sendOffset + bytes > send.bytes() || receiveOffset + bytes > receive.bytes())
      return refusal("an exchange of " + std::to_string(bytes) + " bytes reaches past its buffers");
    return device->inContext(
        [&] { return put(stream, send.address() + sendOffset, to, receive.address() + receiveOffset, from, bytes); });
  }

private:
  Result<void> put(const Stream &stream, uint64_t send, int to, uint64_t receive, int from, size_t bytes) const {
    const std::string what = "rank " + std::to_string(self) + " could not send to rank " + std::to_string(to) +
                             " and receive from rank " + std::to_string(from);
    int earlier = Success;
    Result<void> done = library.check(library.commGetAsyncError(comm, &earlier), "ncclCommGetAsyncError", what);
    if (done)
      done = library.check(earlier, "an earlier exchange", what);
    if (done)
      done = library.check(library.groupStart(), "ncclGroupStart", what);
    if (!done)
      return done;
    Result<void> sent = library.check(
        library.send(reinterpret_cast<const void *>(send), bytes, kUint8, to, comm, stream.raw()), "ncclSend", what);
    Result<void> received = library.check(
        library.recv(reinterpret_cast<void *>(receive), bytes, kUint8, from, comm, stream.raw()), "ncclRecv", what);
    Result<void> ended =
        library.check(library.groupEnd(), "ncclGroupEnd", what); // also after a failure: it closes the group
    return !sent ? sent : !received ? received : ended;
  }

  Library library;
  std::shared_ptr<DeviceContext> device;
  Comm comm = nullptr;
  int self, count;
};

} // namespace

Result<NcclId> imbrex::attention::ncclId(const char *library) {
  Result<Library> entries = load(library);
  if (!entries)
    return entries.takeError();
  NcclId id;
  if (Result<void> made = entries->check(entries->getUniqueId(&id), "ncclGetUniqueId", "there is no identifier"); !made)
    return made.takeError();
  return id;
}

Result<std::unique_ptr<Communicator>> imbrex::attention::ncclCommunicator(const Runtime &runtime, const NcclId &id,
                                                                          int rank, int size, const char *library) {
  if (size < 1 || rank < 0 || rank >= size)
    return refusal("ranks are 0 to size - 1");
  if (runtime.device().simulated)
    return refusal("NCCL connects GPUs, and this runtime's device is simulated");
  Result<Library> entries = load(library);
  if (!entries)
    return entries.takeError();
  auto made = std::make_unique<NcclCommunicator>(*entries, runtime.stream().internal().device, rank, size);
  if (Result<void> connected = made->connect(id); !connected)
    return connected.takeError();
  return std::unique_ptr<Communicator>(std::move(made));
}
