#ifndef OPENP5_PLATFORM_STORAGE_KEY_VALUE_STORE_H_
#define OPENP5_PLATFORM_STORAGE_KEY_VALUE_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5::storage {

// Ordered map of byte strings on disk. Thread-safe.
class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;

  // NotFound if there is no entry for `key`. DataLoss if the stored block fails its checksum.
  virtual absl::StatusOr<std::string> Get(std::string_view key) const = 0;

  // Calls `visit` for every entry whose key starts with `prefix`, in byte order. Stops at the first
  // error, which is returned; DataLoss as in Get.
  virtual absl::Status Scan(
      std::string_view prefix,
      const std::function<absl::Status(std::string_view key, std::string_view value)>& visit)
      const = 0;

  // Removes every entry under `removed_prefix` (nothing if empty) and writes `entries`, all or
  // nothing, synced to the device.
  virtual absl::Status Write(std::string_view removed_prefix,
                             const std::vector<std::pair<std::string, std::string>>& entries) = 0;
};

enum class OpenMode {
  kReadOnly,   // many processes at once; NotFound without a store, Unavailable while it is made
  kReadWrite,  // one process; created if absent; FailedPrecondition if another process holds it
};

// A store in RocksDB folder `path`. Every error names the path; DataLoss if the folder is damaged.
absl::StatusOr<std::unique_ptr<KeyValueStore>> OpenRocksDb(const std::string& path, OpenMode mode);

}  // namespace openp5::storage

#endif  // OPENP5_PLATFORM_STORAGE_KEY_VALUE_STORE_H_
