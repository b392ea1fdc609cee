#ifndef OPENP5_DATASETS_LOADERS_RAW_FILES_H_
#define OPENP5_DATASETS_LOADERS_RAW_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/text_lines.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// A raw file as it was read.
struct SourceFile {
  std::string name;  // without the folder
  int64_t bytes = 0;
  std::string sha256;
};

// NotFound, or DataLoss if reading fails half-way.
absl::StatusOr<SourceFile> DescribeSourceFile(const std::string& path);

// What a user names as raw data: a folder, a file, a compressed file, or an archive (zip, zip64,
// tar, compressed or not, tar inside zip). Bytes decide what a file is, not its name. Everything is
// read as a stream by libarchive; nothing is unpacked to disk. Thread-safe.
class RawFiles {
 public:
  // Lists what is there. NotFound; InvalidArgument for an encrypted archive, a member whose name is
  // absolute or leads out of the archive, two members of one name; DataLoss, naming the offset, for
  // a damaged one.
  static absl::StatusOr<RawFiles> Open(const std::string& path);

  // The file of this name, wherever its folder, whatever its compression ("u.data" is also
  // "ml-100k/u.data" and "u.data.gz"), one on disk before one in an archive; -1 if there is none.
  // InvalidArgument if there are several.
  absl::StatusOr<int> Find(std::string_view name) const;
  // The same, or the only file there is, whatever its name; NotFound naming what was sought and
  // what there is.
  absl::StatusOr<int> Get(std::string_view name) const;

  // What messages call the file: its path, for a member `archive(member)`.
  const std::string& Where(int file) const { return entries_[static_cast<size_t>(file)].where; }
  const std::string& Name(int file) const { return entries_[static_cast<size_t>(file)].name; }
  int size() const { return static_cast<int>(entries_.size()); }

  // The file's bytes, decompressed. DataLoss, naming the place, where the data are cut off or do
  // not match their checksum.
  absl::StatusOr<std::unique_ptr<ByteSource>> Read(int file) const;

  // Size and SHA-256 of the files on disk that hold `used`, in that order, each once.
  absl::StatusOr<std::vector<SourceFile>> Describe(const std::vector<int>& used) const;

 private:
  struct Entry {
    std::string disk;                  // file on disk
    std::vector<std::string> members;  // path through nested archives, outermost first
    std::string name;                  // base name without compression's ending
    std::string where;
  };
  absl::Status AddFile(const std::string& disk);
  bool IsPacked(int file) const { return !entries_[static_cast<size_t>(file)].members.empty(); }
  std::string Listing() const;

  std::string path_;
  std::vector<Entry> entries_;  // in order of name
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_RAW_FILES_H_
