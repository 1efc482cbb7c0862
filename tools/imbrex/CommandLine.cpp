//===- CommandLine.cpp - The flags of imbrex ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table of flags says for each which sub-commands take it; LLVM's option library does not fit, since
// the LLVM library adds hundreds of options of its own to every program.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CommandLine.h"
#include "compiler/Number.h"
#include "kernels/ShippedKernels.h"
#include "runtime/Assemble.h"
#include "runtime/ImportFiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

struct Flag {
  StringRef name, value, commands, help;
  bool (*apply)(Request &, StringRef value, std::string &error);
};

} // namespace

static bool splitNameValue(StringRef text, NameValue &result, std::string &error) {
  auto [name, value] = text.split('=');
  result = {name.str(), value.str()};
  if (!name.empty() && text.contains('='))
    return true;
  error = "expected NAME=VALUE, found '" + text.str() + "'";
  return false;
}

template <typename Value>
static bool addSetting(std::map<std::string, Value, std::less<>> &settings, StringRef text, std::string &error) {
  NameValue pair;
  if (!splitNameValue(text, pair, error))
    return false;
  settings[pair.name] = pair.value;
  return true;
}

static bool addStorage(CompileOptions::Storages &storages, StringRef text, std::string &error) {
  NameValue pair;
  if (!splitNameValue(text, pair, error))
    return false;
  std::optional<Storage> storage = Storage::parse(pair.value);
  if (storage)
    storages[pair.name] = *storage;
  else
    error = "expected padded, ragged, paged:ROWS (rows of a page, at least 1) or scaled(STORAGE,TYPE), found '" +
            pair.value + "'";
  return storage.has_value();
}

static bool addPair(std::vector<NameValue> &list, StringRef text, std::string &error) {
  NameValue pair;
  if (!splitNameValue(text, pair, error))
    return false;
  list.push_back(pair);
  return true;
}

static bool addExtent(std::map<std::string, int64_t, std::less<>> &extents, StringRef text, std::string &error) {
  NameValue pair;
  if (!splitNameValue(text, pair, error))
    return false;
  std::optional<int64_t> value = readInteger(pair.value);
  if (!value)
    error = "expected an integer after '" + pair.name + "=', found '" + pair.value + "'";
  return value && (extents[pair.name] = *value, true);
}

static bool setStage(std::optional<Stage> &stage, StringRef text, std::string &error) {
  stage = parseStage(text);
  if (stage)
    return true;
  error = "unknown stage '" + text.str() + "'; see 'imbrex stages'";
  return false;
}

/// "4", "4,2" or "4,2,1".
static bool setExtents(std::array<unsigned, 3> &extents, StringRef text, std::string &error) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  extents = {1, 1, 1};
  bool good = parts.size() <= 3;
  for (size_t i = 0; good && i < parts.size(); ++i)
    good = !parts[i].getAsInteger(10, extents[i]) && extents[i] != 0;
  if (!good)
    error = "expected one to three numbers from 1 to 4294967295 such as 4,2,1, found '" + text.str() + "'";
  return good;
}

template <class T> static bool setNumber(T &number, unsigned least, StringRef text, std::string &error) {
  if (!text.getAsInteger(0, number) && number >= least)
    return true;
  error = "expected a number of at least " + std::to_string(least) + ", found '" + text.str() + "'";
  return false;
}

/// Seconds, with a fraction if need be.
static bool setBudget(std::chrono::milliseconds &budget, StringRef text, std::string &error) {
  constexpr double kMost = 1e6;
  std::optional<double> seconds = readReal(text);
  if (!seconds || !(*seconds > 0 && *seconds <= kMost))
    error = "expected a number of seconds above 0 and at most 1000000, found '" + text.str() + "'";
  else
    budget = std::chrono::milliseconds(int64_t(*seconds * 1000));
  return error.empty();
}

static bool setRaces(simulator::RaceLevel &level, StringRef text, std::string &error) {
  static constexpr std::pair<StringRef, simulator::RaceLevel> kLevels[] = {{"shared", simulator::RaceLevel::Shared},
                                                                           {"block", simulator::RaceLevel::Block},
                                                                           {"launch", simulator::RaceLevel::Launch},
                                                                           {"all", simulator::RaceLevel::Streams}};
  for (auto [name, value] : kLevels)
    if (name == text)
      return level = value, true;
  error = "unknown level '" + text.str() + "': shared, block, launch or all";
  return false;
}

/// "2" (of block 0) or "BLOCK:WARP".
static bool setTrace(std::optional<simulator::TraceTarget> &target, StringRef text, std::string &error) {
  auto [block, warp] = text.contains(':') ? text.split(':') : std::pair(StringRef("0"), text);
  target.emplace();
  if (!block.getAsInteger(10, target->block) && !warp.getAsInteger(10, target->warp))
    return true;
  error = "expected a warp's number, or BLOCK:WARP, found '" + text.str() + "'";
  return false;
}

static const Flag kCompilerFlags[] = {
    {"kernel", "NAME", "build run tune pack simulate explain layout mask", "which kernel of the file",
     [](Request &r, StringRef v, std::string &) { return r.options.kernel = v.str(), true; }},
    {"set", "NAME=VALUE", "build run attention tune pack explain layout mask", "a type, integer or tuning parameter",
     [](Request &r, StringRef v, std::string &e) { return addSetting(r.options.set, v, e); }},
    {"hook", "NAME=FUNCTION", "build run attention tune pack explain layout mask",
     "replace a hook: mask=causal, 'mask=window(64, 0)'",
     [](Request &r, StringRef v, std::string &e) { return addSetting(r.options.hooks, v, e); }},
    {"storage", "VIEW=STORAGE", "build explain layout",
     "store a varying view as padded, ragged, paged:ROWS or scaled(paged:ROWS,f8e4m3)",
     [](Request &r, StringRef v, std::string &e) { return addStorage(r.options.storage, v, e); }},
    {"with", "NAME", "build explain layout", "with this optional view; the others are left out",
     [](Request &r, StringRef v, std::string &) { return r.options.given.insert(v.str()), true; }},
    {"extent", "NAME=N", "build explain layout mask",
     "an extent as of a launch: it chooses among the cases of the kernel's tune",
     [](Request &r, StringRef v, std::string &e) { return addExtent(r.extents, v, e); }},
    {"without", "PASS", "build explain layout", "leave an optional pass out, such as tile-split-masks",
     [](Request &r, StringRef v, std::string &) { return r.options.without.insert(v.str()), true; }},
    {"deterministic", "", "build run attention pack explain",
     "refuse what gives other bits from run to run: atomic sums of floats",
     [](Request &r, StringRef, std::string &) { return r.options.deterministic = true; }},
    {"target", "SM", "build run attention tune pack explain layout",
     "architecture, such as sm_80; of pack as often as there are some",
     [](Request &r, StringRef v, std::string &) {
       r.targets.push_back(v.str());
       return r.options.target = v.str(), r.targetGiven = true;
     }},
    {"until", "STAGE", "build", "stop after this stage (default: ptx)",
     [](Request &r, StringRef v, std::string &e) { return setStage(r.until, v, e); }},
    {"from", "STAGE", "build", "the file holds the text of this stage",
     [](Request &r, StringRef v, std::string &e) { return setStage(r.from, v, e); }},
    {"o", "FILE", "build header pack", "where to write (default: the terminal; pack needs it)",
     [](Request &r, StringRef v, std::string &) { return r.output = v.str(), true; }},
    {"dump", "DIR", "build", "write the text of every stage into this folder",
     [](Request &r, StringRef v, std::string &) { return r.dumpDirectory = v.str(), true; }},
    {"locations", "", "build", "texts of stages say where each operation came from: --from goes on with their .loc",
     [](Request &r, StringRef, std::string &) { return r.locations = true; }},
    {"each-pass", "", "build", "with --dump: write the text after every pass too, numbered",
     [](Request &r, StringRef, std::string &) { return r.eachPass = true; }},
    {"timings", "", "build run attention", "print the times of the stages and passes (build) or of the launch (run)",
     [](Request &r, StringRef, std::string &) { return r.timings = true; }},
};

static const Flag kOtherFlags[] = {
    {"arg", "NAME=VALUE|FILE.npy|SHAPE", "run attention tune pack simulate",
     "a scalar, an array from a file, or random numbers of a shape (run and tune: 2x64x8); padded(X,LENGTHS), "
     "ragged(X,OFFSETS), paged(POOL,TABLE,LENGTHS) of files, and scaled(X,SCALES) of these (run and tune)",
     [](Request &r, StringRef v, std::string &e) { return addPair(r.arguments, v, e); }},
    {"out", "NAME=FILE.npy|SHAPE", "run attention tune pack simulate",
     "an output: written to a file, given by its shape (2x64x8), or both (2x64x8:FILE.npy); with its type before the "
     "shape for simulate (f32:2x64:FILE.npy)",
     [](Request &r, StringRef v, std::string &e) { return addPair(r.outputs, v, e); }},
    {"parts", "N", "attention", "that share the keys of a sequence in `attention decode` (default: planned)",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.parts, 1, v, e); }},
    {"grid", "X,Y,Z", "simulate", "blocks of the launch (default: 1)",
     [](Request &r, StringRef v, std::string &e) { return setExtents(r.grid, v, e); }},
    {"block", "X,Y,Z", "simulate", "threads of a block",
     [](Request &r, StringRef v, std::string &e) { return setExtents(r.block, v, e); }},
    {"cluster", "X,Y,Z", "simulate", "blocks of a cluster (default: as the kernel says)",
     [](Request &r, StringRef v, std::string &e) { return setExtents(r.cluster, v, e); }},
    {"cooperative", "", "simulate", "all blocks run together and may wait for each other",
     [](Request &r, StringRef, std::string &) { return r.cooperative = true; }},
    {"shared", "BYTES", "simulate", "dynamic shared memory of a block",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.sharedBytes, 0, v, e); }},
    {"schedules", "N", "simulate", "run N times, the warps in another random order each time",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.schedules, 1, v, e); }},
    {"max-instructions", "N", "simulate", "warp-instructions that a launch may run (default: 2^31, some minutes)",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.maxInstructions, 1, v, e); }},
    {"races", "LEVEL", "simulate", "races in shared memory, or also on global memory in a block, a launch, all",
     [](Request &r, StringRef v, std::string &e) { return setRaces(r.races, v, e); }},
    {"trace", "WARP", "simulate", "print the instructions of one warp (of block 0, or BLOCK:WARP)",
     [](Request &r, StringRef v, std::string &e) { return setTrace(r.trace, v, e); }},
    {"device", "DEVICE", "run attention tune simulate explain",
     "sim, sim:NAME or cuda:N (default: the first GPU, else a simulated one); of explain for the occupancy",
     [](Request &r, StringRef v, std::string &) { return r.device = v.str(), true; }},
    {"check", "", "run attention format",
     "compare the results with the reference interpreter; format: say what would change",
     [](Request &r, StringRef, std::string &) { return r.check = true; }},
    {"pack", "FILE", "run tune", "compiled kernels of `imbrex pack`, read before the cache",
     [](Request &r, StringRef v, std::string &) { return r.packs.push_back(v.str()), true; }},
    {"no-compile", "", "run", "what is in no pack and no cache is an error",
     [](Request &r, StringRef, std::string &) { return r.noCompile = true; }},
    {"cache-dir", "DIR", "run attention tune pack cache",
     "the disk cache; 'none' to go without; of pack what is packed as well",
     [](Request &r, StringRef v, std::string &) { return r.cacheDirectory = v.str(), true; }},
    {"ptxas", "FILE", "build run attention tune pack explain", "the assembler (default: the first on PATH)",
     [](Request &r, StringRef v, std::string &) { return r.ptxas = v.str(), true; }},
    {"seed", "N", "sample", "other numbers (default: 1)",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.seed, 0, v, e); }},
    {"html", "FILE", "explain", "write one page that shows every stage side by side, linked line by line",
     [](Request &r, StringRef v, std::string &) { return r.html = v.str(), true; }},
    {"against", "OTHER", "explain",
     "what differs from the kernel with NAME=VALUE (a setting, a hook, target=SM, without=PASS), from another text "
     "(FILE.tile), or from what an earlier version made (FILE.html of --html)",
     [](Request &r, StringRef v, std::string &) { return r.against.push_back(v.str()), true; }},
    {"tuning", "FILE", "explain", "with --html: show what `tune --json` printed into this file",
     [](Request &r, StringRef v, std::string &) { return r.tuning = v.str(), true; }},
    {"nvdisasm", "FILE", "explain score", "the disassembler (default: the first on PATH)",
     [](Request &r, StringRef v, std::string &) { return r.nvdisasm = v.str(), true; }},
};

static const Flag kTuneFlags[] = {
    {"budget", "SECONDS", "tune", "how long to search (default: 15)",
     [](Request &r, StringRef v, std::string &e) { return setBudget(r.tune.budget, v, e); }},
    {"rounding", "", "tune", "also vary parameters that may change the last bits of results",
     [](Request &r, StringRef, std::string &) { return r.tune.rounding = true; }},
    {"deterministic", "", "tune", "refuse what does not give the very bits of the untuned kernel",
     [](Request &r, StringRef, std::string &) { return r.tune.deterministic = true; }},
    {"again", "", "tune", "do not take what was found before",
     [](Request &r, StringRef, std::string &) { return r.tune.again = true; }},
    {"threads", "N", "tune", "that compile (default: one a core)",
     [](Request &r, StringRef v, std::string &e) { return setNumber(r.tune.threads, 1, v, e); }},
    {"picture", "FILE.svg", "tune layout mask", "draw it into a file: the candidates by time, layouts, a mask",
     [](Request &r, StringRef v, std::string &) { return r.picture = v.str(), true; }},
    {"export", "FILE", "tune", "write all results of the cache to one file",
     [](Request &r, StringRef v, std::string &) { return r.exportPack = v.str(), true; }},
    {"import", "FILE", "tune", "take the results of such a file",
     [](Request &r, StringRef v, std::string &) { return r.importPack = v.str(), true; }},
    {"json", "", "build tune explain mask score devices stages cache", "print JSON",
     [](Request &r, StringRef, std::string &) { return r.json = true; }},
    {"in-process", "", "build run attention tune explain layout mask",
     "do not run in a child, which is how failures of the compiler are caught",
     [](Request &r, StringRef, std::string &) { return r.inProcess = true; }},
    {"version", "", "", "print the version", [](Request &r, StringRef, std::string &) { return r.version = true; }},
    {"help", "", "", "print this", [](Request &r, StringRef, std::string &) { return r.help = true; }},
};

static constexpr std::pair<StringRef, StringRef> kCommands[] = {
    {"build", "compile a kernel: imbrex build FILE [flags]"},
    {"run", "compile and launch a kernel on arrays: imbrex run FILE [flags]"},
    {"attention", "attention on arrays: imbrex attention forward | backward | decode | append [flags]"},
    {"tune", "find the fastest tuning of a kernel: imbrex tune FILE --arg X=4096x128 ... [flags]"},
    {"pack", "compile for later, one file: imbrex pack FILE --arg X=4096x128 ... --target sm_90 -o FILE.pack"},
    {"header", "a C++ header of a text's kernels: imbrex header FILE [-o FILE.h]"},
    {"simulate", "run any PTX on arrays with every check: imbrex simulate FILE.ptx --block N [flags]"},
    {"sample", "arrays to try kernels on: imbrex sample q.npy=2x100x4x64 lengths.npy=2:i32 ... [--seed N]"},
    {"explain", "what the compiler made of a kernel: imbrex explain FILE [flags]"},
    {"layout", "pictures of who holds what, in registers and in shared memory: imbrex layout FILE [flags]"},
    {"mask", "a picture of what a mask shows: imbrex mask FILE --hook mask=causal --extent Sq=300 --extent Sk=500"},
    {"score", "static figures of any PTX or cubin: imbrex score FILE [flags]"},
    {"format", "lay texts out as all are: imbrex format FILE... [--check]; '-' goes from input to output"},
    {"devices", "GPUs of this machine and devices that can be simulated"},
    {"stages", "the stages of a compilation"},
    {"opcodes", "the PTX that the simulated device runs, as a page"},
    {"grammar", "a TextMate grammar of the language, for editors"},
    {"lsp", "a language server on standard input and output, for editors"},
    {"cache", "the disk cache: imbrex cache [stat | verify | clear]"},
};

void tool::printHelp() {
  llvm::outs() << "imbrex: a JIT compiler for attention kernels\n\nusage: imbrex COMMAND [FILE] [flags]\n\n";
  for (auto [name, help] : kCommands)
    llvm::outs() << "  " << llvm::formatv("{0,-11}", name) << help << "\n";
  llvm::outs() << "\nflags:\n";
  for (const Flag &flag : llvm::concat<const Flag>(kCompilerFlags, kOtherFlags, kTuneFlags)) {
    std::string spelling = (flag.name.size() == 1 ? "-" : "--") + flag.name.str();
    spelling += flag.value.empty() ? "" : " " + flag.value.str();
    llvm::outs() << "  " << llvm::formatv("{0,-28}", spelling + " ") << flag.help;
    if (!flag.commands.empty())
      llvm::outs() << "  (" << flag.commands << ")";
    llvm::outs() << "\n";
  }
  llvm::outs() << "\nexit: 0 success, 1 a user's error, 2 wrong flags, 3 a launch failed, the simulated device found "
                  "a fault, or --check a difference, 4 the compiler itself failed (a file that repeats it is left)\n";
}

/// Applies the flag at words[at]; moves `at` past its value.
static bool parseFlag(Request &request, int count, const char *const *words, int &at, std::string &error) {
  StringRef word = words[at];
  auto [name, inlineValue] = word.ltrim('-').split('=');
  bool hasInline = word.contains('=') && word.starts_with("--");
  for (const Flag &flag : llvm::concat<const Flag>(kCompilerFlags, kOtherFlags, kTuneFlags)) {
    if (flag.name != (hasInline ? name : word.ltrim('-')))
      continue;
    llvm::SmallVector<StringRef> commands;
    flag.commands.split(commands, ' ');
    if (!flag.commands.empty() && !llvm::is_contained(commands, request.command)) {
      error = "'" + word.str() + "' is not a flag of '" + request.command + "'";
      return false;
    }
    StringRef value = inlineValue;
    if (!flag.value.empty() && !hasInline) {
      if (at + 1 >= count) {
        error = "'" + word.str() + "' needs a value: " + flag.value.str();
        return false;
      }
      value = words[++at];
    }
    return flag.apply(request, value, error);
  }
  error = "unknown flag '" + word.str() + "'";
  return false;
}

std::optional<Request> tool::parseCommandLine(int count, const char *const *words) {
  Request request;
  std::string error;
  int at = 1;
  if (count > 1 && words[1][0] != '-')
    request.command = words[at++];
  bool known = llvm::any_of(kCommands, [&](auto &entry) { return entry.first == request.command; });
  if (!request.command.empty() && !known)
    error = "unknown command '" + request.command + "'";
  for (; at < count && error.empty(); ++at) {
    StringRef word = words[at];
    if (word.size() > 1 && word.starts_with("-")) {
      if (word == "-h")
        request.help = true;
      else
        parseFlag(request, count, words, at, error);
    } else if (request.file.empty() && !request.command.empty()) {
      request.file = word.str();
    } else if (request.command == "format" || request.command == "sample") {
      request.moreFiles.push_back(word.str());
    } else {
      error = "unexpected '" + word.str() + "'";
    }
  }
  bool needsFile = llvm::is_contained(
      {"build", "run", "tune", "header", "simulate", "explain", "layout", "mask", "score", "format", "sample"},
      StringRef(request.command));
  if (error.empty() && !request.help && !request.version) {
    if (request.command.empty())
      error = "no command";
    else if (needsFile && request.file.empty() && request.exportPack.empty() && request.importPack.empty())
      error =
          "'" + request.command + (request.command == "sample" ? "' needs FILE.npy=SHAPE" : "' needs a kernel file");
    else if (request.command == "attention" &&
             !llvm::is_contained({"forward", "backward", "decode", "append"}, request.file))
      error = "'attention' does forward, backward, decode or append, found '" + request.file + "'";
    else if (request.command == "simulate" && request.block[0] == 0)
      error = "'simulate' needs --block, the threads of a block";
  }
  if (error.empty())
    return request;
  llvm::errs() << "imbrex: " << error << "; see 'imbrex --help'\n";
  return std::nullopt;
}

std::optional<Source> tool::readSource(const std::string &path, std::string &whyNot) {
  if (llvm::sys::fs::is_directory(path)) {
    whyNot = "it is a directory";
    return std::nullopt;
  }
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (buffer)
    return withImports({path, (*buffer)->getBuffer().str()}, importsBeside(shippedImport));
  whyNot = buffer.getError().message();
  return std::nullopt;
}

std::optional<Source> tool::readSource(const std::string &path) {
  std::string whyNot;
  std::optional<Source> source = readSource(path, whyNot);
  if (!source)
    llvm::errs() << path << ": error: " << whyNot << "\n";
  return source;
}

/// What is wrong with an --extent: it is of no kernel, or no length; "" if nothing is.
static std::string wrongExtent(const Request &request, const std::vector<KernelSignature> &kernels) {
  std::set<std::string> known, lengths;
  for (const KernelSignature &kernel : kernels) {
    known.insert(kernel.integerParameters.begin(), kernel.integerParameters.end());
    for (const KernelSignature::Tunable &tunable : kernel.tunables)
      known.insert(tunable.name);
    for (const Parameter &parameter : kernel.parameters) {
      if (!parameter.isView)
        known.insert(parameter.name);
      for (const Expression &extent : parameter.extents)
        for (std::string &name : extent.unknowns({}))
          lengths.insert(std::move(name));
    }
  }
  for (const auto &[name, value] : request.extents)
    if (!known.count(name) && lengths.count(name) && value < 0)
      return "the extent '" + name + "' is " + std::to_string(value) + ": 0 or more";
  known.merge(lengths);
  for (const auto &[name, value] : request.extents)
    if (!known.count(name) && !kernels.empty())
      return "no extent or integer '" + name + "'; there are " + llvm::join(known, ", ");
  return "";
}

std::optional<Request> tool::withExtents(const Request &request, const Source &source, std::string &whyNot) {
  Request complete = request;
  if (request.extents.empty())
    return complete;
  std::map<std::string, int64_t, std::less<>> values = request.extents;
  for (const auto &[name, setting] : request.options.set)
    if (std::optional<int64_t> value = setting.integer())
      values.emplace(name, *value);
  std::vector<KernelSignature> kernels = describe(source).kernels;
  whyNot = wrongExtent(request, kernels);
  if (!whyNot.empty())
    return std::nullopt;
  for (const KernelSignature &kernel : kernels)
    if (kernel.name == request.options.kernel || kernels.size() == 1)
      complete.options.holds = kernel.holding(values);
  return complete;
}

std::optional<Request> tool::withExtents(const Request &request, const Source &source) {
  std::string whyNot;
  std::optional<Request> complete = withExtents(request, source, whyNot);
  if (!complete)
    llvm::errs() << "error: " << whyNot << "\n";
  return complete;
}

bool tool::writeText(const std::string &path, std::string_view text) {
  if (path.empty() || path == "-") {
    llvm::outs() << StringRef(text);
    return true;
  }
  std::error_code code;
  llvm::raw_fd_ostream file(path, code);
  if (!code) {
    file << StringRef(text);
    file.close();
    code = file.error();
    file.clear_error();
  }
  if (code)
    llvm::errs() << path << ": error: " << code.message() << "\n";
  return !code;
}

std::vector<std::string> tool::pathDirectories() {
  std::vector<std::string> directories;
  const char *path = std::getenv("PATH");
  llvm::SmallVector<StringRef> parts;
  StringRef(path ? path : "").split(parts, ':', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    directories.push_back(part.str());
  return directories;
}

std::optional<std::string> tool::ptxasOf(const Request &request) {
  return request.ptxas.empty() ? Assembler::findPtxas(pathDirectories()) : request.ptxas;
}

std::string tool::cacheDirectoryOf(const Request &request) {
  if (!request.cacheDirectory.empty())
    return request.cacheDirectory == "none" ? "" : request.cacheDirectory;
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/imbrex";
  const char *home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/imbrex" : "";
}
