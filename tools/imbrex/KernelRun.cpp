//===- KernelRun.cpp - A kernel with arrays on a device -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opening, reading, drawing, allocating.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/KernelRun.h"
#include "compiler/Number.h"
#include "kernels/ShippedKernels.h"
#include "tools/imbrex/DrawnArray.h"
#include "tools/imbrex/StoredArgument.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

bool KernelRun::open() {
  RuntimeOptions options;
  options.device = request.device == "sim" ? "sim:h200" : request.device;
  options.target = request.targetGiven ? request.options.target : "";
  options.cacheDirectory = cacheDirectoryOf(request);
  options.ptxasPath = request.ptxas;
  options.ptxasDirectories = pathDirectories();
  options.packs = request.packs;
  options.compiles = !request.noCompile;
  options.assembles = request.assembles;
  options.imports = shippedImport;
  Result<Runtime> opened = Runtime::open(options);
  if (!opened)
    return fail(opened.error());
  runtime = std::move(*opened);
  const DeviceInfo &device = runtime->device();
  if (!request.json)
    llvm::outs() << "device: " << device.id << " (" << device.name << ")"
                 << (device.simulated ? ", simulated on the CPU: its times are no measure of a GPU" : "") << "\n";
  Result<Module> module = request.shipped ? runtime->loadSource(*request.shipped) : runtime->load(request.file);
  if (!module)
    return fail(module.error());
  Result<Kernel> found = module->kernel(request.options.kernel);
  if (!found)
    return fail(found.error());
  kernel = std::move(*found);
  for (const auto &[name, value] : request.options.set)
    kernel->set(name, value);
  for (const auto &[name, value] : request.options.hooks)
    kernel->hook(name, value);
  kernel->deterministic(request.options.deterministic);
  if (Result<InferredShapes> sound = kernel->infer({}); !sound) // a mistake in a setting or a hook
    return fail(sound.error());
  return true;
}

const Parameter *KernelRun::findParameter(StringRef name) {
  for (const Parameter &parameter : kernel->signature().parameters)
    if (parameter.name == name)
      return &parameter;
  std::string known;
  for (const Parameter &parameter : kernel->signature().parameters)
    known += (known.empty() ? "" : ", ") + parameter.name;
  fail("kernel '" + kernel->signature().name + "' has no parameter '" + name.str() + "'; it has " + known);
  return nullptr;
}

/// The parameter's element type as far as it is known: declared, or by a type parameter that is set.
std::optional<DataType> KernelRun::typeOf(const Parameter &parameter, const InferredShapes &inferred) const {
  StringRef name = baseTypeParameter(parameter.typeParameter);
  if (name.empty())
    return parameter.type;
  std::optional<DataType> type = parseDataType(name);
  if (auto it = inferred.types.find(name.str()); it != inferred.types.end())
    type = it->second;
  if (auto it = request.options.set.find(name.str()); it != request.options.set.end())
    type = it->second.type();
  bool wide = name != parameter.typeParameter;
  return type && wide ? wideType(*type) : type;
}

bool KernelRun::uploadView(const std::string &name, DataType type, std::vector<int64_t> shape,
                           std::vector<char> elements) {
  Result<Buffer> buffer = runtime->allocate(size_t(elementsOf(shape).value_or(0)) * byteSize(type));
  if (!buffer)
    return fail(buffer.error());
  if (!elements.empty())
    if (Result<void> copied = buffer->copyFrom(elements.data(), elements.size()); !copied)
      return fail(copied.error());
  auto [it, inserted] =
      arrays.try_emplace(name, Array{type, std::move(shape), std::move(elements), std::move(*buffer)});
  if (!inserted)
    return fail("'" + name + "' is given twice");
  arguments.emplace_back(it->first, View(it->second.buffer, type, Dims(it->second.shape)));
  return true;
}

/// The element type that a file's own type stands for, where nothing else decides.
static DataType typeOfFile(const npy::Array &array) {
  static const std::map<std::string, DataType> table = {
      {"f2", DataType::F16},  {"f4", DataType::F32}, {"f8", DataType::F64}, {"i1", DataType::I8},
      {"u1", DataType::U8},   {"u4", DataType::U32}, {"i4", DataType::I32}, {"i8", DataType::I64},
      {"b1", DataType::Bool}, {"u2", DataType::BF16}};
  return table.find(array.descr)->second;
}

bool KernelRun::readArray(const Parameter &parameter, const std::string &path) {
  npy::Array array;
  std::string error;
  if (!npy::read(path, array, error))
    return fail(error);
  return addArray(parameter, array, path);
}

bool KernelRun::addArray(const Parameter &parameter, const npy::Array &array, const std::string &from) {
  DataType type = typeOf(parameter).value_or(typeOfFile(array));
  std::vector<char> elements;
  std::string error;
  if (!npy::toElements(array, type, elements, error))
    return fail("argument '" + parameter.name + "' (" + from + "): " + error);
  return uploadView(parameter.name, type, array.shape, std::move(elements));
}

/// Arguments that are stored by sequences: first how, which gives the kernel its parameters, then what.
bool KernelRun::readStored() {
  std::vector<std::pair<StoredArgument, std::string>> stored;
  for (const NameValue &argument : request.arguments) {
    if (!isStoredArgument(argument.value))
      continue;
    const Parameter *parameter = findParameter(argument.name);
    std::string error;
    std::optional<StoredArgument> read =
        parameter ? readStoredArgument(*parameter, argument.value, error) : std::nullopt;
    if (!read)
      return parameter ? fail(error) : false;
    request.options.storage[argument.name] = read->storage;
    kernel->storage(argument.name, read->storage);
    stored.emplace_back(std::move(*read), argument.value);
  }
  if (Result<InferredShapes> sound = kernel->infer({}); !sound)
    return fail(sound.error());
  for (const auto &[argument, text] : stored) {
    for (const auto &[name, array] : argument.arrays)
      if (!addArray(*findParameter(name), array, text))
        return false;
    arrays.find(argument.arrays[0].first)->second.fileShape = argument.fileShape;
    for (const auto &[name, value] : argument.scalars)
      arguments.emplace_back(findParameter(name)->name, value);
  }
  return true;
}

/// Elements of an output that was not written: NaN, or of integers a pattern.
static std::vector<char> unwrittenElements(DataType type, int64_t count) {
  std::vector<char> bytes(size_t(count) * byteSize(type), char(0x5a));
  if (isFloat(type))
    for (int64_t i = 0; i < count; ++i)
      npy::encode(NAN, type, &bytes[size_t(i) * byteSize(type)]);
  return bytes;
}

bool KernelRun::makeArray(const Parameter &parameter, std::vector<int64_t> shape) {
  std::optional<DataType> type = typeOf(parameter);
  std::optional<int64_t> elements = elementsOf(shape);
  if (!type)
    return fail("argument '" + parameter.name + "' is given by its shape: set its type " +
                std::string(baseTypeParameter(parameter.typeParameter)));
  if (!elements)
    return fail("argument '" + parameter.name + "' is too large");
  std::vector<char> drawn = isForShapes ? std::vector<char>() : drawElements(*type, *elements, arrays.size() + 1);
  return uploadView(parameter.name, *type, std::move(shape), std::move(drawn));
}

bool KernelRun::readScalar(const Parameter &parameter, StringRef text) {
  DataType type = typeOf(parameter).value_or(DataType::F32);
  std::optional<int64_t> integer = isFloat(type) ? std::nullopt : readInteger(text);
  std::optional<double> real = isFloat(type) ? readReal(text) : std::nullopt;
  if (type == DataType::Bool && (text == "true" || text == "false"))
    arguments.emplace_back(parameter.name, text == "true");
  else if (integer)
    arguments.emplace_back(parameter.name, *integer);
  else if (real)
    arguments.emplace_back(parameter.name, *real);
  else
    return fail("argument '" + parameter.name + "' must be " + std::string(name(type)) + ", found '" +
                text.take_front(kMaxNumberBytes).str() + "'");
  return true;
}

bool KernelRun::readArguments() {
  if (!readStored())
    return false;
  for (const NameValue &argument : request.arguments) {
    if (isStoredArgument(argument.value))
      continue;
    const Parameter *parameter = findParameter(argument.name);
    if (!parameter)
      return false;
    bool isFile = StringRef(argument.value).ends_with(".npy");
    if (std::optional<std::vector<int64_t>> shape = parseShape(argument.value); parameter->isView && shape) {
      if (!makeArray(*parameter, std::move(*shape)))
        return false;
      continue;
    }
    if (parameter->isView && !isFile)
      return fail("argument '" + argument.name + "' is an array: give a .npy file or a shape such as 2x64x8, not '" +
                  argument.value + "'");
    if (!parameter->isView && isFile)
      return fail("argument '" + argument.name + "' is a number, not an array");
    if (isFile ? !readArray(*parameter, argument.value) : !readScalar(*parameter, argument.value))
      return false;
  }
  return true;
}

std::pair<StringRef, StringRef> tool::splitOutput(StringRef value) {
  auto [shape, file] = value.split(':');
  if (file.ends_with(".npy") && parseShape(shape))
    return {shape, file};
  return value.ends_with(".npy") ? std::pair<StringRef, StringRef>("", value)
                                 : std::pair<StringRef, StringRef>(value, "");
}

/// A shape of so many dimensions, to be shown.
static std::string exampleShape(size_t rank) {
  std::string shape;
  for (size_t dim = 0; dim < rank; ++dim)
    shape += (dim == 0 ? "" : "x") + std::to_string(dim + 1 == rank ? 64 : dim + 2);
  return shape;
}

bool KernelRun::allocateOutput(const Parameter &parameter, const NameValue &output) {
  if (!parameter.isView || !parameter.output)
    return fail("'" + parameter.name + "' is not an output");
  if (parameter.inPlace) {
    if (!arrays.contains(parameter.name))
      return fail("'" + parameter.name + "' is read and written: give what it holds first too, --arg " +
                  parameter.name + "=FILE.npy");
    return splitOutput(output.value).first.empty() ||
           fail("--out " + output.name + ": its shape is that of --arg " + output.name + "; give a file alone");
  }
  std::optional<DataType> type = typeOf(parameter);
  std::optional<std::vector<int64_t>> shape;
  auto [given, file] = splitOutput(output.value);
  if (!given.empty()) {
    shape = parseShape(given);
    if (!shape)
      return fail("--out " + output.name + ": expected FILE.npy, a shape such as 2x64x8, or 2x64x8:FILE.npy, found '" +
                  output.value + "'");
  }
  if (!type || !shape) {
    Result<InferredShapes> inferred = kernel->infer(std::span<const Argument>(arguments));
    if (!inferred)
      return fail(inferred.error());
    type = typeOf(parameter, *inferred);
    auto it = inferred->views.find(output.name);
    if (it == inferred->views.end() && (!type || !shape))
      return fail("the arguments do not determine the shape of '" + output.name + "'; give it: --out " + output.name +
                  "=" + exampleShape(parameter.extents.size()) + ":" + (file.empty() ? "FILE.npy" : file.str()));
    if (it != inferred->views.end()) {
      type = type.value_or(it->second.type);
      shape = shape.value_or(it->second.extents);
    }
  }
  std::optional<int64_t> elements = elementsOf(*shape);
  if (!elements)
    return fail("output '" + output.name + "' is too large");
  std::vector<char> bytes;
  if (!isForShapes)
    bytes = unwrittenElements(*type, *elements);
  return uploadView(output.name, *type, *shape, std::move(bytes));
}

bool KernelRun::allocateOutputs() {
  llvm::StringMap<std::string> writers; // of a file
  for (const NameValue &output : request.outputs) {
    StringRef file = splitOutput(output.value).second;
    if (auto [writer, isNew] = writers.try_emplace(file, output.name); !isNew && !file.empty())
      return fail("--out " + writer->second + " and --out " + output.name + " both go to " + file.str() +
                  ": give each a file of its own");
    const Parameter *parameter = findParameter(output.name);
    if (!parameter || !allocateOutput(*parameter, output))
      return false;
  }
  return true;
}

bool KernelRun::allocateOtherOutputs() {
  for (const Parameter &parameter : kernel->signature().parameters)
    if (parameter.isView && parameter.output && !parameter.optional && !arrays.contains(parameter.name))
      if (!allocateOutput(parameter, {parameter.name, ""}))
        return false;
  return true;
}

void KernelRun::printMessages() const {
  if (runtime)
    for (const std::string &message : runtime->messages())
      llvm::errs() << "note: " << message << "\n";
}

bool KernelRun::fail(const std::string &message) {
  llvm::errs() << "error: " << message << "\n";
  code = kUserError;
  return false;
}

bool KernelRun::fail(const Error &error) {
  llvm::errs() << "error: " << error.render();
  bool launchFailed = error.kind == ErrorKind::Fault || error.kind == ErrorKind::Driver;
  code = launchFailed ? kLaunchFailed : kUserError;
  return false;
}
