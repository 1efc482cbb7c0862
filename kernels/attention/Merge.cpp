//===- Merge.cpp - Plans of merging partial results -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One launch of attention_merge.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Steps.h"

using namespace imbrex;
using namespace imbrex::attention;

static ArgumentList argumentsOf(const Merge &call) {
  ArgumentList list;
  list.add({"PO", call.partialO});
  list.add({"PL", call.partialLse});
  if (call.sinks)
    list.add({"S", *call.sinks});
  list.add({"O", call.o});
  if (call.lse)
    list.add({"L", *call.lse});
  return list;
}

Result<MergePlan> attention::plan(const Runtime &runtime, const Merge &call) {
  Result<Kernel> kernel = shipped(runtime, "attention_decode.tile", "attention_merge");
  if (!kernel)
    return kernel.takeError();
  auto state = std::make_shared<PlanState>();
  ArgumentList arguments = argumentsOf(call);
  if (Result<void> added = addStep(*state, *kernel, arguments.all()); !added)
    return added.takeError();
  state->support.isSupported = true;
  state->support.why = "one pass over the parts for each query";
  state->support.parts = call.partialO.extents.empty() ? 0 : call.partialO.extents[0];
  return MergePlan(std::move(state));
}

Result<void> MergePlan::run(const Stream &stream, const Merge &call) const {
  ArgumentList arguments = argumentsOf(call);
  return state->kernels[0].launch(stream, arguments.all());
}

Support attention::support(const Runtime &runtime, const Merge &call) {
  Result<MergePlan> made = plan(runtime, call);
  return made ? made->support() : Support{.why = made.error().render()};
}

Result<void> attention::merge(const Runtime &runtime, const Stream &stream, const Merge &call) {
  Result<MergePlan> made = plan(runtime, call);
  return made ? made->run(stream, call) : Result<void>(made.takeError());
}
