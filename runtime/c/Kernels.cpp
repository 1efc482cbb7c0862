//===- Kernels.cpp - Modules and kernels of the C interface ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading, finding and setting kernels. Launch.cpp runs them.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Types.h"

using namespace imbrex;
using namespace imbrex::c;

/// Puts a new module's handle into *module.
static Result<void> giveModule(const imbrex_runtime *runtime, Result<Module> loaded, imbrex_module **module) {
  return give(module, std::move(loaded), [&](Module made) {
    std::vector<std::string> kernels = made.kernels();
    return new imbrex_module{runtime->runtime, std::move(made), std::move(kernels)};
  });
}

imbrex_status imbrex_module_load(const imbrex_runtime *runtime, const char *path, imbrex_module **module,
                                 imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {path, "path"}, {module, "module"}},
                [&] { return giveModule(runtime, runtime->runtime->load(path), module); });
}

imbrex_status imbrex_module_load_source(const imbrex_runtime *runtime, const char *name, const char *text, size_t bytes,
                                        imbrex_module **module, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {name, "name"}, {module, "module"}}, [&]() -> Result<void> {
    if (!text && bytes > 0)
      return argumentError("'text' is null, but 'bytes' is " + std::to_string(bytes));
    std::string source = text ? std::string(text, bytes) : std::string();
    return giveModule(runtime, runtime->runtime->loadSource({validText(name), std::move(source)}), module);
  });
}

size_t imbrex_module_kernel_count(const imbrex_module *module) { return module ? module->kernels.size() : 0; }

const char *imbrex_module_kernel_name(const imbrex_module *module, size_t index) {
  return module && index < module->kernels.size() ? module->kernels[index].c_str() : nullptr;
}

void imbrex_module_free(imbrex_module *module) { delete module; }

imbrex_status imbrex_module_kernel(const imbrex_module *module, const char *name, imbrex_kernel **kernel,
                                   imbrex_error **error) {
  return answer(error, {{module, "module"}, {kernel, "kernel"}}, [&] {
    return give(kernel, module->module.kernel(orEmpty(name)),
                [&](Kernel found) { return new imbrex_kernel{module->runtime, std::move(found)}; });
  });
}

imbrex_status imbrex_kernel_copy(const imbrex_kernel *kernel, imbrex_kernel **copy, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {copy, "copy"}}, [&]() -> Result<void> {
    *copy = new imbrex_kernel(*kernel);
    return {};
  });
}

imbrex_status imbrex_kernel_set_type(imbrex_kernel *kernel, const char *name, int32_t type, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {name, "name"}}, [&]() -> Result<void> {
    std::optional<DataType> known = typeOf(type);
    if (!known)
      return argumentError("'type' is " + std::to_string(type) + ", which is no imbrex_type");
    kernel->kernel.set(name, *known);
    return {};
  });
}

imbrex_status imbrex_kernel_set_integer(imbrex_kernel *kernel, const char *name, int64_t value, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {name, "name"}}, [&]() -> Result<void> {
    kernel->kernel.set(name, value);
    return {};
  });
}

imbrex_status imbrex_kernel_set_text(imbrex_kernel *kernel, const char *name, const char *value, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {name, "name"}, {value, "value"}}, [&]() -> Result<void> {
    kernel->kernel.set(name, std::string_view(value));
    return {};
  });
}

imbrex_status imbrex_kernel_hook(imbrex_kernel *kernel, const char *name, const char *function, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {name, "name"}, {function, "function"}}, [&]() -> Result<void> {
    kernel->kernel.hook(name, function);
    return {};
  });
}

imbrex_status imbrex_kernel_storage(imbrex_kernel *kernel, const char *view, const char *storage,
                                    imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {view, "view"}, {storage, "storage"}}, [&]() -> Result<void> {
    std::optional<Storage> known = Storage::parse(storage);
    if (!known)
      return Error{ErrorKind::Argument,
                   "'storage' is '" + std::string(storage) + "': padded, ragged, paged:ROWS or scaled(STORAGE,TYPE)"};
    kernel->kernel.storage(view, *known);
    return {};
  });
}

imbrex_status imbrex_kernel_set_deterministic(imbrex_kernel *kernel, uint32_t asked, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}}, [&]() -> Result<void> {
    kernel->kernel.deterministic(asked != 0);
    return {};
  });
}

imbrex_status imbrex_kernel_set_programmatic(imbrex_kernel *kernel, uint32_t asked, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}}, [&]() -> Result<void> {
    kernel->kernel.programmatic(asked != 0);
    return {};
  });
}

imbrex_status imbrex_kernel_signature(const imbrex_kernel *kernel, char **json, imbrex_error **error) {
  return answer(error, {{kernel, "kernel"}, {json, "json"}}, [&]() -> Result<void> {
    *json = copyText(kernel->kernel.signature().toJson());
    return {};
  });
}

void imbrex_kernel_free(imbrex_kernel *kernel) { delete kernel; }
