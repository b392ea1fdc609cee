#include "platform/text/transformers_files.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/text/convert_sentencepiece.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

using nlohmann::json;

json AddedTokenEntry(const AddedToken& token) {
  return {{"id", token.id},          {"content", token.content}, {"single_word", token.single_word},
          {"lstrip", token.lstrip},  {"rstrip", token.rstrip},   {"normalized", token.normalized},
          {"special", token.special}};
}

// The file as it was read, with the tokens it lacks.
absl::StatusOr<json> CompleteJson(const Tokenizer& tokenizer, const std::string& text) {
  OPENP5_ASSIGN_OR_RETURN(json file, ParseJson(text, kTokenizerJsonFile));
  json& list = file["added_tokens"];
  std::set<std::string> known;
  for (const json& entry : list) known.insert(entry["content"].get<std::string>());
  for (const AddedToken& token : tokenizer.AllAddedTokens()) {
    if (known.insert(token.content).second) list.push_back(AddedTokenEntry(token));
  }
  return file;
}

// How a family of transformers 4.31 is said to today's.
ConversionOptions OptionsFor(const Tokenizer& tokenizer, std::vector<std::string>* notes) {
  ConversionOptions options{.added_tokens = tokenizer.AllAddedTokens()};
  if (tokenizer.family() == "t5") {
    options.suffix = {tokenizer.eos_id()};
    return options;
  }
  options.prefix = {tokenizer.bos_id()};
  options.marks = MarkRule::kLlamaEveryStretch;
  options.finds_normalized_tokens = tokenizer.family() == "llama-fast";
  for (AddedToken& token : options.added_tokens) {
    if (!options.finds_normalized_tokens) token.lstrip = token.rstrip = true;
  }
  if (tokenizer.family() == "llama-legacy") {
    notes->push_back(
        "the tokenizer family llama-legacy is that of transformers 4.31: a text that spells a "
        "special "
        "token, such as </s>, has other ids in later versions");
  }
  if (tokenizer.family() == "llama") {
    options.marks = MarkRule::kLlamaTextOnly;
    notes->push_back(
        "the tokenizer family llama is that of transformers 4.31: a word right behind an item "
        "token, "
        "or a text that begins with a blank or an item token, may have other ids in later "
        "versions");
  }
  return options;
}

absl::StatusOr<json> ConvertedJson(const Tokenizer& tokenizer, const TokenizerFile& model_file,
                                   std::vector<std::string>* notes) {
  std::string error;
  const auto model = SentencePieceModel::Parse(model_file.content, &error);
  if (model == nullptr) return DataLoss(model_file.name, ": ", error);
  OPENP5_ASSIGN_OR_RETURN(const std::string text,
                          ConvertSentencePiece(*model, OptionsFor(tokenizer, notes)));
  return ParseJson(text, kTokenizerJsonFile);
}

void NameSpecialTokens(const Tokenizer& tokenizer, json* config) {
  const std::pair<const char*, int32_t> named[] = {{"pad_token", tokenizer.pad_id()},
                                                   {"eos_token", tokenizer.eos_id()},
                                                   {"bos_token", tokenizer.bos_id()},
                                                   {"unk_token", tokenizer.unk_id()}};
  for (const auto& [name, id] : named) {
    if (id >= 0) (*config)[name] = tokenizer.Piece(id);
  }
}

// T5's own class rebuilds the tokenizer from the pieces and does as the file says; it is named so
// that what asks for sentinels finds them. Every other file says all by itself.
void NameClass(const Tokenizer& tokenizer, bool is_unigram, json* config) {
  (*config)["tokenizer_class"] = "PreTrainedTokenizerFast";
  if (tokenizer.family() != "t5") return;
  json sentinels = json::array();
  for (const AddedToken& token : tokenizer.AllAddedTokens()) {
    if (token.content.starts_with("<extra_id_")) sentinels.push_back(token.content);
  }
  (*config)["legacy"] = true;
  (*config)["extra_ids"] = sentinels.size();
  (*config)["additional_special_tokens"] = std::move(sentinels);
  if (is_unigram) (*config)["tokenizer_class"] = "T5Tokenizer";
}

json Config(const Tokenizer& tokenizer, const json& file) {
  json config = {{"clean_up_tokenization_spaces", false}};
  NameClass(tokenizer, file["model"].value("type", "") == "Unigram", &config);
  NameSpecialTokens(tokenizer, &config);
  const std::vector<int32_t> empty = tokenizer.Encode("");
  config["add_bos_token"] = !empty.empty() && empty.front() == tokenizer.bos_id();
  config["add_eos_token"] = !empty.empty() && empty.back() == tokenizer.eos_id() &&
                            (empty.size() > 1 || !config["add_bos_token"].get<bool>());
  // Version 4 sets the pre-tokenizer's switch to what is said here, or to false.
  const json& step = file["pre_tokenizer"];
  if (step.is_object() && step.contains("add_prefix_space")) {
    config["add_prefix_space"] = step["add_prefix_space"];
  }
  json decoder = json::object();
  for (json entry : file["added_tokens"]) {
    const std::string id = DumpJson(entry["id"]);
    entry.erase("id");
    decoder[id] = std::move(entry);
  }
  config["added_tokens_decoder"] = std::move(decoder);
  return config;
}

}  // namespace

absl::Status SaveForTransformers(const Tokenizer& tokenizer, const std::string& folder,
                                 std::vector<std::string>* notes) {
  const std::vector<TokenizerFile> files = tokenizer.Files();
  const TokenizerFile& first = files.front();
  json file;
  if (first.name == kTokenizerJsonFile) {
    OPENP5_ASSIGN_OR_RETURN(file, CompleteJson(tokenizer, first.content));
  } else {
    OPENP5_ASSIGN_OR_RETURN(file, ConvertedJson(tokenizer, first, notes));
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, first.name), first.content));
  }
  OPENP5_RETURN_IF_ERROR(
      WriteFileAtomic(JoinPath(folder, kTokenizerJsonFile), DumpJson(file) + "\n"));
  return WriteFileAtomic(JoinPath(folder, kTokenizerConfigFile),
                         DumpJson(Config(tokenizer, file), 2) + "\n");
}

}  // namespace openp5::text
