#include "evaluators/result_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "datasets/text_lines.h"
#include "platform/base/file.h"
#include "platform/base/json.h"

namespace openp5::evaluators {
namespace {

using Json = nlohmann::json;

constexpr char kFormat[] = "openp5-result";
constexpr int64_t kVersion = 1;

// Where a mean and the values it is of may differ by rounding.
constexpr double kRounding = 1e-9;

absl::StatusOr<std::string> Text(const Json& json, const char* name, const std::string& where) {
  const auto found = json.find(name);
  if (found != json.end() && found->is_string()) return found->get<std::string>();
  return DataLoss(where, ": ", name, ": expected a text, got ",
                  found == json.end() ? "none" : JsonExcerpt(*found));
}

// Reads a file line by line: a header, then a line a user, and again.
class ResultReader {
 public:
  ResultReader(std::string file, std::vector<StoredResult>* results)
      : file_(std::move(file)), results_(results) {}

  absl::Status Read(std::string_view line, const std::string& where) {
    OPENP5_ASSIGN_OR_RETURN(const Json json, ParseJson(line, where));
    if (!json.is_object()) {
      return DataLoss(where, ": expected an object, got ", JsonExcerpt(json));
    }
    return missing_users() > 0 ? ReadUser(json, where) : ReadHeader(json, where);
  }
  absl::Status Finish() const {
    if (results_->empty()) return DataLoss(file_, ": expected at least one result, got none");
    if (missing_users() == 0) return CheckMeans(results_->back());
    return DataLoss(file_, ": expected ", missing_users(),
                    " more users at the end, got none; hint: the file is cut off");
  }

 private:
  int64_t missing_users() const {
    if (results_->empty()) return 0;
    return results_->back().protocol.users - static_cast<int64_t>(results_->back().users.size());
  }

  absl::Status ReadHeader(const Json& json, const std::string& where) {
    if (!results_->empty()) OPENP5_RETURN_IF_ERROR(CheckMeans(results_->back()));
    OPENP5_RETURN_IF_ERROR(CheckVersion(json, where));
    StoredResult result{.file = file_};
    const auto protocol = json.find("protocol");
    auto read = ProtocolFromJson(protocol == json.end() ? Json() : *protocol);
    if (!read.ok()) return Annotate(read.status(), where);
    result.protocol = *std::move(read);
    OPENP5_ASSIGN_OR_RETURN(result.method, Text(json, "method", where));
    OPENP5_ASSIGN_OR_RETURN(result.label, Text(json, "label", where));
    OPENP5_RETURN_IF_ERROR(ReadMetrics(json, where, &result));
    results_->push_back(std::move(result));
    return absl::OkStatus();
  }

  static absl::Status CheckVersion(const Json& json, const std::string& where) {
    OPENP5_ASSIGN_OR_RETURN(const std::string format, Text(json, "format", where));
    if (format != kFormat) {
      return DataLoss(where, ": format: expected ", kFormat, ", got ", JsonExcerpt(format),
                      "; hint: `openp5 evaluate --result-out` writes such files");
    }
    int64_t version = 0;
    if (!json.contains("version") || !ReadCount(json["version"], &version) || version < 1) {
      return DataLoss(where, ": version: expected a whole number of at least 1");
    }
    if (version > kVersion) {
      return DataLoss(where, ": version: expected at most ", kVersion, ", got ", version,
                      "; hint: a newer openp5 wrote the file");
    }
    return absl::OkStatus();
  }

  // "metrics" holds the values of all, "columns" names those that every user has one of. These
  // come first, in the order of the columns.
  absl::Status ReadMetrics(const Json& json, const std::string& where, StoredResult* result) {
    const auto metrics = json.find("metrics"), columns = json.find("columns");
    if (metrics == json.end() || !metrics->is_object() || columns == json.end() ||
        !columns->is_array()) {
      return DataLoss(where, ": expected an object 'metrics' and a list 'columns'");
    }
    columns_ = columns->size();
    for (const Json& name : *columns) {
      if (!name.is_string() || !metrics->contains(name.get<std::string>())) {
        return DataLoss(where, ": columns: expected names of metrics, got ", JsonExcerpt(name));
      }
      OPENP5_RETURN_IF_ERROR(AddMetric(name.get<std::string>(), *metrics, where, result));
    }
    if (result->metrics.size() != columns_) {
      return DataLoss(where, ": columns: expected each metric once, got one twice");
    }
    for (const auto& [name, value] : metrics->items()) {
      OPENP5_RETURN_IF_ERROR(AddMetric(name, *metrics, where, result));
    }
    return absl::OkStatus();
  }

  static absl::Status AddMetric(const std::string& name, const Json& metrics,
                                const std::string& where, StoredResult* result) {
    const bool is_known =
        std::any_of(result->metrics.begin(), result->metrics.end(),
                    [&](const MetricValue& metric) { return metric.name == name; });
    if (is_known) return absl::OkStatus();
    const Json& value = metrics[name];
    if (!value.is_number()) {
      return DataLoss(where, ": metrics: ", name, ": expected a number, got ", JsonExcerpt(value));
    }
    result->metrics.push_back({.name = name, .value = value.get<double>()});
    return absl::OkStatus();
  }

  absl::Status ReadUser(const Json& json, const std::string& where) {
    StoredResult& result = results_->back();
    OPENP5_ASSIGN_OR_RETURN(std::string user, Text(json, "user", where));
    OPENP5_ASSIGN_OR_RETURN(std::string target, Text(json, "target", where));
    const auto values = json.find("values");
    if (values == json.end() || !values->is_array() || values->size() != columns_ ||
        !std::all_of(values->begin(), values->end(),
                     [](const Json& value) { return value.is_number(); })) {
      return DataLoss(where, ": values: expected ", columns_, " numbers, got ",
                      values == json.end() ? "none" : JsonExcerpt(*values));
    }
    result.users.push_back(std::move(user));
    result.targets.push_back(std::move(target));
    for (size_t i = 0; i < columns_; ++i) {
      result.metrics[i].users.push_back((*values)[i].get<double>());
    }
    return absl::OkStatus();
  }

  // An edited or mixed-up file shows here.
  absl::Status CheckMeans(const StoredResult& result) const {
    for (const MetricValue& metric : result.metrics) {
      if (metric.users.empty()) continue;
      const double mean = std::accumulate(metric.users.begin(), metric.users.end(), 0.0) /
                          static_cast<double>(metric.users.size());
      if (std::abs(mean - metric.value) <= kRounding * std::max(1.0, std::abs(mean))) continue;
      return DataLoss(file_, ": ", result.label, ": ", metric.name,
                      ": expected the mean of the users' values, ", mean, ", got ", metric.value);
    }
    return absl::OkStatus();
  }

  const std::string file_;
  std::vector<StoredResult>* const results_;
  size_t columns_ = 0;  // how many of the last result's metrics have a value a user
};

}  // namespace

std::string ResultLines(const RankingResult& result, const datasets::SequenceDataset& dataset) {
  nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
  nlohmann::ordered_json columns = nlohmann::ordered_json::array();
  for (const MetricValue& metric : result.metrics) {
    metrics[metric.name] = metric.value;
    if (!metric.users.empty()) columns.push_back(metric.name);
  }
  const nlohmann::ordered_json header = {{"format", kFormat},
                                         {"version", kVersion},
                                         {"protocol", ProtocolToJson(result.protocol)},
                                         {"method", result.method},
                                         {"label", NameOf(result)},
                                         {"metrics", metrics},
                                         {"columns", columns}};
  std::string text = DumpJson(header) + "\n";
  for (size_t i = 0; i < result.rankings.size(); ++i) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const MetricValue& metric : result.metrics) {
      if (!metric.users.empty()) values.push_back(metric.users[i]);
    }
    const nlohmann::ordered_json line = {{"user", dataset.UserId(result.rankings[i].user)},
                                         {"target", dataset.ItemId(result.rankings[i].target)},
                                         {"values", std::move(values)}};
    text += DumpJson(line) + "\n";
  }
  return text;
}

absl::StatusOr<std::vector<StoredResult>> ReadResults(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<StoredResult> results;
  ResultReader reader(path, &results);
  OPENP5_RETURN_IF_ERROR(datasets::ForEachLine(
      text, path, "result", [&](std::string_view line, const datasets::TextLines& lines) {
        return reader.Read(line, lines.Where());
      }));
  OPENP5_RETURN_IF_ERROR(Annotate(reader.Finish(), "result"));
  return results;
}

}  // namespace openp5::evaluators
