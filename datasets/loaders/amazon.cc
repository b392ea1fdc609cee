#include "datasets/loaders/amazon.h"

#include <algorithm>
#include <utility>

#include "datasets/loaders/json_lines.h"
#include "datasets/loaders/raw_reader.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/numbers.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

// Which of the category's files come first, where both are there.
enum class Source { kRatings, kReviews };

struct Category {
  std::string name;    // of the command
  std::string suffix;  // of the files
  Source preferred = Source::kRatings;
};

// The release of 2018 has the item first.
bool LooksLike2018(const std::vector<std::string_view>& fields) {
  return fields[0].size() == 10 && fields[0].front() != 'A' && fields[1].size() >= 10 &&
         fields[1].front() == 'A';
}

absl::Status AddRating(std::string_view line, const TextLines& lines,
                       std::vector<std::string_view>* fields, Interactions* rows) {
  SplitAt(line, ",", fields);
  if (fields->size() != 4) {
    return WrongFieldCount(lines, "4 fields `user,item,rating,timestamp`", fields->size(), line);
  }
  if (lines.number() == 1 && LooksLike2018(*fields)) {
    return InvalidArgument(lines.Where(), ": expected `user,item,rating,timestamp`, got '",
                           Excerpt(line),
                           "' with the item first, as in the release of 2018; OpenP5's numbers are "
                           "of the 2014 files");
  }
  OPENP5_RETURN_IF_ERROR(CheckId((*fields)[0], "a user id", lines));
  OPENP5_RETURN_IF_ERROR(CheckId((*fields)[1], "an item id", lines));
  const std::string_view rating = Trim((*fields)[2]);
  const double stars = ParseNumber<double>(rating).value_or(-1);
  if (!(stars >= 0 && stars <= 5)) {
    return InvalidArgument(lines.Where(), ": expected a rating up to 5, got '", Excerpt(rating),
                           "'");
  }
  OPENP5_ASSIGN_OR_RETURN(
      const int64_t time,
      ParseInteger((*fields)[3], {"a timestamp in seconds, not negative", 0}, lines));
  rows->Add((*fields)[0], (*fields)[1], time);
  return absl::OkStatus();
}

absl::Status ReadRatings(RawReader* reader, int file, Interactions* rows) {
  std::vector<std::string_view> fields;
  return reader->ForEachRow(file, [&](std::string_view line, const TextLines& lines) {
    return AddRating(line, lines, &fields, rows);
  });
}

absl::Status ReadReviews(RawReader* reader, int file, Interactions* rows) {
  ObjectFields fields({"reviewerID", "asin", "unixReviewTime"});
  return reader->ForEachLine(
      file, [&](std::string_view line, const TextLines& lines) -> absl::Status {
        OPENP5_RETURN_IF_ERROR(fields.Parse(line, lines));
        OPENP5_ASSIGN_OR_RETURN(const std::string user, fields.Id(0, lines));
        OPENP5_ASSIGN_OR_RETURN(const std::string item, fields.Id(1, lines));
        OPENP5_ASSIGN_OR_RETURN(const int64_t time, fields.Integer(2, lines));
        if (time < 0) {
          return InvalidArgument(lines.Where(),
                                 ": expected a timestamp in seconds, not negative, got ", time);
        }
        rows->Add(user, item, time);
        return absl::OkStatus();
      });
}

// A text field of `json` for people to read; "" if it is not there.
std::string TextOf(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return "";
  return DecodeHtmlEntities(WellFormedUtf8(found->get<std::string>()));
}

// The names on all paths from general to special, each once.
std::vector<std::string> CategoriesOf(const nlohmann::json& json) {
  std::vector<std::string> names;
  const auto paths = json.find("categories");
  if (paths == json.end() || !paths->is_array()) return names;
  for (const auto& path : *paths) {
    if (!path.is_array()) continue;
    for (const auto& name : path) {
      if (!name.is_string()) continue;
      std::string text = DecodeHtmlEntities(WellFormedUtf8(name.get<std::string>()));
      if (!text.empty() && std::find(names.begin(), names.end(), text) == names.end()) {
        names.push_back(std::move(text));
      }
    }
  }
  return names;
}

absl::StatusOr<std::vector<ItemMetadata>> ReadMetadata(const Category& category,
                                                       const IdTable& items, RawReader* reader) {
  ItemCollector collector;
  const std::string name = "meta_" + category.suffix + ".json";
  OPENP5_ASSIGN_OR_RETURN(const int file, reader->Find(name));
  if (file < 0) {
    LogWarning(StrCat(category.name, ": no ", name, "; items get no titles"));
    return collector.Take();
  }
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ParseObjectLine(line, lines));
    const auto asin = json.find("asin");
    if (asin == json.end() || !asin->is_string()) {
      return InvalidArgument(lines.Where(), ": expected a text as \"asin\", got '", Excerpt(line),
                             "'");
    }
    // The file describes the whole catalogue.
    if (!items.Find(asin->get_ref<const std::string&>())) return absl::OkStatus();
    ItemMetadata item{.item = asin->get<std::string>(),
                      .title = TextOf(json, "title"),
                      .more = {},
                      .categories = CategoriesOf(json)};
    if (const std::string brand = TextOf(json, "brand"); !brand.empty()) {
      item.more.emplace_back("brand", brand);
    }
    if (const auto price = json.find("price"); price != json.end() && price->is_number()) {
      item.more.emplace_back("price", DumpJson(*price));
    }
    collector.Add(std::move(item), line, lines);
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(reader->ForEachLine(file, add));
  return collector.Take();
}

// The file to read interactions from: the category's, or the only one there is.
absl::StatusOr<int> FindInteractions(const Category& category, const RawReader& reader) {
  const std::string ratings = "ratings_" + category.suffix + ".csv",
                    reviews = "reviews_" + category.suffix + "_5.json";
  const bool ratings_first = category.preferred == Source::kRatings;
  OPENP5_ASSIGN_OR_RETURN(const int first, reader.Find(ratings_first ? ratings : reviews));
  if (first >= 0) return first;
  OPENP5_ASSIGN_OR_RETURN(const int second, reader.Find(ratings_first ? reviews : ratings));
  if (second >= 0) return second;
  return reader.Get(ratings + " or " + reviews + ".gz");
}

absl::StatusOr<RawDataset> Load(const Category& category, const LoadOptions& options) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open(category.name, options));
  OPENP5_ASSIGN_OR_RETURN(const int file, FindInteractions(category, reader));
  OPENP5_ASSIGN_OR_RETURN(const std::string first_line, reader.FirstLine(file));
  RawDataset result;
  OPENP5_RETURN_IF_ERROR(first_line.starts_with('{')
                             ? ReadReviews(&reader, file, &result.interactions)
                             : ReadRatings(&reader, file, &result.interactions));
  OPENP5_ASSIGN_OR_RETURN(result.items, ReadMetadata(category, result.interactions.items, &reader));
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  return result;
}

DatasetPreset Preset(const std::string& title, const Category& category) {
  DatasetPreset preset;
  preset.title = title;
  preset.rule =
      "every rating is an interaction; users and items with at least 5, repeated until nothing "
      "falls; all rows sorted by time, users in order of first appearance";
  preset.load = [category](const LoadOptions& options) { return Load(category, options); };
  return preset;
}

// The code point that "#38" or "#x26" names; 0 if it is none.
uint32_t NumericReference(std::string_view name) {
  const bool is_hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
  const std::string_view digits = name.substr(is_hexadecimal ? 2 : 1);
  const uint32_t code = ParseNumber<uint32_t>(digits, is_hexadecimal ? 16 : 10).value_or(0);
  const bool is_character = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return is_character ? code : 0;
}

}  // namespace

std::string DecodeHtmlEntities(std::string_view text) {
  constexpr size_t kLongest = 10;
  static constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  std::string result;
  while (!text.empty()) {
    const size_t start = std::min(text.find('&'), text.size());
    result += text.substr(0, start);
    text.remove_prefix(start);
    const size_t end = text.substr(0, kLongest).find(';');
    if (text.empty()) break;
    uint32_t code = 0;
    if (end != std::string_view::npos && end > 1) {
      const std::string_view name = text.substr(1, end - 1);
      if (name.front() == '#') code = NumericReference(name);
      for (const auto& [known, character] : kNamed) {
        if (name == known) code = static_cast<unsigned char>(character);
      }
    }
    if (code == 0) {
      result += '&';
      text.remove_prefix(1);
    } else {
      AppendUtf8(code, &result);
      text.remove_prefix(end + 1);
    }
  }
  return result;
}

DatasetPreset AmazonBeauty() {
  DatasetPreset preset = Preset("Amazon Beauty (2014)", {"beauty", "Beauty", Source::kReviews});
  preset.rule =
      "every review is an interaction; users and items with at least 5, repeated until nothing "
      "falls; users as in the file, each one's rows sorted by time";
  preset.order = SequenceOrder::kPerUser;
  preset.ties = TieOrder::kStable;
  preset.known = {.counts = {.users = 22363, .items = 12101, .interactions = 198502},
                  .sha256 = "47197cbee7bdc1896926e10d96b807dce0aecb9a1f0c2ccc887c21090237c9b7",
                  .git_blob = "3f10459ea981cddbbee17e722e7fc1c5d2c56497"};
  return preset;
}

DatasetPreset AmazonClothing() {
  DatasetPreset preset = Preset("Amazon Clothing, Shoes and Jewelry (2014)",
                                {"clothing", "Clothing_Shoes_and_Jewelry"});
  preset.known = {.counts = {.users = 39387, .items = 23033, .interactions = 278677},
                  .sha256 = "88fd94186fdf2e18ad8c36f6b546ba0ab4dbe4d8beb5fb03ccfe3b0e514735e4",
                  .git_blob = "aceb3fab883f6ca7c0d3f71aa2afda77e44a4182"};
  return preset;
}

// OpenP5's table gives another number of interactions by a slip; this is its notebook's.
DatasetPreset AmazonCds() {
  DatasetPreset preset = Preset("Amazon CDs and Vinyl (2014)", {"cds", "CDs_and_Vinyl"});
  preset.known = {.counts = {.users = 75258, .items = 64443, .interactions = 1097592},
                  .sha256 = "",
                  .git_blob = "17cc75fe6f8e0e1b729945f0271cc289862f6d3f"};
  return preset;
}

DatasetPreset AmazonMovies() {
  DatasetPreset preset = Preset("Amazon Movies and TV (2014)", {"movies", "Movies_and_TV"});
  preset.known = {.counts = {.users = 123960, .items = 50052, .interactions = 1697533},
                  .sha256 = "",
                  .git_blob = "375b97d9080379cfc038f18632c36822b3a1c933"};
  return preset;
}

DatasetPreset AmazonElectronics() {
  DatasetPreset preset = Preset("Amazon Electronics (2014)", {"electronics", "Electronics"});
  preset.known = {.counts = {.users = 192403, .items = 63001, .interactions = 1689188},
                  .sha256 = "",
                  .git_blob = "ea10bb935fcacb86a567a8a38208b8eb618b961f"};
  return preset;
}

}  // namespace openp5::datasets
