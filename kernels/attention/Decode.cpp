//===- Decode.cpp - Plans of attention of few queries over many keys ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_split (with new rows attention_append) into the result, where there is one part; else into the workspace,
// which attention_merge reads.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Apart.h"
#include "kernels/attention/Splits.h"
#include "kernels/attention/Steps.h"
#include "kernels/attention/Workspace.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::attention;

namespace {

/// Partial results in a workspace: [parts] before o's extents, and those of an lse behind them.
struct Partials {
  Dims o, lse;
  DataType type = DataType::F32;
  uint64_t lseOffset = 0, bytes = 0; ///< both 0: the result has them
};

} // namespace

/// `first` results alike, one after another.
static View alike(int64_t first, const View &view) {
  View all = view;
  all.extents = withFirst(first, view.extents);
  if (!view.strides.empty())
    all.strides = withFirst(0, view.strides);
  return all;
}

static Result<Partials> partialsOf(const Decode &call, int64_t parts) {
  if (Result<void> checked = checkQueries(call.q, call.o); !checked)
    return checked.takeError();
  if (parts == 1 && !call.sinks)
    return Partials{};
  Partials partials = {withFirst(parts, call.o.extents), withFirst(parts, lseExtents(call.o.extents)),
                       wideType(call.q.view().type)};
  std::optional<uint64_t> o = bytesOf(partials.o, partials.type), lse = bytesOf(partials.lse, partials.type);
  if (!o || !lse)
    return refusal("the results of " + std::to_string(parts) + " parts are larger than any memory");
  partials.lseOffset = aligned(*o);
  partials.bytes = partials.lseOffset + *lse;
  return partials;
}

namespace {

/// The arguments of both launches. They refer to the call and to this.
class Launches {
public:
  Launches(const Decode &call, const Partials &partials, const View &workspace)
      : call(call), inWorkspace(partials.bytes != 0), o(partOf(workspace, 0, partials.type, partials.o)),
        lse(partOf(workspace, partials.lseOffset, partials.type, partials.lse)) {}

  ArgumentList split() const {
    ArgumentList list;
    list.add("Q", call.q);
    list.add("KN", call.newK);
    list.add("VN", call.newV);
    list.add("K", call.k);
    list.add("V", call.v);
    list.add({"O", inWorkspace ? o : alike(1, call.o)});
    if (inWorkspace || call.lse)
      list.add({"L", inWorkspace ? lse : alike(1, *call.lse)});
    if (call.options.scale)
      list.add({"scale", *call.options.scale});
    if (call.newK.isGiven())
      addRotary(list, call.rotary);
    list.add(call.options.captured);
    return list;
  }

  /// What split() stored is stored as the queries are.
  ArgumentList merge() {
    storedO = storedAs(call.q, o);
    storedLse = storedAs(call.q, lse);
    ArgumentList list;
    list.add("PO", storedO);
    list.add("PL", storedLse);
    if (call.sinks)
      list.add({"S", *call.sinks});
    list.add({"O", call.o});
    if (call.lse)
      list.add({"L", *call.lse});
    return list;
  }

private:
  const Decode &call;
  bool inWorkspace;
  View o, lse;
  Tensor storedO, storedLse;
};

} // namespace

/// New rows, if there are any, can be put where they are to go.
static Result<void> checkNew(const Decode &call) {
  if (call.newK.isGiven() != call.newV.isGiven())
    return refusal("new rows are keys and values: newK, newV");
  if (!call.newK.isGiven())
    return call.rotary.features == 0
               ? Result<void>()
               : refusal("only new rows turn here, and the queries with them: give newK and newV");
  if (call.rotary.cosines.has_value() != call.rotary.sines.has_value())
    return refusal("rotary tables are two: cosines and sines");
  for (const Tensor *cache : {&call.k, &call.v})
    if (const Sequences *stored = cache->sequences(); stored && stored->scales)
      return refusal("a scaled cache takes new rows by Append, before: one launch that stores and reads has no scales");
    else if (stored && stored->kind == Storage::Kind::Ragged)
      return refusal("the rows of a ragged cache have no room to grow: give it padded or paged");
  if (Result<void> fits = checkRoom(call.newK, "k", call.k, call.lengths, 0); !fits)
    return fits;
  return checkRoom(call.newV, "v", call.v, call.lengths, 0);
}

/// Parts beyond the keys that there can be would all be empty.
static Result<void> checkParts(const Decode &call) {
  const int64_t most = std::max(longestOf(call.k), kMostParts);
  if (call.parts < 0 || call.parts > kLargestExtent)
    return refusal("there is no such number of parts as " + std::to_string(call.parts));
  return call.parts <= most
             ? Result<void>()
             : refusal(std::to_string(call.parts) + " parts are asked for, and at most " + std::to_string(most) +
                       " can share keys of which a sequence has at most " + std::to_string(longestOf(call.k)));
}

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
  const bool appends = call.newK.isGiven();
  Result<Kernel> split = appends ? shipped(runtime, "attention_append.tile", "attention_append")
                                 : shipped(runtime, "attention_decode.tile", "attention_split");
  if (!split)
    return split.takeError();
  if (appends)
    turnBy(*split, call.rotary);
  if (Result<void> applied = apply(*split, call.options); !applied)
    return applied;
  const DataType type = call.q.view().type;
  split->set("U", partials.bytes != 0 ? wideType(type) : call.o.type);
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
  if (Result<void> checked = checkParts(call); !checked)
    return checked.takeError();
  if (Result<void> checked = checkNew(call); !checked)
    return checked.takeError();
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

/// Of parts and their merge together: what may overlap must not depend on whether keys are split.
static Result<void> checkApart(const Decode &call, const View &workspace) {
  Apart apart;
  apart.stores("O", call.o);
  if (call.lse)
    apart.stores("L", *call.lse);
  apart.stores("workspace", workspace);
  apart.reads("Q", call.q);
  if (call.newK.isGiven()) {
    apart.stores("K", call.k);
    apart.stores("V", call.v);
    apart.reads("KN", call.newK);
    apart.reads("VN", call.newV);
  } else {
    apart.reads("K", call.k);
    apart.reads("V", call.v);
  }
  if (call.sinks)
    apart.reads("S", *call.sinks);
  apart.reads(call.options.captured);
  return apart.check();
}

Result<void> DecodePlan::run(const Stream &stream, const Decode &call, const View &workspace) const {
  Result<Partials> partials = partialsOf(call, support().parts);
  if (!partials)
    return partials.takeError();
  if (Result<void> checked = checkWorkspace(workspace, partials->bytes); !checked)
    return checked;
  if (call.options.captured.size() > Options::kMostCaptured)
    return refusal("more is captured than was planned for");
  if (Result<void> checked = checkNew(call); !checked)
    return checked;
  if (call.newK.isGiven() != (state->support.steps[0].kernel == "attention_append"))
    return refusal("the plan is of another call: of one with new rows, or without");
  if (state->kernels.size() > 1)
    if (Result<void> apart = checkApart(call, workspace); !apart)
      return apart;
  Launches launches(call, *partials, workspace);
  ArgumentList arguments = launches.split();
  Result<void> launched = state->kernels[0].launch(stream, arguments.all());
  if (!launched || state->kernels.size() == 1)
    return launched;
  arguments = launches.merge();
  return state->kernels[1].launch(stream, arguments.all());
}

Result<void> DecodePlan::run(const Stream &stream, const Decode &call, const Buffer &workspace) const {
  return run(stream, call, viewOf(workspace));
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
