#include "evaluators/metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "platform/base/file.h"
#include "tests/evaluators/toy_lists.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Shared;

// The list of user `user` of a case as OpenP5 orders it: by score, equal scores as they came, past
// items skipped until k are kept.
std::vector<uint8_t> RankedRelevance(const Json& c, size_t user) {
  const bool filtered = c["kind"] == "rel_results_filtered";
  const size_t length = filtered ? c["beams"] : c["k"];
  std::vector<size_t> order(length);
  std::iota(order.begin(), order.end(), user * length);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return c["scores"][a].get<double>() > c["scores"][b].get<double>();
  });
  std::set<std::string> past;
  if (filtered) {
    const std::string name = c["id2user"][std::to_string(c["user_index"][user].get<int>())];
    for (const auto& item : c["past_items"][name]) past.insert(item.get<std::string>());
  }
  std::vector<uint8_t> relevance;
  for (const size_t i : order) {
    if (relevance.size() == c["k"].get<size_t>()) break;
    if (past.contains(c["predictions"][i])) continue;
    relevance.push_back(c["predictions"][i] == c["targets"][user]);
  }
  return relevance;
}

TEST(GoldenMetricsTest, EqualOpenP5s) {
  OPENP5_SKIP_WITHOUT_SHARED();
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string text,
                              ReadFile(Shared("golden/09_metrics/metric_cases.json")));
  const Json cases = Json::parse(text);
  ASSERT_GE(cases.size(), 40u);
  const auto dataset = datasets::SequenceDataset::Parse("toy", "u a b c\n", "toy");
  for (const Json& c : cases) {
    SCOPED_TRACE(c["name"].get<std::string>());
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, ParseMetrics(c["metrics"]));
    std::vector<std::vector<int32_t>> lists;
    for (size_t user = 0; user < c["relevance"].size(); ++user) {
      const auto relevance = c["relevance"][user].get<std::vector<uint8_t>>();
      if (c.contains("predictions")) {
        EXPECT_EQ(RankedRelevance(c, user), relevance);
      }
      lists.emplace_back(relevance.begin(), relevance.end());
    }
    ASSERT_EQ(static_cast<int64_t>(lists.size()), c["users"].get<int64_t>());
    const auto values = Measure(metrics, {*dataset, openp5::testing::ListsOf(lists)});
    for (size_t i = 0; i < metrics.size(); ++i) {
      const auto& users = values[i].users;
      EXPECT_NEAR(std::accumulate(users.begin(), users.end(), 0.0), c["sums"][i].get<double>(),
                  1e-12)
          << metrics[i].name;
      EXPECT_NEAR(values[i].value, c["means"][i].get<double>(), 1e-12) << metrics[i].name;
    }
  }
}

}  // namespace
}  // namespace openp5::evaluators
