//===- Context.cpp - Attention over sequences on several devices ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In step t rank r has the keys of rank s = r - t (mod R). Of causal sequences in zig-zag order its queries see of them
//   s = r   what causal says of its own rows, whose order is that of the sequence
//   s < r   piece s, which lies before both of its pieces; of piece 2 R - 1 - s nothing
//   s > r   both pieces, by its second piece alone
//
//===----------------------------------------------------------------------===//

#include "kernels/context.h"
#include "kernels/attention/Steps.h"
#include "kernels/attention/Workspace.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::attention;

namespace {

/// Some of a rank's rows.
struct Rows {
  int64_t first = 0, count = 0;
};

/// What is attended to in one step; no queries: nothing.
struct Block {
  Rows queries, keys;
  bool isCausal = false;
};

} // namespace

namespace imbrex::attention {

struct ContextState {
  const Runtime &runtime;
  Communicator &ranks;
  ContextShape shape;
  DataType wide;
  std::optional<Buffer> ring[2] = {}, gradients[2] = {}; ///< keys, then values; theirs in wide<T>
  std::optional<Buffer> partialO[2] = {}, partialLse[2] = {}, gathered[2] = {};
  uint64_t sent = 0;

  Dims queryDims(int64_t features) const { return {shape.batch, shape.rows, shape.heads, features}; }
  Dims keyDims(int64_t features) const { return {shape.batch, shape.rows, shape.keyHeads, features}; }
  size_t keyBytes() const { return size_t(*bytesOf(keyDims(shape.features), shape.type)); }
  size_t valueBytes() const { return size_t(*bytesOf(keyDims(shape.valueFeatures), shape.type)); }
  Options options(bool isCausal) const { return {.mask = isCausal ? "causal" : "", .scale = shape.scale}; }
};

} // namespace imbrex::attention

/// Rows of [batch, rows, heads, features], the same memory.
static View part(const View &view, const Rows &rows) {
  View some = view;
  const Dims &e = view.extents;
  if (some.strides.empty())
    some.strides = {e[1] * e[2] * e[3], e[2] * e[3], e[3], 1};
  some.extents = {e[0], rows.count, e[2], e[3]};
  some.byteOffset += uint64_t(rows.first * some.strides[1]) * byteSize(view.type);
  return some;
}

/// Rows of [batch, heads, rows].
static View lsePart(const View &view, const Rows &rows) {
  View some = view;
  const Dims &e = view.extents;
  if (some.strides.empty())
    some.strides = {e[1] * e[2], e[2], 1};
  some.extents = {e[0], e[1], rows.count};
  some.byteOffset += uint64_t(rows.first) * byteSize(view.type);
  return some;
}

/// `parts` of [parts, the view]: from the first one's view on, `stride` elements apart.
static View stacked(const View &first, int64_t parts, int64_t stride) {
  View all = first;
  all.extents = withFirst(parts, first.extents);
  all.strides = withFirst(stride, first.strides);
  return all;
}

static Result<void> ensure(const Runtime &runtime, std::optional<Buffer> &buffer, size_t bytes) {
  if (buffer)
    return {};
  Result<Buffer> made = runtime.allocate(bytes);
  if (!made)
    return made.takeError();
  buffer.emplace(std::move(*made));
  return {};
}

static Block blockOf(const ContextState &state, int step) {
  const int r = state.ranks.rank(), s = (r - step + state.ranks.size()) % state.ranks.size();
  const int64_t rows = state.shape.rows, half = rows / 2;
  if (!state.shape.isCausal)
    return {{0, rows}, {0, rows}, false};
  if (s == r)
    return {{0, rows}, {0, rows}, true};
  return s < r ? Block{{0, rows}, {0, half}, false} : Block{{half, half}, {0, rows}, false};
}

/// Sends what is in buffers[from] on to the next rank; buffers[1 - from] has the previous rank's.
static Result<void> rotate(ContextState &state, const Stream &stream, std::optional<Buffer> (&buffers)[2], int from,
                           size_t bytes) {
  const int r = state.ranks.rank(), count = state.ranks.size();
  state.sent += bytes;
  return state.ranks.exchange(stream, *buffers[from], 0, (r + 1) % count, *buffers[1 - from], 0,
                              (r + count - 1) % count, bytes);
}

/// The keys and values of this rank into ring[0].
static Result<void> startRing(ContextState &state, const Stream &stream, const ContextCall &call) {
  const size_t k = state.keyBytes(), v = state.valueBytes();
  if (call.k.bytes() < k || call.v.bytes() < v)
    return refusal("keys and values of a rank have " + std::to_string(k) + " and " + std::to_string(v) + " bytes");
  for (std::optional<Buffer> &buffer : state.ring)
    if (Result<void> made = ensure(state.runtime, buffer, k + v); !made)
      return made;
  Result<void> copied = state.ring[0]->copyFromAsync(stream, call.k, k);
  return copied ? state.ring[0]->copyFromAsync(stream, call.v, v, 0, k) : copied;
}

static View keysIn(const ContextState &state, const Buffer &ring) {
  return View(ring, state.shape.type, state.keyDims(state.shape.features));
}

static View valuesIn(const ContextState &state, const Buffer &ring) {
  View view(ring, state.shape.type, state.keyDims(state.shape.valueFeatures));
  view.byteOffset = state.keyBytes();
  return view;
}

Context::Context(std::unique_ptr<ContextState> state) : state(std::move(state)) {}
Context::Context(Context &&) noexcept = default;
Context::~Context() = default;
uint64_t Context::bytesSent() const { return state->sent; }

Result<Context> Context::create(const Runtime &runtime, Communicator &communicator, const ContextShape &shape) {
  if (communicator.size() < 1 || communicator.rank() < 0 || communicator.rank() >= communicator.size())
    return refusal("ranks are 0 to size - 1");
  if (shape.batch < 1 || shape.rows < 1 || shape.heads < 1 || shape.keyHeads < 1)
    return refusal("a rank has at least one row, sequence and head");
  if (shape.isCausal && shape.rows % 2 != 0)
    return refusal("causal rows are dealt out in two pieces a rank: an even number, not " + std::to_string(shape.rows));
  auto state = std::make_unique<ContextState>(ContextState{runtime, communicator, shape, wideType(shape.type)});
  for (int64_t features : {shape.features, shape.valueFeatures})
    if (features < 1 || !bytesOf(state->queryDims(features), state->wide) ||
        !bytesOf(state->keyDims(features), state->wide))
      return refusal("there are no arrays of these extents");
  return Context(std::move(state));
}

//===- Forward, in a ring -------------------------------------------------===//

namespace {

/// Partial results of which [0] is what was found so far and [1] what comes; two of each, merged from one into the
/// other.
class Partials {
public:
  Partials(ContextState &state, const ContextCall &call) : state(state), call(call) {}

  Result<void> allocate() {
    for (int i = 0; i < 2; ++i) {
      const Dims dims = withFirst(2, state.queryDims(state.shape.valueFeatures));
      if (Result<void> made = ensure(state.runtime, state.partialO[i], size_t(*bytesOf(dims, state.wide))); !made)
        return made;
      const size_t bytes = size_t(2 * lseStride()) * byteSize(state.wide);
      if (Result<void> made = ensure(state.runtime, state.partialLse[i], bytes); !made)
        return made;
    }
    return {};
  }

  View o(int pair, int which, const Rows &rows) const {
    View all(*state.partialO[pair], state.wide, state.queryDims(state.shape.valueFeatures));
    all.byteOffset = uint64_t(which * oStride()) * byteSize(state.wide);
    return part(all, rows);
  }
  View lse(int pair, int which, const Rows &rows) const {
    View all(*state.partialLse[pair], state.wide, {state.shape.batch, state.shape.heads, state.shape.rows});
    all.byteOffset = uint64_t(which * lseStride()) * byteSize(state.wide);
    return lsePart(all, rows);
  }

  /// Of the first `parts` of a pair, into the result or into the other pair's first.
  Result<void> merge(const Stream &stream, int pair, int parts, const Rows &rows, bool isLast) const {
    Merge merged = {stacked(o(pair, 0, rows), parts, oStride()), stacked(lse(pair, 0, rows), parts, lseStride()),
                    isLast ? part(call.o, rows) : o(1 - pair, 0, rows),
                    isLast ? lsePart(call.lse, rows) : lse(1 - pair, 0, rows)};
    return attention::merge(state.runtime, stream, merged);
  }

private:
  int64_t lseStride() const { return state.shape.batch * state.shape.heads * state.shape.rows; }
  int64_t oStride() const { return lseStride() * state.shape.valueFeatures; }

  ContextState &state;
  const ContextCall &call;
};

} // namespace

/// The last step in which the rows from `first` on see anything.
static int lastStep(const ContextState &state, int64_t first) {
  return state.shape.isCausal && first == 0 ? state.ranks.rank() : state.ranks.size() - 1;
}

Result<void> Context::forward(const Stream &stream, const ContextCall &call) {
  const ContextShape &shape = state->shape;
  Partials partials(*state, call);
  Result<void> done = startRing(*state, stream, call);
  if (done)
    done = partials.allocate();
  const int64_t half = shape.isCausal ? shape.rows / 2 : shape.rows;
  int pair = 0;
  for (int step = 0; done && step < state->ranks.size(); ++step) {
    const Buffer &keys = *state->ring[step % 2];
    const Block block = blockOf(*state, step);
    const int which = step == 0 ? 0 : 1;
    Decode found = {.q = part(call.q, block.queries),
                    .k = part(keysIn(*state, keys), block.keys),
                    .v = part(valuesIn(*state, keys), block.keys),
                    .o = partials.o(pair, which, block.queries),
                    .lse = partials.lse(pair, which, block.queries),
                    .options = state->options(block.isCausal),
                    .parts = 1};
    Result<DecodePlan> plan = attention::plan(state->runtime, found);
    done = plan ? plan->run(stream, found, View(0, DataType::U8, {0})) : Result<void>(plan.takeError());
    // Rows that see no more are done; the others go on from the other pair.
    for (int64_t first = block.queries.first; done && first < shape.rows; first += half)
      if (const bool isLast = step == lastStep(*state, first); isLast || step > 0)
        done = partials.merge(stream, pair, step == 0 ? 1 : 2, {first, half}, isLast);
    pair = step > 0 ? 1 - pair : pair;
    if (done && step + 1 < state->ranks.size())
      done = rotate(*state, stream, state->ring, step % 2, state->keyBytes() + state->valueBytes());
  }
  return done;
}

//===- Forward, gathered --------------------------------------------------===//

/// Keys (or values) of all ranks, one after another: R - 1 steps round the ring.
static Result<void> gather(ContextState &state, const Stream &stream, std::optional<Buffer> &to, const Buffer &mine,
                           size_t bytes) {
  const int r = state.ranks.rank(), count = state.ranks.size();
  Result<void> done = ensure(state.runtime, to, bytes * size_t(count));
  if (done)
    done = to->copyFromAsync(stream, mine, bytes, 0, bytes * size_t(r));
  for (int step = 0; done && step + 1 < count; ++step) {
    const size_t sent = size_t((r - step + count) % count), received = size_t((r - step - 1 + count) % count);
    state.sent += bytes;
    done = state.ranks.exchange(stream, *to, sent * bytes, (r + 1) % count, *to, received * bytes,
                                (r + count - 1) % count, bytes);
  }
  return done;
}

/// Where the pieces of each sequence lie among those gathered, [batch, pieces]: a rank's rows are one page a sequence,
/// or two where they are in zig-zag. Behind it `batch` lengths of each number of pieces.
static std::vector<int32_t> pageTable(const ContextState &state, int64_t pieces) {
  const int64_t count = state.ranks.size(), batch = state.shape.batch, each = pieces / count;
  std::vector<int32_t> table;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t rank = piece < count ? piece : 2 * count - 1 - piece;
      table.push_back(int32_t((rank * batch + b) * each + (piece < count ? 0 : 1)));
    }
  return table;
}

Result<void> Context::forwardGathered(const Stream &stream, const ContextCall &call) {
  const ContextShape &shape = state->shape;
  const int64_t count = state->ranks.size(), each = shape.isCausal ? 2 : 1, pieces = each * count,
                rows = shape.rows / each;
  Result<void> done = gather(*state, stream, state->gathered[0], call.k, state->keyBytes());
  if (done)
    done = gather(*state, stream, state->gathered[1], call.v, state->valueBytes());
  if (!done)
    return done;
  std::vector<int32_t> host = pageTable(*state, pieces);
  const int64_t r = state->ranks.rank(), seen[] = {shape.isCausal ? r + 1 : pieces, pieces - r};
  for (int64_t piece : seen)
    host.insert(host.end(), size_t(shape.batch), int32_t(piece * rows));
  Result<Buffer> table = state->runtime.allocate(host.size() * 4);
  if (!table)
    return table.takeError();
  done = table->copyFrom(host.data(), host.size() * 4);
  auto pool = [&](int which, int64_t features) {
    return View(*state->gathered[which], shape.type, {shape.batch * pieces, rows, shape.keyHeads, features});
  };
  for (int64_t piece = 0; done && piece < each; ++piece) {
    const View pages(*table, DataType::I32, {shape.batch, pieces});
    View lengths(*table, DataType::I32, {shape.batch});
    lengths.byteOffset = uint64_t(shape.batch * (pieces + piece)) * 4;
    const Rows mine = {piece * rows, rows};
    done = attention::forward(state->runtime, stream,
                              {part(call.q, mine), paged(pool(0, shape.features), pages, lengths),
                               paged(pool(1, shape.valueFeatures), pages, lengths), part(call.o, mine),
                               lsePart(call.lse, mine), state->options(shape.isCausal)});
  }
  Result<void> passed = stream.synchronize(); // the table is this call's own
  return done ? passed : done;
}

//===- Backward, in a ring ------------------------------------------------===//

namespace {

/// Sums in wide<T>, and a step's gradients in T.
class Sums {
public:
  Sums(ContextState &state, const Stream &stream) : state(state), stream(stream) {}

  Result<void> launch(const char *name, const View &from, const View &to) {
    Result<Kernel> kernel = shipped(state.runtime, "context.tile", name);
    if (!kernel)
      return kernel.takeError();
    kernel->set("T", state.shape.type);
    return kernel->launch(stream, {{"X", from}, {"Y", to}});
  }

private:
  ContextState &state;
  const Stream &stream;
};

/// Device memory of one backward call.
struct Room {
  std::optional<Buffer> dq, stepQ, stepK, stepV, workspace;
};

} // namespace

static Result<void> allocate(ContextState &state, const Stream &stream, Room &room, size_t travelling) {
  const ContextShape &shape = state.shape;
  const std::tuple<std::optional<Buffer> *, Dims, DataType> all[] = {
      {&room.dq, state.queryDims(shape.features), state.wide},
      {&room.stepQ, state.queryDims(shape.features), shape.type},
      {&room.stepK, state.keyDims(shape.features), shape.type},
      {&room.stepV, state.keyDims(shape.valueFeatures), shape.type},
      {&room.workspace, {shape.batch, shape.heads, shape.rows}, state.wide}};
  for (const auto &[buffer, dims, type] : all)
    if (Result<void> made = ensure(state.runtime, *buffer, size_t(*bytesOf(dims, type))); !made)
      return made;
  for (std::optional<Buffer> &buffer : state.gradients)
    if (Result<void> made = ensure(state.runtime, buffer, travelling); !made)
      return made;
  Result<void> done = room.dq->fill(stream, 0);
  return done ? state.gradients[0]->fill(stream, 0) : done;
}

Result<void> Context::backward(const Stream &stream, const ContextCall &call, const ContextGradient &gradient) {
  const ContextShape &shape = state->shape;
  const uint64_t wideK = *bytesOf(state->keyDims(shape.features), state->wide),
                 travelling = wideK + *bytesOf(state->keyDims(shape.valueFeatures), state->wide);
  Room room;
  Sums sums(*state, stream);
  Result<void> done = startRing(*state, stream, call);
  if (done)
    done = allocate(*state, stream, room, travelling);
  auto sumOf = [&](const Buffer &buffer, int64_t features, uint64_t offset) {
    View view(buffer, state->wide, state->keyDims(features));
    view.byteOffset = offset;
    return view;
  };
  auto step = [&](const std::optional<Buffer> &buffer, int64_t rows, int64_t heads, int64_t features) {
    return View(*buffer, shape.type, {shape.batch, rows, heads, features});
  };
  for (int at = 0; done && at < state->ranks.size(); ++at) {
    const Buffer &keys = *state->ring[at % 2];
    const Block block = blockOf(*state, at);
    const Rows &q = block.queries, &k = block.keys;
    const View dq = step(room.stepQ, q.count, shape.heads, shape.features),
               dk = step(room.stepK, k.count, shape.keyHeads, shape.features),
               dv = step(room.stepV, k.count, shape.keyHeads, shape.valueFeatures);
    done = attention::backward(state->runtime, stream,
                               {part(call.q, q), part(keysIn(*state, keys), k), part(valuesIn(*state, keys), k),
                                part(call.o, q), lsePart(call.lse, q), part(gradient.dO, q), dq, dk, dv,
                                state->options(block.isCausal)},
                               *room.workspace);
    const View allQ(*room.dq, state->wide, state->queryDims(shape.features));
    const Buffer &travels = *state->gradients[at % 2];
    if (done)
      done = sums.launch("accumulate", dq, part(allQ, q));
    if (done)
      done = sums.launch("accumulate", dk, part(sumOf(travels, shape.features, 0), k));
    if (done)
      done = sums.launch("accumulate", dv, part(sumOf(travels, shape.valueFeatures, wideK), k));
    if (done && at + 1 < state->ranks.size())
      done = rotate(*state, stream, state->ring, at % 2, state->keyBytes() + state->valueBytes());
    if (done)
      done = rotate(*state, stream, state->gradients, at % 2, travelling); // the last brings them home
  }
  const Buffer &home = *state->gradients[state->ranks.size() % 2];
  if (done)
    done = sums.launch("rounded", View(*room.dq, state->wide, state->queryDims(shape.features)), gradient.dq);
  if (done)
    done = sums.launch("rounded", sumOf(home, shape.features, 0), gradient.dk);
  if (done)
    done = sums.launch("rounded", sumOf(home, shape.valueFeatures, wideK), gradient.dv);
  Result<void> passed = stream.synchronize(); // the room is this call's own
  return done ? passed : done;
}
