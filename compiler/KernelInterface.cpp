//===- KernelInterface.cpp - What a host needs to launch a kernel ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's interface as JSON and back, and its signature as JSON. Reading is strict: a missing or mistyped
// member, or a value out of its range, gives nullopt. Equal interfaces give equal bytes.
//
//===----------------------------------------------------------------------===//

#include "compiler/KernelInterface.h"
#include "compiler/Number.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"

using namespace imbrex;
namespace json = llvm::json;

std::string_view imbrex::baseTypeParameter(std::string_view text) {
  if (!text.starts_with("wide<") || !text.ends_with('>'))
    return text;
  return text.substr(5, text.size() - 6);
}

bool ScalarRequirement::holds(double value) const {
  if (comparison == "<")
    return value < bound;
  if (comparison == "<=")
    return value <= bound;
  if (comparison == ">")
    return value > bound;
  if (comparison == ">=")
    return value >= bound;
  return comparison == "==" ? value == bound : value != bound;
}

std::string ScalarRequirement::infix() const { return scalar + " " + comparison + " " + writeReal(bound); }

static json::Array toJson(const std::vector<Expression> &expressions) {
  json::Array array;
  for (const Expression &expression : expressions)
    array.push_back(expression.postfix);
  return array;
}

static json::Array toJson(const std::vector<ScalarRequirement> &requirements) {
  json::Array array;
  for (const ScalarRequirement &each : requirements)
    array.push_back(json::Object{{"scalar", each.scalar}, {"comparison", each.comparison}, {"bound", each.bound}});
  return array;
}

static json::Object toJson(const Parameter &parameter) {
  json::Object object{{"name", parameter.name}, {"type", llvm::StringRef(name(parameter.type))}};
  if (parameter.standard)
    object["default"] = *parameter.standard;
  if (!parameter.isView)
    return object;
  object["view"] = toJson(parameter.extents);
  object["output"] = parameter.output;
  object["inPlace"] = parameter.inPlace;
  object["optional"] = parameter.optional;
  object["present"] = parameter.present;
  object["alignment"] = int64_t(parameter.alignment);
  return object;
}

static constexpr llvm::StringLiteral kLaunchValueKinds[] = {"pointer", "extent",     "stride",
                                                            "scalar",  "gridExtent", "tensorMap"};
static_assert(std::size(kLaunchValueKinds) == unsigned(LaunchValue::Kind::TensorMap) + 1);

unsigned LaunchValue::bytes() const {
  switch (kind) {
  case Kind::Pointer:
  case Kind::Stride:
    return 8;
  case Kind::Extent:
  case Kind::GridExtent:
    return 4;
  case Kind::Scalar:
    return byteSize(type);
  case Kind::TensorMap:
    return 128;
  }
  return 0;
}

static json::Object toJson(const LaunchValue &value) {
  json::Object object{{"kind", kLaunchValueKinds[unsigned(value.kind)]}, {"index", int64_t(value.index)}};
  object["name"] = value.name;
  object["type"] = llvm::StringRef(name(value.type));
  if (value.kind == LaunchValue::Kind::TensorMap) {
    object["box"] = json::Array(value.box);
    object["span"] = int64_t(value.span);
  }
  return object;
}

static std::string textOf(const json::Value &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

std::string KernelInterface::toJson() const {
  json::Array parameterList;
  for (const Parameter &parameter : parameters)
    parameterList.push_back(::toJson(parameter));
  json::Array valueList;
  for (const LaunchValue &value : launchValues)
    valueList.push_back(::toJson(value));
  json::Object constantMap, typeMap;
  for (const auto &[name, value] : constants)
    constantMap[name] = value;
  for (const auto &[name, type] : types)
    typeMap[name] = llvm::StringRef(imbrex::name(type));
  return textOf(json::Object{
      {"kernel", kernel},
      {"entry", entry},
      {"parameters", std::move(parameterList)},
      {"launchValues", std::move(valueList)},
      {"constants", std::move(constantMap)},
      {"types", std::move(typeMap)},
      {"grid", ::toJson(grid)},
      {"requirements", ::toJson(requirements)},
      {"scalarRequirements", ::toJson(scalarRequirements)},
      {"target", target},
      {"warps", int64_t(warps)},
      {"sharedBytes", int64_t(sharedBytes)},
      {"foldedGrid", foldedGrid},
  });
}

/// A parameter before specialisation: its type may be a type parameter's, nothing is known of presence or alignment.
static json::Object signatureParameter(const Parameter &parameter) {
  json::Object object = ::toJson(parameter);
  if (!parameter.typeParameter.empty())
    object["type"] = parameter.typeParameter;
  if (parameter.varying)
    object["varying"] =
        json::Object{{"dim", int64_t(parameter.varying->dim)}, {"along", int64_t(parameter.varying->along)}};
  object.erase("present");
  object.erase("alignment");
  return object;
}

std::string KernelSignature::toJson() const {
  json::Array typeList, tunableList, parameterList;
  for (const TypeParameter &type : typeParameters) {
    json::Array allowed;
    for (DataType candidate : type.allowed)
      allowed.push_back(llvm::StringRef(imbrex::name(candidate)));
    typeList.push_back(json::Object{{"name", type.name}, {"allowed", std::move(allowed)}});
  }
  for (const Tunable &tunable : tunables)
    tunableList.push_back(json::Object{
        {"name", tunable.name},
        {"choices", json::Array(tunable.choices)},
        {"rounding", tunable.rounding},
        {"default", tunable.standard},
    });
  for (const Parameter &parameter : parameters)
    parameterList.push_back(signatureParameter(parameter));
  return textOf(json::Object{
      {"name", name},
      {"types", std::move(typeList)},
      {"integers", json::Array(integerParameters)},
      {"tunables", std::move(tunableList)},
      {"key", ::toJson(key)},
      {"extentConditions", ::toJson(extentConditions)},
      {"parameters", std::move(parameterList)},
      {"hooks", json::Array(hooks)},
  });
}

std::set<std::string, std::less<>>
KernelSignature::holding(const std::map<std::string, int64_t, std::less<>> &values) const {
  std::set<std::string, std::less<>> held;
  for (const Expression &condition : extentConditions)
    if (condition.evaluate(values).value_or(0) != 0)
      held.insert(condition.infix());
  return held;
}

namespace {

/// Reads members of one object; the first that is missing or wrong clears `ok`.
struct Reader {
  const json::Object &object;
  bool ok = true;

  std::string text(llvm::StringRef key) {
    std::optional<llvm::StringRef> value = object.getString(key);
    ok &= value.has_value();
    return value ? value->str() : std::string();
  }
  bool boolean(llvm::StringRef key) {
    std::optional<bool> value = object.getBoolean(key);
    ok &= value.has_value();
    return value.value_or(false);
  }
  unsigned number(llvm::StringRef key) {
    std::optional<int64_t> value = object.getInteger(key);
    ok &= value && *value >= 0 && *value <= UINT32_MAX;
    return ok ? unsigned(*value) : 0;
  }
  DataType type(llvm::StringRef key) { return parse(object.getString(key)); }
  DataType parse(std::optional<llvm::StringRef> word) {
    std::optional<DataType> value = word ? parseDataType(*word) : std::nullopt;
    ok &= value.has_value();
    return value.value_or(DataType::F32);
  }
  double real(llvm::StringRef key) {
    std::optional<double> value = object.getNumber(key);
    ok &= value.has_value();
    return value.value_or(0);
  }
  std::vector<Expression> expressions(llvm::StringRef key) {
    std::vector<Expression> list;
    const json::Array *array = object.getArray(key);
    ok &= array != nullptr;
    if (!array)
      return list;
    for (const json::Value &element : *array) {
      std::optional<llvm::StringRef> word = element.getAsString();
      ok &= word.has_value();
      list.push_back({word ? word->str() : std::string()});
    }
    return list;
  }
};

} // namespace

static std::optional<Parameter> readParameter(const json::Value &value) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return std::nullopt;
  Reader reader{*object};
  Parameter parameter;
  parameter.name = reader.text("name");
  parameter.type = reader.type("type");
  parameter.isView = object->get("view") != nullptr;
  parameter.standard = object->getNumber("default");
  parameter.optional = parameter.standard.has_value();
  if (parameter.isView) {
    parameter.extents = reader.expressions("view");
    parameter.output = reader.boolean("output");
    parameter.inPlace = reader.boolean("inPlace");
    parameter.optional = reader.boolean("optional");
    parameter.present = reader.boolean("present");
    parameter.alignment = reader.number("alignment");
  }
  return reader.ok ? std::optional(std::move(parameter)) : std::nullopt;
}

static std::optional<ScalarRequirement> readScalarRequirement(const json::Value &value) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return std::nullopt;
  Reader reader{*object};
  ScalarRequirement requirement{reader.text("scalar"), reader.text("comparison"), reader.real("bound")};
  static constexpr std::string_view kComparisons[] = {"<", "<=", ">", ">=", "==", "!="};
  return reader.ok && llvm::is_contained(kComparisons, requirement.comparison) ? std::optional(requirement)
                                                                               : std::nullopt;
}

static std::optional<LaunchValue> readLaunchValue(const json::Value &value) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return std::nullopt;
  Reader reader{*object};
  LaunchValue result;
  const auto *kind = llvm::find(kLaunchValueKinds, reader.text("kind"));
  result.kind = LaunchValue::Kind(kind - std::begin(kLaunchValueKinds));
  result.name = reader.text("name");
  result.index = reader.number("index");
  result.type = reader.type("type");
  bool isKnown = kind != std::end(kLaunchValueKinds);
  if (isKnown && result.kind == LaunchValue::Kind::TensorMap) {
    result.span = reader.number("span");
    const json::Array *box = object->getArray("box");
    isKnown = box != nullptr;
    for (const json::Value &extent : box ? *box : json::Array())
      result.box.push_back(unsigned(extent.getAsInteger().value_or(0)));
  }
  return reader.ok && isKnown ? std::optional(std::move(result)) : std::nullopt;
}

/// Fills what is a list or a map; false if anything is missing or mistyped.
static bool readMembers(Reader &reader, KernelInterface &result) {
  const json::Array *parameters = reader.object.getArray("parameters");
  const json::Array *values = reader.object.getArray("launchValues");
  const json::Object *constants = reader.object.getObject("constants");
  const json::Object *types = reader.object.getObject("types");
  const json::Array *scalars = reader.object.getArray("scalarRequirements");
  if (!parameters || !values || !constants || !types || !scalars)
    return false;
  for (const json::Value &value : *scalars) {
    std::optional<ScalarRequirement> requirement = readScalarRequirement(value);
    if (!requirement)
      return false;
    result.scalarRequirements.push_back(std::move(*requirement));
  }
  for (const json::Value &value : *parameters) {
    std::optional<Parameter> parameter = readParameter(value);
    if (!parameter)
      return false;
    result.parameters.push_back(std::move(*parameter));
  }
  for (const json::Value &value : *values) {
    std::optional<LaunchValue> launchValue = readLaunchValue(value);
    if (!launchValue)
      return false;
    result.launchValues.push_back(std::move(*launchValue));
  }
  for (const auto &[key, value] : *constants) {
    std::optional<int64_t> integer = value.getAsInteger();
    if (!integer)
      return false;
    result.constants[key.str()] = *integer;
  }
  for (const auto &[key, value] : *types)
    result.types[key.str()] = reader.parse(value.getAsString());
  return reader.ok;
}

std::optional<KernelInterface> KernelInterface::fromJson(std::string_view text) {
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  const json::Object *object = value->getAsObject();
  if (!object)
    return std::nullopt;
  Reader reader{*object};
  KernelInterface result;
  result.kernel = reader.text("kernel");
  result.entry = reader.text("entry");
  result.grid = reader.expressions("grid");
  result.requirements = reader.expressions("requirements");
  result.target = reader.text("target");
  result.warps = reader.number("warps");
  result.sharedBytes = reader.number("sharedBytes");
  result.foldedGrid = reader.boolean("foldedGrid");
  if (!readMembers(reader, result) || !reader.ok)
    return std::nullopt;
  return result;
}
