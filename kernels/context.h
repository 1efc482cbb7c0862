//===- context.h - Attention over sequences on several devices --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Context parallelism: each rank has some rows of every sequence, and keys and values go round in a ring (Liu et al.,
// Ring Attention, 2023), or all come to all. What a rank finds of each part is merged by attention_merge.
//
// Rows of a causal sequence are dealt out in zig-zag, so that all ranks have as much to do: of 2 R equal pieces of a
// sequence rank r has the pieces r and 2 R - 1 - r, one behind the other. Example: of 8 rows on 2 ranks rank 0 has rows
// 0, 1, 6 and 7, and rank 1 rows 2 to 5. Without causal, in any order.
//
// Of R ranks each sends, for K and V of its own rows of k and v bytes:
//   forward, ring or gathered      (R - 1) (k + v)
//   backward, ring                 (R - 1) (k + v) + R (dk + dv), where dk and dv are in wide<T>
//
// Ownership: a Context owns its buffers, which are all as long as a rank's rows (gathered: as all rows); what a call
// names must live until the stream has come past it. Not thread-safe. Every rank makes the same calls in the same
// order.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_CONTEXT_H
#define IMBREX_KERNELS_CONTEXT_H

#include "kernels/attention.h"

namespace imbrex::attention {

/// How ranks reach each other: implemented by the program, over MPI, NCCL or its own threads.
class Communicator {
public:
  virtual ~Communicator() = default;
  /// Which of the ranks this one is, from 0 on.
  virtual int rank() const = 0;
  /// How many there are, the same on each.
  virtual int size() const = 0;
  /// Sends `bytes` of `send`, from `sendOffset` on, to rank `to`, and receives as many from rank `from`. All ranks call
  /// it together. What was put on the stream before is done before, what comes after sees what was received.
  virtual Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to,
                                const Buffer &receive, size_t receiveOffset, int from, size_t bytes) = 0;
};

/// Of a rank: `rows` of each of `batch` sequences, an even number where isCausal.
struct ContextShape {
  int64_t batch = 1, rows = 0, heads = 1, keyHeads = 1, features = 64, valueFeatures = 64;
  DataType type = DataType::F16;
  bool isCausal = false;
  std::optional<double> scale = {}; ///< absent: 1 / sqrt(features)
};

/// Dense arrays of a rank's rows, [batch, rows, heads, features]; lse [batch, heads, rows] in wide<T>.
struct ContextCall {
  View q;
  const Buffer &k, &v;
  View o, lse;
};
/// As ContextCall: the gradient of o, and where those of q, k and v go.
struct ContextGradient {
  View dO, dq, dk, dv;
};

struct ContextState;

/// Attention over sequences whose rows lie over ranks. Each rank has one and calls the same of it in the same order.
class Context {
public:
  /// Reserves what all calls need. An Error of kind Argument where the shape cannot be had; `communicator` outlives it.
  static Result<Context> create(const Runtime &runtime, Communicator &communicator, const ContextShape &shape);
  Context(Context &&) noexcept;
  ~Context();

  /// In a ring: R steps, memory for two ranks' keys and values.
  Result<void> forward(const Stream &stream, const ContextCall &call);
  /// All keys and values come first: one launch (of causal sequences two), memory for all ranks' keys and values.
  Result<void> forwardGathered(const Stream &stream, const ContextCall &call);
  /// In a ring, from what forward gave. The same bits in every run.
  Result<void> backward(const Stream &stream, const ContextCall &call, const ContextGradient &gradient);
  /// Sent by this rank since it was made.
  uint64_t bytesSent() const;

private:
  explicit Context(std::unique_ptr<ContextState> state);
  std::unique_ptr<ContextState> state;
};

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_CONTEXT_H
