#include "absl/strings/str_format.h"
#include "evaluators/evaluate.h"
#include "platform/recommenders/transitions_recommender.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::Shared;

// hit@5, hit@10 and ndcg@10 as an independent script prints them (plain Python, of its own author).
struct Recorded {
  const char* dataset;
  recommenders::TransitionsOptions options;
  const char *validation, *plain, *filtered;
};

TEST(TransitionsGoldenTest, EqualsTheIndependentScript) {
  OPENP5_SKIP_WITHOUT_SHARED();
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, ParseMetrics({"hit@5", "hit@10", "ndcg@10"}));
  for (const Recorded& recorded : std::vector<Recorded>{
           {"ML100K", {}, "0.0806 0.1485 0.0720", "0.0689 0.1230 0.0650", "0.1071 0.1888 0.0950"},
           {"LastFM", {}, "0.0495 0.0734 0.0420", "0.0330 0.0550 0.0300", "0.0339 0.0560 0.0309"},
           {"LastFM",
            {.window = 10, .decay = 0.7, .history_weight = 0.6},
            "0.0477 0.0844 0.0434",
            "0.0394 0.0587 0.0324",
            "0.0440 0.0606 0.0345"},
           {"Beauty",
            {},
            "0.0767 0.1008 0.0634",
            "0.0575 0.0792 0.0489",
            "0.0600 0.0814 0.0515"}}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto dataset,
        datasets::SequenceDataset::Open(Shared(StrCat("data/", std::string(recorded.dataset)))));
    const auto printed = [&](const EvaluationOptions& options) {
      const auto evaluated = Evaluate(*recommenders::MakeTransitions(dataset, recorded.options),
                                      /*dataset=*/0, "sequential", metrics, options);
      EXPECT_TRUE(evaluated.ok());
      const RankingResult& result = *evaluated;
      return absl::StrFormat("%.4f %.4f %.4f", result.metrics[0].value, result.metrics[1].value,
                             result.metrics[2].value);
    };
    EXPECT_EQ(printed({.split = datasets::Split::kValidation}), recorded.validation)
        << recorded.dataset;
    EXPECT_EQ(printed({}), recorded.plain) << recorded.dataset;
    EXPECT_EQ(printed({.filtered = true}), recorded.filtered) << recorded.dataset;
  }
}

}  // namespace
}  // namespace openp5::evaluators
