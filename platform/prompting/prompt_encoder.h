#ifndef OPENP5_PLATFORM_PROMPTING_PROMPT_ENCODER_H_
#define OPENP5_PLATFORM_PROMPTING_PROMPT_ENCODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "platform/base/status.h"
#include "platform/prompting/causal_encoder.h"
#include "platform/prompting/encoded_text.h"
#include "platform/text/tokenizer.h"

namespace openp5::prompting {

struct PromptEncoderOptions {
  int64_t max_tokens = 512;  // prompts are cut to this
  // OpenP5's ways that change numbers: an end token's whole-word id is 0 only in the longest texts
  // of a batch; a causal model's prompt ends in a blank (see CausalOptions).
  bool openp5_compat = false;
  std::string response_mark = kResponseMark;  // of a causal model
};

// A prompt with what a model is to write after it.
struct EncodedExample {
  EncodedText input;
  std::vector<int32_t> labels;  // with the end token
};

// What a search counts where nobody says otherwise. OpenP5's two programs differ.
struct SearchForm {
  int64_t max_length = 50;           // of a generation, the start token included
  int64_t filtered_max_length = 30;  // where past items are left out
  bool late_stop_length = false;     // see decoding::BeamSearchOptions
  // Scores are divided by the length of the whole text, the prompt padded to the longest of all.
  bool counts_prompt = false;
};

// How one model reads prompts and spells items: made once beside model and tokenizer, and the same
// in training, search and the tree of items. Keeps a reference to the tokenizer. Thread-safe.
class PromptEncoder {
 public:
  virtual ~PromptEncoder() = default;

  // Prompts in their order. Those of one call are computed together, which matters with
  // openp5_compat only.
  virtual std::vector<EncodedText> Prompts(std::span<const std::string> inputs) const = 0;
  // Prompts with their answers, computed together as above.
  virtual std::vector<EncodedExample> Examples(std::span<const datasets::Sample> samples) const = 0;
  // Tokens of `<dataset> item_<id>` after a prompt, with the end token.
  virtual std::vector<int32_t> Candidate(const std::string& text) const = 0;
  // Equal for encoders that give equal tokens for candidates; empty: not known.
  virtual std::string Digest() const = 0;
  virtual SearchForm search() const = 0;
};

// The encoder of a causal model (see CausalEncoder) or of an encoder-decoder. Fails as
// CausalEncoder::Create.
absl::StatusOr<std::unique_ptr<PromptEncoder>> MakePromptEncoder(
    bool is_causal, const text::Tokenizer& tokenizer, const PromptEncoderOptions& options);

}  // namespace openp5::prompting

#endif  // OPENP5_PLATFORM_PROMPTING_PROMPT_ENCODER_H_
