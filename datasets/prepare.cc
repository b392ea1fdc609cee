#include "datasets/prepare.h"

#include <algorithm>

#include "datasets/dataset_folder.h"
#include "datasets/sequence_order.h"
#include "platform/base/digest.h"
#include "platform/base/log.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::ordered_json;

std::string CountsText(const InteractionCounts& counts) {
  return StrCat(counts.users, " users, ", counts.items, " items, ", counts.interactions,
                " interactions");
}

std::string Comparison(const KnownResult& known, const InteractionCounts& counts,
                       std::string_view sequences) {
  if (known.sha256.empty() && known.git_blob.empty()) return kNotOfOpenP5;
  const bool same = known.sha256.empty() ? GitBlobIdOf(sequences) == known.git_blob
                                         : Sha256Of(sequences) == known.sha256;
  if (same) return "same bytes as OpenP5's";
  if (counts == known.counts) return "same counts, other order";
  return StrCat("other counts: expected ", CountsText(known.counts), "; got ", CountsText(counts));
}

// What the folder calls users and items: their raw ids, or numbers in the order of `sequences`.
class Names {
 public:
  Names(const IdTable& users, const IdTable& items, const OrderedSequences& sequences,
        bool renumber)
      : users_(users), items_(items), renumber_(renumber) {
    if (!renumber) return;
    number_.assign(static_cast<size_t>(items.size()), 0);
    int32_t last = 0;
    for (const int32_t item : sequences.items) {
      int32_t& number = number_[static_cast<size_t>(item)];
      if (number == 0) number = ++last;
    }
  }
  // A view of the table's id, or of the number, which is written into `*buffer`.
  std::string_view User(size_t place, int32_t user, std::string* buffer) const {
    if (!renumber_) return users_.Id(user);
    return *buffer = std::to_string(place + 1);
  }
  std::string_view Item(int32_t item, std::string* buffer) const {
    if (!renumber_) return items_.Id(item);
    return *buffer = std::to_string(number_[static_cast<size_t>(item)]);
  }

 private:
  const IdTable &users_, &items_;
  const bool renumber_;
  std::vector<int32_t> number_;  // by item
};

std::string SequencesText(const OrderedSequences& sequences, const Names& names,
                          bool final_newline) {
  std::string buffer;
  const auto write = [&](const auto& put) {
    for (size_t place = 0; place < sequences.users.size(); ++place) {
      put(names.User(place, sequences.users[place], &buffer));
      for (const int32_t item : sequences.Items(place)) {
        put(" ");
        put(names.Item(item, &buffer));
      }
      if (final_newline || place + 1 < sequences.users.size()) put("\n");
    }
  };
  // Measured first: grown bit by bit, the text would take twice its size.
  size_t size = 0;
  write([&](std::string_view part) { size += part.size(); });
  std::string text;
  text.reserve(size);
  write([&](std::string_view part) { text += part; });
  return text;
}

// What is said of items that the filter kept, under the folder's names. An item that is renumbered
// but not described still keeps its raw id.
std::vector<ItemMetadata> KeptItems(const IdTable& ids, const OrderedSequences& sequences,
                                    const Names& names, bool renumber,
                                    std::vector<ItemMetadata> items) {
  std::vector<bool> kept(static_cast<size_t>(ids.size()));
  for (const int32_t item : sequences.items) kept[static_cast<size_t>(item)] = true;
  std::vector<ItemMetadata> result;
  std::string buffer;
  for (ItemMetadata& item : items) {
    const std::optional<int32_t> number = ids.Find(item.item);
    if (!number || !kept[static_cast<size_t>(*number)]) continue;
    kept[static_cast<size_t>(*number)] = false;
    if (renumber) {
      item.more.insert(item.more.begin(), {"raw_id", item.item});
      item.item = names.Item(*number, &buffer);
    }
    result.push_back(std::move(item));
  }
  for (size_t number = 0; renumber && number < kept.size(); ++number) {
    if (!kept[number]) continue;
    const auto item = static_cast<int32_t>(number);
    result.push_back({.item = std::string(names.Item(item, &buffer)),
                      .title = "",
                      .more = {{"raw_id", std::string(ids.Id(item))}},
                      .categories = {}});
  }
  return result;
}

Json Describe(const std::string& name, const DatasetPreset& preset, TieOrder ties,
              const std::vector<SourceFile>& sources) {
  Json files = Json::array();
  for (const SourceFile& file : sources) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return {{"source", {{"dataset", name}, {"title", preset.title}, {"files", files}}},
          {"rule", preset.rule},
          {"order", preset.order == SequenceOrder::kGlobal ? "global" : "per-user"},
          {"ties", ties == TieOrder::kNumpy ? "numpy" : "stable"}};
}

// First and last time of what is left, in the loader's unit, and in seconds if that is known.
Json DescribeTimes(int64_t units, const Interactions& interactions) {
  const auto [first, last] =
      std::minmax_element(interactions.time.begin(), interactions.time.end());
  Json json = {{"time_span", {{"first", *first}, {"last", *last}, {"units_per_second", units}}}};
  if (units == 0) return json;
  const auto second = [&](int64_t time) { return time / units - (time % units < 0 ? 1 : 0); };
  json["first_time"] = second(*first);
  json["last_time"] = second(*last);
  return json;
}

// Seconds taken for milliseconds, or the reverse, put all events far off. The order is right all
// the same.
void WarnOfOddTimes(const std::string& name, int64_t units, const Interactions& interactions) {
  constexpr int64_t kYear1990 = 631'152'000, kYear2100 = 4'102'444'800;
  if (units == 0) return;
  const auto is_odd = [&](int64_t time) {
    const int64_t seconds = time / units;
    return seconds < kYear1990 || seconds > kYear2100;
  };
  const auto odd = std::count_if(interactions.time.begin(), interactions.time.end(), is_odd);
  if (odd == 0) return;
  LogWarning(StrCat(name, ": ", odd, " of ", interactions.size(),
                    " times lie outside 1990 to 2100 (", units,
                    " units a second); they are kept as they are"));
}

void LogUntitled(const std::string& name, const std::vector<ItemMetadata>& items, int64_t kept) {
  if (items.empty()) return;
  const auto titled = std::count_if(items.begin(), items.end(),
                                    [](const ItemMetadata& item) { return !item.title.empty(); });
  if (titled < kept) {
    LogInfo(StrCat(name, ": ", kept - titled, " of ", kept, " items have no title"));
  }
}

// Loaders replace what is not UTF-8 in texts.
void WarnOfReplacedText(const std::string& name, const std::vector<ItemMetadata>& items) {
  const auto is_replaced = [](std::string_view text) {
    return text.find("\xef\xbf\xbd") != std::string_view::npos;
  };
  const auto replaced = std::count_if(items.begin(), items.end(), [&](const ItemMetadata& item) {
    return is_replaced(item.title) ||
           std::any_of(item.more.begin(), item.more.end(),
                       [&](const auto& entry) { return is_replaced(entry.second); }) ||
           std::any_of(item.categories.begin(), item.categories.end(), is_replaced);
  });
  if (replaced == 0) return;
  LogWarning(StrCat(name, ": ", replaced, " of ", items.size(),
                    " item descriptions hold U+FFFD, which stands for bytes that are not UTF-8"));
}

// Filters, in place; what was left after each step.
std::string Filter(const DatasetPreset& preset, RawDataset* raw) {
  std::string steps = raw->steps.empty() ? "" : raw->steps + "; ";
  steps += StrCat("read ", CountsText(CountInteractions(raw->interactions)));
  const std::string core = preset.user_core == preset.item_core
                               ? StrCat(preset.user_core)
                               : StrCat("(", preset.user_core, ", ", preset.item_core, ")");
  for (const InteractionCounts& round :
       FilterKCore(preset.user_core, preset.item_core, &raw->interactions)) {
    steps += StrCat("; after a round of the ", core, "-core ", CountsText(round));
  }
  return steps;
}

}  // namespace

void PrepareOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit(
      {.name = "raw", .help = "raw files as downloaded: an archive, or a folder or file of it"},
      &raw);
  visitor.Visit({.name = "out", .help = "dataset folder to make; its name is used in prompts"},
                &out);
  visitor.Visit({.name = "ties",
                 .help = "order of rows with the same time: as NumPy's sort left them, as in the "
                         "file, or the dataset's own",
                 .choices = {"dataset", "numpy", "stable"}},
                &ties);
  visitor.Visit({.name = "max-bad-lines",
                 .help = "malformed lines to skip; the first five are shown (not with a plugin's "
                         "datasets)",
                 .minimum = 0},
                &max_bad_lines);
}

absl::StatusOr<Json> PrepareDataset(const std::string& name, const DatasetPreset& preset,
                                    const PrepareOptions& options) {
  OPENP5_RETURN_IF_ERROR(CheckMayWriteDataset(options.out, {options.raw}));
  OPENP5_ASSIGN_OR_RETURN(
      RawDataset raw, preset.load({.raw = options.raw, .max_bad_lines = options.max_bad_lines}));
  const std::string steps = Filter(preset, &raw);
  Interactions& interactions = raw.interactions;
  if (interactions.size() == 0) {
    return InvalidArgument(name, ": ", options.raw, ": no interactions: ", steps);
  }
  LogInfo(StrCat(name, ": ", steps));
  const int64_t time_units = raw.time_units_per_second.value_or(preset.time_units_per_second);
  WarnOfOddTimes(name, time_units, interactions);
  TieOrder ties = preset.ties;
  if (options.ties != "dataset") {
    ties = options.ties == "numpy" ? TieOrder::kNumpy : TieOrder::kStable;
  }
  const InteractionCounts counts = CountInteractions(interactions);
  const Json times = DescribeTimes(time_units, interactions);
  const OrderedSequences sequences = OrderSequences(interactions, preset.order, ties);
  interactions.DropRows();
  const Names names(interactions.users, interactions.items, sequences, preset.renumber);
  DatasetContent content{.sequences = SequencesText(sequences, names, preset.final_newline),
                         .items = KeptItems(interactions.items, sequences, names, preset.renumber,
                                            std::move(raw.items)),
                         .description = Describe(name, preset, ties, raw.files)};
  LogUntitled(name, content.items, counts.items);
  WarnOfReplacedText(name, content.items);
  content.description["users"] = counts.users;
  content.description["items"] = counts.items;
  content.description["interactions"] = counts.interactions;
  content.description.update(times);
  const std::string comparison = Comparison(preset.known, counts, content.sequences);
  if (comparison.starts_with("other counts")) LogWarning(StrCat(name, ": ", comparison));
  content.description["comparison"] = comparison;
  return WriteDatasetFolder(options.out, content);
}

}  // namespace openp5::datasets
