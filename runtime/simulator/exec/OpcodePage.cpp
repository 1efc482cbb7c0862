//===- OpcodePage.cpp - Opcodes.md from the decoder's table ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decoder asks for modifiers one by one. It is run on instructions with ever more of the words that it has asked for,
// until it asks for no new one: those are the modifiers it knows.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/KernelDecoder.h"
#include "runtime/simulator/exec/Opcodes.h"

#include <algorithm>
#include <deque>
#include <set>

namespace imbrex::simulator {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kOperands = 8; ///< Of the instructions that are tried: as many as any has.
constexpr size_t kMostTypes = 2;    ///< A decoder asks no new word behind its third type.
constexpr size_t kMostTries = 1000; ///< For one opcode.
constexpr size_t kLastAsked = 2;    ///< Words asked just before a decoder gave up: one of them was missing.

/// What a decoder asks for when it sees `modifiers`.
AskedWords askedFor(const Opcode &opcode, const Words &modifiers) {
  AskedWords asked;
  ptx::Module module;
  module.version = 90;
  ptx::Kernel kernel;
  Program program;
  KernelDecoder decoder(module, kernel, program);
  decoder.asked = &asked;
  ptx::Instruction source;
  source.opcode = opcode.name;
  source.modifiers = modifiers;
  source.operands.resize(kOperands);
  Instruction out;
  Decoder one(decoder, source, out);
  opcode.decode(one);
  return asked;
}

/// Instructions to try, each set of modifiers once: those with a word nobody had asked for come first.
class Search {
public:
  explicit Search(const Opcode &opcode) : opcode(opcode) { add({}, false); }

  std::set<std::string> run() {
    for (size_t tries = 0; tries < kMostTries && !work.empty(); ++tries) {
      Words modifiers = std::move(work.front());
      work.pop_front();
      AskedWords asked = askedFor(opcode, modifiers);
      for (size_t i = 0; i < asked.modifiers.size(); ++i)
        if (bool isNew = known.insert(asked.modifiers[i]).second; isNew || i + kLastAsked >= asked.modifiers.size())
          addWith(modifiers, asked.modifiers[i], isNew);
      types.insert(asked.types.begin(), asked.types.end());
      auto isType = [&](const std::string &word) { return types.count(word) != 0; };
      for (const std::string &type : asked.types)
        if (std::ranges::count_if(modifiers, isType) < static_cast<long>(kMostTypes))
          addWith(modifiers, type, false);
    }
    return known;
  }

private:
  void addWith(Words modifiers, const std::string &word, bool first) {
    modifiers.push_back(word);
    add(std::move(modifiers), first);
  }
  void add(Words modifiers, bool first) {
    if (tried.insert(std::multiset<std::string>(modifiers.begin(), modifiers.end())).second)
      first ? work.push_front(std::move(modifiers)) : work.push_back(std::move(modifiers));
  }

  const Opcode &opcode;
  std::deque<Words> work;
  std::set<std::multiset<std::string>> tried;
  std::set<std::string> known, types;
};

std::string row(const Opcode &opcode) {
  std::string text = "| `" + std::string(opcode.name) + "` |";
  for (const std::string &word : Search(opcode).run())
    text += " `." + word + "`";
  return text + " |\n";
}

} // namespace

std::string opcodePage() {
  std::string page =
      "# What is modelled, opcode by opcode\n\n"
      "Written by `imbrex opcodes` from the decoder's own table; a test compares. Beside each opcode stand the\n"
      "modifiers that its decoder takes, together or in some combination; types are left out. Anything else is\n"
      "refused by name when a kernel that contains it is asked for. What is meant is in `README.md`.\n";
  for (const Family &family : opcodeFamilies()) {
    page += "\n## " + std::string(family.title) + "\n\n| opcode | modifiers |\n|---|---|\n";
    std::vector<Opcode> sorted(family.opcodes.begin(), family.opcodes.end());
    std::ranges::sort(sorted, {}, &Opcode::name);
    for (const Opcode &opcode : sorted)
      page += row(opcode);
  }
  page += "\n## Special registers\n\n";
  for (std::string_view name : specialRegisterNames())
    page += "`" + std::string(name) + "` ";
  page.back() = '\n';
  page += "\n## Refused\n\n| opcodes | why |\n|---|---|\n";
  for (const RefusedOpcodes &refused : refusedOpcodes()) {
    page += "|";
    for (std::string_view opcode : refused.opcodes)
      page += " `" + std::string(opcode) + "`";
    page += " | " + std::string(refused.reason) + " |\n";
  }
  return page;
}

} // namespace imbrex::simulator
