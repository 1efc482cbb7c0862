//===- BoundCallTest.cpp - A launch after another ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel remembers what it launched last. It must say and do what one would that remembers nothing, whatever changed
// between the launches, and whatever went wrong before.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/FakeCompiler.h"
#include <gtest/gtest.h>
#include <random>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// What one launch came to: an error's text, or what the driver was given.
struct Outcome {
  std::string error;
  std::vector<uint64_t> passed; ///< the grid, which compiled form, then all values
  bool operator==(const Outcome &) const = default;
};

struct BoundCalls : ::testing::Test {
  FakeDriver driver;
  FakeCompiler compiler;
  std::map<std::string, unsigned> forms; ///< compiled forms, by what they were made for
  Runtime runtime = Runtime::openWith(options()).value();
  Module module = runtime.loadSource({"a.tile", ""}).value();
  std::vector<uint64_t> passed;
  size_t values = 0; ///< that the kernel takes

  BoundCalls() {
    addFakeKernels(driver);
    auto note = [this](const FakeLaunch &launch) {
      passed.assign(launch.grid, launch.grid + 3);
      passed.push_back(launch.sharedBytes);
      for (unsigned i = 0; i < values; ++i)
        passed.push_back(launch.value<uint64_t>(i));
    };
    driver.addKernel("attention", note);
    driver.addKernel("repeated", note);
  }
  /// Each compiled form has its own number of shared bytes, so that a launch shows which it is of.
  RuntimeOptions options() {
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    auto compile = options.compiler->compile;
    options.compiler->compile = [this, compile](const Source &source, const CompileOptions &options) {
      CompileResult result = compile(source, options);
      std::string form;
      for (const auto &[view, alignment] : options.alignment)
        form += view + "=" + std::to_string(alignment) + " ";
      for (const std::string &view : options.given)
        form += view + " ";
      for (const auto &[name, value] : options.set)
        form += name + "=" + value.text() + " ";
      result.kernel->interface.sharedBytes = 16 * forms.try_emplace(form, unsigned(forms.size()) + 1).first->second;
      return result;
    };
    return options;
  }
  Outcome launch(const Kernel &kernel, const std::vector<Argument> &arguments) {
    passed.clear();
    Result<void> done = kernel.launch(runtime.stream(), arguments);
    return {done ? "" : done.error().message, passed};
  }
  /// The same kernel, which has launched nothing.
  static Kernel fresh(const Kernel &kernel) { return Kernel(kernel).deterministic(false); }
};

/// Random arguments of `attention`, each a change of those before.
struct Changes {
  std::mt19937 random{7};
  const void *owner;
  std::vector<Argument> arguments;

  template <typename T> T oneOf(std::initializer_list<T> list) { return list.begin()[random() % list.size()]; }
  void start() {
    auto view = [](uint64_t address, Dims extents) { return View(address, DataType::F16, extents); };
    arguments = {{"Q", view(4096, {1, 7, 6, 64})},
                 {"K", view(8192, {1, 5, 2, 64})},
                 {"V", view(1 << 20, {1, 5, 2, 32})},
                 {"O", view(uint64_t(1) << 40, {1, 7, 6, 32})},
                 {"scale", 0.5f}};
  }
  void changeMemory(View &view) {
    constexpr uint64_t kFar = uint64_t(1) << 40;
    switch (random() % 6) {
    case 0:
      view.byteOffset = oneOf<uint64_t>({0, 2, 8, 16, uint64_t(1) << 62});
      break;
    case 1:
      view.availableBytes = oneOf<std::optional<uint64_t>>({{}, {}, 1 << 20, 100, 0});
      break;
    case 2:
      view.readOnly = oneOf({false, false, true});
      break;
    case 3:
      view.owner = oneOf<const void *>({nullptr, owner, owner, this});
      break;
    default:
      view.address = oneOf<uint64_t>(
          {4096, 4096 + 8, 4096 + 2, 4097, 0, 8192, kFar, kFar + 64, kFar + 2048, kFar + 4096 + 4, ~uint64_t(0) - 100});
    }
  }
  void changeShape(View &view) {
    int64_t &extent = view.extents[unsigned(random() % view.extents.size())];
    extent = oneOf<int64_t>({extent, 0, 1, 2, 5, 7, 16, 17, 64, 70000, -1});
    if (random() % 4 == 0)
      view.strides = oneOf<Dims>({{}, {4096, 512, 64, 1}, {1000, 500, 66, 1}, {9, 9, 9}, {0, 0, 0, 2}});
    if (random() % 8 == 0)
      view.type = oneOf({DataType::F16, DataType::BF16, DataType::F32, DataType::I8});
  }
  /// Of all views together: a kernel that is launched with other lengths.
  void changeLengths() {
    int64_t batch = oneOf({1, 2, 70000}), queries = oneOf({1, 16, 17, 100}), keys = oneOf({1, 5, 1000});
    for (Argument &argument : arguments)
      if (argument.isView && argument.view.extents.size() == 4) {
        argument.view.extents[0] = batch;
        argument.view.extents[1] = argument.name == "K" || argument.name == "V" ? keys : queries;
      }
  }
  void changeList() {
    switch (random() % 5) {
    case 0:
      arguments.pop_back();
      break;
    case 1:
      std::swap(arguments.front(), arguments.back());
      break;
    case 2:
      arguments.push_back(arguments.front());
      break;
    case 3:
      arguments.emplace_back("L", View(uint64_t(1) << 41, DataType::F32, {1, 6, 7}));
      break;
    default:
      arguments.emplace_back("nobody", 1);
    }
  }
  void step() {
    if (arguments.empty() || random() % 10 == 0)
      return start();
    Argument &argument = arguments[random() % arguments.size()];
    switch (random() % 8) {
    case 0:
    case 1:
      return;
    case 2:
    case 3:
      if (argument.isView)
        return changeMemory(argument.view);
      argument.scalar = oneOf({Argument("", 0.5), Argument("", 1), Argument("", -1.0), Argument("", 1e300),
                               Argument("", 0.0), Argument("", -0.0), Argument("", true)})
                            .scalar;
      return;
    case 4:
      return argument.isView ? changeShape(argument.view) : void();
    case 5:
    case 6:
      return changeLengths();
    default:
      return random() % 3 ? void() : changeList();
    }
  }
  size_t valueCount() const {
    for (const Argument &argument : arguments)
      if (argument.name == "L")
        return 35;
    return 29;
  }
};

} // namespace

TEST_F(BoundCalls, AKernelThatRemembersSaysWhatOneSaysThatDoesNot) {
  Kernel kernel = module.kernel("attention").value();
  Changes changes;
  changes.owner = runtime.owner();
  unsigned launched = 0;
  std::set<std::string> errors;
  for (unsigned step = 0; step < 20000; ++step) {
    changes.step();
    values = changes.valueCount();
    Outcome expected = launch(fresh(kernel), changes.arguments);
    ASSERT_EQ(launch(kernel, changes.arguments).error, expected.error) << "at step " << step;
    ASSERT_EQ(passed, expected.passed) << "at step " << step;
    launched += expected.error.empty();
    errors.insert(expected.error.substr(0, expected.error.find_first_of("0123456789")));
  }
  EXPECT_GT(launched, 3000u);
  EXPECT_GT(errors.size(), 40u);
  std::printf("%u launches, %zu kinds of refusals\n", launched, errors.size());
}

TEST_F(BoundCalls, AScalarOfTheGridIsAskedAgain) {
  Kernel kernel = module.kernel("repeated").value();
  values = 1;
  View x(4096, DataType::F32, {4});
  for (int count : {3, 5, 5, 0, 70000, 2}) {
    Outcome outcome = launch(kernel, {{"X", x}, {"count", count}});
    ASSERT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.passed.empty(), count == 0);
    if (count != 0)
      EXPECT_EQ(outcome.passed[0], uint64_t(count));
  }
  EXPECT_NE(launch(kernel, {{"X", x}, {"count", -1}}).error, "");
}
