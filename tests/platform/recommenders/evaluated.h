#ifndef OPENP5_TESTS_PLATFORM_RECOMMENDERS_EVALUATED_H_
#define OPENP5_TESTS_PLATFORM_RECOMMENDERS_EVALUATED_H_

#include <string>
#include <utility>
#include <vector>

#include "evaluators/evaluate.h"
#include "platform/base/random.h"
#include "platform/recommenders/recommender.h"
#include "tests/testing/testing.h"

namespace openp5::testing {

inline datasets::SequenceDataset ParseSequences(const std::string& text) {
  auto dataset = datasets::SequenceDataset::Parse("toy", text, "toy");
  EXPECT_TRUE(dataset.ok());
  return *std::move(dataset);
}

// `users` users with 3 to `longest` of `items` items, some more than once.
inline datasets::SequenceDataset RandomSequences(uint64_t seed, int users, uint64_t longest,
                                                 uint64_t items) {
  Random random(seed);
  std::string text;
  for (int user = 0; user < users; ++user) {
    text += StrCat("u", user);
    const uint64_t length = 3 + random.Below(longest - 2);
    for (uint64_t i = 0; i < length; ++i) text += StrCat(" i", random.Below(items));
    text += "\n";
  }
  return ParseSequences(text);
}

inline evaluators::RankingResult Evaluated(const recommenders::Recommender& recommender,
                                           const std::vector<std::string>& metrics,
                                           const evaluators::EvaluationOptions& options = {}) {
  auto result = evaluators::Evaluate(recommender, /*dataset=*/0, "sequential",
                                     *evaluators::ParseMetrics(metrics), options);
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_PLATFORM_RECOMMENDERS_EVALUATED_H_
