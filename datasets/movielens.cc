#include "datasets/movielens.h"

#include <limits>

#include "absl/container/flat_hash_map.h"
#include "datasets/text_lines.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::datasets {
namespace {

constexpr int64_t kAnyInteger = std::numeric_limits<int64_t>::min();

// Opens `folder/name` and notes its size and digest in `files`.
absl::StatusOr<MappedFile> OpenSource(const std::string& folder, const std::string& name,
                                      std::vector<SourceFile>* files) {
  OPENP5_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(JoinPath(folder, name)));
  files->push_back({name, static_cast<int64_t>(file.bytes().size()), Sha256Of(file.bytes())});
  return file;
}

absl::StatusOr<std::string> FindFolder(const std::string& raw) {
  for (const std::string& folder : {raw, JoinPath(raw, "ml-100k")}) {
    if (FileExists(JoinPath(folder, "u.data"))) return folder;
  }
  return NotFound("ml-100k: ", raw,
                  ": expected u.data or ml-100k/u.data in this folder, got neither; unpack "
                  "ml-100k.zip there");
}

absl::Status WrongFieldCount(const std::string& where, std::string_view expected, size_t got,
                             std::string_view line) {
  return InvalidArgument("ml-100k: ", where, ": expected ", expected, ", got ", got,
                         got == 1 ? " field in '" : " fields in '", Excerpt(line), "'");
}

absl::Status AddRating(std::string_view line, const std::string& where, Interactions* result) {
  const std::vector<std::string_view> fields = SplitAt(line, '\t');
  if (fields.size() != 4) {
    return WrongFieldCount(where, "4 fields `user item rating timestamp` separated by tabs",
                           fields.size(), line);
  }
  for (const auto& [field, what] :
       {std::pair(fields[0], "a user number"), std::pair(fields[1], "an item number"),
        std::pair(fields[2], "a rating")}) {
    const auto number = ParseInteger(field, kAnyInteger, what, where);
    if (!number.ok()) return Annotate(number.status(), "ml-100k");
  }
  const auto time = ParseInteger(fields[3], 0, "a timestamp in seconds, not negative", where);
  if (!time.ok()) return Annotate(time.status(), "ml-100k");
  result->Add(Trim(fields[0]), Trim(fields[1]), *time);
  return absl::OkStatus();
}

absl::Status ReadRatings(const std::string& folder, RawDataset* result) {
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, OpenSource(folder, "u.data", &result->files));
  TextLines lines(file.bytes(), JoinPath(folder, "u.data"));
  std::string_view line;
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(AddRating(line, lines.Where(), &result->interactions));
  }
}

// Names of genres by the place of their flag in u.item. u.genre ends with an empty line.
absl::StatusOr<std::vector<std::string>> ReadGenres(const std::string& folder,
                                                    std::vector<SourceFile>* files) {
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, OpenSource(folder, "u.genre", files));
  TextLines lines(file.bytes(), JoinPath(folder, "u.genre"));
  std::vector<std::string> genres;
  std::string_view line;
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return genres;
    if (line.empty()) continue;
    const std::vector<std::string_view> fields = SplitAt(line, '|');
    if (fields.size() != 2 || fields[1] != std::to_string(genres.size())) {
      return InvalidArgument("ml-100k: ", lines.Where(), ": expected `genre|", genres.size(),
                             "`, got '", Excerpt(line), "'");
    }
    genres.push_back(Utf8FromLatin1(fields[0]));
  }
}

constexpr size_t kItemFields = 24, kFirstFlag = 5;

absl::StatusOr<ItemMetadata> ParseItem(std::string_view line, const std::string& where,
                                       const std::vector<std::string>& genres) {
  const std::vector<std::string_view> fields = SplitAt(line, '|');
  if (fields.size() != kItemFields) {
    return WrongFieldCount(where, "24 fields separated by '|'", fields.size(), line);
  }
  const auto number = ParseInteger(fields[0], kAnyInteger, "an item number", where);
  if (!number.ok()) return Annotate(number.status(), "ml-100k");
  ItemMetadata item{.item = std::string(Trim(fields[0])),
                    .title = Utf8FromLatin1(fields[1]),
                    .more = {},
                    .categories = {}};
  if (!fields[2].empty()) item.more.emplace_back("release_date", Utf8FromLatin1(fields[2]));
  for (size_t flag = kFirstFlag; flag < kItemFields; ++flag) {
    if (fields[flag] != "0" && fields[flag] != "1") {
      return InvalidArgument("ml-100k: ", where, ": expected a genre flag 0 or 1 in field ",
                             flag + 1, ", got '", Excerpt(fields[flag]), "'");
    }
    const size_t genre = flag - kFirstFlag;
    if (fields[flag] == "1" && genre < genres.size()) item.categories.push_back(genres[genre]);
  }
  return item;
}

absl::Status ReadItems(const std::string& folder, RawDataset* result) {
  std::vector<std::string> genres;
  if (FileExists(JoinPath(folder, "u.genre"))) {
    OPENP5_ASSIGN_OR_RETURN(genres, ReadGenres(folder, &result->files));
  } else {
    LogWarning(StrCat("ml-100k: ", folder, ": no u.genre; items get no genres"));
  }
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, OpenSource(folder, "u.item", &result->files));
  TextLines lines(file.bytes(), JoinPath(folder, "u.item"));
  absl::flat_hash_map<std::string, std::string_view> seen;  // whole lines by item
  std::string_view line;
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return absl::OkStatus();
    OPENP5_ASSIGN_OR_RETURN(ItemMetadata item, ParseItem(line, lines.Where(), genres));
    const auto [first, added] = seen.try_emplace(item.item, line);
    if (added) {
      result->items.push_back(std::move(item));
    } else if (first->second != line) {
      LogWarning(StrCat("ml-100k: ", lines.Where(), ": item ", item.item,
                        " is described again and otherwise; the first description is kept"));
    }
  }
}

absl::StatusOr<RawDataset> Load(const std::string& raw) {
  OPENP5_ASSIGN_OR_RETURN(const std::string folder, FindFolder(raw));
  RawDataset result;
  OPENP5_RETURN_IF_ERROR(ReadRatings(folder, &result));
  if (FileExists(JoinPath(folder, "u.item"))) {
    OPENP5_RETURN_IF_ERROR(ReadItems(folder, &result));
  } else {
    LogWarning(StrCat("ml-100k: ", folder, ": no u.item; items get no titles"));
  }
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
