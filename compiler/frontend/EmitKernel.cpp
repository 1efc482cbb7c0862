//===- EmitKernel.cpp - Functions, parameters, the interface --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel as a function with views and scalars, and what the host must know of it.
//
//===----------------------------------------------------------------------===//

#include "compiler/MlirTypes.h"
#include "compiler/frontend/Emitter.h"
#include "compiler/frontend/ForeignWords.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

OwningOpRef<ModuleOp> imbrex::emitTile(const ast::File &file, const CompileOptions &options, const Target &target,
                                       MLIRContext &context, KernelInterface &interface, Diagnostics &diagnostics) {
  std::optional<Specialisation> program = specialise(file, options, target, diagnostics);
  if (!program)
    return {};
  OwningOpRef<ModuleOp> module = Emitter(*program, options, target, context, interface, diagnostics).run();
  return diagnostics.hasErrors() ? nullptr : std::move(module);
}

/// The parameter as the host sees it; its type is settled by the caller.
static Parameter describeParameter(const ast::KernelParameter &parameter, const StoredViews &stored,
                                   Diagnostics &diagnostics) {
  Parameter result;
  result.name = parameter.name;
  result.isView = parameter.isView;
  result.output = parameter.output;
  result.inPlace = parameter.inPlace;
  result.optional = parameter.optional || parameter.standard;
  for (const ast::ExprPtr &extent : parameter.extents)
    if (extent->kind == ast::Expr::Part)
      result.extents.push_back({std::string(symbolOf(*extent))});
    else
      result.extents.push_back(toExpression(*extent, diagnostics).value_or(Expression{"1"}));
  result.extents = stored.extentsOf(parameter, std::move(result.extents));
  return result;
}

/// The type of a view's elements in memory where it is not that of what a load gives.
static std::optional<DataType> elementOf(const ast::KernelParameter &parameter, const StoredViews &stored) {
  const StoredView *view = stored.find(parameter.name);
  return view && view->storage.scaling ? std::optional(view->storage.scaling->element) : std::nullopt;
}

/// Sets the parameter's type, or type parameter, as a signature has it.
static void describeType(const ast::TypeName &type, Parameter &described) {
  if (std::optional<DataType> known = parseDataType(type.name))
    described.type = type.wide ? wideType(*known) : *known;
  else // wide<T> is settled by T's own views
    described.typeParameter = ast::toText(type);
}

std::vector<KernelSignature> imbrex::describeKernels(const ast::File &file, const CompileOptions &options,
                                                     Diagnostics &diagnostics) {
  std::vector<KernelSignature> signatures;
  for (const ast::Kernel &kernel : file.kernels) {
    if (!options.kernel.empty() && kernel.name != options.kernel)
      continue;
    StoredViews stored(kernel, options, diagnostics);
    KernelSignature signature;
    signature.name = kernel.name;
    for (const ast::GenericParameter &generic : kernel.generics) {
      if (generic.isInteger)
        signature.integerParameters.push_back(generic.name);
      else
        signature.typeParameters.push_back({generic.name, generic.allowed});
    }
    for (const ast::Tunable &tunable : kernel.tune.tunables)
      signature.tunables.push_back(
          {tunable.name, tunable.choices, llvm::is_contained(kernel.tune.rounding, tunable.name), tunable.standard});
    signature.key = tuneKey(kernel, diagnostics);
    signature.extentConditions = extentConditions(kernel, diagnostics);
    for (const ast::KernelParameter &parameter : kernel.parameters) {
      Parameter described = describeParameter(parameter, stored, diagnostics);
      if (std::optional<DataType> element = elementOf(parameter, stored))
        described.type = *element;
      else
        describeType(parameter.type, described);
      described.varying = varyingOf(parameter);
      described.pages = stored.pagesOf(parameter.name);
      signature.parameters.push_back(std::move(described));
    }
    llvm::append_range(signature.parameters, stored.parameters());
    for (CapturedParameter &captured : bindHooks(file, kernel, options.hooks, diagnostics).captured) {
      describeType(captured.type, captured.described);
      signature.parameters.push_back(std::move(captured.described));
    }
    for (const ast::Function *function : file.visibleFunctions())
      if (function->isHook)
        signature.hooks.push_back(function->name);
    signatures.push_back(std::move(signature));
  }
  return signatures;
}

Emitter::Emitter(const Specialisation &program, const CompileOptions &options, const Target &target,
                 MLIRContext &context, KernelInterface &interface, Diagnostics &diagnostics)
    : program(program), options(options), target(target), interface(interface), diagnostics(diagnostics), b(&context) {
  scopes.emplace_back();
}

Location Emitter::at(uint32_t offset) {
  Place place = diagnostics.position(offset);
  return FileLineColLoc::get(b.getContext(), place.file, place.line, place.column);
}

Type Emitter::toType(DataType type) { return toMlirType(type, b); }

std::optional<DataType> Emitter::resolveType(const ast::TypeName &type) {
  std::optional<DataType> result = parseDataType(type.name);
  if (auto it = program.types.find(type.name); it != program.types.end())
    result = it->second;
  if (!result) {
    reportUnknownType(diagnostics, type.offset, type.name);
    return std::nullopt;
  }
  if (type.wide)
    result = wideType(*result);
  return result;
}

/// The value of a scalar's default as its type holds it.
std::optional<double> Emitter::standardOf(const ast::KernelParameter &parameter, DataType type) {
  std::optional<Number> value;
  if (parameter.standard)
    value = evaluateDefault(*parameter.standard, program, diagnostics);
  if (!value)
    return std::nullopt;
  Val literal = value->isFloat ? Val::ofFloat(value->real) : Val::ofInteger(value->integer);
  bool exact = value->isFloat || int64_t(value->real) == value->integer;
  if (!fits(literal, type) || !exact)
    wrongLiteral(parameter.standard->offset, literal, toType(type), isUnsigned(type));
  return value->real;
}

void Emitter::fillInterface() {
  const ast::Kernel &kernel = *program.kernel;
  interface.kernel = interface.entry = kernel.name;
  interface.target = target.name;
  interface.constants = program.integers;
  interface.foldedGrid = options.foldGrid || interface.resident() > 0;
  interface.types = program.types;
  for (const Expression &requirement : program.requirements)
    interface.requirements.push_back(program.stored->onHost(requirement));
  interface.warps = program.integers.find("warps")->second;
  for (const ast::KernelParameter &parameter : kernel.parameters) {
    Parameter described = describeParameter(parameter, *program.stored, diagnostics);
    described.type = resolveType(parameter.type).value_or(DataType::F32);
    if (isF8(described.type) && !parameter.isView)
      error(parameter.offset, Message::F8Scalar, parameter.name, name(described.type));
    if (std::optional<DataType> element = elementOf(parameter, *program.stored)) {
      if (!canBeScaled(described.type))
        error(parameter.offset, Message::ScaledType, parameter.name, name(described.type),
              program.stored->find(parameter.name)->storage.text());
      described.type = *element;
    }
    described.present = !parameter.optional || options.given.contains(parameter.name);
    described.standard = standardOf(parameter, described.type);
    interface.parameters.push_back(std::move(described));
  }
  llvm::append_range(interface.parameters, program.stored->parameters());
  for (const CapturedParameter &captured : program.hooks.captured) {
    interface.parameters.push_back(captured.described);
    interface.parameters.back().type = resolveType(captured.type).value_or(DataType::F32);
  }
  for (Parameter &parameter : interface.parameters)
    if (auto it = options.alignment.find(parameter.name); it != options.alignment.end())
      parameter.alignment = it->second;
  for (const ast::ExprPtr &extent : kernel.grid)
    if (std::optional<Expression> expression = toExpression(*extent, diagnostics)) {
      *expression = program.stored->onHost(*expression);
      if (interface.grid.size() < 3)
        interface.grid.push_back(*expression);
      else // shares the last axis
        interface.grid.back().postfix += " " + expression->postfix + " *";
    }
  while (interface.grid.size() < 3)
    interface.grid.push_back({"1"});
  checkHost();
}

/// Names of an expression of the host: parameters, extents that some present view has by themselves, and integer
/// scalars but in an extent.
void Emitter::checkHostExpression(const ast::Expr &expr, const std::set<std::string> &known, bool isExtent) {
  bool isConstant = lookUp(expr.text, program).has_value();
  bool isScalar = llvm::any_of(program.kernel->parameters, [&](const ast::KernelParameter &parameter) {
    return !parameter.isView && parameter.name == expr.text && (isExtent || !isIntegerScalar(parameter));
  });
  isConstant |= llvm::any_of(program.kernel->parameters, [&](const ast::KernelParameter &parameter) {
    return !isExtent && isIntegerScalar(parameter) && parameter.name == expr.text;
  });
  if (expr.kind == ast::Expr::Name && isScalar)
    error(expr.offset, Message::HostScalar, expr.text);
  else if (expr.kind == ast::Expr::Name && !isConstant && !known.contains(expr.text))
    error(expr.offset, Message::UnknownName, expr.text,
          suggestion(expr.text, std::vector<std::string>(known.begin(), known.end())));
  for (const ast::ExprPtr &operand : expr.operands)
    checkHostExpression(*operand, known, isExtent);
}

/// An extent that is a constant must be one that a view can have.
void Emitter::checkExtent(const ast::KernelParameter &parameter, const ast::Expr &extent) {
  std::optional<Constant> value = evaluate(extent, program, diagnostics);
  bool isExtent = !value || (value->kind == Constant::Integer && value->value >= 1 && value->value <= kLargestExtent);
  if (!isExtent)
    error(extent.offset, Message::ViewExtent, parameter.name, kLargestExtent, ast::toText(extent), value->value);
}

void Emitter::checkHost() {
  const ast::Kernel &kernel = *program.kernel;
  std::set<std::string> known;
  for (const auto &[parameter, described] : llvm::zip(kernel.parameters, interface.parameters))
    for (const ast::ExprPtr &extent : parameter.extents)
      if (described.present && !symbolOf(*extent).empty())
        known.insert(extent->text);
  for (const auto &[parameter, described] : llvm::zip(kernel.parameters, interface.parameters))
    for (const ast::ExprPtr &extent : parameter.extents) {
      if (described.present && extent->kind != ast::Expr::Part)
        checkHostExpression(*extent, known, /*isExtent=*/true);
      checkExtent(parameter, *extent);
    }
  for (const ast::ExprPtr &extent : kernel.grid) {
    checkHostExpression(*extent, known, /*isExtent=*/false);
    evaluate(*extent, program, diagnostics);
  }
  for (const ast::ExprPtr &requirement : kernel.requirements)
    forEachConjunct(*requirement, [&](const ast::Expr &part) {
      if (!comparesScalar(part, kernel))
        checkHostExpression(part, known, /*isExtent=*/false);
    });
}

func::FuncOp Emitter::makeFunction(ModuleOp module) {
  SmallVector<Type> types;
  SmallVector<const Parameter *> present;
  for (const Parameter &parameter : interface.parameters) {
    if (!parameter.present)
      continue;
    Type type = toType(parameter.type);
    if (parameter.isView) {
      SmallVector<int64_t> extents;
      for (const Expression &extent : parameter.extents)
        extents.push_back(extent.evaluate(interface.constants).value_or(ShapedType::kDynamic));
      tile::ViewAccess access = parameter.inPlace  ? tile::ViewAccess::Var
                                : parameter.output ? tile::ViewAccess::Out
                                                   : tile::ViewAccess::In;
      type = tile::ViewType::get(b.getContext(), extents, type, access);
    }
    types.push_back(type);
    present.push_back(&parameter);
  }
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, at(program.kernel->offset), interface.entry, b.getFunctionType(types, {}));
  unsigned stages = program.integers.find("stages")->second;
  auto has = [&](StringRef name, int64_t value) {
    auto found = program.integers.find(name);
    return found != program.integers.end() && found->second == value;
  };
  function->setAttr(tile::kKernelAttr,
                    tile::RequestAttr::get(b.getContext(), target.name, interface.warps, stages, interface.foldedGrid,
                                           interface.resident() > 0, has("walk", kWalkBackwards), has("turns", 1)));
  for (auto [i, parameter] : llvm::enumerate(present)) {
    function.setArgAttr(i, tile::kNameAttr, b.getStringAttr(parameter->name));
    if (!parameter->isView)
      continue;
    function.setArgAttr(i, tile::kAlignmentAttr, b.getI32IntegerAttr(parameter->alignment));
    SmallVector<Attribute> extents;
    for (const Expression &extent : parameter->extents)
      extents.push_back(b.getStringAttr(extent.infix()));
    function.setArgAttr(i, tile::kExtentsAttr, b.getArrayAttr(extents));
  }
  b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void Emitter::bindParameters(func::FuncOp function) {
  unsigned next = 0;
  for (const Parameter &parameter : interface.parameters) {
    Val value;
    value.kind = parameter.isView ? (parameter.present ? Val::View : Val::Absent) : Val::Ssa;
    value.parameter = &parameter;
    value.isUnsigned = !parameter.isView && isUnsigned(parameter.type);
    if (parameter.present)
      value.ssa = function.getArgument(next++);
    scopes.front()[parameter.name] = {value, false};
  }
  for (const auto &[name, value] : program.integers)
    constants[name] = {Val::ofInteger(value), false};
  for (const ast::KernelParameter &parameter : program.kernel->parameters)
    if (const StoredView *stored = program.stored->find(parameter.name))
      if (Val &value = scopes.front()[parameter.name].value; value.kind == Val::View)
        value.ssa = emitStored(parameter, *stored, value.ssa);
}

/// The view that the kernel declares, of its storage.
Value Emitter::emitStored(const ast::KernelParameter &parameter, const StoredView &stored, Value storage) {
  Value view = stored.isDense() ? storage : emitSequences(parameter, stored, storage);
  if (!stored.storage.scaling)
    return view;
  auto type = cast<tile::ViewType>(view.getType());
  const std::vector<int64_t> over = stored.scaledOver(parameter.extents.size());
  std::vector<int64_t> blocks(over.size(), 1);
  if (auto it = llvm::find(over, int64_t(stored.varying.dim)); it != over.end())
    blocks[it - over.begin()] = stored.storage.scaling->block;
  Type element = toType(resolveType(parameter.type).value_or(DataType::F32));
  auto result = tile::ViewType::get(b.getContext(), type.getExtents(), element, type.getAccess());
  Value scales = scopes.front()[parameter.name + ".scales"].value.ssa;
  return tile::ScaledOp::create(b, at(parameter.offset), result, view, scales, over, blocks);
}

/// A view with the shape that the kernel declares, of elements as its storage has them.
Value Emitter::emitSequences(const ast::KernelParameter &parameter, const StoredView &stored, Value storage) {
  Location loc = at(parameter.offset);
  auto [dim, along] = stored.varying;
  auto part = [&](const char *name) { return scopes.front()[stored.leader + "." + name].value.ssa; };
  auto type = cast<tile::ViewType>(storage.getType());
  SmallVector<int64_t> extents(type.getExtents());
  if (stored.storage.kind == Storage::Kind::Padded)
    return tile::PaddedOp::create(b, loc, type, storage, part("lengths"), dim, along);
  std::optional<Constant> count = evaluate(*parameter.extents[along], program, diagnostics);
  extents.insert(extents.begin() + along, count ? count->value : ShapedType::kDynamic);
  auto result = tile::ViewType::get(b.getContext(), extents, type.getElementType(), type.getAccess());
  if (stored.storage.kind == Storage::Kind::Ragged)
    return tile::RaggedOp::create(b, loc, result, storage, part("offsets"), part("longest"), dim, along);
  return tile::PagedOp::create(b, loc, result, storage, part("table"), part("lengths"), part("pageRows"),
                               stored.storage.page, dim, along);
}

/// Symbolic extents become i32 values, read where they stand by themselves for the first time, in dense views before
/// others. Of one that varies, the first view that has it and is not dense says how long a sequence is.
void Emitter::bindExtents() {
  for (bool isDense : {true, false})
    for (const auto &[declared, parameter] : llvm::zip(program.kernel->parameters, interface.parameters)) {
      const StoredView *stored = program.stored->find(parameter.name);
      if (!parameter.isView || !parameter.present || isDense != (!stored || stored->isDense()))
        continue;
      Value view = scopes.front()[parameter.name].value.ssa;
      for (auto [dim, extent] : llvm::enumerate(declared.extents)) {
        if (symbolOf(*extent).empty())
          continue;
        if (extent->kind == ast::Expr::Part)
          if (Value &length = varying[extent->text]; !length && !isDense)
            length = view;
        if (find(extent->text))
          continue;
        Value value = tile::ExtentOp::create(b, at(extent->offset), view, dim);
        exact.definePosition(value, {0, kLargestExtent});
        scopes.front()[extent->text] = {Val::of(value), false};
      }
    }
}

/// What the host's bindings see, and the kernel's body does not.
void Emitter::hideCaptured() {
  hostScope = scopes.front();
  for (const CapturedParameter &captured : program.hooks.captured)
    scopes.front().erase(captured.described.name);
}

/// Where `walk` is more than 1: so many instances along the first axis go together, one position of the second axis
/// after another, before the next ones. Only which instance is which changes: with walk 2 of 4 by 3 instances,
///
///     0 1 | 6 7        the seventh of the launch, at (2, 1) of it, is at (2, 0) of the grid
///     2 3 | 8 9
///     4 5 | 10 11
///
/// The last ones together may be fewer. Products stay below the number of instances, and so in 32 bits.
void Emitter::walkTogether(Value &x, Value &y) {
  const ast::Kernel &kernel = *program.kernel;
  auto walk = program.integers.find("walk");
  Value columns = emitI32(*kernel.grid[0], "an extent of the grid");
  Value rows = emitI32(*kernel.grid[1], "an extent of the grid");
  if (!columns || !rows)
    return;
  Location loc = x.getLoc();
  auto nsw = arith::IntegerOverflowFlags::nsw;
  auto times = [&](Value a, Value c) -> Value { return arith::MulIOp::create(b, loc, a, c, nsw); };
  auto plus = [&](Value a, Value c) -> Value { return arith::AddIOp::create(b, loc, a, c, nsw); };
  Value together = arith::MinSIOp::create(b, loc, columns, i32(loc, walk->second));
  Value id = plus(x, times(y, columns)), count = times(together, rows);
  Value first = times(arith::DivUIOp::create(b, loc, id, count), together);
  Value rest = arith::RemUIOp::create(b, loc, id, count);
  Value size = arith::MinSIOp::create(b, loc, together, arith::SubIOp::create(b, loc, columns, first, nsw));
  x = plus(first, arith::RemUIOp::create(b, loc, rest, size));
  y = arith::DivUIOp::create(b, loc, rest, size);
}

/// Grid names are positions below the grid's extents. Those behind the second share the third axis, the first of them
/// running fastest.
void Emitter::bindGrid() {
  const ast::Kernel &kernel = *program.kernel;
  auto walk = program.integers.find("walk");
  SmallVector<Value> axes;
  for (auto [i, name] : llvm::enumerate(ArrayRef(kernel.gridNames).take_front(3)))
    axes.push_back(tile::ProgramIdOp::create(b, at(name.offset), i, Value()));
  if (axes.size() > 1 && walk != program.integers.end() && walk->second > 1)
    walkTogether(axes[0], axes[1]);
  Value rest;
  for (auto [i, name] : llvm::enumerate(kernel.gridNames)) {
    Location loc = at(name.offset);
    Value id = i < 3 ? axes[i] : rest;
    if (i >= 2 && i + 1 < kernel.gridNames.size()) {
      Value extent = emitI32(*kernel.grid[i], "an extent of the grid");
      if (!extent)
        return;
      rest = arith::DivUIOp::create(b, loc, id, extent);
      id = arith::RemUIOp::create(b, loc, id, extent);
    }
    Expression extent = toExpression(*kernel.grid[i], diagnostics).value_or(Expression{"1"});
    int64_t most = std::min<int64_t>(intervalOf(extent, interface.constants).high, INT32_MAX);
    exact.definePosition(id, {0, std::max<int64_t>(most - 1, 0)});
    scopes.front()[name.name] = {Val::of(id), false};
  }
}

static std::string swapSides(const std::string &comparison) {
  std::string swapped = comparison;
  swapped[0] = comparison[0] == '<' ? '>' : comparison[0] == '>' ? '<' : comparison[0];
  return swapped;
}

/// `scalar op number`, either way round: a fact of the kernel, and a condition for the host.
void Emitter::emitRequirement(const ast::Expr &condition) {
  auto scalarOf = [&](const ast::Expr &side) -> const Parameter * {
    for (const Parameter &parameter : interface.parameters)
      if (side.kind == ast::Expr::Name && !parameter.isView && parameter.name == side.text)
        return &parameter;
    return nullptr;
  };
  bool isLeft = scalarOf(*condition.operands[0]);
  const Parameter &scalar = *scalarOf(*condition.operands[isLeft ? 0 : 1]);
  const ast::Expr &other = *condition.operands[isLeft ? 1 : 0];
  std::string comparison = isLeft ? condition.text : swapSides(condition.text);
  std::optional<Number> number = evaluateDefault(other, program, diagnostics, Message::RequiredBound);
  if (!number)
    return;
  Val literal = number->isFloat ? Val::ofFloat(number->real) : Val::ofInteger(number->integer);
  Val fact = binary(condition.offset, comparison, scopes.front()[scalar.name].value, literal);
  if (fact.isPoison())
    return;
  double bound = number->real;
  if (auto type = dyn_cast<FloatType>(toType(scalar.type)))
    bound = b.getFloatAttr(type, bound).getValueAsDouble();
  constexpr int64_t kMostExact = int64_t(1) << 53; // beyond, neighbours are one number of f64
  if (!isFloat(scalar.type) && (number->integer < -kMostExact || number->integer > kMostExact))
    error(other.offset, Message::RequiredBound, ast::toText(other));
  interface.scalarRequirements.push_back({scalar.name, comparison, bound});
  tile::RequireOp::create(b, at(condition.offset), fact.ssa);
}

OwningOpRef<ModuleOp> Emitter::run() {
  unsigned before = diagnostics.errorCount();
  fillInterface();
  if (diagnostics.errorCount() != before)
    return {};
  OwningOpRef<ModuleOp> module(ModuleOp::create(at(program.kernel->offset)));
  func::FuncOp function = makeFunction(*module);
  bindParameters(function);
  bindExtents();
  hideCaptured();
  bindGrid();
  for (const ast::Expr *condition : program.scalarRequirements)
    emitRequirement(*condition);
  emitBlock(program.kernel->body);
  func::ReturnOp::create(b, at(program.kernel->offset));
  if (diagnostics.errorCount() != before || failed(verify(*module)))
    return {};
  return module;
}
