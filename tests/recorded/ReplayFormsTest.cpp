//===- ReplayFormsTest.cpp - What devices computed is what we simulate ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replays every recording of tests/data/recorded; and shows that a replay can fail, by damaging a recording of
// the simulated device.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/ProductBounds.h"
#include "tests/recorded/Replay.h"
#include <algorithm>
#include <cstdio>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::recorded;

static const std::string kFolder = IMBREX_SOURCE_DIR "/tests/data/recorded";

static std::vector<ListedForm> listedForms() {
  std::string text, error;
  EXPECT_TRUE(readFile(kFolder + "/forms.txt", text));
  std::vector<ListedForm> forms = parseFormList(text, error);
  EXPECT_EQ(error, "");
  EXPECT_FALSE(forms.empty());
  return forms;
}

static std::string joined(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line + (line.ends_with('\n') ? "" : "\n");
  return text;
}

TEST(RecordedForms, EveryListedFormHasAnExperiment) {
  for (const ListedForm &listed : listedForms()) {
    ExperimentResult made = makeExperiment(listed);
    EXPECT_TRUE(made.experiment) << listed.form << ": " << made.reason;
  }
}

TEST(RecordedForms, RecordingsOfDevicesReplay) {
  size_t recordings = 0;
  std::vector<ListedForm> forms = listedForms();
  for (const auto &entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".rec")
      continue;
    std::string bytes, name = entry.path().filename();
    ASSERT_TRUE(readFile(entry.path(), bytes)) << name;
    Recording recording = parseRecording(bytes);
    EXPECT_FALSE(recording.header.simulated) << name << " is of no GPU";
    Replay replay = replayRecording(recording, forms);
    EXPECT_TRUE(replay.problems.empty()) << name << ":\n" << joined(replay.problems);
    std::printf("%s: %s, driver %d, %s: %zu forms, %zu values\n%s", name.c_str(), recording.header.device.c_str(),
                recording.header.driverVersion, recording.header.date.c_str(), replay.forms, replay.values,
                joined(replay.errors).c_str());
    if (!replay.missing.empty())
      std::printf("not recorded yet (record_forms --resume adds them):\n%s", joined(replay.missing).c_str());
    ++recordings;
  }
  if (!recordings)
    std::printf("no recording of a GPU in tests/data/recorded: nothing replayed\n");
}

//===----------------------------------------------------------------------===//
// A recording of the simulated device, whole and damaged
//===----------------------------------------------------------------------===//

static constexpr std::string_view kWarpgroupProduct = "wgmma.mma_async.sync.aligned.m64n16k16";

/// Every tenth form, and those that the tests below damage.
static std::vector<ListedForm> sampledForms() {
  static constexpr std::string_view kDamaged[] = {"add.s32 b32, b32, b32", "ex2.approx.ftz.f32 b32, b32",
                                                  "fma.rn.f32 b32, b32, b32, b32"};
  std::vector<ListedForm> sample, all = listedForms();
  for (size_t i = 0; i < all.size(); ++i) {
    bool damaged = std::find(std::begin(kDamaged), std::end(kDamaged), all[i].form) != std::end(kDamaged);
    bool product = all[i].form.starts_with("mma.sync.aligned.m16n8k16.row.col.f32.bf16");
    bool asynchronous = all[i].form.starts_with(kWarpgroupProduct);
    if ((i % 10 == 0 || damaged || product || asynchronous) && runsOn(all[i], 9, 0))
      sample.push_back(all[i]);
  }
  return sample;
}

static Recording recordSample(const std::vector<ListedForm> &forms) {
  imbrex::testing::RawDevice device = imbrex::testing::RawDevice::open("sim:h100").value();
  Recording made;
  made.header = headerOf(device.info(), "2026-01-01");
  made.complete = true;
  bool lost = false;
  for (const ListedForm &listed : forms) {
    made.forms.push_back(recordForm(device, listed, lost));
    EXPECT_EQ(made.forms.back().failure, "") << listed.form;
  }
  return made;
}

static std::string bytesOf(const Recording &recording) {
  std::string bytes = writeHeader(recording.header);
  for (const RecordedForm &form : recording.forms)
    bytes += writeForm(form);
  return bytes + writeEnd(recording.forms.size());
}

static RecordedForm &formOf(Recording &recording, std::string_view beginning) {
  auto found = std::find_if(recording.forms.begin(), recording.forms.end(),
                            [&](const RecordedForm &form) { return form.listed.form.starts_with(beginning); });
  EXPECT_NE(found, recording.forms.end()) << beginning;
  return *found;
}

/// What a replay of the file's bytes finds, through a file.
static std::string problemsOf(const std::string &bytes, const std::vector<ListedForm> &forms) {
  std::string path = ::testing::TempDir() + "damaged.rec", read;
  std::FILE *file = std::fopen(path.c_str(), "wb");
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  EXPECT_TRUE(readFile(path, read));
  std::remove(path.c_str());
  return joined(replayRecording(parseRecording(read), forms).problems);
}

static bool tells(const std::string &problems, std::string_view what) { return problems.find(what) != problems.npos; }

class Replays : public ::testing::Test {
protected:
  std::vector<ListedForm> forms = sampledForms();
  Recording recording = recordSample(forms);
};

TEST_F(Replays, AWholeRecordingReplays) { EXPECT_EQ(problemsOf(bytesOf(recording), forms), ""); }

TEST_F(Replays, OneBitOfAnIntegerIsFound) {
  formOf(recording, "add.s32 b32, b32, b32").results[4 * 100] ^= 1;
  std::string problems = problemsOf(bytesOf(recording), forms);
  EXPECT_TRUE(tells(problems, "add.s32 b32, b32, b32: 1 of ")) << problems;
  EXPECT_TRUE(tells(problems, "thread 100: 0x")) << problems;
}

TEST_F(Replays, OneBitOfAnIeeeOperationIsFound) {
  formOf(recording, "fma.rn.f32 b32, b32, b32, b32").results[4 * 7] ^= 1;
  std::string problems = problemsOf(bytesOf(recording), forms);
  EXPECT_TRUE(tells(problems, "fma.rn.f32 b32, b32, b32, b32: 1 of ")) << problems;
}

TEST_F(Replays, AnApproximationMayBeOffByItsErrorOnly) {
  Bytes &results = formOf(recording, "ex2.approx.ftz.f32").results;
  auto nearOne = [&](uint32_t steps) { // Any result with an exponent near 0.
    for (size_t at = 0; at < results.size(); at += 4) {
      uint32_t value;
      std::memcpy(&value, &results[at], 4);
      if ((value >> 23) < 120 || (value >> 23) > 130)
        continue;
      value += steps;
      std::memcpy(&results[at], &value, 4);
      return;
    }
    FAIL() << "no such result";
  };
  nearOne(1);
  EXPECT_EQ(problemsOf(bytesOf(recording), forms), "");
  nearOne(7);
  std::string problems = problemsOf(bytesOf(recording), forms);
  EXPECT_TRUE(tells(problems, "ex2.approx.ftz.f32 b32, b32: 1 of ")) << problems;
  EXPECT_TRUE(tells(problems, "the largest error is 8 units")) << problems;
}

TEST_F(Replays, AProductMayBeOffByItsBoundOnly) {
  for (std::string_view product : {std::string_view("mma.sync.aligned.m16n8k16.row.col.f32.bf16"), kWarpgroupProduct}) {
    Bytes &results = formOf(recording, product).results;
    Bytes before = results;
    results[0] ^= 1;
    EXPECT_EQ(problemsOf(bytesOf(recording), forms), "");
    results = before;
    for (size_t at = 2; at < results.size(); at += 4)
      results[at] ^= 0x40; // a quarter or a half of the value
    std::string problems = problemsOf(bytesOf(recording), forms);
    EXPECT_TRUE(tells(problems, product)) << problems;
    results = before;
  }
}

/// The terms that a product's error is bounded by are those that the device adds: their sum is its result.
TEST(ProductTerms, AddUpToTheResult) {
  imbrex::testing::RawDevice device = imbrex::testing::RawDevice::open("sim:h200").value();
  size_t products = 0, values = 0;
  for (const ListedForm &listed : listedForms()) {
    if (!runsOn(listed, 9, 0) || !hasProductBounds(*Form::parse(listed.form)))
      continue;
    Experiment experiment = *makeExperiment(listed).experiment;
    Result<Bytes> results = runExperiment(device, experiment);
    ASSERT_TRUE(results) << listed.form << results.error().render();
    size_t at = 0, wrong = 0;
    for (size_t output = 0; output < experiment.outputs.size(); ++output)
      for (const ProductTerms &terms : productTerms(experiment, output)) {
        float value;
        std::memcpy(&value, results->data() + at, sizeof(value));
        at += sizeof(value);
        double allowed = terms.isOfBytes ? 0x1p-13 * terms.largest * terms.products : 0x1p-20 * terms.magnitude;
        wrong += std::isfinite(terms.sum) && terms.magnitude < 0x1p127 &&
                 !(std::fabs(terms.sum - value) <= allowed + 0x1p-120);
        ++values;
      }
    EXPECT_EQ(wrong, 0u) << listed.form;
    ++products;
  }
  EXPECT_GT(products, 20u);
  std::printf("%zu products, %zu values\n", products, values);
}

TEST_F(Replays, OtherOperandsOrKernelsAreFound) {
  formOf(recording, "add.s32 b32, b32, b32").operandChecksum ^= 1;
  formOf(recording, "fma.rn.f32 b32, b32, b32, b32").kernelChecksum ^= 1;
  std::string problems = problemsOf(bytesOf(recording), forms);
  EXPECT_TRUE(tells(problems, "add.s32 b32, b32, b32: it was recorded with other operands")) << problems;
  EXPECT_TRUE(tells(problems, "fma.rn.f32 b32, b32, b32, b32: it was recorded with another kernel")) << problems;
}

TEST_F(Replays, AFileCutShortIsFound) {
  std::string bytes = bytesOf(recording), last = recording.forms.back().listed.form;
  std::string problems = problemsOf(bytes.substr(0, bytes.size() - 100), forms);
  EXPECT_TRUE(tells(problems, "it ends inside '" + last)) << problems;
  Replay replay = replayRecording(parseRecording(bytes.substr(0, bytes.size() - 100)), forms);
  EXPECT_EQ(replay.missing, std::vector<std::string>{last});
  size_t end = writeEnd(recording.forms.size()).size();
  EXPECT_TRUE(tells(problemsOf(bytes.substr(0, bytes.size() - end), forms), "the recording has no end"));
  EXPECT_TRUE(tells(problemsOf("", forms), "it does not begin as a recording"));
}

TEST_F(Replays, ADamagedByteIsFound) {
  std::string bytes = bytesOf(recording), last = recording.forms.back().listed.form;
  bytes[bytes.size() - 50] ^= 1;
  std::string problems = problemsOf(bytes, forms);
  EXPECT_TRUE(tells(problems, "the results of '" + last + "' are damaged")) << problems;
}

TEST_F(Replays, AFailedFormIsFound) {
  RecordedForm &form = formOf(recording, "add.s32 b32, b32, b32");
  form = {form.listed, 0, 0, {}, "no end within 40 seconds"};
  std::string problems = problemsOf(bytesOf(recording), forms);
  EXPECT_TRUE(tells(problems, "add.s32 b32, b32, b32: it failed on the device: no end")) << problems;
}
