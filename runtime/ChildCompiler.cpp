//===- ChildCompiler.cpp - Compilations in processes of their own ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The answer is one field of fields (LittleEndian.h), written by the child when all is done: what is not whole is none.
//
//===----------------------------------------------------------------------===//

#include "runtime/ChildCompiler.h"
#include "compiler/HostMemory.h"
#include "runtime/LittleEndian.h"
#include "llvm/Support/ErrorHandling.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kNoMemory = 97;         ///< the child's exit status where an allocation failed
constexpr int kPollMilliseconds = 20; ///< how often a child that says nothing is looked at

[[noreturn]] void endForMemory() { _exit(kNoMemory); }

/// Where the system must end somebody for want of memory, it ends this process before any other (proc(5),
/// "oom_score_adj"); a process may always ask for that.
void endFirst() {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  [[maybe_unused]] ssize_t written = file < 0 ? 0 : write(file, "1000", 4);
  if (file >= 0)
    close(file);
}

std::string encode(const CompileResult &result) {
  std::string bytes;
  auto number = [&](uint64_t value) { appendField(bytes, std::to_string(value)); };
  number(result.isOutOfMemory);
  number(result.kernel.has_value());
  appendField(bytes, result.kernel ? result.kernel->code : "");
  appendField(bytes, result.kernel ? result.kernel->interface.toJson() : "");
  for (const Diagnostic &each : result.diagnostics) {
    for (uint64_t value : {uint64_t(each.severity), uint64_t(each.line), uint64_t(each.column), uint64_t(each.ofCaller),
                           uint64_t(each.limit)})
      number(value);
    for (const std::string *text : {&each.file, &each.message, &each.sourceLine})
      appendField(bytes, *text);
  }
  std::string whole;
  appendField(whole, bytes);
  return whole;
}

/// Takes fields from the front; `isWhole` is false from the first that is missing on.
struct Reader {
  std::string_view rest;
  bool isWhole = true;

  std::string text() {
    std::optional<std::string_view> field = takeField(rest);
    isWhole &= field.has_value();
    return std::string(field.value_or(""));
  }
  unsigned number() { return unsigned(strtoul(text().c_str(), nullptr, 10)); }
};

std::optional<CompileResult> decode(std::string_view bytes) {
  Reader outer{bytes};
  const std::string body = outer.text();
  Reader reader{body};
  CompileResult result;
  result.isOutOfMemory = reader.number() != 0;
  bool hasKernel = reader.number() != 0;
  CompiledKernel kernel;
  kernel.code = reader.text();
  std::optional<KernelInterface> interface = KernelInterface::fromJson(reader.text());
  while (outer.isWhole && reader.isWhole && !reader.rest.empty()) {
    Diagnostic &each = result.diagnostics.emplace_back();
    each.severity = Severity(reader.number());
    each.line = reader.number();
    each.column = reader.number();
    each.ofCaller = reader.number() != 0;
    each.limit = SizeLimit(reader.number());
    for (std::string *text : {&each.file, &each.message, &each.sourceLine})
      *text = reader.text();
  }
  if (!outer.isWhole || !reader.isWhole || (hasKernel && !interface))
    return std::nullopt;
  if (hasKernel) {
    kernel.interface = std::move(*interface);
    result.kernel = std::move(kernel);
  }
  return result;
}

[[noreturn]] void work(int pipe, const CompileFunction &compile, const Source &source, const CompileOptions &options) {
  for (int signal :
       {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTERM, SIGPIPE}) // the host's handlers are not for here
    ::signal(signal, SIG_DFL);
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  endFirst();
  std::set_new_handler(endForMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { endForMemory(); });
  std::string bytes = encode(compile(source, options));
  for (std::string_view rest = bytes; !rest.empty();) {
    ssize_t written = write(pipe, rest.data(), rest.size());
    if (written < 0 && errno != EINTR)
      _exit(1);
    rest.remove_prefix(written > 0 ? size_t(written) : 0);
  }
  _exit(0);
}

/// What a child said, and how it ended.
struct Answer {
  std::string bytes;
  int status = 0;
  bool isLate = false, isCancelled = false;
  bool isShort = false; ///< this process had no memory for the answer
};

/// All that can be read now; false at the end.
bool readSome(int pipe, Answer &answer) {
  char buffer[65536];
  for (;;) {
    ssize_t got = read(pipe, buffer, sizeof buffer);
    if (got <= 0)
      return got < 0 && (errno == EAGAIN || errno == EINTR);
    answer.isShort |= !hostHas(2 * answer.bytes.size() + sizeof buffer + kStepBytes / 4);
    if (!answer.isShort)
      answer.bytes.append(buffer, size_t(got));
  }
}

/// Waits for the child's end, not for the pipe's: a process that somebody forked meanwhile may hold that open.
Answer listen(int pipe, pid_t child, std::chrono::milliseconds patience, const Budget &budget) {
  Answer answer;
  Clock::time_point end = Clock::now() + patience;
  for (bool isOpen = true, isKilled = false;;) {
    pollfd waiting{isOpen ? pipe : -1, POLLIN, 0};
    poll(&waiting, 1, kPollMilliseconds);
    isOpen = isOpen && readSome(pipe, answer);
    pid_t ended = waitpid(child, &answer.status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) { // the host may have waited for it itself
      readSome(pipe, answer);                              // what it wrote last
      return answer;
    }
    answer.isLate = Clock::now() > end;
    answer.isCancelled = budget.cancellation && budget.cancellation->isCancelled();
    if (!isKilled && (answer.isLate || answer.isCancelled))
      isKilled = kill(child, SIGKILL) == 0;
  }
}

CompileResult failure(const Source &source, std::string message, bool isOutOfMemory) {
  CompileResult result;
  Diagnostic &said = result.diagnostics.emplace_back();
  said.file = source.name;
  said.message = std::move(message);
  result.isOutOfMemory = isOutOfMemory;
  return result;
}

/// What is said of a child that gave no whole answer.
CompileResult withoutAnswer(const Source &source, const Answer &answer, std::chrono::milliseconds patience) {
  if (answer.isShort)
    return failure(source, hostIsShort(kStepBytes / 4), true);
  if (answer.isCancelled)
    return failure(source, "compilation stopped in a child: it was cancelled", false);
  if (answer.isLate)
    return failure(source, "the child that compiles gave no answer in " + std::to_string(patience.count()) + " ms",
                   false);
  if (WIFEXITED(answer.status) && WEXITSTATUS(answer.status) == kNoMemory)
    return failure(source, "host memory is short: the child that compiles could have no more", true);
  std::string how = WIFSIGNALED(answer.status) ? "by signal " + std::to_string(WTERMSIG(answer.status)) + " (" +
                                                     strsignal(WTERMSIG(answer.status)) + ")"
                                               : "with status " + std::to_string(WEXITSTATUS(answer.status));
  // The system ends what takes more than there is by SIGKILL.
  bool isTaken = WIFSIGNALED(answer.status) && WTERMSIG(answer.status) == SIGKILL;
  return failure(source, "the child that compiles was ended " + how, isTaken);
}

} // namespace

CompileFunction imbrex::inChild(CompileFunction compile, std::chrono::milliseconds patience) {
  return [compile = std::move(compile), patience](const Source &source, const CompileOptions &options) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      return failure(source, std::string("no pipe to a child that compiles: ") + strerror(errno), errno == ENOMEM);
    pid_t child = fork();
    if (child == 0)
      work(ends[1], compile, source, options);
    int problem = errno;
    close(ends[1]);
    if (child < 0) {
      close(ends[0]);
      return failure(source, std::string("no child to compile in: ") + strerror(problem), true);
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    Answer answer = listen(ends[0], child, patience, options.budget);
    close(ends[0]);
    std::optional<CompileResult> result = answer.isShort ? std::nullopt : decode(answer.bytes);
    return result ? std::move(*result) : withoutAnswer(source, answer, patience);
  };
}
