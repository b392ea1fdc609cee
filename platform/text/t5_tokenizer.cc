#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "platform/base/json.h"
#include "platform/text/sentencepiece_tokenizer.h"
#include "platform/text/token_cutter.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

constexpr int32_t kPublishedPieces = 32000;
constexpr int32_t kPublishedSentinels = 100;

// The rule of OpenTokenizer for a model without a tokenizer_config.json.
int32_t DefaultSentinelCount(const SentencePieceModel& model) {
  return model.size() == kPublishedPieces && model.Find("<extra_id_0>") < 0 ? kPublishedSentinels
                                                                            : 0;
}

std::vector<AddedToken> Sentinels(int32_t first, int32_t count) {
  std::vector<AddedToken> tokens;
  for (int32_t i = count - 1; i >= 0; --i) {
    tokens.push_back({.id = first++,
                      .content = StrCat("<extra_id_", i, ">"),
                      .special = true,
                      .lstrip = true,
                      .rstrip = true});
  }
  return tokens;
}

bool IsSentinel(const AddedToken& token) { return token.content.starts_with("<extra_id_"); }

// Cuts a text at every literal special or added token; the stretches between go to SentencePiece
// one by one, so each begins with a word mark. `</s>` ends every text.
class T5Tokenizer final : public SentencePieceTokenizer {
 public:
  explicit T5Tokenizer(Parts parts) : SentencePieceTokenizer(std::move(parts)) {
    for (const int32_t id : {pad_id(), eos_id(), unk_id()}) cutter_.Add(Piece(id), id);
    for (const auto& [id, token] : folder_tokens()) cutter_.Add(token.content, id);
  }

  std::string_view family() const override { return "t5"; }

  std::vector<int32_t> Encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    cutter_.Cut(
        text, [&](std::string_view stretch) { model().Encode(stretch, &ids); },
        [&](int32_t id) { ids.push_back(id); });
    ids.push_back(eos_id());
    return ids;
  }

  std::string Decode(std::span<const int32_t> ids) const override {
    return DropLeadingBlank(Join(ids, false));
  }
  std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const override {
    return DropLeadingBlank(Join(ids, true));
  }

 private:
  void OnTokenAdded(const std::string& token, int32_t id) override { cutter_.Add(token, id); }

  // What the rule would not find again from the model alone.
  std::string ConfigFile() const override {
    int32_t sentinels = 0;
    for (const auto& [id, token] : folder_tokens()) sentinels += IsSentinel(token) ? 1 : 0;
    if (sentinels != static_cast<int32_t>(folder_tokens().size())) return FolderTokensConfig();
    if (sentinels == DefaultSentinelCount(model())) return "";
    const nlohmann::json config = {{"tokenizer_class", "T5Tokenizer"}, {"extra_ids", sentinels}};
    return DumpJson(config, 2) + "\n";
  }

  TokenCutter cutter_;
};

}  // namespace

absl::StatusOr<std::vector<AddedToken>> T5FolderTokens(const SentencePieceModel& model,
                                                       const FolderFiles& files) {
  std::vector<AddedToken> tokens = files.added_tokens;
  OPENP5_RETURN_IF_ERROR(DropPieces(model, &tokens));
  if (std::any_of(tokens.begin(), tokens.end(), IsSentinel)) return tokens;
  const int32_t count = files.sentinel_count.value_or(DefaultSentinelCount(model));
  for (const AddedToken& token : tokens) {
    if (token.id >= model.size() + count) continue;
    return DataLoss("added tokens: expected ids from ", model.size() + count,
                    " on, behind the sentinels, got ", token.id);
  }
  const std::vector<AddedToken> sentinels = Sentinels(model.size(), count);
  tokens.insert(tokens.begin(), sentinels.begin(), sentinels.end());
  return tokens;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeT5Tokenizer(TokenizerParts parts) {
  const SentencePieceModel& model = *parts.model;
  if (model.pad_id() < 0 || model.eos_id() < 0 || model.unk_id() < 0) {
    return InvalidArgument("expected a T5 model with the pieces <pad>, </s> and <unk>, got one ",
                           "without", model.pad_id() < 0 ? " <pad>" : " </s> or <unk>",
                           "; another tokenizer family may fit");
  }
  OPENP5_ASSIGN_OR_RETURN(auto tokens, T5FolderTokens(model, parts.files));
  return std::make_unique<T5Tokenizer>(SentencePieceTokenizer::Parts{
      .model = std::move(parts.model), .tokens = std::move(tokens), .file_name = "spiece.model"});
}

}  // namespace openp5::text
