//===- MachineCode.cpp - Instructions of a kernel, PTX or machine code ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX: statements between semicolons inside the braces of an .entry, labels before them. SASS: a line an
// instruction, "/*0a40*/ @P0 BRA `(.L_x_3) ;", labels on lines of their own, NOPs at the end left out.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/MachineCode.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace imbrex::score;
using llvm::StringRef;

bool Instruction::hasModifier(StringRef modifier) const {
  for (StringRef part : llvm::split(StringRef(opcode), '.'))
    if (part == modifier)
      return true;
  return false;
}

bool Instruction::isBranch() const {
  static constexpr StringRef kBranches[] = {"BRA", "JMP", "BRX", "JMX", "bra", "brx"};
  return llvm::is_contained(kBranches, base());
}

bool Instruction::endsBlock() const {
  static constexpr StringRef kEnds[] = {"EXIT", "RET", "BRX", "JMX", "KILL", "ret", "exit", "brx"};
  if (!predicate.empty() && predicate != "@PT" && predicate != "@UPT")
    return false;
  if (llvm::is_contained(kEnds, base()))
    return true;
  if (base() == "bra")
    return true;
  if (base() != "BRA" && base() != "JMP")
    return false;
  // A branch of the machine may name a predicate among its operands: "BRA.U UP0, `(.L_x_1)".
  StringRef first = StringRef(operands).split(',').first.trim();
  bool conditional = first.starts_with("!") || first.starts_with("P") || first.starts_with("UP");
  return !conditional || first == "PT" || first == "UPT";
}

namespace {

/// Builds one kernel: instructions and the labels that stand before them, targets resolved at the end.
class KernelReader {
public:
  explicit KernelReader(MachineKernel &kernel) : kernel(kernel) {}

  void label(StringRef name) { labels[name] = kernel.instructions.size(); }

  /// What follows came from `line` of `file`; line 0: from nowhere.
  void source(StringRef file, unsigned line) {
    auto found = llvm::find(kernel.files, file);
    if (found == kernel.files.end())
      found = kernel.files.insert(found, file.str());
    sourceFile = unsigned(found - kernel.files.begin());
    sourceLine = line;
  }

  void instruction(StringRef text, unsigned line) {
    Instruction instruction;
    instruction.line = line;
    instruction.file = sourceFile, instruction.sourceLine = sourceLine;
    if (text.starts_with("@")) {
      auto [predicate, rest] = splitWord(text);
      instruction.predicate = predicate.str();
      text = rest;
    }
    auto [opcode, operands] = splitWord(text);
    instruction.opcode = opcode.str();
    instruction.operands = operands.str();
    kernel.instructions.push_back(std::move(instruction));
  }

  void finish() {
    for (Instruction &instruction : kernel.instructions) {
      if (!instruction.isBranch())
        continue;
      for (const auto &[name, position] : labels)
        if (mentions(instruction.operands, name))
          instruction.targets.push_back(position);
      llvm::sort(instruction.targets);
    }
  }

private:
  static std::pair<StringRef, StringRef> splitWord(StringRef text) {
    size_t end = text.find_first_of(" \t\n");
    return {text.take_front(end), end == StringRef::npos ? StringRef() : text.drop_front(end).trim()};
  }

  /// True if `name` is a word of `text`, not the beginning of a longer one.
  static bool mentions(StringRef text, StringRef name) {
    for (size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + 1)) {
      StringRef after = text.drop_front(at + name.size());
      bool before = at == 0 || !(llvm::isAlnum(text[at - 1]) || StringRef("_$.").contains(text[at - 1]));
      if (before && (after.empty() || !(llvm::isAlnum(after[0]) || StringRef("_$.").contains(after[0]))))
        return true;
    }
    return false;
  }

  MachineKernel &kernel;
  llvm::StringMap<size_t> labels;
  unsigned sourceFile = 0, sourceLine = 0;
};

} // namespace

/// `text` without // and /* */ comments; its lines keep their numbers.
static std::string withoutComments(StringRef text) {
  std::string result;
  while (!text.empty()) {
    size_t at = std::min(text.find("//"), text.find("/*"));
    result += text.take_front(at);
    if (at == StringRef::npos)
      break;
    bool line = text.substr(at).starts_with("//");
    size_t end = text.find(line ? "\n" : "*/", at);
    result.append(text.slice(at, end).count('\n'), '\n');
    text = end == StringRef::npos ? StringRef() : text.drop_front(line ? end : end + 2);
    result += ' ';
  }
  return result;
}

/// "1 58 28" of a .loc: tells `reader`, by the names that the module's .file lines give.
static void readPlace(StringRef place, const llvm::DenseMap<unsigned, StringRef> &files, KernelReader &reader) {
  unsigned file = 0, line = 0;
  place = place.ltrim();
  if (place.consumeInteger(10, file))
    return;
  place = place.ltrim();
  if (!place.consumeInteger(10, line))
    reader.source(files.lookup(file), line);
}

/// The files that a PTX module names: .file 1 "softmax.tile".
static llvm::DenseMap<unsigned, StringRef> filesOf(StringRef text) {
  llvm::DenseMap<unsigned, StringRef> files;
  for (StringRef line : llvm::split(text, '\n')) {
    line = line.trim();
    unsigned number;
    if (line.consume_front(".file") && !(line = line.ltrim()).consumeInteger(10, number))
      files[number] = line.split('"').second.split('"').first;
  }
  return files;
}

/// One statement of PTX: labels, a directive or an instruction. `number`: of the line on which it begins.
static void readStatement(StringRef statement, unsigned number, const llvm::DenseMap<unsigned, StringRef> &files,
                          KernelReader &reader) {
  const char *begin = statement.data();
  statement = statement.trim("{} \t\n");
  for (size_t colon = statement.find(':'); colon != StringRef::npos; colon = statement.find(':')) {
    StringRef name = statement.take_front(colon).trim();
    bool scope = statement.substr(colon).starts_with("::"); // "mbarrier.init.shared::cta.b64"
    if (scope || name.empty() || name.find_first_of(" \t\n,%[") != StringRef::npos)
      break;
    reader.label(name);
    statement = statement.drop_front(colon + 1).trim("{} \t\n");
  }
  while (statement.starts_with(".loc") || statement.starts_with(".pragma")) { // a line of its own, without semicolon
    auto [line, rest] = statement.split('\n');
    if (line.consume_front(".loc"))
      readPlace(line, files, reader);
    statement = rest.trim("{} \t\n");
  }
  if (!statement.empty() && statement[0] != '.')
    reader.instruction(statement, number + StringRef(begin, statement.data() - begin).count('\n'));
}

std::vector<MachineKernel> imbrex::score::readPtx(StringRef text) {
  std::string plain = withoutComments(text);
  std::vector<MachineKernel> kernels;
  llvm::DenseMap<unsigned, StringRef> files = filesOf(plain);
  StringRef rest = plain;
  unsigned number = 1; // of the line at `counted`
  const char *counted = rest.data();
  for (size_t at = rest.find(".entry"); at != StringRef::npos; at = rest.find(".entry")) {
    rest = rest.drop_front(at + StringRef(".entry").size()).ltrim();
    MachineKernel kernel{
        rest.take_until([](char c) { return !llvm::isAlnum(c) && c != '_' && c != '$'; }).str(), Language::Ptx, {}};
    size_t open = rest.find('{');
    if (open == StringRef::npos)
      break;
    KernelReader reader(kernel);
    size_t depth = 1, begin = open + 1, i = begin;
    for (; i < rest.size() && depth > 0; ++i) {
      depth += rest[i] == '{' ? 1 : rest[i] == '}' ? -1 : 0;
      if (rest[i] == ';' || depth == 0) {
        number += StringRef(counted, rest.data() + begin - counted).count('\n');
        counted = rest.data() + begin;
        readStatement(rest.slice(begin, i), number, files, reader);
        begin = i + 1;
      }
    }
    reader.finish();
    kernels.push_back(std::move(kernel));
    rest = rest.drop_front(i);
  }
  return kernels;
}

/// File and line of "//## File "softmax.tile", line 7"; of an inlined place ("inlined at ...") too.
static bool readMachinePlace(StringRef line, KernelReader &reader) {
  if (!line.consume_front("//## File \""))
    return false;
  auto [file, rest] = line.split('"');
  unsigned number = 0;
  rest = rest.ltrim(", ");
  if (rest.consume_front("line ") && !rest.consumeInteger(10, number))
    reader.source(file, number);
  return true;
}

/// The instruction of a line "/*0a40*/ @P0 BRA `(.L_x_3) ;", or nothing.
static StringRef instructionOf(StringRef line) {
  line = line.ltrim(" \t{");
  if (!line.consume_front("/*"))
    return {};
  auto [address, text] = line.split("*/");
  unsigned long long number;
  size_t end = text.rfind(';');
  if (address.getAsInteger(16, number) || end == StringRef::npos)
    return {};
  return text.take_front(end).trim(" \t{}");
}

std::vector<MachineKernel> imbrex::score::readSass(StringRef text) {
  std::vector<MachineKernel> kernels;
  std::optional<KernelReader> reader;
  auto finish = [&] {
    if (!reader)
      return;
    std::vector<Instruction> &code = kernels.back().instructions;
    while (!code.empty() && code.back().base() == "NOP")
      code.pop_back();
    reader->finish();
    reader.reset();
  };
  unsigned number = 0;
  for (StringRef line : llvm::split(text, '\n')) {
    ++number;
    StringRef trimmed = line.trim();
    if (trimmed.starts_with("//----") || trimmed.starts_with(".section")) {
      size_t at = trimmed.find(".text.");
      if (trimmed.starts_with("//----"))
        finish();
      if (trimmed.starts_with("//----") && at != StringRef::npos) {
        kernels.push_back(
            {trimmed.drop_front(at + 6).split(' ').first.trim().split('\t').first.str(), Language::Sass, {}});
        kernels.back().instructions.reserve(1024);
        reader.emplace(kernels.back());
      }
      continue;
    }
    if (!reader)
      continue;
    if (readMachinePlace(trimmed, *reader))
      continue;
    if (StringRef instruction = instructionOf(line); !instruction.empty())
      reader->instruction(instruction, number);
    else if (trimmed.ends_with(":") && !trimmed.contains(' '))
      reader->label(trimmed.drop_back());
  }
  finish();
  return kernels;
}
