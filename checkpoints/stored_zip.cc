#include "checkpoints/stored_zip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/printable.h"

namespace openp5::checkpoints {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr size_t kEndSize = 22, kEnd64LocatorSize = 20;
constexpr size_t kMaximumComment = 65535;
constexpr uint32_t kInZip64Field = std::numeric_limits<uint32_t>::max();
constexpr uint16_t kZip64Field = 1;

// Where the archive's directory is.
struct Directory {
  uint64_t offset = 0, size = 0, records = 0;
};

// The end record is the last thing in the file but for a comment that it gives the length of.
bool FindEnd(std::string_view bytes, size_t* position) {
  if (bytes.size() < kEndSize) return false;
  const size_t last = bytes.size() - kEndSize;
  const size_t first = last > kMaximumComment ? last - kMaximumComment : 0;
  for (size_t at = last + 1; at-- > first;) {
    ByteReader reader(bytes, at);
    uint32_t signature = 0;
    uint16_t comment = 0;
    if (reader.Number(&signature) && signature == kEnd && reader.Skip(kEndSize - 6) &&
        reader.Number(&comment) && comment == reader.remaining()) {
      *position = at;
      return true;
    }
  }
  return false;
}

// Reads the 64-bit end record if there is one; false if it is damaged.
bool ReadEnd64(std::string_view bytes, size_t end, Directory* directory) {
  uint32_t signature = 0;
  if (end < kEnd64LocatorSize || !ByteReader(bytes, end - kEnd64LocatorSize).Number(&signature) ||
      signature != kEnd64Locator) {
    return true;
  }
  ByteReader locator(bytes, end - kEnd64LocatorSize + 8);
  uint64_t offset = 0, size = 0;
  if (!locator.Number(&offset) || offset > end) return false;
  ByteReader reader(bytes, static_cast<size_t>(offset));
  return reader.Number(&signature) && signature == kEnd64 && reader.Number(&size) &&
         reader.Skip(20) && reader.Number(&directory->records) && reader.Number(&directory->size) &&
         reader.Number(&directory->offset);
}

absl::StatusOr<Directory> FindDirectory(std::string_view bytes, const std::string& where) {
  size_t end = 0;
  if (!FindEnd(bytes, &end)) {
    return DataLoss(where, ": expected a zip archive's end record, got none; is the file cut off?");
  }
  ByteReader reader(bytes, end + 4);
  uint16_t disk = 0, directory_disk = 0, records_here = 0, records = 0;
  uint32_t size = 0, offset = 0;
  if (!reader.Number(&disk) || !reader.Number(&directory_disk) || !reader.Number(&records_here) ||
      !reader.Number(&records) || !reader.Number(&size) || !reader.Number(&offset)) {
    return DataLoss(where, ": expected a zip archive's end record at byte ", end);
  }
  if (disk != 0 || directory_disk != 0 || records_here != records) {
    return InvalidArgument(where, ": expected a zip archive in one part, got several");
  }
  Directory directory{.offset = offset, .size = size, .records = records};
  if (!ReadEnd64(bytes, end, &directory)) {
    return DataLoss(where, ": expected a zip64 end record before byte ", end);
  }
  if (directory.offset > end || directory.size > end - directory.offset) {
    return DataLoss(where, ": expected the zip directory before byte ", end, ", got byte ",
                    directory.offset, " and ", directory.size, " bytes");
  }
  return directory;
}

// One entry of the directory as it is written.
struct CentralEntry {
  uint16_t flags = 0, method = 0;
  uint32_t crc = 0;
  uint64_t compressed = 0, size = 0, offset = 0;
  std::string_view name;
};

// Values that do not fit 32 bits are in an extra field, in this order, only those that do not fit.
bool ReadZip64Field(std::string_view extra, CentralEntry* entry) {
  ByteReader reader(extra);
  uint16_t id = 0, size = 0;
  std::string_view field;
  while (reader.Number(&id) && reader.Number(&size) && reader.Take(size, &field)) {
    if (id != kZip64Field) continue;
    ByteReader numbers(field);
    for (uint64_t* value : {&entry->size, &entry->compressed, &entry->offset}) {
      if (*value == kInZip64Field && !numbers.Number(value)) return false;
    }
  }
  return true;
}

bool ReadCentralEntry(ByteReader* reader, CentralEntry* entry) {
  uint32_t signature = 0, compressed = 0, size = 0, offset = 0;
  uint16_t name_size = 0, extra_size = 0, comment_size = 0;
  std::string_view extra;
  if (!reader->Number(&signature) || signature != kCentralHeader || !reader->Skip(4) ||
      !reader->Number(&entry->flags) || !reader->Number(&entry->method) || !reader->Skip(4) ||
      !reader->Number(&entry->crc) || !reader->Number(&compressed) || !reader->Number(&size) ||
      !reader->Number(&name_size) || !reader->Number(&extra_size) ||
      !reader->Number(&comment_size) || !reader->Skip(8) || !reader->Number(&offset) ||
      !reader->Take(name_size, &entry->name) || !reader->Take(extra_size, &extra) ||
      !reader->Skip(comment_size)) {
    return false;
  }
  entry->compressed = compressed;
  entry->size = size;
  entry->offset = offset;
  return ReadZip64Field(extra, entry);
}

// The data begins after the local header, whose extra field has a length of its own.
absl::Status FindData(std::string_view bytes, uint64_t limit, const CentralEntry& entry,
                      const std::string& where, StoredZip::Record* record) {
  ByteReader reader(bytes.substr(0, static_cast<size_t>(limit)),
                    static_cast<size_t>(std::min(entry.offset, limit)));
  uint32_t signature = 0;
  uint16_t name_size = 0, extra_size = 0;
  std::string_view name;
  if (!reader.Number(&signature) || signature != kLocalHeader || !reader.Skip(22) ||
      !reader.Number(&name_size) || !reader.Number(&extra_size) || !reader.Take(name_size, &name) ||
      name != entry.name || !reader.Skip(extra_size)) {
    return DataLoss(where, ": expected its header at byte ", entry.offset);
  }
  record->header_offset = entry.offset;
  record->data_offset = reader.position();
  record->size = entry.size;
  record->crc = entry.crc;
  if (!reader.Skip(entry.size)) {
    return DataLoss(where, ": expected ", entry.size, " bytes at byte ", record->data_offset,
                    ", got ", reader.remaining());
  }
  return absl::OkStatus();
}

absl::Status CheckDisjoint(const std::map<std::string, StoredZip::Record>& records,
                           const std::string& where) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, record] : records) {
    ranges.emplace_back(record.header_offset, record.data_offset + record.size);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) {
      return DataLoss(where, ": expected records that do not overlap, got two at byte ",
                      ranges[i].first);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredZip> StoredZip::Open(std::string_view bytes, const std::string& where) {
  StoredZip zip(bytes, where);
  OPENP5_ASSIGN_OR_RETURN(const Directory directory, FindDirectory(bytes, where));
  ByteReader reader(
      bytes.substr(static_cast<size_t>(directory.offset), static_cast<size_t>(directory.size)));
  for (uint64_t i = 0; i < directory.records; ++i) {
    CentralEntry entry;
    const size_t position = static_cast<size_t>(directory.offset) + reader.position();
    if (!ReadCentralEntry(&reader, &entry)) {
      return DataLoss(where, ": expected ", directory.records, " zip records, got a damaged one (",
                      i, ") at byte ", position);
    }
    const std::string record_where = StrCat(where, ": record '", Printable(entry.name), "'");
    if (entry.method != 0 || (entry.flags & 1) != 0 || entry.compressed != entry.size) {
      return InvalidArgument(record_where, ": expected a stored record, got a compressed or ",
                             "encrypted one (method ", entry.method, ")");
    }
    const auto [place, is_new] = zip.records_.try_emplace(std::string(entry.name));
    if (!is_new) return DataLoss(record_where, ": expected it once, got it twice");
    OPENP5_RETURN_IF_ERROR(FindData(bytes, directory.offset, entry, record_where, &place->second));
  }
  OPENP5_RETURN_IF_ERROR(CheckDisjoint(zip.records_, where));
  return zip;
}

absl::StatusOr<std::string_view> StoredZip::Read(const std::string& name) const {
  const auto found = records_.find(name);
  if (found == records_.end()) {
    return DataLoss(where_, ": record '", Printable(name),
                    "': expected it in the archive, got none");
  }
  const Record& record = found->second;
  const std::string_view content =
      bytes_.substr(static_cast<size_t>(record.data_offset), static_cast<size_t>(record.size));
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (crc != record.crc) {
    return DataLoss(where_, ": record '", Printable(name), "': expected CRC-32 ",
                    absl::StrCat(absl::Hex(record.crc)), ", got ", absl::StrCat(absl::Hex(crc)));
  }
  return content;
}

}  // namespace openp5::checkpoints
