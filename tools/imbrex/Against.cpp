//===- Against.cpp - Two kernels beside each other ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures by name, instructions by line, lines by the shortest edit. Names of values, registers and addresses are taken
// out of lines first: they change everywhere when one line does.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Against.h"
#include "tools/imbrex/LineDiff.h"
#include "tools/imbrex/page/Page.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;

//===--- The other kernel ---===//

/// The data that stands in a page.
static std::optional<json::Object> readPage(const std::string &path) {
  constexpr StringRef kBegin = "<script type=\"application/json\" id=\"data\">";
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << path << ": error: " << buffer.getError().message() << "\n";
    return std::nullopt;
  }
  StringRef text = (*buffer)->getBuffer().split(kBegin).second.split("</script>").first;
  llvm::Expected<json::Value> value = json::parse(text);
  if (value && value->getAsObject() && value->getAsObject()->getArray("columns"))
    return std::move(*value->getAsObject());
  if (!value)
    llvm::consumeError(value.takeError());
  llvm::errs() << path << ": error: it is no page that 'imbrex explain --html' wrote\n";
  return std::nullopt;
}

/// False, told, if NAME names nothing that can be set.
static bool apply(Request &other, StringRef word, const Source &source) {
  auto [name, value] = word.split('=');
  if (name == "target") {
    other.options.target = value.str();
    return true;
  }
  if (name == "without") {
    other.options.without.insert(value.str());
    return true;
  }
  for (const KernelSignature &kernel : describe(source).kernels)
    if (llvm::is_contained(kernel.hooks, name)) {
      other.options.hooks[name.str()] = value.str();
      return true;
    }
  other.options.set[name.str()] = value.str();
  return true;
}

std::optional<json::Object> tool::otherData(const Request &request) {
  Request other = request;
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return std::nullopt;
  for (const std::string &word : request.against) {
    StringRef extension = llvm::sys::path::extension(word);
    if (extension == ".html")
      return readPage(word);
    if (extension == ".tile" && word.find('=') == std::string::npos)
      other.file = word;
    else if (word.find('=') != std::string::npos)
      apply(other, word, *source);
    else {
      llvm::errs() << "error: --against takes NAME=VALUE, a kernel text (.tile) or a page of explain (.html), not '"
                   << word << "'\n";
      return std::nullopt;
    }
  }
  std::optional<Explanation> explanation = explainKernel(other, {.page = true});
  if (!explanation)
    return std::nullopt;
  return pageData(*explanation);
}

//===--- Figures ---===//

static const json::Object *hottestLoop(const json::Object &data) {
  const json::Object *result = nullptr;
  for (const json::Value &value : *data.getArray("scores")) {
    const json::Object &score = *value.getAsObject();
    const json::Array *loops = score.getArray("loops");
    if (loops && !loops->empty() && (!result || score.getString("language") == "sass"))
      result = loops->front().getAsObject();
  }
  return result;
}

namespace {

/// Gathers figures of which one is known on at least one side.
class Facts {
public:
  Facts(const json::Object &here, const json::Object &other) : here(here), other(other) {}

  /// `less`: whether less is better; nullopt: neither is.
  void add(StringRef name, const json::Value *mine, const json::Value *theirs,
           std::optional<bool> less = std::nullopt) {
    if (!mine && !theirs)
      return;
    json::Object fact{{"name", name.str()}, {"here", mine ? *mine : nullptr}, {"other", theirs ? *theirs : nullptr}};
    if (less)
      fact["less"] = *less;
    list.push_back(std::move(fact));
  }
  void top(StringRef name, StringRef key, bool less) { add(name, here.get(key), other.get(key), less); }
  void changed(StringRef name, StringRef key) {
    const json::Value *mine = here.get(key), *theirs = other.get(key);
    if (!mine || !theirs || *mine != *theirs)
      add(name, mine, theirs);
  }
  /// Members of an object that both may have.
  void members(StringRef prefix, const json::Object *mine, const json::Object *theirs, std::optional<bool> less,
               bool onlyChanged) {
    std::map<std::string, std::pair<const json::Value *, const json::Value *>> all;
    for (const json::Object *each : {mine, theirs})
      if (each)
        for (const auto &[key, value] : *each)
          (each == mine ? all[key.str()].first : all[key.str()].second) = &value;
    for (const auto &[key, values] : all)
      if (!onlyChanged || !values.first || !values.second || *values.first != *values.second)
        add(prefix.str() + key, values.first, values.second, less);
  }
  json::Array take() { return std::move(list); }

private:
  const json::Object &here, &other;
  json::Array list;
};

} // namespace

static json::Array factsOf(const json::Object &here, const json::Object &other) {
  Facts facts(here, other);
  facts.changed("target", "target");
  facts.members("", here.getObject("settings"), other.getObject("settings"), std::nullopt, /*onlyChanged=*/true);
  facts.members("hook ", here.getObject("hooks"), other.getObject("hooks"), std::nullopt, /*onlyChanged=*/true);
  facts.changed("compiler", "version");
  facts.changed("warps", "warps");
  facts.top("registers a thread", "registers", true);
  facts.top("bytes spilled", "spilled_bytes", true);
  facts.top("bytes of shared memory", "shared_bytes", true);
  const json::Object *mine = here.getObject("occupancy"), *theirs = other.getObject("occupancy");
  facts.add("warps an SM", mine ? mine->get("warps") : nullptr, theirs ? theirs->get("warps") : nullptr, false);
  const json::Object *loop = hottestLoop(here), *otherLoop = hottestLoop(other);
  auto member = [](const json::Object *object, StringRef key) { return object ? object->get(key) : nullptr; };
  auto part = [](const json::Object *object, StringRef key) { return object ? object->getObject(key) : nullptr; };
  facts.add("hot loop: instructions a pass", member(loop, "instructions"), member(otherLoop, "instructions"), true);
  facts.add("hot loop: instructions a MFLOP", member(loop, "per_mflop"), member(otherLoop, "per_mflop"), true);
  facts.members("hot loop: ", part(loop, "kinds"), part(otherLoop, "kinds"), true, /*onlyChanged=*/true);
  facts.members("least cycles: ", part(loop, "least_cycles"), part(otherLoop, "least_cycles"), true, true);
  facts.add("model, not measured: cycles a pass", member(part(loop, "model"), "cycles"),
            member(part(otherLoop, "model"), "cycles"), true);
  return facts.take();
}

//===--- Instructions by line ---===//

static const json::Object *columnOf(const json::Object &data, StringRef stage) {
  for (const json::Value &value : *data.getArray("columns"))
    if (value.getAsObject()->getString("stage") == stage)
      return value.getAsObject();
  return nullptr;
}

/// line of the kernel's own text -> kind -> instructions.
static std::map<int64_t, std::map<int64_t, int64_t>> countLines(const json::Object &data, const json::Object &column) {
  std::map<int64_t, std::map<int64_t, int64_t>> counts;
  const json::Array &places = *data.getArray("places"), &rows = *column.getArray("places");
  const json::Array *kinds = column.getArray("kinds");
  for (size_t row = 0; kinds && row < rows.size(); ++row) {
    int64_t kind = (*kinds)[row].getAsInteger().value_or(-1), place = rows[row].getAsInteger().value_or(0);
    if (kind < 0 || place < 0 || size_t(place) >= places.size())
      continue;
    for (const json::Value &origin : *places[size_t(place)].getAsArray())
      if ((*origin.getAsArray())[0].getAsInteger() == 0)
        ++counts[(*origin.getAsArray())[1].getAsInteger().value_or(0)][kind];
  }
  return counts;
}

/// The kernel's own text.
static StringRef textOf(const json::Object &data) {
  const json::Array &texts = *data.getArray("texts");
  return texts.empty() ? "" : texts.front().getAsObject()->getString("text").value_or("");
}

/// Of kernels of one text.
static json::Array linesOf(const json::Object &here, const json::Object &other) {
  json::Array lines;
  bool both = columnOf(here, "sass") && columnOf(other, "sass");
  const json::Object *mine = columnOf(here, both ? "sass" : "ptx"), *theirs = columnOf(other, both ? "sass" : "ptx");
  if (!mine || !theirs || textOf(here) != textOf(other))
    return lines;
  const json::Array &names = *here.getArray("kind_names");
  auto counts = countLines(here, *mine), otherCounts = countLines(other, *theirs);
  std::map<int64_t, std::map<int64_t, int64_t>> changes = counts;
  for (const auto &[line, kinds] : otherCounts)
    for (const auto &[kind, number] : kinds)
      changes[line][kind] -= number;
  for (const auto &[line, kinds] : changes) {
    int64_t total = 0, otherTotal = 0;
    for (const auto &[kind, number] : counts[line])
      total += number;
    for (const auto &[kind, number] : otherCounts[line])
      otherTotal += number;
    std::string text;
    for (const auto &[kind, change] : kinds)
      if (change != 0)
        text += llvm::formatv("{0}{1}{2} {3}", text.empty() ? "" : ", ", change > 0 ? "+" : "", change,
                              *names[size_t(kind)].getAsString());
    if (!text.empty())
      lines.push_back(json::Object{{"line", line}, {"here", total}, {"other", otherTotal}, {"changes", text}});
  }
  return lines;
}

//===--- Lines of the stages ---===//

/// `line` without what changes everywhere: numbers behind %, registers of the machine, labels, addresses, places.
static std::string plain(StringRef line) {
  std::string result;
  line = line.trim();
  if (line.starts_with("/*"))
    line = line.split("*/").second.ltrim();
  if (line.starts_with(".loc") || line.starts_with("$L") || line.starts_with(".L_"))
    return line.take_while([](char c) { return !llvm::isDigit(c); }).str();
  for (size_t i = 0; i < line.size(); ++i) {
    bool isWord = i > 0 && (llvm::isAlnum(line[i - 1]) || line[i - 1] == '_');
    bool isName =
        line[i] == '%' || (!isWord && StringRef("RUP").contains(line[i])) || line.substr(i).starts_with("#layout");
    result += line[i];
    if (!isName)
      continue;
    while (i + 1 < line.size() && (llvm::isAlnum(line[i + 1]) || line[i + 1] == '_' || line[i + 1] == '#'))
      if (!llvm::isDigit(line[++i]))
        result += line[i];
  }
  return result;
}

static std::vector<std::string> plainLines(StringRef text, std::vector<std::string> &raw) {
  std::vector<std::string> lines;
  for (StringRef line : llvm::split(text, '\n')) {
    raw.push_back(line.str());
    lines.push_back(plain(line));
  }
  return lines;
}

/// Marks in `column` what only it has, and puts what only `other` has before the line behind which it would stand.
static json::Object compareColumn(json::Object &column, const json::Object &other) {
  std::vector<std::string> raw, otherRaw;
  std::vector<std::string> mine = plainLines(*column.getString("text"), raw);
  std::vector<std::string> theirs = plainLines(*other.getString("text"), otherRaw);
  constexpr size_t kMostChanges = 4000;
  std::string stage = column.getString("stage")->str();
  std::optional<std::vector<std::pair<size_t, size_t>>> common = commonLines(theirs, mine, kMostChanges);
  if (!common)
    return json::Object{{"stage", stage}, {"more_than", int64_t(kMostChanges)}};
  json::Array fresh, gone;
  size_t i = 0, j = 0;
  auto until = [&](size_t iEnd, size_t jEnd) {
    json::Array lines;
    for (; i < iEnd; ++i)
      lines.push_back(otherRaw[i]);
    if (!lines.empty())
      gone.push_back(json::Array{int64_t(std::min(j, mine.size() - 1)), std::move(lines)});
    for (; j < jEnd; ++j)
      fresh.push_back(int64_t(j));
  };
  for (auto [theirLine, myLine] : *common) {
    until(theirLine, myLine);
    ++i, ++j;
  }
  until(theirs.size(), mine.size());
  json::Object result{{"stage", stage},
                      {"same", int64_t(common->size())},
                      {"added", int64_t(mine.size() - common->size())},
                      {"removed", int64_t(theirs.size() - common->size())}};
  column["fresh"] = std::move(fresh), column["gone"] = std::move(gone);
  return result;
}

json::Object tool::compare(json::Object &here, const json::Object &other, const std::string &otherName) {
  json::Array columns;
  json::Array lines = linesOf(here, other);
  for (json::Value &value : *here.getArray("columns")) {
    json::Object &column = *value.getAsObject();
    if (const json::Object *theirs = columnOf(other, *column.getString("stage")))
      columns.push_back(compareColumn(column, *theirs));
  }
  return json::Object{{"other", otherName},
                      {"facts", factsOf(here, other)},
                      {"lines", std::move(lines)},
                      {"columns", std::move(columns)}};
}

static std::string shown(const json::Value *value) {
  if (!value || value->getAsNull())
    return "-";
  if (std::optional<StringRef> text = value->getAsString())
    return text->str();
  if (std::optional<int64_t> number = value->getAsInteger())
    return std::to_string(*number);
  return llvm::formatv("{0:F1}", value->getAsNumber().value_or(0));
}

void tool::printComparison(const json::Object &comparison, llvm::raw_ostream &os) {
  os << "against " << *comparison.getString("other") << "\n";
  os << llvm::formatv("  {0,-36} {1,14} {2,14}\n", "", "other", "here");
  for (const json::Value &value : *comparison.getArray("facts")) {
    const json::Object &fact = *value.getAsObject();
    std::string here = shown(fact.get("here")), other = shown(fact.get("other"));
    bool isSame = here == other;
    if (!isSame || fact.getBoolean("less"))
      os << llvm::formatv("{0} {1,-36} {2,14} {3,14}\n", isSame ? " " : "*", *fact.getString("name"), other, here);
  }
  os << "instructions by line of the text\n";
  for (const json::Value &value : *comparison.getArray("lines")) {
    const json::Object &line = *value.getAsObject();
    os << llvm::formatv("  line {0,-5} {1,5} -> {2,5}  {3}\n", *line.getInteger("line"), *line.getInteger("other"),
                        *line.getInteger("here"), *line.getString("changes"));
  }
  os << "lines of the stages\n";
  for (const json::Value &value : *comparison.getArray("columns")) {
    const json::Object &column = *value.getAsObject();
    if (std::optional<int64_t> most = column.getInteger("more_than")) {
      os << llvm::formatv("  {0,-5} differs in more than {1} lines\n", *column.getString("stage"), *most);
      continue;
    }
    os << llvm::formatv("  {0,-5} {1,6} only there, {2,6} only here, {3,6} the same\n", *column.getString("stage"),
                        *column.getInteger("removed"), *column.getInteger("added"), *column.getInteger("same"));
  }
}
