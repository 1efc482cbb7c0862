//===- OpcodesTest.cpp - The page of what is modelled ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opcodes.md is what the decoder's table says today, no opcode stands in two families, and what the ISA has and the
// device does not run is refused by a name that says why.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include "runtime/simulator/exec/Opcodes.h"

#include <fstream>
#include <set>

using namespace imbrex::simulator;
using namespace imbrex::simulator::testing;

TEST(Opcodes, PageIsCurrent) {
  std::ifstream file(IMBREX_SOURCE_DIR "/runtime/simulator/Opcodes.md");
  std::string committed{std::istreambuf_iterator<char>(file), {}}, page = opcodePage();
  EXPECT_TRUE(committed == page) << "write it anew: build/bin/imbrex opcodes > runtime/simulator/Opcodes.md";
  for (const char *behindOthers : {"`.mbarrier::complete_tx::bytes`", "`.multicast::cluster`", "`.m64n256k16`"})
    EXPECT_NE(page.find(behindOthers), page.npos) << behindOthers;
}

TEST(Opcodes, NoneTwice) {
  std::set<std::string_view> seen;
  for (const Family &family : opcodeFamilies())
    for (const Opcode &opcode : family.opcodes)
      EXPECT_TRUE(seen.insert(opcode.name).second) << opcode.name;
  for (const RefusedOpcodes &refused : refusedOpcodes())
    for (std::string_view opcode : refused.opcodes)
      EXPECT_TRUE(seen.insert(opcode).second) << opcode;
}

TEST(Opcodes, TexturesAndSurfacesAreRefusedByName) {
  const std::pair<const char *, const char *> kTexts[] = {
      {"tex.1d.v4.f32.s32 {%f1, %f2, %f3, %f4}, [%rd1, {%r1}];", "textures"},
      {"tld4.r.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [%rd1, {%f5, %f6}];", "textures"},
      {"txq.width.b32 %r1, [%rd1];", "textures"},
      {"suld.b.1d.v2.b32.trap {%r1, %r2}, [%rd1, {%r3}];", "surfaces"},
      {"sust.b.1d.b32.trap [%rd1, {%r1}], %r2;", "surfaces"},
      {"sured.b.add.1d.u32.trap [%rd1, {%r1}], %r2;", "surfaces"},
      {"suq.width.b32 %r1, [%rd1];", "surfaces"}};
  for (auto [text, reason] : kTexts) {
    Host host;
    EXPECT_EQ(host.load(kernelText(text)), nullptr);
    EXPECT_NE(host.log.find(reason), std::string::npos) << host.log;
    EXPECT_NE(host.log.find("PTX line"), std::string::npos) << host.log;
  }
}

/// A decoder looks at a modifier only where there is one.
TEST(Opcodes, CutShort) {
  for (const Family &family : opcodeFamilies())
    for (const Opcode &opcode : family.opcodes)
      for (const char *rest : {"", ".async", ".async.bulk", ".sync", ".sync.aligned"}) {
        Host host;
        std::string text = std::string(opcode.name) + rest + ";";
        if (!host.load(kernelText(text)))
          EXPECT_NE(host.log.find("PTX line"), std::string::npos) << text << ": " << host.log;
      }
}
