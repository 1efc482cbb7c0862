//===- Recording.cpp - What a device computed, as a file ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines of text, and after each form's line its bytes and a line feed.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Recording.h"
#include <algorithm>
#include <sstream>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr std::string_view kFormat = "imbrex-recording 1";

static std::string hex(uint64_t value) {
  std::ostringstream text;
  text << std::hex << value;
  return text.str();
}

static uint64_t resultChecksum(std::string_view bytes) { return checksum(bytes); }

std::string recorded::writeHeader(const RecordingHeader &header) {
  return std::string(kFormat) + "\ndevice " + header.device + "\ncapability " + std::to_string(header.major) + " " +
         std::to_string(header.minor) + "\ndriver " + std::to_string(header.driverVersion) + "\ndate " + header.date +
         "\nsimulated " + (header.simulated ? "yes" : "no") + "\n";
}

std::string recorded::writeForm(const RecordedForm &form) {
  std::string name = form.listed.target + " " + form.listed.form + "\n";
  if (!form.failure.empty()) {
    std::string reason = form.failure;
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    return "failed " + name + reason + "\n";
  }
  std::string bytes(form.results.begin(), form.results.end());
  return "form " + std::to_string(bytes.size()) + " " + hex(form.kernelChecksum) + " " + hex(form.operandChecksum) +
         " " + hex(resultChecksum(bytes)) + " " + name + bytes + "\n";
}

std::string recorded::writeEnd(size_t forms) { return "end " + std::to_string(forms) + "\n"; }

bool RecordingHeader::sameDevice(const RecordingHeader &other) const {
  return device == other.device && major == other.major && minor == other.minor &&
         driverVersion == other.driverVersion && simulated == other.simulated;
}

namespace {

/// Whether the text is the numbers and nothing else.
template <typename... Numbers> bool wholeNumbers(const std::string &text, Numbers &...numbers) {
  std::istringstream words(text);
  return (words >> ... >> numbers) && (words >> std::ws).eof();
}

/// Reads a recording from left to right; what has no line feed behind it is not whole.
struct Reader {
  std::string_view bytes;
  size_t at = 0;

  bool line(std::string &out) {
    size_t end = bytes.find('\n', at);
    if (end == bytes.npos)
      return false;
    out = bytes.substr(at, end - at);
    at = end + 1;
    return true;
  }
  /// The rest of a line that begins with the word.
  bool field(const char *word, std::string &out) {
    std::string found;
    if (!line(found) || !found.starts_with(std::string(word) + " "))
      return false;
    out = found.substr(std::string_view(word).size() + 1);
    return true;
  }
  bool header(RecordingHeader &header); ///< false if any of its lines is missing or damaged
  bool form(std::istringstream &words, RecordedForm &form, std::string &problem);
};

bool Reader::header(RecordingHeader &header) {
  std::string format, capability, driver, simulated;
  if (!line(format) || format != kFormat || !field("device", header.device) || !field("capability", capability) ||
      !field("driver", driver) || !field("date", header.date) || !field("simulated", simulated))
    return false;
  header.simulated = simulated == "yes";
  return (header.simulated || simulated == "no") && wholeNumbers(capability, header.major, header.minor) &&
         wholeNumbers(driver, header.driverVersion);
}

bool Reader::form(std::istringstream &words, RecordedForm &form, std::string &problem) {
  size_t size = 0;
  uint64_t sum = 0;
  words >> size >> std::hex >> form.kernelChecksum >> form.operandChecksum >> sum >> form.listed.target;
  std::getline(words >> std::ws, form.listed.form);
  if (!words || size > bytes.size() - at || bytes.size() - at - size < 1) {
    problem = "it ends inside '" + form.listed.form + "'";
    return false;
  }
  std::string_view results = bytes.substr(at, size);
  if (bytes[at + size] != '\n' || resultChecksum(results) != sum) {
    problem = "the results of '" + form.listed.form + "' are damaged";
    return false;
  }
  form.results.assign(results.begin(), results.end());
  at += size + 1;
  return true;
}

} // namespace

Recording recorded::parseRecording(std::string_view bytes) {
  Recording made;
  Reader reader{bytes};
  if (!reader.header(made.header)) {
    made.problem = "it does not begin as a recording of format '" + std::string(kFormat) + "'";
    return made;
  }
  made.wholeBytes = reader.at;
  std::string line;
  while (!made.complete && made.problem.empty() && reader.line(line)) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    RecordedForm form;
    size_t count = 0;
    if (kind == "form") {
      if (!reader.form(words, form, made.problem))
        return made;
      made.forms.push_back(std::move(form));
    } else if (kind == "failed" && words >> form.listed.target && std::getline(words >> std::ws, form.listed.form)) {
      if (!reader.line(form.failure))
        return made;
      made.forms.push_back(std::move(form));
    } else if (kind == "end" && words >> count && count == made.forms.size()) {
      made.complete = true;
      return made;
    } else {
      made.problem = "a line '" + line.substr(0, 60) + "' is none of a recording";
      return made;
    }
    made.wholeBytes = reader.at;
  }
  return made;
}

RecordingHeader recorded::headerOf(const DeviceInfo &device, std::string date) {
  return {device.name, device.major, device.minor, device.driverVersion, std::move(date), device.simulated};
}

RecordedForm recorded::recordForm(const testing::RawDevice &device, const ListedForm &listed, bool &lost) {
  RecordedForm made{listed, 0, 0, {}, ""};
  lost = false;
  ExperimentResult experiment = makeExperiment(listed);
  if (!experiment.experiment) {
    made.failure = experiment.reason;
    return made;
  }
  made.kernelChecksum = experiment.experiment->kernelChecksum();
  made.operandChecksum = experiment.experiment->operandChecksum();
  Result<Bytes> results = runExperiment(device, *experiment.experiment);
  if (results) {
    made.results = std::move(*results);
    return made;
  }
  lost = results.error().kind != ErrorKind::Assemble;
  made.failure = results.error().render();
  return made;
}
