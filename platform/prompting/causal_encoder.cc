#include "platform/prompting/causal_encoder.h"

#include <algorithm>

namespace openp5::prompting {

absl::StatusOr<CausalEncoder> CausalEncoder::Create(const text::Tokenizer& tokenizer,
                                                    const CausalOptions& options) {
  if (tokenizer.eos_id() < 0) {
    return InvalidArgument("tokenizer: expected an end token, which a response needs; got none");
  }
  const CausalEncoder encoder(tokenizer, options);
  const std::vector<int32_t>& mark = encoder.mark_;
  const std::vector<int32_t> more = encoder.Encode(options.mark + " a");
  if (more.size() <= mark.size() || !std::equal(mark.begin(), mark.end(), more.begin())) {
    return InvalidArgument("tokenizer: expected one that ends a token at '", options.mark,
                           "'; got one that joins it with what follows");
  }
  return encoder;
}

CausalEncoder::CausalEncoder(const text::Tokenizer& tokenizer, const CausalOptions& options)
    : tokenizer_(tokenizer), options_(options), mark_(Encode(options.mark)) {
  // Some tokenizers put a begin token before every text but the empty one.
  if (options.mark.empty() && Encode("a").front() == tokenizer.bos_id()) {
    mark_ = {tokenizer.bos_id()};
  }
}

std::string CausalEncoder::Marked(const std::string& input) const {
  return options_.mark.empty() ? input : StrCat(input, " ", options_.mark);
}

std::vector<int32_t> CausalEncoder::Encode(const std::string& text) const {
  std::vector<int32_t> tokens = tokenizer_.Encode(text);
  if (!tokens.empty() && tokens.back() == tokenizer_.eos_id()) tokens.pop_back();
  return tokens;
}

std::vector<int32_t> CausalEncoder::Continuation(const std::vector<int32_t>& before,
                                                 const std::string& text) const {
  const std::vector<int32_t> all = Encode(text);
  const auto [end, rest] = std::mismatch(before.begin(), before.end(), all.begin(), all.end());
  return {rest, all.end()};
}

std::vector<int32_t> CausalEncoder::Prompt(const std::string& input) const {
  if (options_.openp5_compat) return Encode(Marked(input) + " ");
  std::vector<int32_t> tokens = Encode(Marked(input));
  const auto limit = static_cast<size_t>(options_.max_tokens);
  if (options_.max_tokens <= 0 || tokens.size() <= limit) return tokens;
  const std::vector<int32_t> mark = Continuation(Encode("a"), Marked("a"));
  tokens = Encode(input);
  tokens.resize(limit > mark.size() ? limit - mark.size() : 0);
  tokens.insert(tokens.end(), mark.begin(), mark.end());
  return tokens;
}

std::vector<int32_t> CausalEncoder::Response(const std::string& output) const {
  std::vector<int32_t> tokens;
  if (options_.openp5_compat) {
    tokens = Encode(output);
    if (!tokens.empty() && tokens.front() == tokenizer_.bos_id()) tokens.erase(tokens.begin());
  } else {
    tokens = Continuation(mark_, options_.mark + " " + output);
  }
  tokens.push_back(tokenizer_.eos_id());
  return tokens;
}

CausalExample CausalEncoder::Example(const std::string& input, const std::string& output) const {
  CausalExample example;
  example.tokens = Prompt(input);
  example.first_label = example.tokens.size();
  if (!options_.openp5_compat) {
    const std::vector<int32_t> response = Response(output);
    example.tokens.insert(example.tokens.end(), response.begin(), response.end());
    return example;
  }
  example.tokens = Encode(Marked(input) + " " + output);
  example.tokens.push_back(tokenizer_.eos_id());
  if (options_.max_tokens > 0 && example.tokens.size() > static_cast<size_t>(options_.max_tokens)) {
    example.tokens.resize(static_cast<size_t>(options_.max_tokens));
  }
  example.first_label = std::min(example.first_label, example.tokens.size());
  return example;
}

}  // namespace openp5::prompting
