//===- Damage.cpp - Texts of stages, damaged ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words are runs of letters, digits and _ . # % @; all else is a word by itself.
//
//===----------------------------------------------------------------------===//

#include "Damage.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/TreeSource.h"
#include "gtest/gtest.h"
#include <cctype>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

using Words = std::vector<std::string>;

static CompileOptions options(CompileOptions::Settings set, CompileOptions::Hooks hooks = {}) {
  CompileOptions result;
  result.set = std::move(set);
  result.hooks = std::move(hooks);
  return result;
}

const std::vector<Sample> &imbrex::testing::samples() {
  static const std::vector<Sample> list = {
      {"kernels/lessons/vector_add.tile", options({{"T", "f64"}, {"BLOCK", "256"}})},
      {"kernels/lessons/matmul.tile",
       options({{"T", "f16"}, {"BM", "16"}, {"BN", "16"}, {"BK", "16"}, {"warps", "1"}})},
      {"kernels/lessons/matmul.tile",
       options({{"T", "f32"}, {"BM", "16"}, {"BN", "16"}, {"BK", "16"}, {"warps", "2"}})},
      {"kernels/lessons/softmax.tile", options({{"T", "f32"}, {"D", "24"}})},
      {"kernels/attention_forward.tile",
       options({{"T", "bf16"}, {"DQK", "16"}, {"DV", "8"}, {"G", "1"}, {"BM", "16"}, {"BN", "16"}, {"warps", "1"}},
               {{"mask", "window(9, 4)"}})},
      // Tiles that their layouts reach beyond.
      {"kernels/lessons/softmax.tile", options({{"T", "f16"}, {"D", "13"}, {"warps", "2"}})},
      {"kernels/attention_forward.tile",
       options({{"T", "f64"}, {"DQK", "5"}, {"DV", "3"}, {"G", "1"}, {"BM", "8"}, {"BN", "8"}, {"warps", "4"}},
               {{"mask", "causal"}})},
  };
  return list;
}

std::string imbrex::testing::textOf(const Sample &sample, Stage stage) {
  CompileResult result = compile(treeSource(inRoot(sample.path)), sample.options, stage);
  EXPECT_TRUE(result.kernel) << sample.path << "\n" << result.errors();
  return result.kernel ? result.kernel->code : "";
}

static Words wordsOf(const std::string &text) {
  Words words;
  auto joins = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string("_.#%@").find(c) != std::string::npos;
  };
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = begin + 1;
    while (joins(text[begin]) && end < text.size() && joins(text[end]))
      ++end;
    words.push_back(text.substr(begin, end - begin));
  }
  return words;
}

static const char *const kEdges[] = {"0",
                                     "1",
                                     "-1",
                                     "2",
                                     "3",
                                     "7",
                                     "64",
                                     "1024",
                                     "65537",
                                     "2147483647",
                                     "2147483648",
                                     "f32",
                                     "i64",
                                     "i1",
                                     "f64",
                                     "bf16",
                                     "4294967296",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "99999999999999999999",
                                     "index",
                                     "tensor",
                                     "f8E4M3FN",
                                     "i7",
                                     "true",
                                     "\"",
                                     "(",
                                     ")",
                                     "<",
                                     ">",
                                     "{",
                                     "}",
                                     "none",
                                     "vector",
                                     "?",
                                     "x"};

/// Words that stand in the same places: values, numbers and shapes, operations, other names.
static int kindOf(const std::string &word) {
  char first = word[0];
  if (std::isdigit(static_cast<unsigned char>(first)))
    return '0';
  if (std::isalpha(static_cast<unsigned char>(first)))
    return word.find('.') == std::string::npos ? 'a' : '.';
  return first;
}

static size_t pickWord(const Words &words, Random &random) {
  constexpr int kTries = 200;
  const std::string kinds = "0a.%";
  size_t at = size_t(random.below(int64_t(words.size())));
  for (int i = 0; i < kTries && kinds.find(char(kindOf(words[at]))) == std::string::npos; ++i)
    at = size_t(random.below(int64_t(words.size())));
  return at;
}

/// A word for the place of `word`: of a shape, one extent changes; else another word of its kind.
static std::string wordLike(const std::string &word, const Words &words, Random &random) {
  static const char *const extents[] = {"0", "1", "2", "3", "16", "24", "70000", "?"};
  size_t end = word.find('x');
  if (kindOf(word) == '0' && end != std::string::npos && word.find("0x") != 0) {
    size_t second = word.find('x', end + 1);
    bool first = second == std::string::npos || random.below(2);
    return first ? random.oneOf(extents) + word.substr(end)
                 : word.substr(0, end + 1) + random.oneOf(extents) + word.substr(second);
  }
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i)
    if (const std::string &other = random.oneOf(words); other != word && kindOf(other) == kindOf(word))
      return other;
  return word;
}

/// What the parser often lets through: another word of the same kind, in one place or wherever the word stands.
static void exchangeAlike(Words &words, Random &random) {
  size_t at = pickWord(words, random);
  std::string before = words[at], after = wordLike(before, words, random);
  if (random.below(2))
    std::replace(words.begin(), words.end(), before, after);
  else
    words[at] = after;
}

/// Drops what an attribute says, `name = value : type`, up to the next comma or bracket; or a layout.
static void dropAttribute(Words &words, Random &random) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i].starts_with("tile.") || words[i].starts_with("cta.") || words[i].starts_with("nvvm.") ||
        words[i].starts_with("#cta") || words[i] == "at" || words[i] == "alignment")
      starts.push_back(i);
  if (starts.empty())
    return;
  size_t begin = random.oneOf(starts), end = begin + 1;
  const std::string stops = words[begin].starts_with("#") ? ">" : ",}:";
  while (end < words.size() && stops.find(words[end][0]) == std::string::npos)
    ++end;
  if (words[begin].starts_with("#") && begin >= 2) // with the comma and the blank before, and the '>' after
    words.erase(words.begin() + long(begin - 2), words.begin() + long(std::min(end + 1, words.size())));
  else
    words.erase(words.begin() + long(begin), words.begin() + long(end + (end < words.size() && words[end] == ",")));
}

static void changeWord(Words &words, Random &random) {
  size_t at = size_t(random.below(int64_t(words.size()))), other = size_t(random.below(int64_t(words.size())));
  switch (random.below(5)) {
  case 0:
    words.erase(words.begin() + long(at));
    break;
  case 1:
    words.insert(words.begin() + long(at), words[at]);
    break;
  case 2:
    std::swap(words[at], words[other]);
    break;
  case 3:
    words[at] = words[other];
    break;
  default:
    words[at] = random.oneOf(kEdges);
  }
}

static void changeLine(Words &words, Random &random) {
  size_t at = size_t(random.below(int64_t(words.size())));
  auto begin = std::find(words.begin() + long(at), words.end(), "\n");
  if (begin == words.end())
    return;
  auto end = std::find(begin + 1, words.end(), "\n");
  if (random.below(2)) {
    words.erase(begin, end);
  } else {
    Words line(begin, end);
    words.insert(end, line.begin(), line.end());
  }
}

std::string imbrex::testing::damaged(const std::string &text, uint64_t seed) {
  Random random(seed);
  Words words = wordsOf(text);
  for (int64_t changes = 1 + random.below(3); changes > 0 && words.size() > 2; --changes) {
    int64_t how = random.below(10);
    if (how < 6)
      exchangeAlike(words, random);
    else if (how == 6)
      dropAttribute(words, random);
    else if (how == 7)
      changeLine(words, random);
    else
      changeWord(words, random);
  }
  std::string result;
  for (const std::string &word : words)
    result += word;
  if (random.below(20) == 0)
    result.resize(size_t(random.below(int64_t(result.size() + 1))));
  for (int64_t bytes = random.below(8) == 0 ? random.below(4) : 0; bytes > 0 && !result.empty(); --bytes)
    result[size_t(random.below(int64_t(result.size())))] = char(random.below(256));
  return result;
}
