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

std::vector<std::string> SentinelNames(int32_t count) {
  std::vector<std::string> names;
  for (int32_t i = count - 1; i >= 0; --i) names.push_back(StrCat("<extra_id_", i, ">"));
  return names;
}

// Cuts a text at every literal special or added token; the stretches between go to SentencePiece
// one by one, so each begins with a word mark. `</s>` ends every text.
class T5Tokenizer final : public SentencePieceTokenizer {
 public:
  T5Tokenizer(std::unique_ptr<SentencePieceModel> parsed, int32_t sentinel_count)
      : SentencePieceTokenizer(std::move(parsed), SentinelNames(sentinel_count), "spiece.model") {
    for (const int32_t id : {pad_id(), eos_id(), unk_id()}) cutter_.Add(Piece(id), id);
    for (int32_t id = model().size(); id < base_vocabulary_size(); ++id) cutter_.Add(Piece(id), id);
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
    const auto count = static_cast<int32_t>(sentinels().size());
    if (count == DefaultSentinelCount(model())) return "";
    const nlohmann::json config = {{"tokenizer_class", "T5Tokenizer"}, {"extra_ids", count}};
    return DumpJson(config, 2) + "\n";
  }

  TokenCutter cutter_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeT5Tokenizer(TokenizerParts parts) {
  const SentencePieceModel& model = *parts.model;
  if (model.pad_id() < 0 || model.eos_id() < 0 || model.unk_id() < 0) {
    return InvalidArgument("expected a T5 model with the pieces <pad>, </s> and <unk>, got one ",
                           "without", model.pad_id() < 0 ? " <pad>" : " </s> or <unk>",
                           "; another tokenizer family may fit");
  }
  const int32_t sentinels = parts.sentinel_count.value_or(DefaultSentinelCount(model));
  return std::make_unique<T5Tokenizer>(std::move(parts.model), sentinels);
}

}  // namespace openp5::text
