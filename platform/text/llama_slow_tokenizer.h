#ifndef OPENP5_PLATFORM_TEXT_LLAMA_SLOW_TOKENIZER_H_
#define OPENP5_PLATFORM_TEXT_LLAMA_SLOW_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/text/sentencepiece_tokenizer.h"
#include "platform/text/token_cutter.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {

// What the two slow Llama tokenizers of Hugging Face's transformers 4.31 share: `<s>` before every
// text; texts are cut at added tokens only (a literal `</s>` is spelled out), whose white space on
// both sides is dropped. They differ in what happens to the stretches between. Private to this
// unit.
class LlamaSlowTokenizer : public SentencePieceTokenizer {
 public:
  std::vector<int32_t> Encode(std::string_view text) const final;
  // Blanks surround added tokens.
  std::string Decode(std::span<const int32_t> ids) const final;
  std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const final;

 protected:
  explicit LlamaSlowTokenizer(Parts parts);

  // Appends the ids of a stretch that is not empty. `after_token`: an added token stands before it.
  virtual void EncodeStretch(std::string_view stretch, bool after_token,
                             std::vector<int32_t>* ids) const = 0;

 private:
  void OnTokenAdded(const std::string& token, int32_t id) final { cutter_.Add(token, id); }
  std::string DecodeRuns(std::span<const int32_t> ids, bool with_special_tokens) const;
  std::string DecodeRun(std::span<const int32_t> ids, bool with_special_tokens) const;

  TokenCutter cutter_;
};

// InvalidArgument if `model` has no `<s>`, `</s>` or `<unk>`.
absl::Status CheckLlamaModel(const SentencePieceModel& model);
// What Llama's families are made from; fails as CheckLlamaModel and DropPieces.
absl::StatusOr<SentencePieceTokenizer::Parts> LlamaParts(TokenizerParts parts);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_LLAMA_SLOW_TOKENIZER_H_
