#ifndef OPENP5_PLATFORM_APP_SOURCE_FILES_H_
#define OPENP5_PLATFORM_APP_SOURCE_FILES_H_

#include <string>
#include <vector>

#include "platform/app/data_options.h"
#include "platform/recommenders/load_model.h"

namespace openp5::app {

// The files of datasets and prompts, which no output may replace (CheckOutputFiles).
std::vector<std::string> SourceFiles(const DataOptions& data);
// Those of model, tokenizer and index store, too. Lists that were written beside a model (.jsonl)
// are none of its files.
std::vector<std::string> SourceFiles(const DataOptions& data,
                                     const recommenders::CheckpointOptions& checkpoint);

// The same for a folder as output (CheckOutputFolder).
std::vector<std::string> SourceFolders(const DataOptions& data);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_SOURCE_FILES_H_
