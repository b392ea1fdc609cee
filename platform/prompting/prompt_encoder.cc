#include "platform/prompting/prompt_encoder.h"

#include <utility>

#include "platform/prompting/causal_encoder.h"

namespace openp5::prompting {
namespace {

// An encoder reads the prompt, a decoder writes the answer. OpenP5: T5.
class Seq2SeqPromptEncoder final : public PromptEncoder {
 public:
  Seq2SeqPromptEncoder(const text::Tokenizer& tokenizer, const PromptEncoderOptions& options)
      : tokenizer_(tokenizer),
        max_tokens_(options.max_tokens),
        rule_(options.openp5_compat ? text::EndTokenRule::kLastColumn
                                    : text::EndTokenRule::kEveryRow) {}

  std::vector<EncodedText> Prompts(std::span<const std::string> inputs) const override {
    return EncodeBatch(tokenizer_, inputs, max_tokens_, rule_);
  }
  std::vector<EncodedExample> Examples(std::span<const datasets::Sample> samples) const override {
    std::vector<std::string> inputs;
    for (const datasets::Sample& sample : samples) inputs.push_back(sample.input);
    std::vector<EncodedText> prompts = Prompts(inputs);
    std::vector<EncodedExample> examples;
    for (size_t i = 0; i < samples.size(); ++i) {
      std::vector<int32_t> labels = tokenizer_.Encode(samples[i].output);
      text::Truncate(max_tokens_, tokenizer_.eos_id(), &labels);
      examples.push_back({.input = std::move(prompts[i]), .labels = std::move(labels)});
    }
    return examples;
  }
  std::vector<int32_t> Candidate(const std::string& text) const override {
    return tokenizer_.Encode(text);
  }
  std::string Digest() const override { return "seq2seq " + tokenizer_.Digest(); }
  SearchForm search() const override { return {}; }

 private:
  const text::Tokenizer& tokenizer_;
  const int64_t max_tokens_;
  const text::EndTokenRule rule_;
};

// Prompt and answer are one text. OpenP5: Llama.
class CausalPromptEncoder final : public PromptEncoder {
 public:
  CausalPromptEncoder(CausalEncoder encoder, const text::Tokenizer& tokenizer,
                      const PromptEncoderOptions& options)
      : encoder_(std::move(encoder)),
        tokenizer_(tokenizer),
        compat_(options.openp5_compat),
        mark_(options.response_mark) {}

  std::vector<EncodedText> Prompts(std::span<const std::string> inputs) const override {
    std::vector<EncodedText> prompts;
    for (const std::string& input : inputs) {
      prompts.push_back({.tokens = encoder_.Prompt(input), .whole_words = {}});
    }
    return prompts;
  }
  std::vector<EncodedExample> Examples(std::span<const datasets::Sample> samples) const override {
    std::vector<EncodedExample> examples;
    for (const datasets::Sample& sample : samples) {
      CausalExample example = encoder_.Example(sample.input, sample.output);
      const auto labels = example.tokens.begin() + static_cast<int64_t>(example.first_label);
      EncodedExample& made = examples.emplace_back();
      made.labels.assign(labels, example.tokens.end());
      example.tokens.erase(labels, example.tokens.end());
      made.input.tokens = std::move(example.tokens);
    }
    return examples;
  }
  std::vector<int32_t> Candidate(const std::string& text) const override {
    return encoder_.Response(text);
  }
  std::string Digest() const override {
    const std::string digest = "causal " + tokenizer_.Digest();
    return mark_ == kResponseMark ? digest : StrCat(digest, " ", mark_);
  }
  SearchForm search() const override {
    constexpr int64_t kLength = 31;  // OpenP5's 30 new tokens, and the prompt's last
    return {.max_length = kLength,
            .filtered_max_length = kLength,
            .late_stop_length = true,
            .counts_prompt = compat_};
  }

 private:
  const CausalEncoder encoder_;
  const text::Tokenizer& tokenizer_;
  const bool compat_;
  const std::string mark_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PromptEncoder>> MakePromptEncoder(
    bool is_causal, const text::Tokenizer& tokenizer, const PromptEncoderOptions& options) {
  std::unique_ptr<PromptEncoder> made;
  if (!is_causal) {
    made = std::make_unique<Seq2SeqPromptEncoder>(tokenizer, options);
    return made;
  }
  OPENP5_ASSIGN_OR_RETURN(CausalEncoder encoder,
                          CausalEncoder::Create(tokenizer, {.max_tokens = options.max_tokens,
                                                            .openp5_compat = options.openp5_compat,
                                                            .mark = options.response_mark}));
  made = std::make_unique<CausalPromptEncoder>(std::move(encoder), tokenizer, options);
  return made;
}

}  // namespace openp5::prompting
