#ifndef OPENP5_PLATFORM_PROMPTING_CAUSAL_ENCODER_H_
#define OPENP5_PLATFORM_PROMPTING_CAUSAL_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/tokenizer.h"

namespace openp5::prompting {

// What stands between a causal model's prompt and its response, as OpenP5 has it.
inline constexpr char kResponseMark[] = "Response:";

struct CausalOptions {
  int64_t max_tokens = 512;  // of a prompt, and of a whole example with openp5_compat
  // OpenP5: a prompt ends in a blank, which is a token of its own there and none where the response
  // follows it. Training takes the first token of the response for a part of the prompt, so it is
  // never learned; a search starts after the blank, where no text of the training goes on.
  bool openp5_compat = false;
  // Stands between prompt and response. Empty: nothing does, so that a response goes on where the
  // history ends, and what was a target is history for the next one without any other token.
  std::string mark = kResponseMark;
};

// A prompt with its response as a causal model learns it.
struct CausalExample {
  std::vector<int32_t> tokens;
  size_t first_label = 0;  // tokens from here on, the end token included, are to be said; > 0
};

// "<input> <mark> <output>" and an end token (OpenP5: Xu et al., 2024, its Llama side), as
// tokens of prompt and response apart: the same in training and in generation. Keeps a reference to
// the tokenizer. Thread-safe.
class CausalEncoder {
 public:
  // InvalidArgument if the tokenizer has no end token or joins the mark with what follows.
  static absl::StatusOr<CausalEncoder> Create(const text::Tokenizer& tokenizer,
                                              const CausalOptions& options);

  // The tokens of "<input> <mark>". If a prompt is too long, the input's end is cut.
  std::vector<int32_t> Prompt(const std::string& input) const;
  // The tokens of `output` after a prompt, with the end token.
  std::vector<int32_t> Response(const std::string& output) const;
  CausalExample Example(const std::string& input, const std::string& output) const;

 private:
  CausalEncoder(const text::Tokenizer& tokenizer, const CausalOptions& options);
  // `input` with the mark behind it.
  std::string Marked(const std::string& input) const;
  // Without the end token that some families put behind every text.
  std::vector<int32_t> Encode(const std::string& text) const;
  // The tokens of `text` behind `before`, those of its beginning.
  std::vector<int32_t> Continuation(const std::vector<int32_t>& before,
                                    const std::string& text) const;

  const text::Tokenizer& tokenizer_;
  CausalOptions options_;
  std::vector<int32_t> mark_;  // its tokens, behind what begins every text
};

}  // namespace openp5::prompting

#endif  // OPENP5_PLATFORM_PROMPTING_CAUSAL_ENCODER_H_
