//===- AssembleTest.cpp - The assembler and its words ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading what ptxas prints; running a program in its place; and ptxas itself where the machine has one.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace imbrex;
namespace fs = std::filesystem;

namespace {

struct Assemblers : ::testing::Test {
  fs::path directory = fs::path(::testing::TempDir()) / ("imbrex-assemble-" + std::to_string(getpid()));
  Assemblers() { fs::create_directories(directory); }
  ~Assemblers() override { fs::remove_all(directory); }

  /// A program that tells a version and then runs `body` with the arguments of ptxas.
  std::string program(const std::string &body) const {
    fs::path path = directory / "ptxas";
    std::ofstream(path) << "#!/bin/sh\nif [ \"$1\" = --version ]; then echo release 1.2; exit 0; fi\n" << body << "\n";
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  }
  Assembler assembler(const std::string &body) const {
    return Assembler::ptxas(program(body), directory.string()).value();
  }
};

} // namespace

TEST(AssemblerLog, RegistersSharedSpillsAndRepairs) {
  AssembledKernel kernel;
  parseAssemblerLog("ptxas info    : 0 bytes gmem\n"
                    "ptxas info    : Compiling entry function 'k' for 'sm_90a'\n"
                    "    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n"
                    "ptxas info    : Used 168 registers, used 3 barriers, 2048 bytes smem, 400 bytes cmem[0]\n"
                    "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized\n"
                    "ptxas info    : (C1234) something else\n",
                    kernel);
  EXPECT_EQ(kernel.registers, 168u);
  EXPECT_EQ(kernel.sharedBytes, 2048u);
  EXPECT_EQ(kernel.spillStoreBytes, 12u);
  EXPECT_EQ(kernel.spillLoadBytes, 16u);
  ASSERT_EQ(kernel.repairs.size(), 1u);
  EXPECT_NE(kernel.repairs[0].find("C7510"), std::string::npos);
}

TEST_F(Assemblers, TheProgramGetsThePtxAndGivesTheCode) {
  // Arguments: -v -O3 -arch=X -o OUT IN.
  Assembler made = assembler("echo \"$3\" > $5; cat $6 >> $5; echo 'Used 7 registers'");
  AssembledKernel kernel = made.assemble("the ptx", "sm_90a").value();
  EXPECT_EQ(kernel.machineCode, "-arch=sm_90a\nthe ptx");
  EXPECT_EQ(kernel.registers, 7u);
  EXPECT_NE(made.identity().find("release 1.2"), std::string::npos);
  for (const fs::directory_entry &left : fs::directory_iterator(directory))
    EXPECT_EQ(left.path().filename(), "ptxas") << "left behind: " << left.path();
}

TEST_F(Assemblers, TheLevelIsPassedOnAndTellsTwoApart) {
  std::string path = program("echo \"$2\" > $5");
  Assembler lower = Assembler::ptxas(path, directory.string(), 1).value();
  EXPECT_EQ(lower.assemble("", "sm_80").value().machineCode, "-O1\n");
  EXPECT_NE(lower.identity(), Assembler::ptxas(path, directory.string()).value().identity());
  EXPECT_EQ(Assembler::ptxas(path, directory.string(), 4).error().kind, ErrorKind::Argument);
}

// The ceilings are tried from the highest down until nothing is spilled; the code is that of the best.
TEST_F(Assemblers, AFewSpilledBytesAreTriedWithFewerRegisters) {
  const std::string ptx = ".entry k()\n.reqntid 128\n.minnctapersm 1\n{ }\n";
  const std::string told = "echo x >> " + (directory / "asked").string() + "; grep -q minncta $6 && n=255 s=%ALL; " +
                           "grep -q maxnreg $6 && n=$(sed -n 's/.maxnreg //p' $6) s=%LESS; [ $n = 224 ] && s=%AT224; " +
                           "echo $n > $5; echo \"$s bytes spill stores, 4 bytes spill loads\"; echo Used $n registers";
  auto made = [&](std::string all, std::string at, const std::string &text, std::string less = "8") {
    std::string body = told;
    body.replace(body.find("%LESS"), 5, less);
    body.replace(body.find("%ALL"), 4, all);
    body.replace(body.find("%AT224"), 6, at);
    fs::remove(directory / "asked");
    AssembledKernel kernel = assembler(body).assemble(text, "sm_80").value();
    std::ifstream asked(directory / "asked");
    return std::pair(kernel, std::count(std::istreambuf_iterator<char>(asked), {}, 'x'));
  };
  auto [best, asked] = made("16", "0", ptx);
  EXPECT_EQ(best.machineCode, "224\n");
  EXPECT_EQ(best.registers, 224u);
  EXPECT_EQ(best.ceiling, 224u);
  EXPECT_EQ(best.spilledBytes(), 4u);
  EXPECT_EQ(asked, 5) << "still four bytes: all ceilings are tried";
  auto [worse, askedOfWorse] = made("2", "16", ptx);
  EXPECT_EQ(worse.machineCode, "255\n");
  EXPECT_EQ(worse.ceiling, 0u);
  EXPECT_EQ(askedOfWorse, 5);
  EXPECT_EQ(made("16", "0", ptx, "200").second, 2) << "fewer registers spill much more";
  EXPECT_EQ(made("300", "0", ptx).second, 1) << "much is a want of registers";
  EXPECT_EQ(made("16", "0", ptx + "setmaxnreg.inc.sync.aligned.u32 240;\n").second, 1);
  std::string own = ptx;
  own.replace(own.find(".minnctapersm 1"), 15, ".maxnreg 96");
  EXPECT_EQ(made("16", "0", own).second, 1) << "the PTX says itself how many";
}

TEST_F(Assemblers, NoMoreIsTriedThanIsNeeded) {
  Assembler made =
      assembler("echo x >> " + (directory / "asked").string() +
                "; grep -q 'maxnreg 112' $6 || echo '8 bytes spill stores'; echo 1 > $5; echo Used 128 registers");
  AssembledKernel kernel = made.assemble(".minnctapersm 1\n", "sm_80").value();
  EXPECT_EQ(kernel.ceiling, 112u) << "of 128 registers: 120, 112";
  EXPECT_EQ(kernel.spilledBytes(), 0u);
  std::ifstream asked(directory / "asked");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(asked), {}, 'x'), 3);
  Assembler silent = assembler("grep -q minncta $6 && echo '8 bytes spill stores'; echo 1 > $5");
  EXPECT_EQ(silent.assemble(".minnctapersm 1\n", "sm_80").value().ceiling, 0u) << "how many it had is not known";
}

TEST_F(Assemblers, ARefusalCarriesTheLog) {
  Result<AssembledKernel> refused = assembler("echo line 3: bad >&2; exit 255").assemble("", "sm_80");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Assemble);
  EXPECT_EQ(refused.error().report, "line 3: bad\n");
  EXPECT_FALSE(assembler("true").assemble("", "sm_80")) << "no machine code is an error too";
}

TEST_F(Assemblers, AMissingProgramIsAnError) {
  EXPECT_EQ(Assembler::ptxas("/nowhere/ptxas").error().message,
            "'/nowhere/ptxas' is not a program that can be run: give the path of ptxas");
  EXPECT_EQ(Assembler::findPtxas({"", "/nowhere"}), std::nullopt);
  program("");
  EXPECT_EQ(Assembler::findPtxas({"/nowhere", directory.string()}), (directory / "ptxas").string());
}

TEST(Assembler, IdentitiesDiffer) {
  EXPECT_NE(Assembler::none().identity(), Assembler::driver(13000).identity());
  EXPECT_NE(Assembler::driver(12080).identity(), Assembler::driver(13000).identity());
  EXPECT_EQ(Assembler::none().assemble("ptx", "sm_80").value().machineCode, "");
}

TEST(Assembler, TheRealOne) {
  std::optional<std::string> path = Assembler::findPtxas({"/usr/local/cuda/bin", "/usr/local/bin", "/usr/bin"});
  if (!path)
    GTEST_SKIP() << "no ptxas on this machine";
  Assembler ptxas = Assembler::ptxas(*path).value();
  AssembledKernel kernel =
      ptxas.assemble(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }\n", "sm_80").value();
  EXPECT_TRUE(kernel.machineCode.starts_with("\x7f"
                                             "ELF"));
  EXPECT_GT(kernel.registers, 0u);
  Result<AssembledKernel> refused = ptxas.assemble("nonsense", "sm_80");
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().report.empty());
}
