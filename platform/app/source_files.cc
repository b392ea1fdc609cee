#include "platform/app/source_files.h"

#include <filesystem>
#include <system_error>

#include "platform/base/file.h"

namespace openp5::app {

std::vector<std::string> SourceFiles(const DataOptions& data) {
  std::vector<std::string> files = {data.prompt_file};
  for (const std::string& dataset : data.datasets) {
    for (const char* name : {"user_sequence.txt", "item_metadata.jsonl", "dataset.json"}) {
      files.push_back(JoinPath(data.DatasetFolder(dataset), name));
    }
  }
  return files;
}

std::vector<std::string> SourceFiles(const DataOptions& data,
                                     const recommenders::CheckpointOptions& checkpoint) {
  namespace fs = std::filesystem;
  std::vector<std::string> files = SourceFiles(data);
  for (const std::string& path :
       {checkpoint.checkpoint, checkpoint.backbone, checkpoint.tokenizer, data.IndexDb()}) {
    files.push_back(path);
    std::error_code error;
    for (fs::recursive_directory_iterator at(path, error), end; !error && at != end;
         at.increment(error)) {
      if (at->path().extension() != ".jsonl") files.push_back(at->path().string());
    }
  }
  return files;
}

std::vector<std::string> SourceFolders(const DataOptions& data) {
  std::vector<std::string> folders = {data.prompt_file, data.IndexDb()};
  for (const std::string& dataset : data.datasets) folders.push_back(data.DatasetFolder(dataset));
  return folders;
}

}  // namespace openp5::app
