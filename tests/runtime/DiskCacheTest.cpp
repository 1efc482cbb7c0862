//===- DiskCacheTest.cpp - Cache entries and their faults -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries survive; every truncation and every flipped byte is a miss that removes the entry; directories and
// files of others are refused; the size is bounded; processes share a directory.
//
//===----------------------------------------------------------------------===//

#include "runtime/DiskCache.h"
#include <atomic>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace imbrex;
namespace fs = std::filesystem;

namespace {

struct DiskCaches : ::testing::Test {
  fs::path directory = fs::path(::testing::TempDir()) / ("imbrex-cache-" + std::to_string(getpid())) / "deep";
  CacheEntry entry{"a.tile", "{}", "ptx", "code", "log"};

  ~DiskCaches() override { fs::remove_all(directory.parent_path()); }
  DiskCache open(uint64_t bytes = 1 << 20) const { return DiskCache::open(directory.string(), bytes).value(); }
  static CacheKey key(const std::string &name) {
    CacheKey key;
    key.add("name", name);
    return key;
  }
  fs::path file(const CacheKey &key) const { return directory / (key.digest() + ".imbrex"); }
  std::string read(const fs::path &path) const {
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }
  void write(const fs::path &path, const std::string &bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};

} // namespace

TEST_F(DiskCaches, AnEntryComesBackWhole) {
  CacheKey k = key("a");
  open().store(k, entry).value();
  std::optional<CacheEntry> found = open().find(k);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->interface + found->ptx + found->machineCode + found->log, "{}ptxcodelog");
  EXPECT_FALSE(open().find(key("b")));
  struct stat status;
  ASSERT_EQ(stat(directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(DiskCaches, EveryTruncationIsAMissAndIsRemoved) {
  CacheKey k = key("a");
  DiskCache cache = open();
  cache.store(k, entry).value();
  std::string whole = read(file(k));
  for (size_t length = 0; length < whole.size(); ++length) {
    write(file(k), whole.substr(0, length));
    EXPECT_FALSE(cache.find(k)) << length;
    EXPECT_FALSE(fs::exists(file(k))) << length;
  }
  std::printf("%zu truncations\n", whole.size());
  write(file(k), whole + "x");
  EXPECT_FALSE(cache.find(k));
}

TEST_F(DiskCaches, EveryFlippedBitIsAMiss) {
  CacheKey k = key("a");
  DiskCache cache = open();
  cache.store(k, entry).value();
  std::string whole = read(file(k));
  for (size_t i = 0; i < 8 * whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i / 8] = char(damaged[i / 8] ^ (1 << (i % 8)));
    write(file(k), damaged);
    EXPECT_FALSE(cache.find(k)) << "bit " << i;
  }
  std::printf("%zu flipped bits\n", 8 * whole.size());
  write(file(k), whole);
  EXPECT_TRUE(cache.find(k));
}

TEST_F(DiskCaches, AnotherKeysEntryUnderThisNameIsAMiss) {
  CacheKey a = key("a"), b = key("b");
  DiskCache cache = open();
  cache.store(a, entry).value();
  fs::copy_file(file(a), file(b));
  EXPECT_FALSE(cache.find(b));
  EXPECT_TRUE(cache.find(a));
}

TEST_F(DiskCaches, LinksAndFoldersInTheWayAreMisses) {
  CacheKey a = key("a"), b = key("b"), c = key("c");
  DiskCache cache = open();
  cache.store(a, entry).value();
  fs::rename(file(a), directory / "elsewhere");
  fs::create_symlink(directory / "elsewhere", file(a));
  EXPECT_FALSE(cache.find(a)) << "a link is not followed";
  fs::create_directory(file(b));
  EXPECT_FALSE(cache.find(b));
  EXPECT_FALSE(cache.store(b, entry)) << "and storing over it says so";
  ASSERT_EQ(mkfifo(file(c).c_str(), 0600), 0);
  EXPECT_FALSE(cache.find(c)) << "a pipe is not waited for";
}

TEST_F(DiskCaches, ADirectoryThatOthersCanOnlyReadIsUsed) {
  open();
  fs::permissions(directory, fs::perms(0755));
  open().store(key("a"), entry).value();
  EXPECT_TRUE(open().find(key("a")));
  struct stat status;
  ASSERT_EQ(stat(file(key("a")).c_str(), &status), 0);
  mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777, 0644u & ~mask) << "who may read the directory may read the entry";
}

/// Root may write wherever it likes: in a child that is somebody else.
template <typename Body> static bool holdsForAnotherUser(const Body &body) {
  pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && seteuid(kNobody) != 0)
      _exit(1);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(DiskCaches, ADirectoryThatCannotBeWrittenIsRead) {
  open();
  fs::permissions(directory, fs::perms(0755));
  open().store(key("a"), entry).value();
  fs::permissions(directory.parent_path(), fs::perms(0755));
  fs::permissions(file(key("a")), fs::perms(0644));
  fs::permissions(directory, fs::perms(0555));
  EXPECT_TRUE(holdsForAnotherUser([&] {
    Result<DiskCache> cache = DiskCache::open(directory.string());
    if (!cache || !cache->find(key("a")))
      return false;
    Result<void> stored = cache->store(key("b"), entry);
    return !stored && stored.error().message.find("cannot be written") != std::string::npos;
  }));
}

TEST_F(DiskCaches, WhatOthersCouldHaveWrittenIsNotRead) {
  CacheKey a = key("a");
  open().store(a, entry).value();
  std::string whole = read(file(a));
  fs::permissions(file(a), fs::perms(0666));
  EXPECT_FALSE(open().find(a));
  write(file(a), whole);
  fs::permissions(file(a), fs::perms(0600));
  EXPECT_TRUE(open().find(a));
}

TEST_F(DiskCaches, ADirectoryThatOthersCanWriteIsRefused) {
  open();
  for (unsigned mode : {0775, 0702, 0777}) {
    fs::permissions(directory, fs::perms(mode));
    Result<DiskCache> refused = DiskCache::open(directory.string());
    ASSERT_FALSE(refused) << std::oct << mode;
    EXPECT_NE(refused.error().message.find("chmod go-w"), std::string::npos);
  }
  fs::remove(directory);
  write(directory, "a file");
  EXPECT_FALSE(DiskCache::open(directory.string()));
  fs::remove(directory);
  fs::create_directory(directory.parent_path() / "other");
  fs::create_symlink(directory.parent_path() / "other", directory);
  Result<DiskCache> link = DiskCache::open(directory.string());
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().message.find("is a symbolic link"), std::string::npos);
}

TEST_F(DiskCaches, TheLeastRecentlyUsedGoesFirst) {
  CacheKey a = key("a"), b = key("b"), c = key("c");
  open().store(a, entry).value();
  uint64_t size = open().statistics().value().bytes;
  DiskCache cache = open(2 * size);
  cache.store(b, entry).value();
  for (const CacheKey &k : {a, b}) {
    fs::last_write_time(file(k), fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  EXPECT_TRUE(cache.find(a)); // used now
  cache.store(c, entry).value();
  EXPECT_TRUE(cache.find(a));
  EXPECT_FALSE(cache.find(b));
  EXPECT_TRUE(cache.find(c));
}

TEST_F(DiskCaches, StatisticsVerifyAndClear) {
  DiskCache cache = open();
  cache.store(key("a"), entry).value();
  cache.store(key("b"), entry).value();
  write(directory / "notes.txt", "mine");
  EXPECT_EQ(cache.statistics().value().entries, 2u);
  write(file(key("b")), "damaged");
  DiskCache::Statistics verified = cache.verify().value();
  EXPECT_EQ(verified.entries, 1u);
  EXPECT_EQ(verified.damaged, 1u);
  EXPECT_EQ(cache.clear().value().entries, 1u);
  EXPECT_FALSE(cache.find(key("a")));
  EXPECT_EQ(read(directory / "notes.txt"), "mine");
}

TEST_F(DiskCaches, ThreadsAndProcessesShareADirectory) {
  auto work = [&] {
    DiskCache cache = open();
    bool good = true;
    for (int i = 0; i < 50; ++i) {
      CacheKey k = key(std::to_string(i % 5));
      good &= bool(cache.store(k, entry));
      std::optional<CacheEntry> found = cache.find(k);
      good &= found && found->ptx == "ptx";
    }
    return good;
  };
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0)
    _exit(work() ? 0 : 1);
  std::vector<std::thread> threads;
  std::atomic<bool> good = true;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      if (!work())
        good = false;
    });
  for (std::thread &thread : threads)
    thread.join();
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(good && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  for (const fs::directory_entry &left : fs::directory_iterator(directory))
    EXPECT_EQ(left.path().extension(), ".imbrex") << left.path();
}

TEST_F(DiskCaches, AClaimIsHeldByOne) {
  DiskCache one = open(), two = open();
  std::optional<DiskCache::Claim> first = one.claim(key("a"), /*wait=*/false);
  ASSERT_TRUE(first);
  EXPECT_FALSE(two.claim(key("a"), false));
  EXPECT_FALSE(one.claim(key("a"), false)) << "within a process too";
  EXPECT_TRUE(two.claim(key("b"), false));
  pid_t child = fork();
  if (child == 0)
    _exit(one.claim(key("c"), false) && !two.claim(key("a"), false) ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(two.claim(key("c"), false)) << "it ended with its process";
  DiskCache::Claim moved = std::move(*first);
  first.reset();
  EXPECT_FALSE(two.claim(key("a"), false)) << "it goes with the object";
}

TEST_F(DiskCaches, AllGivesEveryWholeEntry) {
  DiskCache cache = open();
  for (const char *name : {"a", "b", "c"})
    cache.store(key(name), entry).value();
  std::string bytes = read(file(key("b")));
  bytes[bytes.size() / 2] ^= 1;
  write(file(key("b")), bytes);
  std::set<std::string> keys;
  for (const auto &[bytes, found] : cache.all()) {
    keys.insert(bytes);
    EXPECT_EQ(found.ptx, entry.ptx);
  }
  EXPECT_EQ(keys, (std::set<std::string>{key("a").bytes(), key("c").bytes()}));
}
