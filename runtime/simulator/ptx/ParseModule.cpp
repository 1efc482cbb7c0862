//===- ParseModule.cpp - Module level of PTX ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Directives outside kernels, variables with their initialisers, and literals.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/Parser.h"
#include "runtime/simulator/ptx/ParserState.h"

#include <charconv>
#include <cstdio>
#include <cstring>

namespace imbrex::simulator::ptx {

unsigned typeBits(std::string_view word) {
  static constexpr std::pair<std::string_view, unsigned> kTypes[] = {
      {".pred", 1},
      {".b8", 8},
      {".u8", 8},
      {".s8", 8},
      {".b16", 16},
      {".u16", 16},
      {".s16", 16},
      {".f16", 16},
      {".bf16", 16},
      {".b32", 32},
      {".u32", 32},
      {".s32", 32},
      {".f32", 32},
      {".f16x2", 32},
      {".bf16x2", 32},
      {".b64", 64},
      {".u64", 64},
      {".s64", 64},
      {".f64", 64},
      {".b128", 128},
      // 6.5.11, opaque types: a handle. Kernels that use one are refused by the instruction.
      {".texref", 64},
      {".samplerref", 64},
      {".surfref", 64}};
  for (const auto &[name, bits] : kTypes)
    if (name == word)
      return bits;
  return 0;
}

bool ParserState::accept(std::string_view text) {
  if (!is(text) || peek().kind == Token::End)
    return false;
  ++at;
  return true;
}

bool ParserState::expect(std::string_view text) {
  return accept(text) || fail("expected '" + std::string(text) + "' before '" + std::string(peek().text) + "'");
}

bool ParserState::fail(const std::string &message) {
  if (error.empty())
    error = "PTX line " + std::to_string(peek().line) + ": " + message;
  return false;
}

namespace {

bool parseWhole(std::string_view text, int base, uint64_t &out) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return status == std::errc() && end == text.data() + text.size();
}

/// "12", "0x1F", "0b101", "017", with an optional U.
bool parseInteger(std::string_view text, uint64_t &out) {
  if (text.size() > 1 && (text.back() == 'U' || text.back() == 'u'))
    text.remove_suffix(1);
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    return parseWhole(text.substr(2), 16, out);
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B'))
    return parseWhole(text.substr(2), 2, out);
  return parseWhole(text, text.size() > 1 && text[0] == '0' ? 8 : 10, out);
}

uint64_t doubleBits(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

} // namespace

bool ParserState::parseLiteral(Operand &out) {
  bool negative = accept("-");
  std::string_view text = peek().text;
  if (peek().kind != Token::Number)
    return fail("expected a number before '" + std::string(text) + "'");
  char second = text.size() > 1 ? text[1] : '\0';
  if (text[0] == '0' && (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
    bool single = second == 'f' || second == 'F';
    if (text.size() != (single ? 10u : 18u) || !parseWhole(text.substr(2), 16, out.bits))
      return fail("malformed floating-point literal '" + std::string(text) + "'");
    out.kind = single ? Operand::Single : Operand::Double;
    if (negative)
      out.bits ^= single ? uint64_t(1) << 31 : uint64_t(1) << 63;
  } else if (text.find('.') != text.npos || (second != 'x' && second != 'X' && text.find_first_of("eE") != text.npos)) {
    double value = 0;
    auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size())
      return fail("malformed number '" + std::string(text) + "'");
    out.kind = Operand::Double;
    out.bits = doubleBits(negative ? -value : value);
  } else {
    if (!parseInteger(text, out.bits))
      return fail("malformed number '" + std::string(text) + "'");
    out.kind = Operand::Integer;
    out.bits = negative ? 0 - out.bits : out.bits;
  }
  ++at;
  return true;
}

bool ParserState::parseUnsigned(uint64_t &out) {
  if (peek().kind != Token::Number || !parseInteger(peek().text, out))
    return fail("expected an integer before '" + std::string(peek().text) + "'");
  ++at;
  return true;
}

namespace {

/// "name", "generic(name)", either with "+ number": an address. The number stays in the bytes, to be added to.
bool parseInitialAddress(ParserState &state, unsigned bytes, Variable &out) {
  std::string name(state.peek().text);
  ++state.at;
  if (name == "generic" && state.accept("(")) {
    name = state.peek().text;
    ++state.at;
    if (!state.expect(")"))
      return false;
  }
  Operand addend;
  if (state.accept("+") && !state.parseLiteral(addend))
    return false;
  if (bytes != 8)
    return state.fail("the address of '" + name + "' needs an 8-byte element");
  out.relocations.emplace_back(out.initial.size(), name);
  for (unsigned i = 0; i < bytes; ++i)
    out.initial.push_back(static_cast<uint8_t>(addend.bits >> (8 * i)));
  return true;
}

/// One initialiser element into `out`: a number of `bytes` bytes, or the address of a symbol.
bool parseInitialElement(ParserState &state, unsigned bytes, bool isSingle, Variable &out) {
  if (state.peek().kind == Token::Word)
    return parseInitialAddress(state, bytes, out);
  Operand literal;
  if (!state.parseLiteral(literal))
    return false;
  uint64_t bits = literal.bits;
  if (isSingle && literal.kind == Operand::Double) {
    double wide;
    std::memcpy(&wide, &bits, sizeof(wide));
    float narrow = static_cast<float>(wide);
    bits = 0;
    std::memcpy(&bits, &narrow, sizeof(narrow));
  }
  for (unsigned i = 0; i < bytes; ++i)
    out.initial.push_back(static_cast<uint8_t>(bits >> (8 * i)));
  return true;
}

/// "{1, 2, {3}}" flattened, or one element.
bool parseInitialiser(ParserState &state, unsigned bytes, bool isSingle, Variable &out) {
  int depth = 0;
  do {
    while (state.accept("{"))
      ++depth;
    if (!state.is("}") && !parseInitialElement(state, bytes, isSingle, out))
      return false;
    while (depth > 0 && state.accept("}"))
      --depth;
  } while (depth > 0 && state.expect(","));
  return depth == 0 || state.fail("unbalanced braces in an initialiser");
}

} // namespace

namespace {

/// No device has more; products of it with an element's bytes stay far from 2^64.
constexpr uint64_t kMostElements = uint64_t(1) << 40;
constexpr uint64_t kMostAlign = uint64_t(1) << 20;

/// "[4][8]" after a variable's name; `unsized` for "[]".
bool parseExtents(ParserState &state, uint64_t &elements, bool &unsized) {
  while (state.accept("[")) {
    uint64_t extent = 0;
    if (state.is("]"))
      unsized = true;
    else if (!state.parseUnsigned(extent))
      return false;
    if (extent != 0 && elements > kMostElements / extent)
      return state.fail("the array is too large");
    elements *= unsized ? 1 : extent;
    if (!state.expect("]"))
      return false;
  }
  return true;
}

bool parseAlign(ParserState &state, uint64_t &align) {
  if (!state.parseUnsigned(align))
    return false;
  bool fine = align != 0 && (align & (align - 1)) == 0 && align <= kMostAlign;
  return fine || state.fail(".align needs a power of two");
}

} // namespace

/// "{ filter_mode = nearest, ... }" of an opaque variable, which nothing reads.
static bool skipProperties(ParserState &state) {
  if (!state.expect("{"))
    return false;
  while (!state.is("}") && state.peek().kind != Token::End)
    ++state.at;
  return state.expect("}");
}

bool ParserState::parseVariable(Variable &out, bool inRegister) {
  out.line = peek().line;
  unsigned bits = 0, lanes = 1;
  bool isSingle = false, isOpaque = false;
  while (peek().kind == Token::Word && peek().text[0] == '.') {
    std::string_view word = peek().text;
    ++at;
    if (word == ".align") {
      if (!parseAlign(*this, out.align))
        return false;
    } else if (word == ".ptr" || word == ".global" || word == ".const" || word == ".shared" || word == ".local" ||
               word == ".managed") {
      continue;                        // Where a parameter points is advice to the assembler.
    } else if (word == ".attribute") { // ".attribute(.managed)": host and device see one memory here.
      while (!is(")") && peek().kind != Token::End)
        ++at;
      if (!expect(")"))
        return false;
    } else if (word == ".v2" || word == ".v4") {
      lanes = word == ".v2" ? 2 : 4;
    } else if (unsigned width = typeBits(word); width >= (inRegister ? 1 : 8)) {
      bits = width;
      out.registerBits = width;
      isSingle = word == ".f32";
      isOpaque = word.ends_with("ref");
    } else {
      return fail("unknown word '" + std::string(word) + "' in a declaration");
    }
  }
  if (bits == 0 || peek().kind != Token::Word)
    return fail("expected a type and a name before '" + std::string(peek().text) + "'");
  out.name = peek().text;
  ++at;
  if (out.align < bits / 8)
    out.align = out.align > 1 ? out.align : bits / 8 * lanes;
  uint64_t elements = 1;
  bool unsized = false;
  if (!parseExtents(*this, elements, unsized))
    return false;
  if (isOpaque && accept("="))
    return out.bytes = bits / 8, skipProperties(*this);
  if (accept("=") && !parseInitialiser(*this, bits / 8, isSingle, out))
    return false;
  out.bytes = unsized ? out.initial.size() : elements * lanes * bits / 8;
  return out.initial.size() <= out.bytes || fail("more initial values than '" + out.name + "' holds");
}

bool ParserState::parseLocation(SourcePlace &place) {
  uint64_t file, line, column;
  if (!parseUnsigned(file) || !parseUnsigned(line) || !parseUnsigned(column))
    return false;
  if (line != 0)
    place = {static_cast<uint32_t>(file), static_cast<uint32_t>(line), static_cast<uint32_t>(column)};
  while (accept(",")) {
    if (accept("function_name")) {
      ++at;
      if (accept("+"))
        ++at;
    } else if (accept("inlined_at")) {
      if (!parseUnsigned(file) || !parseUnsigned(line) || !parseUnsigned(column))
        return false;
    } else {
      return fail("unknown word '" + std::string(peek().text) + "' in .loc");
    }
  }
  return true;
}

bool ParserState::parseFile() {
  uint64_t number;
  if (!parseUnsigned(number))
    return false;
  if (peek().kind != Token::String)
    return fail("expected a file name");
  module.files[static_cast<uint32_t>(number)] = peek().text;
  ++at;
  for (uint64_t ignored; accept(",");)
    if (!parseUnsigned(ignored))
      return false;
  return true;
}

bool ParserState::skipSection() {
  ++at; // Its name.
  if (!expect("{"))
    return false;
  for (int depth = 1; depth > 0; ++at) {
    if (peek().kind == Token::End)
      return fail("unclosed .section");
    depth += is("{") ? 1 : is("}") ? -1 : 0;
  }
  return true;
}

std::optional<bool> ParserState::parseAnywhere(std::string_view word) {
  if (word == ".file")
    return parseFile();
  if (word == ".section")
    return skipSection();
  if (word != ".pragma")
    return std::nullopt;
  ++at;
  return expect(";");
}

namespace {

bool parseHeader(ParserState &state, std::string_view word) {
  if (word == ".version") {
    std::string_view text = state.peek().text;
    size_t dot = text.find('.');
    uint64_t major = 0, minor = 0;
    if (dot == text.npos || !parseWhole(text.substr(0, dot), 10, major) || !parseWhole(text.substr(dot + 1), 10, minor))
      return state.fail("malformed .version");
    state.module.version = static_cast<unsigned>(10 * major + minor);
    ++state.at;
    return true;
  }
  if (word == ".target") {
    state.module.target = state.peek().text;
    ++state.at;
    while (state.accept(","))
      ++state.at;
    return true;
  }
  uint64_t size;
  if (!state.parseUnsigned(size))
    return false;
  state.module.addressSize = static_cast<unsigned>(size);
  return size == 64 || state.fail(".address_size " + std::to_string(size) + " is not modelled, only 64");
}

bool parseModuleVariable(ParserState &state, std::string_view word, Linkage linkage) {
  Variable variable;
  variable.linkage = linkage;
  variable.space = word == ".shared" ? Space::Shared : word == ".const" ? Space::Const : Space::Global;
  if (!state.parseVariable(variable))
    return false;
  state.module.variables.push_back(std::move(variable));
  return state.expect(";");
}

/// ".alias name, function;"
bool parseAlias(ParserState &state) {
  std::string name(state.peek().text);
  ++state.at;
  if (!state.expect(","))
    return false;
  state.module.aliases[name] = state.peek().text;
  ++state.at;
  return state.expect(";");
}

/// Bytes that are no ASCII as \xNN: a file that is no text at all would write them to a terminal.
std::string printable(std::string_view word) {
  std::string text;
  for (char c : word) {
    char escaped[5];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(c));
    text += c >= ' ' && c <= '~' ? std::string(1, c) : escaped;
  }
  return text;
}

bool parseTopLevel(ParserState &state) {
  std::string_view word = state.peek().text;
  ++state.at;
  if (word == ".version" || word == ".target" || word == ".address_size")
    return parseHeader(state, word);
  if (std::optional<bool> parsed = state.parseAnywhere(word))
    return *parsed;
  Linkage linkage = Linkage::Internal;
  while (word == ".visible" || word == ".weak" || word == ".extern" || word == ".common") {
    linkage = word == ".visible"  ? Linkage::Visible
              : word == ".weak"   ? Linkage::Weak
              : word == ".extern" ? Linkage::External
                                  : Linkage::Common;
    word = state.peek().text;
    ++state.at;
  }
  if (word == ".entry" || word == ".func")
    return state.parseKernel(word == ".func", linkage);
  if (word == ".alias")
    return parseAlias(state);
  if (word == ".global" || word == ".const" || word == ".shared")
    return parseModuleVariable(state, word, linkage);
  --state.at;
  return state.fail("unexpected '" + printable(word) + "'");
}

} // namespace

std::optional<Module> parseModule(std::string_view text, std::string &error, uint32_t linesBefore) {
  ParserState state;
  state.tokens = tokenize(text, linesBefore + 1);
  bool good = true;
  while (good && state.peek().kind != Token::End)
    good = parseTopLevel(state);
  if (good && (state.module.version == 0 || state.module.target.empty()))
    good = state.fail("a PTX module needs .version and .target");
  if (good)
    return std::move(state.module);
  error = state.error;
  return std::nullopt;
}

} // namespace imbrex::simulator::ptx
