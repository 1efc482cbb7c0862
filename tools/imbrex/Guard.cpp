//===- Guard.cpp - A compiler that fails, reproduced ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reproducer is the source with the command in comments before it: tile text and MLIR both have `//`.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Guard.h"
#include "compiler/Stage.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

/// The command line with `file` for the source, each word in quotes of the shell where it needs them.
static std::string commandLine(const Request &request, int count, const char *const *words, const std::string &file) {
  std::string line = "imbrex";
  for (int i = 1; i < count; ++i) {
    std::string word = request.file == words[i] ? file : words[i];
    bool isPlain = !word.empty() && StringRef(word).find_first_of(" '\"()<>|&;$`*?#~\n\t\\") == StringRef::npos;
    std::string quoted;
    for (char c : word)
      quoted += c == '\'' ? "'\\''" : std::string(1, c);
    line += " " + (isPlain ? word : "'" + quoted + "'");
  }
  for (size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n', end))
    line[end] = ' '; // it stands in a comment
  return line;
}

static void keepReproducer(const Request &request, int count, const char *const *words) {
  // What came through a pipe is gone, and to wait for more of it would be for ever.
  std::optional<Source> source = llvm::sys::fs::is_regular_file(request.file) ? readSource(request.file) : std::nullopt;
  if (!source)
    return;
  StringRef suffix = request.from ? StringRef(info(*request.from).suffix) : "tile";
  std::string path = llvm::formatv("{0}.crash-{1}.{2}", llvm::sys::path::stem(request.file), getpid(), suffix);
  std::string command = commandLine(request, count, words, path);
  std::string head = llvm::formatv("// {0}\n// {1}\n", command, compilerBuildId());
  if (writeText(path, head + source->text))
    llvm::errs() << "it is kept in " << path << "; please report that file. To repeat it: " << command << "\n";
}

int tool::runGuarded(const Request &request, int count, const char *const *words, int (*command)(const Request &)) {
  llvm::outs().flush();
  pid_t parent = getpid(), child = fork();
  if (child < 0)
    return command(request); // without a guard, then
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // who stops the command stops its work
    if (getppid() != parent)
      _exit(kCompilerFailed);
    int code = command(request);
    llvm::outs().flush();
    bool written = !llvm::outs().has_error();
    if (!written)
      llvm::errs() << "error: cannot write: " << llvm::outs().error().message() << "\n";
    _exit(written ? code : int(kUserError));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status))
    return WEXITSTATUS(status);
  int signal = WTERMSIG(status);
  if (signal == SIGINT || signal == SIGTERM || signal == SIGPIPE)
    return 128 + signal; // somebody stopped it
  llvm::errs() << request.file << ": error: the compiler itself failed: signal " << signal << " (" << strsignal(signal)
               << ")\n";
  keepReproducer(request, count, words);
  return kCompilerFailed;
}
