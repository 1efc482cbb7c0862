//===- Decode.cpp - A kernel to a program ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lays out parameters, shared and local variables, decodes each instruction through its family, and
// attaches branch targets and reconvergence points.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/KernelDecoder.h"
#include "runtime/simulator/ptx/ControlFlow.h"

#include <algorithm>
#include <set>

namespace imbrex::simulator {
namespace {

uint64_t roundUp(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

void collectNames(const ptx::Operand &operand, std::set<std::string> &names) {
  if (!operand.name.empty())
    names.insert(operand.name);
  for (const ptx::Operand &element : operand.elements)
    collectNames(element, names);
}

// PTX ISA, "Kernel Function Parameters": before version 8.1 and from it on; CUDA programming guide: local memory of a
// thread.
constexpr uint64_t kMostParamBytesBefore81 = 4096, kMostParamBytes = 32764;
constexpr uint64_t kMostLocalBytes = 512 * 1024, kMostSharedBytes = uint64_t(1) << 30;

/// Appends the variable to a space that holds `size` of at most `most` bytes; false with an error.
bool place(KernelDecoder &decoder, const ptx::Variable &variable, uint64_t most, uint64_t &size) {
  size = roundUp(size, std::max<uint64_t>(variable.align, 1));
  decoder.symbols[variable.name] = {variable.space, size};
  size += variable.bytes;
  if (size > most)
    decoder.error = "PTX line " + std::to_string(variable.line) + ": '" + variable.name + "' of kernel '" +
                    decoder.kernel.name + "' does not fit: " + std::to_string(size) + " bytes, at most " +
                    std::to_string(most);
  return size <= most;
}

/// Static shared variables one after the other, then the dynamic part; only those the kernel uses.
bool placeShared(const ptx::Module &module, KernelDecoder &decoder) {
  std::set<std::string> used;
  for (const ptx::Instruction &instruction : decoder.kernel.body)
    for (const ptx::Operand &operand : instruction.operands)
      collectNames(operand, used);
  uint64_t size = 0, dynamicAlign = 1;
  auto placeStatic = [&](const ptx::Variable &variable) {
    return variable.space != ptx::Space::Shared || variable.external || !used.count(variable.name) ||
           place(decoder, variable, kMostSharedBytes, size);
  };
  if (!std::ranges::all_of(module.variables, placeStatic) ||
      !std::ranges::all_of(decoder.kernel.variables, placeStatic))
    return false;
  auto isDynamic = [&](const ptx::Variable &variable) {
    return variable.space == ptx::Space::Shared && variable.external && used.count(variable.name) != 0;
  };
  for (const ptx::Variable &variable : module.variables)
    if (isDynamic(variable))
      dynamicAlign = std::max({dynamicAlign, variable.align, uint64_t(16)});
  size = roundUp(size, dynamicAlign);
  for (const ptx::Variable &variable : module.variables)
    if (isDynamic(variable))
      decoder.symbols[variable.name] = {Space::Shared, size};
  decoder.program.staticSharedBytes = static_cast<uint32_t>(size);
  return true;
}

bool placeParams(const ptx::Module &module, KernelDecoder &decoder) {
  uint64_t size = 0, most = module.version < 81 ? kMostParamBytesBefore81 : kMostParamBytes;
  for (const ptx::Variable &param : decoder.kernel.params) {
    if (!place(decoder, param, most, size))
      return false;
    decoder.program.params.push_back({static_cast<uint32_t>(size - param.bytes), static_cast<uint32_t>(param.bytes)});
  }
  decoder.program.paramBytes = static_cast<uint32_t>(size);
  return true;
}

bool placeLocals(KernelDecoder &decoder) {
  uint64_t size = 0;
  for (const ptx::Variable &variable : decoder.kernel.variables)
    if (variable.space == ptx::Space::Local && !place(decoder, variable, kMostLocalBytes, size))
      return false;
  decoder.program.localBytes = static_cast<uint32_t>(roundUp(size, 16));
  return true;
}

using OpcodeMap = std::map<std::string_view, bool (*)(Decoder &)>;

OpcodeMap allOpcodes() {
  OpcodeMap map;
  for (std::span<const Opcode> family :
       {integerOpcodes(), bitOpcodes(), compareOpcodes(), arithmeticOpcodes(), floatOpcodes(), convertOpcodes(),
        moveOpcodes(), memoryOpcodes(), atomicOpcodes(), controlOpcodes(), barrierOpcodes(), warpOpcodes(),
        matrixOpcodes(), copyOpcodes(), matrixMemoryOpcodes()})
    for (const Opcode &opcode : family)
      map.emplace(opcode.name, opcode.decode);
  return map;
}

bool decodeInstruction(KernelDecoder &kernel, const OpcodeMap &opcodes, const ptx::Instruction &source,
                       Instruction &out) {
  out.line = source.line;
  out.file = source.place.file;
  out.fileLine = source.place.line;
  out.fileColumn = source.place.column;
  if (source.guard >= 0)
    out.guard = kernel.slotOf(source.guard);
  out.guardFlip = source.guardNegated ? ~0u : 0;
  Decoder decoder(kernel, source, out);
  auto found = opcodes.find(source.opcode);
  if (found == opcodes.end())
    return decoder.fail("opcode '" + source.opcode + "' is not modelled");
  return found->second(decoder);
}

/// Branch targets and reconvergence. Only `bra` has a target; `ret`, `exit` and `trap` do not go on.
bool linkBranches(KernelDecoder &kernel) {
  std::vector<ptx::Flow> flow(kernel.program.code.size());
  for (size_t i = 0; i < kernel.kernel.body.size(); ++i) {
    const ptx::Instruction &source = kernel.kernel.body[i];
    if (source.opcode == "bra") {
      auto label = kernel.kernel.labels.find(source.operands[0].name);
      if (label == kernel.kernel.labels.end()) {
        kernel.error = "PTX line " + std::to_string(source.line) + ": unknown label '" + source.operands[0].name + "'";
        return false;
      }
      kernel.program.code[i].target = label->second;
      flow[i] = {source.guard >= 0, {label->second}};
    } else if (source.opcode == "ret" || source.opcode == "exit" || source.opcode == "trap") {
      flow[i].fallsThrough = source.guard >= 0;
    }
  }
  flow.back().fallsThrough = false;
  std::vector<uint32_t> reconvergence = ptx::findReconvergence(flow);
  for (size_t i = 0; i < flow.size(); ++i)
    kernel.program.code[i].reconverge = reconvergence[i];
  return true;
}

} // namespace

std::shared_ptr<const Program> decodeKernel(const ptx::Module &module, const ptx::Kernel &kernel,
                                            const std::map<std::string, SymbolAddress> &symbols,
                                            std::shared_ptr<const SourceText> source, std::string &error) {
  auto program = std::make_shared<Program>();
  program->name = kernel.name;
  program->source = std::move(source);
  for (int i = 0; i < 3; ++i) {
    program->maxThreads[i] = kernel.maxThreads[i];
    program->requiredThreads[i] = kernel.requiredThreads[i];
  }
  KernelDecoder decoder(kernel, *program);
  decoder.symbols = symbols;
  if (!placeShared(module, decoder) || !placeParams(module, decoder) || !placeLocals(decoder)) {
    error = decoder.error;
    return nullptr;
  }
  OpcodeMap opcodes = allOpcodes();
  program->code.resize(kernel.body.size() + 1);
  ptx::Instruction end; // Falling off the end is a return.
  end.opcode = "ret";
  end.line = kernel.body.empty() ? kernel.line : kernel.body.back().line;
  for (size_t i = 0; i < program->code.size(); ++i) {
    program->code[i].index = static_cast<uint32_t>(i);
    if (!decodeInstruction(decoder, opcodes, i < kernel.body.size() ? kernel.body[i] : end, program->code[i])) {
      error = decoder.error;
      return nullptr;
    }
  }
  if (!linkBranches(decoder)) {
    error = decoder.error;
    return nullptr;
  }
  program->operandPool = std::move(decoder.pool);
  for (Instruction &instruction : program->code)
    instruction.op = program->operandPool.data() + instruction.firstOperand;
  program->registerImage.resize(roundUp(program->registerImage.size(), 64));
  return program;
}

std::string_view SourceText::line(uint32_t number) const {
  std::string_view rest = text;
  for (uint32_t i = 1; i < number && !rest.empty(); ++i) {
    size_t end = rest.find('\n');
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  size_t begin = rest.find_first_not_of(" \t\r");
  if (begin == rest.npos)
    return {};
  return rest.substr(begin, rest.find_last_not_of(" \t\r") - begin + 1);
}

} // namespace imbrex::simulator
