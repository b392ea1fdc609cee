#include "evaluators/report.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/text_table.h"

namespace openp5::evaluators {
namespace {

nlohmann::ordered_json MetricsToJson(const std::vector<MetricValue>& metrics) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const MetricValue& metric : metrics) json[metric.name] = metric.value;
  return json;
}

nlohmann::ordered_json StrataToJson(const std::vector<Stratum>& strata) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Stratum& stratum : strata) {
    nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
    for (const StratumValue& value : stratum.values) {
      metrics[value.metric] = {{"mean", value.mean},
                               {"interval", {value.interval.low, value.interval.high}}};
    }
    list.push_back({{"property", stratum.property},
                    {"name", stratum.name},
                    {"users", stratum.users},
                    {"share", stratum.share},
                    {"metrics", std::move(metrics)}});
  }
  return list;
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

int64_t EmptyLists(const RankingResult& result) {
  return std::count_if(result.rankings.begin(), result.rankings.end(),
                       [](const UserRanking& ranking) { return ranking.items.empty(); });
}

std::vector<std::string> TableRow(const RankingResult& result) {
  std::vector<std::string> row = {result.dataset,
                                  result.task,
                                  result.split,
                                  PromptName(result),
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
    if (!result.label.empty()) json["label"] = result.label;
    if (const int64_t empty = EmptyLists(result); empty > 0) json["empty_lists"] = empty;
    json["protocol"] = ProtocolToJson(result.protocol);
    if (!result.strata.empty()) json["strata"] = StrataToJson(result.strata);
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

std::string ProtocolLines(const std::vector<RankingResult>& results) {
  std::string text;
  std::set<std::string> said;
  for (const RankingResult& result : results) {
    const std::string line = ProtocolLine(result.protocol);
    if (said.insert(line).second) text += StrCat("protocol: ", OneLine(line), "\n");
    const int64_t empty = EmptyLists(result);
    if (empty == 0) continue;
    text += StrCat(OneLine(NameOf(result)), ": ", empty, " of ", result.rankings.size(),
                   " users have an empty list, which counts as a miss\n");
  }
  return text;
}

std::string StrataTable(const RankingResult& result) {
  if (result.strata.empty()) return "";
  std::vector<std::vector<std::string>> rows = {{"property", "part", "users", "share"}};
  for (const StratumValue& value : result.strata.front().values) rows[0].push_back(value.metric);
  for (const Stratum& stratum : result.strata) {
    std::vector<std::string>& row = rows.emplace_back();
    row = {stratum.property, stratum.name, std::to_string(stratum.users),
           absl::StrFormat("%.1f%%", 100 * stratum.share)};
    for (const StratumValue& value : stratum.values) {
      row.push_back(absl::StrFormat("%.4f (%.4f to %.4f)", value.mean, value.interval.low,
                                    value.interval.high));
    }
  }
  return StrCat("\n", OneLine(NameOf(result)), ", ", OneLine(result.dataset), ", ",
                OneLine(result.task), ", with 95% intervals:\n", TextTable(rows));
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
