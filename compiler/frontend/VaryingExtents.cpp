//===- VaryingExtents.cpp - Extents that vary -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds and checks S[B] in a kernel's head, and describes the storages that a host chose.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/VaryingExtents.h"
#include "compiler/frontend/Sema.h"

using namespace imbrex;
using namespace imbrex::ast;

std::string_view imbrex::symbolOf(const Expr &extent) {
  return extent.kind == Expr::Name || extent.kind == Expr::Part ? std::string_view(extent.text) : std::string_view();
}

/// Where the view's extents have B of `S[B]`; none if the extent is of another form.
static std::optional<unsigned> alongOf(const KernelParameter &view, const Expr &extent) {
  bool isOne = extent.indices.size() == 1 && extent.indices[0].kind == Index::Single;
  const Expr *along = isOne ? extent.indices[0].start.get() : nullptr;
  for (auto [dim, other] : llvm::enumerate(view.extents))
    if (along && along->kind == Expr::Name && other->kind == Expr::Name && other->text == along->text)
      return unsigned(dim);
  return std::nullopt;
}

std::optional<Parameter::Varying> imbrex::varyingOf(const KernelParameter &view) {
  for (auto [dim, extent] : llvm::enumerate(view.extents))
    if (extent->kind == Expr::Part)
      if (std::optional<unsigned> along = alongOf(view, *extent))
        return Parameter::Varying{unsigned(dim), *along};
  return std::nullopt;
}

/// The view as it varies; nullopt if it does not.
static std::optional<StoredView> findVarying(const KernelParameter &view) {
  std::optional<Parameter::Varying> varying = varyingOf(view);
  if (!varying)
    return std::nullopt;
  return StoredView{{}, view.name, *varying, view.extents[varying->dim]->text};
}

/// At most one extent varies, along another.
static void checkVarying(const KernelParameter &view, Diagnostics &diagnostics) {
  bool found = false;
  for (const ExprPtr &extent : view.extents) {
    if (extent->kind != Expr::Part)
      continue;
    if (found || !alongOf(view, *extent))
      report(diagnostics, extent->offset, Message::VaryingExtent, view.name, extent->text);
    found = true;
  }
}

StoredViews::StoredViews(const Kernel &kernel, const CompileOptions &options, Diagnostics &diagnostics) {
  const CompileOptions::Storages &storage = options.storage;
  std::string known;
  std::vector<const KernelParameter *> outputs;
  for (const KernelParameter &parameter : kernel.parameters) {
    checkVarying(parameter, diagnostics);
    std::optional<StoredView> varying = findVarying(parameter);
    if (!varying)
      continue;
    known += (known.empty() ? "" : ", ") + parameter.name;
    auto chosen = storage.find(parameter.name);
    if (chosen == storage.end()) {
      if (parameter.output)
        outputs.push_back(&parameter);
      continue;
    }
    varying->storage = chosen->second;
    if (chosen->second.scaling)
      checkScaled(parameter, *varying, diagnostics);
    addParameters(parameter, *varying, diagnostics);
    views.emplace(parameter.name, std::move(*varying));
  }
  for (const KernelParameter *output : outputs) {
    StoredView varying = *findVarying(*output);
    for (const KernelParameter &input : kernel.parameters) { // in their order
      const StoredView *stored = input.output ? nullptr : find(input.name);
      if (!stored || stored->isDense() || stored->symbol != varying.symbol)
        continue;
      varying.storage = stored->storage;
      varying.storage.scaling.reset();
      varying.leader = input.name;
      views.emplace(output->name, varying);
      break;
    }
  }
  for (const auto &[name, chosen] : storage)
    if (!views.contains(name))
      report(diagnostics, kernel.offset, Message::NothingVaries, name, chosen.text(), known.empty() ? "none" : known);
  for (const auto &[name, stored] : views)
    addMeaning(kernel, options, stored);
}

const StoredView *StoredViews::find(std::string_view view) const {
  auto it = views.find(view);
  return it == views.end() ? nullptr : &it->second;
}

std::vector<int64_t> StoredView::scaledOver(size_t rank) const {
  std::vector<int64_t> over;
  for (unsigned d = 0; d < rank && storage.scaling->each != Scaling::Each::View; ++d) {
    bool isOfSequences = d == varying.dim || d == varying.along;
    if (isOfSequences ? storage.scaling->each == Scaling::Each::Block : d + 1 < rank)
      over.push_back(d);
  }
  return over;
}

/// What scaled storage gives: products of floats, for views that are only read. A type parameter is checked where its
/// type is known.
void StoredViews::checkScaled(const KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics) {
  if (view.output || view.inPlace)
    report(diagnostics, view.offset, Message::ScaledStore, view.name, stored.storage.text());
  bool isHead = stored.storage.scaling->each == Scaling::Each::Head;
  if (isHead && stored.scaledOver(view.extents.size()).empty())
    report(diagnostics, view.offset, Message::ScaledHeads, view.name, stored.storage.text());
}

/// "K.scales", behind what its storage adds.
void StoredViews::addScales(const KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics) {
  Parameter parameter;
  parameter.name = view.name + ".scales";
  parameter.isView = true;
  parameter.type = DataType::F32;
  for (int64_t d : stored.scaledOver(view.extents.size()))
    if (d == stored.varying.dim)
      parameter.extents.push_back({view.name + ".blocks"});
    else
      parameter.extents.push_back(toExpression(*view.extents[d], diagnostics).value_or(Expression{"1"}));
  if (parameter.extents.empty())
    parameter.extents.push_back({"1"});
  added.push_back(std::move(parameter));
}

void StoredViews::addParameters(const KernelParameter &view, const StoredView &stored, Diagnostics &diagnostics) {
  std::string count = toExpression(*view.extents[stored.varying.along], diagnostics).value_or(Expression{"1"}).postfix;
  auto add = [&](const char *part, std::vector<Expression> extents) {
    Parameter parameter;
    parameter.name = view.name + "." + part;
    parameter.isView = !extents.empty();
    parameter.type = DataType::I32;
    parameter.extents = std::move(extents);
    added.push_back(std::move(parameter));
  };
  switch (stored.storage.kind) {
  case Storage::Kind::Dense:
    break;
  case Storage::Kind::Padded:
    add("lengths", {{count}});
    break;
  case Storage::Kind::Ragged:
    add("offsets", {{count + " 1 +"}});
    add("longest", {});
    break;
  case Storage::Kind::Paged:
    add("table", {{count}, {view.name + ".pages"}});
    add("lengths", {{count}});
    add("pageRows", {});
    break;
  }
  if (stored.storage.scaling)
    addScales(view, stored, diagnostics);
}

std::vector<Expression> StoredViews::extentsOf(const KernelParameter &view, std::vector<Expression> declared) const {
  const StoredView *stored = find(view.name);
  if (!stored || stored->storage.keepsShape())
    return declared;
  declared[stored->varying.dim] = {stored->leader + ".rows"};
  declared.erase(declared.begin() + stored->varying.along);
  return declared;
}

std::optional<Parameter::Pages> StoredViews::pagesOf(std::string_view view) const {
  const StoredView *stored = find(view);
  if (!stored || stored->storage.kind != Storage::Kind::Paged)
    return std::nullopt;
  auto [dim, along] = stored->varying;
  return Parameter::Pages{dim - (along < dim), stored->storage.page, stored->leader + ".pageRows"};
}

void StoredViews::addMeaning(const Kernel &kernel, const CompileOptions &options, const StoredView &stored) {
  if (stored.storage.keepsShape())
    return;
  for (const KernelParameter &parameter : kernel.parameters) {
    const StoredView *other = find(parameter.name);
    bool isPlain = !other || other->storage.keepsShape();
    bool keepsSymbol = isPlain && (!parameter.optional || options.given.contains(parameter.name));
    for (const ExprPtr &extent : parameter.extents)
      if (keepsSymbol && symbolOf(*extent) == stored.symbol)
        return;
  }
  std::string longest = stored.storage.kind == Storage::Kind::Ragged
                            ? stored.leader + ".longest"
                            : stored.leader + ".pages " + std::to_string(stored.storage.page) + " *";
  meanings.try_emplace(stored.symbol, std::move(longest));
}

Expression StoredViews::onHost(const Expression &expression) const {
  std::string postfix;
  for (llvm::StringRef token : llvm::split(expression.postfix, ' ')) {
    auto meaning = meanings.find(token);
    postfix += (postfix.empty() ? "" : " ") + (meaning == meanings.end() ? token.str() : meaning->second);
  }
  return {postfix};
}
