#ifndef OPENP5_CHECKPOINTS_STORED_ZIP_H_
#define OPENP5_CHECKPOINTS_STORED_ZIP_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::checkpoints {

// The records of a zip archive whose records are all stored, not compressed, as torch.save writes
// them (zip64 included). Views into the archive's bytes, which must outlive it; no record is
// copied, and no two records overlap, so all of them together are never more than the archive.
class StoredZip {
 public:
  // DataLoss naming `where` and the record for a damaged directory; InvalidArgument for a
  // compressed or encrypted record or an archive in several parts.
  static absl::StatusOr<StoredZip> Open(std::string_view bytes, const std::string& where);

  // The record's content after comparing its CRC-32. DataLoss if there is none or it differs.
  absl::StatusOr<std::string_view> Read(const std::string& name) const;

  bool Contains(const std::string& name) const { return records_.contains(name); }

  struct Record {
    uint64_t header_offset = 0, data_offset = 0, size = 0;
    uint32_t crc = 0;
  };
  // By name.
  const std::map<std::string, Record>& records() const { return records_; }

 private:
  StoredZip(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  std::string_view bytes_;
  std::string where_;
  std::map<std::string, Record> records_;
};

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_STORED_ZIP_H_
