#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"
#include "platform/text/folder_files.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {

// What a family of SentencePiece models is made from. Private to this unit.
struct TokenizerParts {
  std::unique_ptr<SentencePieceModel> model;
  FolderFiles files = {};  // what stands beside the model in its folder
};

// Each: InvalidArgument, without the file's name, if the model lacks a special piece of the family.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeT5Tokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaLegacyTokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaTokenizer(TokenizerParts parts);
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaFastTokenizer(TokenizerParts parts);

// The tokens of a T5's folder beyond the model's pieces: sentinels, by the rule of OpenTokenizer
// unless the folder lists them, and added tokens. DataLoss if ids collide.
absl::StatusOr<std::vector<AddedToken>> T5FolderTokens(const SentencePieceModel& model,
                                                       const FolderFiles& files);

// Beside a model's file in its folder.
constexpr char kTokenizerConfigFile[] = "tokenizer_config.json";
constexpr char kTokenizerJsonFile[] = "tokenizer.json";

// The families of a tokenizer.json: with byte-level BPE, and all others.
constexpr char kByteLevelFamily[] = "byte-level-bpe";
constexpr char kJsonFamily[] = "tokenizer-json";

struct JsonTokenizerParts {
  std::string file;   // tokenizer.json's text
  FolderFiles files;  // the names of the special tokens, and tokens it lacks
};
// Fails as ParseTokenizerJson and MakePieceModel; DataLoss if `files` names no end token, or one
// that is no token.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeJsonTokenizer(JsonTokenizerParts parts);

// Tokens as tokenizer_config.json lists them.
nlohmann::json AddedTokensDecoder(const std::vector<AddedToken>& tokens);

// Adds `added_tokens.txt` to a saved tokenizer's files, if there are tokens.
void AppendAddedTokens(const std::vector<std::string>& tokens, std::vector<TokenizerFile>* files);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_FAMILIES_H_
