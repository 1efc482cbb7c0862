//===- Run.cpp - imbrex run -----------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches a kernel on arrays from files. Outputs start as NaN (or a pattern), so that what a kernel
// does not write shows.
//
//===----------------------------------------------------------------------===//

#include "compiler/Number.h"
#include "runtime/Runtime.h"
#include "tools/imbrex/Check.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cmath>
#include <map>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

/// One run: what it launches on, and what must live until it is over.
class Run {
public:
  explicit Run(const Request &request) : request(request) {}
  int execute();

private:
  bool open();
  bool readArguments();
  bool readArray(const Parameter &parameter, const std::string &path);
  bool readScalar(const Parameter &parameter, StringRef text);
  bool allocateOutputs();
  bool allocateOutput(const Parameter &parameter, const NameValue &output);
  bool uploadView(const std::string &name, DataType type, std::vector<int64_t> shape, std::vector<char> elements);
  bool launch();
  bool writeOutputs();
  bool writeOutput(const NameValue &output);
  const Parameter *findParameter(StringRef name);
  std::optional<DataType> typeOf(const Parameter &parameter) const;

  bool fail(const std::string &message) {
    llvm::errs() << "error: " << message << "\n";
    code = kUserError;
    return false;
  }
  bool fail(const Error &error) {
    llvm::errs() << "error: " << error.render();
    bool launchFailed = error.kind == ErrorKind::Fault || error.kind == ErrorKind::Driver;
    code = launchFailed ? kLaunchFailed : kUserError;
    return false;
  }

  const Request &request;
  int code = kSuccess;
  std::optional<Runtime> runtime;
  std::optional<Kernel> kernel;
  struct Array {
    DataType type;
    std::vector<int64_t> shape;
    std::vector<char> elements;
    Buffer buffer;
  };
  std::map<std::string, Array> arrays; ///< nodes stay where they are: arguments point to the names
  std::vector<Argument> arguments;
};

} // namespace

bool Run::open() {
  RuntimeOptions options;
  options.device = request.device == "sim" ? "sim:h200" : request.device;
  options.target = request.targetGiven ? request.options.target : "";
  options.cacheDirectory = cacheDirectoryOf(request);
  options.ptxasPath = request.ptxas;
  options.ptxasDirectories = pathDirectories();
  Result<Runtime> opened = Runtime::open(options);
  if (!opened)
    return fail(opened.error());
  runtime = std::move(*opened);
  const DeviceInfo &device = runtime->device();
  llvm::outs() << "device: " << device.id << " (" << device.name << ")"
               << (device.simulated ? ", simulated on the CPU: its times are no measure of a GPU" : "") << "\n";
  Result<Module> module = runtime->load(request.file);
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
  return true;
}

const Parameter *Run::findParameter(StringRef name) {
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
std::optional<DataType> Run::typeOf(const Parameter &parameter) const {
  StringRef name = baseTypeParameter(parameter.typeParameter);
  if (name.empty())
    return parameter.type;
  std::optional<DataType> type = parseDataType(name);
  if (auto it = request.options.set.find(name.str()); it != request.options.set.end())
    type = it->second.type();
  bool wide = name != parameter.typeParameter;
  return type && wide ? wideType(*type) : type;
}

bool Run::uploadView(const std::string &name, DataType type, std::vector<int64_t> shape, std::vector<char> elements) {
  Result<Buffer> buffer = runtime->allocate(elements.size());
  if (!buffer)
    return fail(buffer.error());
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

bool Run::readArray(const Parameter &parameter, const std::string &path) {
  npy::Array array;
  std::string error;
  if (!npy::read(path, array, error))
    return fail(error);
  DataType type = typeOf(parameter).value_or(typeOfFile(array));
  std::vector<char> elements;
  if (!npy::toElements(array, type, elements, error))
    return fail("argument '" + parameter.name + "' (" + path + "): " + error);
  return uploadView(parameter.name, type, array.shape, std::move(elements));
}

bool Run::readScalar(const Parameter &parameter, StringRef text) {
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

bool Run::readArguments() {
  for (const NameValue &argument : request.arguments) {
    const Parameter *parameter = findParameter(argument.name);
    if (!parameter)
      return false;
    bool isFile = StringRef(argument.value).ends_with(".npy");
    if (parameter->isView && !isFile)
      return fail("argument '" + argument.name + "' is an array: give a .npy file, not '" + argument.value + "'");
    if (!parameter->isView && isFile)
      return fail("argument '" + argument.name + "' is a number, not an array");
    if (isFile ? !readArray(*parameter, argument.value) : !readScalar(*parameter, argument.value))
      return false;
  }
  return true;
}

/// "2x64x8" as extents.
static std::optional<std::vector<int64_t>> parseShape(StringRef text) {
  std::vector<int64_t> shape;
  llvm::SmallVector<StringRef> parts;
  text.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t extent;
    if (part.getAsInteger(10, extent) || extent < 0)
      return std::nullopt;
    shape.push_back(extent);
  }
  return shape;
}

/// The shape and the file of "2x64x8:FILE.npy"; either may be left out.
static std::pair<StringRef, StringRef> splitOutput(StringRef value) {
  auto [shape, file] = value.split(':');
  if (file.ends_with(".npy") && parseShape(shape))
    return {shape, file};
  return value.ends_with(".npy") ? std::pair<StringRef, StringRef>("", value)
                                 : std::pair<StringRef, StringRef>(value, "");
}

bool Run::allocateOutput(const Parameter &parameter, const NameValue &output) {
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
    auto it = inferred->views.find(output.name);
    if (it == inferred->views.end())
      return fail("the arguments do not determine the shape of '" + output.name + "'; give it: --out " + output.name +
                  "=2x64x8:" + (file.empty() ? "FILE.npy" : file.str()));
    type = type.value_or(it->second.type);
    shape = shape.value_or(it->second.extents);
  }
  int64_t elements = 1;
  for (int64_t extent : *shape)
    if (__builtin_mul_overflow(elements, extent, &elements) || elements > (int64_t(1) << 40))
      return fail("output '" + output.name + "' is too large");
  std::vector<char> bytes(elements * byteSize(*type), char(0x5a)); // integers: a pattern
  if (isFloat(*type))
    for (int64_t i = 0; i < elements; ++i)
      npy::encode(NAN, *type, &bytes[i * byteSize(*type)]);
  return uploadView(output.name, *type, *shape, std::move(bytes));
}

bool Run::allocateOutputs() {
  for (const NameValue &output : request.outputs) {
    const Parameter *parameter = findParameter(output.name);
    if (!parameter || !allocateOutput(*parameter, output))
      return false;
  }
  return true;
}

bool Run::launch() {
  Result<KernelInfo> info = kernel->prepare(std::span<const Argument>(arguments));
  if (!info)
    return fail(info.error());
  auto begin = std::chrono::steady_clock::now();
  if (Result<void> launched = kernel->launch(runtime->stream(), std::span<const Argument>(arguments)); !launched)
    return fail(launched.error());
  if (Result<void> done = runtime->stream().synchronize(); !done)
    return fail(done.error());
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  if (request.timings)
    llvm::outs() << llvm::formatv("{0}: {1:F1} ms\n",
                                  runtime->device().simulated ? "wall time of the simulation" : "launch and wait",
                                  elapsed.count());
  if (!request.check)
    return true;
  std::vector<CheckedArray> checked;
  for (auto &[name, array] : arrays)
    checked.push_back({name, array.type, array.shape, array.elements, {}});
  for (auto &[name, array] : arrays)
    if (Result<void> copied = array.buffer.copyTo(array.elements.data(), array.elements.size()); !copied)
      return fail(copied.error());
  for (CheckedArray &array : checked)
    array.result = arrays.find(array.name)->second.elements;
  std::string report;
  bool ok = checkAgainstInterpreter(request, info->interface, arguments, checked, report);
  llvm::outs() << report;
  if (!ok)
    code = kLaunchFailed;
  return true; // what was computed is written, right or wrong
}

bool Run::writeOutput(const NameValue &output) {
  Array &array = arrays.find(output.name)->second;
  if (Result<void> copied = array.buffer.copyTo(array.elements.data(), array.elements.size()); !copied)
    return fail(copied.error());
  npy::Array file = npy::fromElements(array.elements, array.type, array.shape);
  std::string error;
  std::string path = splitOutput(output.value).second.str();
  if (!path.empty() && !npy::write(path, file, error))
    return fail(error);
  std::string shape;
  for (int64_t extent : array.shape)
    shape += (shape.empty() ? "" : "x") + std::to_string(extent);
  llvm::outs() << output.name << ": " << std::string(name(array.type)) << " " << shape
               << (path.empty() ? "" : " -> " + path) << "\n";
  return true;
}

bool Run::writeOutputs() {
  for (const NameValue &output : request.outputs)
    if (!writeOutput(output))
      return false;
  return true;
}

int Run::execute() {
  if (open() && readArguments() && allocateOutputs() && launch())
    writeOutputs();
  if (runtime)
    for (const std::string &message : runtime->messages())
      llvm::errs() << "note: " << message << "\n";
  return code;
}

int tool::run(const Request &request) { return Run(request).execute(); }
