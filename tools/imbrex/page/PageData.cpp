//===- PageData.cpp - What the page shows of each stage -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Columns share one table of places: entry 0 is none, and each line of a column names one entry. An entry is a list of
// pairs [text, line].
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Words.h"
#include "compiler/score/Kinds.h"
#include "compiler/score/Pressure.h"
#include "compiler/score/Score.h"
#include "tools/imbrex/page/Page.h"
#include "llvm/ADT/StringExtras.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;
namespace json = llvm::json;
using Origins = std::vector<KernelReport::Origin>;

namespace {

/// Numbers texts and sets of places as they are met.
class Places {
public:
  explicit Places(std::vector<std::string> names) : names(std::move(names)) { sets[{}] = 0, list.emplace_back(); }

  unsigned text(StringRef name) {
    auto found = llvm::find(names, name);
    if (found == names.end())
      found = names.insert(names.end(), name.str());
    return unsigned(found - names.begin());
  }

  unsigned numberOf(const Origins &origins) {
    auto [it, isNew] = sets.try_emplace(origins, unsigned(list.size()));
    if (isNew)
      list.push_back(origins);
    return it->second;
  }

  json::Array toJson() const {
    json::Array array;
    for (const Origins &origins : list) {
      json::Array entry;
      for (const KernelReport::Origin &each : origins)
        entry.push_back(json::Array{each.text, each.line});
      array.push_back(std::move(entry));
    }
    return array;
  }

  std::vector<std::string> names; ///< of the texts

private:
  std::map<Origins, unsigned> sets;
  std::vector<Origins> list;
};

} // namespace

static json::Object column(StringRef stage, StringRef title, std::string text) {
  return json::Object{{"stage", stage}, {"title", title}, {"text", std::move(text)}};
}

/// A text in which what stands eight times or more in a row between commas stands once: "f32 x 88". The types of the
/// results of wgmma, and what holds its operands, fill most of a page else.
static std::string withoutRepeats(StringRef text) {
  constexpr size_t kFewest = 8;
  std::string result;
  while (!text.empty()) {
    size_t begin = text.find_first_of("(,<\" \n");
    if (begin == StringRef::npos)
      break;
    result += text.take_front(begin + 1);
    text = text.drop_front(begin + 1);
    StringRef item = text.take_until([](char c) { return StringRef(",()<>\"\n ").contains(c); });
    StringRef rest = text.drop_front(item.size());
    size_t count = 1;
    StringRef comma = rest.starts_with(", ") ? ", " : ",";
    while (!item.empty() && rest.starts_with(comma) && rest.drop_front(comma.size()).starts_with(item) &&
           StringRef(",)>\"").contains(rest.drop_front(comma.size() + item.size()).take_front(1)) &&
           rest.size() > comma.size() + item.size())
      rest = rest.drop_front(comma.size() + item.size()), ++count;
    if (count < kFewest)
      continue;
    result += (item + " x " + llvm::Twine(count)).str();
    text = rest;
  }
  return result + text.str();
}

static json::Object columnOf(const KernelReport::Listing &listing, Places &places) {
  json::Array lines;
  for (const Origins &origins : listing.lines)
    lines.push_back(places.numberOf(origins));
  json::Object object = column(info(listing.stage).name, info(listing.stage).name, withoutRepeats(listing.text));
  object["places"] = std::move(lines);
  return object;
}

/// A column of instructions: places and kinds by line. `lineOf`: the column's line (from 0) of a line that was read
/// (from 1).
static void addInstructions(json::Object &object, const score::MachineKernel &kernel, size_t lines, Places &places,
                            llvm::function_ref<size_t(unsigned)> lineOf) {
  std::vector<unsigned> place(lines);
  std::vector<int> kinds(lines, -1), numbers(lines, -1);
  for (auto [number, instruction] : llvm::enumerate(kernel.instructions)) {
    size_t line = lineOf(instruction.line);
    if (line >= lines)
      continue;
    if (instruction.sourceLine > 0)
      place[line] = places.numberOf({{places.text(kernel.files[instruction.file]), instruction.sourceLine}});
    kinds[line] = int(score::kindOf(kernel.language, instruction));
    numbers[line] = int(number);
  }
  object["places"] = json::Array(place);
  object["kinds"] = json::Array(kinds);
  object["instructions"] = json::Array(numbers);
}

static json::Object ptxColumn(const Explanation &e, Places &places) {
  json::Object object = column("ptx", "PTX", e.kernel.code);
  size_t lines = StringRef(e.kernel.code).count('\n') + 1;
  addInstructions(object, e.ptx, lines, places, [](unsigned line) { return size_t(line) - 1; });
  object["live"] = json::Array(score::liveRegisters(e.ptx));
  return object;
}

/// The lines of the kernel itself, without those that only name places.
static json::Object machineColumn(const Explanation &e, Places &places) {
  std::vector<size_t> lineOf = {0};
  std::string text;
  size_t lines = 0;
  bool isInside = false;
  for (StringRef line : llvm::split(StringRef(e.machineListing), '\n')) {
    StringRef trimmed = line.trim();
    if (trimmed.starts_with("//----"))
      isInside = trimmed.contains(".text." + e.machine.name);
    bool isNoise =
        trimmed.empty() || trimmed.starts_with("//") || (trimmed.starts_with(".") && !trimmed.ends_with(":"));
    lineOf.push_back(lines);
    if (!isInside || isNoise)
      continue;
    text += (lines ? "\n" : "") + line.rtrim().str();
    ++lines;
  }
  json::Object object = column("sass", "SASS", std::move(text));
  addInstructions(object, e.machine, lines, places,
                  [&](unsigned line) { return line < lineOf.size() ? lineOf[line] : size_t(-1); });
  return object;
}

/// The texts that places name, as far as they are at hand: sources, and bindings of hooks.
static json::Array sourceTexts(const Explanation &e, const Places &places) {
  json::Array texts;
  for (const std::string &name : places.names) {
    json::Object object{{"name", name}};
    for (const Source *source : imbrex::textsOf(e.source))
      if (source->name == name)
        object["text"] = source->text;
    texts.push_back(std::move(object));
  }
  return texts;
}

static json::Array timelinesOf(const KernelReport &report) {
  json::Array timelines;
  for (const score::KernelScore &score : report.scores)
    for (const score::LoopScore &loop : score.loops) {
      if (!loop.model || loop.model->timeline.empty())
        continue;
      json::Array events;
      for (const score::LoopModel::Event &event : loop.model->timeline)
        events.push_back(json::Array{event.warp, event.instruction, event.what, event.begin, event.end});
      timelines.push_back(json::Object{{"begin", loop.model->timelineBegin},
                                       {"end", loop.model->timelineEnd},
                                       {"warps", loop.model->warps},
                                       {"roles", json::Array(loop.model->roles)},
                                       {"cycles", loop.model->cycles},
                                       {"events", std::move(events)}});
    }
  return timelines;
}

static json::Array wordsOf(Word::Kind kind) {
  json::Array names;
  for (const Word &word : languageWords())
    if (word.kind == kind)
      names.push_back(word.name);
  return names;
}

json::Object tool::pageData(const Explanation &e) {
  std::vector<std::string> names = {e.source.name};
  for (const std::string &name : e.kernel.report.texts)
    if (name != e.source.name)
      names.push_back(name);
  Places places(names);
  json::Array columns;
  for (KernelReport::Listing listing : e.kernel.report.listings) {
    for (Origins &line : listing.lines)
      for (KernelReport::Origin &origin : line)
        origin.text = places.text(e.kernel.report.texts[origin.text]);
    columns.push_back(columnOf(listing, places));
  }
  columns.push_back(ptxColumn(e, places));
  if (!e.machineListing.empty())
    columns.push_back(machineColumn(e, places));
  json::Array kinds, grid;
  for (unsigned kind = 0; kind < score::kKinds; ++kind)
    kinds.push_back(score::name(score::Kind(kind)));
  for (const Expression &extent : e.kernel.interface.grid)
    grid.push_back(extent.infix());
  json::Object hooks;
  for (const auto &[hook, binding] : e.options.hooks)
    hooks[hook] = binding;
  json::Object object = toJson(e);
  json::Object more{{"version", StringRef(compilerBuildId())},
                    {"texts", sourceTexts(e, places)},
                    {"places", places.toJson()},
                    {"columns", std::move(columns)},
                    {"kind_names", std::move(kinds)},
                    {"grid", std::move(grid)},
                    {"hooks", std::move(hooks)},
                    {"timelines", timelinesOf(e.kernel.report)},
                    {"words", json::Object{{"keyword", wordsOf(Word::Keyword)},
                                           {"contextual", wordsOf(Word::Contextual)},
                                           {"type", wordsOf(Word::Type)},
                                           {"number", wordsOf(Word::Number)},
                                           {"builtin", wordsOf(Word::Builtin)}}}};
  for (auto &[key, value] : more)
    object[key] = std::move(value);
  if (e.device)
    object["device"] = json::Object{{"id", e.device->id},
                                    {"name", e.device->name},
                                    {"multiprocessors", e.device->multiprocessors},
                                    {"shared_bytes", e.device->sharedBytesPerMultiprocessor}};
  return object;
}
