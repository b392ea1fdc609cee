#include <utility>

#include "platform/text/llama_slow_tokenizer.h"
#include "platform/text/sentencepiece_tokenizer.h"
#include "platform/text/token_cutter.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

// A word mark in front, and one for each blank. Nothing for nothing.
std::string Normalize(std::string_view text) {
  std::string result;
  if (text.empty()) return result;
  result = kWordMark;
  for (const char c : text) {
    if (c == ' ') {
      result += kWordMark;
    } else {
      result += c;
    }
  }
  return result;
}

// Hugging Face's fast tokenizer (transformers 4.31). The text is first cut at `<s>`, `</s>`,
// `<unk>`; each stretch is then normalized, and only there are added tokens looked for, normalized
// like a text of their own: an added token is found only behind a word mark, which it takes along.
class LlamaFastTokenizer final : public SentencePieceTokenizer {
 public:
  LlamaFastTokenizer(Parts parts, std::unique_ptr<SentencePieceModel> markless)
      : SentencePieceTokenizer(std::move(parts)), markless_(std::move(markless)) {
    for (const int32_t id : {bos_id(), eos_id(), unk_id()}) special_.Add(Piece(id), id);
    for (const auto& [id, token] : folder_tokens()) {
      if (token.special) {
        special_.Add(token.content, id);
      } else {
        OnTokenAdded(token.content, id);
      }
    }
  }

  std::string_view family() const override { return "llama-fast"; }

  std::vector<int32_t> Encode(std::string_view text) const override {
    std::vector<int32_t> ids = {bos_id()};
    const auto token = [&](int32_t id) { ids.push_back(id); };
    const auto pieces = [&](std::string_view part) { markless_->Encode(part, &ids); };
    special_.Cut(
        text, [&](std::string_view part) { added_.Cut(Normalize(part), pieces, token); }, token);
    return ids;
  }

  std::string Decode(std::span<const int32_t> ids) const override {
    return DropLeadingBlank(Join(ids, false));
  }
  std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const override {
    return DropLeadingBlank(Join(ids, true));
  }

 private:
  void OnTokenAdded(const std::string& token, int32_t id) final {
    added_.Add(Normalize(token), id);
  }

  std::unique_ptr<SentencePieceModel> markless_;  // puts no mark before a text
  TokenCutter special_, added_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeLlamaFastTokenizer(TokenizerParts parts) {
  OPENP5_ASSIGN_OR_RETURN(auto checked, LlamaParts(std::move(parts)));
  std::unique_ptr<SentencePieceModel> markless = checked.model->WithoutLeadingMark();
  return std::make_unique<LlamaFastTokenizer>(std::move(checked), std::move(markless));
}

}  // namespace openp5::text
