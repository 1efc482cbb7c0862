//===- Page.cpp - An explanation as one page ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the parts into page.html. In the data every `<` is escaped, so that no text of a kernel can end the script.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/page/Page.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

struct Part {
  StringRef name, text;
};

constexpr Part kParts[] = {
#include "tools/PageParts.inc"
};

} // namespace

static StringRef partOf(StringRef name) {
  for (const Part &part : kParts)
    if (part.name == name)
      return part.text;
  return {};
}

static std::string escaped(StringRef text) {
  std::string result;
  for (char c : text)
    switch (c) {
    case '<':
      result += "&lt;";
      break;
    case '&':
      result += "&amp;";
      break;
    default:
      result += c;
    }
  return result;
}

/// `text` with `{{name}}` replaced by the part or value of that name.
static std::string filled(StringRef text, llvm::function_ref<std::string(StringRef)> valueOf) {
  std::string result;
  for (size_t at = text.find("{{"); at != StringRef::npos; at = text.find("{{")) {
    size_t end = text.find("}}", at);
    result += text.take_front(at);
    result += valueOf(text.slice(at + 2, end));
    text = text.drop_front(end + 2);
  }
  return result + text.str();
}

std::string tool::pageOf(llvm::json::Object object) {
  std::string title =
      (object.getString("kernel").value_or("") + " for " + object.getString("target").value_or("")).str();
  std::string data = llvm::formatv("{0}", llvm::json::Value(std::move(object)));
  std::string safe;
  for (char c : data)
    safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return filled(partOf("page.html"), [&](StringRef name) -> std::string {
    if (name == "title")
      return escaped(title);
    return name == "data" ? safe : partOf(name).str();
  });
}
