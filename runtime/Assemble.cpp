//===- Assemble.cpp - From PTX to machine code ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Running ptxas in a private temporary directory, and reading what `-v` prints.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include "runtime/RegisterCeiling.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace imbrex;
using llvm::StringRef;

static constexpr unsigned kSecondsToAssemble = 600;

namespace {

/// A directory of mode 0700, removed with its files at the end.
struct TemporaryDirectory {
  std::string path; ///< empty if it could not be made

  explicit TemporaryDirectory(const std::string &parent) : path(parent + "/imbrex-XXXXXX") {
    if (!mkdtemp(path.data()))
      path.clear();
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
  std::string file(const char *name) const { return path + "/" + name; }
};

/// How a program ended and what it printed, both streams together.
struct Outcome {
  int status;
  std::string output;
  std::string reason; ///< why it could not be run at all
};

} // namespace

static std::string readAll(const std::string &path) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

static Outcome execute(const std::string &program, const std::vector<std::string> &arguments,
                       const TemporaryDirectory &directory) {
  std::vector<StringRef> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::string log = directory.file("log");
  StringRef logName = log, nothing = "";
  std::optional<StringRef> redirects[] = {nothing, logName, logName};
  Outcome outcome;
  outcome.status = llvm::sys::ExecuteAndWait(program, words, std::nullopt, redirects, kSecondsToAssemble,
                                             /*MemoryLimit=*/0, &outcome.reason);
  outcome.output = readAll(log);
  return outcome;
}

static Error assembleError(std::string message, const std::string &program, const Outcome &outcome) {
  Error error{ErrorKind::Assemble, std::move(message)};
  error.call = program;
  error.driverName = "status " + std::to_string(outcome.status);
  error.driverWords = outcome.reason;
  error.report = outcome.output;
  return error;
}

static Error temporaryError(const std::string &directory) {
  return Error{ErrorKind::File, "no temporary directory could be made in '" + directory + "'"};
}

std::optional<std::string> Assembler::findPtxas(const std::vector<std::string> &directories) {
  for (const std::string &directory : directories) {
    std::string path = directory + "/ptxas";
    if (!directory.empty() && llvm::sys::fs::can_execute(path))
      return path;
  }
  return std::nullopt;
}

Result<void> Assembler::checkLevel(unsigned level) {
  if (level > 3)
    return Error{ErrorKind::Argument, "ptxas has the optimisation levels 0 to 3, not " + std::to_string(level)};
  return {};
}

Result<Assembler> Assembler::ptxas(std::string path, std::string temporaryDirectory, unsigned level) {
  if (Result<void> good = checkLevel(level); !good)
    return good.takeError();
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status) || !llvm::sys::fs::can_execute(path))
    return Error{ErrorKind::Assemble, "'" + path + "' is not a program that can be run: give the path of ptxas"};
  TemporaryDirectory directory(temporaryDirectory);
  if (directory.path.empty())
    return temporaryError(temporaryDirectory);
  Outcome outcome = execute(path, {"--version"}, directory);
  if (outcome.status != 0)
    return assembleError("ptxas did not tell its version", path, outcome);
  Assembler assembler;
  // The version's text names the build; size and time tell apart two builds that claim the same one.
  assembler.id = "ptxas -O" + std::to_string(level) + " " + std::to_string(status.getSize()) + " " +
                 std::to_string(status.getLastModificationTime().time_since_epoch().count()) + " " + outcome.output;
  assembler.program = std::move(path);
  assembler.temporaryDirectory = std::move(temporaryDirectory);
  assembler.level = level;
  return assembler;
}

Assembler Assembler::driver(int driverVersion) {
  Assembler assembler;
  assembler.id = "driver " + std::to_string(driverVersion);
  return assembler;
}

Assembler Assembler::none() {
  Assembler assembler;
  assembler.id = "none";
  return assembler;
}

static bool writeFile(const std::string &path, const std::string &text) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code, llvm::sys::fs::CD_CreateNew);
  if (code)
    return false;
  stream << text;
  stream.close();
  bool ok = !stream.has_error();
  stream.clear_error();
  return ok;
}

Result<AssembledKernel> Assembler::assembleOnce(const std::string &ptx, std::string_view target, bool lineTable) const {
  TemporaryDirectory directory(temporaryDirectory);
  if (directory.path.empty() || !writeFile(directory.file("kernel.ptx"), ptx))
    return temporaryError(temporaryDirectory);
  std::string output = directory.file("kernel.cubin");
  std::vector<std::string> arguments = {"-v", "-O" + std::to_string(level), "-arch=" + std::string(target), "-o",
                                        output};
  if (lineTable)
    arguments.emplace_back("-lineinfo");
  arguments.push_back(directory.file("kernel.ptx"));
  Outcome outcome = execute(program, arguments, directory);
  if (outcome.status != 0)
    return assembleError("ptxas refused the PTX for " + std::string(target), program, outcome);
  AssembledKernel kernel;
  kernel.machineCode = readAll(output);
  if (kernel.machineCode.empty())
    return assembleError("ptxas wrote no machine code", program, outcome);
  kernel.log = outcome.output;
  parseAssemblerLog(outcome.output, kernel);
  return kernel;
}

Result<AssembledKernel> Assembler::assemble(const std::string &ptx, std::string_view target, bool lineTable) const {
  if (program.empty())
    return AssembledKernel();
  Result<AssembledKernel> best = assembleOnce(ptx, target, lineTable);
  if (!best)
    return best;
  CeilingSearch search(ptx, best->registers, best->spilledBytes());
  while (std::optional<std::string> text = search.next())
    if (Result<AssembledKernel> made = assembleOnce(*text, target, lineTable); !made)
      break; // what is there already works
    else if (search.spills(made->spilledBytes())) {
      best = std::move(made);
      best->ceiling = search.ceiling();
    }
  return best;
}

/// The number before `words` in `line`: 16 for " bytes smem" in "Used 8 registers, 16 bytes smem".
static unsigned numberBefore(StringRef line, StringRef words) {
  StringRef before = line.substr(0, line.find(words));
  if (before.size() == line.size())
    return 0;
  unsigned value = 0;
  StringRef digits = before.take_back(before.size() - before.find_last_not_of("0123456789") - 1);
  return digits.getAsInteger(10, value) ? 0 : value;
}

void imbrex::parseAssemblerLog(std::string_view log, AssembledKernel &kernel) {
  for (StringRef line : llvm::split(StringRef(log), '\n')) {
    kernel.registers = std::max(kernel.registers, numberBefore(line, " registers"));
    kernel.sharedBytes = std::max(kernel.sharedBytes, numberBefore(line, " bytes smem"));
    kernel.spillStoreBytes = std::max(kernel.spillStoreBytes, numberBefore(line, " bytes spill stores"));
    kernel.spillLoadBytes = std::max(kernel.spillLoadBytes, numberBefore(line, " bytes spill loads"));
    if (size_t at = line.find("(C75"); at != StringRef::npos && line.substr(at).size() >= 7 && line[at + 6] == ')')
      kernel.repairs.push_back(line.trim().str());
  }
}
