#include "datasets/loaders/movielens.h"

#include "datasets/loaders/raw_reader.h"
#include "datasets/text_lines.h"
#include "platform/base/log.h"

namespace openp5::datasets {
namespace {

absl::Status AddRating(std::string_view line, std::string_view separator, std::string_view expected,
                       const TextLines& lines, Interactions* result) {
  std::vector<std::string_view> fields;
  SplitAt(line, separator, &fields);
  if (fields.size() != 4) return WrongFieldCount(lines, expected, fields.size(), line);
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"a user number"}, lines).status());
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[1], {"an item number"}, lines).status());
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[2], {"a rating from 1 to 5", 1, 5}, lines).status());
  OPENP5_ASSIGN_OR_RETURN(
      const int64_t time,
      ParseInteger(fields[3], {"a timestamp in seconds, not negative", 0}, lines));
  result->Add(Trim(fields[0]), Trim(fields[1]), time);
  return absl::OkStatus();
}

// Names of genres by the place of their flag in u.item. u.genre ends with an empty line.
absl::StatusOr<std::vector<std::string>> ReadGenres(int file, RawReader* reader) {
  std::vector<std::string> genres;
  const auto add = [&](std::string_view line, const TextLines& lines) {
    if (line.empty()) return absl::OkStatus();
    const std::vector<std::string_view> fields = SplitAt(line, '|');
    if (fields.size() != 2 || fields[1] != std::to_string(genres.size())) {
      return InvalidArgument(lines.Where(), ": expected `genre|", genres.size(), "`, got '",
                             Excerpt(line), "'");
    }
    genres.push_back(Utf8FromLatin1(fields[0]));
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader->ForEachLine(file, add));
  return genres;
}

absl::StatusOr<ItemMetadata> ParseItem(std::string_view line, const TextLines& lines,
                                       const std::vector<std::string>& genres) {
  constexpr size_t kFields = 24, kFirstFlag = 5;
  const std::vector<std::string_view> fields = SplitAt(line, '|');
  if (fields.size() != kFields) {
    return WrongFieldCount(lines, "24 fields separated by '|'", fields.size(), line);
  }
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"an item number"}, lines).status());
  ItemMetadata item{.item = std::string(Trim(fields[0])),
                    .title = Utf8FromLatin1(fields[1]),
                    .more = {},
                    .categories = {}};
  if (!fields[2].empty()) item.more.emplace_back("release_date", Utf8FromLatin1(fields[2]));
  for (size_t flag = kFirstFlag; flag < kFields; ++flag) {
    OPENP5_ASSIGN_OR_RETURN(const int64_t set,
                            ParseInteger(fields[flag], {"a genre flag 0 or 1", 0, 1}, lines));
    const size_t genre = flag - kFirstFlag;
    if (set == 1 && genre < genres.size()) item.categories.push_back(genres[genre]);
  }
  return item;
}

absl::StatusOr<std::vector<ItemMetadata>> ReadItems(RawReader* reader) {
  OPENP5_ASSIGN_OR_RETURN(const int items, reader->Find("u.item"));
  if (items < 0) {
    LogWarning("ml-100k: no u.item; items get no titles");
    return std::vector<ItemMetadata>();
  }
  std::vector<std::string> genres;
  OPENP5_ASSIGN_OR_RETURN(const int genre_names, reader->Find("u.genre"));
  if (genre_names < 0) {
    LogWarning("ml-100k: no u.genre; items get no genres");
  } else {
    OPENP5_ASSIGN_OR_RETURN(genres, ReadGenres(genre_names, reader));
  }
  ItemCollector collector;
  OPENP5_RETURN_IF_ERROR(reader->ForEachLine(
      items, [&](std::string_view line, const TextLines& lines) -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseItem(line, lines, genres));
        collector.Add(std::move(item), line, lines);
        return absl::OkStatus();
      }));
  return collector.Take();
}

absl::StatusOr<RawDataset> Load100K(const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open("ml-100k", options));
  OPENP5_ASSIGN_OR_RETURN(const int ratings, reader.Get("u.data"));
  RawDataset result;
  OPENP5_RETURN_IF_ERROR(
      reader.ForEachRow(ratings, [&](std::string_view line, const TextLines& lines) {
        return AddRating(line, "\t", "4 fields `user item rating timestamp` separated by tabs",
                         lines, &result.interactions);
      }));
  OPENP5_ASSIGN_OR_RETURN(result.items, ReadItems(&reader));
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

// Titles hold single colons.
absl::StatusOr<ItemMetadata> ParseMovie(std::string_view line, const TextLines& lines) {
  std::vector<std::string_view> fields;
  SplitAt(line, "::", &fields);
  if (fields.size() != 3) {
    return WrongFieldCount(lines, "3 fields `id::title::genres`", fields.size(), line);
  }
  OPENP5_RETURN_IF_ERROR(ParseInteger(fields[0], {"a movie number"}, lines).status());
  ItemMetadata item{.item = std::string(Trim(fields[0])),
                    .title = Utf8FromLatin1(fields[1]),
                    .more = {},
                    .categories = {}};
  for (const std::string_view genre : SplitAt(fields[2], '|')) {
    if (!genre.empty()) item.categories.push_back(Utf8FromLatin1(genre));
  }
  return item;
}

absl::StatusOr<RawDataset> Load1M(const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open("ml-1m", options));
  OPENP5_ASSIGN_OR_RETURN(const int ratings, reader.Get("ratings.dat"));
  RawDataset result;
  OPENP5_RETURN_IF_ERROR(
      reader.ForEachRow(ratings, [&](std::string_view line, const TextLines& lines) {
        return AddRating(line, "::", "4 fields `user::item::rating::timestamp`", lines,
                         &result.interactions);
      }));
  OPENP5_ASSIGN_OR_RETURN(const int movies, reader.Find("movies.dat"));
  if (movies < 0) LogWarning("ml-1m: no movies.dat; items get no titles");
  ItemCollector collector;
  if (movies >= 0) {
    OPENP5_RETURN_IF_ERROR(reader.ForEachLine(
        movies, [&](std::string_view line, const TextLines& lines) -> absl::Status {
          OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseMovie(line, lines));
          collector.Add(std::move(item), line, lines);
          return absl::OkStatus();
        }));
  }
  result.items = collector.Take();
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

constexpr const char* kRule =
    "every rating is an interaction; users and items with at least 5, repeated until nothing "
    "falls; "
    "all rows sorted by time, users in order of first appearance";

}  // namespace

DatasetPreset MovieLens100K() {
  DatasetPreset preset;
  preset.title = "MovieLens 100K";
  preset.rule = kRule;
  preset.known = {.counts = {.users = 943, .items = 1349, .interactions = 99287},
                  .sha256 = "57efcfc2d17fe4800f01b1d02de2249ac38678c169af814a8777d41774669ea0",
                  .git_blob = "005ebdc3b8497c031cd0db66b466135bae482b91"};
  preset.load = Load100K;
  return preset;
}

DatasetPreset MovieLens1M() {
  DatasetPreset preset;
  preset.title = "MovieLens 1M";
  preset.rule = kRule;
  preset.known = {.counts = {.users = 6040, .items = 3416, .interactions = 999611},
                  .sha256 = "",
                  .git_blob = "ab817e73a4b8ae2421f94142e35a29663b9cdfa6"};
  preset.load = Load1M;
  return preset;
}

}  // namespace openp5::datasets
