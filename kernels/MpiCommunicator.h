//===- MpiCommunicator.h - Ranks of MPI -------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Communicator (context.h) whose ranks are those of an MPI communicator. A header alone, to be compiled with the MPI
// that the program links: implementations of MPI agree about names, not about what is behind them. What is sent passes
// through host memory, so that any MPI will do and any device.
//
//   MPI_Init(&argc, &argv);
//   attention::MpiCommunicator ranks(MPI_COMM_WORLD);
//   attention::Context context = attention::Context::create(runtime, ranks, shape).value();
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_MPICOMMUNICATOR_H
#define IMBREX_KERNELS_MPICOMMUNICATOR_H

#include "kernels/context.h"
#include <algorithm>
#include <mpi.h>

namespace imbrex::attention {

/// Duplicates the MPI communicator, so that its messages are no one else's, and lets it go when destroyed, which is
/// before MPI_Finalize. MPI is used from the thread that calls. A rank that fails leaves the others waiting, as MPI's
/// ranks do: MPI_Abort ends them.
class MpiCommunicator final : public Communicator {
public:
  /// Precondition: MPI is initialised. All ranks of `all` make theirs together.
  explicit MpiCommunicator(MPI_Comm all) {
    MPI_Comm_dup(all, &ranks);
    MPI_Comm_set_errhandler(ranks, MPI_ERRORS_RETURN);
    MPI_Comm_rank(ranks, &self);
    MPI_Comm_size(ranks, &count);
  }
  MpiCommunicator(const MpiCommunicator &) = delete;
  MpiCommunicator &operator=(const MpiCommunicator &) = delete;
  ~MpiCommunicator() override { MPI_Comm_free(&ranks); }

  /// This process's number among those of the communicator.
  int rank() const override { return self; }
  /// How many processes it has.
  int size() const override { return count; }
  /// Sends and receives through memory of the host; waits for the stream. ErrorKind::Driver where MPI or a copy fails.
  Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to, const Buffer &receive,
                        size_t receiveOffset, int from, size_t bytes) override {
    leaving.resize(bytes), coming.resize(bytes);
    Result<void> done = send.copyToAsync(stream, leaving.data(), bytes, sendOffset);
    if (done)
      done = stream.synchronize();
    for (size_t at = 0; done && at < bytes; at += kMost) { // MPI counts in int
      const int some = int(std::min(kMost, bytes - at));
      const int code = MPI_Sendrecv(leaving.data() + at, some, MPI_BYTE, to, 0, coming.data() + at, some, MPI_BYTE,
                                    from, 0, ranks, MPI_STATUS_IGNORE);
      if (code != MPI_SUCCESS)
        done = failed(code, to, from);
    }
    if (done)
      done = receive.copyFromAsync(stream, coming.data(), bytes, receiveOffset);
    return done ? stream.synchronize() : done;
  }

private:
  Error failed(int code, int to, int from) const {
    char words[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(code, words, &length);
    Error error{ErrorKind::Driver, "rank " + std::to_string(self) + " could not send to rank " + std::to_string(to) +
                                       " and receive from rank " + std::to_string(from)};
    error.call = "MPI_Sendrecv";
    error.driverWords.assign(words, size_t(length));
    return error;
  }

  static constexpr size_t kMost = size_t(1) << 30;
  MPI_Comm ranks = MPI_COMM_NULL;
  int self = 0, count = 0;
  std::vector<std::byte> leaving, coming;
};

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_MPICOMMUNICATOR_H
