//===- Explain.cpp - imbrex explain ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tells what the compiler made of a kernel: launch shape, buffers, layouts, remarks, and the
// instructions of its main loop by the pipe that runs them, counted in the PTX.
//
//===----------------------------------------------------------------------===//

#include "runtime/Assemble.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

struct LoopCounts {
  llvm::MapVector<StringRef, unsigned> pipes; ///< in the order of kPipes
  unsigned total = 0;
};

struct SharedBuffer {
  std::string value;       ///< its name in the cta stage
  std::string description; ///< place, shape, type, swizzle, slots
  std::optional<unsigned>
      holds; ///< the kernel's argument that is copied into it; none: it passes tiles between threads
};

struct Explanation {
  KernelInterface interface;
  std::vector<SharedBuffer> shared;
  std::vector<std::string> buffers, layouts, remarks;
  LoopCounts loop;
  std::optional<AssembledKernel> assembled;
};

} // namespace

/// Which pipe runs an opcode: the first prefix that fits.
static constexpr std::pair<StringRef, StringRef> kPipes[] = {
    {"mma.", "tensor"},
    {"ex2.", "exp and other functions"},
    {"lg2.", "exp and other functions"},
    {"rcp.", "exp and other functions"},
    {"rsqrt.", "exp and other functions"},
    {"sqrt.", "exp and other functions"},
    {"tanh.", "exp and other functions"},
    {"ldmatrix", "shared memory"},
    {"ld.shared", "shared memory"},
    {"st.shared", "shared memory"},
    {"shfl", "shared memory"},
    {"cp.async.wait", "control"},
    {"cp.async.commit", "control"},
    {"cp.async", "global memory"},
    {"ld.global", "global memory"},
    {"st.global", "global memory"},
    {"bar", "control"},
    {"bra", "control"},
    {"", "FMA and ALU"},
};

/// Instructions of the PTX loop that holds most of the tensor work (or, without any, the longest one).
static LoopCounts countMainLoop(StringRef ptx) {
  llvm::SmallVector<StringRef> lines;
  ptx.split(lines, '\n');
  llvm::StringMap<size_t> labels;
  std::pair<unsigned, size_t> best = {0, 0};
  size_t begin = 0, end = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    StringRef line = lines[i].trim();
    if (line.starts_with("$") && line.contains(':'))
      labels[line.take_until([](char c) { return c == ':'; })] = i;
    size_t branch = line.find("bra");
    if (branch == StringRef::npos || line.starts_with("//"))
      continue;
    StringRef target = line.substr(line.find('$')).take_until([](char c) { return c == ';' || c == ' '; });
    auto it = labels.find(target);
    if (it == labels.end())
      continue; // a forward branch
    unsigned tensor = 0;
    for (size_t k = it->second; k < i; ++k)
      tensor += lines[k].trim().starts_with("mma.");
    if (std::pair(tensor, i - it->second) > best)
      best = {tensor, i - it->second}, begin = it->second, end = i + 1;
  }
  LoopCounts counts;
  for (StringRef pipe :
       {"tensor", "exp and other functions", "FMA and ALU", "shared memory", "global memory", "control"})
    counts.pipes[pipe] = 0;
  for (size_t i = begin; i < end; ++i) {
    StringRef line = lines[i].trim();
    if (line.consume_front("@"))
      line = line.substr(line.find_first_of(" \t")).ltrim();
    if (line.empty() || !llvm::isAlpha(line[0]))
      continue; // a label, a directive, or the operands of the instruction above
    for (auto [prefix, pipe] : kPipes)
      if (line.starts_with(prefix)) {
        ++counts.pipes[pipe];
        break;
      }
    ++counts.total;
  }
  return counts;
}

/// The part of `line` between `open` and `close`.
static StringRef between(StringRef line, StringRef open, StringRef close) {
  size_t at = line.find(open);
  return at == StringRef::npos ? "" : line.substr(at + open.size()).split(close).first;
}

/// "cta.ring at 0 : !cta.ring<64, 128, bf16, span 128, slots 2, by groups>" in words; a cta.alloc has no slots.
static std::string describeBuffer(StringRef line) {
  bool isRing = line.contains("cta.ring");
  llvm::SmallVector<StringRef> parts;
  between(line, isRing ? "!cta.ring<" : "!cta.buffer<", ">").split(parts, ", ");
  if (parts.size() < (isRing ? 6 : 4))
    return line.str();
  StringRef span = parts[3].split(' ').second, slots = isRing ? parts[4].split(' ').second : "1";
  return llvm::formatv("{0} x {1} {2}, {3}-byte swizzle, {4} slot(s) from byte {5}", parts[0], parts[1], parts[2], span,
                       slots, between(line, "at ", " "));
}

/// Notes which argument a "cta.put %arg1[...] ... into %2[...]" copies into which buffer.
static void readPut(StringRef line, std::vector<SharedBuffer> &buffers) {
  StringRef buffer = between(line, " into ", "[");
  unsigned argument;
  for (SharedBuffer &candidate : buffers)
    if (candidate.value == buffer && !between(line, "cta.put %arg", "[").getAsInteger(10, argument))
      candidate.holds = argument;
}

/// A line a buffer, with the name of what it holds.
static void nameBuffers(Explanation &explanation) {
  std::vector<std::string> arguments;
  for (const Parameter &parameter : explanation.interface.parameters)
    if (parameter.present)
      arguments.push_back(parameter.name);
  for (const SharedBuffer &buffer : explanation.shared)
    explanation.buffers.push_back((buffer.holds ? arguments.at(*buffer.holds) : "between threads") + ": " +
                                  buffer.description);
}

/// Buffers and distinct layouts named in the text of the cta stage.
static void readCtaStage(StringRef text, Explanation &explanation) {
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n');
  std::set<std::string> seen;
  for (StringRef line : lines) {
    if (line.contains("= cta.alloc") || line.contains("= cta.ring"))
      explanation.shared.push_back({line.ltrim().split(' ').first.str(), describeBuffer(line), std::nullopt});
    if (line.contains("cta.put"))
      readPut(line, explanation.shared);
    for (StringRef op : {"cta.dot", "cta.read", "tile.load", "tile.reduce"}) {
      StringRef type = line.contains(op) ? line.rsplit("tensor<").second : StringRef();
      std::string layout = between(type, "#cta.layout<\"", "\"").str();
      std::string entry = op.str() + " " + type.split(',').first.str() + ": " + layout;
      if (!layout.empty() && seen.insert(entry).second)
        explanation.layouts.push_back(entry);
    }
  }
}

static void printText(const Explanation &e) {
  llvm::raw_ostream &os = llvm::outs();
  os << "kernel " << e.interface.kernel << " for " << e.interface.target << "\n";
  os << "  parameters   ";
  for (const auto &[name, type] : e.interface.types)
    os << name << "=" << StringRef(imbrex::name(type)) << " ";
  for (const auto &[name, value] : e.interface.constants)
    os << name << "=" << value << " ";
  os << "\n  CTA          " << e.interface.warps << " warps, " << e.interface.sharedBytes
     << " bytes of shared memory\n";
  if (e.assembled)
    os << llvm::formatv("  registers    {0} a thread, {1} bytes spilled, {2} repairs by the assembler\n",
                        e.assembled->registers, e.assembled->spillStoreBytes + e.assembled->spillLoadBytes,
                        e.assembled->repairs.size());
  else
    os << "  registers    unknown: no ptxas found\n";
  auto list = [&](StringRef title, const std::vector<std::string> &entries) {
    if (!entries.empty())
      os << title << "\n";
    for (const std::string &entry : entries)
      os << "  " << entry << "\n";
  };
  list("buffers", e.buffers);
  list("layouts", e.layouts);
  list("remarks", e.remarks);
  os << "main loop, PTX instructions by pipe\n";
  for (auto [pipe, count] : e.loop.pipes)
    os << llvm::formatv("  {0,-24} {1,6}\n", pipe, count);
  os << llvm::formatv("  {0,-24} {1,6}\n", "all", e.loop.total);
}

static llvm::json::Array toJson(const std::vector<std::string> &entries) {
  llvm::json::Array array;
  for (const std::string &entry : entries)
    array.push_back(entry);
  return array;
}

static void printJson(const Explanation &e) {
  llvm::json::Object loop;
  for (auto [pipe, count] : e.loop.pipes)
    loop[pipe] = count;
  llvm::json::Object object{{"kernel", e.interface.kernel}, {"target", e.interface.target},
                            {"warps", e.interface.warps},   {"shared_bytes", e.interface.sharedBytes},
                            {"buffers", toJson(e.buffers)}, {"layouts", toJson(e.layouts)},
                            {"remarks", toJson(e.remarks)}, {"main_loop", std::move(loop)}};
  if (e.assembled) {
    object["registers"] = e.assembled->registers;
    object["repairs"] = toJson(e.assembled->repairs);
    object["spilled_bytes"] = e.assembled->spillStoreBytes + e.assembled->spillLoadBytes;
  }
  llvm::outs() << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(object)));
}

int tool::explain(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  Explanation explanation;
  CompileResult result = compile(*source, request.options, Stage::Ptx, [&](Stage stage, std::string_view text) {
    if (stage == Stage::Cta)
      readCtaStage(text, explanation);
  });
  llvm::errs() << result.errors();
  if (!result.kernel)
    return kUserError;
  explanation.interface = result.kernel->interface;
  nameBuffers(explanation);
  explanation.loop = countMainLoop(result.kernel->code);
  for (const Diagnostic &diagnostic : result.diagnostics)
    if (diagnostic.severity == Severity::Remark)
      explanation.remarks.push_back("line " + std::to_string(diagnostic.line) + ": " + diagnostic.message);
  if (std::optional<std::string> ptxas = ptxasOf(request))
    if (Result<Assembler> assembler = Assembler::ptxas(*ptxas))
      if (Result<AssembledKernel> code = assembler->assemble(result.kernel->code, explanation.interface.target))
        explanation.assembled = std::move(*code);
  request.json ? printJson(explanation) : printText(explanation);
  return kSuccess;
}
