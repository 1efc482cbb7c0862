//===- DriverModule.cpp - Modules and functions of the simulated driver ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading PTX: target checks, module variables, decoding of every kernel.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Driver.h"
#include "runtime/simulator/exec/Decoder.h"
#include "runtime/simulator/ptx/Link.h"
#include "runtime/simulator/ptx/Parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace imbrex::simulator {

using namespace cuda;

namespace {

/// Whether PTX for `target` ("sm_90", "sm_90a", "sm_100f") runs on the device. "a" code runs on exactly its
/// own capability, "f" code on its major version, other code on its own and later ones.
bool acceptsTarget(const DeviceLimits &device, std::string_view target) {
  if (target.substr(0, 3) != "sm_")
    return false;
  unsigned wanted = 0, have = device.major * 10 + device.minor;
  auto [end, status] = std::from_chars(target.data() + 3, target.data() + target.size(), wanted);
  std::string_view suffix(end, static_cast<size_t>(target.data() + target.size() - end));
  if (status != std::errc())
    return false;
  if (suffix == "a")
    return wanted == have;
  if (suffix == "f")
    return wanted / 10 == device.major && wanted <= have;
  return suffix.empty() && wanted <= have;
}

/// Places the module's variables and fills them; addresses into `symbols`.
bool placeVariables(const ptx::Module &module, GlobalMemory &memory, LoadedModule &loaded,
                    std::map<std::string, SymbolAddress> &symbols, std::string &log) {
  std::vector<std::pair<const ptx::Variable *, Allocation *>> placed;
  for (const ptx::Variable &variable : module.variables) {
    if (variable.space == ptx::Space::Shared)
      continue;
    if (variable.linkage == ptx::Linkage::External) {
      log = "PTX line " + std::to_string(variable.line) + ": unresolved external variable '" + variable.name + "'";
      return false;
    }
    Allocation *allocation = memory.allocate(std::max<uint64_t>(variable.bytes, 1));
    if (!allocation) {
      log = "PTX line " + std::to_string(variable.line) + ": no memory for variable '" + variable.name + "'";
      return false;
    }
    loaded.allocations.push_back(allocation->base);
    symbols[variable.name] = {variable.space, allocation->base};
    loaded.variables[variable.name] = {allocation->base, variable.bytes};
    placed.emplace_back(&variable, allocation);
  }
  for (auto [variable, allocation] : placed) {
    if (!variable->initial.empty())
      std::memcpy(allocation->bytes, variable->initial.data(), variable->initial.size());
    for (const auto &[offset, name] : variable->relocations) {
      auto target = symbols.find(name);
      if (target == symbols.end()) {
        log = "PTX line " + std::to_string(variable->line) + ": unknown name '" + name + "' in an initialiser";
        return false;
      }
      uint64_t address; // So far what the initialiser adds to it.
      std::memcpy(&address, allocation->bytes + offset, 8);
      address += target->second.address;
      std::memcpy(allocation->bytes + offset, &address, 8);
    }
    GlobalMemory::markRange(*allocation, 0, allocation->size);
    allocation->readOnly = variable->space == ptx::Space::Const;
  }
  return true;
}

} // namespace

std::optional<ptx::Module> Driver::readModules(const std::vector<std::string> &texts, SourceText &source,
                                               std::string &log) const {
  std::vector<ptx::Module> modules;
  for (const std::string &text : texts) {
    auto linesBefore = static_cast<uint32_t>(std::ranges::count(source.text, '\n'));
    source.text += text;
    if (text.empty() || text.back() != '\n')
      source.text += '\n';
    auto module = ptx::parseModule(text, log, linesBefore);
    if (!module)
      return std::nullopt;
    if (!acceptsTarget(limits, module->target)) {
      log = "PTX for .target " + module->target + " does not run on " + std::string(limits.name) + " (sm_" +
            std::to_string(limits.major * 10 + limits.minor) + ")";
      return std::nullopt;
    }
    modules.push_back(std::move(*module));
  }
  return modules.size() == 1 ? std::move(modules[0]) : ptx::linkModules(std::move(modules), log);
}

CUresult Driver::loadModule(CUmodule *out, const std::vector<std::string> &texts, std::string &log) {
  if (!out || texts.empty())
    return CUDA_ERROR_INVALID_VALUE;
  auto source = std::make_shared<SourceText>();
  std::optional<ptx::Module> module = readModules(texts, *source, log);
  if (!module)
    return CUDA_ERROR_INVALID_PTX;
  source->files = module->files;
  LoadedModule loaded;
  std::map<std::string, SymbolAddress> symbols;
  for (size_t i = 0; i < module->kernels.size(); ++i)
    if (module->kernels[i].isFunction && !module->kernels[i].declaredOnly)
      symbols[module->kernels[i].name] = {Space::Global, kFunctionBase + i * kFunctionStep};
  bool good = placeVariables(*module, *memory, loaded, symbols, log);
  for (const ptx::Kernel &kernel : module->kernels) {
    if (!good || kernel.isFunction)
      continue;
    std::string reason = kernel.refused;
    if (auto program = reason.empty() ? decodeKernel(*module, kernel, symbols, source, reason) : nullptr)
      loaded.kernels.push_back(std::move(program));
    else
      loaded.refused[kernel.name] = std::move(reason);
  }
  if (!good) {
    for (uint64_t base : loaded.allocations)
      memory->release(base);
    return CUDA_ERROR_INVALID_PTX;
  }
  uint64_t handle = nextHandle++;
  modules.emplace(handle, std::move(loaded));
  *out = toHandle<CUmodule>(handle);
  return CUDA_SUCCESS;
}

CUresult Driver::unloadModule(CUmodule handle) {
  auto found = modules.find(toNumber(handle));
  if (found == modules.end())
    return CUDA_ERROR_INVALID_HANDLE;
  for (uint64_t base : found->second.allocations)
    memory->release(base);
  std::erase_if(functions, [&](const auto &entry) { return entry.second.module == found->first; });
  modules.erase(found);
  return CUDA_SUCCESS;
}

CUresult Driver::getFunction(CUfunction *out, CUmodule handle, const char *name) {
  auto found = modules.find(toNumber(handle));
  if (found == modules.end())
    return CUDA_ERROR_INVALID_HANDLE;
  if (!out || !name)
    return CUDA_ERROR_INVALID_VALUE;
  for (const auto &program : found->second.kernels) {
    if (program->name != name)
      continue;
    for (const auto &[number, function] : functions)
      if (function.program == program) {
        *out = toHandle<CUfunction>(number);
        return CUDA_SUCCESS;
      }
    uint64_t number = nextHandle++;
    uint32_t room = kDefaultSharedPerBlock - std::min(kDefaultSharedPerBlock, program->staticSharedBytes);
    functions[number] = LoadedFunction{found->first, program, room};
    *out = toHandle<CUfunction>(number);
    return CUDA_SUCCESS;
  }
  auto refused = found->second.refused.find(name);
  if (refused == found->second.refused.end())
    return CUDA_ERROR_NOT_FOUND;
  report = "simulated device: kernel '" + refused->first + "' cannot be run: " + refused->second;
  return CUDA_ERROR_INVALID_PTX;
}

CUresult Driver::getGlobal(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
  auto found = modules.find(toNumber(handle));
  if (found == modules.end())
    return CUDA_ERROR_INVALID_HANDLE;
  if (!name)
    return CUDA_ERROR_INVALID_VALUE;
  auto variable = found->second.variables.find(name);
  if (variable == found->second.variables.end())
    return CUDA_ERROR_NOT_FOUND;
  if (address)
    *address = variable->second.first;
  if (bytes)
    *bytes = variable->second.second;
  return CUDA_SUCCESS;
}

CUresult Driver::getAttribute(int *value, int attribute, CUfunction handle) {
  auto found = functions.find(toNumber(handle));
  if (found == functions.end())
    return CUDA_ERROR_INVALID_HANDLE;
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  const Program &program = *found->second.program;
  uint32_t most = program.maxThreads[0] * program.maxThreads[1] * program.maxThreads[2];
  uint32_t required = program.requiredThreads[0] * program.requiredThreads[1] * program.requiredThreads[2];
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    *value = static_cast<int>(required ? required : most ? std::min(most, kMaxThreadsPerBlock) : kMaxThreadsPerBlock);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    *value = static_cast<int>(program.staticSharedBytes);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
    *value = static_cast<int>(program.constBytes);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    *value = static_cast<int>(program.localBytes);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_NUM_REGS:
    *value = static_cast<int>(std::min(program.registerCount, 255u));
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    *value = static_cast<int>(found->second.maxDynamicShared);
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult Driver::setAttribute(CUfunction handle, int attribute, int value) {
  auto found = functions.find(toNumber(handle));
  if (found == functions.end())
    return CUDA_ERROR_INVALID_HANDLE;
  uint64_t room = limits.sharedPerBlock - std::min(limits.sharedPerBlock, found->second.program->staticSharedBytes);
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || static_cast<uint64_t>(value) > room)
    return CUDA_ERROR_INVALID_VALUE;
  found->second.maxDynamicShared = static_cast<uint32_t>(value);
  return CUDA_SUCCESS;
}

} // namespace imbrex::simulator
