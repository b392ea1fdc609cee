#include "platform/text/transformers_files.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// One entry of "added_tokens_decoder": found anywhere in a text, blanks around it are kept.
json AddedToken(const std::string& content, bool special) {
  return {{"content", content},  {"lstrip", false},      {"rstrip", false},
          {"normalized", false}, {"single_word", false}, {"special", special}};
}

json Config(const Tokenizer& tokenizer) {
  const bool is_t5 = tokenizer.family() == "t5";
  const bool is_json = tokenizer.family() == kByteLevelFamily;  // the file itself says all
  json config = {{"tokenizer_class", is_t5     ? "T5Tokenizer"
                                     : is_json ? "PreTrainedTokenizerFast"
                                               : "LlamaTokenizer"},
                 {"legacy", tokenizer.family() != "llama"},
                 {"clean_up_tokenization_spaces", false}};
  json added = json::object();
  const auto name = [&](const char* field, int32_t id) {
    if (id < 0) return;
    config[field] = tokenizer.Piece(id);
    added[std::to_string(id)] = AddedToken(tokenizer.Piece(id), true);
  };
  name("pad_token", tokenizer.pad_id());
  name("eos_token", tokenizer.eos_id());
  name("bos_token", tokenizer.bos_id());
  name("unk_token", tokenizer.unk_id());
  const int32_t base = tokenizer.base_vocabulary_size();
  if (is_t5) {
    json sentinels = json::array();
    for (int32_t id = base - 1; tokenizer.Piece(id).starts_with("<extra_id_"); --id) {
      sentinels.push_back(tokenizer.Piece(id));
      added[std::to_string(id)] = AddedToken(tokenizer.Piece(id), true);
    }
    config["extra_ids"] = sentinels.size();
    config["additional_special_tokens"] = std::move(sentinels);
  }
  for (size_t i = 0; i < tokenizer.added_tokens().size(); ++i) {
    added[std::to_string(base + static_cast<int32_t>(i))] =
        AddedToken(tokenizer.added_tokens()[i], false);
  }
  config["added_tokens_decoder"] = std::move(added);
  return config;
}

}  // namespace

absl::Status SaveForTransformers(const Tokenizer& tokenizer, const std::string& folder) {
  OPENP5_RETURN_IF_ERROR(tokenizer.Save(folder));
  return WriteFileAtomic(JoinPath(folder, "tokenizer_config.json"),
                         DumpJson(Config(tokenizer), 2) + "\n");
}

}  // namespace openp5::text
