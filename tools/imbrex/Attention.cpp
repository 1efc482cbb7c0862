//===- Attention.cpp - imbrex attention -----------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `forward` is a run of the library's kernel, without a file, `append` another, `backward` several. `decode`
// goes through kernels/attention.h, and its results are compared with those of attention_forward, which knows no parts.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention.h"
#include "kernels/ShippedKernels.h"
#include "tools/imbrex/Run.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

namespace {

class DecodeRun : public Run {
public:
  using Run::Run;
  bool plan();
  Result<void> put() { return made->run(runtime->stream(), call, *workspace); }

private:
  View viewOf(const std::string &name) const;
  attention::Tensor tensorOf(const std::string &name) const;
  Sequences sequencesOf(const std::string &name, const Storage &storage) const;
  void describeCall();

  attention::Decode call;
  std::optional<attention::DecodePlan> made;
  std::optional<Buffer> workspace;
};

} // namespace

/// An array of the command line; no array is a view without dimensions, which a plan refuses.
View DecodeRun::viewOf(const std::string &name) const {
  auto it = arrays.find(name);
  return it == arrays.end() ? View() : View(it->second.buffer, it->second.type, Dims(it->second.shape));
}

attention::Tensor DecodeRun::tensorOf(const std::string &name) const {
  View view = viewOf(name);
  auto stored = request.options.storage.find(name);
  if (stored == request.options.storage.end())
    return view;
  const Storage &storage = stored->second;
  if (storage.scaling) {
    Sequences plain = sequencesOf(name, {storage.kind, storage.page});
    return scaled(plain, viewOf(name + ".scales"), storage.scaling->block);
  }
  return sequencesOf(name, storage);
}

Sequences DecodeRun::sequencesOf(const std::string &name, const Storage &storage) const {
  View view = viewOf(name);
  if (storage.kind == Storage::Kind::Dense)
    return {Storage::Kind::Dense, view, {}, {}, 0};
  if (storage.kind == Storage::Kind::Padded)
    return padded(view, viewOf(name + ".lengths"));
  if (storage.kind == Storage::Kind::Paged) {
    const Dims rows = view.extents; // of all pages
    view.extents = {rows[0] / storage.page, storage.page, rows[1], rows[2]};
    return paged(view, viewOf(name + ".table"), viewOf(name + ".lengths"));
  }
  auto longest = llvm::find_if(arguments, [&](const Argument &argument) { return argument.name == name + ".longest"; });
  return ragged(view, viewOf(name + ".offsets"), longest->scalar.integer);
}

void DecodeRun::describeCall() {
  call = {.q = tensorOf("Q"), .k = tensorOf("K"), .v = tensorOf("V"), .o = viewOf("O")};
  if (arrays.contains("L"))
    call.lse = viewOf("L");
  for (const auto &[name, text] : request.options.hooks)
    (name == "mask" ? call.options.mask : name == "score" ? call.options.score : call.options.weight) = text;
  for (const Argument &argument : arguments)
    if (argument.name == "scale")
      call.options.scale =
          argument.scalar.kind == Scalar::Kind::Float ? argument.scalar.real : double(argument.scalar.integer);
    else if (argument.name.find('.') == argument.name.npos &&
             !llvm::is_contained({"Q", "K", "V", "O", "L"}, argument.name))
      call.options.captured.push_back(argument);
  for (const auto &[name, value] : request.options.set)
    if (std::optional<int64_t> number = value.integer(); number && name != "G" && name != "DQK" && name != "DV")
      call.options.tuning.emplace_back(name, *number);
  call.parts = request.parts;
}

bool DecodeRun::plan() {
  describeCall();
  Result<attention::DecodePlan> planned = attention::plan(*runtime, call);
  if (!planned)
    return fail(planned.error());
  made = std::move(*planned);
  llvm::outs() << made->support().text();
  Result<Buffer> allocated = runtime->allocate(made->workspaceBytes());
  if (!allocated)
    return fail(allocated.error());
  workspace = std::move(*allocated);
  return true;
}

static int decode(const Request &request) {
  DecodeRun run(request);
  if (run.open() && run.readArguments() && run.allocateOutputs() && run.allocateOtherOutputs() && run.plan() &&
      run.launch([&] { return run.put(); }))
    run.writeOutputs();
  run.printMessages();
  return run.code;
}

int tool::attention(const Request &request) {
  if (request.file == "backward")
    return attentionBackward(request);
  if (request.file == "append")
    return attentionAppend(request);
  Request shipped = request;
  shipped.shipped = shippedKernel("attention_forward.tile");
  shipped.options.kernel = "attention_forward";
  return request.file == "decode" ? decode(shipped) : run(shipped);
}
