//===- Append.cpp - Plans of new rows in a cache --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cache_advance where lengths are to grow, cache_append (of scaled caches cache_append_scaled), and rotary_queries
// where there are queries.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Apart.h"
#include "kernels/attention/Steps.h"

using namespace imbrex;
using namespace imbrex::attention;

static ArgumentList advanceArguments(const Append &call) {
  ArgumentList list;
  list.add("KN", call.newK);
  list.add({"Lengths", call.k.sequences()->lengths});
  return list;
}

/// A cache of scaled elements, and what a kernel that fills it takes of it: the elements by themselves, and the scales.
class ScaledCache {
public:
  ScaledCache(const char *scales, const Tensor &cache) : scalesName(scales) {
    const Sequences *sequences = cache.sequences();
    isScaled = sequences && sequences->scales;
    if (!isScaled)
      return;
    Sequences elements = *sequences;
    elements.scales.reset();
    scales_ = *sequences->scales;
    block = sequences->block != 0 ? sequences->block : pageOf(*sequences);
    plain = elements.kind == Storage::Kind::Dense ? Tensor(elements.storage) : Tensor(elements);
  }

  void addTo(ArgumentList &list, std::string_view elements, const Tensor &cache) const {
    list.add(elements, isScaled ? plain : cache);
    if (!isScaled)
      return;
    list.add({scalesName, scales_});
    if (scales_.extents.size() == 3)
      list.add({blockName(), block});
  }
  /// What the hook that asks for a scale is bound to.
  std::string hook() const {
    const unsigned rank = scales_.extents.size();
    const std::string name(scalesName);
    if (rank == 3)
      return "of_block(" + name + ", " + std::string(blockName()) + ")(b, position, h)";
    return (rank == 1 && scales_.extents[0] == 1 ? "of_view(" : "of_head(") + name + ")(b, position, h)";
  }

private:
  static int64_t pageOf(const Sequences &sequences) {
    return sequences.kind == Storage::Kind::Paged && sequences.storage.extents.size() > 1 ? sequences.storage.extents[1]
                                                                                          : 0;
  }
  std::string_view blockName() const { return scalesName == "KS" ? "KBlock" : "VBlock"; }

  std::string_view scalesName;
  bool isScaled = false;
  View scales_;
  int64_t block = 0;
  Tensor plain;
};

/// The arguments refer to the call and to this.
class Caches {
public:
  explicit Caches(const Append &call) : call(call), keys("KS", call.k), values("VS", call.v) {}

  ArgumentList arguments() const {
    ArgumentList list;
    list.add("KN", call.newK);
    list.add("VN", call.newV);
    keys.addTo(list, "K", call.k);
    values.addTo(list, "V", call.v);
    addRotary(list, call.rotary);
    return list;
  }
  void bind(Kernel &kernel) const {
    kernel.set("C", call.k.view().type).hook("key_scale", keys.hook()).hook("value_scale", values.hook());
  }

private:
  const Append &call;
  ScaledCache keys, values;
};

static bool isScaled(const Append &call) { return call.k.sequences() && call.k.sequences()->scales; }
static bool isTwoBytes(DataType type) { return byteSize(type) > 1; }

static ArgumentList queryArguments(const Append &call) {
  ArgumentList list;
  list.add("Q", call.q);
  list.add("K", call.k);
  list.add({"QT", call.turnedQ});
  addRotary(list, call.rotary);
  return list;
}

static Result<void> check(const Append &call) {
  const Sequences *cache = call.k.sequences();
  if (call.rotary.cosines.has_value() != call.rotary.sines.has_value())
    return refusal("rotary tables are two: cosines and sines");
  if (call.q.isGiven() && call.rotary.features == 0)
    return refusal("queries are given to be turned, and rotary.features is 0");
  const Sequences *values = call.v.sequences();
  if ((cache && cache->scales) != (values && values->scales))
    return refusal("of a cache keys and values are scaled, or neither");
  if (cache && cache->scales && (isTwoBytes(cache->storage.type) || isTwoBytes(values->storage.type)))
    return refusal("rows are quantised to i8, f8e4m3 or f8e5m2, not to " + std::string(name(cache->storage.type)));
  if (cache && cache->scales && cache->storage.type != values->storage.type)
    return refusal("keys and values of a scaled cache are of one type");
  if (cache && cache->kind == Storage::Kind::Ragged)
    return refusal("the rows of a ragged cache have no room to grow: give it padded or paged");
  if (call.advances && !cache)
    return refusal("a cache without lengths has none to advance: give it padded or paged");
  // How far lengths on the host grow is known of a view: each sequence has as many new rows.
  const std::span<const int32_t> lengths =
      call.advances && call.newK.sequences() ? std::span<const int32_t>() : call.lengths;
  const int64_t grows = call.advances ? longestOf(call.newK) : 0;
  if (Result<void> fits = checkRoom(call.newK, "k", call.k, lengths, grows); !fits)
    return fits;
  return checkRoom(call.newV, "v", call.v, lengths, grows);
}

static Result<void> addKernel(PlanState &state, const Runtime &runtime, const char *name, const Rotary *rotary,
                              const Caches *scaled, ArgumentList arguments) {
  Result<Kernel> kernel = shipped(runtime, "cache_append.tile", name);
  if (!kernel)
    return kernel.takeError();
  if (rotary)
    turnBy(*kernel, *rotary);
  if (scaled)
    scaled->bind(*kernel);
  return addStep(state, *kernel, arguments.all());
}

static Sequences withoutLengths(Sequences sequences) {
  sequences.lengths = {};
  return sequences;
}

/// Of all its launches together.
static Result<void> checkApart(const Append &call) {
  Apart apart;
  apart.reads("KN", call.newK);
  apart.reads("VN", call.newV);
  Tensor k = call.k, v = call.v;
  if (call.advances) { // lengths are stored, then read
    k = withoutLengths(*k.sequences());
    if (v.sequences())
      v = withoutLengths(*v.sequences());
    apart.stores("Lengths", call.k.sequences()->lengths);
  }
  apart.stores("K", k);
  apart.stores("V", v);
  if (call.q.isGiven()) {
    apart.reads("Q", call.q);
    apart.stores("QT", call.turnedQ);
  }
  if (call.rotary.cosines) {
    apart.reads("cosines", *call.rotary.cosines);
    apart.reads("sines", *call.rotary.sines);
  }
  return apart.check();
}

Result<AppendPlan> attention::plan(const Runtime &runtime, const Append &call) {
  if (Result<void> checked = check(call); !checked)
    return checked.takeError();
  auto state = std::make_shared<PlanState>();
  const Caches caches(call);
  Result<void> added;
  if (call.advances)
    added = addKernel(*state, runtime, "cache_advance", nullptr, nullptr, advanceArguments(call));
  if (added)
    added = isScaled(call)
                ? addKernel(*state, runtime, "cache_append_scaled", &call.rotary, &caches, caches.arguments())
                : addKernel(*state, runtime, "cache_append", &call.rotary, nullptr, caches.arguments());
  if (added && call.q.isGiven())
    added = addKernel(*state, runtime, "rotary_queries", &call.rotary, nullptr, queryArguments(call));
  if (!added)
    return added.takeError();
  state->support.isSupported = true;
  state->support.why = "one instance for each new row and some of its heads";
  return AppendPlan(std::move(state));
}

Result<void> AppendPlan::run(const Stream &stream, const Append &call) const {
  if (Result<void> checked = check(call); !checked)
    return checked;
  if (state->kernels.size() != size_t(1 + call.advances + call.q.isGiven()))
    return refusal("the plan is of another call: of one with other queries, or whose lengths advance or do not");
  if (state->kernels.size() > 1)
    if (Result<void> apart = checkApart(call); !apart)
      return apart;
  size_t next = 0;
  auto launch = [&](ArgumentList arguments) { return state->kernels[next++].launch(stream, arguments.all()); };
  Result<void> launched;
  if (call.advances)
    launched = launch(advanceArguments(call));
  const Caches caches(call);
  if (launched)
    launched = launch(caches.arguments());
  if (launched && call.q.isGiven())
    launched = launch(queryArguments(call));
  return launched;
}

Support attention::support(const Runtime &runtime, const Append &call) {
  Result<AppendPlan> made = plan(runtime, call);
  return made ? made->support() : Support{.why = made.error().render()};
}

Result<void> attention::append(const Runtime &runtime, const Stream &stream, const Append &call) {
  Result<AppendPlan> made = plan(runtime, call);
  return made ? made->run(stream, call) : Result<void>(made.takeError());
}
