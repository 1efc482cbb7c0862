//===- Child.cpp - Work in a process of its own ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pipe, polled; lines are cut where they end.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Child.h"
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex::micro;

static void sendLine(int to, const std::string &text) {
  std::string line = text + "\n";
  for (size_t sent = 0; sent < line.size();) {
    ssize_t n = write(to, line.data() + sent, line.size() - sent);
    if (n <= 0)
      _exit(1); // the parent is gone
    sent += size_t(n);
  }
}

/// Cuts whole lines off `text`.
static void takeLines(std::string &text, const std::function<void(const std::string &)> &line) {
  for (size_t end; (end = text.find('\n')) != text.npos; text.erase(0, end + 1))
    line(text.substr(0, end));
}

static std::string endOf(pid_t child, bool killed) {
  int status = 0;
  waitpid(child, &status, 0);
  if (killed)
    return "time limit";
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) ? "exit code " + std::to_string(WEXITSTATUS(status)) : "";
}

ChildEnd imbrex::micro::runInChild(unsigned seconds,
                                   const std::function<int(const std::function<void(const std::string &)> &)> &work,
                                   const std::function<void(const std::string &)> &line,
                                   const std::function<void()> &waiting) {
  constexpr unsigned step = 8;
  int ends[2];
  std::fflush(nullptr); // else the child writes it again
  pid_t child = pipe(ends) ? -1 : fork();
  if (child < 0)
    return {"cannot fork"};
  if (child == 0) {
    close(ends[0]);
    int code = work([&](const std::string &text) { sendLine(ends[1], text); });
    std::fflush(nullptr);
    _exit(code); // no destructors: a lost context must not hang here
  }
  close(ends[1]);
  std::string text;
  bool killed = false;
  for (unsigned silent = 0;;) {
    unsigned wait = std::min(step, seconds - silent);
    pollfd waited = {ends[0], POLLIN, 0};
    if (poll(&waited, 1, int(wait) * 1000) == 0) {
      silent += wait;
      if (silent >= seconds && !killed) {
        kill(child, SIGKILL);
        killed = true;
        break;
      }
      waiting();
      continue;
    }
    char buffer[4096];
    ssize_t n = read(ends[0], buffer, sizeof buffer);
    if (n <= 0)
      break;
    silent = 0;
    text.append(buffer, size_t(n));
    takeLines(text, line);
  }
  close(ends[0]);
  return {endOf(child, killed)};
}
