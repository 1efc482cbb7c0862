//===- Decode.cpp - A kernel to a program ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collects the functions that a kernel may reach, lays out parameters, shared and local variables, decodes each
// instruction through its family, and attaches branch targets and reconvergence points.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AtomicUse.h"
#include "runtime/simulator/exec/KernelDecoder.h"
#include "runtime/simulator/exec/Liveness.h"
#include "runtime/simulator/exec/MatrixPlan.h"
#include "runtime/simulator/exec/Opcodes.h"
#include "runtime/simulator/memory/SharedMemory.h"
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

std::set<std::string> namesIn(const ptx::Kernel &body) {
  std::set<std::string> names;
  for (const ptx::Instruction &instruction : body.body)
    for (const ptx::Operand &operand : instruction.operands)
      collectNames(operand, names);
  return names;
}

/// The definition that a name calls, or null.
const ptx::Kernel *findDefinition(const ptx::Module &module, const std::string &name) {
  auto alias = module.aliases.find(name);
  const std::string &wanted = alias == module.aliases.end() ? name : alias->second;
  for (const ptx::Kernel &kernel : module.kernels)
    if (kernel.isFunction && !kernel.declaredOnly && kernel.name == wanted)
      return &kernel;
  return nullptr;
}

/// Adds the functions that the kernel may reach: those its code names, and where it calls through a register those that
/// the module's variables point to. False if one of them cannot be run.
bool addFunctions(const ptx::Module &module, KernelDecoder &decoder) {
  for (size_t b = 0; b < decoder.bodies.size(); ++b) {
    const ptx::Kernel &body = *decoder.bodies[b].source;
    std::set<std::string> names = namesIn(body);
    bool throughRegister = std::ranges::any_of(body.body, [](const ptx::Instruction &instruction) {
      return instruction.opcode == "call" && instruction.operands[1].kind == ptx::Operand::Register;
    });
    for (const ptx::Variable &variable : module.variables)
      for (const auto &[offset, name] : variable.relocations)
        if (throughRegister)
          names.insert(name);
    for (const std::string &name : names) {
      const ptx::Kernel *definition = findDefinition(module, name);
      if (!definition || decoder.findFunction(name) >= 0)
        continue;
      if (!definition->refused.empty()) {
        decoder.error = definition->refused;
        return false;
      }
      decoder.addBody(*definition);
      Program::Function &function = decoder.program.functions.emplace_back();
      function.name = definition->name;
      function.address = decoder.symbols.at(definition->name).address;
      function.frameSlot = decoder.bodies.back().frameSlot;
    }
  }
  return true;
}

// PTX ISA, "Kernel Function Parameters": before version 8.1 and from it on; CUDA programming guide: local memory of a
// thread.
constexpr uint64_t kMostParamBytesBefore81 = 4096, kMostParamBytes = 32764;
constexpr uint64_t kMostLocalBytes = 512 * 1024, kMostSharedBytes = uint64_t(1) << 30;

/// Adds the variable's bytes to `size`, of which there may be `most`; false with an error. It begins at `size` - bytes.
bool reserve(KernelDecoder &decoder, const ptx::Variable &variable, uint64_t most, uint64_t &size) {
  size = roundUp(size, std::max<uint64_t>(variable.align, 1)) + variable.bytes;
  if (size > most)
    decoder.error = "PTX line " + std::to_string(variable.line) + ": '" + variable.name + "' of kernel '" +
                    decoder.program.name + "' does not fit: " + std::to_string(size) + " bytes, at most " +
                    std::to_string(most);
  return size <= most;
}

/// Appends the variable to a space of which `size` bytes are taken.
bool place(KernelDecoder &decoder, const ptx::Variable &variable, uint64_t most, uint64_t &size) {
  if (!reserve(decoder, variable, most, size))
    return false;
  decoder.symbols[variable.name] = {variable.space, size - variable.bytes};
  return true;
}

void openGap(Program &program, uint64_t &size) {
  if (size == 0)
    return;
  uint64_t end = roundUp(size, uint64_t(kGapBytes)) + kGapBytes;
  program.sharedGaps.push_back({static_cast<uint32_t>(size), static_cast<uint32_t>(end)});
  size = end;
}

/// The system's shared memory, for a kernel that asks where it is.
void placeReserved(KernelDecoder &decoder, const std::set<std::string> &used, uint64_t &size) {
  bool asks = std::ranges::any_of(
      used, [](const std::string &name) { return name.starts_with(KernelDecoder::kReservedPrefix); });
  if (!asks)
    return;
  openGap(decoder.program, size);
  size = roundUp(size, 16);
  decoder.reservedBegin = static_cast<uint32_t>(size);
  size += KernelDecoder::kReservedBytes;
}

/// Static shared variables one after the other, then the dynamic part; only those the kernel uses.
bool placeShared(const ptx::Module &module, KernelDecoder &decoder) {
  std::set<std::string> used;
  for (const Body &body : decoder.bodies)
    used.merge(namesIn(*body.source));
  uint64_t size = 0, deviceSize = 0, dynamicAlign = 1;
  auto placeStatic = [&](const ptx::Variable &variable) {
    if (variable.space != ptx::Space::Shared || variable.linkage == ptx::Linkage::External ||
        !used.count(variable.name))
      return true;
    openGap(decoder.program, size);
    deviceSize = roundUp(deviceSize, std::max<uint64_t>(variable.align, 1)) + variable.bytes;
    return place(decoder, variable, kMostSharedBytes, size);
  };
  if (!std::ranges::all_of(module.variables, placeStatic))
    return false;
  for (const Body &body : decoder.bodies)
    if (!std::ranges::all_of(body.source->variables, placeStatic))
      return false;
  placeReserved(decoder, used, size);
  auto isDynamic = [&](const ptx::Variable &variable) {
    return variable.space == ptx::Space::Shared && variable.linkage == ptx::Linkage::External &&
           used.count(variable.name) != 0;
  };
  for (const ptx::Variable &variable : module.variables)
    if (isDynamic(variable))
      dynamicAlign = std::max({dynamicAlign, variable.align, uint64_t(16)});
  if (std::ranges::any_of(module.variables, isDynamic))
    openGap(decoder.program, size);
  size = roundUp(size, dynamicAlign);
  for (const ptx::Variable &variable : module.variables)
    if (isDynamic(variable))
      decoder.symbols[variable.name] = {Space::Shared, size};
  for (const ptx::Variable &variable : module.variables)
    if (variable.space == ptx::Space::Const && used.count(variable.name))
      decoder.program.constBytes += static_cast<uint32_t>(variable.bytes);
  decoder.program.staticSharedBytes = static_cast<uint32_t>(roundUp(deviceSize, dynamicAlign));
  decoder.program.sharedLayoutBytes = static_cast<uint32_t>(size);
  return true;
}

bool placeParams(const ptx::Module &module, KernelDecoder &decoder) {
  uint64_t size = 0, most = module.version < 81 ? kMostParamBytesBefore81 : kMostParamBytes;
  for (const ptx::Variable &param : decoder.bodies[0].source->params) {
    if (!place(decoder, param, most, size))
      return false;
    decoder.program.params.push_back(
        {static_cast<uint32_t>(size - param.bytes), static_cast<uint32_t>(param.bytes), param.name});
  }
  decoder.program.paramBytes = static_cast<uint32_t>(size);
  return true;
}

/// Lays out the frame of body `b`: a function's parameters and results, then .local and .param variables, with gaps
/// around those of .local.
bool placeLocals(KernelDecoder &decoder, size_t b) {
  Body &body = decoder.bodies[b];
  uint64_t size = 0;
  std::vector<Gap> &gaps = b == 0 ? decoder.program.localGaps : decoder.program.functions[b - 1].gaps;
  auto placeInFrame = [&](const ptx::Variable &variable) {
    if (!reserve(decoder, variable, kMostLocalBytes, size))
      return false;
    body.frame[variable.name] = static_cast<uint32_t>(size - variable.bytes);
    return true;
  };
  auto placeParameter = [&](const ptx::Variable &variable, std::vector<Program::Function::Parameter> &into) {
    Program::Function::Parameter &parameter = into.emplace_back();
    if (variable.registerNumber >= 0) {
      parameter.slot = body.slots[static_cast<size_t>(variable.registerNumber)];
      parameter.registerBits = variable.registerBits;
      return true;
    }
    if (!placeInFrame(variable))
      return false;
    parameter.offset = static_cast<uint32_t>(size - variable.bytes);
    parameter.bytes = static_cast<uint32_t>(variable.bytes);
    return true;
  };
  if (b > 0) {
    Program::Function &function = decoder.program.functions[b - 1];
    for (const ptx::Variable &variable : body.source->params)
      if (!placeParameter(variable, function.params))
        return false;
    for (const ptx::Variable &variable : body.source->results)
      if (!placeParameter(variable, function.results))
        return false;
  }
  for (const ptx::Variable &variable : body.source->variables)
    if (variable.space == ptx::Space::Param && !placeInFrame(variable))
      return false;
  for (const ptx::Variable &variable : body.source->variables) {
    uint64_t end = size;
    if (variable.space == ptx::Space::Shared || variable.space == ptx::Space::Param)
      continue;
    size += size == 0 && b == 0 ? 0 : kGapBytes;
    if (!placeInFrame(variable))
      return false;
    gaps.push_back({static_cast<uint32_t>(end), body.frame[variable.name]});
  }
  if (!gaps.empty()) {
    gaps.push_back({static_cast<uint32_t>(size), static_cast<uint32_t>(roundUp(size, 16)) + kGapBytes});
    size = gaps.back().end;
  }
  uint32_t bytes = static_cast<uint32_t>(roundUp(size, 16));
  (b == 0 ? decoder.program.localBytes : decoder.program.functions[b - 1].frameBytes) = bytes;
  return true;
}

/// As many as an Accessor (memory/SharedMemory.h) can name.
constexpr size_t kMostInstructions = Accessor::kMostInstructions - 1;

using OpcodeMap = std::map<std::string_view, bool (*)(Decoder &)>;

OpcodeMap allOpcodes() {
  OpcodeMap map;
  for (const Family &family : opcodeFamilies())
    for (const Opcode &opcode : family.opcodes)
      map.emplace(opcode.name, opcode.decode);
  return map;
}

std::string whyUnknown(const std::string &opcode) {
  for (const RefusedOpcodes &refused : refusedOpcodes())
    if (std::ranges::find(refused.opcodes, opcode) != refused.opcodes.end())
      return std::string(refused.reason);
  return "opcode '" + opcode + "' is not modelled";
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
    return decoder.fail(whyUnknown(source.opcode));
  return found->second(decoder) || decoder.fail("this form is not modelled");
}

/// The instruction behind which a thread ends or returns without condition, if a branch to `at` leads there at once;
/// null otherwise. Such a branch ends the lanes that take it: it must not make them wait for others first.
const Instruction *endBehind(const Body &body, const Program &program, uint32_t at) {
  const std::vector<ptx::Instruction> &code = body.source->body;
  for (size_t steps = 0; steps <= code.size(); ++steps) {
    if (at == code.size())
      return &program.code[body.first + at];
    const ptx::Instruction &source = code[at];
    if (source.guard >= 0)
      return nullptr;
    if (source.opcode == "ret" || source.opcode == "exit")
      return &program.code[body.first + at];
    if (source.opcode != "bra")
      return nullptr;
    auto label = body.source->labels.find(source.operands[0].name);
    if (label == body.source->labels.end())
      return nullptr;
    at = label->second;
  }
  return nullptr;
}

bool findLabel(KernelDecoder &kernel, const ptx::Instruction &source, const std::string &name, uint32_t &index) {
  const Body &body = kernel.bodies[kernel.current];
  auto label = body.source->labels.find(name);
  if (label == body.source->labels.end()) {
    kernel.error = "PTX line " + std::to_string(source.line) + ": unknown label '" + name + "'";
    return false;
  }
  index = label->second;
  return true;
}

/// Sets the targets of instruction `i` of the current body and says where control goes from it.
bool linkInstruction(KernelDecoder &kernel, size_t i, ptx::Flow &flow) {
  const Body &body = kernel.bodies[kernel.current];
  const ptx::Instruction &source = body.source->body[i];
  Instruction &out = kernel.program.code[body.first + i];
  uint32_t index;
  if (source.opcode == "bra") {
    if (!findLabel(kernel, source, source.operands[0].name, index))
      return false;
    flow.fallsThrough = source.guard >= 0;
    if (const Instruction *end = endBehind(body, kernel.program, index)) {
      out.run = end->run;
      return true;
    }
    out.target = body.first + index;
    flow.targets = {index};
  } else if (source.opcode == "brx") {
    auto list = body.source->branchTargets.find(source.operands[1].name);
    if (list == body.source->branchTargets.end()) {
      kernel.error = "PTX line " + std::to_string(source.line) + ": unknown list of targets";
      return false;
    }
    flow.fallsThrough = source.guard >= 0;
    for (const std::string &name : list->second) {
      if (!findLabel(kernel, source, name, index))
        return false;
      flow.targets.push_back(index);
      kernel.program.branchTables[out.imm].push_back(body.first + index);
    }
  } else if (source.opcode == "ret" || source.opcode == "exit" || source.opcode == "trap" || source.opcode == "brkpt") {
    flow.fallsThrough = source.guard >= 0;
  }
  return true;
}

/// Branch targets, reconvergence, and the registers that begin undefined.
bool linkBody(KernelDecoder &kernel) {
  const Body &body = kernel.bodies[kernel.current];
  std::vector<ptx::Flow> flow(body.source->body.size() + 1);
  std::vector<int> guards(flow.size(), -1);
  for (size_t i = 0; i < body.source->body.size(); ++i) {
    guards[i] = body.source->body[i].guard;
    if (!linkInstruction(kernel, i, flow[i]))
      return false;
  }
  flow.back().fallsThrough = false;
  std::vector<uint32_t> reconvergence = ptx::findReconvergence(flow);
  for (size_t i = 0; i < flow.size(); ++i)
    if (reconvergence[i] != ~0u)
      kernel.program.code[body.first + i].reconverge = body.first + reconvergence[i];
  std::span<Instruction> code = std::span(kernel.program.code).subspan(body.first);
  markAtomicUse(code, body.source->body, kernel.uses);
  std::vector<RegisterUse> &undefined =
      kernel.current == 0 ? kernel.program.undefined : kernel.program.functions[kernel.current - 1].undefined;
  for (int number : readBeforeWritten(code, flow, guards, kernel.uses, body.slots.size())) {
    bool isParameter =
        std::ranges::any_of(body.source->params, [&](const ptx::Variable &v) { return v.registerNumber == number; });
    if (!isParameter)
      undefined.push_back(kernel.registerUse(number));
  }
  return true;
}

bool decodeBody(KernelDecoder &decoder, const OpcodeMap &opcodes, size_t b) {
  decoder.current = b;
  const ptx::Kernel &source = *decoder.bodies[b].source;
  std::vector<Instruction> &code = decoder.program.code;
  size_t first = code.size();
  decoder.bodies[b].first = static_cast<uint32_t>(first);
  code.resize(first + source.body.size() + 1);
  ptx::Instruction end; // Falling off the end is a return.
  end.opcode = "ret";
  end.line = source.body.empty() ? source.line : source.body.back().line;
  for (size_t i = 0; i <= source.body.size(); ++i) {
    code[first + i].index = static_cast<uint32_t>(first + i);
    if (!decodeInstruction(decoder, opcodes, i < source.body.size() ? source.body[i] : end, code[first + i]))
      return false;
  }
  if (b > 0) {
    Program::Function &function = decoder.program.functions[b - 1];
    function.entry = static_cast<uint32_t>(first);
    for (size_t number = 0; number < source.registers.size(); ++number)
      function.registers.push_back(decoder.registerUse(static_cast<int>(number)));
    function.registers.push_back({function.frameSlot, -1, 8, false, false});
  }
  return linkBody(decoder);
}

/// A function is recursive if it can reach itself; a call through a register may go to any of them.
void findRecursion(KernelDecoder &decoder) {
  std::vector<Program::Function> &functions = decoder.program.functions;
  size_t count = functions.size();
  std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count, false));
  for (size_t f = 0; f < count; ++f)
    for (const ptx::Instruction &instruction : decoder.bodies[f + 1].source->body) {
      if (instruction.opcode != "call")
        continue;
      bool direct = instruction.operands[1].kind == ptx::Operand::Symbol;
      int target = direct ? decoder.findFunction(instruction.operands[1].name) : -1;
      for (size_t g = 0; g < count; ++g)
        if (!direct || static_cast<int>(g) == target)
          reaches[f][g] = true;
    }
  for (size_t via = 0; via < count; ++via)
    for (size_t f = 0; f < count; ++f)
      for (size_t g = 0; reaches[f][via] && g < count; ++g)
        if (reaches[via][g])
          reaches[f][g] = true;
  for (size_t f = 0; f < count; ++f)
    functions[f].recursive = reaches[f][f];
}

bool decodeBodies(const ptx::Module &module, KernelDecoder &decoder) {
  if (!addFunctions(module, decoder) || !placeShared(module, decoder) || !placeParams(module, decoder))
    return false;
  OpcodeMap opcodes = allOpcodes();
  for (size_t b = 0; b < decoder.bodies.size(); ++b)
    if (!placeLocals(decoder, b) || !decodeBody(decoder, opcodes, b))
      return false;
  findRecursion(decoder);
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
  program->cluster = kernel.cluster;
  program->minBlocks = kernel.minBlocks;
  program->maxRegisters = kernel.maxRegisters;
  KernelDecoder decoder(module, kernel, *program);
  decoder.symbols = symbols;
  if (!decodeBodies(module, decoder)) {
    error = decoder.error;
    return nullptr;
  }
  if (program->code.size() > kMostInstructions) {
    error = "PTX line " + std::to_string(kernel.line) + ": kernel '" + kernel.name + "' has more than " +
            std::to_string(kMostInstructions) + " instructions";
    return nullptr;
  }
  program->operandPool = std::move(decoder.pool);
  program->usePool = std::move(decoder.uses);
  for (Instruction &instruction : program->code) {
    instruction.op = program->operandPool.data() + instruction.firstOperand;
    instruction.uses = program->usePool.data() + instruction.firstUse;
  }
  guardMatrixRegisters(kernel, *program);
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
