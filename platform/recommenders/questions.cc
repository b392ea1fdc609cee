#include "platform/recommenders/questions.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "datasets/item_sets.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::recommenders {
namespace {

using datasets::SequenceDataset;

absl::StatusOr<int32_t> FindItem(const SequenceDataset& dataset, const std::string& id,
                                 const std::string& where) {
  const std::optional<int32_t> item = dataset.FindItem(id);
  if (item.has_value()) return *item;
  return NotFound(where, ": ", dataset.name(), " has no item '", OneLine(id), "'");
}

// A file's lines with their numbers, without empty ones.
struct Line {
  std::string where;  // "FILE:NUMBER"
  std::vector<std::string> words;
};

absl::StatusOr<std::vector<Line>> ReadLines(const std::string& file) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  std::vector<Line> lines;
  int64_t number = 0;
  for (const auto& line : absl::StrSplit(text, '\n')) {
    ++number;
    std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (!words.empty()) lines.push_back({StrCat(file, ":", number), std::move(words)});
  }
  return lines;
}

// The items of a file, ascending.
absl::StatusOr<std::vector<int32_t>> ReadItems(const SequenceDataset& dataset,
                                               const std::string& file) {
  std::vector<int32_t> items;
  OPENP5_ASSIGN_OR_RETURN(const auto lines, ReadLines(file));
  for (const Line& line : lines) {
    for (const std::string& id : line.words) {
      OPENP5_ASSIGN_OR_RETURN(const int32_t item, FindItem(dataset, id, line.where));
      items.push_back(item);
    }
  }
  return datasets::DistinctItems(items);
}

// What is recommended to nobody, ascending.
absl::StatusOr<std::vector<int32_t>> DeniedItems(const QuestionOptions& options,
                                                 const SequenceDataset& dataset) {
  std::vector<int32_t> denied;
  if (!options.deny.empty()) {
    OPENP5_ASSIGN_OR_RETURN(denied, ReadItems(dataset, options.deny));
  }
  if (options.allow.empty()) return denied;
  OPENP5_ASSIGN_OR_RETURN(const auto allowed, ReadItems(dataset, options.allow));
  if (allowed.empty()) return UsageError(StrCat("--allow: ", options.allow, " names no item"));
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    if (!std::binary_search(allowed.begin(), allowed.end(), item)) denied.push_back(item);
  }
  return datasets::DistinctItems(denied);
}

// The question of a user, with the history `items` if there are any, else his own.
absl::StatusOr<Question> Ask(const SequenceDataset& dataset, const std::string& user,
                             std::span<const std::string> items, const std::string& where) {
  Question question;
  question.user = user;
  question.query.user = dataset.FindUser(user);
  if (items.empty()) {
    if (!question.query.user.has_value()) {
      return NotFound(where, ": ", dataset.name(), " has no user '", OneLine(user), "'");
    }
    const auto sequence = dataset.Sequence(*question.query.user);
    question.history.assign(sequence.begin(), sequence.end());
  }
  for (const std::string& id : items) {
    OPENP5_ASSIGN_OR_RETURN(const int32_t item, FindItem(dataset, id, where));
    question.history.push_back(item);
  }
  return question;
}

absl::StatusOr<std::vector<Question>> AskAll(const QuestionOptions& options,
                                             const SequenceDataset& dataset) {
  std::vector<Question> questions;
  if (options.all) {
    for (int32_t user = 0; user < dataset.user_count(); ++user) {
      OPENP5_ASSIGN_OR_RETURN(Question question,
                              Ask(dataset, std::string(dataset.UserId(user)), {}, "--all"));
      questions.push_back(std::move(question));
    }
  } else if (!options.users_file.empty()) {
    OPENP5_ASSIGN_OR_RETURN(const auto lines, ReadLines(options.users_file));
    for (const Line& line : lines) {
      OPENP5_ASSIGN_OR_RETURN(Question question, Ask(dataset, line.words.front(),
                                                     std::span(line.words).subspan(1), line.where));
      questions.push_back(std::move(question));
    }
  } else {
    const bool own = options.history_items.empty();
    OPENP5_ASSIGN_OR_RETURN(Question question, Ask(dataset, options.user, options.history_items,
                                                   own ? "--user" : "--history"));
    if (!options.user.empty() && !question.query.user.has_value()) {
      return NotFound("--user: ", dataset.name(), " has no user '", OneLine(options.user), "'");
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace

void QuestionOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "user", .help = "raw id of a user of the dataset"}, &user);
  visitor.Visit(
      {.name = "history", .help = "raw item ids, oldest first, instead of the user's own history"},
      &history_items);
  visitor.Visit({.name = "users-file",
                 .help = "many users, a line each: raw id, and raw item ids behind it where others "
                         "than the dataset's are to be his history (needed for a new user)"},
                &users_file);
  visitor.Visit({.name = "all", .help = "every user of the dataset"}, &all);
  visitor.Visit({.name = "include-seen", .help = "also recommend items of the history"},
                &include_seen);
  visitor.Visit({.name = "allow", .help = "file of raw item ids: nothing else is recommended"},
                &allow);
  visitor.Visit({.name = "deny", .help = "file of raw item ids that are never recommended"}, &deny);
}

absl::Status QuestionOptions::Check() const {
  const bool one = !user.empty() || !history_items.empty();
  const int ways = static_cast<int>(one) + static_cast<int>(all) + (users_file.empty() ? 0 : 1);
  if (ways == 0) {
    return UsageError(
        "openp5 recommend: missing --user or --history, or --users-file or --all for many");
  }
  if (ways > 1) {
    return UsageError(
        "openp5 recommend: expected one of --user (--history), --users-file and --all, got "
        "several");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Question>> ReadQuestions(const QuestionOptions& options,
                                                    const SequenceDataset& dataset) {
  OPENP5_ASSIGN_OR_RETURN(const std::vector<int32_t> denied, DeniedItems(options, dataset));
  OPENP5_ASSIGN_OR_RETURN(std::vector<Question> questions, AskAll(options, dataset));
  for (Question& question : questions) {
    question.query.history = question.history;
    question.query.excluded = denied;
    if (options.include_seen) continue;
    std::vector<int32_t>& excluded = question.query.excluded;
    excluded.insert(excluded.end(), question.history.begin(), question.history.end());
    excluded = datasets::DistinctItems(excluded);
  }
  return questions;
}

}  // namespace openp5::recommenders
