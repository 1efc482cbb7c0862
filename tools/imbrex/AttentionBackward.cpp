//===- AttentionBackward.cpp - imbrex attention backward ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The library's kernels one after another, each a run of its own that --check judges: attention_forward where O or L
// are not given, attention_delta, and what the outputs ask for. What one leaves for the next lies in a folder that goes
// afterwards.
//
//===----------------------------------------------------------------------===//

#include "kernels/ShippedKernels.h"
#include "tools/imbrex/DrawnArray.h"
#include "tools/imbrex/KernelRun.h"
#include "tools/imbrex/StoredArgument.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace imbrex;
using namespace imbrex::tool;

static constexpr llvm::StringRef kInputs[] = {"Q", "K", "V", "O", "L", "dO", "dL", "S", "Delta", "scale"};

namespace {

/// One of the launches: what it takes beyond hooks and what those name, and what comes out.
struct BackwardStep {
  const char *file, *kernel;
  bool hasHooks;
  std::vector<llvm::StringRef> inputs, outputs;
};

class BackwardCommand {
public:
  explicit BackwardCommand(const Request &request) : request(request) {}
  ~BackwardCommand() {
    if (!folder.empty())
      (void)llvm::sys::fs::remove_directories(folder);
  }

  int run() {
    if (llvm::sys::fs::createUniqueDirectory("imbrex-attention", folder))
      return complain("there is no room for what passes between the kernels");
    if (llvm::find_if(request.outputs, [](const NameValue &out) {
          return llvm::is_contained({"dQ", "dK", "dV", "dB", "dS"}, out.name);
        }) == request.outputs.end())
      return complain("say what is to come out: --out dQ=dq.npy, and dK, dV, dB, dS");
    for (const char *needed : {"Q", "K", "V", "dO"})
      if (!given(needed))
        return complain("the gradient needs --arg " + std::string(needed) + "=FILE.npy");
    if (std::optional<int> failed = drawArrays())
      return *failed;
    int code = kSuccess;
    for (const BackwardStep &step : steps())
      if (int now = launch(step); now != kSuccess) {
        code = now;
        if (now != kLaunchFailed) // a result that --check judges wrong goes on
          return code;
      }
    return code;
  }

private:
  static int complain(const std::string &what) {
    llvm::errs() << "error: attention backward: " << what << "\n";
    return kUserError;
  }
  const std::string *given(llvm::StringRef name) const {
    auto it = llvm::find_if(request.arguments, [&](const NameValue &each) { return each.name == name; });
    return it == request.arguments.end() ? nullptr : &it->value;
  }
  bool asked(llvm::StringRef name) const {
    return llvm::any_of(request.outputs, [&](const NameValue &each) { return each.name == name; });
  }
  std::string fileOf(llvm::StringRef name) const { return (folder + "/" + name + ".npy").str(); }

  /// Arrays that are given by their shapes are drawn once, for all launches.
  std::optional<int> drawArrays() {
    uint64_t seed = 1;
    for (NameValue &argument : request.arguments) {
      std::optional<std::vector<int64_t>> shape = parseShape(argument.value);
      if (!shape || shape->size() < 2)
        continue;
      auto type = request.options.set.find("T");
      if (type == request.options.set.end() || !type->second.type())
        return complain("argument '" + argument.name + "' is given by its shape: set its type T");
      std::string error;
      const std::string path = fileOf(argument.name);
      if (!npy::write(path, drawnArray(*type->second.type(), *shape, seed++), error))
        return complain(error);
      argument.value = path;
    }
    return std::nullopt;
  }

  std::vector<BackwardStep> steps() const {
    std::vector<BackwardStep> all;
    if (!given("O") || !given("L"))
      all.push_back({"attention_forward.tile", "attention_forward", true, {"Q", "K", "V", "S", "scale"}, {"O", "L"}});
    const char *file = "attention_backward.tile";
    all.push_back({file, "attention_delta", false, {"O", "dO", "dL"}, {"Delta"}});
    const std::vector<llvm::StringRef> inputs = {"Q", "K", "V", "dO", "L", "Delta", "scale"};
    if (asked("dQ"))
      all.push_back({file, "attention_dq", true, inputs, {"dQ"}});
    if (asked("dK") || asked("dV"))
      all.push_back({file, "attention_dkdv", true, inputs, {"dK", "dV"}});
    if (asked("dB"))
      all.push_back({file, "attention_dbias", true, inputs, {"dB"}});
    if (asked("dS"))
      all.push_back({file, "attention_dsinks", false, {"S", "L", "Delta"}, {"dS"}});
    return all;
  }

  /// A result of an earlier launch lies as the queries do.
  std::string handedOn(llvm::StringRef name) const {
    const std::string &queries = *given("Q");
    const size_t open = queries.find('('), comma = queries.find(',');
    if (!isStoredArgument(queries) || comma == queries.npos)
      return fileOf(name);
    return queries.substr(0, open + 1) + fileOf(name) + queries.substr(comma);
  }

  int launch(const BackwardStep &step) {
    Request one = request;
    one.shipped = shippedKernel(step.file);
    one.options.kernel = step.kernel;
    one.arguments.clear(), one.outputs.clear();
    for (llvm::StringRef name : step.inputs)
      if (const std::string *value = given(name))
        one.arguments.push_back({name.str(), *value});
      else if (made.contains(name.str()))
        one.arguments.push_back({name.str(), handedOn(name)});
    if (step.hasHooks)
      llvm::copy_if(request.arguments, std::back_inserter(one.arguments),
                    [](const NameValue &each) { return !llvm::is_contained(kInputs, each.name); });
    else
      one.options.hooks.clear();
    if (llvm::StringRef(step.kernel) == "attention_dsinks") // its type parameter is what sinks are of
      one.options.set.erase("T");
    for (llvm::StringRef name : step.outputs) {
      auto it = llvm::find_if(request.outputs, [&](const NameValue &each) { return each.name == name; });
      one.outputs.push_back({name.str(), it != request.outputs.end() ? it->value : fileOf(name)});
      if (name == "dB")
        sumDimensions(one, it->value);
      made.insert(name.str());
      if (llvm::StringRef file = splitOutput(one.outputs.back().value).second; !file.empty() && file != fileOf(name))
        copies.push_back({file.str(), fileOf(name)});
    }
    const int code = tool::run(one);
    for (const auto &[from, to] : copies)
      (void)llvm::sys::fs::copy_file(from, to);
    copies.clear();
    return code;
  }

  /// Where a bias's gradient has an extent of 1 it is a sum: the kernel is made for that.
  static void sumDimensions(Request &one, llvm::StringRef output) {
    std::optional<std::vector<int64_t>> shape = parseShape(splitOutput(output).first);
    if (!shape || shape->size() != 4)
      return; // run() says that the shape is missing
    one.options.set.insert_or_assign("SUMQ", int64_t((*shape)[2] == 1));
    one.options.set.insert_or_assign("SUMK", int64_t((*shape)[3] == 1));
  }

  Request request;
  llvm::SmallString<128> folder;
  std::set<std::string> made;                              ///< by launches so far
  std::vector<std::pair<std::string, std::string>> copies; ///< outputs that a later launch reads
};

} // namespace

int tool::attentionBackward(const Request &request) { return BackwardCommand(request).run(); }
