//===- Main.cpp - The micro-benchmarks ------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// micro --kernels DIR [--device ID] [--only EXPERIMENT[/PART]]... [--rounds N] [--seconds N] [--commit ID]
//       [--clock-note TEXT] [--json FILE] [--list]
//
// Each experiment runs in a child process; after a fault or a hang the next child goes on behind the variant that
// caused it. On a simulated device only results are checked. Exit code: 0 if every result was right and nothing
// failed on a GPU, 1 if not, 2 for wrong flags.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Child.h"
#include "tests/benchmark/micro/Lines.h"
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::micro;

namespace {
struct Flags {
  std::string kernels, device = "cuda:0", json;
  std::vector<std::string> only;
  unsigned rounds = 9, seconds = 60;
  bool list = false;
  Origin origin;
};

/// What all experiments came to.
struct Totals {
  unsigned right = 0, failed = 0, notHere = 0; ///< `failed` counts wrong results too
};
} // namespace

static bool toNumber(const std::string &text, unsigned &value) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end == text.data() + text.size() && value > 0;
}

/// False for wrong flags.
static bool parse(int argc, char **argv, Flags &flags) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (flag == "--list") {
      flags.list = true;
      continue;
    }
    if (++i == argc)
      return false;
    std::string value = argv[i];
    std::pair<const char *, std::string *> words[] = {{"--kernels", &flags.kernels},
                                                      {"--device", &flags.device},
                                                      {"--json", &flags.json},
                                                      {"--commit", &flags.origin.commit},
                                                      {"--clock-note", &flags.origin.clockNote}};
    auto word = std::find_if(std::begin(words), std::end(words), [&](auto &one) { return flag == one.first; });
    if (word != std::end(words))
      *word->second = value;
    else if (flag == "--only")
      flags.only.push_back(value);
    else if (!(flag == "--rounds" ? toNumber(value, flags.rounds)
                                  : flag == "--seconds" && toNumber(value, flags.seconds)))
      return false;
  }
  return !flags.kernels.empty();
}

/// Leaves of the experiments what --only names: EXPERIMENT, or EXPERIMENT/PART for variants that contain PART.
static void select(std::vector<Experiment> &experiments, const std::vector<std::string> &only) {
  if (only.empty())
    return;
  for (Experiment &experiment : experiments)
    std::erase_if(experiment.variants, [&](const Variant &variant) {
      return std::none_of(only.begin(), only.end(), [&](const std::string &one) {
        size_t slash = one.find('/');
        return one.substr(0, slash) == experiment.name &&
               (slash == one.npos || variant.name.find(one.substr(slash + 1)) != std::string::npos);
      });
    });
  std::erase_if(experiments, [](const Experiment &experiment) { return experiment.variants.empty(); });
}

static std::string oneLine(const Error &error) {
  std::string text = error.kind == ErrorKind::Fault ? "fault: " + error.render() : error.render();
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.substr(0, 400);
}

/// The child's part: variants from `first` on; a line "R|F|N<tab>json<tab>row" each: right, failed or wrong, not
/// runnable here. A device that does not open is one line "D<tab>why". Ends with 3 after a fault.
static int runVariants(const Flags &flags, const Experiment &experiment, size_t first,
                       const std::function<void(const std::string &)> &send) {
  Result<testing::RawDevice> device = testing::RawDevice::open(flags.device);
  if (!device) {
    send("D\t" + oneLine(device.error()));
    return 4;
  }
  Bench bench(*device, flags.kernels, flags.rounds);
  Origin origin = flags.origin;
  origin.simulated = bench.simulated();
  origin.device = deviceObject(bench.info(), origin.clockNote);
  send("O\t" + origin.device);
  for (size_t i = first; i < experiment.variants.size(); ++i) {
    const Variant &variant = experiment.variants[i];
    Result<Measurement> measured = variant.measure(bench);
    Measurement none;
    const Measurement &shown = measured ? *measured : none;
    bool notHere = !measured && bench.simulated() && measured.error().kind == ErrorKind::Assemble;
    std::string failure = measured ? "" : (notHere ? "not runnable here: " : "") + oneLine(measured.error());
    send(std::string(notHere                           ? "N"
                     : measured && shown.wrong.empty() ? "R"
                                                       : "F") +
         "\t" + jsonLine(origin, experiment.name, variant, shown, failure) + "\t" +
         tableRow(origin, variant, shown, failure));
    if (!measured && !notHere && !bench.simulated())
      return 3; // the context may be lost
  }
  return 0;
}

/// The parent's part. False if the device does not open.
static bool runExperiment(const Flags &flags, const Experiment &experiment, std::FILE *json, Totals &totals) {
  std::printf("\n%s: %s\n", experiment.name.c_str(), experiment.question.c_str());
  Origin origin = flags.origin;
  origin.device = "{\"id\":\"" + flags.device + "\",\"name\":\"unknown\",\"simulated\":false}";
  auto tell = [&](const std::string &line, const std::string &row) {
    std::printf("%s\n", row.c_str());
    std::fflush(stdout);
    if (json) {
      std::fprintf(json, "%s\n", line.c_str());
      std::fflush(json);
    }
  };
  bool opened = true;
  for (size_t done = 0; done < experiment.variants.size() && opened;) {
    size_t before = done;
    ChildEnd end = runInChild(
        flags.seconds, [&](const auto &send) { return runVariants(flags, experiment, done, send); },
        [&](const std::string &line) {
          size_t tab = line.find('\t'), second = line.find('\t', tab + 1);
          if (line[0] == 'O') {
            origin.device = line.substr(tab + 1);
          } else if (line[0] == 'D') {
            opened = false;
            std::printf("  %s\n", line.c_str() + tab + 1);
          } else {
            ++done;
            ++(line[0] == 'R' ? totals.right : line[0] == 'N' ? totals.notHere : totals.failed);
            tell(line.substr(tab + 1, second - tab - 1), line.substr(second + 1));
          }
        },
        [] { std::printf("  ... waiting\n"), std::fflush(stdout); });
    // A child that told nothing of the variant it died in; one that told goes on behind it.
    if (opened && done < experiment.variants.size() && (end.why != "exit code 3" || done == before)) {
      const Variant &lost = experiment.variants[done++];
      ++totals.failed;
      tell(jsonLine(origin, experiment.name, lost, {}, end.why), tableRow(origin, lost, {}, end.why));
    }
  }
  return opened;
}

static int runAll(const Flags &flags, const std::vector<Experiment> &experiments) {
  std::FILE *json = flags.json.empty() ? nullptr : std::fopen(flags.json.c_str(), "a");
  if (!flags.json.empty() && !json) {
    std::fprintf(stderr, "micro: cannot write %s\n", flags.json.c_str());
    return 1;
  }
  bool simulated = flags.device.starts_with("sim:"), opened = true;
  std::printf("micro-benchmarks on %s\n", flags.device.c_str());
  if (simulated)
    std::printf("A simulated device: only results are checked. Nothing is measured.\n");
  Totals totals;
  for (const Experiment &experiment : experiments)
    if (!(opened = runExperiment(flags, experiment, json, totals)))
      break;
  if (json)
    std::fclose(json);
  if (!opened)
    return 1;
  std::printf("\n%u right, %u wrong or failed, %u not runnable here%s\n", totals.right, totals.failed, totals.notHere,
              simulated ? "; nothing measured" : "");
  return totals.failed ? 1 : 0;
}

int main(int argc, char **argv) {
  Flags flags;
  flags.origin.commit = "unknown";
  if (!parse(argc, argv, flags)) {
    std::fprintf(stderr, "usage: micro --kernels DIR [--device ID] [--only EXPERIMENT[/PART]]... [--rounds N] "
                         "[--seconds N]\n             [--commit ID] [--clock-note TEXT] [--json FILE] [--list]\n");
    return 2;
  }
  flags.origin.run = timeNow() + "-" + std::to_string(getpid());
  std::vector<Experiment> experiments = experimentsOf(flags.kernels);
  select(experiments, flags.only);
  if (std::all_of(experiments.begin(), experiments.end(), [](auto &one) { return one.variants.empty(); })) {
    std::fprintf(stderr, "micro: no kernel in %s is asked for\n", flags.kernels.c_str());
    return 2;
  }
  if (!flags.list)
    return runAll(flags, experiments);
  for (const Experiment &experiment : experiments)
    for (const Variant &variant : experiment.variants)
      std::printf("%s/%s\n", experiment.name.c_str(), variant.name.c_str());
  return 0;
}
