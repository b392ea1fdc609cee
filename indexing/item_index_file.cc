#include <nlohmann/json.hpp>
#include <utility>

#include "indexing/index_inputs.h"
#include "indexing/item_index.h"
#include "platform/base/bytes.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"

// The file is described in indexing/FORMAT.md.
namespace openp5::indexing {
namespace {

constexpr std::string_view kMagic("OP5INDEX", 8);
constexpr uint32_t kVersion = 1;
constexpr size_t kTrailerSize = 64;  // SHA-256 in hexadecimal
constexpr size_t kHeaderSize = 8 + 4 + 4;

void AppendCount(size_t count, std::string* out) {
  *out += NumberBytes(static_cast<uint32_t>(count));
}

void AppendText(std::string_view text, std::string* out) {
  AppendCount(text.size(), out);
  out->append(text);
}

void AppendPairs(const std::vector<std::string>& first, const std::vector<std::string>& second,
                 std::string* out) {
  AppendCount(first.size(), out);
  for (size_t i = 0; i < first.size(); ++i) {
    AppendText(first[i], out);
    AppendText(second[i], out);
  }
}

// Takes a file's bytes one value after the other; nothing is allocated for what cannot be there.
class Cursor {
 public:
  Cursor(std::string_view bytes, size_t position, const std::string& path)
      : reader_(bytes, position), path_(path) {}

  absl::StatusOr<uint32_t> Number() {
    uint32_t value = 0;
    if (!reader_.Number(&value)) return Damaged("expected a number of 4 bytes");
    return value;
  }

  absl::StatusOr<std::string> Text() {
    OPENP5_ASSIGN_OR_RETURN(const uint32_t size, Number());
    std::string_view text;
    if (!reader_.Take(size, &text)) return Damaged(StrCat("expected a text of ", size, " bytes"));
    return std::string(text);
  }

  // A count of things that take at least `least` bytes each.
  absl::StatusOr<uint32_t> Count(size_t least) {
    OPENP5_ASSIGN_OR_RETURN(const uint32_t count, Number());
    if (count > reader_.remaining() / least) {
      return Damaged(StrCat("expected ", count, " entries of at least ", least, " bytes"));
    }
    return count;
  }

  absl::Status Pairs(std::vector<std::string>* first, std::vector<std::string>* second) {
    OPENP5_ASSIGN_OR_RETURN(const uint32_t count, Count(8));
    first->reserve(count);
    second->reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      OPENP5_ASSIGN_OR_RETURN(first->emplace_back(), Text());
      OPENP5_ASSIGN_OR_RETURN(second->emplace_back(), Text());
    }
    return absl::OkStatus();
  }

  bool AtEnd() const { return reader_.remaining() == 0; }
  absl::Status Damaged(std::string_view expected) const {
    return DataLoss("item index file: ", path_, ": offset ", offset(), ": ", expected, ", got ",
                    reader_.remaining(), " bytes");
  }
  size_t offset() const { return reader_.position(); }

 private:
  ByteReader reader_;
  const std::string& path_;
};

absl::Status ReadParameters(const nlohmann::json& json, IndexContent* content) {
  OPENP5_RETURN_IF_ERROR(FromJson(json, &content->parameters));
  return ReadInputs(json, &content->inputs);
}

absl::StatusOr<ItemIndex> ReadOne(Cursor* cursor, const std::string& path,
                                  const Registry<IndexMethod>& methods) {
  const std::string where = StrCat("item index file: ", path, ": offset ", cursor->offset());
  OPENP5_ASSIGN_OR_RETURN(const std::string parameters_text, cursor->Text());
  IndexContent content{.parameters = IndexParameters(methods)};
  OPENP5_ASSIGN_OR_RETURN(content.dataset_name, cursor->Text());
  OPENP5_ASSIGN_OR_RETURN(content.dataset_digest, cursor->Text());
  OPENP5_RETURN_IF_ERROR(cursor->Pairs(&content.item_ids, &content.identifiers));
  OPENP5_RETURN_IF_ERROR(cursor->Pairs(&content.user_ids, &content.user_numbers));
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json,
                          ParseJson(parameters_text, StrCat(where, ": parameters")));
  if (const absl::Status status = ReadParameters(json, &content); !status.ok()) {
    return DataLoss(where, ": ", status.message());
  }
  absl::StatusOr<ItemIndex> index = ItemIndex::Create(std::move(content));
  if (!index.ok()) return DataLoss(where, ": ", index.status().message());
  return index;
}

// Magic, version and trailer; the bytes between header and trailer are then what was written.
absl::Status CheckFrame(std::string_view bytes, const std::string& path) {
  const std::string where = StrCat("item index file: ", path);
  if (bytes.size() < kHeaderSize + kTrailerSize) {
    return DataLoss(where, ": expected at least ", kHeaderSize + kTrailerSize, " bytes, got ",
                    bytes.size(), "; the file is cut off");
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return DataLoss(where, ": offset 0: expected '", kMagic, "'; this is not an item index file");
  }
  Cursor cursor(bytes, kMagic.size(), path);
  OPENP5_ASSIGN_OR_RETURN(const uint32_t version, cursor.Number());
  if (version != kVersion) {
    return DataLoss(where, ": offset ", kMagic.size(), ": expected version ", kVersion, ", got ",
                    version, "; a newer program may have written it");
  }
  const std::string_view content = bytes.substr(0, bytes.size() - kTrailerSize);
  if (Sha256Of(content) != bytes.substr(content.size())) {
    return DataLoss(where, ": offset ", content.size(),
                    ": the digest does not match the content; the file is damaged or cut off");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteItemIndexFile(const std::string& path, const std::vector<ItemIndex>& indexes) {
  std::string bytes(kMagic);
  bytes += NumberBytes(kVersion);
  AppendCount(indexes.size(), &bytes);
  for (const ItemIndex& index : indexes) {
    nlohmann::json parameters = nlohmann::json::object();
    ToJson(index.parameters(), &parameters);
    WriteInputs(index.inputs(), &parameters);
    AppendText(DumpJson(parameters), &bytes);
    AppendText(index.dataset_name(), &bytes);
    AppendText(index.dataset_digest(), &bytes);
    AppendPairs(index.item_ids(), index.identifiers(), &bytes);
    AppendPairs(index.user_ids(), index.user_numbers(), &bytes);
  }
  bytes += Sha256Of(bytes);
  return WriteFileAtomic(path, bytes);
}

absl::StatusOr<std::vector<ItemIndex>> ReadItemIndexFile(const std::string& path,
                                                         const Registry<IndexMethod>& methods) {
  OPENP5_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  OPENP5_RETURN_IF_ERROR(CheckFrame(bytes, path));
  Cursor cursor(std::string_view(bytes).substr(0, bytes.size() - kTrailerSize), kMagic.size() + 4,
                path);
  constexpr size_t kLeastIndexSize = 5 * 4;
  OPENP5_ASSIGN_OR_RETURN(const uint32_t count, cursor.Count(kLeastIndexSize));
  std::vector<ItemIndex> indexes;
  for (uint32_t i = 0; i < count; ++i) {
    OPENP5_ASSIGN_OR_RETURN(ItemIndex index, ReadOne(&cursor, path, methods));
    indexes.push_back(std::move(index));
  }
  if (!cursor.AtEnd()) return cursor.Damaged("expected the end");
  return indexes;
}

}  // namespace openp5::indexing
