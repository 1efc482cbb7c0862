//===- FakeCompiler.cpp - A compiler without a language -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Signatures written by hand, and interfaces that follow from them.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeCompiler.h"
#include <chrono>

using namespace imbrex;
using namespace imbrex::testing;

static Parameter view(std::string name, std::string type, std::vector<Expression> extents, bool output = false) {
  Parameter parameter{.name = std::move(name), .isView = true, .typeParameter = std::move(type)};
  parameter.extents = std::move(extents);
  parameter.output = output;
  return parameter;
}

static KernelSignature scaleAdd() {
  KernelSignature signature;
  signature.name = "scale_add";
  signature.typeParameters = {{"T", {DataType::F32, DataType::BF16}}};
  signature.tunables = {{"BLOCK", {64, 128}, false, 64}};
  signature.key = {{"T"}, {"N pow2"}};
  signature.parameters = {view("X", "T", {{"N"}}), view("Y", "T", {{"N"}}), view("Z", "T", {{"N"}}, true),
                          Parameter{.name = "alpha", .type = DataType::F32, .typeParameter = "wide<T>"}};
  return signature;
}

static KernelSignature attention() {
  KernelSignature signature;
  signature.name = "attention";
  signature.typeParameters = {{"T", {DataType::F16, DataType::BF16, DataType::F32}}};
  signature.integerParameters = {"DQK", "DV", "G"};
  signature.tunables = {{"BM", {16, 64, 128}, false, 64}}; // when Sq <= 16 { BM = 16; }
  signature.extentConditions = {{"Sq 16 <="}};
  signature.hooks = {"mask"};
  signature.parameters = {view("Q", "T", {{"B"}, {"Sq"}, {"Hk G *"}, {"DQK"}}),
                          view("K", "T", {{"B"}, {"Sk"}, {"Hk"}, {"DQK"}}),
                          view("V", "T", {{"B"}, {"Sk"}, {"Hk"}, {"DV"}}),
                          view("O", "T", {{"B"}, {"Sq"}, {"Hk G *"}, {"DV"}}, true),
                          view("L", "wide<T>", {{"B"}, {"Hk G *"}, {"Sq"}}, true),
                          Parameter{.name = "scale", .type = DataType::F32}};
  signature.parameters[4].optional = true;
  return signature;
}

static KernelSignature repeated() {
  KernelSignature signature;
  signature.name = "repeated";
  signature.tunables = {{"BLOCK", {64}, false, 64}};
  Parameter x = view("X", "", {{"N"}}, true);
  x.type = DataType::F32;
  signature.parameters = {x, Parameter{.name = "count", .type = DataType::I32}};
  return signature;
}

/// What a launch of `parameter` passes; every extent of these kernels is dynamic but those that are integer parameters.
static void addLaunchValues(const Parameter &parameter, KernelInterface &interface) {
  using Kind = LaunchValue::Kind;
  std::vector<LaunchValue> &values = interface.launchValues;
  if (!parameter.isView) {
    values.push_back({Kind::Scalar, parameter.name, 0, parameter.type});
    return;
  }
  unsigned rank = unsigned(parameter.extents.size());
  values.push_back({Kind::Pointer, parameter.name});
  for (unsigned dim = 0; dim < rank; ++dim)
    if (!parameter.extents[dim].evaluate(interface.constants))
      values.push_back({Kind::Extent, parameter.name, dim});
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    values.push_back({Kind::Stride, parameter.name, dim});
}

static KernelInterface specialise(const KernelSignature &signature, const CompileOptions &options) {
  KernelInterface interface;
  interface.kernel = interface.entry = signature.name;
  interface.target = options.target;
  interface.warps = 4;
  interface.foldedGrid = options.foldGrid;
  const bool isTyped = !signature.typeParameters.empty();
  const DataType type = isTyped ? *options.set.at("T").type() : DataType::F32;
  if (isTyped)
    interface.types["T"] = type;
  for (const std::string &name : signature.integerParameters)
    interface.constants[name] = *options.set.at(name).integer();
  for (Parameter parameter : signature.parameters) {
    if (!parameter.typeParameter.empty())
      parameter.type = parameter.typeParameter == "T" ? type : wideType(type);
    parameter.typeParameter.clear();
    parameter.present = !parameter.isView || !parameter.optional || options.given.contains(parameter.name);
    if (parameter.present)
      addLaunchValues(parameter, interface);
    interface.parameters.push_back(std::move(parameter));
  }
  for (unsigned axis = 0; interface.foldedGrid && axis < 2; ++axis)
    interface.launchValues.push_back({LaunchValue::Kind::GridExtent, "", axis});
  bool isAttention = signature.name == "attention";
  const KernelSignature::Tunable &tile = signature.tunables[0];
  interface.constants[tile.name] = options.holds.contains("Sq <= 16") ? 16 : tile.standard;
  if (auto set = options.set.find(tile.name); set != options.set.end())
    interface.constants[tile.name] = *set->second.integer();
  interface.grid = {{isAttention ? "Sq BM cdiv" : isTyped ? "N BLOCK cdiv" : "count"}};
  if (isAttention)
    interface.grid.insert(interface.grid.end(), {{"Hk G *"}, {"B"}}),
        interface.requirements = {{"DQK 16 % 0 =="}}, interface.scalarRequirements = {{"scale", ">", 0}};
  return interface;
}

CompilerFunctions FakeCompiler::functions() const {
  CompilerFunctions functions;
  functions.buildId = "fake 1";
  functions.describe = [](const Source &, const CompileOptions &) {
    return Description{{scaleAdd(), attention(), repeated()}, {}};
  };
  functions.compile = [state = state](const Source &source, const CompileOptions &options) {
    ++state->count;
    std::lock_guard lock(state->mutex);
    std::this_thread::sleep_for(std::chrono::milliseconds(state->milliseconds));
    state->last = options;
    CompileResult result;
    if (!state->failure.empty()) {
      result.diagnostics.push_back({Severity::Error, source.name, 1, 1, state->failure, source.text});
      return result;
    }
    const bool isAttention = options.kernel == "attention", isRepeated = options.kernel == "repeated";
    KernelInterface interface = specialise(isAttention ? attention() : isRepeated ? repeated() : scaleAdd(), options);
    interface.sharedBytes = state->sharedBytes;
    result.kernel =
        CompiledKernel{"entry " + interface.entry + "\n.visible .entry " + interface.entry + "(\n)\n{\n\tret;\n}\n",
                       Stage::Ptx,
                       interface,
                       {},
                       {},
                       {}};
    return result;
  };
  return functions;
}

CompileOptions FakeCompiler::lastOptions() const {
  std::lock_guard lock(state->mutex);
  return state->last;
}

void FakeCompiler::failWith(std::string message) { state->failure = std::move(message); }
void FakeCompiler::setSharedBytes(unsigned bytes) { state->sharedBytes = bytes; }
void FakeCompiler::setMilliseconds(unsigned milliseconds) { state->milliseconds = milliseconds; }

void imbrex::testing::addFakeKernels(FakeDriver &driver) {
  // X, N, Y, N, Z, N, alpha: a view of rank 1 is its address and its extent.
  driver.addKernel(
      "scale_add",
      [](const FakeLaunch &launch) {
        for (int32_t i = 0; i < launch.value<int32_t>(1); ++i)
          launch.value<float *>(4)[i] =
              launch.value<float>(6) * launch.value<float *>(0)[i] + launch.value<float *>(2)[i];
      },
      7);
  driver.addKernel("attention", {});
  driver.addKernel("repeated", {});
}

RuntimeOptions imbrex::testing::fakeOptions(const cuda::DriverTable &table, const FakeCompiler &compiler) {
  RuntimeOptions options;
  options.device = "fake";
  options.driver = std::make_shared<cuda::DriverTable>(table);
  options.compiler = compiler.functions();
  return options;
}
