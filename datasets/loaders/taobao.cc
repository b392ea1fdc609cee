#include "datasets/loaders/taobao.h"

#include "datasets/loaders/raw_reader.h"

namespace openp5::datasets {
namespace {

constexpr std::string_view kFields = "5 fields `user,item,category,behaviour,timestamp`";

absl::StatusOr<RawDataset> Load(const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open("taobao", options));
  OPENP5_ASSIGN_OR_RETURN(const int behaviour, reader.Get("UserBehavior.csv"));
  RawDataset result;
  std::vector<std::string_view> fields;
  int64_t count = 0;
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    SplitAt(line, ",", &fields);
    if (fields.size() != 5) return WrongFieldCount(lines, kFields, fields.size(), line);
    const std::string_view action = Trim(fields[3]);
    if (action != "buy" && action != "pv" && action != "cart" && action != "fav") {
      return InvalidArgument(lines.Where(), ": expected pv, buy, cart or fav, got '",
                             Excerpt(action), "'");
    }
    // Negative times are in the real data.
    OPENP5_ASSIGN_OR_RETURN(const int64_t time,
                            ParseInteger(fields[4], {"a timestamp in seconds"}, lines));
    ++count;
    if (action != "buy") return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"a user number"}, lines).status());
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[1], {"an item number"}, lines).status());
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[2], {"a category number"}, lines).status());
    Interactions& rows = result.interactions;
    rows.Add(Trim(fields[0]), Trim(fields[1]), time);
    if (rows.item.back() == static_cast<int32_t>(result.items.size())) {
      result.items.push_back({.item = std::string(Trim(fields[1])),
                              .title = "",
                              .more = {},
                              .categories = {std::string(Trim(fields[2]))}});
    }
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader.ForEachRow(behaviour, add));
  result.steps = StrCat(count, " rows, ", result.interactions.size(), " of them `buy`");
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

}  // namespace

DatasetPreset Taobao() {
  DatasetPreset preset;
  preset.title = "Taobao User Behavior";
  preset.rule =
      "every purchase row is an interaction, repeats included; users and items with at least 5 "
      "rows, "
      "repeated until nothing falls; all rows sorted by time, users in order of first appearance";
  preset.known = {.counts = {.users = 6104, .items = 4192, .interactions = 46337},
                  .sha256 = "7c46da9a897a97ea0f01f3ac972240366a2f8fb58bfce28fc06797500acf3a23",
                  .git_blob = "364f7d699a5247190928a7db301a4945d872e678"};
  preset.load = Load;
  return preset;
}

}  // namespace openp5::datasets
