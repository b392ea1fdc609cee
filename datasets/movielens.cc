#include "datasets/movielens.h"

#include "absl/container/flat_hash_map.h"
#include "datasets/text_lines.h"
#include "platform/base/log.h"

namespace openp5::datasets {
namespace {

constexpr const char* kName = "ml-100k";

// Calls `visit` for the lines of `file`, which is then among the `used` ones.
absl::Status ReadLines(const RawFiles& files, int file, std::vector<int>* used,
                       const LineVisitor& visit) {
  used->push_back(file);
  OPENP5_ASSIGN_OR_RETURN(const auto source, files.Read(file));
  return ForEachLine(TextLines(source.get(), files.Where(file)), kName, visit);
}

absl::Status WrongFieldCount(const TextLines& lines, std::string_view expected, size_t got,
                             std::string_view line) {
  return InvalidArgument(lines.Where(), ": expected ", expected, ", got ", got,
                         got == 1 ? " field in '" : " fields in '", Excerpt(line), "'");
}

absl::Status AddRating(std::string_view line, const TextLines& lines, Interactions* result) {
  const std::vector<std::string_view> fields = SplitAt(line, '\t');
  if (fields.size() != 4) {
    return WrongFieldCount(lines, "4 fields `user item rating timestamp` separated by tabs",
                           fields.size(), line);
  }
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
absl::StatusOr<std::vector<std::string>> ReadGenres(const RawFiles& files, int file,
                                                    std::vector<int>* used) {
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
  OPENP5_RETURN_IF_ERROR(ReadLines(files, file, used, add));
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

absl::Status ReadItems(const RawFiles& files, std::vector<int>* used, RawDataset* result) {
  OPENP5_ASSIGN_OR_RETURN(const int items, files.Find("u.item"));
  if (items < 0) {
    LogWarning(StrCat(kName, ": no u.item; items get no titles"));
    return absl::OkStatus();
  }
  std::vector<std::string> genres;
  OPENP5_ASSIGN_OR_RETURN(const int genre_names, files.Find("u.genre"));
  if (genre_names < 0) {
    LogWarning(StrCat(kName, ": no u.genre; items get no genres"));
  } else {
    OPENP5_ASSIGN_OR_RETURN(genres, ReadGenres(files, genre_names, used));
  }
  absl::flat_hash_map<std::string, std::string> seen;  // whole lines by item
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseItem(line, lines, genres));
    const auto [first, added] = seen.try_emplace(item.item, line);
    if (added) {
      result->items.push_back(std::move(item));
    } else if (first->second != line) {
      LogWarning(StrCat(kName, ": ", lines.Where(), ": item ", item.item,
                        " is described again and otherwise; the first description is kept"));
    }
    return absl::OkStatus();
  };
  return ReadLines(files, items, used, add);
}

absl::StatusOr<RawDataset> Load(const std::string& raw) {
  const auto files = RawFiles::Open(raw);
  if (!files.ok()) return Annotate(files.status(), kName);
  const absl::StatusOr<int> ratings = files->Get("u.data");
  if (!ratings.ok()) return Annotate(ratings.status(), kName);
  RawDataset result;
  std::vector<int> used;
  OPENP5_RETURN_IF_ERROR(
      ReadLines(*files, *ratings, &used, [&](std::string_view line, const TextLines& lines) {
        return AddRating(line, lines, &result.interactions);
      }));
  OPENP5_RETURN_IF_ERROR(ReadItems(*files, &used, &result));
  OPENP5_ASSIGN_OR_RETURN(result.files, files->Describe(used));
  return result;
}

}  // namespace

DatasetPreset MovieLens100K() {
  return {.title = "MovieLens 100K",
          .rule =
              "every rating is an interaction; users and items with at least 5, repeated until "
              "nothing falls; all rows sorted by time, users in order of first appearance",
          .core = 5,
          .known_counts = {.users = 943, .items = 1349, .interactions = 99287},
          .known_sha256 = "57efcfc2d17fe4800f01b1d02de2249ac38678c169af814a8777d41774669ea0",
          .load = Load};
}

}  // namespace openp5::datasets
