#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "checkpoints/checkpoint.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/torch_file.h"
#include "evaluators/evaluate.h"
#include "indexing/methods/collaborative.h"
#include "platform/base/file.h"
#include "platform/models/t5/t5.h"
#include "platform/recommenders/generative_recommender.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Shared;

constexpr double kTolerance = 2e-4;

absl::StatusOr<Json> ReadJson(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Json::parse(text);
}

// ML100K with OpenP5's own item index and one of the recorded checkpoints.
class GoldenEndToEndTest : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    OPENP5_SKIP_WITHOUT_SHARED();
    indexing_ = GetParam().first;
    folder_ = Shared("golden/07_end_to_end/" + indexing_);
    OPENP5_ASSERT_OK_AND_ASSIGN(const Json recorded, ReadJson(folder_ + "/metrics.json"));
    run_ = recorded["runs"][GetParam().second];
    if (run_.is_null()) GTEST_SKIP() << "not recorded for " << indexing_;
    OpenPrompts();
    OpenData();
    OpenModel();
  }

  void OpenPrompts() {
    OPENP5_ASSERT_OK_AND_ASSIGN(const Json prompts,
                                ReadJson(Shared("golden/07_end_to_end/prompts.json")));
    std::string text;
    for (const Json& line : prompts["task; kind; input; output (file order)"]) {
      for (size_t i = 0; i < 4; ++i) {
        text += line[i].get<std::string>() + (i == 3 ? "\n" : "; ");
      }
    }
    OPENP5_ASSERT_OK_AND_ASSIGN(prompts_, datasets::PromptSet::Parse(text, "prompts.json"));
  }

  void OpenData() {
    const std::string data = Shared("data/ML100K");
    const std::string items = indexing_ == "sequential"
                                  ? "item_sequential_indexing_original.txt"
                                  : "item_collaborative_indexing_500_20_sequential.txt";
    OPENP5_ASSERT_OK_AND_ASSIGN(auto dataset, datasets::SequenceDataset::Open(data));
    indexing::IndexParameters parameters(indexing_);
    parameters.Of<indexing::CollaborativeOptions>().token_size = 500;
    OPENP5_ASSERT_OK_AND_ASSIGN(auto index,
                                indexing::ImportOpenP5Index(dataset, parameters, data + "/" + items,
                                                            data + "/user_indexing.txt"));
    OPENP5_ASSERT_OK_AND_ASSIGN(tokenizer_, text::OpenTokenizer(Shared("tokenizers/t5"), "t5"));
    OPENP5_ASSERT_OK(tokenizer_->AddTokens(index.AddedTokens()));
    OPENP5_ASSERT_OK_AND_ASSIGN(
        dataset_, indexing::IndexedDataset::Create(std::move(dataset), std::move(index), {}));
  }

  void OpenModel() {
    OPENP5_ASSERT_OK_AND_ASSIGN(const Json config, ReadJson(folder_ + "/config.json"));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto shape, models::T5Config::FromHuggingFace(config));
    NamedTensors weights;
    if (indexing_ == "sequential") {
      OPENP5_ASSERT_OK_AND_ASSIGN(
          weights, checkpoints::ReadTorchStateDict(folder_ + "/openp5_state_dict_fp16.pt"));
    } else {
      OPENP5_ASSERT_OK_AND_ASSIGN(auto folder, checkpoints::ReadHuggingFaceFolder(folder_));
      weights = std::move(folder.weights);
    }
    OPENP5_ASSERT_OK_AND_ASSIGN(model_, models::T5Model::FromStateDict(shape, weights));
    ASSERT_EQ(model_->config().vocab_size, tokenizer_->vocabulary_size());
  }

  EvaluationOptions Options() const {
    const std::string mode = run_["mode"];
    return {.prompt = run_["prompt"],
            .filtered = mode == "filtered",
            .filtered_batch = mode == "filtered_batch",
            .beams = 10,
            .eval_batch_size = run_["batch_size"],
            .users = run_["users"],
            .max_length = run_["max_length"]};
  }

  // The recorded list holds `item` near rank `rank`: at it, or swapped with a neighbour whose score
  // is as good as equal (at the end, with one that is cut off).
  void ExpectSameList(const UserRanking& ranking, const Json& items, const Json& scores) {
    ASSERT_GE(ranking.items.size(), items.size());
    for (size_t rank = 0; rank < items.size(); ++rank) {
      const double score = scores[rank].get<double>();
      EXPECT_NEAR(ranking.scores[rank], score, kTolerance) << "rank " << rank;
      const std::string own = dataset_->writer().Candidate(ranking.items[rank]);
      bool found = false;
      for (size_t other = 0; other < items.size() && !found; ++other) {
        found = own == "ML100K item_" + items[other].get<std::string>() &&
                std::abs(scores[other].get<double>() - score) < kTolerance;
      }
      const double last = scores.back().get<double>();
      EXPECT_TRUE(found || std::abs(last - score) < kTolerance) << "rank " << rank << " " << own;
    }
  }

  void ExpectSameMetrics(const std::vector<MetricValue>& metrics, const Json& recorded) {
    ASSERT_EQ(metrics.size(), recorded.size());
    for (const MetricValue& metric : metrics) {
      EXPECT_NEAR(metric.value, recorded[metric.name].get<double>(),
                  2.0 / run_["users"].get<double>())
          << metric.name;
    }
  }

  std::string indexing_, folder_;
  Json run_;
  datasets::PromptSet prompts_ = datasets::DefaultPrompts();
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::unique_ptr<indexing::IndexedDataset> dataset_;
  std::unique_ptr<models::T5Model> model_;
};

TEST_P(GoldenEndToEndTest, ListsAndMetricsEqualOpenP5s) {
  const EvaluationOptions options = Options();
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, ParseMetrics(options.metrics));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto recommender, recommenders::GenerativeRecommender::Create(
                                                          {.model = model_.get(),
                                                           .tokenizer = tokenizer_.get(),
                                                           .datasets = {dataset_.get()},
                                                           .prompts = &prompts_,
                                                           .encoding = {.openp5_compat = true}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const RankingResult result, Evaluate(*recommender, /*dataset=*/0,
                                                                   "sequential", metrics, options));
  ASSERT_EQ(result.rankings.size(), run_["users"].get<size_t>());
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string lines,
                              ReadFile(StrCat(folder_, "/", GetParam().second, ".jsonl")));
  std::istringstream stream(lines);
  size_t user = 0;
  for (std::string line; std::getline(stream, line); ++user) {
    const Json expected = Json::parse(line);
    const UserRanking& ranking = result.rankings[user];
    SCOPED_TRACE(StrCat("user ", expected["user"].get<std::string>()));
    EXPECT_EQ(dataset_->user_numbers()[static_cast<size_t>(ranking.user)], expected["user"]);
    EXPECT_EQ(dataset_->writer().Candidate(ranking.target),
              "ML100K item_" + expected["target"].get<std::string>());
    const bool after = options.filtered_batch;
    ExpectSameList(ranking, expected[after ? "items_after_filter" : "items"],
                   expected[after ? "scores_after_filter" : "scores"]);
  }
  EXPECT_EQ(user, result.rankings.size());
  if (options.filtered_batch) {
    ExpectSameMetrics(result.unfiltered_metrics, run_["metrics"]);
    ExpectSameMetrics(result.metrics, run_["metrics_if_past_items_really_were_removed"]);
  } else {
    ExpectSameMetrics(result.metrics, run_["metrics"]);
  }
}

std::vector<std::pair<const char*, const char*>> Runs() {
  std::vector<std::pair<const char*, const char*>> runs;
  for (const char* indexing : {"sequential", "collaborative"}) {
    for (const char* run : {"test_seen0", "test_unseen0", "test_seen0_batch1", "filtered_seen0",
                            "filtered_unseen0", "filtered_batch_seen0"}) {
      runs.emplace_back(indexing, run);
    }
  }
  return runs;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenEndToEndTest, ::testing::ValuesIn(Runs()),
                         [](const auto& info) {
                           return std::string(info.param.first) + "_" + info.param.second;
                         });

}  // namespace
}  // namespace openp5::evaluators
