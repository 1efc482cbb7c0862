//===- Sample.cpp - imbrex sample -----------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes arrays to try kernels on: files that `imbrex run` and NumPy read, the same for the same seed.
//
//===----------------------------------------------------------------------===//

#include "compiler/DataType.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/DrawnArray.h"
#include "tools/imbrex/Npy.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

/// FILE.npy=SHAPE[:TYPE] as read.
struct Wanted {
  std::string file;
  std::vector<int64_t> shape;
  DataType type = DataType::F32;
};

} // namespace

static std::string typeNames() {
  std::string names;
  for (unsigned type = 0; type <= unsigned(DataType::F64); ++type)
    names += (type ? ", " : "") + std::string(name(DataType(type)));
  return names;
}

static std::optional<Wanted> readWanted(const std::string &word) {
  constexpr int64_t kMostBytes = int64_t(1) << 34;
  auto [file, rest] = StringRef(word).split('=');
  auto [shapeText, typeText] = rest.split(':');
  std::optional<std::vector<int64_t>> shape = parseShape(shapeText);
  std::optional<DataType> type = rest.contains(':') ? parseDataType(typeText) : DataType::F32;
  std::optional<int64_t> elements = shape ? elementsOf(*shape) : std::nullopt;
  if (!file.ends_with(".npy") || file.size() == StringRef(".npy").size() || !shape)
    llvm::errs() << "error: expected FILE.npy=SHAPE or FILE.npy=SHAPE:TYPE, such as q.npy=2x100x4x64, found '" << word
                 << "'\n";
  else if (!type)
    llvm::errs() << "error: unknown type '" << typeText << "' in '" << word << "'; there are " << typeNames() << "\n";
  else if (!elements || *elements > kMostBytes / int64_t(byteSize(*type)))
    llvm::errs() << "error: '" << word << "' is more than " << (kMostBytes >> 30) << " GiB\n";
  else
    return Wanted{file.str(), std::move(*shape), *type};
  return std::nullopt;
}

int tool::sample(const Request &request) {
  std::vector<std::string> words = {request.file};
  words.insert(words.end(), request.moreFiles.begin(), request.moreFiles.end());
  std::vector<Wanted> wanted;
  for (const std::string &word : words) {
    std::optional<Wanted> one = readWanted(word);
    if (!one)
      return kUserError;
    wanted.push_back(std::move(*one));
  }
  uint64_t seed = request.seed;
  for (const Wanted &one : wanted) {
    // Arrays of one call differ, and each is the same whatever stands behind it.
    seed = seed * 0x9e3779b97f4a7c15u + 1;
    npy::Array array = drawnArray(one.type, one.shape, seed);
    std::string error;
    if (!npy::write(one.file, array, error)) {
      llvm::errs() << one.file << ": error: " << error << "\n";
      return kUserError;
    }
    llvm::outs() << one.file << ": " << StringRef(name(one.type));
    for (size_t i = 0; i < one.shape.size(); ++i)
      llvm::outs() << (i ? "x" : " ") << one.shape[i];
    llvm::outs() << "\n";
  }
  return kSuccess;
}
