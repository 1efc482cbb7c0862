//===- RecordForms.cpp - Fills a recording on a device --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// record_forms --device cuda:0 --out FILE [--forms FILE] [--resume] [--retry] [--only REGEX] [--write-ptx FOLDER]
//
// A child process opens the device and runs forms, telling each one's number before it begins it; it appends
// each result to the file. A form whose kernel faults, ends the child or does not end in time is noted as
// failed, and a new child goes on with the next. --retry resumes and runs the failed ones again. Exits 0 when
// every form's results are in the file.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Recording.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::recorded;

/// Time is told by a clock that nobody sets: a step of the wall clock is not a form that hangs.
using Clock = std::chrono::steady_clock;
static constexpr std::chrono::seconds kQuiet(40); ///< after so long without a word the child is ended
static constexpr std::chrono::seconds kProgress(5);
static constexpr int kDeviceLost = 3; ///< a child's exit status: the failure is noted, go on

namespace {

struct Options {
  std::string device, out, forms, only, ptxFolder;
  bool resume = false, retry = false;
};

[[noreturn]] void refuse(const std::string &message) {
  std::fprintf(stderr, "record_forms: %s\n", message.c_str());
  std::exit(2);
}

Options parseOptions(int argc, char **argv) {
  Options options;
  std::string program = argv[0];
  options.forms = program.substr(0, program.rfind('/') + 1) + "forms.txt";
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    std::string *where = word == "--device"      ? &options.device
                         : word == "--out"       ? &options.out
                         : word == "--forms"     ? &options.forms
                         : word == "--only"      ? &options.only
                         : word == "--write-ptx" ? &options.ptxFolder
                                                 : nullptr;
    options.retry |= word == "--retry";
    if (word == "--resume" || word == "--retry")
      options.resume = true;
    else if (where && i + 1 < argc)
      *where = argv[++i];
    else
      refuse("what is '" + word +
             "'? --device ID --out FILE [--forms FILE] [--resume] [--retry] [--only REGEX], or "
             "--write-ptx FOLDER [--forms FILE] [--only REGEX]");
  }
  if (options.ptxFolder.empty() && (options.device.empty() || options.out.empty()))
    refuse("--device and --out are needed");
  return options;
}

std::vector<ListedForm> readForms(const Options &options) {
  std::string text, error;
  if (!readFile(options.forms, text))
    refuse("cannot read " + options.forms + " (--forms FILE names the list)");
  std::vector<ListedForm> forms = parseFormList(text, error);
  if (!error.empty())
    refuse(options.forms + ": " + error);
  if (options.only.empty())
    return forms;
  regex_t pattern;
  if (regcomp(&pattern, options.only.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    refuse("'" + options.only + "' is no regular expression");
  std::erase_if(forms,
                [&](const ListedForm &listed) { return regexec(&pattern, listed.form.c_str(), 0, nullptr, 0) != 0; });
  regfree(&pattern);
  return forms;
}

std::string today() {
  char text[16];
  std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

void append(int file, const std::string &bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t wrote = write(file, bytes.data() + done, bytes.size() - done);
    if (wrote <= 0)
      refuse(std::string("cannot write the recording: ") + std::strerror(errno));
    done += size_t(wrote);
  }
}

struct Child;

/// The forms still to be run, after the file was opened at its whole part.
struct Session {
  Options options;
  std::vector<ListedForm> pending;
  size_t done = 0, failed = 0, total = 0;
  int file = -1;
  Clock::time_point told = Clock::now(); ///< when progress was printed last

  void open(const RecordingHeader &header);
  size_t runChild(size_t first);
  void listen(Child &child);
  void hear(Child &child, const std::string &line);
  void tellProgress(const Child &child);
  [[noreturn]] void childMain(size_t first, int progress);
  void note(const ListedForm &listed, const std::string &failure);
};

/// Asks the device in a child of its own, so that this process stays without a context.
RecordingHeader askDevice(const std::string &id) {
  int ends[2];
  if (pipe(ends) != 0)
    refuse("no pipe");
  pid_t child = fork();
  if (child == 0) {
    Result<testing::RawDevice> device = testing::RawDevice::open(id);
    append(ends[1], device ? writeHeader(headerOf(device->info(), today())) : device.error().render());
    _exit(device ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, size_t(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0)
    refuse(text.empty() ? "the device could not be asked" : text);
  return parseRecording(text).header;
}

void Session::open(const RecordingHeader &header) {
  std::string bytes;
  bool exists = access(options.out.c_str(), F_OK) == 0;
  if (exists && !options.resume)
    refuse(options.out + " is there already: --resume goes on with it");
  file = ::open(options.out.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || (exists && !readFile(options.out, bytes)))
    refuse("cannot open " + options.out + ": " + std::strerror(errno));
  Recording old = parseRecording(bytes);
  if (old.wholeBytes && !old.header.sameDevice(header))
    refuse(options.out + " is of another device or driver: " + old.header.device);
  if (!old.wholeBytes && !writeHeader(header).starts_with(bytes))
    refuse(options.out + " is no recording");
  if (options.retry)
    std::erase_if(old.forms, [](const RecordedForm &form) { return !form.failure.empty(); });
  bool anew = options.retry || !old.wholeBytes;
  if (ftruncate(file, anew ? 0 : off_t(old.wholeBytes)) != 0 || lseek(file, 0, SEEK_END) < 0)
    refuse("cannot write " + options.out);
  if (anew)
    append(file, writeHeader(header));
  for (const RecordedForm &form : old.forms)
    if (options.retry)
      append(file, writeForm(form));
  std::erase_if(pending, [&](const ListedForm &listed) {
    for (const RecordedForm &form : old.forms)
      if (form.listed.form == listed.form)
        return true;
    return false;
  });
  done = old.forms.size();
  for (const RecordedForm &form : old.forms)
    failed += !form.failure.empty();
  total = done + pending.size();
}

void Session::childMain(size_t first, int progress) {
  Result<testing::RawDevice> device = testing::RawDevice::open(options.device);
  if (!device) {
    std::fprintf(stderr, "record_forms: %s", device.error().render().c_str());
    _exit(1);
  }
  for (size_t i = first; i < pending.size(); ++i) {
    append(progress, std::to_string(i) + "\n");
    bool lost = false;
    RecordedForm made = recordForm(*device, pending[i], lost);
    append(file, writeForm(made));
    append(progress, made.failure.empty() ? "+\n" : "-" + made.failure.substr(0, made.failure.find('\n')) + "\n");
    if (lost)
      _exit(kDeviceLost);
  }
  _exit(0);
}

void Session::note(const ListedForm &listed, const std::string &failure) {
  ++failed;
  std::printf("  failed: %s: %s\n", listed.form.c_str(), failure.c_str());
}

/// What a child tells line by line: a form's number before it runs, "+" or "-reason" after it.
struct Child {
  pid_t process = 0;
  int pipe = -1;
  size_t next = 0;    ///< the form under way, or the one to go on with
  bool under = false; ///< between a form's number and its result
  std::string why = "its process ended";
};

void Session::hear(Child &child, const std::string &line) {
  child.under = line[0] != '+' && line[0] != '-';
  if (child.under) {
    child.next = size_t(std::strtoull(line.c_str(), nullptr, 10));
    return;
  }
  if (line[0] == '-')
    note(pending[child.next], line.substr(1));
  ++child.next;
  ++done;
}

void Session::tellProgress(const Child &child) {
  if (Clock::now() - told < kProgress)
    return;
  told = Clock::now();
  std::printf("%zu of %zu forms, at %s\n", done, total,
              child.next < pending.size() ? pending[child.next].form.c_str() : "the end");
  std::fflush(stdout);
}

/// Until the child has ended. One that is quiet too long is ended.
void Session::listen(Child &child) {
  std::string text;
  Clock::time_point heard = Clock::now();
  while (true) {
    pollfd wait{child.pipe, POLLIN, 0};
    bool quiet = poll(&wait, 1, int(std::chrono::milliseconds(kProgress).count())) == 0;
    tellProgress(child);
    if (quiet && Clock::now() - heard >= kQuiet) {
      child.why = "no end within " + std::to_string(kQuiet.count()) + " seconds";
      kill(child.process, SIGKILL);
      return;
    }
    if (quiet)
      continue;
    heard = Clock::now();
    char buffer[4096];
    ssize_t got = read(child.pipe, buffer, sizeof buffer);
    if (got <= 0)
      return;
    text.append(buffer, size_t(got));
    for (size_t end; (end = text.find('\n')) != text.npos; text.erase(0, end + 1))
      hear(child, text.substr(0, end));
  }
}

/// Runs forms from `first` on in a child; the number of the next one to run.
size_t Session::runChild(size_t first) {
  int ends[2];
  if (pipe(ends) != 0)
    refuse("no pipe");
  std::fflush(stdout);
  Child child{fork(), ends[0], first};
  if (child.process < 0)
    refuse("no child process");
  if (child.process == 0) {
    close(ends[0]);
    childMain(first, ends[1]);
  }
  close(ends[1]);
  listen(child);
  close(ends[0]);
  int status = 0;
  waitpid(child.process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
    std::exit(1); // no device: the child has told
  if (!child.under && child.next == first)
    refuse("the device was not opened: " + child.why);
  if (!child.under)
    return child.next;
  // The child may have begun to write.
  std::string bytes;
  if (!readFile(options.out, bytes) || ftruncate(file, off_t(parseRecording(bytes).wholeBytes)) != 0 ||
      lseek(file, 0, SEEK_END) < 0)
    refuse("cannot write " + options.out);
  append(file, writeForm({pending[child.next], 0, 0, {}, child.why}));
  note(pending[child.next], child.why);
  ++done;
  return child.next + 1;
}

int writeKernels(const Options &options) {
  size_t number = 0, missing = 0;
  for (const ListedForm &listed : readForms(options)) {
    ExperimentResult made = makeExperiment(listed);
    if (!made.experiment) {
      std::printf("  no kernel: %s: %s\n", listed.form.c_str(), made.reason.c_str());
      ++missing;
      continue;
    }
    std::string name = options.ptxFolder + "/" + std::to_string(number++) + "." + listed.target + ".ptx";
    std::FILE *file = std::fopen(name.c_str(), "w");
    if (!file)
      refuse("cannot write " + name);
    std::fprintf(file, "// %s\n%s", listed.form.c_str(), made.experiment->ptx.c_str());
    std::fclose(file);
  }
  std::printf("%zu kernels written, %zu forms without one\n", number, missing);
  return missing != 0;
}

} // namespace

int main(int argc, char **argv) {
  Options options = parseOptions(argc, argv);
  if (!options.ptxFolder.empty())
    return writeKernels(options);
  RecordingHeader header = askDevice(options.device);
  Session session{options, readForms(options)};
  size_t listed = session.pending.size();
  std::erase_if(session.pending, [&](const ListedForm &form) { return !runsOn(form, header.major, header.minor); });
  size_t later = listed - session.pending.size();
  session.open(header);
  std::printf("%s: %s, driver %d%s\n%zu forms: %zu recorded before, %zu need a later device\n", options.device.c_str(),
              header.device.c_str(), header.driverVersion, header.simulated ? ", simulated: results of no GPU" : "",
              session.total, session.done, later);
  for (size_t next = 0; next < session.pending.size();)
    next = session.runChild(next);
  append(session.file, writeEnd(session.done));
  std::printf("%zu forms recorded, %zu failed: %s\n", session.done, session.failed, options.out.c_str());
  return session.failed != 0;
}
