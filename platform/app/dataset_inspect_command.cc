#include "platform/app/dataset_inspect_command.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_format.h"
#include "datasets/dataset_folder.h"
#include "datasets/loaders/date_time.h"
#include "datasets/statistics.h"
#include "platform/app/data_options.h"
#include "platform/app/format_options.h"
#include "platform/base/log.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string data_dir;
  std::vector<std::string> datasets;
  int64_t top = 10;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "data-dir", .help = "folder that holds a folder for each dataset"},
                  &data_dir);
    visitor.Visit({.name = "datasets", .help = "names of folders under --data-dir"}, &datasets);
    visitor.Visit({.name = "top", .help = "most frequent items to show", .minimum = 0}, &top);
  }
};

// What is said of one dataset, in both formats.
struct Report {
  std::string text;
  Json json;
};

void AddCounts(const datasets::SequenceDataset& dataset,
               const datasets::DatasetStatistics& statistics, Report* report) {
  absl::StrAppendFormat(
      &report->text,
      "%s\n  users         %d\n  items         %d\n  interactions  %d\n"
      "  sparsity      %.2f %%\n  items a user  shortest %d, median %g, mean %.2f, "
      "longest %d\n  sha256        %s\n",
      OneLine(dataset.name()), statistics.users, statistics.items, statistics.interactions,
      statistics.sparsity, statistics.shortest, statistics.median_length, statistics.mean_length,
      statistics.longest, dataset.digest());
  report->json = {{"dataset", dataset.name()},
                  {"users", statistics.users},
                  {"items", statistics.items},
                  {"interactions", statistics.interactions},
                  {"sparsity", statistics.sparsity},
                  {"sequence_length",
                   {{"min", statistics.shortest},
                    {"median", statistics.median_length},
                    {"mean", statistics.mean_length},
                    {"max", statistics.longest}}},
                  {"sha256", dataset.digest()}};
}

// null where it is not known, and then no line.
void AddTimeSpan(const std::optional<datasets::TimeSpan>& span, Report* report) {
  if (!span) {
    report->json["time_span"] = nullptr;
    return;
  }
  const std::string first = datasets::FormatDate(span->first);
  const std::string last = datasets::FormatDate(span->last);
  absl::StrAppendFormat(&report->text, "  time span     %s to %s (UTC)\n", first, last);
  report->json["time_span"] = {{"first_date", first},
                               {"last_date", last},
                               {"first_time", span->first},
                               {"last_time", span->last}};
}

// A line a range, with a bar of at most kLongestBar signs; every range with users has one.
void AddLengths(const std::vector<datasets::LengthRange>& ranges, Report* report) {
  constexpr int64_t kLongestBar = 40;
  int64_t most = 1;
  for (const datasets::LengthRange& range : ranges) most = std::max(most, range.users);
  report->text += "  users by items\n";
  for (const datasets::LengthRange& range : ranges) {
    const int64_t rounded = (range.users * kLongestBar + most / 2) / most;
    const int64_t bar = range.users == 0 ? 0 : std::max<int64_t>(1, rounded);
    absl::StrAppendFormat(&report->text, "  %8d to %-8d %9d%s%s\n", range.from, range.to,
                          range.users, bar > 0 ? "  " : "",
                          std::string(static_cast<size_t>(bar), '#'));
    report->json["length_histogram"].push_back(
        {{"from", range.from}, {"to", range.to}, {"users", range.users}});
  }
}

absl::Status AddTopItems(const datasets::SequenceDataset& dataset, const std::string& folder,
                         const std::vector<datasets::ItemCount>& items, Report* report) {
  OPENP5_ASSIGN_OR_RETURN(const auto titles, datasets::ReadItemTitles(folder));
  Json& json = report->json["top_items"] = Json::array();
  for (const datasets::ItemCount& entry : items) {
    const std::string id(dataset.ItemId(entry.item));
    const auto title = titles.find(id);
    const std::string shown = title == titles.end() ? "" : title->second;
    absl::StrAppendFormat(&report->text, "  %8d x %s%s%s\n", entry.count, OneLine(id),
                          shown.empty() ? "" : "  ", OneLine(shown));
    json.push_back({{"item", id}, {"count", entry.count}});
    if (!shown.empty()) json.back()["title"] = shown;
  }
  return absl::OkStatus();
}

absl::StatusOr<Report> Inspect(const datasets::SequenceDataset& dataset, const std::string& folder,
                               int64_t top) {
  const datasets::DatasetStatistics statistics = datasets::ComputeStatistics(dataset, top);
  OPENP5_ASSIGN_OR_RETURN(const auto span, datasets::ReadTimeSpan(folder));
  Report report;
  AddCounts(dataset, statistics, &report);
  AddTimeSpan(span, &report);
  AddLengths(statistics.length_ranges, &report);
  OPENP5_RETURN_IF_ERROR(AddTopItems(dataset, folder, statistics.top_items, &report));
  return report;
}

}  // namespace

absl::Status RunDatasetInspect(const std::vector<std::string>& arguments) {
  InspectOptions options;
  FormatOptions format;
  CommandLine line("dataset inspect",
                   "Say what is in prepared datasets: counts, dates, lengths, frequent items.");
  line.Add(&options);
  line.Add(&format);
  line.Require("data-dir");
  line.Require("datasets");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  DataOptions data;
  data.data_dir = options.data_dir;
  data.datasets = options.datasets;
  OPENP5_ASSIGN_OR_RETURN(const auto opened, data.OpenDatasets());
  std::string text;
  Json json = Json::array();
  for (size_t i = 0; i < opened.size(); ++i) {
    OPENP5_ASSIGN_OR_RETURN(
        Report report, Inspect(opened[i], data.DatasetFolder(options.datasets[i]), options.top));
    text += report.text;
    json.push_back(std::move(report.json));
  }
  return Print(format, text, json);
}

}  // namespace openp5::app
