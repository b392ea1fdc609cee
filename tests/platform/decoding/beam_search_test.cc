#include "platform/decoding/beam_search.h"

#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "indexing/token_trie.h"
#include "platform/base/random.h"
#include "platform/models/llama/llama.h"
#include "platform/models/t5/t5.h"
#include "tests/testing/testing.h"

namespace openp5::decoding {
namespace {

using ::openp5::testing::StatusIs;
using Sequences = std::vector<std::vector<int32_t>>;

models::T5Config TinyConfig() {
  models::T5Config config;
  config.vocab_size = 24;
  config.d_model = 12;
  config.d_kv = 3;
  config.d_ff = 16;
  config.num_heads = 2;
  config.num_layers = config.num_decoder_layers = 1;
  return config;
}

models::PackedBatch Pack(const std::vector<std::vector<int32_t>>& rows) {
  std::vector<int64_t> tokens, lengths;
  for (const auto& row : rows) {
    tokens.insert(tokens.end(), row.begin(), row.end());
    lengths.push_back(static_cast<int64_t>(row.size()));
  }
  return {torch::tensor(tokens, at::kLong), at::Tensor(), lengths};
}

// Distinct sequences that end in token 1: a shared prefix of random length, then 1 to 4 tokens, so
// that some are prefixes of others but for their end.
Sequences RandomSequences(Random& random) {
  std::vector<int32_t> prefix(random.Below(3));
  for (int32_t& token : prefix) token = static_cast<int32_t>(2 + random.Below(20));
  std::set<std::vector<int32_t>> distinct;
  const size_t wanted = 1 + random.Below(12), alphabet = 2 + random.Below(4);
  for (int attempt = 0; attempt < 200 && distinct.size() < wanted; ++attempt) {
    std::vector<int32_t> sequence = prefix;
    for (size_t i = 1 + random.Below(4); i > 0; --i)
      sequence.push_back(static_cast<int32_t>(2 + random.Below(alphabet)));
    sequence.push_back(1);
    distinct.insert(sequence);
  }
  return {distinct.begin(), distinct.end()};
}

// A model under test, and a plain way to ask it.
struct Asked {
  std::unique_ptr<models::LanguageModel> model;
  // Log-probabilities of every token after `generated` (start token first), by full recomputation.
  std::function<std::vector<float>(const std::vector<int32_t>& prompt,
                                   const std::vector<int32_t>& generated)>
      scores;
  bool is_causal = false;

  int32_t StartToken(const std::vector<int32_t>& prompt) const {
    return is_causal ? prompt.back() : 0;
  }
};

std::vector<float> LastScores(const at::Tensor& logits) {
  const at::Tensor scores = at::log_softmax(logits, -1)[0].contiguous();
  return {scores.data_ptr<float>(), scores.data_ptr<float>() + scores.numel()};
}

Asked MakeT5(uint64_t seed) {
  auto model = models::T5Model::Create(TinyConfig(), seed);
  models::T5Model* t5 = model.get();
  return {std::move(model), [t5](const auto& prompt, const auto& generated) {
            const at::NoGradGuard no_gradients;
            std::vector<int32_t> labels(generated.begin() + 1, generated.end());
            labels.push_back(1);
            const models::PackedBatch input = Pack({prompt});
            const at::Tensor hidden = t5->Decode(input, t5->Encode(input), Pack({labels}));
            return LastScores(t5->Logits(hidden.narrow(0, hidden.size(0) - 1, 1)));
          }};
}

Asked MakeLlama(uint64_t seed) {
  const models::LlamaConfig config{.vocab_size = 24,
                                   .hidden_size = 12,
                                   .intermediate_size = 20,
                                   .num_hidden_layers = 2,
                                   .num_attention_heads = 4,
                                   .num_key_value_heads = seed % 2 == 0 ? 2 : 1,
                                   .head_dim = 4,
                                   .initializer_range = 0.4};
  auto model = models::LlamaModel::Create(config, seed);
  models::LlamaModel* llama = model.get();
  return {std::move(model),
          [llama](const auto& prompt, const auto& generated) {
            const at::NoGradGuard no_gradients;
            std::vector<int32_t> text = prompt;
            text.insert(text.end(), generated.begin() + 1, generated.end());
            const at::Tensor hidden = llama->Forward(Pack({text}));
            return LastScores(llama->Logits(hidden.narrow(0, hidden.size(0) - 1, 1)));
          },
          /*is_causal=*/true};
}

struct Plain {
  std::vector<int32_t> tokens;
  float score;
};

// The search as Hugging Face writes it down, for one prompt: a fixed number of beams of which all
// but the first start at -1e9, no cache, no tree.
std::vector<Plain> PlainBeamSearch(const Asked& asked, const std::vector<int32_t>& prompt,
                                   const Sequences& allowed, const BeamSearchOptions& options) {
  struct Candidate {
    size_t beam;
    int32_t token;
    float sum;
  };
  const auto beams = static_cast<size_t>(options.beams);
  const auto score_length = [&](size_t length) {
    return static_cast<float>(static_cast<int64_t>(length) + options.added_score_length);
  };
  std::vector<Plain> live(beams, {{asked.StartToken(prompt)}, -1e9f}), finished;
  live[0].score = 0;
  const auto keep = [&](Plain hypothesis) {
    finished.push_back(std::move(hypothesis));
    if (finished.size() > beams)
      finished.erase(std::min_element(finished.begin(), finished.end(),
                                      [](auto& a, auto& b) { return a.score < b.score; }));
  };
  bool done = false;
  while (!done && live[0].tokens.size() < static_cast<size_t>(options.max_length)) {
    std::vector<Candidate> candidates;
    for (size_t b = 0; b < live.size(); ++b) {
      std::set<int32_t> next;
      for (const auto& sequence : allowed) {
        const size_t length = live[b].tokens.size() - 1;
        if (sequence.size() > length &&
            std::equal(live[b].tokens.begin() + 1, live[b].tokens.end(), sequence.begin()))
          next.insert(sequence[length]);
      }
      if (next.empty()) continue;
      const std::vector<float> scores = asked.scores(prompt, live[b].tokens);
      for (const int32_t token : next)
        candidates.push_back({b, token, live[b].score + scores[static_cast<size_t>(token)]});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](auto& a, auto& b) { return a.sum > b.sum; });
    const size_t length = live[0].tokens.size();
    std::vector<Plain> next;
    for (size_t rank = 0; rank < std::min(candidates.size(), 2 * beams) && next.size() < beams;
         ++rank) {
      Plain longer = live[candidates[rank].beam];
      longer.tokens.push_back(candidates[rank].token);
      longer.score = candidates[rank].sum;
      if (candidates[rank].token != 1) {
        next.push_back(longer);
      } else if (rank < beams) {
        keep({longer.tokens, longer.score / score_length(length)});
      }
    }
    live = std::move(next);
    if (live.empty()) return finished;
    float worst = 1e30f;
    for (const Plain& hypothesis : finished) worst = std::min(worst, hypothesis.score);
    done = finished.size() == beams &&
           worst >= candidates[0].sum / score_length(length + (options.late_stop_length ? 1 : 0));
  }
  if (!done) {
    for (const Plain& beam : live)
      keep({beam.tokens, beam.score / score_length(beam.tokens.size())});
  }
  return finished;
}

std::map<std::vector<int32_t>, float> RealOnes(const std::vector<Plain>& list) {
  std::map<std::vector<int32_t>, float> real;
  for (const Plain& hypothesis : list) {
    if (hypothesis.score > -1e7f) real.emplace(hypothesis.tokens, hypothesis.score);
  }
  return real;
}

void ExpectSame(const std::vector<Hypothesis>& got,
                const std::map<std::vector<int32_t>, float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const auto found = expected.find(got[i].tokens);
    ASSERT_NE(found, expected.end()) << "rank " << i;
    EXPECT_NEAR(got[i].score, found->second, 1e-4);
    if (i > 0) {
      EXPECT_LE(got[i].score, got[i - 1].score);
    }
  }
}

// Fewer items than beams, identifiers of different lengths and ones that begin others are among
// them.
void ExpectEqualOnRandomTries(Asked (*make)(uint64_t seed), bool late, uint64_t seed) {
  Random random(seed);
  for (uint64_t round = 0; round < 250; ++round) {
    SCOPED_TRACE(round);
    const Asked asked = make(round);
    const Sequences sequences = RandomSequences(random);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
    std::vector<std::vector<int32_t>> prompts(1 + random.Below(3));
    for (auto& prompt : prompts) {
      prompt.resize(1 + random.Below(6));
      for (int32_t& token : prompt) token = static_cast<int32_t>(2 + random.Below(20));
    }
    const BeamSearchOptions options{
        .beams = static_cast<int64_t>(1 + random.Below(6)),
        .max_length = static_cast<int64_t>(4 + random.Below(8)),
        .added_score_length = late ? static_cast<int64_t>(random.Below(9)) : 0,
        .late_stop_length = late};
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto lists,
                                BeamSearch(*asked.model, Pack(prompts), trie, {}, options));
    for (size_t i = 0; i < prompts.size(); ++i) {
      ExpectSame(lists[i], RealOnes(PlainBeamSearch(asked, prompts[i], sequences, options)));
    }
  }
}

TEST(BeamSearchTest, EqualsThePlainSearchOnRandomTriesAndBatches) {
  ExpectEqualOnRandomTries(MakeT5, /*late=*/false, 7);
}

TEST(BeamSearchTest, EqualsThePlainSearchOfACausalModel) {
  ExpectEqualOnRandomTries(MakeLlama, /*late=*/true, 8);
}

TEST(BeamSearchTest, WithABeamForEveryItemScoresEveryItem) {
  const Asked asked = MakeT5(11);
  Sequences sequences;
  for (int32_t a = 2; a < 6; ++a) {
    for (int32_t b = 2; b < 6; ++b) sequences.push_back({9, a, b, 1});
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
  const std::vector<int32_t> prompt = {5, 7, 3};
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto lists,
                              BeamSearch(*asked.model, Pack({prompt}), trie, {}, {.beams = 16}));
  std::map<std::vector<int32_t>, float> exhaustive;
  for (const auto& sequence : sequences) {
    std::vector<int32_t> tokens = {0};
    float sum = 0;
    for (const int32_t token : sequence) {
      sum += asked.scores(prompt, tokens)[static_cast<size_t>(token)];
      tokens.push_back(token);
    }
    exhaustive.emplace(tokens, sum / static_cast<float>(sequence.size()));
  }
  ExpectSame(lists[0], exhaustive);
}

TEST(BeamSearchTest, ExcludedItemsAreAsIfTheyWereNotThere) {
  Random random(5);
  for (int round = 0; round < 15; ++round) {
    SCOPED_TRACE(round);
    const Asked asked = MakeT5(static_cast<uint64_t>(100 + round));
    const BeamSearchOptions options{.beams = 4, .max_length = 12};
    const Sequences sequences = RandomSequences(random);
    std::vector<int32_t> excluded;
    Sequences rest;
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (random.Below(2) == 0)
        excluded.push_back(static_cast<int32_t>(i));
      else
        rest.push_back(sequences[i]);
    }
    const std::vector<std::vector<int32_t>> all_excluded = {excluded};
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto lists, BeamSearch(*asked.model, Pack({{4, 5}}), trie, all_excluded, options));
    if (rest.empty()) {
      EXPECT_TRUE(lists[0].empty());
    } else {
      ExpectSame(lists[0], RealOnes(PlainBeamSearch(asked, {4, 5}, rest, options)));
    }
  }
}

TEST(BeamSearchTest, NormalisingOverAllowedTokensMakesItemsSumToOne) {
  const auto model = models::T5Model::Create(TinyConfig(), 12);
  const Sequences sequences = {{9, 2, 1}, {9, 3, 1}, {9, 4, 1}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto lists,
      BeamSearch(*model, Pack({{5, 7}}), trie, {}, {.beams = 3, .normalize_over_allowed = true}));
  double sum = 0;
  for (const Hypothesis& hypothesis : lists[0]) sum += std::exp(hypothesis.score * 3);
  EXPECT_NEAR(sum, 1, 1e-4);
}

TEST(BeamSearchTest, RefusesSenselessOptions) {
  const auto model = models::T5Model::Create(TinyConfig(), 13);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(Sequences{{2, 1}}));
  EXPECT_THAT(BeamSearch(*model, Pack({{4}}), trie, {}, {.beams = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("at least 1")));
  const std::vector<std::vector<int32_t>> two(2);
  EXPECT_THAT(
      BeamSearch(*model, Pack({{4}}), trie, two, {}),
      StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("1 prompts, got 2")));
}

TEST(BeamSearchTest, ScoresThatAreNoNumbersAreAnError) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Sequences sequences = {{2, 3, 1}, {2, 4, 1}, {5, 1}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    for (const Asked& asked : {MakeT5(1), MakeLlama(1)}) {
      for (const auto& [name, tensor] : asked.model->parameters()) {
        if (name.ends_with("final_layer_norm.weight") || name == "model.norm.weight")
          tensor.detach()[0] = wrong;
      }
      for (const bool over_allowed : {false, true}) {
        EXPECT_THAT(BeamSearch(*asked.model, Pack({{7, 8}}), trie, {},
                               {.beams = 3, .normalize_over_allowed = over_allowed}),
                    StatusIs(absl::StatusCode::kFailedPrecondition,
                             ::testing::HasSubstr("expected finite scores")));
      }
    }
  }
}

}  // namespace
}  // namespace openp5::decoding
