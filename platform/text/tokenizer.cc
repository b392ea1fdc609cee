#include "platform/text/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "platform/base/file.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

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
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  return InvalidArgument("tokenizer family: expected one of ", known, "; got '", name, "'");
}

absl::StatusOr<std::string> FindModelFile(const std::string& path) {
  if (!IsDirectory(path)) return path;
  for (const char* name : {"spiece.model", "tokenizer.model"}) {
    const std::string file = JoinPath(path, name);
    if (FileExists(file)) return file;
  }
  return NotFound("tokenizer: ", path, ": expected spiece.model or tokenizer.model in this folder",
                  FileExists(JoinPath(path, "tokenizer.json"))
                      ? "; tokenizer.json alone cannot be read, add the SentencePiece model"
                      : "");
}

absl::StatusOr<std::optional<int32_t>> ReadSentinelCount(const std::string& folder) {
  const std::string path = JoinPath(folder, "tokenizer_config.json");
  if (!FileExists(path)) return std::optional<int32_t>();
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return DataLoss("tokenizer: ", path, ": expected a JSON object");
  if (!json.contains("extra_ids")) return std::optional<int32_t>();
  constexpr int64_t kMost = 10000;
  const auto& value = json["extra_ids"];
  if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > kMost) {
    return DataLoss("tokenizer: ", path, ": extra_ids: expected a number from 0 to ", kMost,
                    ", got ", value.dump());
  }
  return std::optional<int32_t>(value.get<int32_t>());
}

absl::StatusOr<std::vector<std::string>> ReadAddedTokens(const std::string& folder) {
  std::vector<std::string> tokens;
  const std::string path = JoinPath(folder, "added_tokens.txt");
  if (!FileExists(path)) return tokens;
  return ReadTokenList(path);
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
  return names;
}

bool HoldsTokenizer(const std::string& path) {
  return IsDirectory(path) && FindModelFile(path).ok();
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::string& path,
                                                         std::string_view family) {
  OPENP5_ASSIGN_OR_RETURN(const Family* found, FindFamily(family.empty() ? "t5" : family));
  OPENP5_ASSIGN_OR_RETURN(const std::string file, FindModelFile(path));
  absl::StatusOr<std::string> bytes = ReadFile(file);
  if (!bytes.ok()) return Annotate(bytes.status(), "tokenizer");
  std::string error;
  TokenizerParts parts;
  parts.model = SentencePieceModel::Parse(*std::move(bytes), &error);
  if (parts.model == nullptr) return DataLoss("tokenizer: ", file, ": ", error);
  if (IsDirectory(path)) {
    OPENP5_ASSIGN_OR_RETURN(parts.sentinel_count, ReadSentinelCount(path));
  }
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = found->make(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", file));
  if (IsDirectory(path)) {
    OPENP5_ASSIGN_OR_RETURN(const auto added, ReadAddedTokens(path));
    OPENP5_RETURN_IF_ERROR(Annotate((*tokenizer)->AddTokens(added), path));
  }
  return tokenizer;
}

}  // namespace openp5::text
