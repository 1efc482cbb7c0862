//===- Decode.cpp - Plans of attention of few queries over many keys ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_split into the result, where there is one part; else into the workspace, which attention_merge reads.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Splits.h"
#include "kernels/attention/Steps.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::attention;

static constexpr uint64_t kWorkspaceAlignment = 256;
/// Where no memory is: the workspace of a plan, which nobody looks at.
static constexpr uint64_t kNowhere = uint64_t(1) << 62;

namespace {

/// Partial results in a workspace: [parts] before o's extents, and those of an lse behind them.
struct Partials {
  Dims o, lse;
  DataType type = DataType::F32;
  uint64_t lseOffset = 0, bytes = 0; ///< both 0: the result has them
};

} // namespace

/// { first, the others }.
static Dims withFirst(int64_t first, const Dims &others) {
  std::array<int64_t, Dims::kMaxRank> all = {first};
  const unsigned rank = std::min(others.size(), Dims::kMaxRank - 1);
  std::copy_n(others.begin(), rank, all.begin() + 1);
  return Dims(std::span<const int64_t>(all.data(), rank + 1));
}

/// The extents of an lse that goes with o: [B, H, S], or [H, rows].
static Dims lseExtents(const Dims &o) { return o.size() == 4 ? Dims{o[0], o[2], o[1]} : Dims{o[1], o[0]}; }

/// `first` results alike, one after another.
static View alike(int64_t first, const View &view) {
  View all = view;
  all.extents = withFirst(first, view.extents);
  if (!view.strides.empty())
    all.strides = withFirst(0, view.strides);
  return all;
}

static std::optional<uint64_t> bytesOf(const Dims &extents, DataType type) {
  uint64_t bytes = byteSize(type);
  for (int64_t extent : extents)
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes) || bytes >> 60)
      return std::nullopt;
  return bytes;
}

static Result<Partials> partialsOf(const Decode &call, int64_t parts) {
  const unsigned rank = call.o.extents.size();
  const Sequences *queries = call.q.sequences();
  if (queries && queries->kind == Storage::Kind::Paged)
    return refusal("queries are dense, padded or ragged, these are paged");
  if (queries && queries->scales)
    return refusal("keys and values may be scaled, queries not");
  if (rank != call.q.view().extents.size() || (rank != 3 && rank != 4))
    return refusal("queries and results have 4 dimensions each, or 3 where queries are ragged");
  if (parts == 1)
    return Partials{};
  Partials partials = {withFirst(parts, call.o.extents), withFirst(parts, lseExtents(call.o.extents)),
                       wideType(call.q.view().type)};
  std::optional<uint64_t> o = bytesOf(partials.o, partials.type), lse = bytesOf(partials.lse, partials.type);
  if (!o || !lse)
    return refusal("the results of " + std::to_string(parts) + " parts are larger than any memory");
  partials.lseOffset = (*o + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
  partials.bytes = partials.lseOffset + *lse;
  return partials;
}

namespace {

/// The arguments of both launches. They refer to the call and to this.
class Launches {
public:
  Launches(const Decode &call, const Partials &partials, const View &workspace)
      : call(call), inWorkspace(partials.bytes != 0), o(workspace.address, partials.type, partials.o),
        lse(workspace.address, partials.type, partials.lse) {
    o.owner = lse.owner = workspace.owner;
    o.byteOffset = workspace.byteOffset;
    lse.byteOffset = workspace.byteOffset + partials.lseOffset;
  }

  ArgumentList split() const {
    ArgumentList list;
    list.add("Q", call.q);
    list.add("K", call.k);
    list.add("V", call.v);
    list.add({"O", inWorkspace ? o : alike(1, call.o)});
    if (inWorkspace || call.lse)
      list.add({"L", inWorkspace ? lse : alike(1, *call.lse)});
    if (call.options.scale)
      list.add({"scale", *call.options.scale});
    list.add(call.options.captured);
    return list;
  }

  /// What split() stored is stored as the queries are.
  ArgumentList merge() {
    storedO = asQueries(o);
    storedLse = asQueries(lse);
    ArgumentList list;
    list.add("PO", storedO);
    list.add("PL", storedLse);
    list.add({"O", call.o});
    if (call.lse)
      list.add({"L", *call.lse});
    return list;
  }

private:
  Tensor asQueries(const View &view) const {
    if (!call.q.sequences())
      return view;
    Sequences stored = *call.q.sequences();
    stored.storage = view;
    return stored;
  }

  const Decode &call;
  bool inWorkspace;
  View o, lse;
  Tensor storedO, storedLse;
};

} // namespace

/// The heads of a group, as far as the shapes say; at least 1.
static int64_t groupOf(const Decode &call) {
  int64_t heads = headsOf(call.k);
  return std::max<int64_t>(heads > 0 ? headsOf(call.q) / heads : 1, 1);
}

static Split splitFor(const Runtime &runtime, const Decode &call) {
  if (call.parts > 0)
    return {call.parts, "as many parts as were asked for"};
  constexpr int64_t kRows = 64; // of the largest tile
  const int64_t rows = std::clamp<int64_t>(longestOf(call.q), 0, kLargestExtent) * groupOf(call);
  SplitProblem problem = {sequencesOf(call.k), std::max<int64_t>((rows + kRows - 1) / kRows, 1) * headsOf(call.k),
                          call.longest > 0 ? call.longest : longestOf(call.k), call.lengths,
                          runtime.device().multiprocessors};
  return splitOf(problem);
}

static Result<void> addSteps(PlanState &state, const Runtime &runtime, const Decode &call, const Partials &partials) {
  Result<Kernel> split = shipped(runtime, "attention_decode.tile", "attention_split");
  if (!split)
    return split.takeError();
  if (Result<void> applied = apply(*split, call.options); !applied)
    return applied;
  const DataType type = call.q.view().type;
  split->set("U", partials.bytes != 0 ? wideType(type) : type);
  Launches launches(call, partials, View(kNowhere, DataType::U8, {}));
  ArgumentList arguments = launches.split();
  if (Result<void> added = addStep(state, *split, arguments.all()); !added || partials.bytes == 0)
    return added;
  Result<Kernel> merge = shipped(runtime, "attention_decode.tile", "attention_merge");
  if (!merge)
    return merge.takeError();
  arguments = launches.merge();
  return addStep(state, *merge, arguments.all());
}

Result<DecodePlan> attention::plan(const Runtime &runtime, const Decode &call) {
  if (call.parts < 0 || call.parts > kLargestExtent)
    return refusal("there is no such number of parts as " + std::to_string(call.parts));
  const Split split = splitFor(runtime, call);
  Result<Partials> partials = partialsOf(call, split.parts);
  if (!partials)
    return partials.takeError();
  auto state = std::make_shared<PlanState>();
  if (Result<void> added = addSteps(*state, runtime, call, *partials); !added)
    return added.takeError();
  Support &support = state->support;
  support.isSupported = true;
  support.why = split.why;
  support.parts = split.parts;
  support.packedHeads = groupOf(call);
  support.workspaceBytes = partials->bytes;
  return DecodePlan(std::move(state));
}

/// The bytes of a workspace from its address on; nullopt where it is no array.
static std::optional<uint64_t> bytesOf(const View &workspace) {
  return workspace.extents.empty() ? std::optional<uint64_t>(0) : bytesOf(workspace.extents, workspace.type);
}

Result<void> DecodePlan::run(const Stream &stream, const Decode &call, const View &workspace) const {
  Result<Partials> partials = partialsOf(call, support().parts);
  if (!partials)
    return partials.takeError();
  const uint64_t address = workspace.address + workspace.byteOffset;
  if (partials->bytes != 0 && (bytesOf(workspace).value_or(0) < partials->bytes || address % kWorkspaceAlignment != 0))
    return refusal("the workspace has to have " + std::to_string(partials->bytes) + " bytes, at a multiple of " +
                   std::to_string(kWorkspaceAlignment));
  if (call.options.captured.size() > Options::kMostCaptured)
    return refusal("more is captured than was planned for");
  Launches launches(call, *partials, workspace);
  ArgumentList arguments = launches.split();
  Result<void> launched = state->kernels[0].launch(stream, arguments.all());
  if (!launched || state->kernels.size() == 1)
    return launched;
  arguments = launches.merge();
  return state->kernels[1].launch(stream, arguments.all());
}

Result<void> DecodePlan::run(const Stream &stream, const Decode &call, const Buffer &workspace) const {
  return run(stream, call, View(workspace, DataType::U8, {int64_t(workspace.bytes())}));
}

Support attention::support(const Runtime &runtime, const Decode &call) {
  Result<DecodePlan> made = plan(runtime, call);
  return made ? made->support() : Support{.why = made.error().render()};
}

Result<void> attention::decode(const Runtime &runtime, const Stream &stream, const Decode &call,
                               const Buffer &workspace) {
  Result<DecodePlan> made = plan(runtime, call);
  return made ? made->run(stream, call, workspace) : Result<void>(made.takeError());
}
