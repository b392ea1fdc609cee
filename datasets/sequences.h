#ifndef OPENP5_DATASETS_SEQUENCES_H_
#define OPENP5_DATASETS_SEQUENCES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "datasets/id_table.h"
#include "platform/base/status.h"

namespace openp5::datasets {

class TextLines;

// Every user's items, oldest first. Users and items are numbered from 0 in order of first
// appearance in `user_sequence.txt`; their raw ids are kept. Immutable, thread-safe.
// Leave-one-out (OpenP5): a user's last item is the test target, the last but one the validation
// target, the rest is training.
class SequenceDataset {
 public:
  // Reads `<folder>/user_sequence.txt`: a line a user, `user item item …`, single blanks. The name
  // is the folder's last component. NotFound if there is no such file; InvalidArgument, naming file
  // and line, for an empty file, a user given twice, an empty id (two blanks), a control character,
  // or fewer than three items. A missing final newline is accepted.
  static absl::StatusOr<SequenceDataset> Open(const std::string& folder);
  // The same from the text of such a file; `where` is used in messages.
  static absl::StatusOr<SequenceDataset> Parse(std::string name, std::string_view text,
                                               const std::string& where);

  const std::string& name() const { return name_; }
  // Where it was read from; empty if from a text.
  const std::string& folder() const { return folder_; }
  // SHA-256 of the file's bytes.
  const std::string& digest() const { return digest_; }
  int32_t user_count() const { return users_.size(); }
  int32_t item_count() const { return item_table_.size(); }
  int64_t interaction_count() const { return static_cast<int64_t>(items_.size()); }

  std::span<const int32_t> Sequence(int32_t user) const {
    return std::span(items_).subspan(offsets_[user], offsets_[user + 1] - offsets_[user]);
  }
  // All but the last two items.
  std::span<const int32_t> TrainPart(int32_t user) const {
    return Sequence(user).first(Sequence(user).size() - 2);
  }

  // Valid as long as the dataset, wherever it is moved.
  std::string_view UserId(int32_t user) const { return users_.Id(user); }
  std::string_view ItemId(int32_t item) const { return item_table_.Id(item); }
  std::optional<int32_t> FindUser(std::string_view id) const { return users_.Find(id); }
  std::optional<int32_t> FindItem(std::string_view id) const { return item_table_.Find(id); }

 private:
  absl::Status AddUser(std::string_view line, const TextLines& lines);

  std::string name_, folder_, digest_;
  IdTable users_, item_table_;
  std::vector<int32_t> items_;      // [interactions]
  std::vector<size_t> offsets_{0};  // [users + 1]
};

// Titles of items where `<folder>/item_metadata.jsonl` has them: one JSON object a line with
// "item" and "title". Empty map if the file is absent; DataLoss naming the line if one is
// malformed.
absl::StatusOr<std::unordered_map<std::string, std::string>> ReadItemTitles(
    const std::string& folder);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_SEQUENCES_H_
