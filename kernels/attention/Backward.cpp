//===- Backward.cpp - Plans of attention's gradient -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_delta into the workspace, which the others read: attention_dq and attention_dkdv, or attention_backward in
// place of both; attention_dbias and attention_dsinks where they are asked for.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Apart.h"
#include "kernels/attention/Steps.h"
#include "kernels/attention/Workspace.h"

using namespace imbrex;
using namespace imbrex::attention;

static constexpr char kFile[] = "attention_backward.tile";

/// Whether `gradient` is of rows in pages and lies as they do, [pages, P, H, D].
static bool isOfPages(const Tensor &of, const View &gradient) {
  return of.sequences() && of.sequences()->kind == Storage::Kind::Paged && gradient.extents.size() == 4;
}

/// The kernels know a gradient of rows in pages as [rows, H, D].
static View rowsOf(const Tensor &of, const View &gradient) {
  if (!isOfPages(of, gradient))
    return gradient;
  View rows = gradient;
  const Dims &extents = gradient.extents, &strides = gradient.strides;
  rows.extents = {extents[0] * extents[1], extents[2], extents[3]};
  if (!strides.empty())
    rows.strides = {strides[1], strides[2], strides[3]};
  return rows;
}

static bool hasGapsBetweenPages(const Tensor &of, const View &gradient) {
  return isOfPages(of, gradient) && gradient.strides.size() == 4 && gradient.extents[0] > 1 &&
         gradient.strides[0] != gradient.extents[1] * gradient.strides[1];
}

namespace {

/// The arguments of the launches. They refer to the call and to this.
class Gradients {
public:
  Gradients(const Backward &call, const View &workspace)
      : dq(rowsOf(call.q, call.dq)), dk(rowsOf(call.k, call.dk)), dv(rowsOf(call.v, call.dv)), call(call),
        delta(storedAs(call.q, partOf(workspace, 0, wideType(call.q.view().type), lseExtents(call.o.extents)))),
        lse(storedAs(call.q, call.lse)), o(storedAs(call.q, call.o)), dO(storedAs(call.q, call.dO)) {
    if (call.dLse)
      dLse = storedAs(call.q, *call.dLse);
  }

  ArgumentList ofDelta() const {
    ArgumentList list;
    list.add("O", o);
    list.add("dO", dO);
    list.add("dL", dLse);
    list.add({"Delta", delta.view()});
    return list;
  }

  /// Of dq, dkdv, their one pass, and dbias: what all read, then the results of that name.
  ArgumentList of(std::initializer_list<std::pair<std::string_view, const View *>> results) const {
    ArgumentList list;
    list.add("Q", call.q);
    list.add("K", call.k);
    list.add("V", call.v);
    list.add("dO", dO);
    list.add("L", lse);
    list.add("Delta", delta);
    for (const auto &[name, view] : results)
      list.add({name, *view});
    if (call.options.scale)
      list.add({"scale", *call.options.scale});
    list.add(call.options.captured);
    return list;
  }

  ArgumentList ofSinks() const {
    ArgumentList list;
    list.add({"S", *call.sinks});
    list.add("L", lse);
    list.add("Delta", delta);
    list.add({"dS", *call.dSinks});
    return list;
  }

  const View dq, dk, dv;

private:
  const Backward &call;
  Tensor delta, lse, o, dO, dLse;
};

} // namespace

static Result<void> check(const Backward &call) {
  if (Result<void> checked = checkQueries(call.q, call.o); !checked)
    return checked;
  if (call.dSinks.has_value() != call.sinks.has_value())
    return refusal("sinks and their gradient come together: sinks, dSinks");
  if (call.dBias && call.dBias->extents.size() != 4)
    return refusal("the gradient of a bias has 4 dimensions: of batch, heads, queries and keys, each 1 or whole");
  if (call.adds && call.dq.type != wideType(call.q.view().type))
    return refusal("a gradient that is added to is of " + std::string(name(wideType(call.q.view().type))) +
                   ", dq is of " + std::string(name(call.dq.type)));
  if (hasGapsBetweenPages(call.q, call.dq) || hasGapsBetweenPages(call.k, call.dk) ||
      hasGapsBetweenPages(call.v, call.dv))
    return refusal(
        "pages of a gradient follow each other without gaps: its first stride is a page's rows times its second");
  if (call.options.captured.size() > Options::kMostCaptured)
    return refusal("more is captured than can be given");
  return {};
}

/// Of all its launches together: each stores a part of the results, and the first alone reads o.
static Result<void> checkApart(const Backward &call, const View &workspace) {
  Apart apart;
  for (auto [name, tensor] : {std::pair("Q", &call.q), {"K", &call.k}, {"V", &call.v}})
    apart.reads(name, *tensor);
  for (auto [name, view] : {std::pair("O", &call.o), {"L", &call.lse}, {"dO", &call.dO}})
    apart.reads(name, *view);
  for (auto [name, view] : {std::pair("dL", &call.dLse), {"S", &call.sinks}})
    if (*view)
      apart.reads(name, **view);
  apart.reads(call.options.captured);
  for (auto [name, view] : {std::pair("dQ", &call.dq), {"dK", &call.dk}, {"dV", &call.dv}, {"workspace", &workspace}})
    apart.stores(name, *view);
  for (auto [name, view] : {std::pair("dB", &call.dBias), {"dS", &call.dSinks}})
    if (*view)
      apart.stores(name, **view);
  return apart.check();
}

/// Calls `launch(kernel's name, arguments)` for each launch in its order, until one fails.
template <typename Launch>
static Result<void> launches(const Backward &call, const Gradients &gradients, const Launch &launch) {
  Result<void> done = launch("attention_delta", gradients.ofDelta());
  if (done && call.adds)
    done = launch("attention_backward",
                  gradients.of({{"dQ", &gradients.dq}, {"dK", &gradients.dk}, {"dV", &gradients.dv}}));
  if (done && !call.adds)
    done = launch("attention_dq", gradients.of({{"dQ", &gradients.dq}}));
  if (done && !call.adds)
    done = launch("attention_dkdv", gradients.of({{"dK", &gradients.dk}, {"dV", &gradients.dv}}));
  if (done && call.dBias)
    done = launch("attention_dbias", gradients.of({{"dB", &*call.dBias}}));
  if (done && call.dSinks)
    done = launch("attention_dsinks", gradients.ofSinks());
  return done;
}

static void specialise(Kernel &kernel, std::string_view name, const Backward &call) {
  if (name == "attention_dbias")
    kernel.set("SUMQ", int64_t(call.dBias->extents[2] == 1)).set("SUMK", int64_t(call.dBias->extents[3] == 1));
}

Result<BackwardPlan> attention::plan(const Runtime &runtime, const Backward &call) {
  if (Result<void> checked = check(call); !checked)
    return checked.takeError();
  auto state = std::make_shared<PlanState>();
  Gradients gradients(call, View(kNowhere, DataType::U8, {}));
  Result<void> added = launches(call, gradients, [&](const char *name, ArgumentList arguments) -> Result<void> {
    Result<Kernel> kernel = shipped(runtime, kFile, name);
    if (!kernel)
      return kernel.takeError();
    specialise(*kernel, name, call);
    const bool hasHooks = std::string_view(name) != "attention_delta" && std::string_view(name) != "attention_dsinks";
    if (hasHooks)
      if (Result<void> applied = apply(*kernel, call.options); !applied)
        return applied;
    return addStep(*state, *kernel, arguments.all());
  });
  if (!added)
    return added.takeError();
  std::optional<uint64_t> bytes = bytesOf(lseExtents(call.o.extents), wideType(call.q.view().type));
  if (!bytes)
    return refusal("the sums of all rows are larger than any memory");
  state->support.isSupported = true;
  state->support.why = call.adds ? "one pass, which adds to dq in memory: its last bits differ from run to run"
                                 : "two passes, the same bits in every run";
  state->support.workspaceBytes = *bytes;
  return BackwardPlan(std::move(state));
}

Result<void> BackwardPlan::run(const Stream &stream, const Backward &call, const View &workspace) const {
  if (Result<void> checked = check(call); !checked)
    return checked;
  if (state->kernels.size() != size_t(call.adds ? 2 : 3) + call.dBias.has_value() + call.dSinks.has_value())
    return refusal("the plan is of another call: of one with other gradients");
  if (Result<void> checked = checkWorkspace(workspace, workspaceBytes()); !checked)
    return checked;
  if (Result<void> apart = checkApart(call, workspace); !apart)
    return apart;
  size_t next = 0;
  return launches(call, Gradients(call, workspace), [&](const char *, ArgumentList arguments) {
    return state->kernels[next++].launch(stream, arguments.all());
  });
}

Result<void> BackwardPlan::run(const Stream &stream, const Backward &call, const Buffer &workspace) const {
  return run(stream, call, viewOf(workspace));
}

Support attention::support(const Runtime &runtime, const Backward &call) {
  Result<BackwardPlan> made = plan(runtime, call);
  return made ? made->support() : Support{.why = made.error().render()};
}

Result<void> attention::backward(const Runtime &runtime, const Stream &stream, const Backward &call,
                                 const Buffer &workspace) {
  Result<BackwardPlan> made = plan(runtime, call);
  return made ? made->run(stream, call, workspace) : Result<void>(made.takeError());
}
