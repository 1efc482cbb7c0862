//===- EmittedForms.cpp - The forms that the compiler emits ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Not the whole product of all choices: each choice meets each type and target, the rest is crossed at random.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/forms/EmittedForms.h"
#include "compiler/Compiler.h"
#include "compiler/Target.h"
#include "tests/conformance/random/Program.h"
#include "tests/recorded/Form.h"
#include "tests/recorded/FormList.h"
#include "tests/support/Random.h"
#include "tests/support/TreeSource.h"

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::Random;

static constexpr const char *kTypes[] = {"f16", "bf16", "f32", "f64"};
static constexpr const char *kTargets[] = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100", "sm_120"};
static constexpr int kAttentions = 480, kLessonsEach = 48, kBackwards = 24, kProducts = 24, kBytes = 12, kWords = 12;

std::string Specialisation::describe() const {
  std::string text = file + " for " + options.target;
  for (const auto &[name, setting] : options.set)
    text += " " + name + "=" + setting.text();
  for (const auto &[name, function] : options.hooks)
    text += " " + name + "=" + function;
  for (const auto &[name, bytes] : options.alignment)
    text += " align(" + name + ")=" + std::to_string(bytes);
  for (const std::string &name : options.given)
    text += " with " + name;
  return text;
}

static void chooseAlignment(CompileOptions &options, std::initializer_list<const char *> views, Random &random) {
  static constexpr unsigned kBytes[] = {16, 16, 16, 8, 4, 2, 1};
  for (const char *view : views)
    options.alignment[view] = random.oneOf(kBytes);
}

static Specialisation attention(int number, Random &random) {
  static constexpr const char *kMasks[] = {"full",           "causal",           "causal_top_left",  "window(100, 20)",
                                           "window(-1, 13)", "causal_window(7)", "causal_window(-1)"};
  static constexpr const char *kSizes[] = {"8", "16", "40", "64", "72", "96", "128", "192", "200", "256"};
  static constexpr const char *kGroups[] = {"1", "2", "3", "8"};
  Specialisation made{"kernels/attention_forward.tile", {}};
  CompileOptions &options = made.options;
  std::string depth = random.oneOf(kSizes);
  options.set = {{"T", kTypes[number % 4]},
                 {"DQK", depth},
                 {"DV", random.below(3) ? depth : random.oneOf(kSizes)},
                 {"G", random.oneOf(kGroups)}};
  options.hooks["mask"] = kMasks[number % 7];
  if (random.below(3) == 0)
    options.hooks["score"] = "softcap(15.0)";
  options.target = kTargets[number % 6];
  if (random.below(3) != 0)
    options.given.insert("L");
  if (random.below(2))
    chooseAlignment(options, {"Q", "K", "V", "O", "L"}, random);
  if (number % 5 == 0)
    options.storage["K"] = options.storage["V"] = Storage{.kind = Storage::Kind::Paged, .page = 16};
  if (number % 12 == 9) // bf16 on sm_90a
    options.set[number % 24 == 9 ? "turns" : "resident"] = "1";
  if (random.below(2)) {
    options.set["BM"] = std::to_string(16 << random.below(3));
    options.set["BN"] = std::to_string(16 * (1 + random.below(4)));
    options.set["warps"] = std::to_string(1 << random.below(4));
    options.set["stages"] = std::to_string(1 + random.below(4));
  }
  return made;
}

static Specialisation lesson(const char *file, int number, Random &random) {
  Specialisation made{std::string("kernels/lessons/") + file + ".tile", {}};
  CompileOptions &options = made.options;
  bool adds = made.file.ends_with("vector_add.tile"), rows = made.file.ends_with("softmax.tile");
  options.set["T"] = kTypes[number % (adds ? 4 : 3)];
  options.target = kTargets[number % 6];
  if (random.below(2))
    options.set["warps"] = std::to_string(1 << random.below(4));
  bool aligned = random.below(3) == 0;
  if (adds) {
    options.set["BLOCK"] = std::to_string(256 << random.below(4));
    if (!aligned)
      chooseAlignment(options, {"X", "Y", "Z"}, random);
  } else if (rows) {
    options.set["D"] = std::to_string(random.below(2) ? 1 + random.below(300) : 8 << random.below(8));
    if (!aligned)
      chooseAlignment(options, {"X", "Y"}, random);
  } else {
    for (const char *tile : {"BM", "BN", "BK"})
      options.set[tile] = std::to_string(16 << random.below(3));
    options.set["stages"] = std::to_string(1 + random.below(4));
    if (!aligned)
      chooseAlignment(options, {"A", "B", "bias", "C"}, random);
  }
  return made;
}

/// Gradients by their default tiles.
static Specialisation backward(int number, Random &random) {
  static constexpr const char *kSizes[] = {"64", "96", "128", "192"}, *kMasks[] = {"full", "causal"};
  Specialisation made{"kernels/attention_backward.tile", {}};
  std::string depth = random.oneOf(kSizes);
  made.options.kernel = number % 2 ? "attention_dq" : "attention_dkdv";
  made.options.set = {{"T", kTypes[number / 2 % 2]}, {"DQK", depth}, {"DV", depth}, {"G", number % 3 ? "1" : "4"}};
  made.options.hooks["mask"] = random.oneOf(kMasks);
  made.options.target = number % 4 < 2 ? "sm_90a" : "sm_80";
  return made;
}

static Specialisation productOfBytes(int number, Random &random) {
  static constexpr const char *kBytes[] = {"i8", "f8e4m3", "f8e5m2"}, *kBytesTargets[] = {"sm_90a", "sm_89", "sm_120"};
  Specialisation made{number / 9 % 2 ? "tests/static/products_of_rows.tile" : "tests/static/products_of_bytes.tile",
                      {}};
  made.options.set = {{"T", kBytes[number % 3]}, {"warps", number % 2 ? "4" : "8"}};
  for (const char *tile : {"BM", "BN", "BK"})
    made.options.set[tile] = std::to_string(64 << random.below(2));
  made.options.target = kBytesTargets[number / 3 % 3];
  return made;
}

static Specialisation attentionOfBytes(int number, Random &random) {
  static constexpr const char *kSizes[] = {"40", "64", "96", "128", "256"};
  Specialisation made{"kernels/attention_bytes.tile", {}};
  std::string depth = random.oneOf(kSizes);
  made.options.set = {
      {"T", number % 2 ? "f8e4m3" : "f8e5m2"}, {"U", "bf16"}, {"DQK", depth}, {"DV", depth}, {"G", "2"}};
  made.options.hooks["mask"] = number / 2 % 2 ? "causal" : "full";
  if (number % 3 == 0)
    made.options.storage["K"] = made.options.storage["V"] = Storage{.kind = Storage::Kind::Paged, .page = 16};
  made.options.target = number % 4 < 3 ? "sm_90a" : "sm_89";
  return made;
}

/// By tf32, rounded before wgmma reads it: a product, and attention by its default tiles.
static Specialisation productOfWords(int number) {
  static constexpr const char *kSizes[] = {"64", "128", "40", "256"};
  const bool isMatmul = number % 3 == 0;
  Specialisation made{isMatmul ? "kernels/lessons/matmul.tile" : "kernels/attention_forward.tile", {}};
  if (isMatmul) {
    made.options.set = {
        {"BM", "128"}, {"BN", kSizes[number / 3 % 2]}, {"BK", number % 2 ? "16" : "32"}, {"warps", "8"}};
  } else {
    const char *depth = kSizes[number / 3];
    made.options.set = {{"DQK", depth}, {"DV", depth}, {"G", "2"}};
    made.options.hooks["mask"] = number % 3 == 1 ? "causal" : "full";
  }
  made.options.set["T"] = "f32";
  made.options.set["tf32"] = "1";
  made.options.target = "sm_90a";
  return made;
}

std::vector<Specialisation> test::shippedSpecialisations() {
  std::vector<Specialisation> all;
  Random random(2024);
  for (int i = 0; i < kLessonsEach; ++i)
    for (const char *file : {"vector_add", "softmax", "matmul"})
      all.push_back(lesson(file, i, random));
  for (int i = 0; i < kAttentions; ++i)
    all.push_back(attention(i, random));
  for (int i = 0; i < kBackwards; ++i)
    all.push_back(backward(i, random));
  for (int i = 0; i < kProducts; ++i)
    all.push_back(productOfBytes(i, random));
  for (int i = 0; i < kBytes; ++i)
    all.push_back(attentionOfBytes(i, random));
  for (int i = 0; i < kWords; ++i)
    all.push_back(productOfWords(i));
  return all;
}

static std::string addKernel(EmittedForms &forms, const Source &source, const CompileOptions &options,
                             const std::string &origin) {
  CompileResult result = compile(source, options);
  const std::string errors = result.errors();
  for (const char *bound :
       {" bytes of shared memory, but a CTA on ", " operations of stage nvvm of each thread, more than "})
    if (!result.kernel && errors.find(bound) != std::string::npos)
      return {};
  if (!result.kernel)
    return origin + ": " + errors;
  std::string error;
  std::optional<std::set<std::string>> found = recorded::formsOf(result.kernel->code, error);
  if (!found)
    return origin + ": " + error;
  for (const std::string &form : *found) {
    Emitted &known = forms.try_emplace(form, Emitted{options.target, origin}).first->second;
    if (Target::parse(options.target)->sm < Target::parse(known.target)->sm)
      known = {options.target, origin};
  }
  return {};
}

std::string test::addForms(EmittedForms &forms, const Specialisation &specialisation) {
  const Source source = testing::treeSource(IMBREX_SOURCE_DIR "/" + specialisation.file);
  if (source.text.empty())
    return "cannot read " + specialisation.file;
  return addKernel(forms, source, specialisation.options, specialisation.describe());
}

std::string test::addForms(EmittedForms &forms, uint64_t seed) {
  Program program = generateProgram(seed);
  return addKernel(forms, Source{"random.tile", program.text, program.imports}, program.options,
                   "random program " + std::to_string(seed) + " for " + program.options.target);
}
