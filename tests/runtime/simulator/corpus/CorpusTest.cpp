//===- CorpusTest.cpp - What NVIDIA's compiler makes of CUDA runs right ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles the sources of this folder with nvcc, where it is installed, and runs them under several schedules: right
// programs are right and told nothing; each seeded bug is told by one of its faults under every schedule; a deleted
// synchronisation is told, or explained (Case::redundant). An ordinary run takes a sample, `corpus_test --long` all,
// `corpus_test --case NAME` those whose kernel has this name, and prints every verdict.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

using namespace imbrex::simulator::corpus;
namespace fs = std::filesystem;

static bool longRun = false;
static std::string onlyCase;

namespace {

constexpr size_t kSampleStep = 29; ///< An ordinary run takes every so-manieth case, and of that the first bug.
constexpr unsigned kSeeds[] = {0, 1, 7};

const std::string &compiler() {
  static const std::string kFound = [] {
    std::stringstream path(std::getenv("PATH") ? std::getenv("PATH") : "");
    for (std::string folder; std::getline(path, folder, ':');)
      if (fs::exists(fs::path(folder) / "nvcc"))
        return (fs::path(folder) / "nvcc").string();
    return std::string(fs::exists("/usr/local/cuda/bin/nvcc") ? "/usr/local/cuda/bin/nvcc" : "");
  }();
  return kFound;
}

std::string readFile(const fs::path &path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The PTX of a case's source with that bug; empty with a failure if nvcc does not take it.
const std::string &compile(const Case &entry, int bug) {
  static std::map<std::pair<std::string, int>, std::string> done;
  auto [at, isNew] = done.try_emplace({entry.source, bug});
  if (!isNew)
    return at->second;
  fs::path source = fs::path(IMBREX_SOURCE_DIR) / "tests/runtime/simulator/corpus" / (entry.source + ".cu");
  fs::path ptx = fs::path(::testing::TempDir()) /
                 ("corpus" + std::to_string(getpid()) + "_" + source.stem().string() + std::to_string(bug) + ".ptx");
  std::string target = entry.source.starts_with("sm90") ? "sm_90a" : "sm_80";
  std::string command = "'" + compiler() + "' -w -std=c++17 -ptx -arch=" + target + " -DBUG=" + std::to_string(bug) +
                        " -o '" + ptx.string() + "' '" + source.string() + "' 2>&1";
  // NOLINTNEXTLINE(bugprone-command-processor): a compiler on paths of this build
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  at->second = readFile(ptx);
  fs::remove(ptx);
  return at->second;
}

struct Outcome {
  std::string verdict, report;
};

Outcome runCase(const Case &entry, const std::string &ptx, unsigned seed) {
  Work work(ptx, entry.source.starts_with("sm90") ? "h100" : "a100", seed);
  entry.run(work);
  return {work.verdict(), work.report()};
}

bool isOneOf(const std::string &list, const std::string &word) {
  std::stringstream stream(list);
  for (std::string one; std::getline(stream, one, '|');)
    if (one == word)
      return true;
  return false;
}

/// The note is true of some of the programs, whose results are right all the same: several threads store one value.
constexpr const char *kRight = "right|note: equal unordered writes";

/// Every case of a long run, a sample of an ordinary one, or the one that was asked for.
std::vector<const Case *> chosen(size_t begin) {
  std::vector<const Case *> list;
  if (!onlyCase.empty()) {
    for (const Case &entry : cases())
      if (entry.name == onlyCase)
        list.push_back(&entry);
    return list;
  }
  for (size_t i = longRun ? 0 : begin; i < cases().size(); i += longRun ? 1 : kSampleStep)
    list.push_back(&cases()[i]);
  return list;
}

} // namespace

TEST(Corpus, RightProgramsAreRight) {
  if (compiler().empty())
    GTEST_SKIP() << "there is no nvcc on this machine";
  for (const Case *entry : chosen(0))
    for (unsigned seed : kSeeds) {
      Outcome outcome = runCase(*entry, compile(*entry, 0), seed);
      EXPECT_TRUE(isOneOf(kRight, outcome.verdict))
          << entry->source << ", " << entry->name << ", schedule " << seed << ": " << outcome.verdict << "\n"
          << outcome.report;
    }
}

TEST(Corpus, SeededBugsAreFound) {
  if (compiler().empty())
    GTEST_SKIP() << "there is no nvcc on this machine";
  unsigned found = 0, all = 0;
  for (const Case *entry : chosen(1))
    for (const Bug &bug : entry->bugs) {
      bool every = true;
      for (unsigned seed : kSeeds) {
        Outcome outcome = runCase(*entry, compile(*entry, bug.number), seed);
        bool killed = isOneOf(bug.faults, outcome.verdict);
        every &= killed;
        EXPECT_TRUE(killed) << entry->source << ", " << entry->name << ", bug " << bug.number << ", schedule " << seed
                            << ": " << outcome.verdict << " where one of '" << bug.faults << "' is due";
      }
      found += every;
      ++all;
      if (!longRun && onlyCase.empty())
        break;
    }
  std::printf("%u of %u seeded bugs found\n", found, all);
}

namespace {

/// The PTX with one synchronising instruction of the case's kernel left out, for each of them; and its line.
std::vector<std::pair<std::string, std::string>> withoutOne(const std::string &ptx, const std::string &kernel) {
  static const std::regex kSynchronises(R"(\s*(@!?%p\d+\s+)?(bar\.sync|barrier\.sync|bar\.warp\.sync|bar\.arrive|)"
                                        R"(barrier\.cluster|cp\.async\.wait|cp\.async\.commit|fence\.proxy|)"
                                        R"(cp\.async\.bulk\.(wait|commit)|wgmma\.(fence|wait|commit)).*)");
  std::vector<std::string> lines;
  std::stringstream stream(ptx);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  std::vector<std::pair<std::string, std::string>> all;
  bool inside = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find(".entry") != lines[i].npos)
      inside = lines[i].find(" " + kernel + "(") != lines[i].npos;
    if (!inside || !std::regex_match(lines[i], kSynchronises))
      continue;
    std::string text;
    for (size_t k = 0; k < lines.size(); ++k)
      text += (k == i ? "" : lines[k]) + "\n";
    all.emplace_back(std::to_string(i + 1) + ": " + lines[i], std::move(text));
  }
  return all;
}

} // namespace

/// No deletion goes unnoticed and makes the result wrong; where it stays right, Case::redundant says why. A note that
/// the whole program does not get counts as notice.
TEST(Corpus, DeletedSynchronisationIsFound) {
  if (compiler().empty())
    GTEST_SKIP() << "there is no nvcc on this machine";
  unsigned found = 0, all = 0;
  for (const Case *entry : chosen(2)) {
    unsigned survivors = 0;
    std::string whole = runCase(*entry, compile(*entry, 0), 0).verdict;
    auto isUnnoticed = [&](const std::string &verdict) {
      return verdict == whole || verdict == "right" || verdict == "note: equal unordered writes";
    };
    for (const auto &[line, ptx] : withoutOne(compile(*entry, 0), entry->name)) {
      std::string verdict = runCase(*entry, ptx, 0).verdict;
      if (isUnnoticed(verdict))
        verdict = runCase(*entry, ptx, kSeeds[2]).verdict;
      EXPECT_FALSE(verdict.starts_with("wrong")) << entry->source << ", " << entry->name << ", without " << line;
      bool survives = isUnnoticed(verdict);
      if (survives || !onlyCase.empty())
        std::printf("%s, %s: %s without %s\n", entry->source.c_str(), entry->name.c_str(), verdict.c_str(),
                    line.c_str());
      survivors += survives;
      found += !survives;
      ++all;
    }
    EXPECT_LE(survivors, entry->redundant.count) << entry->source << ", " << entry->name;
  }
  std::printf("%u of %u deletions found\n", found, all);
}

int main(int argc, char **argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    longRun |= std::strcmp(argv[i], "--long") == 0;
    if (std::strcmp(argv[i], "--case") == 0 && i + 1 < argc)
      onlyCase = argv[++i];
  }
  return RUN_ALL_TESTS();
}
