#ifndef OPENP5_DATASETS_PROMPTS_H_
#define OPENP5_DATASETS_PROMPTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"

namespace openp5::datasets {

// One line of a prompt file. `input` and `output` hold the fields {dataset} {user_id} {history}
// {target} still unfilled.
struct PromptTemplate {
  std::string task;  // "sequential", "straightforward"
  bool seen = true;  // seen templates are trained on, unseen ones only evaluated
  std::string input, output;

  // The template as a line of a prompt file, without a line break.
  std::string Line() const;
  // 8 hexadecimal digits of the SHA-256 of Line(): tells two templates of one name apart.
  std::string Digest() const;
};

struct PromptFields {
  std::string_view dataset, user, history, target;
};

// How the items that a model may answer with are written.
enum class CandidateForm {
  kDatasetAndItem,  // "<dataset> item_<id>", as OpenP5
  kItem,            // "item_<id>"
};

// Replaces the fields of `pattern` ("{user_id}" by fields.user, …).
std::string FillPrompt(std::string_view pattern, const PromptFields& fields);

// The templates of a prompt file in OpenP5's format: `task; seen|unseen; input; output`, split at
// every ';', parts trimmed. Immutable, thread-safe.
class PromptSet {
 public:
  // NotFound if the file is absent; InvalidArgument naming file and line for a line without exactly
  // four parts, a kind other than seen|unseen, an unknown {field}, or a file without any template.
  static absl::StatusOr<PromptSet> Open(const std::string& path);
  static absl::StatusOr<PromptSet> Parse(std::string_view text, const std::string& where);

  // In file order.
  std::vector<const PromptTemplate*> Seen(std::string_view task) const;
  // `name` is "seen:0", "unseen:0", …: the n-th line of that task and kind. NotFound names how many
  // there are; InvalidArgument if `name` has another form.
  absl::StatusOr<const PromptTemplate*> Find(std::string_view task, std::string_view name) const;
  const std::vector<PromptTemplate>& templates() const { return templates_; }
  // How the outputs write an item: with the dataset's name if they have {dataset}. InvalidArgument
  // naming two of them if some have it and some have not.
  absl::StatusOr<CandidateForm> candidate_form() const;
  // The set as a prompt file; parsing it gives the same templates.
  std::string Text() const;

 private:
  std::string where_;
  std::vector<PromptTemplate> templates_;
};

// The prompts that are built into the program (datasets/prompts/default.txt): for each of
// "sequential" and "straightforward" ten seen templates and an unseen one.
PromptSet DefaultPrompts();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PROMPTS_H_
