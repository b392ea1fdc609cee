#include "platform/prompting/encoded_text.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include "platform/base/status.h"

namespace openp5::prompting {

std::vector<EncodedText> EncodeBatch(const text::Tokenizer& tokenizer,
                                     std::span<const std::string> texts, int64_t max_tokens,
                                     text::EndTokenRule rule) {
  std::vector<std::vector<int32_t>> rows;
  rows.reserve(texts.size());
  for (const std::string& text : texts) {
    rows.push_back(tokenizer.Encode(text));
    text::Truncate(max_tokens, tokenizer.eos_id(), &rows.back());
  }
  std::vector<std::vector<int64_t>> words = text::WholeWordIdsOfBatch(tokenizer, rows, rule);
  std::vector<EncodedText> encoded(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) encoded[i] = {std::move(rows[i]), std::move(words[i])};
  return encoded;
}

models::PackedBatch Pack(std::span<const EncodedText* const> texts, c10::Device device) {
  OPENP5_CHECK(!texts.empty());
  models::PackedBatch batch;
  int64_t total = 0;
  for (const EncodedText* text : texts) {
    OPENP5_CHECK(!text->tokens.empty());
    batch.lengths.push_back(static_cast<int64_t>(text->tokens.size()));
    total += batch.lengths.back();
  }
  batch.tokens = at::empty({total}, at::kLong);
  int64_t* token = batch.tokens.mutable_data_ptr<int64_t>();
  const bool with_words = std::any_of(texts.begin(), texts.end(),
                                      [](const EncodedText* t) { return !t->whole_words.empty(); });
  if (with_words) batch.whole_words = at::zeros({total}, at::kLong);
  int64_t* word = with_words ? batch.whole_words.mutable_data_ptr<int64_t>() : nullptr;
  for (const EncodedText* text : texts) {
    token = std::copy(text->tokens.begin(), text->tokens.end(), token);
    if (word == nullptr) continue;
    std::copy(text->whole_words.begin(), text->whole_words.end(), word);
    word += text->tokens.size();
  }
  batch.tokens = batch.tokens.to(device);
  if (with_words) batch.whole_words = batch.whole_words.to(device);
  return batch;
}

}  // namespace openp5::prompting
