#include "platform/text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

constexpr char kTokenizerJson[] = "tokenizer.json";
constexpr char kAddedTokensFile[] = "added_tokens.txt";

struct Family {
  const char* name;
  absl::StatusOr<std::unique_ptr<Tokenizer>> (*make)(TokenizerParts parts);
};

constexpr Family kFamilies[] = {
    {"t5", MakeT5Tokenizer},
    {"llama-legacy", MakeLlamaLegacyTokenizer},
    {"llama", MakeLlamaTokenizer},
    {"llama-fast", MakeLlamaFastTokenizer},
};

absl::StatusOr<const Family*> FindFamily(std::string_view name) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (name == family.name) return &family;
    known += std::string(family.name) + ", ";
  }
  if (name == kByteLevelFamily) {
    return InvalidArgument("tokenizer family: ", name, ": expected a tokenizer.json, got a ",
                           "SentencePiece model");
  }
  known += kByteLevelFamily;
  return InvalidArgument("tokenizer family: expected one of ", known, "; got '", name, "'");
}

absl::StatusOr<std::string> FindModelFile(const std::string& path) {
  if (!IsDirectory(path)) return path;
  for (const char* name : {"spiece.model", "tokenizer.model", kTokenizerJson}) {
    const std::string file = JoinPath(path, name);
    if (FileExists(file)) return file;
  }
  return NotFound("tokenizer: ", path,
                  ": expected spiece.model, tokenizer.model or tokenizer.json in this folder");
}

absl::StatusOr<std::optional<int32_t>> ReadSentinelCount(const std::string& folder) {
  const std::string path = JoinPath(folder, kTokenizerConfigFile);
  if (!FileExists(path)) return std::optional<int32_t>();
  const absl::StatusOr<nlohmann::json> json = ReadJsonObject(path);
  if (!json.ok()) return Annotate(json.status(), "tokenizer");
  if (!json->contains("extra_ids")) return std::optional<int32_t>();
  constexpr int64_t kMost = 10000;
  const auto& value = (*json)["extra_ids"];
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kMost) {
    return DataLoss("tokenizer: ", path, ": extra_ids: expected a number from 0 to ", kMost,
                    ", got ", JsonExcerpt(value));
  }
  return std::optional<int32_t>(value.get<int32_t>());
}

absl::StatusOr<std::vector<std::string>> ReadAddedTokens(const std::string& folder) {
  std::vector<std::string> tokens;
  const std::string path = JoinPath(folder, kAddedTokensFile);
  if (!FileExists(path)) return tokens;
  return ReadTokenList(path);
}

// Llama's models have a begin token and no pad token; T5's the other way round.
std::string_view GuessFamily(const SentencePieceModel& model) {
  return model.bos_id() >= 0 && model.pad_id() < 0 ? "llama" : "t5";
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenSentencePiece(const std::string& path,
                                                             const std::string& file,
                                                             std::string_view family) {
  absl::StatusOr<std::string> bytes = ReadFile(file);
  if (!bytes.ok()) return Annotate(bytes.status(), "tokenizer");
  std::string error;
  TokenizerParts parts;
  parts.model = SentencePieceModel::Parse(*std::move(bytes), &error);
  if (parts.model == nullptr) return DataLoss("tokenizer: ", file, ": ", error);
  OPENP5_ASSIGN_OR_RETURN(const Family* found,
                          FindFamily(family.empty() ? GuessFamily(*parts.model) : family));
  if (IsDirectory(path)) {
    OPENP5_ASSIGN_OR_RETURN(parts.sentinel_count, ReadSentinelCount(path));
  }
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = found->make(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", file));
  return tokenizer;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenJson(const std::string& file,
                                                    std::string_view family) {
  if (!family.empty() && family != kByteLevelFamily) {
    OPENP5_RETURN_IF_ERROR(FindFamily(family).status());
    return InvalidArgument("tokenizer: ", file, ": expected a SentencePiece model for family ",
                           family, ", got a tokenizer.json; its family is ",
                           std::string_view(kByteLevelFamily));
  }
  return OpenByteLevelTokenizer(file);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadTokenList(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> tokens;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    tokens.push_back(text.substr(from, end - from));
    if (tokens.back().ends_with('\r')) tokens.back().pop_back();
    if (tokens.back().empty()) {
      return InvalidArgument("added tokens: ", path, ":", tokens.size(),
                             ": expected a token, got an empty line");
    }
    from = end + 1;
  }
  return tokens;
}

void Truncate(int64_t max, int32_t eos, std::vector<int32_t>* ids) {
  if (max <= 0 || static_cast<int64_t>(ids->size()) <= max) return;
  const bool keep_eos = ids->back() == eos;
  ids->resize(static_cast<size_t>(max));
  if (keep_eos) ids->back() = eos;
}

std::vector<std::string> TokenizerFamilies() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.name);
  names.emplace_back(kByteLevelFamily);
  return names;
}

bool HoldsTokenizer(const std::string& path) {
  return IsDirectory(path) && FindModelFile(path).ok();
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::string& path,
                                                         std::string_view family) {
  OPENP5_ASSIGN_OR_RETURN(const std::string file, FindModelFile(path));
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer =
      file.ends_with(".json") ? OpenJson(file, family) : OpenSentencePiece(path, file, family);
  if (!tokenizer.ok()) return tokenizer.status();
  if (IsDirectory(path)) {
    OPENP5_ASSIGN_OR_RETURN(const auto added, ReadAddedTokens(path));
    OPENP5_RETURN_IF_ERROR(Annotate((*tokenizer)->AddTokens(added), path));
  }
  return tokenizer;
}

absl::Status Tokenizer::Save(const std::string& folder) const {
  OPENP5_RETURN_IF_ERROR(MakeDirectories(folder));
  // One left by an earlier tokenizer would be read with this one's model.
  const std::string added = JoinPath(folder, kAddedTokensFile);
  std::error_code error;
  std::filesystem::remove(added, error);
  if (error) return FailedPrecondition(added, ": cannot be removed: ", error.message());
  for (const TokenizerFile& file : Files()) {
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, file.name), file.content));
  }
  return absl::OkStatus();
}

std::string Tokenizer::Digest() const {
  Sha256 digest;
  const auto add = [&digest](std::string_view text) {
    digest.Update(StrCat(text.size(), ":"));
    digest.Update(text);
  };
  add(family());
  for (const TokenizerFile& file : Files()) {
    add(file.name);
    add(file.content);
  }
  return digest.Finish();
}

void AppendAddedTokens(const std::vector<std::string>& tokens, std::vector<TokenizerFile>* files) {
  if (tokens.empty()) return;
  std::string lines;
  for (const std::string& token : tokens) lines += token + "\n";
  files->push_back({kAddedTokensFile, std::move(lines)});
}

}  // namespace openp5::text
