#include "datasets/loaders/lastfm.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "datasets/loaders/raw_reader.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

// Trailing fields may be missing; there are no quoting rules.
absl::StatusOr<ItemMetadata> ParseArtist(std::string_view line, const TextLines& lines) {
  std::vector<std::string_view> fields = SplitAt(line, '\t');
  if (fields.size() > 4 || fields.size() < 2) {
    return WrongFieldCount(lines, "2 to 4 fields `id name url pictureURL` separated by tabs",
                           fields.size(), line);
  }
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"an artist number"}, lines).status());
  ItemMetadata item{.item = std::string(Trim(fields[0])),
                    .title = WellFormedUtf8(fields[1]),
                    .more = {},
                    .categories = {}};
  if (fields.size() > 2 && !fields[2].empty()) {
    item.more.emplace_back("url", WellFormedUtf8(fields[2]));
  }
  return item;
}

absl::StatusOr<std::vector<ItemMetadata>> ReadArtists(RawReader* reader) {
  ItemCollector collector;
  OPENP5_ASSIGN_OR_RETURN(const int artists, reader->Find("artists.dat"));
  if (artists < 0) {
    LogWarning("lastfm: no artists.dat; items get no names");
    return collector.Take();
  }
  OPENP5_RETURN_IF_ERROR(reader->ForEachLineAfterHeader(
      artists, "id\tname", [&](std::string_view line, const TextLines& lines) -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseArtist(line, lines));
        collector.Add(std::move(item), line, lines);
        return absl::OkStatus();
      }));
  return collector.Take();
}

absl::StatusOr<RawDataset> Load(const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open("lastfm", options));
  OPENP5_ASSIGN_OR_RETURN(const int tags, reader.Get("user_taggedartists-timestamps.dat"));
  RawDataset result;
  Interactions& rows = result.interactions;
  absl::flat_hash_set<std::pair<int32_t, int32_t>> seen;
  int64_t count = 0;
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    const std::vector<std::string_view> fields = SplitAt(line, '\t');
    if (fields.size() != 4) {
      return WrongFieldCount(lines, "4 fields `userID artistID tagID timestamp` separated by tabs",
                             fields.size(), line);
    }
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"a user number"}, lines).status());
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[1], {"an artist number"}, lines).status());
    OPENP5_RETURN_IF_ERROR(ParseInteger(fields[2], {"a tag number"}, lines).status());
    // Negative times are in the real data.
    OPENP5_ASSIGN_OR_RETURN(const int64_t time,
                            ParseInteger(fields[3], {"a timestamp in milliseconds"}, lines));
    ++count;
    const int32_t user = rows.users.Add(Trim(fields[0])), item = rows.items.Add(Trim(fields[1]));
    if (!seen.emplace(user, item).second) return absl::OkStatus();
    rows.Add(user, item, time);
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader.ForEachLineAfterHeader(tags, "userID\tartistID\ttagID", add));
  result.steps = StrCat(count, " rows, ", rows.size(), " of them the first of their pair");
  OPENP5_ASSIGN_OR_RETURN(result.items, ReadArtists(&reader));
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

}  // namespace

DatasetPreset LastFm() {
  DatasetPreset preset;
  preset.title = "HetRec 2011 Last.fm";
  preset.rule =
      "that a user tagged an artist is an interaction, its time that of the pair's first row; "
      "users "
      "and items with at least 5, repeated until nothing falls; users as in the file, each one's "
      "rows sorted by time; renumbered";
  preset.order = SequenceOrder::kPerUser;
  preset.ties = TieOrder::kStable;
  preset.renumber = true;
  preset.final_newline = false;
  preset.time_units_per_second = 1000;
  preset.known = {.counts = {.users = 1090, .items = 3646, .interactions = 52551},
                  .sha256 = "a71f8c3d4bf3575c64f569dabd64d3c57553fbbd4b35b3cee495d9c81c09ab04",
                  .git_blob = "abc15498313e60d829b0bc369519cc5df3ff801e"};
  preset.load = Load;
  return preset;
}

}  // namespace openp5::datasets
