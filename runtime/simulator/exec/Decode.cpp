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

/// Static shared variables one after the other, then the dynamic part; only those the kernel uses.
bool placeShared(const ptx::Module &module, KernelDecoder &decoder) {
  std::set<std::string> used;
  for (const ptx::Instruction &instruction : decoder.kernel.body)
    for (const ptx::Operand &operand : instruction.operands)
      collectNames(operand, used);
  uint64_t size = 0, dynamicAlign = 1;
  auto placeStatic = [&](const ptx::Variable &variable) {
    if (variable.space != ptx::Space::Shared || variable.external || !used.count(variable.name))
      return;
    size = roundUp(size, std::max<uint64_t>(variable.align, 1));
    decoder.symbols[variable.name] = {Space::Shared, size};
    size += variable.bytes;
  };
  for (const ptx::Variable &variable : module.variables)
    placeStatic(variable);
  for (const ptx::Variable &variable : decoder.kernel.variables)
    placeStatic(variable);
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
  return size < (uint64_t(1) << 30);
}

void placeParams(KernelDecoder &decoder) {
  uint64_t offset = 0;
  for (const ptx::Variable &param : decoder.kernel.params) {
    offset = roundUp(offset, std::max<uint64_t>(param.align, 1));
    decoder.symbols[param.name] = {Space::Param, offset};
    decoder.program.params.push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(param.bytes)});
    offset += param.bytes;
  }
  decoder.program.paramBytes = static_cast<uint32_t>(offset);
}

void placeLocals(KernelDecoder &decoder) {
  uint64_t offset = 0;
  for (const ptx::Variable &variable : decoder.kernel.variables) {
    if (variable.space != ptx::Space::Local)
      continue;
    offset = roundUp(offset, std::max<uint64_t>(variable.align, 1));
    decoder.symbols[variable.name] = {Space::Local, offset};
    offset += variable.bytes;
  }
  decoder.program.localBytes = static_cast<uint32_t>(roundUp(offset, 16));
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
  if (!placeShared(module, decoder)) {
    error = "kernel '" + kernel.name + "': too much static shared memory";
    return nullptr;
  }
  placeParams(decoder);
  placeLocals(decoder);
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
