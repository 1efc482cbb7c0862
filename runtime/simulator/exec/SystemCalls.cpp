//===- SystemCalls.cpp - vprintf, __assertfail, malloc, free --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that a device offers to every program (CUDA programming guide, "Formatted Output", "Assertion",
// "Dynamic Global Memory Allocation"). Output goes to the host's stdout, a call at a time. The heap has the size that
// CUDA gives it if nobody asks for another.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Call.h"

#include <cstdio>
#include <cstring>

namespace imbrex::simulator {
namespace {

constexpr size_t kMostText = 1 << 16;

/// A value of T at a generic address; false with a fault.
template <class T> bool readValue(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, T &out) {
  const uint8_t *from = readAny(warp, i, lane, Space::Generic, address, sizeof(T));
  if (from)
    std::memcpy(&out, from, sizeof(T));
  return from != nullptr;
}

bool readText(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, std::string &out) {
  for (char c; out.size() < kMostText; out += c) {
    if (!readValue(warp, i, lane, address + out.size(), c))
      return false;
    if (c == 0)
      return true;
  }
  return true;
}

/// The arguments of one vprintf: a buffer in which each value is aligned to its size.
struct Arguments {
  Warp &warp;
  const Instruction &i;
  unsigned lane;
  uint64_t next;

  template <class T> bool take(T &out) {
    next = (next + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    bool good = readValue(warp, i, lane, next, out);
    next += sizeof(T);
    return good;
  }
};

template <class... Values> void append(std::string &out, const std::string &form, Values... values) {
  char text[1024];
  int length = std::snprintf(text, sizeof(text), form.c_str(), values...);
  out.append(text, static_cast<size_t>(std::clamp(length, 0, int(sizeof(text)) - 1)));
}

/// One conversion, from behind its '%'; `at` moves behind it.
bool convert(Arguments &arguments, const std::string &format, size_t &at, std::string &out) {
  std::string form = "%";
  bool isLong = false;
  for (; at < format.size() && std::strchr("-+ #0123456789.*hlLjzt", format[at]); ++at) {
    int width;
    if (format[at] == '*') {
      if (!arguments.take(width))
        return false;
      form += std::to_string(width);
    } else if (std::strchr("hlLjzt", format[at])) {
      isLong |= format[at] != 'h';
    } else {
      form += format[at];
    }
  }
  char kind = at < format.size() ? format[at++] : '%';
  uint32_t word;
  uint64_t wide;
  double real;
  std::string text;
  if (kind == '%') {
    out += '%';
  } else if (std::strchr("diouxXc", kind) && !isLong) {
    if (!arguments.take(word))
      return false;
    append(out, form + kind, word);
  } else if (std::strchr("diouxX", kind)) {
    if (!arguments.take(wide))
      return false;
    append(out, form + "ll" + kind, static_cast<unsigned long long>(wide));
  } else if (std::strchr("aAeEfFgG", kind)) {
    if (!arguments.take(real))
      return false;
    append(out, form + kind, real);
  } else if (kind == 'p') {
    if (!arguments.take(wide))
      return false;
    append(out, form + kind, reinterpret_cast<void *>(wide));
  } else if (kind == 's') {
    if (!arguments.take(wide) || !readText(arguments.warp, arguments.i, arguments.lane, wide, text))
      return false;
    append(out, form + kind, text.c_str());
  } else {
    out += form + kind;
  }
  return true;
}

struct Values {
  Warp &warp;
  const Program::CallSite &site;
  unsigned lane;
  uint64_t operator[](size_t k) const {
    return k < site.arguments.size() ? readCallValue(warp, site, site.arguments[k], lane) : 0;
  }
  void answer(uint64_t bits) const {
    if (!site.results.empty())
      writeCallValue(warp, site, site.results[0], lane, bits);
  }
};

/// Body(values, lane) for each lane, until it gives false: a fault.
template <class Body> Step forCalls(Warp &warp, const Instruction &i, uint32_t lanes, Body body) {
  const Program::CallSite &site = warp.cta->program->calls[i.imm];
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (!body(Values{warp, site, lane}, lane))
      return Step::Fault;
  }
  return Step::Next;
}

/// vprintf(format, arguments): the number of conversions, as CUDA counts.
Step print(Warp &warp, const Instruction &i, uint32_t lanes) {
  return forCalls(warp, i, lanes, [&](Values values, unsigned lane) {
    std::string format, out;
    if (!readText(warp, i, lane, values[0], format))
      return false;
    Arguments arguments{warp, i, lane, values[1]};
    uint64_t count = 0;
    for (size_t at = 0; at < format.size();) {
      if (format[at] != '%') {
        out += format[at++];
        continue;
      }
      count += at + 1 < format.size() && format[at + 1] != '%';
      if (!convert(arguments, format, ++at, out))
        return false;
    }
    std::fwrite(out.data(), 1, out.size(), stdout);
    values.answer(count);
    return true;
  });
}

/// __assertfail(message, file, line, function, size of a character).
Step assertFail(Warp &warp, const Instruction &i, uint32_t lanes) {
  return forCalls(warp, i, lanes, [&](Values values, unsigned lane) {
    std::string message, file, function;
    if (!readText(warp, i, lane, values[0], message) || !readText(warp, i, lane, values[1], file) ||
        !readText(warp, i, lane, values[3], function))
      return false;
    warp.fail(FaultKind::Assertion, i, lane,
              "'" + message + "' at " + file + ":" + std::to_string(static_cast<uint32_t>(values[2])) + " in " +
                  function);
    return false;
  });
}

Step takeHeap(Warp &warp, const Instruction &i, uint32_t lanes) {
  return forCalls(warp, i, lanes, [&](Values values, unsigned) {
    values.answer(warp.cta->launch->global->allocateOnDevice(values[0]));
    return true;
  });
}

Step giveHeap(Warp &warp, const Instruction &i, uint32_t lanes) {
  return forCalls(warp, i, lanes, [&](Values values, unsigned lane) {
    if (values[0] == 0 || warp.cta->launch->global->releaseOnDevice(values[0]))
      return true;
    warp.fail(FaultKind::OutOfBounds, i, lane, "free of an address that malloc did not give, or that was freed before");
    return false;
  });
}

} // namespace

Handler systemCall(std::string_view name) {
  return name == "vprintf"        ? print
         : name == "__assertfail" ? assertFail
         : name == "malloc"       ? takeHeap
         : name == "free"         ? giveHeap
                                  : nullptr;
}

} // namespace imbrex::simulator
