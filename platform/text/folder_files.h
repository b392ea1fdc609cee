#ifndef OPENP5_PLATFORM_TEXT_FOLDER_FILES_H_
#define OPENP5_PLATFORM_TEXT_FOLDER_FILES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"

namespace openp5::text {

// What the small files beside a tokenizer's model say: tokenizer_config.json,
// special_tokens_map.json and added_tokens.json.
//
// Where they disagree the rule is transformers' own: the added tokens are those of
// tokenizer_config.json's added_tokens_decoder; only without that field those of added_tokens.json
// count, and special_tokens_map.json then overrides the special tokens of tokenizer_config.json. A
// tokenizer.json, which is not read here, goes before all of them: a token that it has keeps the id
// it has there.
struct FolderFiles {
  bool has_config = false;               // there is a tokenizer_config.json
  std::vector<AddedToken> added_tokens;  // by id
  std::optional<std::string> pad, eos, bos, unk;
  std::string tokenizer_class;  // "" if none is named
  std::optional<bool> legacy, add_bos, add_eos, add_prefix_space;
  std::optional<int32_t> sentinel_count;  // "extra_ids"
};

// NotFound is never an error here: a file that is not there says nothing. DataLoss for a file that
// is no JSON object, and for fields of another kind than they have.
absl::StatusOr<FolderFiles> ReadFolderFiles(const std::string& folder);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_FOLDER_FILES_H_
