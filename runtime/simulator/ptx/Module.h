//===- Module.h - A parsed PTX module ---------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a PTX text says, before any opcode is looked at: variables, kernels, and instructions as an
// opcode word, its modifiers and its operands. Register names are already resolved to numbers
// (nested scopes included). Plain data, owned by value.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_MODULE_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_MODULE_H

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace imbrex::simulator::ptx {

enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const, SharedCluster };

/// The linkage directive of a name (PTX ISA, 11.6); Internal without one.
enum class Linkage : uint8_t { Internal, Visible, Weak, Common, External };

/// A place in the kernel author's source, from `.file` and the last `.loc`; line 0 where there is none.
struct SourcePlace {
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t column = 0;
};

struct Operand {
  enum Kind : uint8_t { Register, Integer, Single, Double, Special, Symbol, Address, Vector, Pair, Sink };
  Kind kind = Sink;
  bool negated = false;          ///< "!%p"; "-%r" of a video instruction.
  bool baseIsRegister = false;   ///< Address: base is `number`, else the symbol `name` (or neither).
  int number = -1;               ///< Register: index into Kernel::registers.
  uint64_t bits = 0;             ///< Integer: two's complement; Single/Double: IEEE bits.
  int64_t offset = 0;            ///< Address and Symbol: bytes added.
  std::string name;              ///< Special ("%tid.x"), Symbol or label.
  std::string selector;          ///< Register of a video instruction: "b0" of "%r.b0".
  std::vector<Operand> elements; ///< Vector "{a, b}"; Pair "a|b".
};

struct Instruction {
  std::string opcode;                 ///< First word, "ld" of "ld.global.f32".
  std::vector<std::string> modifiers; ///< The other words in order: "global", "f32".
  std::vector<Operand> operands;      ///< Of a call: results, target, arguments, then what it may reach.
  int guard = -1;                     ///< Predicate register of "@%p", or -1.
  bool guardNegated = false;
  uint32_t line = 0;
  SourcePlace place;
};

struct Register {
  std::string name;
  unsigned bits = 0; ///< 1 (predicate), 8, 16, 32, 64 or 128.
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  uint64_t align = 1;
  uint64_t bytes = 0;
  Linkage linkage = Linkage::Internal; ///< External: for .shared, the dynamic part.
  int registerNumber = -1;             ///< A parameter in a register (`.reg`): index into Kernel::registers.
  unsigned registerBits = 0;           ///< Its width; 1 for a predicate.
  uint32_t line = 0;
  std::vector<uint8_t> initial; ///< Shorter than `bytes`: the rest is zero.
  std::vector<std::pair<uint64_t, std::string>>
      relocations; ///< Offset of 8 bytes to which a symbol's address is added.
};

/// What a kernel says about clusters (PTX ISA, 11.6).
struct ClusterDirectives {
  bool isExplicit = false;          ///< .explicitcluster: must be launched as one.
  uint32_t required[3] = {0, 0, 0}; ///< .reqnctapercluster; 0 where absent.
  uint32_t most = 0;                ///< .maxclusterrank; 0 where absent.
};

/// An `.entry`, or a `.func` where `isFunction`.
struct Kernel {
  std::string name;
  uint32_t line = 0;
  Linkage linkage = Linkage::Internal;
  bool isFunction = false;
  bool declaredOnly = false;     ///< A `.func` without a body.
  std::string refused;           ///< Not empty: why it cannot be run ("PTX line N: ..."). The body is empty then.
  std::vector<Variable> params;  ///< In order; the host passes one pointer for each of an entry.
  std::vector<Variable> results; ///< What a function returns.
  std::vector<Register> registers;
  std::vector<Variable> variables; ///< .shared, .local and .param of this body.
  std::vector<Instruction> body;
  std::map<std::string, uint32_t> labels;                        ///< Index into body (may be body.size()).
  std::map<std::string, std::vector<std::string>> branchTargets; ///< Labels of each `.branchtargets`.
  uint32_t maxThreads[3] = {0, 0, 0};                            ///< .maxntid; 0 where absent.
  uint32_t requiredThreads[3] = {0, 0, 0};
  uint32_t minBlocks = 0, maxRegisters = 0; ///< .minnctapersm and .maxnreg; 0 where absent.
  ClusterDirectives cluster;
};

struct Module {
  unsigned version = 0;     ///< 10 * major + minor.
  std::string target;       ///< "sm_90a".
  unsigned addressSize = 0; ///< 64 (32 is refused).
  std::map<uint32_t, std::string> files;
  std::vector<Variable> variables;
  std::vector<Kernel> kernels;                ///< Entries and functions.
  std::map<std::string, std::string> aliases; ///< `.alias` name to function.
};

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_MODULE_H
