//===- DiskCache.cpp - Compiled kernels on disk ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything happens relative to the directory's descriptor, follows no link, and trusts no file that is
// not a regular file of ours. The use time of an entry is its modification time, set anew at each hit.
//
//===----------------------------------------------------------------------===//

#include "runtime/DiskCache.h"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace imbrex;

static constexpr std::string_view kSuffix = ".imbrex", kTemporary = ".tmp.", kClaim = ".claim";
static constexpr off_t kLargestEntry = off_t(256) << 20;
static constexpr unsigned kShare = 64; ///< the size is looked at when so many entries, or this part of it, are new
static constexpr unsigned kListedShare = 16;  ///< ... and this part of the entries that were there
static constexpr time_t kStaleSeconds = 3600; ///< a temporary file older than this lost its writer

namespace {

/// A descriptor, closed at the end.
struct File {
  int fd;
  explicit File(int fd) : fd(fd) {}
  File(const File &) = delete;
  ~File() {
    if (fd >= 0)
      close(fd);
  }
};

/// One file of the directory.
struct Listed {
  std::string name;
  uint64_t bytes;
  struct timespec used;
};

} // namespace

struct DiskCache::State {
  std::string directory;
  uint64_t maximumBytes;
  int fd = -1;
  mode_t entryMode = 0600; ///< who may read the directory may read its entries
  bool writable = true;
  std::atomic<unsigned> writes = 0; ///< tells apart the temporary files of one process
  /// Stored since the size was looked at.
  std::atomic<uint64_t> unlistedBytes = 0, unlistedEntries = 0;
  std::atomic<uint64_t> listedEntries = 0; ///< there when it was; before that, about
  uint64_t seldom() const { return std::max<uint64_t>(kShare, listedEntries / kListedShare); }
  ~State() { close(fd); }
};

DiskCache::DiskCache(std::unique_ptr<State> state) : state(std::move(state)) {}
DiskCache::DiskCache(DiskCache &&) noexcept = default;
DiskCache &DiskCache::operator=(DiskCache &&) noexcept = default;
DiskCache::~DiskCache() = default;
const std::string &DiskCache::directory() const { return state->directory; }

static Error fileError(std::string message, const char *call, std::string arguments, int code) {
  Error error{ErrorKind::File, std::move(message)};
  error.call = call;
  error.arguments = std::move(arguments);
  error.driverName = std::to_string(code);
  error.driverWords = strerror(code);
  return error;
}

/// mkdir -p, mode 0700. A failure shows when the directory is opened.
static void makeDirectories(const std::string &path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    mkdir(path.substr(0, end).c_str(), 0700);
  mkdir(path.c_str(), 0700);
}

/// True of a file or directory that nobody but us and root can have written.
static bool isTrusted(const struct stat &status) {
  bool ours = status.st_uid == geteuid() || status.st_uid == 0;
  return ours && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Result<DiskCache> DiskCache::open(const std::string &directory, uint64_t maximumBytes) {
  makeDirectories(directory);
  struct stat status;
  if (lstat(directory.c_str(), &status) == 0 && S_ISLNK(status.st_mode))
    return Error{ErrorKind::File,
                 "the cache directory '" + directory + "' is a symbolic link: name the directory that it points to"};
  int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return fileError("the cache directory cannot be used", "open", directory, errno);
  auto state = std::make_unique<State>();
  state->directory = directory;
  state->maximumBytes = maximumBytes;
  state->fd = fd;
  if (fstat(fd, &status) != 0)
    return fileError("the cache directory cannot be used", "fstat", directory, errno);
  if (!isTrusted(status))
    return Error{ErrorKind::File, "the cache directory '" + directory +
                                      "' must be yours or root's, and others must not be able to write it (chmod "
                                      "go-w), because kernels are loaded from it"};
  state->entryMode = 0600 | (status.st_mode & 044);
  constexpr uint64_t kNameBytes = 100; // that a name of an entry takes of a directory, about
  state->listedEntries = uint64_t(status.st_size) / kNameBytes;
  struct timespec now = {}; // a process begins anywhere: many that store little look as often as one that stores much
  clock_gettime(CLOCK_MONOTONIC, &now);
  state->unlistedEntries = uint64_t(now.tv_nsec / 1000 + getpid()) % state->seldom();
  state->writable = faccessat(fd, ".", W_OK, AT_EACCESS) == 0;
  return DiskCache(std::move(state));
}

/// The whole content of a regular file of ours; nullopt if there is none or it cannot be read.
static std::optional<std::string> readFile(int directory, const std::string &name) {
  File file(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  if (file.fd < 0 || fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode) || !isTrusted(status) ||
      status.st_size > kLargestEntry)
    return std::nullopt;
  std::string bytes(size_t(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = read(file.fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return std::nullopt;
    done += size_t(count);
  }
  futimens(file.fd, nullptr); // used now; where that fails, eviction only chooses worse
  return bytes;
}

static bool exists(int directory, const std::string &name) {
  struct stat status;
  return fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<CacheEntry> DiskCache::find(const CacheKey &key) const {
  std::string name = key.digest() + std::string(kSuffix);
  std::optional<std::string> bytes = readFile(state->fd, name);
  std::optional<CacheEntry> entry = bytes ? decodeCacheEntry(*bytes, key.bytes()) : std::nullopt;
  if (!entry && exists(state->fd, name))
    unlinkat(state->fd, name.c_str(), 0);
  return entry;
}

void DiskCache::evict(const CacheKey &key) const {
  unlinkat(state->fd, (key.digest() + std::string(kSuffix)).c_str(), 0);
}

/// Writes all of `bytes` and syncs; 0 or errno.
static int writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR)
      return errno;
    bytes.remove_prefix(count < 0 ? 0 : size_t(count));
  }
  return fsync(fd) == 0 ? 0 : errno;
}

static bool isEntryName(std::string_view name) {
  return name.size() == 64 + kSuffix.size() && name.ends_with(kSuffix) &&
         name.find_first_not_of("0123456789abcdef") == 64;
}

static bool isTemporaryName(std::string_view name) {
  return name.size() > 64 && name.substr(64).starts_with(kTemporary) &&
         name.find_first_not_of("0123456789abcdef") == 64;
}

/// The directory's files that `accept` takes, oldest use first.
template <typename Accept> static Result<std::vector<Listed>> listFiles(int directory, const Accept &accept) {
  int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd < 0 ? nullptr : fdopendir(fd);
  if (!stream) {
    int code = errno;
    if (fd >= 0)
      close(fd);
    return fileError("the cache directory cannot be listed", "fdopendir", std::to_string(fd), code);
  }
  std::vector<Listed> files;
  while (const dirent *entry = readdir(stream)) {
    struct stat status;
    if (accept(entry->d_name) && fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      files.push_back({entry->d_name, uint64_t(status.st_size), status.st_mtim});
  }
  closedir(stream);
  std::sort(files.begin(), files.end(), [](const Listed &a, const Listed &b) {
    return std::tie(a.used.tv_sec, a.used.tv_nsec, a.name) < std::tie(b.used.tv_sec, b.used.tv_nsec, b.name);
  });
  return files;
}

/// Removes what lost its writer, then the least recently used entries beyond the bound; never `keep`. How many entries
/// there were.
static uint64_t boundSize(int directory, uint64_t maximumBytes, const std::string &keep) {
  time_t now = time(nullptr);
  if (Result<std::vector<Listed>> files = listFiles(directory, isTemporaryName))
    for (const Listed &file : *files)
      if (file.used.tv_sec + kStaleSeconds < now || file.used.tv_sec - kStaleSeconds > now) // or the clock was set
        unlinkat(directory, file.name.c_str(), 0);
  Result<std::vector<Listed>> files = listFiles(directory, isEntryName);
  if (!files)
    return 0;
  uint64_t total = 0;
  for (const Listed &file : *files)
    total += file.bytes;
  for (const Listed &file : *files) {
    if (total <= maximumBytes)
      break;
    if (file.name != keep && unlinkat(directory, file.name.c_str(), 0) == 0)
      total -= file.bytes;
  }
  return files->size();
}

Result<void> DiskCache::store(const CacheKey &key, const CacheEntry &entry) const {
  if (!state->writable)
    return Error{ErrorKind::File,
                 "new kernels are not kept: the cache directory '" + state->directory + "' cannot be written"};
  std::string digest = key.digest();
  std::string name = digest + std::string(kSuffix);
  std::string temporary = digest + std::string(kTemporary) + std::to_string(getpid()) + "." +
                          std::to_string(reinterpret_cast<uintptr_t>(state.get())) + "." +
                          std::to_string(state->writes.fetch_add(1));
  const std::string bytes = encodeCacheEntry(key.bytes(), entry);
  unlinkat(state->fd, temporary.c_str(), 0); // left by a dead process of the same number
  {
    File file(
        openat(state->fd, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, state->entryMode));
    if (file.fd < 0)
      return fileError("a kernel could not be cached", "openat", temporary, errno);
    if (int code = writeAll(file.fd, bytes)) {
      unlinkat(state->fd, temporary.c_str(), 0);
      return fileError("a kernel could not be cached", "write", temporary, code);
    }
  }
  if (renameat(state->fd, temporary.c_str(), state->fd, name.c_str()) != 0) {
    int code = errno;
    unlinkat(state->fd, temporary.c_str(), 0);
    return fileError("a kernel could not be cached", "renameat", name, code);
  }
  // To list a large directory takes long: once for a share of its entries, or for a share of the bound.
  uint64_t unlisted = state->unlistedBytes.fetch_add(bytes.size()) + bytes.size();
  if (++state->unlistedEntries >= state->seldom() || unlisted >= state->maximumBytes / kShare) {
    state->unlistedBytes = state->unlistedEntries = 0;
    state->listedEntries = boundSize(state->fd, state->maximumBytes, name);
  }
  return {};
}

std::vector<std::pair<std::string, CacheEntry>> DiskCache::all() const {
  std::vector<std::pair<std::string, CacheEntry>> entries;
  Result<std::vector<Listed>> files = listFiles(state->fd, isEntryName);
  if (!files)
    return entries;
  for (const Listed &file : *files) {
    std::optional<std::string> bytes = readFile(state->fd, file.name);
    std::optional<std::string> key = bytes ? keyOfCacheEntry(*bytes) : std::nullopt;
    if (std::optional<CacheEntry> entry = key ? decodeCacheEntry(*bytes, *key) : std::nullopt)
      entries.emplace_back(std::move(*key), std::move(*entry));
  }
  return entries;
}

std::optional<DiskCache::Claim> DiskCache::claim(const CacheKey &key, bool wait) const {
  std::string name = key.digest() + std::string(kClaim);
  int fd = openat(state->fd, name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  Claim claim(fd);
  while (fd >= 0 && flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return std::nullopt;
    if (errno != EINTR)
      break;
  }
  return claim;
}

DiskCache::Claim::~Claim() {
  if (fd >= 0)
    close(fd);
}

Result<DiskCache::Statistics> DiskCache::statistics() const {
  Result<std::vector<Listed>> files = listFiles(state->fd, isEntryName);
  if (!files)
    return files.takeError();
  Statistics statistics;
  for (const Listed &file : *files) {
    ++statistics.entries;
    statistics.bytes += file.bytes;
  }
  return statistics;
}

Result<DiskCache::Statistics> DiskCache::verify() const {
  Result<std::vector<Listed>> files = listFiles(state->fd, isEntryName);
  if (!files)
    return files.takeError();
  Statistics statistics;
  for (const Listed &file : *files) {
    std::optional<std::string> bytes = readFile(state->fd, file.name);
    std::optional<std::string> key = bytes ? keyOfCacheEntry(*bytes) : std::nullopt;
    if (key && sha256Hex(*key) + std::string(kSuffix) == file.name) {
      ++statistics.entries;
      statistics.bytes += file.bytes;
      continue;
    }
    ++statistics.damaged;
    unlinkat(state->fd, file.name.c_str(), 0);
  }
  return statistics;
}

Result<DiskCache::Statistics> DiskCache::clear() const {
  Result<std::vector<Listed>> files =
      listFiles(state->fd, [](std::string_view name) { return isEntryName(name) || isTemporaryName(name); });
  if (!files)
    return files.takeError();
  Statistics statistics;
  for (const Listed &file : *files)
    if (unlinkat(state->fd, file.name.c_str(), 0) == 0) {
      statistics.entries += isEntryName(file.name);
      statistics.bytes += file.bytes;
    }
  return statistics;
}
