//===- CommandLine.h - The flags of imbrex -------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the user asked for on the command line, in one struct, and small things every sub-command needs.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_COMMANDLINE_H
#define IMBREX_TOOLS_IMBREX_COMMANDLINE_H

#include "compiler/CompileOptions.h"
#include "compiler/Compiler.h"
#include "runtime/Tune.h"
#include "runtime/simulator/SimulatedDriver.h"
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::tool {

/// Exit codes that users and scripts rely on.
enum ExitCode { kSuccess = 0, kUserError = 1, kWrongFlags = 2, kLaunchFailed = 3, kCompilerFailed = 4 };

/// NAME=VALUE as given.
struct NameValue {
  std::string name, value;
};

struct Request {
  std::string command; ///< build, run, attention, tune, pack, header, simulate, explain, score, devices, stages, ...
  std::string file;    ///< kernel source; for cache and attention: what to do
  std::optional<Source> shipped;      ///< in place of `file`: a kernel inside the library
  std::vector<std::string> moreFiles; ///< of format and sample
  CompileOptions options;
  bool targetGiven = false;
  std::optional<Stage> until, from;
  std::string output, dumpDirectory, device, cacheDirectory, ptxas, nvdisasm;
  std::vector<NameValue> arguments, outputs;
  std::map<std::string, int64_t, std::less<>> extents;         ///< of --extent
  std::array<unsigned, 3> grid = {1, 1, 1}, block = {0, 1, 1}; ///< block[0] is 0 until it is given
  std::array<unsigned, 3> cluster = {0, 1, 1};                 ///< cluster[0] is 0 where the kernel's own counts
  bool cooperative = false;
  unsigned sharedBytes = 0, schedules = 1, parts = 0, seed = 1;
  simulator::RaceLevel races = simulator::RaceLevel::Streams;
  std::optional<simulator::TraceTarget> trace;
  uint64_t maxInstructions = 0; ///< of `simulate`; 0: the default
  TuneOptions tune;                            ///< but for progress
  std::string picture, exportPack, importPack; ///< files of `tune`
  std::string html, tuning;                    ///< files of `explain`
  std::vector<std::string> against;            ///< words of --against (tools/imbrex/Against.h)
  std::vector<std::string> targets, packs;     ///< of `pack`, every --target; files of --pack
  bool noCompile = false, assembles = false;
  bool locations = false; ///< texts of MLIR tell where operations came from
  bool eachPass = false, timings = false, check = false, json = false, help = false, version = false, inProcess = false;
};

/// Reads the command line. On a mistake prints it with a hint to stderr and returns nullopt (exit 2).
std::optional<Request> parseCommandLine(int count, const char *const *words);
void printHelp();

/// Reads a kernel source; prints, or says, why not on failure.
std::optional<Source> readSource(const std::string &path);
std::optional<Source> readSource(const std::string &path, std::string &whyNot);
/// `request` with the conditions on extents that hold by its --extent and --set (CompileOptions::holds). nullopt after
/// printing, or saying, which --extent no kernel of the source has.
std::optional<Request> withExtents(const Request &request, const Source &source);
std::optional<Request> withExtents(const Request &request, const Source &source, std::string &whyNot);
/// Writes text to a file, or to stdout for "" and "-". False after printing why not.
bool writeText(const std::string &path, std::string_view text);
/// The directories of $PATH.
std::vector<std::string> pathDirectories();
/// --ptxas, else the first on $PATH; nullopt if there is none.
std::optional<std::string> ptxasOf(const Request &request);
/// --nvdisasm, else the first on $PATH; nullopt if there is none.
std::optional<std::string> nvdisasmOf(const Request &request);
/// --cache-dir, else $XDG_CACHE_HOME/imbrex, else ~/.cache/imbrex; "" for --cache-dir=none or without a home.
std::string cacheDirectoryOf(const Request &request);

int build(const Request &request);
int run(const Request &request);
int attention(const Request &request);
int attentionAppend(const Request &request);   ///< of attention
int attentionBackward(const Request &request); ///< of attention
int tune(const Request &request);
int tuneInChildren(const Request &request, int count, const char *const *words);
int pack(const Request &request);
int header(const Request &request);
int simulate(const Request &request);
int explain(const Request &request);
int drawLayouts(const Request &request);
int drawMask(const Request &request);
int sample(const Request &request);
int score(const Request &request);
int formatFiles(const Request &request);
int devices(const Request &request);
int stages(const Request &request);
int opcodes(const Request &request);
int cache(const Request &request);
int printGrammar(const Request &request);
int serveEditor(const Request &request);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_COMMANDLINE_H
