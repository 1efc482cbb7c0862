//===- Call.cpp - call, ret of a function, alloca -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Device functions (PTX ISA, 7.1 and 9.7.13): `.param` variables are places in a frame of the thread's local memory,
// copied from the caller's frame to the callee's and back. A function's registers are one set a warp; a function that
// may be active twice in a thread has them saved by its call and restored by its return. Lanes meet again behind the
// call.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Call.h"
#include "runtime/simulator/exec/KernelDecoder.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {

uint64_t readRegister(Warp &warp, uint32_t slot, unsigned bytes, unsigned lane) {
  if (bytes == 0)
    return warp.pred(slot) >> lane & 1;
  uint64_t value = 0;
  std::memcpy(&value, warp.registers.data() + slot + size_t(lane) * bytes, std::min(bytes, 8u));
  return value;
}

void writeRegister(Warp &warp, uint32_t slot, unsigned bytes, unsigned lane, uint64_t bits) {
  if (bytes == 0)
    warp.pred(slot) = (warp.pred(slot) & ~(1u << lane)) | static_cast<uint32_t>(bits & 1) << lane;
  else
    std::memcpy(warp.registers.data() + slot + size_t(lane) * bytes, &bits, std::min(bytes, 8u));
}

uint64_t readCallValue(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &value,
                       unsigned lane) {
  if (!value.inMemory)
    return readRegister(warp, value.slot, value.bytes, lane);
  uint64_t bits = 0;
  std::memcpy(&bits, warp.local.bytes.data() + warp.local.at(lane, callerFrame(warp, site, lane) + value.offset),
              std::min(value.bytes, 8u));
  return bits;
}

void writeCallValue(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &value, unsigned lane,
                    uint64_t bits) {
  if (!value.inMemory) {
    writeRegister(warp, value.slot, value.bytes, lane, bits);
    return warp.undefined.define(value.slot, value.bytes, 1u << lane);
  }
  uint32_t at = callerFrame(warp, site, lane) + value.offset;
  std::memcpy(warp.local.bytes.data() + warp.local.at(lane, at), &bits, std::min(value.bytes, 8u));
  warp.local.mark(lane, at, value.bytes);
}

namespace {

constexpr uint32_t kMostStackBytes = 512 * 1024; ///< Local memory of a thread (CUDA programming guide).
constexpr uint32_t kReturnBytes = 16;            ///< That a call takes of it at least, to know where to return.
constexpr uint32_t kFrameAlign = 16;

uint32_t roundUp(uint32_t value, uint32_t align) { return (value + align - 1) / align * align; }

/// Bytes of one lane's local memory with what is known of them.
void copyLocal(LocalMemory &local, unsigned lane, uint32_t from, uint32_t to, uint32_t bytes) {
  std::memmove(local.bytes.data() + local.at(lane, to), local.bytes.data() + local.at(lane, from), bytes);
  std::memmove(local.written.data() + local.at(lane, to), local.written.data() + local.at(lane, from), bytes);
}

/// A register of one lane as a recursive call saves it: 8 bytes of value, 8 of undefined bits, 1 of state.
constexpr size_t kSavedBytes = 17;

void saveRegisters(Warp &warp, LaneStack &stack, const Program::Function &function, unsigned lane) {
  for (const RegisterUse &use : function.registers) {
    size_t at = stack.saved.size();
    stack.saved.resize(at + kSavedBytes);
    uint64_t value = readRegister(warp, use.slot, use.bytes, lane), bits = 0;
    bool isUndefined = warp.undefined.lanes(use.slot) >> lane & 1;
    if (isUndefined)
      bits = warp.undefined.bits(use.slot, use.bytes, lane);
    std::memcpy(&stack.saved[at], &value, 8);
    std::memcpy(&stack.saved[at + 8], &bits, 8);
    stack.saved[at + 16] = static_cast<uint8_t>(warp.undefined.computedLanes(use.slot) >> lane & 1);
  }
}

void restoreRegisters(Warp &warp, LaneStack &stack, const Program::Function &function, size_t at, unsigned lane) {
  size_t begin = at;
  for (const RegisterUse &use : function.registers) {
    uint64_t value, bits;
    std::memcpy(&value, &stack.saved[at], 8);
    std::memcpy(&bits, &stack.saved[at + 8], 8);
    writeRegister(warp, use.slot, use.bytes, lane, value);
    warp.undefined.set(use.slot, use.bytes, lane, bits, stack.saved[at + 16] != 0, Definedness::kNeverWritten);
    at += kSavedBytes;
  }
  stack.saved.resize(begin);
}

/// One argument into the callee's frame or register.
void passArgument(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &from,
                  const Program::Function::Parameter &to, uint32_t base, unsigned lane, uint64_t value) {
  if (to.bytes == 0) {
    unsigned bytes = to.registerBits == 1 ? 0 : std::max(to.registerBits, 16u) / 8;
    writeRegister(warp, to.slot, bytes, lane, value);
    return;
  }
  if (from.inMemory)
    return copyLocal(warp.local, lane, callerFrame(warp, site, lane) + from.offset, base + to.offset,
                     std::min(from.bytes, to.bytes));
  std::memcpy(warp.local.bytes.data() + warp.local.at(lane, base + to.offset), &value, std::min(to.bytes, 8u));
  warp.local.mark(lane, base + to.offset, std::min(to.bytes, 8u));
}

/// A lane's new frame, with its arguments.
void pushFrame(Warp &warp, const Instruction &i, uint32_t number, uint32_t base, unsigned lane) {
  const Program::CallSite &site = warp.cta->program->calls[i.imm];
  const Program::Function &function = warp.cta->program->functions[number];
  LaneStack &stack = warp.stacks[lane];
  Frame frame{i.index, number, stack.top, stack.saved.size()};
  // A function that calls itself overwrites its own registers: they are read and saved first.
  std::vector<uint64_t> values;
  values.reserve(site.arguments.size());
  for (const Program::CallSite::Value &argument : site.arguments)
    values.push_back(readCallValue(warp, site, argument, lane));
  if (function.recursive)
    saveRegisters(warp, stack, function, lane);
  if (function.frameBytes != 0)
    warp.local.beginFrame(lane, base, function.frameBytes, function.gaps);
  for (const RegisterUse &use : function.undefined)
    warp.undefined.set(use.slot, use.bytes, lane, allBits(use.bytes), true, Definedness::kNeverWritten);
  for (size_t k = 0; k < function.params.size(); ++k)
    passArgument(warp, site, site.arguments[k], function.params[k], base, lane, values[k]);
  warp.reg<uint64_t>(function.frameSlot)[lane] = base;
  stack.top = base + function.frameBytes;
  stack.frames.push_back(frame);
}

/// `lanes` get their frames; the warp's control flow is the caller's business.
Step enter(Warp &warp, const Instruction &i, uint32_t lanes, uint32_t number) {
  const Program::CallSite &site = warp.cta->program->calls[i.imm];
  const Program::Function &function = warp.cta->program->functions[number];
  unsigned first = static_cast<unsigned>(__builtin_ctz(lanes));
  size_t given = site.arguments.size(), wanted = site.results.size();
  if (given != function.params.size())
    return warp.fail(FaultKind::Trap, i, first,
                     "the call passes " + std::to_string(given) + " arguments, '" + function.name + "' takes " +
                         std::to_string(function.params.size()));
  // Units of a link are not held against each other: numba-cuda takes a result of functions that return nothing.
  if (wanted > function.results.size() && !function.results.empty())
    return warp.fail(FaultKind::Trap, i, first,
                     "the call takes " + std::to_string(wanted) + " results, '" + function.name + "' returns " +
                         std::to_string(function.results.size()));
  uint32_t most = 0;
  size_t deepest = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const LaneStack &stack = warp.stacks[static_cast<unsigned>(__builtin_ctz(rest))];
    most = std::max(most, roundUp(stack.top, kFrameAlign));
    deepest = std::max(deepest, stack.frames.size());
  }
  if (most + function.frameBytes > kMostStackBytes || deepest >= kMostStackBytes / kReturnBytes)
    return warp.fail(FaultKind::OutOfBounds, i, first,
                     "the call of '" + function.name + "' exhausts the stack of a thread, " +
                         std::to_string(kMostStackBytes) + " bytes");
  warp.local.grow(most + function.frameBytes);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    pushFrame(warp, i, number, roundUp(warp.stacks[lane].top, kFrameAlign), lane);
  }
  return Step::Next;
}

Step call(Warp &warp, const Instruction &i, uint32_t lanes) {
  const Program &program = *warp.cta->program;
  uint32_t number = static_cast<uint32_t>(program.calls[i.imm].function);
  Step step = enter(warp, i, lanes, number);
  if (step == Step::Next)
    warp.detour(i.index + 1, lanes, program.functions[number].entry);
  return step;
}

/// op: the address.
Step callThroughRegister(Warp &warp, const Instruction &i, uint32_t lanes) {
  const Program &program = *warp.cta->program;
  uint32_t numbers[32];
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = warp.reg<uint64_t>(i.op[0])[lane];
    auto found = std::ranges::find(program.functions, address, &Program::Function::address);
    if (found == program.functions.end())
      return warp.fail(FaultKind::OutOfBounds, i, lane, "the call goes to an address where no function begins");
    numbers[lane] = static_cast<uint32_t>(found - program.functions.begin());
  }
  bool isFirst = true;
  for (uint32_t rest = lanes; rest != 0;) {
    uint32_t number = numbers[__builtin_ctz(rest)], group = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      group |= uint32_t(rest >> lane & 1 && numbers[lane] == number) << lane;
    Step step = enter(warp, i, group, number);
    if (step != Step::Next)
      return step;
    if (isFirst) {
      warp.detour(i.index + 1, lanes, program.functions[number].entry);
    } else {
      warp.parked.push_back({program.functions[number].entry, group, warp.join, warp.depth, Fragment::Ready, 0});
      warp.active &= ~group;
    }
    isFirst = false;
    rest &= ~group;
  }
  return Step::Next;
}

/// The callee returns nothing: what the caller takes for its result is undefined.
void forgetResult(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &to, unsigned lane) {
  if (to.inMemory) {
    uint32_t at = callerFrame(warp, site, lane) + to.offset;
    std::memset(warp.local.written.data() + warp.local.at(lane, at), 0, to.bytes);
  } else {
    warp.undefined.set(to.slot, to.bytes, lane, allBits(to.bytes), true, Definedness::kNeverWritten);
  }
}

/// A lane's frame goes, and its results to the caller.
void popFrame(Warp &warp, unsigned lane) {
  const Program &program = *warp.cta->program;
  LaneStack &stack = warp.stacks[lane];
  Frame frame = stack.frames.back();
  stack.frames.pop_back();
  const Program::Function &function = program.functions[frame.function];
  const Program::CallSite &site = program.calls[program.code[frame.call].imm];
  uint32_t base = static_cast<uint32_t>(warp.reg<uint64_t>(function.frameSlot)[lane]);
  std::vector<uint64_t> values;
  for (const Program::Function::Parameter &result : function.results) {
    uint64_t value = 0;
    if (result.bytes == 0)
      value =
          readRegister(warp, result.slot, result.registerBits == 1 ? 0 : std::max(result.registerBits, 16u) / 8, lane);
    else
      std::memcpy(&value, warp.local.bytes.data() + warp.local.at(lane, base + result.offset),
                  std::min(result.bytes, 8u));
    values.push_back(value);
  }
  if (function.recursive)
    restoreRegisters(warp, stack, function, frame.saved, lane);
  for (size_t k = 0; k < site.results.size(); ++k) {
    const Program::CallSite::Value &to = site.results[k];
    if (function.results.empty()) {
      forgetResult(warp, site, to, lane);
      continue;
    }
    const Program::Function::Parameter &from = function.results[k];
    if (to.inMemory && from.bytes != 0)
      copyLocal(warp.local, lane, base + from.offset, callerFrame(warp, site, lane) + to.offset,
                std::min(from.bytes, to.bytes));
    else
      writeCallValue(warp, site, to, lane, values[k]);
  }
  stack.top = frame.stackTop;
}

Step returnFromFunction(Warp &warp, const Instruction &, uint32_t lanes) {
  while (lanes != 0) {
    uint32_t callAt = warp.stacks[static_cast<unsigned>(__builtin_ctz(lanes))].frames.back().call, group = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      group |= uint32_t(lanes >> lane & 1 && warp.stacks[lane].frames.back().call == callAt) << lane;
    for (uint32_t rest = group; rest != 0; rest &= rest - 1)
      popFrame(warp, static_cast<unsigned>(__builtin_ctz(rest)));
    warp.leave(group, callAt + 1);
    lanes &= ~group;
  }
  return Step::Next;
}

Step exitThread(Warp &warp, const Instruction &, uint32_t lanes) { return warp.exitLanes(lanes); }

bool decodeExit(Decoder &d) {
  d.take("uni");
  return d.operands(0) && d.finish(exitThread);
}

bool decodeRet(Decoder &d) {
  d.take("uni");
  bool isFunction = d.owner().bodies[d.owner().current].isFunction();
  return d.operands(0) && d.finish(isFunction ? returnFromFunction : exitThread);
}

/// A value of a call: a variable of the frame, a register, or an immediate (as 8 bytes).
bool addCallValue(Decoder &d, const ptx::Operand &operand, bool isResult, std::vector<Program::CallSite::Value> &into) {
  KernelDecoder &owner = d.owner();
  Program::CallSite::Value &value = into.emplace_back();
  if (operand.kind == ptx::Operand::Sink)
    return isResult || d.fail("an argument is missing");
  if (operand.kind == ptx::Operand::Symbol) {
    auto offset = owner.frameOffset(operand.name);
    if (!offset)
      return d.fail("'" + operand.name + "' is no variable of this body");
    const std::vector<ptx::Variable> &variables = owner.bodies[owner.current].source->variables;
    auto variable = std::ranges::find(variables, operand.name, &ptx::Variable::name);
    value.inMemory = true;
    value.offset = *offset;
    value.bytes = variable == variables.end() ? 8 : static_cast<uint32_t>(variable->bytes);
    return true;
  }
  unsigned bits = d.width(operand);
  Type type = bits == 1 ? Type::Pred : bits == 16 || bits == 8 ? Type::B16 : bits == 32 ? Type::B32 : Type::B64;
  size_t at = owner.pool.size();
  if (!(isResult ? d.write(operand, type, true) : d.read(operand, type, true)))
    return false;
  value.slot = owner.pool[at];
  value.bytes = bits == 1 ? 0 : bits == 0 ? 8 : std::max(bits, 16u) / 8;
  return true;
}

bool decodeCall(Decoder &d) {
  KernelDecoder &owner = d.owner();
  d.take("uni");
  d.rule(Rule::Use);
  if (!d.operands(3, 4))
    return false;
  Program::CallSite site;
  site.frameSlot = owner.bodies[owner.current].frameSlot;
  const ptx::Operand &target = d.operand(1);
  Handler handler = callThroughRegister;
  if (target.kind == ptx::Operand::Symbol) {
    site.function = owner.findFunction(target.name);
    handler = site.function >= 0 ? call : systemCall(target.name);
    if (!handler && (target.name.starts_with("__cudaCDP") || target.name.starts_with("cudaLaunchDevice") ||
                     target.name.starts_with("cudaGetParameterBuffer")))
      return d.fail("dynamic parallelism is not modelled: '" + target.name + "'");
    if (!handler)
      return d.fail("the function '" + target.name + "' is declared, but nobody defines it");
  } else if (!d.read(1, Type::B64)) {
    return false;
  }
  for (const ptx::Operand &operand : d.operand(0).elements)
    if (!addCallValue(d, operand, true, site.results))
      return false;
  for (const ptx::Operand &operand : d.operand(2).elements)
    if (!addCallValue(d, operand, false, site.arguments))
      return false;
  owner.program.usesStack = true;
  owner.program.usesHeap |= target.name == "malloc" || target.name == "free";
  d.out.imm = owner.program.calls.size();
  owner.program.calls.push_back(std::move(site));
  return d.finish(handler);
}

/// op: pointer, size. imm: alignment. The bytes live until the function returns.
template <class T> Step allocate(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    LaneStack &stack = warp.stacks[lane];
    uint64_t base = (uint64_t(stack.top) + i.imm - 1) / i.imm * i.imm, size = warp.reg<T>(i.op[1])[lane];
    if (size > kMostStackBytes || base + size > kMostStackBytes)
      return warp.fail(FaultKind::OutOfBounds, i, lane, "alloca exhausts the stack of the thread");
    uint32_t end = static_cast<uint32_t>(base + size);
    const Gap behind{static_cast<uint32_t>(size), static_cast<uint32_t>(size) + kGapBytes};
    warp.local.grow(end + kGapBytes);
    warp.local.beginFrame(lane, static_cast<uint32_t>(base), behind.end, {&behind, 1});
    stack.top = end + kGapBytes;
    warp.reg<T>(i.op[0])[lane] = static_cast<T>(base);
  }
  return Step::Next;
}

/// 9.7.17.3: alloca.type ptr, size{, alignment}; 8 bytes of alignment if none is given.
bool decodeAlloca(Decoder &d) {
  Type type = d.takeType();
  d.out.imm = 8;
  d.rule(Rule::Use);
  if (!d.operands(2, 3) || (d.operandCount() == 3 && !d.immediate(2, d.out.imm)))
    return false;
  d.owner().program.usesStack = true;
  d.out.imm = std::max<uint64_t>(d.out.imm, 1);
  return d.write(0, type) && d.read(1, type) &&
         d.finish(type == Type::U64   ? allocate<uint64_t>
                  : type == Type::U32 ? allocate<uint32_t>
                                      : nullptr);
}

template <class T> Step saveStack(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) { warp.reg<T>(i.op[0])[lane] = warp.stacks[lane].top; });
  return Step::Next;
}

template <class T> Step restoreStack(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t top = warp.reg<T>(i.op[0])[lane];
    if (top > warp.stacks[lane].top)
      return warp.fail(FaultKind::OutOfBounds, i, lane, "stackrestore of a value that stacksave did not give");
    warp.stacks[lane].top = static_cast<uint32_t>(top);
  }
  return Step::Next;
}

bool decodeStackSave(Decoder &d) {
  Type type = d.takeType();
  d.owner().program.usesStack = true;
  return d.operands(1) && d.write(0, type) && d.finish(bitsOf(type) == 64 ? saveStack<uint64_t> : saveStack<uint32_t>);
}

bool decodeStackRestore(Decoder &d) {
  Type type = d.takeType();
  d.rule(Rule::Use);
  d.owner().program.usesStack = true;
  return d.operands(1) && d.read(0, type) &&
         d.finish(bitsOf(type) == 64 ? restoreStack<uint64_t> : restoreStack<uint32_t>);
}

constexpr Opcode kOpcodes[] = {{"call", decodeCall},           {"ret", decodeRet},
                               {"exit", decodeExit},           {"alloca", decodeAlloca},
                               {"stacksave", decodeStackSave}, {"stackrestore", decodeStackRestore}};

} // namespace

std::span<const Opcode> callOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
