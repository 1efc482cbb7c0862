//===- Forward.cpp - Plans of attention over any number of queries --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One launch of attention_forward.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Steps.h"

using namespace imbrex;
using namespace imbrex::attention;

static ArgumentList argumentsOf(const Forward &call) {
  ArgumentList list;
  list.add("Q", call.q);
  list.add("K", call.k);
  list.add("V", call.v);
  list.add({"O", call.o});
  if (call.lse)
    list.add({"L", *call.lse});
  if (call.sinks)
    list.add({"S", *call.sinks});
  if (call.weights)
    list.add({"P", *call.weights});
  if (call.maxima)
    list.add({"M", *call.maxima});
  if (call.options.scale)
    list.add({"scale", *call.options.scale});
  list.add(call.options.captured);
  return list;
}

Result<ForwardPlan> attention::plan(const Runtime &runtime, const Forward &call) {
  Result<Kernel> kernel = shipped(runtime, "attention_forward.tile", "attention_forward");
  if (!kernel)
    return kernel.takeError();
  if (Result<void> applied = apply(*kernel, call.options); !applied)
    return applied.takeError();
  auto state = std::make_shared<PlanState>();
  ArgumentList arguments = argumentsOf(call);
  if (Result<void> added = addStep(*state, *kernel, arguments.all()); !added)
    return added.takeError();
  state->support.isSupported = true;
  state->support.why = "one pass over the keys for each tile of queries of a head";
  return ForwardPlan(std::move(state));
}

Result<void> ForwardPlan::run(const Stream &stream, const Forward &call) const {
  if (call.options.captured.size() > Options::kMostCaptured)
    return refusal("more is captured than was planned for");
  ArgumentList arguments = argumentsOf(call);
  return state->kernels[0].launch(stream, arguments.all());
}

Support attention::support(const Runtime &runtime, const Forward &call) {
  Result<ForwardPlan> made = plan(runtime, call);
  return made ? made->support() : Support{.why = made.error().render()};
}

Result<void> attention::forward(const Runtime &runtime, const Stream &stream, const Forward &call) {
  Result<ForwardPlan> made = plan(runtime, call);
  return made ? made->run(stream, call) : Result<void>(made.takeError());
}
