#include "datasets/prompts.h"

#include <algorithm>

#include "datasets/default_prompts.h"
#include "datasets/text_lines.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/numbers.h"

namespace openp5::datasets {
namespace {

// Every user's prompt is made of a template and tokenized as a whole, before it is cut: these keep
// one line of a file from taking all memory.
constexpr size_t kLongestTemplate = 64 << 10, kMostFields = 64;

constexpr std::string_view kFields = "{dataset}, {user_id}, {history} or {target}";

const std::string_view* FieldValue(std::string_view name, const PromptFields& fields) {
  if (name == "dataset") return &fields.dataset;
  if (name == "user_id") return &fields.user;
  if (name == "history") return &fields.history;
  if (name == "target") return &fields.target;
  return nullptr;
}

// What stands between the braces of `part`; empty if it lacks one.
std::string_view FieldName(std::string_view part) {
  const bool closed = part.size() > 2 && part.front() == '{' && part.back() == '}';
  return closed ? part.substr(1, part.size() - 2) : std::string_view();
}

// Calls `text(part)` and `field(part with its braces)` in turn. A brace without its partner counts
// as a field that reaches to the end.
template <class Text, class Field>
void ForEachPart(std::string_view pattern, const Text& text, const Field& field) {
  while (!pattern.empty()) {
    const size_t open = std::min(pattern.find_first_of("{}"), pattern.size());
    if (open > 0) text(pattern.substr(0, open));
    pattern.remove_prefix(open);
    if (pattern.empty()) return;
    const size_t close = std::min(pattern.find('}'), pattern.size() - 1);
    field(pattern.substr(0, close + 1));
    pattern.remove_prefix(close + 1);
  }
}

absl::Status CheckFields(std::string_view pattern, const TextLines& lines) {
  absl::Status status;
  size_t count = 0;
  ForEachPart(
      pattern, [](std::string_view) {},
      [&](std::string_view field) {
        if (++count > kMostFields) {
          status.Update(InvalidArgument(lines.Where(), ": expected at most ", kMostFields,
                                        " fields in a text, got more"));
        }
        if (FieldValue(FieldName(field), PromptFields()) != nullptr) return;
        status.Update(
            InvalidArgument(lines.Where(), ": expected ", kFields, ", got '", Excerpt(field), "'"));
      });
  return status;
}

absl::StatusOr<PromptTemplate> ParseTemplate(std::string_view line, const TextLines& lines) {
  if (line.size() > kLongestTemplate) {
    return InvalidArgument(lines.Where(), ": expected a prompt of at most ", kLongestTemplate,
                           " bytes, got ", line.size());
  }
  std::vector<std::string_view> parts;
  for (const std::string_view part : SplitAt(line, ';')) parts.push_back(Trim(part));
  if (parts.size() != 4) {
    return InvalidArgument(lines.Where(),
                           ": expected 4 parts `task; seen|unseen; input; output`, got ",
                           parts.size(), " in '", Excerpt(line), "'");
  }
  for (const std::string_view part : parts) {
    if (part.empty()) {
      return InvalidArgument(lines.Where(), ": expected 4 parts with text, got '", Excerpt(line),
                             "'");
    }
  }
  if (parts[1] != "seen" && parts[1] != "unseen") {
    return InvalidArgument(lines.Where(), ": expected 'seen' or 'unseen', got '", Excerpt(parts[1]),
                           "'");
  }
  OPENP5_RETURN_IF_ERROR(CheckFields(parts[2], lines));
  OPENP5_RETURN_IF_ERROR(CheckFields(parts[3], lines));
  return PromptTemplate{std::string(parts[0]), parts[1] == "seen", std::string(parts[2]),
                        std::string(parts[3])};
}

}  // namespace

std::string PromptTemplate::Line() const {
  return StrCat(task, "; ", seen ? "seen" : "unseen", "; ", input, "; ", output);
}

std::string PromptTemplate::Digest() const { return Sha256Of(Line()).substr(0, 8); }

std::string FillPrompt(std::string_view pattern, const PromptFields& fields) {
  std::string filled;
  filled.reserve(pattern.size() + fields.history.size() + 2 * fields.dataset.size() + 32);
  ForEachPart(
      pattern, [&](std::string_view text) { filled += text; },
      [&](std::string_view field) {
        const std::string_view* value = FieldValue(FieldName(field), fields);
        filled += value != nullptr ? *value : field;
      });
  return filled;
}

absl::StatusOr<PromptSet> PromptSet::Open(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return Parse(text, path);
}

absl::StatusOr<PromptSet> PromptSet::Parse(std::string_view text, const std::string& where) {
  PromptSet set;
  set.where_ = where;
  OPENP5_RETURN_IF_ERROR(
      ForEachLine(text, where, "prompt file",
                  [&](std::string_view line, const TextLines& lines) -> absl::Status {
                    if (Trim(line).empty()) return absl::OkStatus();
                    OPENP5_ASSIGN_OR_RETURN(auto parsed, ParseTemplate(line, lines));
                    set.templates_.push_back(std::move(parsed));
                    return absl::OkStatus();
                  }));
  if (set.templates_.empty()) {
    return InvalidArgument("prompt file: ", where,
                           ": expected lines `task; seen|unseen; input; output`, got none");
  }
  return set;
}

absl::StatusOr<CandidateForm> PromptSet::candidate_form() const {
  const auto names_dataset = [](const PromptTemplate& prompt) {
    return prompt.output.find("{dataset}") != std::string::npos;
  };
  if (templates_.empty()) return CandidateForm::kDatasetAndItem;
  const bool first = names_dataset(templates_.front());
  for (const PromptTemplate& prompt : templates_) {
    if (names_dataset(prompt) == first) continue;
    return InvalidArgument(where_,
                           ": expected {dataset} in the answers of all prompts or of none, "
                           "got '",
                           templates_.front().output, "' and '", prompt.output, "'");
  }
  return first ? CandidateForm::kDatasetAndItem : CandidateForm::kItem;
}

std::string PromptSet::Text() const {
  std::string text;
  for (const PromptTemplate& prompt : templates_) text += prompt.Line() + "\n";
  return text;
}

std::vector<const PromptTemplate*> PromptSet::Seen(std::string_view task) const {
  std::vector<const PromptTemplate*> seen;
  for (const PromptTemplate& prompt : templates_) {
    if (prompt.task == task && prompt.seen) seen.push_back(&prompt);
  }
  return seen;
}

absl::StatusOr<const PromptTemplate*> PromptSet::Find(std::string_view task,
                                                      std::string_view name) const {
  const size_t colon = std::min(name.find(':'), name.size());
  const std::string_view kind = name.substr(0, colon);
  const std::string_view digits = name.substr(std::min(colon + 1, name.size()));
  const auto number = ParseNumber<size_t>(digits);
  if ((kind != "seen" && kind != "unseen") || !number.has_value()) {
    return InvalidArgument("prompt: expected 'seen:N' or 'unseen:N', got '", name, "'");
  }
  size_t count = 0;
  for (const PromptTemplate& prompt : templates_) {
    if (prompt.task != task || prompt.seen != (kind == "seen")) continue;
    if (count++ == *number) return &prompt;
  }
  return NotFound("prompt: ", where_, ": expected a prompt ", name, " of task '", task, "', got ",
                  count, " ", kind, " prompts of it");
}

PromptSet DefaultPrompts() {
  absl::StatusOr<PromptSet> prompts = PromptSet::Parse(DefaultPromptText(), "built-in prompts");
  OPENP5_CHECK(prompts.ok());
  return *std::move(prompts);
}

}  // namespace openp5::datasets
