#include "platform/text/folder_files.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/numbers.h"
#include "platform/text/json_fields.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// Null if there is no such file.
absl::StatusOr<json> ReadIfThere(const std::string& path) {
  if (!FileExists(path)) return json();
  absl::StatusOr<json> value = ReadJsonObject(path);
  if (!value.ok()) return Annotate(value.status(), "tokenizer");
  return value;
}

// A token as text, or as {"content": text}.
absl::Status ReadToken(const json& object, const char* name, const std::string& where,
                       std::optional<std::string>* token) {
  const json& field = Field(object, name);
  if (field.is_null()) return absl::OkStatus();
  const json& content = field.is_object() ? Field(field, "content") : field;
  if (!content.is_string()) {
    return DataLoss("tokenizer: ", where, ": ", std::string_view(name), ": expected a token");
  }
  *token = content.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadSpecialTokens(const json& object, const std::string& where, FolderFiles* files) {
  OPENP5_RETURN_IF_ERROR(ReadToken(object, "pad_token", where, &files->pad));
  OPENP5_RETURN_IF_ERROR(ReadToken(object, "eos_token", where, &files->eos));
  OPENP5_RETURN_IF_ERROR(ReadToken(object, "bos_token", where, &files->bos));
  return ReadToken(object, "unk_token", where, &files->unk);
}

absl::Status ReadSentinelCount(const json& config, const std::string& where, FolderFiles* files) {
  const json& count = Field(config, "extra_ids");
  if (count.is_null()) return absl::OkStatus();
  constexpr int32_t kMost = 10000;
  int32_t value = 0;
  if (!ReadId(count, &value) || value > kMost) {
    return DataLoss("tokenizer: ", where, ": extra_ids: expected a number from 0 to ", kMost,
                    ", got ", Shown(count));
  }
  files->sentinel_count = value;
  return absl::OkStatus();
}

// Added tokens by id, each once.
class TokenList {
 public:
  absl::Status Add(AddedToken token, const std::string& where) {
    // Embeddings have a row a token: an id far beyond the others is damage.
    constexpr int32_t kLargestId = 10'000'000;
    if (token.id > kLargestId) {
      return DataLoss("tokenizer: ", where, ": expected ids to ", kLargestId, ", got ", token.id);
    }
    if (!contents_.insert(token.content).second) {
      return DataLoss("tokenizer: ", where, ": expected each token once, got ",
                      Shown(json(token.content)), " twice");
    }
    const int32_t id = token.id;
    if (!tokens_.emplace(id, std::move(token)).second) {
      return DataLoss("tokenizer: ", where, ": expected an id of its own, got ", id, " twice");
    }
    return absl::OkStatus();
  }
  std::vector<AddedToken> Take() {
    std::vector<AddedToken> list;
    for (auto& [id, token] : tokens_) list.push_back(std::move(token));
    return list;
  }

 private:
  std::map<int32_t, AddedToken> tokens_;
  std::set<std::string> contents_;
};

// {"32100": {"content": "<CI0>", …}, …}
absl::Status ReadDecoder(const json& decoder, const std::string& where, TokenList* tokens) {
  if (!decoder.is_object()) {
    return DataLoss("tokenizer: ", where, ": expected an object, got ", Shown(decoder));
  }
  for (const auto& [key, entry] : decoder.items()) {
    AddedToken token;
    token.id = ParseNumber<int32_t>(key).value_or(-1);
    if (token.id < 0) {
      return DataLoss("tokenizer: ", where, ": expected ids, got ", Shown(json(key)));
    }
    const absl::Status read = ReadAddedToken(entry, where, &token);
    if (!read.ok()) return Annotate(read, "tokenizer");
    OPENP5_RETURN_IF_ERROR(tokens->Add(std::move(token), where));
  }
  return absl::OkStatus();
}

// {"<CI0>": 32100, …}
absl::Status ReadEncoder(const json& encoder, const std::string& where, const FolderFiles& files,
                         TokenList* tokens) {
  for (const auto& [content, value] : encoder.items()) {
    AddedToken token{.content = content};
    if (content.empty() || !ReadId(value, &token.id)) {
      return DataLoss("tokenizer: ", where, ": expected tokens with ids, got ",
                      Shown(json(content)), ": ", Shown(value));
    }
    for (const auto& special : {files.pad, files.eos, files.bos, files.unk}) {
      token.special = token.special || special == content;
    }
    OPENP5_RETURN_IF_ERROR(tokens->Add(std::move(token), where));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FolderFiles> ReadFolderFiles(const std::string& folder) {
  FolderFiles files;
  const std::string where = JoinPath(folder, kTokenizerConfigFile);
  OPENP5_ASSIGN_OR_RETURN(const json config, ReadIfThere(where));
  files.has_config = !config.is_null();
  OPENP5_RETURN_IF_ERROR(ReadSpecialTokens(config, where, &files));
  OPENP5_RETURN_IF_ERROR(ReadSentinelCount(config, where, &files));
  OPENP5_RETURN_IF_ERROR(ReadString(config, "tokenizer_class", where, &files.tokenizer_class));
  const std::pair<const char*, std::optional<bool>*> switches[] = {
      {"legacy", &files.legacy},
      {"add_bos_token", &files.add_bos},
      {"add_eos_token", &files.add_eos},
      {"add_prefix_space", &files.add_prefix_space}};
  for (const auto& [name, value] : switches) {
    if (Field(config, name).is_boolean()) *value = config[name].get<bool>();
  }
  TokenList tokens;
  if (!Field(config, "added_tokens_decoder").is_null()) {
    OPENP5_RETURN_IF_ERROR(ReadDecoder(config["added_tokens_decoder"],
                                       StrCat(where, ": added_tokens_decoder"), &tokens));
  } else {
    const std::string map = JoinPath(folder, "special_tokens_map.json");
    const std::string added = JoinPath(folder, "added_tokens.json");
    OPENP5_ASSIGN_OR_RETURN(const json special, ReadIfThere(map));
    OPENP5_RETURN_IF_ERROR(ReadSpecialTokens(special, map, &files));
    OPENP5_ASSIGN_OR_RETURN(const json encoder, ReadIfThere(added));
    OPENP5_RETURN_IF_ERROR(ReadEncoder(encoder, added, files, &tokens));
  }
  files.added_tokens = tokens.Take();
  return files;
}

}  // namespace openp5::text
