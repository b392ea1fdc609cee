#include "evaluators/report.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "platform/base/json.h"
#include "platform/base/text_table.h"

namespace openp5::evaluators {
namespace {

nlohmann::ordered_json MetricsToJson(const std::vector<MetricValue>& metrics) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const MetricValue& metric : metrics) json[metric.name] = metric.value;
  return json;
}

double UsersPerSecond(const std::vector<RankingResult>& results) {
  double seconds = 0, users = 0;
  for (const RankingResult& result : results) {
    if (result.method != "model") continue;
    seconds += result.seconds;
    users += static_cast<double>(result.rankings.size());
  }
  return seconds > 0 ? users / seconds : 0;
}

// The prompt's name and what tells its text from others of that name.
std::string PromptCell(const RankingResult& result) {
  if (result.prompt_digest.empty()) return result.prompt;
  return StrCat(result.prompt, "@", result.prompt_digest);
}

std::vector<std::string> TableRow(const RankingResult& result) {
  std::vector<std::string> row = {result.dataset,
                                  result.task,
                                  result.split,
                                  PromptCell(result),
                                  result.method,
                                  result.filter,
                                  std::to_string(result.rankings.size())};
  for (const MetricValue& metric : result.metrics) {
    row.push_back(absl::StrFormat("%.4f", metric.value));
  }
  return row;
}

}  // namespace

nlohmann::ordered_json ResultsToJson(const std::vector<RankingResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const RankingResult& result : results) {
    nlohmann::ordered_json json = {{"dataset", result.dataset},
                                   {"task", result.task},
                                   {"split", result.split},
                                   {"prompt", result.prompt},
                                   {"filtered", result.filter != "none"},
                                   {"users", result.rankings.size()},
                                   {"metrics", MetricsToJson(result.metrics)},
                                   {"method", result.method},
                                   {"filter", result.filter},
                                   {"score_normalization", result.score_normalization}};
    if (!result.prompt_digest.empty()) json["prompt_digest"] = result.prompt_digest;
    if (!result.unfiltered_metrics.empty()) {
      json["unfiltered_metrics"] = MetricsToJson(result.unfiltered_metrics);
    }
    list.push_back(std::move(json));
  }
  return {{"results", std::move(list)}, {"users_per_second", UsersPerSecond(results)}};
}

std::string ResultsTable(const std::vector<RankingResult>& results) {
  if (results.empty()) return "";
  std::vector<std::vector<std::string>> rows = {
      {"dataset", "task", "split", "prompt", "method", "filter", "users"}};
  for (const MetricValue& metric : results.front().metrics) rows[0].push_back(metric.name);
  for (const RankingResult& result : results) rows.push_back(TableRow(result));
  return TextTable(rows);
}

std::string TopkLines(const RankingResult& result, const datasets::SequenceDataset& dataset) {
  std::string text;
  for (const UserRanking& ranking : result.rankings) {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    for (const int32_t item : ranking.items) {
      if (item < 0) {
        items.push_back(nullptr);
      } else {
        items.push_back(dataset.ItemId(item));
      }
    }
    const nlohmann::ordered_json line = {{"dataset", result.dataset},
                                         {"task", result.task},
                                         {"user", dataset.UserId(ranking.user)},
                                         {"target", dataset.ItemId(ranking.target)},
                                         {"items", std::move(items)},
                                         {"scores", ranking.scores}};
    // Raw ids are whatever bytes a dataset has: what is no UTF-8 must not stop the report.
    text += DumpJson(line) + "\n";
  }
  return text;
}

}  // namespace openp5::evaluators
