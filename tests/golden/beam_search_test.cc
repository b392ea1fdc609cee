#include "platform/decoding/beam_search.h"

#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "indexing/token_trie.h"
#include "platform/models/t5/t5.h"
#include "platform/tensor/safetensors.h"
#include "tests/golden/packing.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::PackInput;
using ::openp5::testing::Shared;

constexpr double kDuplicateScore = -1e8;  // anything below is a filling duplicate

nlohmann::json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

std::unique_ptr<models::T5Model> ReadModel(const std::string& folder) {
  const auto config = models::T5Config::FromHuggingFace(ReadJson(folder + "config.json"));
  const auto weights = ReadSafetensors(folder + "model.safetensors");
  EXPECT_THAT(weights, testing::IsOk());
  auto model = models::T5Model::FromStateDict(*config, *weights);
  EXPECT_THAT(model, testing::IsOk());
  return std::move(*model);
}

// Candidates without the decoder start token.
indexing::TokenTrie MakeTrie(const nlohmann::json& candidates) {
  std::vector<std::vector<int32_t>> sequences;
  for (const auto& candidate : candidates) {
    const auto ids = candidate.get<std::vector<int32_t>>();
    sequences.emplace_back(ids.begin() + 1, ids.end());
  }
  auto trie = indexing::TokenTrie::Create(sequences);
  EXPECT_THAT(trie, testing::IsOk());
  return std::move(*trie);
}

using Lists = std::vector<std::vector<decoding::Hypothesis>>;

// Every row's tokens must match, its score to 1e-4. Which item a row scored below -1e8 repeats is a
// tie: it only has to be such a row too.
void ExpectRows(const Lists& lists, const NamedTensors& outputs, const std::string& name,
                int64_t beams) {
  const at::Tensor sequences = *FindTensor(outputs, name + "_sequences");
  const at::Tensor* scores = FindTensor(outputs, name + "_scores");
  for (size_t user = 0; user < lists.size(); ++user) {
    ASSERT_EQ(static_cast<int64_t>(lists[user].size()), beams) << name << " prompt " << user;
    for (int64_t rank = 0; rank < beams; ++rank) {
      const decoding::Hypothesis& got = lists[user][static_cast<size_t>(rank)];
      const int64_t row = static_cast<int64_t>(user) * beams + rank;
      if (scores != nullptr) {
        const double expected = (*scores)[row].item<double>();
        if (expected < kDuplicateScore) {
          EXPECT_LT(got.score, kDuplicateScore) << name << " row " << row;
          continue;
        }
        EXPECT_NEAR(got.score, expected, 1e-4) << name << " row " << row;
      }
      std::vector<int32_t> wanted;
      for (int64_t i = 0; i < sequences.size(1); ++i)
        wanted.push_back(sequences[row][i].item<int32_t>());
      while (wanted.size() > 1 && wanted.back() == 0) wanted.pop_back();
      EXPECT_EQ(got.tokens, wanted) << name << " row " << row;
    }
  }
}

class GoldenBeamSearchTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    OPENP5_SKIP_WITHOUT_SHARED();
    const std::string folder = Shared("golden/06_beam_search/" + GetParam() + "/");
    model_ = ReadModel(folder);
    data_ = ReadJson(folder + "data.json");
    inputs_ = *ReadSafetensors(folder + "inputs.safetensors");
    outputs_ = *ReadSafetensors(folder + "outputs.safetensors");
    trie_ = std::make_unique<indexing::TokenTrie>(MakeTrie(data_["candidate_token_ids"]));
  }

  Lists Search(const models::PackedBatch& prompts, int64_t beams, int64_t max_length,
               std::vector<std::vector<int32_t>> excluded = {}) {
    auto lists = decoding::BeamSearch(*model_, prompts, *trie_, excluded,
                                      {.beams = beams, .max_length = max_length});
    EXPECT_THAT(lists, testing::IsOk());
    return *lists;
  }

  std::unique_ptr<models::T5Model> model_;
  nlohmann::json data_;
  NamedTensors inputs_, outputs_;
  std::unique_ptr<indexing::TokenTrie> trie_;
};

TEST_P(GoldenBeamSearchTest, GlobalTrie) {
  const models::PackedBatch prompts = PackInput(inputs_);
  for (const int64_t beams : {1, 5, 10, 20, 50}) {
    ExpectRows(Search(prompts, beams, 50), outputs_, "test_beams" + std::to_string(beams), beams);
  }
}

TEST_P(GoldenBeamSearchTest, FilteredBatch) {
  const models::PackedBatch prompts = PackInput(inputs_);
  const int64_t beams = FindTensor(outputs_, "filtered_batch_scores")->size(0) /
                        static_cast<int64_t>(prompts.lengths.size());
  ExpectRows(Search(prompts, beams, 30), outputs_, "filtered_batch", beams);
}

// The recorded runs had each prompt alone in its batch, so that its end token has whole-word id 0.
TEST_P(GoldenBeamSearchTest, Filtered) {
  models::PackedBatch prompts = PackInput(inputs_);
  std::map<std::string, int32_t> item_numbers;
  for (const auto& item : data_["items"])
    item_numbers.emplace(item.get<std::string>(), static_cast<int32_t>(item_numbers.size()));
  std::vector<std::vector<int32_t>> excluded;
  int64_t end = 0;
  for (size_t user = 0; user < prompts.lengths.size(); ++user) {
    end += prompts.lengths[user];
    prompts.whole_words[end - 1] = 0;
    excluded.emplace_back();
    for (const auto& item : data_["past_items"][user])
      excluded.back().push_back(item_numbers.at(item.get<std::string>()));
  }
  // Item numbers follow data_["items"], the order of the candidates.
  for (const int64_t beams : {5, 10, 20}) {
    ExpectRows(Search(prompts, beams, 30, excluded), outputs_,
               "filtered_beams" + std::to_string(beams), beams);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenBeamSearchTest,
                         ::testing::Values("sequential", "random", "collaborative"),
                         [](const auto& info) { return info.param; });

TEST(GoldenBeamSearchEdgeCasesTest, EveryCase) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Shared("golden/06_beam_search/edge_cases/");
  const auto model = ReadModel(folder);
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors inputs,
                              ReadSafetensors(folder + "inputs.safetensors"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors outputs,
                              ReadSafetensors(folder + "outputs.safetensors"));
  const models::PackedBatch prompts = PackInput(inputs);
  const nlohmann::json cases = ReadJson(folder + "cases.json");
  for (const auto& [name, c] : cases.items()) {
    SCOPED_TRACE(name);
    const indexing::TokenTrie trie = MakeTrie(c["candidates"]);
    decoding::BeamSearchOptions options{
        .beams = c["beams"], .max_length = c["max_length"], .pad_with_duplicates = true};
    OPENP5_ASSERT_OK_AND_ASSIGN(const Lists padded,
                                decoding::BeamSearch(*model, prompts, trie, {}, options));
    ExpectRows(padded, outputs, name, options.beams);

    // Without duplicates: the same rows as far as they are real, and no item twice.
    options.pad_with_duplicates = false;
    OPENP5_ASSERT_OK_AND_ASSIGN(const Lists real,
                                decoding::BeamSearch(*model, prompts, trie, {}, options));
    for (size_t user = 0; user < real.size(); ++user) {
      ASSERT_LE(real[user].size(), padded[user].size());
      for (size_t rank = 0; rank < padded[user].size(); ++rank) {
        const bool is_real = padded[user][rank].score > kDuplicateScore;
        ASSERT_EQ(is_real, rank < real[user].size());
        if (!is_real) continue;
        EXPECT_EQ(real[user][rank].tokens, padded[user][rank].tokens);
      }
    }
  }
}

}  // namespace
}  // namespace openp5
