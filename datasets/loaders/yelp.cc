#include "datasets/loaders/yelp.h"

#include <utility>

#include "datasets/loaders/date_time.h"
#include "datasets/loaders/json_lines.h"
#include "datasets/loaders/raw_reader.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

// Seconds since 1970, both ends included.
struct Window {
  int64_t first = INT64_MIN, last = INT64_MAX;
};

struct Release {
  int year;
  int64_t reviews;
};
constexpr Release kReleases[] = {
    {2018, 5'261'669}, {2020, 8'021'122}, {2021, 8'635'403}, {2022, 6'990'280}};

void WarnOfRelease(const std::string& dataset, int64_t reviews, int expected) {
  for (const Release& release : kReleases) {
    if (release.reviews != reviews || release.year == expected) continue;
    LogWarning(StrCat(dataset, ": ", reviews, " reviews: this is the release of ", release.year,
                      "; the known numbers are of ", expected, "'s"));
  }
}

absl::StatusOr<ItemMetadata> ParseBusiness(const ObjectFields& fields, const TextLines& lines) {
  enum { kId, kName, kCity, kCategories };
  ItemMetadata item;
  OPENP5_ASSIGN_OR_RETURN(item.item, fields.Id(kId, lines));
  if (fields.Has(kName)) {
    OPENP5_ASSIGN_OR_RETURN(const std::string_view name, fields.Text(kName, lines));
    item.title = WellFormedUtf8(name);
  }
  if (fields.Has(kCity)) {
    OPENP5_ASSIGN_OR_RETURN(const std::string_view city, fields.Text(kCity, lines));
    if (!city.empty()) item.more.emplace_back("city", WellFormedUtf8(city));
  }
  // A list in old releases, which then has no categories here.
  if (const auto categories = fields.Text(kCategories, lines); categories.ok()) {
    std::vector<std::string_view> names;
    SplitAt(*categories, ", ", &names);
    for (const std::string_view name : names) {
      if (!name.empty()) item.categories.push_back(WellFormedUtf8(name));
    }
  }
  return item;
}

absl::StatusOr<std::vector<ItemMetadata>> ReadBusinesses(const std::string& dataset,
                                                         const IdTable& items, RawReader* reader) {
  ItemCollector collector;
  OPENP5_ASSIGN_OR_RETURN(const int file, reader->Find("yelp_academic_dataset_business.json"));
  if (file < 0) {
    LogWarning(StrCat(dataset, ": no yelp_academic_dataset_business.json; items get no titles"));
    return collector.Take();
  }
  ObjectFields fields({"business_id", "name", "city", "categories"});
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(fields.Parse(line, lines));
    OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseBusiness(fields, lines));
    if (items.Find(item.item)) collector.Add(std::move(item), line, lines);
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader->ForEachLine(file, add));
  return collector.Take();
}

absl::StatusOr<RawDataset> Load(const std::string& dataset, int release, const Window& window,
                                const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open(dataset, options));
  OPENP5_ASSIGN_OR_RETURN(const int reviews, reader.Get("yelp_academic_dataset_review.json"));
  RawDataset result;
  ObjectFields fields({"user_id", "business_id", "date"});
  int64_t count = 0;
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(fields.Parse(line, lines));
    OPENP5_ASSIGN_OR_RETURN(const std::string user, fields.Id(0, lines));
    OPENP5_ASSIGN_OR_RETURN(const std::string business, fields.Id(1, lines));
    OPENP5_ASSIGN_OR_RETURN(const std::string_view date, fields.Text(2, lines));
    OPENP5_ASSIGN_OR_RETURN(const int64_t time, ParseDateTime(date, lines));
    ++count;
    if (time >= window.first && time <= window.last) result.interactions.Add(user, business, time);
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader.ForEachLine(reviews, add));
  WarnOfRelease(dataset, count, release);
  result.steps = StrCat(count, " reviews, ", result.interactions.size(), " of them in the window");
  OPENP5_ASSIGN_OR_RETURN(result.items,
                          ReadBusinesses(dataset, result.interactions.items, &reader));
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

}  // namespace

DatasetPreset Yelp() {
  DatasetPreset preset;
  preset.title = "Yelp Open Dataset (2022)";
  preset.rule =
      "every review is an interaction, repeats included; users and items with at least 5, repeated "
      "until nothing falls; all rows sorted by time, users in order of first appearance";
  preset.known = {.counts = {.users = 277631, .items = 112394, .interactions = 4250483},
                  .sha256 = "",
                  .git_blob = "511d2a078f4b76b8fd4bd20dac589b1344907001"};
  preset.load = [](const LoadOptions& options) { return Load("yelp", 2022, {}, options); };
  return preset;
}

DatasetPreset Yelp2019() {
  DatasetPreset preset;
  preset.title = "Yelp Open Dataset (2020), reviews of 2019";
  preset.rule =
      "every review from 2019-01-01 00:00:00 to 2019-12-31 00:00:00 is an interaction; users and "
      "items with at least 5, repeated until nothing falls; users as in the file, each one's rows "
      "sorted by time";
  preset.order = SequenceOrder::kPerUser;
  preset.ties = TieOrder::kStable;
  preset.load = [](const LoadOptions& options) {
    constexpr Window kWindow = {.first = 1'546'300'800, .last = 1'577'750'400};
    return Load("yelp-2019", 2020, kWindow, options);
  };
  return preset;
}

}  // namespace openp5::datasets
