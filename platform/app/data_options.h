#ifndef OPENP5_PLATFORM_APP_DATA_OPTIONS_H_
#define OPENP5_PLATFORM_APP_DATA_OPTIONS_H_

#include <string>
#include <vector>

#include "datasets/prompts.h"
#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"
#include "platform/config/options.h"
#include "platform/recommenders/checkpoint_index.h"

namespace openp5::app {

// What a command works on: shared by `dataset`, `train` and `evaluate`. A command marks "data-dir"
// and "datasets" with CommandLine::Require where it cannot do without them.
struct DataOptions {
  std::string data_dir;               // holds a folder for each dataset
  std::vector<std::string> datasets;  // folder names, used as they are in prompts
  std::vector<std::string> tasks = {"sequential"};
  std::string prompt_file;  // empty: the built-in prompts
  std::string index_db;     // empty: <data_dir>/index.rocksdb

  void ForEach(OptionVisitor& visitor);

  std::string DatasetFolder(const std::string& dataset) const;
  std::string IndexDb() const;

  // The datasets in the order given. A usage error if one is given twice; else the failures of
  // SequenceDataset::Open.
  absl::StatusOr<std::vector<datasets::SequenceDataset>> OpenDatasets() const;

  // The prompts of `prompt_file`, or the built-in ones. Besides the failures of PromptSet::Open: a
  // usage error for a task given twice or not at all, and for one without any template (the message
  // names the tasks there are).
  absl::StatusOr<datasets::PromptSet> LoadPrompts() const;
  // Fails as PromptSet::Find if a task has no prompt `name`, which `option` gives.
  absl::Status CheckPrompt(const datasets::PromptSet& prompts, const char* option,
                           const std::string& name) const;
};

// How `line`, which has parsed both, asks for the item index.
recommenders::IndexRequest RequestIndex(const CommandLine& line,
                                        const indexing::IndexParameters& parameters,
                                        const DataOptions& data);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_DATA_OPTIONS_H_
