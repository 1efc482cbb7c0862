//===- DamageTest.cpp - Damaged texts of stages end in diagnostics --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Texts from seeds go through compileFrom in children: each must give PTX or errors, soon, and end no process. A
// child takes many texts and says before each which one it is, so that the one that ended it is known.
//
//===----------------------------------------------------------------------===//

#include "Damage.h"
#include "tests/support/RunMode.h"
#include "gtest/gtest.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr unsigned kSecondsAText = 30;
static constexpr rlim_t kBytes = rlim_t(4) << 30;

/// What is wrong with the answer to `text`; "" if nothing is.
static std::string judge(Stage stage, const std::string &text) {
  CompileResult result = compileFrom(stage, {"damaged", text}, {});
  bool hasErrors = !result.errors().empty();
  if (result.kernel && result.kernel->code.find(".entry") == std::string::npos)
    return "success without a kernel";
  if (bool(result.kernel) == hasErrors)
    return hasErrors ? "success with errors" : "failure without an error";
  return result.errors().find("without saying why") == std::string::npos ? "" : "the compiler does not say why";
}

/// In a child: the texts of the seeds from `first` on. Writes each seed to `out` before it is tried.
[[noreturn]] static void work(Stage stage, const std::vector<std::string> &texts, uint64_t first, uint64_t end,
                              int out) {
  rlimit limit{kBytes, kBytes};
#if !__has_feature(address_sanitizer) // which reserves terabytes of addresses
  setrlimit(RLIMIT_AS, &limit);
#endif
  limit = {0, 0};
  setrlimit(RLIMIT_CORE, &limit);
  for (uint64_t seed = first; seed < end; ++seed) {
    if (write(out, &seed, sizeof seed) != sizeof seed)
      _exit(2);
    alarm(kSecondsAText);
    std::string wrong = judge(stage, damaged(texts[seed % texts.size()], seed));
    if (!wrong.empty()) {
      fprintf(stderr, "%s\n", wrong.c_str());
      _exit(1);
    }
  }
  _exit(0);
}

/// The last seed of [first, end) that a child tried; `status` tells how the child ended.
static uint64_t runChild(Stage stage, const std::vector<std::string> &texts, uint64_t first, uint64_t end,
                         int &status) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    work(stage, texts, first, end, ends[1]);
  }
  close(ends[1]);
  uint64_t seed = first, last = first;
  while (read(ends[0], &seed, sizeof seed) == sizeof seed)
    last = seed;
  close(ends[0]);
  waitpid(child, &status, 0);
  return last;
}

static void tryStage(Stage stage) {
  std::vector<std::string> texts;
  for (Stage other : {stage, stage, Stage::Tile, Stage::Cta, Stage::Nvvm}) // other stages' texts come by mistake
    for (const Sample &sample : samples())
      texts.push_back(textOf(sample, other));
  const uint64_t count = isLongRun() ? 10000 : 100;
  unsigned failures = 0;
  for (uint64_t first = 0; first < count && failures < 10;) {
    int status = 0;
    uint64_t last = runChild(stage, texts, first, count, status);
    first = last + 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      break;
    ++failures;
    std::string path = ::testing::TempDir() + "damaged_" + std::string(info(stage).name) + "_" + std::to_string(last);
    std::string text = damaged(texts[last % texts.size()], last);
    if (FILE *file = fopen(path.c_str(), "w")) {
      fwrite(text.data(), 1, text.size(), file);
      fclose(file);
    }
    ADD_FAILURE() << "seed " << last << " of stage " << info(stage).name << ": "
                  << (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "a wrong answer")
                  << "; the text is " << path;
  }
}

TEST(Damage, Tile) { tryStage(Stage::Tile); }
TEST(Damage, Cta) { tryStage(Stage::Cta); }
TEST(Damage, Nvvm) { tryStage(Stage::Nvvm); }
TEST(Damage, Ptx) { tryStage(Stage::Ptx); }

/// Kernels whose stages have what only a newer target has, or what few kernels do.
static std::vector<Sample> rarerSamples() {
  std::vector<Sample> list(4);
  list[0].path = "kernels/lessons/matmul.tile";
  list[0].options.set = {{"T", "bf16"}};
  list[1].path = "kernels/attention_forward.tile";
  list[1].options.set = {{"T", "f16"}, {"DQK", 64}, {"DV", 64}, {"G", 2}};
  list[1].options.hooks["mask"] = "window(64, 0)";
  list[2].path = "tests/kernels/language/resident.tile";
  list[2].options.kernel = "resident";
  list[2].options.set = {{"resident", 2}};
  list[3].path = "kernels/attention_backward.tile";
  list[3].options.kernel = "attention_backward";
  list[3].options.set = {{"T", "bf16"}, {"DQK", 128}, {"DV", 128}, {"G", 1}};
  list[3].options.hooks["mask"] = "causal";
  for (Sample &sample : list)
    sample.options.target = "sm_90a";
  return list;
}

TEST(Damage, GoodTextsAreTakenUp) {
  std::vector<Sample> list = samples();
  for (Sample &sample : rarerSamples())
    list.push_back(std::move(sample));
  for (const Sample &sample : list)
    for (Stage stage : {Stage::Tile, Stage::Cta, Stage::Nvvm, Stage::Ptx}) {
      CompileOptions options;
      options.target = sample.options.target;
      CompileResult result = compileFrom(stage, {"good", textOf(sample, stage)}, options);
      EXPECT_TRUE(result.kernel) << sample.path << " from " << info(stage).name << "\n" << result.errors();
    }
}
