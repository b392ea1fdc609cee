#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/utf8.h"
#include "platform/text/byte_level_bpe.h"
#include "platform/text/token_cutter.h"
#include "platform/text/tokenizer_families.h"
#include "platform/text/tokenizer_json.h"
#include "platform/text/word_splitter.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// `text`, which is well-formed, in Unicode's normal form C.
std::string Composed(std::string_view text) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(result, std::free);
  OPENP5_CHECK(size >= 0);  // nothing but malformed text or no memory is refused
  return {reinterpret_cast<const char*>(result), static_cast<size_t>(size)};
}

// Ids of the special tokens; -1 where there is none.
struct SpecialIds {
  int32_t pad = -1, eos = -1, bos = -1, unk = -1;
};

// GPT-2's byte-level BPE and its successors, from a tokenizer.json: the text is cut at added
// tokens, what is between them into words, and each word into pieces.
class ByteLevelTokenizer final : public Tokenizer {
 public:
  ByteLevelTokenizer(std::string file, TokenizerJson parsed, ByteLevelBpe bpe,
                     WordSplitter splitter, SpecialIds special)
      : file_(std::move(file)),
        parsed_(std::move(parsed)),
        bpe_(std::move(bpe)),
        splitter_(std::move(splitter)),
        special_(special) {
    for (const auto& token : parsed_.added_tokens) {
      cutter_.Add(token.content, token.id);
      contents_[token.id] = token.content;
      if (token.special) special_tokens_.insert(token.id);
    }
    for (const int32_t id : {special.pad, special.eos, special.bos, special.unk}) {
      special_tokens_.insert(id);
    }
  }

  std::string_view family() const override { return kByteLevelFamily; }

  std::vector<int32_t> Encode(std::string_view text) const override {
    const std::string well_formed = WellFormedUtf8(text);
    std::vector<int32_t> ids = parsed_.prefix;
    cutter_.Cut(
        well_formed, [&](std::string_view stretch) { EncodeStretch(stretch, &ids); },
        [&](int32_t id) { ids.push_back(id); });
    ids.insert(ids.end(), parsed_.suffix.begin(), parsed_.suffix.end());
    return ids;
  }

  std::string Decode(std::span<const int32_t> ids) const override { return Join(ids, false); }
  std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const override {
    return Join(ids, true);
  }

  bool StartsWord(int32_t id) const override {
    return id >= 0 && id < base_vocabulary_size() && !contents_.contains(id) &&
           parsed_.pieces[static_cast<size_t>(id)].starts_with(ByteCharacter(' '));
  }
  int32_t vocabulary_size() const override {
    return base_vocabulary_size() + static_cast<int32_t>(added_tokens_.size());
  }
  int32_t base_vocabulary_size() const override {
    return static_cast<int32_t>(parsed_.pieces.size());
  }
  int32_t pad_id() const override { return special_.pad; }
  int32_t eos_id() const override { return special_.eos; }
  int32_t bos_id() const override { return special_.bos; }
  int32_t unk_id() const override { return special_.unk; }

  std::string Piece(int32_t id) const override {
    if (id < 0 || id >= vocabulary_size()) return "";
    const auto found = contents_.find(id);
    return found != contents_.end() ? found->second : parsed_.pieces[static_cast<size_t>(id)];
  }

  absl::Status AddTokens(const std::vector<std::string>& tokens) override {
    std::unordered_set<std::string> known(parsed_.pieces.begin(), parsed_.pieces.end());
    for (const auto& [id, content] : contents_) known.insert(content);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto wrong = [&](std::string_view what) {
        return InvalidArgument("added tokens: token ", i + 1, ": '", tokens[i], "' ", what);
      };
      if (tokens[i].empty()) return wrong("is empty");
      if (tokens[i].find_first_of("\r\n") != std::string::npos) return wrong("holds a line break");
      if (!known.insert(tokens[i]).second) return wrong("is a token already");
    }
    for (const std::string& token : tokens) {
      const int32_t id = vocabulary_size();
      added_tokens_.push_back(token);
      contents_[id] = token;
      cutter_.Add(token, id);
    }
    return absl::OkStatus();
  }
  const std::vector<std::string>& added_tokens() const override { return added_tokens_; }

  std::vector<TokenizerFile> Files() const override {
    json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
    const std::pair<const char*, int32_t> named[] = {{"pad_token", special_.pad},
                                                     {"eos_token", special_.eos},
                                                     {"bos_token", special_.bos},
                                                     {"unk_token", special_.unk}};
    for (const auto& [name, id] : named) {
      if (id >= 0) config[name] = Piece(id);
    }
    std::vector<TokenizerFile> files = {{"tokenizer.json", file_},
                                        {kTokenizerConfigFile, DumpJson(config, 2) + "\n"}};
    AppendAddedTokens(added_tokens_, &files);
    return files;
  }

 private:
  void EncodeStretch(std::string_view stretch, std::vector<int32_t>* ids) const {
    const std::string composed = parsed_.compose ? Composed(stretch) : std::string();
    if (parsed_.compose) stretch = composed;
    const auto encode = [&](std::string_view word) { bpe_.Encode(word, ids); };
    if (parsed_.add_prefix_space && !stretch.starts_with(' ')) {
      splitter_.Split(" " + std::string(stretch), encode);
    } else {
      splitter_.Split(stretch, encode);
    }
  }

  // Pieces as bytes, added tokens as they are; bytes that are no character give U+FFFD.
  std::string Join(std::span<const int32_t> ids, bool with_special_tokens) const {
    std::string bytes;
    for (const int32_t id : ids) {
      if (!with_special_tokens && special_tokens_.contains(id)) continue;
      bytes += contents_.contains(id) ? Piece(id) : PieceBytes(Piece(id));
    }
    return WellFormedUtf8(bytes);
  }

  const std::string file_;  // tokenizer.json as it was read
  const TokenizerJson parsed_;
  const ByteLevelBpe bpe_;
  const WordSplitter splitter_;
  const SpecialIds special_;
  TokenCutter cutter_;
  std::unordered_map<int32_t, std::string> contents_;  // of added tokens, the file's and later ones
  std::unordered_set<int32_t> special_tokens_;
  std::vector<std::string> added_tokens_;
};

// The id of a token that tokenizer_config.json names, as text or as {"content": text}.
absl::Status FindSpecial(const json& config, const char* field, const TokenizerJson& parsed,
                         int32_t* id) {
  if (!config.contains(field) || config[field].is_null()) return absl::OkStatus();
  const json& value = config[field];
  const json& content = value.is_object() && value.contains("content") ? value["content"] : value;
  if (!content.is_string()) {
    return DataLoss(kTokenizerConfigFile, ": ", std::string_view(field), ": expected a token");
  }
  const auto& text = content.get_ref<const std::string&>();
  for (const auto& token : parsed.added_tokens) {
    if (token.content == text) *id = token.id;
  }
  const auto piece = std::find(parsed.pieces.begin(), parsed.pieces.end(), text);
  if (*id < 0 && !text.empty() && piece != parsed.pieces.end()) {
    *id = static_cast<int32_t>(piece - parsed.pieces.begin());
  }
  if (*id >= 0) return absl::OkStatus();
  return DataLoss(kTokenizerConfigFile, ": ", std::string_view(field),
                  ": expected a token of tokenizer.json, got another");
}

absl::StatusOr<SpecialIds> FindSpecialIds(const std::string& folder, const TokenizerJson& parsed) {
  const std::string path = JoinPath(folder, kTokenizerConfigFile);
  if (!FileExists(path)) {
    return NotFound("expected ", path, " with the eos_token beside it, got none");
  }
  OPENP5_ASSIGN_OR_RETURN(const json config, ReadJsonObject(path));
  SpecialIds ids;
  OPENP5_RETURN_IF_ERROR(FindSpecial(config, "pad_token", parsed, &ids.pad));
  OPENP5_RETURN_IF_ERROR(FindSpecial(config, "eos_token", parsed, &ids.eos));
  OPENP5_RETURN_IF_ERROR(FindSpecial(config, "bos_token", parsed, &ids.bos));
  OPENP5_RETURN_IF_ERROR(FindSpecial(config, "unk_token", parsed, &ids.unk));
  if (ids.eos < 0) return DataLoss(path, ": expected an eos_token, got none");
  // These models are trained without padding; what stands there is never looked at.
  if (ids.pad < 0) ids.pad = ids.eos;
  return ids;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Make(std::string file, const std::string& folder) {
  OPENP5_ASSIGN_OR_RETURN(TokenizerJson parsed, ParseTokenizerJson(file));
  OPENP5_ASSIGN_OR_RETURN(const SpecialIds special, FindSpecialIds(folder, parsed));
  OPENP5_ASSIGN_OR_RETURN(ByteLevelBpe bpe,
                          ByteLevelBpe::Create(parsed.pieces, parsed.merges, parsed.ignore_merges));
  OPENP5_ASSIGN_OR_RETURN(WordSplitter splitter, parsed.pattern.empty()
                                                     ? WordSplitter::Gpt2()
                                                     : WordSplitter::Create(parsed.pattern));
  return std::make_unique<ByteLevelTokenizer>(std::move(file), std::move(parsed), std::move(bpe),
                                              std::move(splitter), special);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> OpenByteLevelTokenizer(const std::string& path) {
  absl::StatusOr<std::string> file = ReadFile(path);
  if (!file.ok()) return Annotate(file.status(), "tokenizer");
  auto tokenizer = Make(*std::move(file), DirectoryName(path));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), StrCat("tokenizer: ", path));
  return tokenizer;
}

}  // namespace openp5::text
