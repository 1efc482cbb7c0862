//===- DamageKinds.cpp - What can be damaged of PTX ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By the words of a line: they are those of the compiler's own PTX.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/mutants/DamageKinds.h"
#include <algorithm>

using namespace imbrex::testing;

namespace {

bool holds(const std::string &line, std::initializer_list<const char *> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char *word) { return line.find(word) != std::string::npos; });
}
bool isSync(const std::string &line) {
  return holds(line, {"bar.sync", "cp.async.wait_group", "cp.async.commit_group"});
}
bool isAccess(const std::string &line) {
  return holds(line, {"ldmatrix", "stmatrix", "ld.shared", "st.shared", "cp.async.c", "wgmma.mma_async"}) &&
         !isSync(line);
}

/// The address `[%r1+8]` of a line, `by` bytes on.
void shiftAddress(std::string &line, int by) {
  size_t close = line.find(']'), plus = line.find('+');
  int offset = plus < close ? std::stoi(line.substr(plus + 1)) : 0;
  size_t from = std::min(plus, close);
  line.replace(from, close - from, "+" + std::to_string(offset + by));
}

/// A line moved past the next access behind it, or before the last one ahead of it; none where a way parts or two meet
/// before that.
void addMove(const Lines &lines, size_t line, const char *kind, int step, std::vector<Damage> &all) {
  size_t to = line;
  do
    to += step;
  while (to > 0 && to + 1 < lines.size() && !isAccess(lines[to]) && !holds(lines[to], {"bra", "$L", "ret;"}));
  if (isAccess(lines[to]))
    all.push_back({kind, line, [=](Lines &l) {
                     std::string moved = l[line];
                     l.erase(l.begin() + line);
                     l.insert(l.begin() + to, moved);
                   }});
}

/// What sm_90a adds: products, copies and barriers that run on by themselves.
void addHopperDamages(const Lines &lines, size_t i, std::vector<Damage> &all) {
  const std::string &line = lines[i];
  auto drop = [&](const char *kind, bool isOfData = false) {
    all.push_back({kind, i, [i](Lines &l) { l[i].clear(); }, false, isOfData});
  };
  auto replace = [&](const char *kind, std::string from, std::string to, bool isOfData = false) {
    if (line.find(from) != std::string::npos)
      all.push_back({kind, i, [=](Lines &l) { l[i].replace(l[i].find(from), from.size(), to); }, false, isOfData});
  };
  auto changeOperand = [&](const char *kind, const std::string &operation, const std::string &by) { // the last
    size_t comma = line.rfind(", ");
    std::string operand = line.substr(comma + 2, line.size() - comma - 3);
    std::string changed = "{ .reg .b32 other; " + operation + " other, " + operand + ", " + by + "; " +
                          line.substr(0, comma) + ", other; }";
    all.push_back({kind, i, [=](Lines &l) { l[i] = changed; }});
  };
  if (holds(line, {"bar.warp.sync"}))
    drop("lanes not joined");
  if (holds(line, {"wgmma.fence", "wgmma.commit_group", "wgmma.wait_group", "cp.async.bulk.commit_group",
                   "cp.async.bulk.wait_group"}))
    drop("dropped");
  replace("waits for one fewer", "wgmma.wait_group.sync.aligned 0", "wgmma.wait_group.sync.aligned 1");
  replace("waits for one fewer", "wgmma.wait_group.sync.aligned 1", "wgmma.wait_group.sync.aligned 2");
  if (holds(line, {"fence.proxy.async", "fence.mbarrier_init"}))
    drop("fence dropped");
  if (holds(line, {"mbarrier.init"})) {
    drop("barrier not made");
    changeOperand("one more expected", "add.u32", "1");
  }
  if (holds(line, {"mbarrier.arrive"})) {
    drop("arrival dropped");
    if (!holds(line, {"expect_tx"})) {
      all.push_back({"arrives twice", i, [i](Lines &l) { l[i] = l[i] + " " + l[i]; }});
    } else {
      changeOperand("expects 16 bytes more", "add.u32", "16");
      changeOperand("expects 16 bytes fewer", "sub.u32", "16");
    }
  }
  if (holds(line, {"mbarrier.try_wait"})) {
    size_t predicate = line.find('%');
    std::string result = line.substr(predicate, line.find(',') - predicate);
    all.push_back({"wait left out", i, [=](Lines &l) { l[i] = "setp.eq.u32 " + result + ", 0, 0;"; }});
    changeOperand("waits for the other phase", "xor.b32", "1");
  }
  if (holds(line, {"cp.async.bulk.tensor"})) {
    drop("copy dropped", true);
    all.push_back({"copied 16 bytes on", i,
                   [i](Lines &l) { // the address in shared memory: the first, or of what is sent the last
                     const bool isSent = l[i].find("bulk_group") != std::string::npos;
                     size_t open = isSent ? l[i].rfind('[') : l[i].find('['), close = l[i].find(']', open);
                     std::string to = l[i].substr(open + 1, close - open - 1);
                     l[i] = "{ .reg .b32 on; add.u32 on, " + to + ", 16; " + l[i].substr(0, open) + "[on" +
                            l[i].substr(close) + " }";
                   },
                   false, true});
  }
  if (holds(line, {"setmaxnreg.inc"}))
    all.push_back(
        {"registers that there are not", i, [i](Lines &l) { l[i] = "setmaxnreg.inc.sync.aligned.u32 256;"; }});
  if (holds(line, {"setmaxnreg.dec"}))
    drop("registers kept");
  if (holds(line, {"or.b64"}) && holds(line, {"46116"})) { // the high half of a descriptor: 128-byte swizzle
    replace("other swizzle", "4611686", "9223372", true);
  }
  if (holds(line, {"wgmma.mma_async"})) {
    replace("sums not added", "setp.ne.b32 p, 1, 0", "setp.ne.b32 p, 0, 0", true);
    replace("sums added to nothing", "setp.ne.b32 p, 0, 0", "setp.ne.b32 p, 1, 0", true);
  }
}

} // namespace

std::vector<Damage> imbrex::testing::damagesOf(const Lines &lines) {
  std::vector<Damage> all;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string &line = lines[i];
    addHopperDamages(lines, i, all);
    if (isSync(line)) {
      all.push_back({"dropped", i, [i](Lines &l) { l[i].clear(); }});
      all.push_back({"made twice", i, [i](Lines &l) { l[i] += l[i]; }, true});
      if (line.find("bar.sync") != std::string::npos) {
        addMove(lines, i, "moved on", 1, all);
        addMove(lines, i, "moved back", -1, all);
      }
    }
    if (line.find("cp.async.wait_group") != std::string::npos) {
      size_t at = line.find_first_of("0123456789", line.find("wait_group"));
      int pending = std::stoi(line.substr(at));
      auto shifted = [i, at](int to) {
        return [=](Lines &l) { l[i] = l[i].substr(0, at) + std::to_string(to) + ";"; };
      };
      all.push_back({"waits for one fewer", i, shifted(pending + 1)});
      if (pending > 0)
        all.push_back({"waits for one more", i, shifted(pending - 1), true});
    }
    if (line.find("cp.async.c") != std::string::npos && !isSync(line)) {
      all.push_back({"copy dropped", i, [i](Lines &l) { l[i].clear(); }, false, true});
      all.push_back({"copied 16 bytes on", i, [i](Lines &l) { shiftAddress(l[i], 16); }, false, true});
    }
    if (line.find("stmatrix") != std::string::npos)
      all.push_back({"written 16 bytes on", i, [i](Lines &l) { shiftAddress(l[i], 16); }, false, true});
    if (line.find("prmt.b32") != std::string::npos && std::count(line.begin(), line.end(), '%') == 4)
      all.push_back({"bytes of one word", i,
                     [i](Lines &l) {
                       size_t first = l[i].find(", ") + 2, second = l[i].find(", ", first) + 2;
                       std::string word = l[i].substr(first, second - first);
                       l[i].replace(second, l[i].find(", ", second) + 2 - second, word);
                     },
                     false, true});
    if (line.find("ldmatrix") != std::string::npos)
      all.push_back({"read 32 bytes on", i, [i](Lines &l) { shiftAddress(l[i], 32); }, false, true});
  }
  return all;
}
