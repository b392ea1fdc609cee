#include "platform/text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/text/convert_byte_level.h"
#include "platform/text/convert_sentencepiece.h"
#include "platform/text/llama_slow_tokenizer.h"
#include "platform/text/sentencepiece_tokenizer.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

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
  known += StrCat(std::string_view(kByteLevelFamily), ", ", std::string_view(kJsonFamily));
  return InvalidArgument("tokenizer family: expected one of ", known, "; got '", name, "'");
}

bool IsJsonFamily(std::string_view family) {
  return family == kByteLevelFamily || family == kJsonFamily;
}

// The files of a folder that may hold a tokenizer; "" where there is none.
struct ModelFiles {
  std::string json = {}, sentencepiece = {};
  bool has_vocabulary = false;  // vocab.json and merges.txt
};

absl::StatusOr<ModelFiles> FindModelFiles(const std::string& path) {
  if (!IsDirectory(path)) {
    return path.ends_with(".json") ? ModelFiles{.json = path} : ModelFiles{.sentencepiece = path};
  }
  ModelFiles files;
  if (FileExists(JoinPath(path, kTokenizerJsonFile))) {
    files.json = JoinPath(path, kTokenizerJsonFile);
  }
  for (const char* name : {"tokenizer.model", "spiece.model"}) {
    if (FileExists(JoinPath(path, name))) files.sentencepiece = JoinPath(path, name);
  }
  files.has_vocabulary =
      FileExists(JoinPath(path, kVocabularyFile)) && FileExists(JoinPath(path, kMergesFile));
  if (!files.json.empty() || !files.sentencepiece.empty() || files.has_vocabulary) return files;
  return NotFound("tokenizer: ", path,
                  ": expected spiece.model, tokenizer.model, tokenizer.json, or vocab.json and "
                  "merges.txt in this folder");
}

absl::StatusOr<std::vector<std::string>> ReadAddedTokens(const std::string& folder) {
  std::vector<std::string> tokens;
  const std::string path = JoinPath(folder, kAddedTokensFile);
  if (!FileExists(path)) return tokens;
  return ReadTokenList(path);
}

// What a SentencePiece model is read as: T5's family, or one that is converted.
enum class Reading { kT5, kT5TextOnly, kLlama };

// The class that the folder names; else Llama's models have a begin token and no pad token, or one
// that stands beside the pieces of bytes, and T5's the other way round.
Reading GuessReading(const SentencePieceModel& model, const FolderFiles& files) {
  const bool has_bos = model.bos_id() >= 0;
  const bool is_llama = files.tokenizer_class.starts_with("LlamaTokenizer") ||
                        (!files.tokenizer_class.starts_with("T5Tokenizer") && has_bos &&
                         (model.pad_id() < 0 || model.proto().byte_fallback));
  if (is_llama) return Reading::kLlama;
  return files.legacy.value_or(true) ? Reading::kT5 : Reading::kT5TextOnly;
}

// A tokenizer.json made in memory: the one way in which transformers 4.34 and later read these.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeConverted(TokenizerParts parts, Reading reading) {
  const SentencePieceModel& model = *parts.model;
  FolderFiles& files = parts.files;
  ConversionOptions options;
  if (reading == Reading::kLlama) {
    OPENP5_RETURN_IF_ERROR(CheckLlamaModel(model));
    // A folder that transformers wrote says `legacy`, or means it.
    const bool legacy = files.legacy.value_or(files.has_config);
    options.marks = legacy ? MarkRule::kLlamaEveryStretch : MarkRule::kLlamaTextOnly;
    options.added_tokens = std::move(files.added_tokens);
    OPENP5_RETURN_IF_ERROR(DropPieces(model, &options.added_tokens));
    if (files.add_bos.value_or(true)) options.prefix = {model.bos_id()};
    if (files.add_eos.value_or(false)) options.suffix = {model.eos_id()};
  } else {
    options.marks = reading == Reading::kT5 ? MarkRule::kT5EveryStretch : MarkRule::kT5TextOnly;
    OPENP5_ASSIGN_OR_RETURN(options.added_tokens, T5FolderTokens(model, files));
    options.suffix = {model.eos_id()};
  }
  OPENP5_ASSIGN_OR_RETURN(std::string file, ConvertSentencePiece(model, options));
  const auto name = [&model](int32_t id, std::optional<std::string>* token) {
    if (!token->has_value() && id >= 0) *token = model.Piece(id);
  };
  name(model.pad_id(), &files.pad);
  name(model.eos_id(), &files.eos);
  name(model.bos_id(), &files.bos);
  name(model.unk_id(), &files.unk);
  files.added_tokens.clear();
  return MakeJsonTokenizer({.file = std::move(file), .files = std::move(files)});
}

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeFromSentencePiece(TokenizerParts parts,
                                                                 std::string_view family) {
  const Reading reading = GuessReading(*parts.model, parts.files);
  if (family == kJsonFamily) return MakeConverted(std::move(parts), reading);
  if (family.empty() && reading == Reading::kT5) family = "t5";
  // Llama's rules fit no model that changes characters or blanks: it is read as before.
  const bool converts = reading != Reading::kLlama || (parts.model->proto().character_map.empty() &&
                                                       !parts.model->proto().removes_extra_blanks);
  if (family.empty() && converts) return MakeConverted(std::move(parts), reading);
  OPENP5_ASSIGN_OR_RETURN(const Family* found, FindFamily(family.empty() ? "llama" : family));
  return found->make(std::move(parts));
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
  if (IsDirectory(path)) {
    OPENP5_ASSIGN_OR_RETURN(parts.files, ReadFolderFiles(path));
  }
  auto tokenizer = MakeFromSentencePiece(std::move(parts), family);
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", file));
  return tokenizer;
}

absl::Status CheckJsonFamily(const std::string& file, std::string_view family) {
  if (family.empty() || IsJsonFamily(family)) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(FindFamily(family).status());
  return InvalidArgument("tokenizer: ", file, ": expected a SentencePiece model for family ",
                         family, ", got a tokenizer.json; its family is ",
                         std::string_view(kByteLevelFamily), " or ", std::string_view(kJsonFamily));
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenVocabulary(const std::string& folder,
                                                          std::string_view family) {
  const std::string file = JoinPath(folder, kVocabularyFile);
  OPENP5_RETURN_IF_ERROR(CheckJsonFamily(file, family));
  JsonTokenizerParts parts;
  OPENP5_ASSIGN_OR_RETURN(parts.files, ReadFolderFiles(folder));
  OPENP5_ASSIGN_OR_RETURN(parts.file, ConvertByteLevel(folder, &parts.files));
  auto tokenizer = MakeJsonTokenizer(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", file));
  return tokenizer;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenJson(const std::string& file,
                                                    std::string_view family) {
  OPENP5_RETURN_IF_ERROR(CheckJsonFamily(file, family));
  JsonTokenizerParts parts;
  absl::StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) return Annotate(text.status(), "tokenizer");
  parts.file = *std::move(text);
  const std::string folder = DirectoryName(file);
  OPENP5_ASSIGN_OR_RETURN(parts.files, ReadFolderFiles(folder));
  if (!parts.files.has_config && !parts.files.eos.has_value()) {
    return NotFound("tokenizer: ", file, ": expected ", JoinPath(folder, kTokenizerConfigFile),
                    " with the eos_token beside it, got none");
  }
  auto tokenizer = MakeJsonTokenizer(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", file));
  return tokenizer;
}

// A tokenizer.json goes before a SentencePiece model beside it, as in transformers; the model is
// read where the family asks for it, or where the tokenizer.json has a step that is not known.
absl::StatusOr<std::unique_ptr<Tokenizer>> OpenFiles(const std::string& path,
                                                     const ModelFiles& files,
                                                     std::string_view family) {
  const bool asks_for_model = !family.empty() && !IsJsonFamily(family);
  if (files.sentencepiece.empty()) {
    return files.json.empty() ? OpenVocabulary(path, family) : OpenJson(files.json, family);
  }
  if (files.json.empty() || asks_for_model) {
    return OpenSentencePiece(path, files.sentencepiece, family);
  }
  auto tokenizer = OpenJson(files.json, family);
  if (!family.empty() || !absl::IsInvalidArgument(tokenizer.status())) return tokenizer;
  auto other = OpenSentencePiece(path, files.sentencepiece, family);
  if (!other.ok()) return tokenizer;
  LogWarning(
      StrCat(ToStd(tokenizer.status().message()), "; ", files.sentencepiece, " is read instead"));
  return other;
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
  names.emplace_back(kJsonFamily);
  return names;
}

bool HoldsTokenizer(const std::string& path) {
  return IsDirectory(path) && FindModelFiles(path).ok();
}

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::string& path,
                                                         std::string_view family) {
  OPENP5_ASSIGN_OR_RETURN(const ModelFiles files, FindModelFiles(path));
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = OpenFiles(path, files, family);
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

int32_t Tokenizer::Find(std::string_view token) const {
  for (int32_t id = 0; id < vocabulary_size(); ++id) {
    if (Piece(id) == token) return id;
  }
  return -1;
}

nlohmann::json AddedTokensDecoder(const std::vector<AddedToken>& tokens) {
  nlohmann::json decoder = nlohmann::json::object();
  for (const AddedToken& token : tokens) {
    decoder[std::to_string(token.id)] = {
        {"content", token.content},         {"lstrip", token.lstrip},
        {"rstrip", token.rstrip},           {"normalized", token.normalized},
        {"single_word", token.single_word}, {"special", token.special}};
  }
  return decoder;
}

void AppendAddedTokens(const std::vector<std::string>& tokens, std::vector<TokenizerFile>* files) {
  if (tokens.empty()) return;
  std::string lines;
  for (const std::string& token : tokens) lines += token + "\n";
  files->push_back({kAddedTokensFile, std::move(lines)});
}

}  // namespace openp5::text
