#include "datasets/prepare.h"

#include <algorithm>

#include "datasets/dataset_folder.h"
#include "datasets/sequence_order.h"
#include "platform/base/digest.h"

namespace openp5::datasets {
namespace {

std::string CountsText(const InteractionCounts& counts) {
  return StrCat(counts.users, " users, ", counts.items, " items, ", counts.interactions,
                " interactions");
}

std::string Comparison(const DatasetPreset& preset, const InteractionCounts& counts,
                       std::string_view sequences) {
  if (preset.known_sha256.empty()) return kNotOfOpenP5;
  if (Sha256Of(sequences) == preset.known_sha256) return "same bytes as OpenP5's";
  if (counts == preset.known_counts) return "same counts, other order";
  return StrCat("other counts: expected ", CountsText(preset.known_counts), "; got ",
                CountsText(counts));
}

// Only what is said of items that the filter kept.
std::vector<ItemMetadata> KeptItems(const Interactions& interactions,
                                    std::vector<ItemMetadata> items) {
  std::vector<bool> kept(static_cast<size_t>(interactions.items.size()));
  for (const int32_t item : interactions.item) kept[static_cast<size_t>(item)] = true;
  std::erase_if(items, [&](const ItemMetadata& item) {
    const std::optional<int32_t> number = interactions.items.Find(item.item);
    return !number || !kept[static_cast<size_t>(*number)];
  });
  return items;
}

nlohmann::ordered_json Describe(const std::string& name, const DatasetPreset& preset,
                                const PrepareOptions& options, const RawDataset& raw) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const SourceFile& file : raw.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return {{"source", {{"dataset", name}, {"title", preset.title}, {"files", files}}},
          {"rule", preset.rule},
          {"order", "global"},
          {"ties", options.ties}};
}

// First and last time of what is left, and the unit.
nlohmann::ordered_json TimeSpan(const DatasetPreset& preset, const Interactions& interactions) {
  const auto [first, last] =
      std::minmax_element(interactions.time.begin(), interactions.time.end());
  return {{"first", *first}, {"last", *last}, {"units_per_second", preset.time_units_per_second}};
}

}  // namespace

void PrepareOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "raw", .help = "raw files as downloaded: an archive, or a folder or file of it"}, &raw);
  visitor.Visit({.name = "out", .help = "dataset folder to make; its name is used in prompts"},
                &out);
  visitor.Visit({.name = "ties",
                 .help = "order of rows with the same time: as OpenP5's sort left them, or as in "
                         "the file",
                 .choices = {"numpy", "stable"}},
                &ties);
}

absl::StatusOr<nlohmann::ordered_json> PrepareDataset(const std::string& name,
                                                      const DatasetPreset& preset,
                                                      const PrepareOptions& options) {
  OPENP5_RETURN_IF_ERROR(CheckMayWriteDataset(options.out));
  OPENP5_ASSIGN_OR_RETURN(RawDataset raw, preset.load(options.raw));
  std::string steps = StrCat("read ", CountsText(CountInteractions(raw.interactions)));
  for (const InteractionCounts& round : FilterKCore(preset.core, &raw.interactions)) {
    steps += StrCat("; after a round of the ", preset.core, "-core ", CountsText(round));
  }
  if (raw.interactions.size() == 0) {
    return InvalidArgument(name, ": ", options.raw, ": no interactions: ", steps);
  }
  const InteractionCounts counts = CountInteractions(raw.interactions);
  DatasetContent content{
      .sequences = GlobalOrderText(raw.interactions,
                                   options.ties == "numpy" ? TieOrder::kNumpy : TieOrder::kStable),
      .items = KeptItems(raw.interactions, std::move(raw.items)),
      .description = Describe(name, preset, options, raw)};
  content.description["users"] = counts.users;
  content.description["items"] = counts.items;
  content.description["interactions"] = counts.interactions;
  content.description["time_span"] = TimeSpan(preset, raw.interactions);
  content.description["comparison"] = Comparison(preset, counts, content.sequences);
  return WriteDatasetFolder(options.out, content);
}

}  // namespace openp5::datasets
