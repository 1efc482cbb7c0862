//===- NcclCommunicator.h - Ranks of NCCL -----------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A Communicator (context.h) of GPUs that NCCL connects, from device memory to device memory in stream order. NCCL is
// found by dlopen when it is first asked for; nothing of it is needed to build or to load Imbrex.
//
//   attention::NcclId id = rank == 0 ? attention::ncclId().value() : attention::NcclId{};
//   MPI_Bcast(id.bytes.data(), id.bytes.size(), MPI_BYTE, 0, MPI_COMM_WORLD);      // or by the program's own means
//   auto ranks = attention::ncclCommunicator(runtime, id, rank, size).value();
//
// Source: NCCL's documentation, "Point-to-point communication" (ncclSend and ncclRecv in one group), version 2.7 on.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_NCCLCOMMUNICATOR_H
#define IMBREX_KERNELS_NCCLCOMMUNICATOR_H

#include "kernels/context.h"
#include <array>
#include <memory>

namespace imbrex::attention {

/// What ranks that belong together have in common: made by one of them, brought to the others by the program.
struct NcclId {
  std::array<char, 128> bytes = {};
};

/// A new one. An Error of kind NoDevice, with the loader's words, where there is no NCCL of that name.
Result<NcclId> ncclId(const char *library = "libnccl.so.2");

/// Rank `rank` of `size`, on the runtime's device, which must be a GPU of its own for each rank. Waits until all ranks
/// have come. Exchanges do not wait: they go on the stream. An exchange that fails there is found by a later call, or
/// by the stream's synchronisation. Keeps the device alive; is destroyed after the streams it was used on have passed.
Result<std::unique_ptr<Communicator>> ncclCommunicator(const Runtime &runtime, const NcclId &id, int rank, int size,
                                                       const char *library = "libnccl.so.2");

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_NCCLCOMMUNICATOR_H
