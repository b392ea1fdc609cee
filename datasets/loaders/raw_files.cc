#include "datasets/loaders/raw_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "absl/strings/str_join.h"
#include "datasets/loaders/byte_sources.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"

namespace openp5::datasets {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPieceBytes = size_t{256} << 10;
constexpr int kDeepestNesting = 3;
constexpr size_t kMostFiles = 100000;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using ArchivePointer = std::unique_ptr<archive, FreeArchive>;

// While it lives, names of members are UTF-8 whatever the process's locale: libarchive turns them
// into the thread's characters, and in "C" fails for those beyond ASCII.
class NamesInUtf8 {
 public:
  NamesInUtf8() : before_(uselocale(Utf8())) {}
  ~NamesInUtf8() { uselocale(before_); }
  NamesInUtf8(const NamesInUtf8&) = delete;
  NamesInUtf8& operator=(const NamesInUtf8&) = delete;

 private:
  // Where there is none, 0, which changes nothing.
  static locale_t Utf8() {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t before_;
};

// The members of one archive, one after the other. Bytes that are no archive are one member.
class ArchiveStream final : public ByteSource {
 public:
  // Opens a file on disk, which may be read in any order.
  static absl::StatusOr<std::unique_ptr<ArchiveStream>> OpenZip(const std::string& path) {
    auto stream = std::make_unique<ArchiveStream>(path, nullptr);
    archive_read_support_format_zip(stream->reader_.get());
    if (archive_read_open_filename(stream->reader_.get(), path.c_str(), kPieceBytes) !=
        ARCHIVE_OK) {
      return stream->Failure();
    }
    return stream;
  }

  static absl::StatusOr<std::unique_ptr<ArchiveStream>> Open(const std::string& where,
                                                             std::unique_ptr<ByteSource> source) {
    auto stream = std::make_unique<ArchiveStream>(where, Gunzip(std::move(source), where));
    archive* const reader = stream->reader_.get();
    // Not all filters: some start programs. Not gzip: its checksum would not be looked at.
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_format_zip_streamable(reader);
    archive_read_support_format_tar(reader);
    archive_read_support_format_gnutar(reader);
    archive_read_support_format_empty(reader);
    archive_read_support_format_raw(reader);
    if (archive_read_open(reader, stream.get(), nullptr, ReadSource, nullptr) != ARCHIVE_OK) {
      return stream->Failure();
    }
    return stream;
  }

  ArchiveStream(std::string where, std::unique_ptr<ByteSource> source)
      : where_(std::move(where)), source_(std::move(source)), reader_(archive_read_new()) {
    OPENP5_CHECK(reader_ != nullptr);
  }

  // Goes to the next member; false after the last.
  absl::StatusOr<bool> NextMember() {
    const NamesInUtf8 utf8;
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader_.get(), &entry);
    // libarchive takes a source that fails while the format is guessed for an empty file.
    if (!source_failure_.ok()) return source_failure_;
    at_end_ = code == ARCHIVE_EOF;
    if (at_end_) return false;
    // A warning is about the name or a time; the data have checks of their own.
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return Failure();
    ++number_;
    const char* const name = archive_entry_pathname(entry);
    member_ = name == nullptr ? StrCat("unnamed member ", number_) : name;
    is_file_ = archive_entry_filetype(entry) == AE_IFREG;
    if (archive_entry_is_encrypted(entry) != 0) {
      return InvalidArgument(where_, ": ", member_,
                             ": expected a file that is not encrypted; decrypt it first");
    }
    return true;
  }

  bool is_archive() const {
    const int format = archive_format(reader_.get()) & ARCHIVE_FORMAT_BASE_MASK;
    return format == ARCHIVE_FORMAT_ZIP || format == ARCHIVE_FORMAT_TAR;
  }
  bool is_file() const { return is_file_; }
  const std::string& member() const { return member_; }

  absl::StatusOr<std::string_view> Next() override {
    if (at_end_) return "";
    const void* bytes = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    while (size == 0) {
      const int code = archive_read_data_block(reader_.get(), &bytes, &size, &offset);
      if (code == ARCHIVE_EOF && source_failure_.ok()) return "";
      if (code != ARCHIVE_OK) return Failure();
      // A hole of a sparse file would be text that nobody wrote.
      if (offset != read_) {
        return DataLoss(where_, ": offset ", read_, ": expected data, got a hole up to ", offset);
      }
      read_ += static_cast<int64_t>(size);
    }
    return std::string_view(static_cast<const char*>(bytes), size);
  }

 private:
  static la_ssize_t ReadSource(archive* reader, void* self, const void** bytes) {
    auto* const stream = static_cast<ArchiveStream*>(self);
    const absl::StatusOr<std::string_view> piece = stream->source_->Next();
    if (!piece.ok()) {
      stream->source_failure_ = piece.status();
      archive_set_error(reader, EIO, "the source fails");
      return -1;
    }
    *bytes = piece->data();
    return static_cast<la_ssize_t>(piece->size());
  }

  absl::Status Failure() const {
    if (!source_failure_.ok()) return source_failure_;
    const char* const message = archive_error_string(reader_.get());
    return DataLoss(where_, member_.empty() ? "" : StrCat("(", member_, ")"), ": offset ",
                    std::max<la_int64_t>(0, archive_filter_bytes(reader_.get(), -1)), ": ",
                    message == nullptr ? "cannot be read" : message, "; is the file complete?");
  }

  std::string where_;
  std::unique_ptr<ByteSource> source_;
  ArchivePointer reader_;
  absl::Status source_failure_;
  std::string member_;
  bool is_file_ = false, at_end_ = false;
  int64_t number_ = 0;  // of the member, from 1
  int64_t read_ = 0;    // bytes of the member
};

absl::StatusOr<std::unique_ptr<ArchiveStream>> OpenDisk(const std::string& disk) {
  OPENP5_ASSIGN_OR_RETURN(auto source, OpenFileSource(disk));
  OPENP5_ASSIGN_OR_RETURN(const std::string_view head, source->Next());
  // A text may begin with "PK" alone.
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06") ||
      head.starts_with("PK\x07\x08")) {
    return ArchiveStream::OpenZip(disk);
  }
  OPENP5_ASSIGN_OR_RETURN(source, OpenFileSource(disk));
  return ArchiveStream::Open(disk, std::move(source));
}

// What lies in `disk` at the end of the path `members` through its archives, at its first member.
absl::StatusOr<std::unique_ptr<ArchiveStream>> OpenMember(const std::string& disk,
                                                          const std::vector<std::string>& members) {
  OPENP5_ASSIGN_OR_RETURN(auto stream, OpenDisk(disk));
  std::string where = disk;
  for (const std::string& member : members) {
    do {
      OPENP5_ASSIGN_OR_RETURN(const bool more, stream->NextMember());
      if (!more) return DataLoss(where, ": ", member, ": expected the member that was there");
    } while (!stream->is_file() || stream->member() != member);
    where += "(" + member + ")";
    OPENP5_ASSIGN_OR_RETURN(stream, ArchiveStream::Open(where, std::move(stream)));
  }
  OPENP5_RETURN_IF_ERROR(stream->NextMember().status());
  return stream;
}

absl::Status CheckMemberName(const std::string& disk, const std::string& member) {
  const fs::path path(member);
  const bool climbs = std::find(path.begin(), path.end(), fs::path("..")) != path.end();
  if (!path.is_absolute() && !climbs && !member.empty()) return absl::OkStatus();
  return InvalidArgument(disk, ": expected members inside the archive, got '", Excerpt(member),
                         "'");
}

std::string WithoutCompression(const std::string& name) {
  for (const std::string_view ending : {".gz", ".bz2", ".xz", ".zst"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) {
      return name.substr(0, name.size() - ending.size());
    }
  }
  return name;
}

bool MayHoldFiles(const std::string& name) {
  return name.find(".tar") != std::string::npos || name.ends_with(".tgz") || name.ends_with(".zip");
}

// Adds the files of `disk`, whose outer members are `outer`, to `found`.
absl::Status ListFiles(const std::string& disk, const std::vector<std::string>& outer,
                       std::vector<std::vector<std::string>>* found) {
  OPENP5_ASSIGN_OR_RETURN(auto stream, OpenMember(disk, outer));
  if (!stream->is_archive()) {
    found->push_back(outer);
    return absl::OkStatus();
  }
  if (static_cast<int>(outer.size()) >= kDeepestNesting) {
    return InvalidArgument(disk, ": expected archives nested at most ", kDeepestNesting, " deep");
  }
  std::set<std::string> names;
  bool more = true;
  while (more) {
    const std::string member = stream->member();
    if (stream->is_file()) {
      OPENP5_RETURN_IF_ERROR(CheckMemberName(disk, member));
      if (!names.insert(member).second) {
        return InvalidArgument(disk, ": expected every member once, got '", Excerpt(member),
                               "' twice");
      }
    }
    if (names.size() > kMostFiles) {
      return InvalidArgument(disk, ": expected at most ", kMostFiles, " members");
    }
    OPENP5_ASSIGN_OR_RETURN(more, stream->NextMember());
  }
  for (const std::string& name : names) {
    std::vector<std::string> members = outer;
    members.push_back(name);
    // Only what may hold the data is looked into: a look costs a pass over the archive.
    if (MayHoldFiles(name)) {
      OPENP5_RETURN_IF_ERROR(ListFiles(disk, members, found));
    } else {
      found->push_back(std::move(members));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourceFile> DescribeSourceFile(const std::string& path) {
  SourceFile described{BaseName(path), 0, ""};
  Sha256 digest;
  OPENP5_ASSIGN_OR_RETURN(const auto source, OpenFileSource(path));
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const std::string_view piece, source->Next());
    if (piece.empty()) break;
    digest.Update(piece);
    described.bytes += static_cast<int64_t>(piece.size());
  }
  described.sha256 = digest.Finish();
  return described;
}

absl::Status RawFiles::AddFile(const std::string& disk) {
  std::vector<std::vector<std::string>> found;
  OPENP5_RETURN_IF_ERROR(ListFiles(disk, {}, &found));
  for (std::vector<std::string>& members : found) {
    Entry entry{disk, std::move(members), "", disk};
    for (const std::string& member : entry.members) entry.where += "(" + member + ")";
    entry.name = WithoutCompression(BaseName(entry.members.empty() ? disk : entry.members.back()));
    entries_.push_back(std::move(entry));
  }
  return absl::OkStatus();
}

absl::StatusOr<RawFiles> RawFiles::Open(const std::string& path) {
  RawFiles files;
  files.path_ = path;
  std::error_code error;
  if (!fs::exists(path, error)) return NotFound(path, ": no such file or folder");
  if (!fs::is_directory(path, error)) {
    OPENP5_RETURN_IF_ERROR(files.AddFile(path));
    return files;
  }
  // A folder: its files and those of its folders, as they are.
  std::vector<std::string> found;
  constexpr int kDeepestFolder = 2;
  fs::recursive_directory_iterator place(path, error), end;
  for (; !error && place != end; place.increment(error)) {
    if (place.depth() >= kDeepestFolder) place.disable_recursion_pending();
    if (place->is_regular_file(error)) found.push_back(place->path().string());
    if (found.size() > kMostFiles) {
      return InvalidArgument(path, ": expected at most ", kMostFiles, " files in the folder");
    }
  }
  if (error) return FailedPrecondition(path, ": ", error.message());
  std::sort(found.begin(), found.end());
  for (const std::string& file : found) {
    if (MayHoldFiles(file)) {
      OPENP5_RETURN_IF_ERROR(files.AddFile(file));
    } else {
      files.entries_.push_back({file, {}, WithoutCompression(BaseName(file)), file});
    }
  }
  return files;
}

std::string RawFiles::Listing() const {
  constexpr size_t kShown = 8;
  if (entries_.empty()) return "nothing";
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(kShown, entries_.size()); ++i) names.push_back(entries_[i].name);
  return absl::StrJoin(names, ", ") +
         (entries_.size() > kShown ? StrCat(" and ", entries_.size() - kShown, " more") : "");
}

absl::StatusOr<int> RawFiles::Find(std::string_view name) const {
  int found = -1;
  for (int i = 0; i < size(); ++i) {
    if (Name(i) != name) continue;
    if (found < 0 || IsPacked(found) > IsPacked(i)) {
      found = i;
    } else if (IsPacked(found) == IsPacked(i)) {
      return InvalidArgument(path_, ": expected one ", name, ", got ", Where(found), " and ",
                             Where(i));
    }
  }
  return found;
}

absl::StatusOr<int> RawFiles::Get(std::string_view name) const {
  OPENP5_ASSIGN_OR_RETURN(const int found, Find(name));
  if (found >= 0) return found;
  if (size() == 1) return 0;
  return NotFound(path_, ": expected ", name, ", got ", Listing());
}

absl::StatusOr<std::unique_ptr<ByteSource>> RawFiles::Read(int file) const {
  const Entry& entry = entries_[static_cast<size_t>(file)];
  OPENP5_ASSIGN_OR_RETURN(auto stream, OpenMember(entry.disk, entry.members));
  if (stream->is_archive()) {
    return InvalidArgument(entry.where,
                           ": expected a file, got an archive; unpack it, or name it "
                           ".zip or .tar");
  }
  return std::unique_ptr<ByteSource>(std::move(stream));
}

absl::StatusOr<std::vector<SourceFile>> RawFiles::Describe(const std::vector<int>& used) const {
  std::vector<SourceFile> described;
  std::set<std::string> seen;
  for (const int file : used) {
    const std::string& disk = entries_[static_cast<size_t>(file)].disk;
    if (!seen.insert(disk).second) continue;
    OPENP5_ASSIGN_OR_RETURN(described.emplace_back(), DescribeSourceFile(disk));
  }
  return described;
}

}  // namespace openp5::datasets
