#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {

// What a family is made from. Private to this unit.
struct TokenizerParts {
  std::unique_ptr<SentencePieceModel> model;
  std::optional<int32_t> sentinel_count;  // "extra_ids" of tokenizer_config.json
};

// Each: InvalidArgument, without the file's name, if the model lacks a special piece of the family.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeT5Tokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaLegacyTokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaTokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaFastTokenizer(TokenizerParts parts);

// Beside a model's file in its folder.
constexpr char kTokenizerConfigFile[] = "tokenizer_config.json";

// The family of a tokenizer.json, which is no SentencePiece model.
constexpr char kByteLevelFamily[] = "byte-level-bpe";
// `path`: a tokenizer.json with a tokenizer_config.json beside it that names the special tokens.
absl::StatusOr<std::unique_ptr<Tokenizer>> OpenByteLevelTokenizer(const std::string& path);

// Adds `added_tokens.txt` to a saved tokenizer's files, if there are tokens.
void AppendAddedTokens(const std::vector<std::string>& tokens, std::vector<TokenizerFile>* files);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_
