//===- ScriptedDevice.cpp - A device whose times are known ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A candidate's number is its entry's name, so that a launch tells which one it is.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/ScriptedDevice.h"
#include <cmath>

using namespace imbrex;
using namespace imbrex::testing;

/// The address sanitizer asks for it. What a kernel that hangs uses is never freed.
extern "C" const char *__lsan_default_suppressions() { // NOLINT(bugprone-reserved-identifier): its name for it
  return "leak:imbrex::Tuner::~Tuner\n";
}

static constexpr unsigned kA = 10, kB = 10, kC = 5;

static unsigned numberOf(const Tuning &t) { return unsigned(t.at("A") + kA * (t.at("B") + kB * t.at("C"))); }
static Tuning tuningOf(unsigned number) {
  return {{"A", number % kA}, {"B", number / kA % kB}, {"C", number / kA / kB}};
}

struct ScriptedDevice::State {
  bool simulated;
  double noise; ///< standard deviation of the logarithm of a time
  mutable std::mutex mutex;
  double clock = 0; ///< milliseconds
  bool isHung = false, isLost = false;
  std::map<unsigned, Behaviour> behaviours;
  std::map<unsigned, unsigned> launches;
  unsigned compilations = 0, last = 0;
  uintptr_t nextEvent = 1;
  std::map<uintptr_t, double> events;

  Behaviour behaviour(unsigned number) const {
    auto found = behaviours.find(number);
    return found == behaviours.end() ? Behaviour::Right : found->second;
  }
  /// X, N, Z, N: a view of rank 1 is its address and its extent.
  void launch(unsigned number, const FakeLaunch &values) {
    std::lock_guard lock(mutex);
    Behaviour how = behaviour(number);
    ++launches[number], last = number;
    isHung |= how == Behaviour::Hangs;
    isLost |= how == Behaviour::Faults;
    // Of this candidate's so many-th launch: the order in which threads come changes nothing.
    std::mt19937 random(number * 7919 + launches[number]);
    clock += ScriptedDevice::time(tuningOf(number)) * std::exp(noise * std::normal_distribution<double>()(random));
    float factor = how == Behaviour::Wrong ? 3.0f : how == Behaviour::OtherBits ? 2.0000002f : 2.0f;
    for (int32_t i = 0; i < values.value<int32_t>(1); ++i)
      values.value<float *>(2)[i] = factor * values.value<float *>(0)[i];
  }
};

ScriptedDevice::ScriptedDevice(double noise, bool simulated) : state(std::make_shared<State>()) {
  state->simulated = simulated;
  state->noise = noise;
  for (unsigned i = 0; i < kCandidates; ++i)
    driver.addKernel("c" + std::to_string(i),
                     [state = state, i](const FakeLaunch &values) { state->launch(i, values); });
}

double ScriptedDevice::time(const Tuning &t) {
  auto away = [&](const char *name, int64_t from) { return double(std::abs(t.at(name) - from)); };
  return 1 + 0.1 * away("A", 3) + 0.07 * away("B", 7) + 0.05 * away("C", 1);
}

static KernelSignature signature() {
  KernelSignature signature;
  signature.name = "tuned";
  for (auto [name, count, standard] : {std::tuple("A", kA, 5), {"B", kB, 5}, {"C", kC, 2}}) {
    KernelSignature::Tunable tunable{name, {}, false, standard};
    for (unsigned i = 0; i < count; ++i)
      tunable.choices.push_back(i);
    signature.tunables.push_back(std::move(tunable));
  }
  signature.key = {{"N pow2"}};
  Parameter x{.name = "X", .isView = true, .type = DataType::F32, .extents = {{"N"}}};
  Parameter z = x;
  z.name = "Z", z.output = true;
  signature.parameters = {x, z};
  return signature;
}

static KernelInterface interfaceOf(const Tuning &tuning, const std::string &target) {
  using Kind = LaunchValue::Kind;
  KernelInterface interface;
  interface.kernel = "tuned";
  interface.entry = "c" + std::to_string(numberOf(tuning));
  interface.parameters = signature().parameters;
  interface.launchValues = {{Kind::Pointer, "X"}, {Kind::Extent, "X", 0}, {Kind::Pointer, "Z"}, {Kind::Extent, "Z", 0}};
  interface.grid = {{"N"}};
  interface.target = target;
  interface.warps = 1;
  return interface;
}

static SearchSpace spaceOf(const SearchRequest &request) {
  SearchSpace space;
  const Tuning standard{{"A", 5}, {"B", 5}, {"C", 2}};
  space.points.push_back({standard, "", 1});
  for (unsigned i = 0; i < ScriptedDevice::kCandidates; ++i)
    if (Tuning tuning = tuningOf(i); tuning != standard)
      space.points.push_back({tuning, "", 1});
  return space;
}

CompilerFunctions ScriptedDevice::compiler() const {
  CompilerFunctions functions;
  functions.buildId = "scripted 1";
  functions.describe = [](const Source &, const CompileOptions &) { return Description{{signature()}, {}}; };
  functions.compile = [state = state](const Source &, const CompileOptions &options) {
    {
      std::lock_guard lock(state->mutex);
      ++state->compilations;
    }
    Tuning tuning;
    for (const KernelSignature::Tunable &tunable : signature().tunables) {
      auto set = options.set.find(tunable.name);
      tuning[tunable.name] = set == options.set.end() ? tunable.standard : *set->second.integer();
    }
    KernelInterface interface = interfaceOf(tuning, options.target);
    CompileResult result;
    if (state->behaviour(numberOf(tuning)) == Behaviour::NoMemory) {
      result.diagnostics = {{Severity::Remark, "t.tile", 1, 1, "a remark", ""},
                            {Severity::Error, "t.tile", 0, 0, "host memory is short", ""}};
      result.isOutOfMemory = true;
      return result;
    }
    result.kernel = CompiledKernel{"entry " + interface.entry, Stage::Ptx, interface, {}, {}, {}};
    return result;
  };
  functions.searchSpace = [](const Source &, const SearchRequest &request) { return spaceOf(request); };
  functions.estimate = [](const CompiledKernel &kernel, const ModelDevice &, const ModelLaunch &) {
    StaticEstimate estimate;
    estimate.cycles = 1000 * time(tuningOf(unsigned(std::stoul(kernel.interface.entry.substr(1)))));
    return estimate;
  };
  return functions;
}

cuda::DriverTable ScriptedDevice::table() const {
  using namespace cuda;
  DriverTable table = driver.table();
  table.simulated = state->simulated;
  auto lost = [state = state] { return state->isLost ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS; };
  table.eventCreate = [state = state](CUevent *event, unsigned) {
    std::lock_guard lock(state->mutex);
    return *event = reinterpret_cast<CUevent>(state->nextEvent++), CUDA_SUCCESS;
  };
  table.eventDestroy = [](CUevent) { return CUDA_SUCCESS; };
  table.eventRecord = [state = state](CUevent event, CUstream) {
    std::lock_guard lock(state->mutex);
    return state->events[reinterpret_cast<uintptr_t>(event)] = state->clock, CUDA_SUCCESS;
  };
  table.eventQuery = [state = state, lost](CUevent) {
    std::lock_guard lock(state->mutex);
    return state->isHung ? CUDA_ERROR_NOT_READY : lost();
  };
  table.eventElapsedTime = [state = state](float *time, CUevent from, CUevent to) {
    std::lock_guard lock(state->mutex);
    auto at = [&](CUevent event) { return state->events[reinterpret_cast<uintptr_t>(event)]; };
    return *time = float(at(to) - at(from)), CUDA_SUCCESS;
  };
  table.streamSynchronize = [state = state, lost](CUstream) {
    std::lock_guard lock(state->mutex);
    return lost();
  };
  return table;
}

Runtime ScriptedDevice::open(const std::string &cacheDirectory) {
  RuntimeOptions options;
  options.device = "scripted";
  options.cacheDirectory = cacheDirectory;
  options.driver = std::make_shared<cuda::DriverTable>(table());
  options.compiler = compiler();
  return Runtime::openWith(options).value();
}

void ScriptedDevice::script(const Tuning &tuning, Behaviour behaviour) {
  state->behaviours[numberOf(tuning)] = behaviour;
}

unsigned ScriptedDevice::launches(const Tuning &tuning) const {
  std::lock_guard lock(state->mutex);
  return state->launches[numberOf(tuning)];
}

unsigned ScriptedDevice::launches() const { return driver.launches(); }
unsigned ScriptedDevice::compilations() const { return state->compilations; }
Tuning ScriptedDevice::lastLaunched() const { return tuningOf(state->last); }
void ScriptedDevice::reset() { state->isHung = state->isLost = false; }
