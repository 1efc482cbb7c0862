//===- Append.cpp - Plans of new rows in a cache --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cache_advance where lengths are to grow, cache_append, and rotary_queries where there are queries.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Steps.h"

using namespace imbrex;
using namespace imbrex::attention;

static ArgumentList advanceArguments(const Append &call) {
  ArgumentList list;
  list.add("KN", call.newK);
  list.add({"Lengths", call.k.sequences()->lengths});
  return list;
}

static void addRotary(ArgumentList &list, const Rotary &rotary) {
  if (rotary.features == 0)
    return;
  if (rotary.cosines) {
    list.add({"cosines", *rotary.cosines});
    list.add({"sines", *rotary.sines});
  } else {
    list.add({"base", rotary.base});
  }
}

static ArgumentList appendArguments(const Append &call) {
  ArgumentList list;
  list.add("KN", call.newK);
  list.add("VN", call.newV);
  list.add("K", call.k);
  list.add("V", call.v);
  addRotary(list, call.rotary);
  return list;
}

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
  if ((cache && cache->scales) || (values && values->scales))
    return refusal("rows are appended as they are: a scaled cache is filled by a kernel of its own");
  if (cache && cache->kind == Storage::Kind::Ragged)
    return refusal("the rows of a ragged cache have no room to grow: give it padded or paged");
  if (call.advances && !cache)
    return refusal("a cache without lengths has none to advance: give it padded or paged");
  return {};
}

static void turnBy(Kernel &kernel, const Rotary &rotary) {
  kernel.set("R", rotary.features).set("INTERLEAVED", int64_t(rotary.isInterleaved));
  if (rotary.features == 0)
    return;
  kernel.hook("cosine", rotary.cosines ? "table(cosines)(position, pair)" : "cos(angle_of(base)(position, pair))");
  kernel.hook("sine", rotary.sines ? "table(sines)(position, pair)" : "sin(angle_of(base)(position, pair))");
}

static Result<void> addKernel(PlanState &state, const Runtime &runtime, const char *name, const Rotary *rotary,
                              ArgumentList arguments) {
  Result<Kernel> kernel = shipped(runtime, "cache_append.tile", name);
  if (!kernel)
    return kernel.takeError();
  if (rotary)
    turnBy(*kernel, *rotary);
  return addStep(state, *kernel, arguments.all());
}

Result<AppendPlan> attention::plan(const Runtime &runtime, const Append &call) {
  if (Result<void> checked = check(call); !checked)
    return checked.takeError();
  auto state = std::make_shared<PlanState>();
  Result<void> added;
  if (call.advances)
    added = addKernel(*state, runtime, "cache_advance", nullptr, advanceArguments(call));
  if (added)
    added = addKernel(*state, runtime, "cache_append", &call.rotary, appendArguments(call));
  if (added && call.q.isGiven())
    added = addKernel(*state, runtime, "rotary_queries", &call.rotary, queryArguments(call));
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
  size_t next = 0;
  auto launch = [&](ArgumentList arguments) { return state->kernels[next++].launch(stream, arguments.all()); };
  Result<void> launched;
  if (call.advances)
    launched = launch(advanceArguments(call));
  if (launched)
    launched = launch(appendArguments(call));
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
