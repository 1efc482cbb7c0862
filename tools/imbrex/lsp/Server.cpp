//===- Server.cpp - imbrex lsp --------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The Language Server Protocol 3.17 over standard input and output: whole texts, diagnostics as they change, hover,
// definition, completion, formatting. What it does not know it refuses by name, what is no message by an error.
//
//===----------------------------------------------------------------------===//

#include "compiler/Format.h"
#include "compiler/frontend/Words.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/lsp/Document.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;

/// The next line without its end; nullopt at the end of the input.
static std::optional<std::string> readLine() {
  constexpr size_t kMostKept = 4096;
  std::string line;
  for (int c; (c = std::getchar()) != '\n';) {
    if (c == EOF)
      return std::nullopt;
    if (line.size() < kMostKept)
      line += char(c);
  }
  return line;
}

/// The body of the next message, empty where it is none; nullopt at the end of the input.
static std::optional<std::string> readMessage() {
  constexpr size_t kMostBytes = 64 << 20;
  size_t length = 0;
  for (;;) {
    std::optional<std::string> line = readLine();
    if (!line)
      return std::nullopt;
    StringRef header = StringRef(*line).trim();
    if (header.empty())
      break;
    if (header.consume_front_insensitive("Content-Length:") && header.trim().getAsInteger(10, length))
      length = 0;
  }
  std::string body(std::min(length, kMostBytes), '\0');
  if (std::fread(body.data(), 1, body.size(), stdin) != body.size())
    return std::nullopt;
  if (length <= kMostBytes)
    return body;
  for (; length > kMostBytes; --length)
    if (std::getchar() == EOF)
      return std::nullopt;
  return "";
}

/// Whether lists and objects are within each other deeper than the parser, which calls itself, should go.
static bool isTooDeep(StringRef text) {
  constexpr unsigned kDeepest = 200;
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{') && ++depth > kDeepest)
      return true;
    else if (!inString && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return false;
}

static void send(json::Object message) {
  message["jsonrpc"] = "2.0";
  std::string body;
  llvm::raw_string_ostream(body) << json::Value(std::move(message));
  llvm::outs() << "Content-Length: " << body.size() << "\r\n\r\n" << body;
  llvm::outs().flush();
}

/// "/a b.tile" of "file:///a%20b.tile", and back.
static std::string pathOf(StringRef uri) {
  uri.consume_front("file://");
  std::string path;
  for (size_t i = 0; i < uri.size(); ++i) {
    unsigned code = 0;
    if (uri[i] == '%' && !uri.substr(i + 1, 2).getAsInteger(16, code))
      path += char(code), i += 2;
    else
      path += uri[i];
  }
  return path;
}
static std::string uriOf(StringRef path) {
  std::string uri = "file://";
  for (char c : path)
    uri += llvm::isAlnum(c) || StringRef("/._-~").contains(c) ? std::string(1, c) : "%" + llvm::toHex(StringRef(&c, 1));
  return uri;
}

static json::Object toJson(EditorPlace place) {
  return json::Object{{"line", place.line}, {"character", place.character}};
}
static json::Object range(EditorPlace begin, EditorPlace end) {
  return json::Object{{"start", toJson(begin)}, {"end", toJson(end)}};
}

namespace {

class Server {
public:
  /// Until `exit` or the end of the input: the exit code.
  int run();

private:
  /// The answer to a request; nullopt: no such method.
  std::optional<json::Value> answer(StringRef method, const json::Object &params);
  void notice(StringRef method, const json::Object &params);
  void change(const std::string &uri, const std::string &text);
  json::Value complete(const Document *document) const;
  json::Value format(const Document &document) const;
  const Document *documentOf(const json::Object &params) const;

  std::map<std::string, Document> documents; ///< by URI
  bool isShutDown = false;
};

} // namespace

static std::string uriIn(const json::Object &params) {
  const json::Object *document = params.getObject("textDocument");
  return document ? document->getString("uri").value_or("").str() : "";
}

static EditorPlace placeIn(const json::Object &params) {
  const json::Object *position = params.getObject("position");
  auto number = [&](StringRef key) {
    return unsigned(std::max<int64_t>(0, position ? position->getInteger(key).value_or(0) : 0));
  };
  return {number("line"), number("character")};
}

const Document *Server::documentOf(const json::Object &params) const {
  auto found = documents.find(uriIn(params));
  return found == documents.end() ? nullptr : &found->second;
}

void Server::change(const std::string &uri, const std::string &text) {
  documents.erase(uri);
  const Document &document = documents.try_emplace(uri, pathOf(uri), text).first->second;
  json::Array list;
  for (const Diagnostic &each : document.diagnostics()) {
    size_t begin = document.offsetOf({each.line - 1, 0}) + (each.column ? each.column - 1 : 0), end = begin;
    StringRef rest = StringRef(document.source().text).substr(begin);
    end += std::max<size_t>(1, rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; }).size());
    list.push_back(json::Object{{"range", range(document.placeOf(begin), document.placeOf(end))},
                                {"severity", each.severity == Severity::Error ? 1 : 3},
                                {"source", "imbrex"},
                                {"message", each.message}});
  }
  send(json::Object{{"method", "textDocument/publishDiagnostics"},
                    {"params", json::Object{{"uri", uri}, {"diagnostics", std::move(list)}}}});
}

json::Value Server::complete(const Document *document) const {
  constexpr int kFunction = 3, kVariable = 6, kKeyword = 14, kConstant = 21, kType = 25;
  json::Array items;
  for (const Word &word : languageWords()) {
    int kind = word.kind == Word::Builtin  ? kFunction
               : word.kind == Word::Type   ? kType
               : word.kind == Word::Number ? kConstant
                                           : kKeyword;
    items.push_back(
        json::Object{{"label", word.name}, {"kind", kind}, {"detail", word.form}, {"documentation", word.summary}});
  }
  for (const std::string &name : document ? document->names() : std::vector<std::string>())
    items.push_back(json::Object{{"label", name}, {"kind", kVariable}});
  return items;
}

json::Value Server::format(const Document &document) const {
  Formatted formatted = imbrex::format(document.source());
  if (!formatted.text || *formatted.text == document.source().text)
    return json::Array();
  return json::Array{json::Object{{"range", range({0, 0}, document.placeOf(document.source().text.size()))},
                                  {"newText", *formatted.text}}};
}

std::optional<json::Value> Server::answer(StringRef method, const json::Object &params) {
  constexpr int kWholeTexts = 1;
  if (method == "initialize")
    return json::Object{{"serverInfo", json::Object{{"name", "imbrex"}, {"version", StringRef(compilerBuildId())}}},
                        {"capabilities", json::Object{{"textDocumentSync", kWholeTexts},
                                                      {"hoverProvider", true},
                                                      {"definitionProvider", true},
                                                      {"documentFormattingProvider", true},
                                                      {"completionProvider", json::Object()}}}};
  if (method == "shutdown") {
    isShutDown = true;
    return nullptr;
  }
  const Document *document = documentOf(params);
  if (method == "textDocument/completion")
    return complete(document);
  if (method == "textDocument/formatting")
    return document ? format(*document) : json::Value(nullptr);
  if (method == "textDocument/hover") {
    std::string text = document ? document->hover(placeIn(params)) : "";
    return text.empty() ? json::Value(nullptr)
                        : json::Object{{"contents", json::Object{{"kind", "markdown"}, {"value", text}}}};
  }
  if (method == "textDocument/definition") {
    std::optional<FoundPlace> found = document ? document->definition(placeIn(params)) : std::nullopt;
    return found ? json::Value(json::Object{{"uri", uriOf(found->path)}, {"range", range(found->begin, found->end)}})
                 : json::Value(nullptr);
  }
  return std::nullopt;
}

void Server::notice(StringRef method, const json::Object &params) {
  const json::Object *document = params.getObject("textDocument");
  if (method == "textDocument/didOpen" && document)
    change(uriIn(params), document->getString("text").value_or("").str());
  if (method == "textDocument/didClose")
    documents.erase(uriIn(params));
  const json::Array *changes = params.getArray("contentChanges");
  if (method == "textDocument/didChange" && changes && !changes->empty())
    if (const json::Object *last = changes->back().getAsObject())
      change(uriIn(params), last->getString("text").value_or("").str());
}

int Server::run() {
  constexpr int kParseError = -32700, kNoSuchMethod = -32601;
  while (std::optional<std::string> body = readMessage()) {
    llvm::Expected<json::Value> message = json::parse(isTooDeep(*body) ? StringRef() : StringRef(*body));
    const json::Object *object = message ? message->getAsObject() : nullptr;
    if (!message)
      llvm::consumeError(message.takeError());
    if (!object) {
      send(json::Object{{"id", nullptr},
                        {"error", json::Object{{"code", kParseError}, {"message", "not a JSON object"}}}});
      continue;
    }
    static const json::Object kNone;
    const json::Object *given = object->getObject("params");
    const json::Object &params = given ? *given : kNone;
    std::string method = object->getString("method").value_or("").str();
    const json::Value *id = object->get("id");
    if (method == "exit")
      return isShutDown ? kSuccess : kUserError;
    if (!id) {
      notice(method, params);
      continue;
    }
    if (std::optional<json::Value> result = answer(method, params))
      send(json::Object{{"id", *id}, {"result", std::move(*result)}});
    else
      send(json::Object{
          {"id", *id},
          {"error", json::Object{{"code", kNoSuchMethod}, {"message", "imbrex does not know '" + method + "'"}}}});
  }
  return isShutDown ? kSuccess : kUserError;
}

int tool::serveEditor(const Request &) { return Server().run(); }
