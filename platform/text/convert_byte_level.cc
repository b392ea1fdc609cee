#include "platform/text/convert_byte_level.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/utf8.h"
#include "platform/text/json_fields.h"
#include "platform/text/word_splitter.h"

namespace openp5::text {
namespace {

using nlohmann::json;

constexpr char kEndOfText[] = "<|endoftext|>";

// "" where neither the folder nor its model says.
absl::StatusOr<std::string> ClassOf(const std::string& folder, const FolderFiles& files) {
  if (!files.tokenizer_class.empty()) return files.tokenizer_class;
  const std::string path = JoinPath(folder, "config.json");
  if (!FileExists(path)) return std::string();
  OPENP5_ASSIGN_OR_RETURN(const json config, ReadJsonObject(path));
  const json& type = Field(config, "model_type");
  if (type == "gpt2") return std::string("GPT2Tokenizer");
  if (type == "qwen2" || type == "qwen3") return std::string("Qwen2Tokenizer");
  return std::string();
}

absl::StatusOr<bool> IsQwen2(const std::string& folder, const FolderFiles& files) {
  OPENP5_ASSIGN_OR_RETURN(std::string name, ClassOf(folder, files));
  if (name == "Qwen2Tokenizer" || name == "Qwen2TokenizerFast") return true;
  if (name == "GPT2Tokenizer" || name == "GPT2TokenizerFast") return false;
  return InvalidArgument(
      "tokenizer: ", folder,
      ": tokenizer_class: expected GPT2Tokenizer or Qwen2Tokenizer beside vocab.json and "
      "merges.txt, got ",
      name.empty() ? "none" : JsonExcerpt(json(name)),
      "; hint: AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes a "
      "tokenizer.json");
}

// GPT-2's class skips the first line whatever is in it, and what stands behind the last line break;
// Qwen 2's and version 5's do not.
absl::StatusOr<json> ReadMerges(const std::string& path, bool is_qwen2) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (const size_t invalid = FindInvalidUtf8(text); invalid != std::string::npos) {
    return DataLoss("tokenizer: ", path, ": expected UTF-8, got other bytes at ", invalid);
  }
  const bool has_version = text.starts_with("#version");
  if (!is_qwen2 && (!has_version || !text.ends_with('\n'))) {
    return DataLoss("tokenizer: ", path, ": expected ",
                    has_version ? "a line break at the end" : "'#version: …' in the first line",
                    "; versions of transformers differ on what else means");
  }
  json merges = json::array();
  size_t number = 0;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, end - from);
    from = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (number == 1 && has_version) continue;
    if (line.empty() && is_qwen2) continue;
    const size_t blank = line.find(' ');
    if (blank == std::string::npos || blank == 0 || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string::npos) {
      return DataLoss("tokenizer: ", path, ":", number, ": expected two pieces, got ",
                      JsonExcerpt(json(line)));
    }
    merges.push_back(std::move(line));
  }
  return merges;
}

// The special tokens without a role, which versions 4 and 5 list under two names.
absl::StatusOr<std::vector<std::string>> MoreSpecialTokens(const std::string& folder) {
  std::vector<std::string> contents;
  const std::string path = JoinPath(folder, "tokenizer_config.json");
  if (!FileExists(path)) return contents;
  OPENP5_ASSIGN_OR_RETURN(const json config, ReadJsonObject(path));
  for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) {
    const json& list = Field(config, name);
    if (!list.is_array()) continue;
    for (const json& entry : list) {
      const json& content = entry.is_object() ? Field(entry, "content") : entry;
      if (!content.is_string()) {
        return DataLoss("tokenizer: ", path, ": ", std::string_view(name),
                        ": expected tokens, got ", JsonExcerpt(entry));
      }
      contents.push_back(content.get<std::string>());
    }
  }
  return contents;
}

// Every special token is an added one, with the id that it has in the vocabulary, else the next.
std::vector<AddedToken> AllTokens(const json& vocabulary, const FolderFiles& files,
                                  const std::vector<std::string>& more) {
  std::vector<AddedToken> tokens = files.added_tokens;
  std::unordered_set<std::string> known;
  auto next = static_cast<int32_t>(vocabulary.size());
  for (const AddedToken& token : tokens) {
    next = std::max(next, token.id + 1);
    known.insert(token.content);
  }
  std::vector<std::string> special;
  for (const auto* name : {&files.bos, &files.eos, &files.unk, &files.pad}) {
    if (name->has_value()) special.push_back(**name);
  }
  special.insert(special.end(), more.begin(), more.end());
  for (const std::string& content : special) {
    if (!known.insert(content).second) continue;
    AddedToken token{.content = content, .special = true};
    if (!ReadId(Field(vocabulary, content.c_str()), &token.id)) token.id = next++;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

json TokenList(const std::vector<AddedToken>& tokens) {
  json list = json::array();
  for (const AddedToken& token : tokens) {
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  }
  return list;
}

json PreTokenizer(bool is_qwen2, bool adds_prefix_space) {
  json level = {{"type", "ByteLevel"},
                {"add_prefix_space", adds_prefix_space},
                {"trim_offsets", true},
                {"use_regex", !is_qwen2}};
  if (!is_qwen2) return level;
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", std::string(WordSplitter::Qwen2Pattern())}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", json::array({split, std::move(level)})}};
}

}  // namespace

absl::StatusOr<std::string> ConvertByteLevel(const std::string& folder, FolderFiles* files) {
  OPENP5_ASSIGN_OR_RETURN(const bool is_qwen2, IsQwen2(folder, *files));
  if (files->add_bos.value_or(false)) {
    return InvalidArgument("tokenizer: ", folder,
                           ": add_bos_token: expected false beside vocab.json and merges.txt, got "
                           "true; hint: AutoTokenizer.from_pretrained(folder).save_pretrained("
                           "folder) writes a tokenizer.json");
  }
  const std::string path = JoinPath(folder, kVocabularyFile);
  absl::StatusOr<json> vocabulary = ReadJsonObject(path);
  if (!vocabulary.ok()) return Annotate(vocabulary.status(), "tokenizer");
  OPENP5_ASSIGN_OR_RETURN(json merges, ReadMerges(JoinPath(folder, kMergesFile), is_qwen2));
  for (auto* name : {&files->eos, &files->unk, is_qwen2 ? &files->pad : &files->bos}) {
    if (!name->has_value()) *name = kEndOfText;
  }
  OPENP5_ASSIGN_OR_RETURN(const auto more, MoreSpecialTokens(folder));
  const json tokens = TokenList(AllTokens(*vocabulary, *files, more));
  files->added_tokens.clear();
  const json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", ""},
                      {"end_of_word_suffix", ""},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"vocab", *std::move(vocabulary)},
                      {"merges", std::move(merges)}};
  const json level = {{"type", "ByteLevel"},
                      {"add_prefix_space", true},
                      {"trim_offsets", true},
                      {"use_regex", true}};
  const json file = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", tokens},
      {"normalizer", is_qwen2 ? json({{"type", "NFC"}}) : json()},
      {"pre_tokenizer", PreTokenizer(is_qwen2, files->add_prefix_space.value_or(false))},
      {"post_processor", nullptr},
      {"decoder", level},
      {"model", model}};
  return DumpJson(file, 2) + "\n";
}

}  // namespace openp5::text
