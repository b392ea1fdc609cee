#include "platform/recommenders/lists_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "datasets/loaders/json_lines.h"
#include "datasets/text_lines.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/numbers.h"

namespace openp5::recommenders {
namespace {

using datasets::Excerpt;
using datasets::SequenceDataset;
using datasets::TextLines;

constexpr std::string_view kBlanks = " \t";

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  size_t at = line.find_first_not_of(kBlanks);
  while (at != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

absl::StatusOr<int32_t> FindUser(const SequenceDataset& dataset, std::string_view id,
                                 const TextLines& lines) {
  const std::optional<int32_t> user = dataset.FindUser(id);
  if (user.has_value()) return *user;
  return InvalidArgument(lines.Where(), ": user: expected one of dataset ", dataset.name(),
                         ", got '", Excerpt(id), "'");
}

absl::StatusOr<int32_t> FindItem(const SequenceDataset& dataset, std::string_view id,
                                 const TextLines& lines) {
  const std::optional<int32_t> item = dataset.FindItem(id);
  if (item.has_value()) return *item;
  return InvalidArgument(lines.Where(), ": item: expected one of dataset ", dataset.name(),
                         ", got '", Excerpt(id), "'");
}

absl::StatusOr<double> ParseFinite(std::string_view text, std::string_view what,
                                   const TextLines& lines) {
  const auto value = ParseNumber<double>(text);
  if (value.has_value() && std::isfinite(*value)) return *value;
  return InvalidArgument(lines.Where(), ": ", what, ": expected a number, got '", Excerpt(text),
                         "'");
}

// The text of an id, which other programs may write as a whole number.
absl::StatusOr<std::string> JsonId(const nlohmann::json& json, std::string_view what,
                                   const TextLines& lines) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_integer()) return json.dump();
  return InvalidArgument(lines.Where(), ": ", what, ": expected a text or a whole number, got ",
                         json.type_name());
}

// One line of a JSON lines file.
class JsonList {
 public:
  JsonList(const SequenceDataset& dataset, const nlohmann::json& json, const TextLines& lines)
      : dataset_(dataset), json_(json), lines_(lines) {}

  absl::StatusOr<int32_t> User() const {
    OPENP5_ASSIGN_OR_RETURN(const std::string id, Id("user"));
    return FindUser(dataset_, id, lines_);
  }
  absl::StatusOr<ListOfUser> Read() const {
    ListOfUser list{.line = lines_.number()};
    OPENP5_RETURN_IF_ERROR(CheckDataset());
    if (json_.contains("target")) {
      OPENP5_ASSIGN_OR_RETURN(const std::string id, Id("target"));
      OPENP5_ASSIGN_OR_RETURN(list.target, FindItem(dataset_, id, lines_));
    }
    OPENP5_RETURN_IF_ERROR(ReadItems(&list.ranking));
    OPENP5_RETURN_IF_ERROR(ReadScores(&list.ranking));
    return list;
  }

 private:
  absl::StatusOr<std::string> Id(const char* name) const {
    if (!json_.contains(name)) {
      return InvalidArgument(lines_.Where(), ": expected a field '", name, "', got none");
    }
    return JsonId(json_[name], name, lines_);
  }
  absl::Status CheckDataset() const {
    const auto found = json_.find("dataset");
    if (found == json_.end() || *found == dataset_.name()) return absl::OkStatus();
    return InvalidArgument(lines_.Where(), ": dataset: expected ", dataset_.name(), ", got ",
                           JsonExcerpt(*found), "; hint: a file holds the lists of one dataset");
  }
  absl::Status ReadItems(Ranking* ranking) const {
    const auto found = json_.find("items");
    if (found == json_.end() || !found->is_array()) {
      return InvalidArgument(lines_.Where(), ": items: expected a list of items, got ",
                             found == json_.end() ? "none" : found->type_name());
    }
    std::set<int32_t> seen;
    for (const nlohmann::json& entry : *found) {
      if (entry.is_null()) {
        ranking->items.push_back(-1);
        continue;
      }
      OPENP5_ASSIGN_OR_RETURN(const std::string id, JsonId(entry, "items", lines_));
      OPENP5_ASSIGN_OR_RETURN(const int32_t item, FindItem(dataset_, id, lines_));
      if (!seen.insert(item).second) {
        return InvalidArgument(lines_.Where(), ": items: expected each item once, got '",
                               Excerpt(id), "' twice");
      }
      ranking->items.push_back(item);
    }
    return absl::OkStatus();
  }
  // Where a file has none, an entry's score falls by one from place to place.
  absl::Status ReadScores(Ranking* ranking) const {
    const auto found = json_.find("scores");
    if (found == json_.end()) {
      for (size_t i = 0; i < ranking->items.size(); ++i) {
        ranking->scores.push_back(-static_cast<float>(i));
      }
      return absl::OkStatus();
    }
    if (!found->is_array() || found->size() != ranking->items.size()) {
      return InvalidArgument(lines_.Where(), ": scores: expected a number for each of the ",
                             ranking->items.size(), " items");
    }
    for (const nlohmann::json& score : *found) {
      if (!score.is_number()) {
        return InvalidArgument(lines_.Where(), ": scores: expected numbers, got ",
                               score.type_name());
      }
      ranking->scores.push_back(score.get<float>());
    }
    return absl::OkStatus();
  }

  const SequenceDataset& dataset_;
  const nlohmann::json& json_;
  const TextLines& lines_;
};

absl::Status ReadJsonLines(std::string_view text, const SequenceDataset& dataset, ListsFile* file) {
  const auto visit = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    if (datasets::Trim(line).empty()) return absl::OkStatus();
    OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, datasets::ParseObjectLine(line, lines));
    const JsonList list(dataset, json, lines);
    OPENP5_ASSIGN_OR_RETURN(const int32_t user, list.User());
    OPENP5_ASSIGN_OR_RETURN(ListOfUser read, list.Read());
    const auto [place, is_new] = file->lists.emplace(user, std::move(read));
    if (is_new) return absl::OkStatus();
    return InvalidArgument(lines.Where(), ": user: expected each user once, got '",
                           Excerpt(dataset.UserId(user)), "' of line ", place->second.line,
                           " again; hint: a file holds the lists of one task");
  };
  return datasets::ForEachLine(text, file->path, "lists", visit);
}

// One line of a file that has a line for each entry of a list.
struct Entry {
  int32_t item = -1;
  std::optional<double> rank = {}, score = {};
  int64_t line = 0;
};

// Collects entries in any order and makes lists of them.
class EntryLists {
 public:
  EntryLists(const SequenceDataset& dataset, ListsFile* file) : dataset_(dataset), file_(file) {}

  struct Fields {
    std::string_view user = {}, item = {};
    std::optional<std::string_view> rank = {}, score = {};
  };
  absl::Status Add(const Fields& fields, const TextLines& lines) {
    OPENP5_ASSIGN_OR_RETURN(const int32_t user, FindUser(dataset_, fields.user, lines));
    Entry entry{.line = lines.number()};
    OPENP5_ASSIGN_OR_RETURN(entry.item, FindItem(dataset_, fields.item, lines));
    if (fields.rank.has_value()) {
      OPENP5_ASSIGN_OR_RETURN(entry.rank, ParseFinite(*fields.rank, "rank", lines));
    }
    if (fields.score.has_value()) {
      OPENP5_ASSIGN_OR_RETURN(entry.score, ParseFinite(*fields.score, "score", lines));
    }
    entries_[user].push_back(entry);
    return absl::OkStatus();
  }

  absl::Status Finish() {
    for (int32_t user = 0; user < dataset_.user_count(); ++user) {
      const auto found = entries_.find(user);
      if (found == entries_.end()) continue;
      ListOfUser list{.line = found->second.front().line};
      OPENP5_RETURN_IF_ERROR(Sort(user, &found->second));
      for (const Entry& entry : found->second) {
        list.ranking.items.push_back(entry.item);
        list.ranking.scores.push_back(
            static_cast<float>(entry.score.has_value() ? *entry.score : -entry.rank.value_or(0)));
      }
      file_->lists.emplace(user, std::move(list));
    }
    return absl::OkStatus();
  }

 private:
  std::string Where(const Entry& entry, int32_t user) const {
    return StrCat("lists: ", file_->path, ":", entry.line, ": user '",
                  Excerpt(dataset_.UserId(user)), "'");
  }
  // Best first.
  absl::Status Sort(int32_t user, std::vector<Entry>* entries) const {
    std::stable_sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) {
      return a.rank.has_value() ? *a.rank < *b.rank : *a.score > *b.score;
    });
    std::set<int32_t> items;
    for (size_t i = 0; i < entries->size(); ++i) {
      const Entry& entry = (*entries)[i];
      if (!items.insert(entry.item).second) {
        return InvalidArgument(Where(entry, user), ": expected each item once, got '",
                               Excerpt(dataset_.ItemId(entry.item)), "' twice");
      }
      if (i == 0 || !entry.rank.has_value()) continue;
      const Entry& above = (*entries)[i - 1];
      if (*entry.rank == *above.rank) {
        return InvalidArgument(Where(entry, user), ": expected each rank once, got ", *entry.rank,
                               " of line ", above.line, " again");
      }
      if (entry.score.has_value() && *entry.score > *above.score) {
        return InvalidArgument(Where(entry, user), ": expected ranks in order of the scores, got ",
                               *entry.score, " at rank ", *entry.rank, " and ", *above.score,
                               " above it");
      }
    }
    return absl::OkStatus();
  }

  const SequenceDataset& dataset_;
  ListsFile* const file_;
  std::unordered_map<int32_t, std::vector<Entry>> entries_;  // by user
};

absl::Status ReadTrec(std::string_view text, const SequenceDataset& dataset, ListsFile* file) {
  EntryLists entries(dataset, file);
  const auto visit = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    const std::vector<std::string_view> words = Words(line);
    if (words.empty()) return absl::OkStatus();
    if (words.size() != 6) {
      return InvalidArgument(lines.Where(), ": expected `user Q0 item rank score tag`, got '",
                             Excerpt(line), "'");
    }
    if (lines.number() == 1) file->system = words[5];
    return entries.Add({.user = words[0], .item = words[2], .rank = words[3], .score = words[4]},
                       lines);
  };
  OPENP5_RETURN_IF_ERROR(datasets::ForEachLine(text, file->path, "lists", visit));
  return entries.Finish();
}

// The fields of a line; one of CSV may stand in quotes, where a quote is doubled.
absl::StatusOr<std::vector<std::string>> SplitFields(std::string_view line, char separator,
                                                     const TextLines& lines) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool is_quote = line[i] == '"' && separator == ',';
    if (is_quoted && is_quote && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (is_quote) {
      is_quoted = !is_quoted;
    } else if (line[i] == separator && !is_quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  if (is_quoted) return InvalidArgument(lines.Where(), ": expected a closing quote, got none");
  return fields;
}

// Where the fields that are read stand in a line.
struct Columns {
  static constexpr size_t kNone = SIZE_MAX;
  size_t user = kNone, item = kNone, rank = kNone, score = kNone;
  size_t count = 0;

  static absl::StatusOr<Columns> Read(const std::vector<std::string>& header,
                                      const TextLines& lines) {
    Columns columns{.count = header.size()};
    for (size_t i = 0; i < header.size(); ++i) {
      const std::string name(datasets::Trim(header[i].substr(0, header[i].find(':'))));
      if (name == "user" || name == "user_id") columns.user = i;
      if (name == "item" || name == "item_id") columns.item = i;
      if (name == "rank") columns.rank = i;
      if (name == "score") columns.score = i;
    }
    if (columns.user != kNone && columns.item != kNone &&
        (columns.rank != kNone || columns.score != kNone)) {
      return columns;
    }
    return InvalidArgument(lines.Where(),
                           ": expected a header with the columns user, item, and rank or score");
  }
};

absl::Status ReadTable(std::string_view text, char separator, const SequenceDataset& dataset,
                       ListsFile* file) {
  EntryLists entries(dataset, file);
  std::optional<Columns> columns;
  const auto visit = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    if (datasets::Trim(line).empty()) return absl::OkStatus();
    OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> fields,
                            SplitFields(line, separator, lines));
    if (!columns.has_value()) {
      OPENP5_ASSIGN_OR_RETURN(columns, Columns::Read(fields, lines));
      return absl::OkStatus();
    }
    if (fields.size() != columns->count) {
      return InvalidArgument(lines.Where(), ": expected ", columns->count, " fields, got ",
                             fields.size());
    }
    EntryLists::Fields entry{.user = fields[columns->user], .item = fields[columns->item]};
    if (columns->rank != Columns::kNone) entry.rank = fields[columns->rank];
    if (columns->score != Columns::kNone) entry.score = fields[columns->score];
    return entries.Add(entry, lines);
  };
  OPENP5_RETURN_IF_ERROR(datasets::ForEachLine(text, file->path, "lists", visit));
  return entries.Finish();
}

absl::StatusOr<std::string> TellFormat(std::string_view text, const std::string& path) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n\xEF\xBB\xBF"), text.size());
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  const std::vector<std::string_view> words = Words(line);
  if (line.starts_with('{')) return "jsonl";
  if (words.size() == 6 && words[1] == "Q0") return "trec";
  if (line.find('\t') != std::string_view::npos) return "tsv";
  if (line.find(',') != std::string_view::npos) return "csv";
  return InvalidArgument("lists: ", path, ":1: expected JSON lines, a TREC run, CSV or TSV, got '",
                         Excerpt(line), "'; hint: --lists-format names the format");
}

}  // namespace

const std::vector<std::string>& ListsFormats() {
  static const std::vector<std::string> formats = {"auto", "jsonl", "trec", "csv", "tsv"};
  return formats;
}

absl::StatusOr<ListsFile> ReadLists(const std::string& path, const std::string& format,
                                    const SequenceDataset& dataset) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::string known = format;
  if (format == "auto") {
    OPENP5_ASSIGN_OR_RETURN(known, TellFormat(text, path));
  }
  const std::string name = BaseName(path);
  ListsFile file{.path = path, .system = name.substr(0, name.rfind('.'))};
  if (known == "jsonl") {
    OPENP5_RETURN_IF_ERROR(ReadJsonLines(text, dataset, &file));
  } else if (known == "trec") {
    OPENP5_RETURN_IF_ERROR(ReadTrec(text, dataset, &file));
  } else {
    OPENP5_RETURN_IF_ERROR(ReadTable(text, known == "csv" ? ',' : '\t', dataset, &file));
  }
  return file;
}

}  // namespace openp5::recommenders
