//===- TypedKernel.cpp - Headers made from kernels ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing a header, and the check of its interface when it is used.
//
//===----------------------------------------------------------------------===//

#include "runtime/TypedKernel.h"
#include "runtime/CacheEntry.h"
#include <algorithm>
#include <cctype>

using namespace imbrex;

std::string typed::interfaceHash(const KernelSignature &signature) { return sha256Hex(signature.toJson()); }

Result<Kernel> typed::load(const Runtime &runtime, const Source &source, std::string_view kernel,
                           std::string_view hash) {
  Result<Module> module = runtime.loadSource(source);
  if (!module)
    return module.takeError();
  Result<Kernel> found = module->kernel(kernel);
  if (found && interfaceHash(found->signature()) != hash)
    return Error{ErrorKind::Argument, "kernel '" + std::string(kernel) + "' of " + source.name +
                                          " has another interface than its header was made for: make it anew with "
                                          "imbrex header"};
  return found;
}

/// `vector_add` of "some/vector_add.tile", as a name of C++.
static std::string stemOf(std::string_view path) {
  std::string stem(path.substr(path.rfind('/') + 1));
  stem = stem.substr(0, stem.find('.'));
  for (char &letter : stem)
    if (!std::isalnum(static_cast<unsigned char>(letter)))
      letter = '_';
  return stem.empty() || std::isdigit(static_cast<unsigned char>(stem[0])) ? "kernels_" + stem : stem;
}

/// A parameter's name as a member's: words of C++ get an underscore.
static std::string memberOf(const std::string &name) {
  static constexpr std::string_view kWords[] = {
      "alignas",  "alignof", "and",      "asm",       "auto",     "bool",     "break",     "case",   "catch",
      "char",     "class",   "const",    "concept",   "continue", "default",  "delete",    "do",     "double",
      "else",     "enum",    "explicit", "export",    "extern",   "false",    "float",     "for",    "friend",
      "goto",     "if",      "inline",   "int",       "long",     "mutable",  "namespace", "new",    "not",
      "operator", "or",      "private",  "protected", "public",   "register", "requires",  "return", "short",
      "signed",   "sizeof",  "static",   "struct",    "switch",   "template", "this",      "throw",  "true",
      "try",      "typedef", "typename", "union",     "unsigned", "using",    "virtual",   "void",   "volatile",
      "while",    "xor"};
  return std::find(std::begin(kWords), std::end(kWords), name) == std::end(kWords) ? name : name + "_";
}

/// "VectorAdd" of "vector_add".
static std::string classOf(std::string_view kernel) {
  std::string result;
  bool isFirst = true;
  for (char letter : kernel) {
    if (letter != '_')
      result += isFirst ? char(std::toupper(static_cast<unsigned char>(letter))) : letter;
    isFirst = letter == '_';
  }
  return result;
}

/// The enumerator of a type, and what a host gives for a scalar of it.
static std::pair<std::string, std::string> spellingsOf(DataType type) {
  switch (type) {
  case DataType::Bool:
    return {"Bool", "bool"};
  case DataType::I8:
    return {"I8", "int8_t"};
  case DataType::I32:
    return {"I32", "int32_t"};
  case DataType::I64:
    return {"I64", "int64_t"};
  case DataType::U8:
    return {"U8", "uint8_t"};
  case DataType::U32:
    return {"U32", "uint32_t"};
  case DataType::F8E4M3:
    return {"F8E4M3", "float"};
  case DataType::F8E5M2:
    return {"F8E5M2", "float"};
  case DataType::F16:
    return {"F16", "float"};
  case DataType::BF16:
    return {"BF16", "float"};
  case DataType::F32:
    return {"F32", "float"};
  case DataType::F64:
    return {"F64", "double"};
  }
  return {"F32", "float"};
}

static std::string typeOf(const Parameter &parameter) {
  bool isFixed = parameter.typeParameter.empty();
  auto [enumerator, scalar] = spellingsOf(parameter.type);
  std::string value = isFixed ? scalar : "double"; // a type parameter's: what fits is told at the launch
  std::string array = "imbrex::typed::Array<" + std::to_string(parameter.extents.size()) +
                      (isFixed ? ", imbrex::DataType::" + enumerator : "") + ">";
  if (parameter.optional)
    return "std::optional<" + (parameter.isView ? array : value) + ">";
  return parameter.isView ? array : "imbrex::typed::Given<" + value + ">";
}

static std::string argumentOf(const Parameter &parameter) {
  std::string member = "arguments." + memberOf(parameter.name), content = member;
  if (parameter.isView)
    content += parameter.optional ? "->view()" : ".view()";
  else
    content = parameter.optional ? "*" + member : member + ".value";
  return "imbrex::Argument(\"" + parameter.name + "\", " + content + ")";
}

/// Declarations as the text has them: "X: view<T>[N]", "scale: wide<T>".
static std::string commentOf(const Parameter &parameter) {
  std::string type = parameter.typeParameter.empty() ? std::string(name(parameter.type)) : parameter.typeParameter;
  if (!parameter.isView)
    return type;
  std::string extents;
  for (const Expression &extent : parameter.extents)
    extents += (extents.empty() ? "" : ", ") + extent.infix();
  return std::string(parameter.inPlace  ? "var "
                     : parameter.output ? "out "
                                        : "") +
         "view<" + type + ">[" + extents + "]";
}

/// How the arguments become a list: those that must be given, then the optional ones that are.
static std::string listOf(const KernelSignature &kernel) {
  std::string items, others;
  size_t required = 0;
  for (const Parameter &parameter : kernel.parameters)
    if (!parameter.optional) {
      items += (items.empty() ? "" : ",") + std::string("\n        ") + argumentOf(parameter);
      ++required;
    }
  for (const Parameter &parameter : kernel.parameters)
    if (parameter.optional) {
      items += (items.empty() ? "" : ",") + std::string("\n        imbrex::Argument(\"\", 0)");
      others +=
          "    if (arguments." + memberOf(parameter.name) + ")\n      list[count++] = " + argumentOf(parameter) + ";\n";
    }
  return "    imbrex::Argument list[] = {" + items + "};\n    size_t count = " + std::to_string(required) + ";\n" +
         others;
}

/// A kernel's class, with words in capitals where it differs from another one's. `with` stands before its uses: its
/// type is deduced.
static constexpr std::string_view kClass = R"(class NAME {
public:
  struct Arguments {
MEMBERS  };

private:
  explicit NAME(imbrex::Kernel kernel) : kernel(std::move(kernel)) {}
  template <typename Use> static auto with(const Arguments &arguments, const Use &use) {
LIST    return use(std::span<const imbrex::Argument>(list, count));
  }

public:
  static imbrex::Result<NAME> load(const imbrex::Runtime &runtime) {
    imbrex::Result<imbrex::Kernel> kernel = imbrex::typed::load(runtime, source(), "KERNEL",
        "HASH");
    return kernel ? imbrex::Result<NAME>(NAME(std::move(*kernel))) : kernel.takeError();
  }
  imbrex::Result<void> launch(const imbrex::Stream &stream, const Arguments &arguments) const {
    return with(arguments, [&](imbrex::Arguments list) { return kernel.launch(stream, list); });
  }
  imbrex::Result<imbrex::BoundKernel> bind(const Arguments &arguments) const {
    return with(arguments, [&](imbrex::Arguments list) { return kernel.bind(list); });
  }

  imbrex::Kernel kernel; ///< to set parameters and hooks, to tune, to ask
};
)";

static std::string classText(const KernelSignature &kernel) {
  std::string members;
  for (const Parameter &parameter : kernel.parameters)
    members += "    " + typeOf(parameter) + " " + memberOf(parameter.name) + (parameter.optional ? " = {}" : "") +
               "; ///< " + commentOf(parameter) + "\n";
  const std::pair<std::string_view, std::string> words[] = {{"NAME", classOf(kernel.name)},
                                                            {"MEMBERS", members},
                                                            {"LIST", listOf(kernel)},
                                                            {"KERNEL", kernel.name},
                                                            {"HASH", typed::interfaceHash(kernel)}};
  std::string text;
  for (size_t at = 0; at < kClass.size();) {
    auto word = std::find_if(std::begin(words), std::end(words),
                             [&](const auto &each) { return kClass.substr(at).starts_with(each.first); });
    text += word == std::end(words) ? std::string(1, kClass[at]) : word->second;
    at += word == std::end(words) ? 1 : word->first.size();
  }
  return text;
}

/// `{"NAME", R"tile(TEXT)tile"}`.
static std::string sourceLiteral(const std::string &name, const std::string &text) {
  std::string delimiter = "tile";
  while (text.find(")" + delimiter + "\"") != std::string::npos)
    delimiter += "_";
  return "{\"" + name + "\", R\"" + delimiter + "(" + text + ")" + delimiter + "\"}";
}

/// The function source(): the text, with those that it imports, by names below the text's own folder.
static std::string sourceFunction(const Source &source) {
  const std::string folder = source.name.substr(0, source.name.rfind('/') + 1);
  auto nameOf = [&](const Source &text) {
    return text.name.starts_with(folder) ? text.name.substr(folder.size()) : text.name;
  };
  std::string resolver;
  for (const Source *text : textsOf(source))
    for (const Import &import : text->imports)
      if (import.source)
        resolver += "    if (importer.name == \"" + nameOf(*text) + "\" && word == \"" + import.word +
                    "\")\n      return {imbrex::Source" + sourceLiteral(nameOf(*import.source), import.source->text) +
                    "};\n";
  const std::string own = sourceLiteral(nameOf(source), source.text);
  if (resolver.empty())
    return "inline imbrex::Source source() {\n  return " + own + ";\n}\n";
  return "inline imbrex::FoundText imported(const imbrex::Source &importer, std::string_view word) {\n" + resolver +
         "  return {};\n}\n\ninline imbrex::Source source() {\n  return imbrex::withImports(" + own +
         ", imported);\n}\n";
}

std::string imbrex::kernelHeader(const Source &source, const std::vector<KernelSignature> &kernels) {
  const std::string file = source.name.substr(source.name.rfind('/') + 1);
  std::string text = "// Made by `imbrex header` from " + file +
                     ": change that, and make it anew.\n#pragma once\n\n"
                     "#include <imbrex/imbrex.h>\n\nnamespace imbrex_kernels::" +
                     stemOf(file) +
                     " {\n\n" + sourceFunction(source);
  for (const KernelSignature &kernel : kernels)
    text += "\n" + classText(kernel);
  return text + "\n} // namespace imbrex_kernels::" + stemOf(file) + "\n";
}
