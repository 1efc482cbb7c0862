//===- KernelRun.h - A kernel with arrays on a device --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `run` and `tune` share: a device and a kernel opened as the command line says, its arguments read from files,
// from numbers, or for arrays from a shape alone (random numbers, the same in every run), its outputs allocated. What
// fails is printed, and `code` is the exit code. Outputs start as NaN (or a pattern), so that what a kernel does not
// write shows.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_KERNELRUN_H
#define IMBREX_TOOLS_IMBREX_KERNELRUN_H

#include "runtime/Runtime.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/Npy.h"
#include "llvm/ADT/StringRef.h"
#include <map>

namespace imbrex::tool {

class KernelRun {
public:
  explicit KernelRun(const Request &request) : request(request) {}

  bool open();
  bool readArguments();
  /// Those that --out names.
  bool allocateOutputs();
  /// The others that a launch needs, as the arguments' shapes imply.
  bool allocateOtherOutputs();
  /// Prints what the runtime has to say besides.
  void printMessages() const;

  bool fail(const std::string &message);
  bool fail(const Error &error);

  bool isForShapes = false; ///< nothing is launched: arrays of which a shape is given hold nothing
  Request request;          ///< with the storage that the arguments have
  int code = kSuccess;
  std::optional<Runtime> runtime;
  std::optional<Kernel> kernel;
  struct Array {
    DataType type;
    std::vector<int64_t> shape;
    std::vector<char> elements; ///< none of those that hold nothing
    Buffer buffer;
    std::vector<int64_t> fileShape = {}; ///< where the file's is another: a pool's pages and their rows
  };
  std::map<std::string, Array> arrays; ///< nodes stay where they are: arguments point to the names
  std::vector<Argument> arguments;

private:
  bool readStored();
  bool readArray(const Parameter &parameter, const std::string &path);
  bool addArray(const Parameter &parameter, const npy::Array &array, const std::string &from);
  bool makeArray(const Parameter &parameter, std::vector<int64_t> shape);
  bool readScalar(const Parameter &parameter, llvm::StringRef text);
  bool allocateOutput(const Parameter &parameter, const NameValue &output);
  bool uploadView(const std::string &name, DataType type, std::vector<int64_t> shape, std::vector<char> elements);
  const Parameter *findParameter(llvm::StringRef name);
  /// What it is of, by `set` and by what the arguments determine; nullopt where neither says so.
  std::optional<DataType> typeOf(const Parameter &parameter, const InferredShapes &inferred = {}) const;
};

/// The shape and the file of "2x64x8:FILE.npy"; either may be left out.
std::pair<llvm::StringRef, llvm::StringRef> splitOutput(llvm::StringRef value);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_KERNELRUN_H
