#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "platform/base/file.h"
#include "platform/storage/key_value_store.h"

namespace openp5::storage {
namespace {

namespace fs = std::filesystem;

// RocksDB writes its running log into the folder unless it is given another place for it.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// RocksDB's words on one line.
std::string OneLine(const rocksdb::Status& status) {
  std::string text = status.ToString();
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

absl::Status Translate(const rocksdb::Status& status, std::string_view what,
                       const std::string& path) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = StrCat(what, ": ", path, ": ", OneLine(status));
  if (status.IsCorruption()) return DataLoss(message, "; restore the folder or build it again");
  return FailedPrecondition(message);
}

// The least string above every string that starts with `prefix`; empty if there is none.
std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

rocksdb::ReadOptions CheckedReads() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

class RocksDbStore final : public KeyValueStore {
 public:
  RocksDbStore(std::string path, std::unique_ptr<rocksdb::DB> db, OpenMode mode)
      : path_(std::move(path)), db_(std::move(db)), mode_(mode) {}

  absl::StatusOr<std::string> Get(std::string_view key) const override {
    std::string value;
    const rocksdb::Status status = db_->Get(CheckedReads(), ToSlice(key), &value);
    if (status.IsNotFound()) return NotFound("store: ", path_, ": has no entry of this key");
    OPENP5_RETURN_IF_ERROR(Translate(status, "cannot read the store", path_));
    return value;
  }

  absl::Status Scan(
      std::string_view prefix,
      const std::function<absl::Status(std::string_view, std::string_view)>& visit) const override {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(CheckedReads()));
    for (at->Seek(ToSlice(prefix)); at->Valid() && at->key().starts_with(ToSlice(prefix));
         at->Next()) {
      OPENP5_RETURN_IF_ERROR(visit(FromSlice(at->key()), FromSlice(at->value())));
    }
    return Translate(at->status(), "cannot read the store", path_);
  }

  absl::Status Write(std::string_view removed_prefix,
                     const std::vector<std::pair<std::string, std::string>>& entries) override {
    if (mode_ == OpenMode::kReadOnly) {
      return FailedPrecondition("cannot write the store: ", path_, ": it is open for reading only");
    }
    rocksdb::WriteBatch batch;
    rocksdb::Status status;
    if (!removed_prefix.empty()) {
      const std::string end = PrefixEnd(removed_prefix);
      if (end.empty()) return InvalidArgument("store: ", path_, ": cannot remove this prefix");
      status = batch.DeleteRange(ToSlice(removed_prefix), end);
    }
    for (const auto& [key, value] : entries) {
      if (status.ok()) status = batch.Put(key, value);
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    if (status.ok()) status = db_->Write(options, &batch);
    // Readers would otherwise replay the write-ahead log each time they open the store.
    if (status.ok()) status = db_->Flush(rocksdb::FlushOptions());
    return Translate(status, "cannot write the store", path_);
  }

 private:
  const std::string path_;
  const std::unique_ptr<rocksdb::DB> db_;
  const OpenMode mode_;
};

// What the files of a folder say about a store in it.
struct FolderContent {
  bool empty = true;
  bool is_rocksdb = true;  // every file may be RocksDB's, or CURRENT is there
  bool has_current = false, has_data = false;
};

FolderContent ContentOf(const std::string& path, std::error_code* error) {
  FolderContent content;
  bool has_other = false;
  for (fs::directory_iterator at(path, *error), end; !*error && at != end; at.increment(*error)) {
    const std::string name = at->path().filename().string();
    const std::string extension = at->path().extension().string();
    const bool is_data = extension == ".sst" || extension == ".log";
    content.empty = false;
    content.has_current |= name == "CURRENT";
    content.has_data |= is_data;
    has_other |= !is_data && name != "CURRENT" && name != "IDENTITY" && name != "LOCK" &&
                 name != "LOG" && name.rfind("MANIFEST-", 0) != 0 &&
                 name.rfind("OPTIONS-", 0) != 0 && extension != ".dbtmp";
  }
  content.is_rocksdb = content.has_current || !has_other;
  return content;
}

// True if a process has the store in folder `path` open for writing.
bool IsBeingWritten(const std::string& path) {
  const int fd = open(JoinPath(path, "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(fd);
  return held;
}

absl::Status HeldByAnother(const std::string& path) {
  return FailedPrecondition("cannot open the store for writing: ", path,
                            ": another process is writing to it; wait until it is done");
}

// RocksDB makes CURRENT last: without it a store is being made, was never finished, or is damaged.
absl::Status CheckWithoutCurrent(const std::string& path, OpenMode mode) {
  const bool is_held = IsBeingWritten(path);
  std::error_code error;
  const FolderContent content = ContentOf(path, &error);  // now, it may have been finished
  if (content.has_current) return absl::OkStatus();
  if (is_held) {
    return mode == OpenMode::kReadWrite
               ? HeldByAnother(path)
               : absl::UnavailableError(StrCat("no store yet: ", path,
                                               ": another process is making it; wait until it is "
                                               "done"));
  }
  if (content.has_data) {
    return DataLoss("cannot open the store: ", path,
                    ": its file CURRENT is missing; restore the folder or build it again");
  }
  if (mode == OpenMode::kReadWrite) return absl::OkStatus();
  return NotFound("no store: ", path,
                  ": expected a RocksDB folder, got one that was never finished");
}

// RocksDB's own errors for these cases do not say what is wrong, and it would create its files
// among those of a foreign folder.
absl::Status CheckFolder(const std::string& path, OpenMode mode) {
  if (!FileExists(path)) {
    if (mode == OpenMode::kReadWrite) return MakeDirectories(path);
    return NotFound("no store: ", path, ": expected a RocksDB folder; nothing is there");
  }
  if (!IsDirectory(path)) {
    return FailedPrecondition("cannot open the store: ", path,
                              ": expected a RocksDB folder, got a file");
  }
  std::error_code error;
  const FolderContent content = ContentOf(path, &error);
  if (error) {
    return FailedPrecondition("cannot open the store: ", path, ": ", error.message());
  }
  if (content.empty && mode == OpenMode::kReadOnly) {
    return NotFound("no store: ", path, ": expected a RocksDB folder, got an empty one");
  }
  if (!content.is_rocksdb) {
    return FailedPrecondition("cannot open the store: ", path,
                              ": expected a RocksDB folder, got a folder of other files");
  }
  if (content.empty || content.has_current) return absl::OkStatus();
  return CheckWithoutCurrent(path, mode);
}

absl::Status OpenError(const rocksdb::Status& status, const std::string& path) {
  const std::string text = OneLine(status);
  const auto has = [&](const char* words) { return text.find(words) != std::string::npos; };
  if (status.IsIOError() && (has("lock file") || has("lock hold by"))) {
    if (has(strerror(EACCES)) || has(strerror(EROFS))) {
      return FailedPrecondition("cannot open the store for writing: ", path,
                                ": no permission to write there");
    }
    return HeldByAnother(path);
  }
  const bool file_gone = (status.IsIOError() && has(strerror(ENOENT))) || status.IsPathNotFound();
  if (status.IsCorruption() || file_gone) {
    return DataLoss("cannot open the store: ", path, ": damaged: ", text,
                    "; restore the folder or build it again");
  }
  return Translate(status, "cannot open the store", path);
}

// RocksDB aborts or waits for ever where the system gives it no thread for its background work:
// whether it would is asked first. ResourceExhausted if not.
absl::Status CheckThreads(const std::string& path) {
  constexpr size_t kThreads = 4;  // RocksDB's, and room for what they take
  std::promise<void> all;
  const std::shared_future<void> ready = all.get_future().share();
  std::vector<std::jthread> threads;
  absl::Status status;
  try {
    threads.reserve(kThreads);
    while (threads.size() < kThreads) threads.emplace_back([ready] { ready.wait(); });
  } catch (const std::exception&) {
    status = absl::ResourceExhaustedError(
        StrCat("cannot open: ", path,
               ": no memory or thread for its background work; hint: a "
               "larger limit (ulimit -v, ulimit -u, the container's memory and pids.max)"));
  }
  all.set_value();
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyValueStore>> OpenRocksDb(const std::string& path, OpenMode mode) {
  OPENP5_RETURN_IF_ERROR(CheckFolder(path, mode));
  OPENP5_RETURN_IF_ERROR(CheckThreads(path));
  rocksdb::Options options;
  options.create_if_missing = mode == OpenMode::kReadWrite;
  options.paranoid_checks = true;
  options.info_log = std::make_shared<SilentLogger>();
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = mode == OpenMode::kReadOnly
                                     ? rocksdb::DB::OpenForReadOnly(options, path, &opened)
                                     : rocksdb::DB::Open(options, path, &opened);
  if (!status.ok()) return OpenError(status, path);
  return std::make_unique<RocksDbStore>(path, std::unique_ptr<rocksdb::DB>(opened), mode);
}

}  // namespace openp5::storage
