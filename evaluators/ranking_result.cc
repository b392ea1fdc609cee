#include "evaluators/ranking_result.h"

namespace openp5::evaluators {

std::vector<MetricValue> AverageMetrics(const std::vector<Metric>& metrics,
                                        const std::vector<UserRanking>& rankings) {
  MetricAverages averages(metrics);
  std::vector<uint8_t> relevance;
  for (const UserRanking& ranking : rankings) {
    relevance.clear();
    for (const int32_t item : ranking.items) relevance.push_back(item == ranking.target);
    averages.Add(relevance);
  }
  const std::vector<double> means = averages.Means();
  std::vector<MetricValue> values;
  for (size_t i = 0; i < metrics.size(); ++i) values.push_back({metrics[i].name, means[i]});
  return values;
}

}  // namespace openp5::evaluators
