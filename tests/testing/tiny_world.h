#ifndef OPENP5_TESTS_TESTING_TINY_WORLD_H_
#define OPENP5_TESTS_TESTING_TINY_WORLD_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datasets/prompts.h"
#include "indexing/indexed_dataset.h"
#include "platform/models/llama/llama.h"
#include "platform/models/t5/t5.h"
#include "platform/text/tokenizer.h"
#include "tests/testing/testing.h"

namespace openp5::testing {

// Everything a test of training or evaluation needs, made in milliseconds: eight users of a dozen
// items, a tokenizer trained on their prompts, and an untrained model of two small layers.
struct TinyWorld {
  TinyWorld() {
    auto dataset = datasets::SequenceDataset::Parse("toy",
                                                    "u1 a b c d e f\n"
                                                    "u2 b c d e f g a\n"
                                                    "u3 c d e f g h i\n"
                                                    "u4 k l a b c\n"
                                                    "u5 a c e g i k b\n"
                                                    "u6 b d f h j l\n"
                                                    "u7 l k j i h\n"
                                                    "u8 a b a c d\n",
                                                    "toy");
    EXPECT_THAT(dataset, IsOk());
    auto index = indexing::BuildItemIndex(*dataset, indexing::IndexParameters("sequential"));
    EXPECT_THAT(index, IsOk());
    auto joined = indexing::IndexedDataset::Create(*std::move(dataset), *std::move(index), {});
    EXPECT_THAT(joined, IsOk());
    this->dataset = *std::move(joined);
    TrainTokenizer();
    models::T5Config config{.vocab_size = tokenizer->vocabulary_size(),
                            .d_model = 16,
                            .d_kv = 8,
                            .d_ff = 32,
                            .num_layers = 1,
                            .num_decoder_layers = 1,
                            .num_heads = 2};
    model = models::T5Model::Create(config, /*seed=*/3);
  }

  // A causal model takes the place of the T5.
  void UseLlama(bool with_lora) {
    models::LlamaConfig config{.vocab_size = tokenizer->vocabulary_size(),
                               .hidden_size = 16,
                               .intermediate_size = 24,
                               .num_hidden_layers = 2,
                               .num_attention_heads = 4,
                               .num_key_value_heads = 2,
                               .head_dim = 4};
    auto llama = models::LlamaModel::Create(config, /*seed=*/3);
    Random random(4);
    if (with_lora) {
      EXPECT_THAT(llama->AddLora({.rank = 2, .dropout = 0.1}, config.vocab_size, random), IsOk());
    }
    model = std::move(llama);
  }

  // The prompt of a user's question under the first seen template of `task`.
  std::string Input(const datasets::Position& position, const std::string& task) const {
    return dataset->writer().Write(*prompts.Seen(task).front(), position).input;
  }

  datasets::PromptSet prompts = datasets::DefaultPrompts();
  std::unique_ptr<indexing::IndexedDataset> dataset;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::unique_ptr<models::LanguageModel> model;

 private:
  void TrainTokenizer() {
    std::vector<std::string> sentences;
    for (const auto& prompt : prompts.templates()) sentences.push_back(prompt.input);
    for (int32_t item = 0; item < dataset->dataset().item_count(); ++item) {
      sentences.push_back(dataset->writer().Candidate(item));
    }
    const TemporaryFolder folder;
    EXPECT_THAT(text::TrainTokenizer(sentences, {.vocabulary_size = 200, .split_digits = true},
                                     folder.File("spiece.model")),
                IsOk());
    auto opened = text::OpenTokenizer(folder.File("spiece.model"), "t5");
    EXPECT_THAT(opened, IsOk());
    tokenizer = *std::move(opened);
  }
};

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_TESTING_TINY_WORLD_H_
