#include "platform/app/data_options.h"

#include <set>

#include "absl/strings/str_join.h"
#include "platform/base/file.h"

namespace openp5::app {
namespace {

absl::Status CheckDistinct(const char* option, const std::vector<std::string>& names) {
  if (names.empty()) return UsageError(StrCat("--", option, ": expected at least one name"));
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      return UsageError(StrCat("--", option, ": '", name, "' is given twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void DataOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "data-dir",
                 .help = "folder that holds a folder for each dataset",
                 .affects = Affects::kPlace},
                &data_dir);
  visitor.Visit({.name = "datasets", .help = "names of folders under --data-dir"}, &datasets);
  visitor.Visit({.name = "tasks", .help = "tasks of the prompts to use"}, &tasks);
  visitor.Visit({.name = "prompt-file",
                 .help = "prompts, a line each: task; seen|unseen; input; output (default: the "
                         "built-in ones)"},
                &prompt_file);
  visitor.Visit({.name = "index-db",
                 .help = "store of item indexes (default: <data-dir>/index.rocksdb)",
                 .affects = Affects::kPlace},
                &index_db);
}

std::string DataOptions::DatasetFolder(const std::string& dataset) const {
  return JoinPath(data_dir, dataset);
}

std::string DataOptions::IndexDb() const {
  return index_db.empty() ? JoinPath(data_dir, "index.rocksdb") : index_db;
}

absl::StatusOr<std::vector<datasets::SequenceDataset>> DataOptions::OpenDatasets() const {
  OPENP5_RETURN_IF_ERROR(CheckDistinct("datasets", datasets));
  std::vector<datasets::SequenceDataset> opened;
  for (const std::string& name : datasets) {
    OPENP5_ASSIGN_OR_RETURN(auto dataset, datasets::SequenceDataset::Open(DatasetFolder(name)));
    opened.push_back(std::move(dataset));
  }
  return opened;
}

absl::StatusOr<datasets::PromptSet> DataOptions::LoadPrompts() const {
  OPENP5_RETURN_IF_ERROR(CheckDistinct("tasks", tasks));
  absl::StatusOr<datasets::PromptSet> prompts =
      prompt_file.empty() ? datasets::DefaultPrompts() : datasets::PromptSet::Open(prompt_file);
  if (!prompts.ok()) return prompts.status();
  std::set<std::string> known;
  for (const datasets::PromptTemplate& prompt : prompts->templates()) known.insert(prompt.task);
  for (const std::string& task : tasks) {
    if (known.contains(task)) continue;
    return UsageError(StrCat("--tasks: ", prompt_file.empty() ? "built-in prompts" : prompt_file,
                             ": expected one of ", absl::StrJoin(known, ", "), "; got '", task,
                             "'"));
  }
  return prompts;
}

absl::Status DataOptions::CheckPrompt(const datasets::PromptSet& prompts, const char* option,
                                      const std::string& name) const {
  for (const std::string& task : tasks) {
    OPENP5_RETURN_IF_ERROR(Annotate(prompts.Find(task, name).status(), StrCat("--", option)));
  }
  return absl::OkStatus();
}

recommenders::IndexRequest RequestIndex(const CommandLine& line,
                                        const indexing::IndexParameters& parameters,
                                        const DataOptions& data) {
  return {.parameters = parameters,
          .index_db = data.IndexDb(),
          .parameters_given = line.IsAnyGiven(parameters),
          .index_db_given = line.IsGiven("index-db")};
}

}  // namespace openp5::app
