#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "indexing/index_description.h"
#include "indexing/index_origin.h"
#include "indexing/item_index.h"
#include "indexing/item_index_store.h"
#include "indexing/openp5_files.h"
#include "platform/app/command.h"
#include "platform/app/data_options.h"
#include "platform/app/format_options.h"
#include "platform/app/source_files.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/output_file.h"
#include "platform/base/parallel.h"
#include "platform/config/command_line.h"
#include "platform/config/threads.h"

namespace openp5::app {
namespace {

using datasets::SequenceDataset;
using indexing::IndexParameters;
using indexing::ItemIndex;
using nlohmann::json;

// OpenP5's text files, read by import and written by export.
struct FileOptions {
  std::string items, users, sequences;
  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "items", .help = "file of lines `raw_id identifier`"}, &items);
    visitor.Visit({.name = "users", .help = "file of lines `raw_id number`"}, &users);
    visitor.Visit(
        {.name = "sequences", .help = "export: file of every user's number and items' identifiers"},
        &sequences);
  }
};

struct BuildOptions {
  int64_t threads = 0;
  void ForEach(OptionVisitor& visitor) { VisitThreads(visitor, &threads); }
};

struct Options {
  DataOptions data;
  IndexParameters parameters;
  FormatOptions output;
};

void AddCommon(Options* options, CommandLine* line) {
  line->Add(&options->data);
  line->Add(&options->parameters);
  line->Add(&options->output);
}

absl::Status PrintIndexes(const std::vector<ItemIndex>& indexes, const Options& options) {
  json all = json::array();
  std::string text;
  for (const ItemIndex& index : indexes) {
    all.push_back(indexing::Describe(index));
    text += indexing::DescriptionText(all.back());
  }
  return Print(options.output, text, json{{"index_db", options.data.IndexDb()}, {"indexes", all}});
}

absl::Status RunBuild(const std::vector<std::string>& arguments) {
  Options options;
  CommandLine line("index build",
                   "Gives every item of the datasets an identifier and stores them.");
  AddCommon(&options, &line);
  BuildOptions build;
  line.Add(&build);
  line.Require("data-dir");
  line.Require("datasets");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  SetParallelThreads(static_cast<size_t>(ThreadCount(build.threads)));
  OPENP5_RETURN_IF_ERROR(
      Annotate(indexing::CheckMaySaveItemIndex(options.data.IndexDb()), "--index-db"));
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.data.OpenDatasets());
  std::vector<ItemIndex> built;
  for (const SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(ItemIndex index, indexing::BuildItemIndex(dataset, options.parameters));
    ReleaseFreeMemory();  // the store's blocks are smaller than those that clustering left
    OPENP5_RETURN_IF_ERROR(indexing::SaveItemIndex(options.data.IndexDb(), index));
    LogInfo(StrCat("stored ", index.parameters().Key(), " of ", dataset.name(), " in ",
                   options.data.IndexDb()));
    built.push_back(std::move(index));
  }
  return PrintIndexes(built, options);
}

absl::Status ListIndexes(const Options& options) {
  OPENP5_ASSIGN_OR_RETURN(auto stored, indexing::ListItemIndexes(options.data.IndexDb()));
  const auto& wanted = options.data.datasets;
  std::erase_if(stored, [&](const indexing::StoredIndex& index) {
    return !wanted.empty() &&
           std::find(wanted.begin(), wanted.end(), index.dataset_name) == wanted.end();
  });
  json all = json::array();
  std::string text;
  for (const auto& index : stored) {
    all.push_back({{"dataset", index.dataset_name},
                   {"index", index.key},
                   {"items", index.item_count},
                   {"dataset_digest", index.dataset_digest}});
    absl::StrAppendFormat(&text, "%s %s: %d items, dataset digest %s\n",
                          OneLine(index.dataset_name), OneLine(index.key), index.item_count,
                          OneLine(index.dataset_digest));
  }
  return Print(options.output, text, json{{"index_db", options.data.IndexDb()}, {"indexes", all}});
}

absl::Status RunInspect(const std::vector<std::string>& arguments) {
  Options options;
  CommandLine line("index inspect",
                   "Lists the stored indexes; with --indexing, describes those of the datasets.");
  AddCommon(&options, &line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  if (options.data.data_dir.empty() && options.data.index_db.empty()) {
    return UsageError("index inspect: expected --data-dir or --index-db");
  }
  if (!line.IsGiven("indexing")) return ListIndexes(options);
  if (options.data.data_dir.empty() || options.data.datasets.empty()) {
    return UsageError("index inspect: --indexing needs --data-dir and --datasets");
  }
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.data.OpenDatasets());
  std::vector<ItemIndex> indexes;
  for (const SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(ItemIndex index, indexing::LoadItemIndex(options.data.IndexDb(),
                                                                     dataset, options.parameters));
    indexes.push_back(std::move(index));
  }
  return PrintIndexes(indexes, options);
}

// The one dataset that import and export work on.
absl::StatusOr<SequenceDataset> OpenOneDataset(const DataOptions& data, std::string_view command) {
  if (data.datasets.size() != 1) {
    return UsageError(StrCat(command, ": --datasets: expected one dataset, got ",
                             data.datasets.size(), "; run it once for each"));
  }
  return SequenceDataset::Open(data.DatasetFolder(data.datasets.front()));
}

absl::Status RunExport(const std::vector<std::string>& arguments) {
  Options options;
  FileOptions files;
  CommandLine line("index export", "Writes a stored index as OpenP5's text files.");
  AddCommon(&options, &line);
  line.Add(&files);
  line.Require("data-dir");
  line.Require("datasets");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  if (files.items.empty() && files.users.empty() && files.sequences.empty()) {
    return UsageError("index export: expected at least one of --items, --users, --sequences");
  }
  OPENP5_RETURN_IF_ERROR(CheckOutputFiles(
      {{"--items", files.items}, {"--users", files.users}, {"--sequences", files.sequences}},
      SourceFiles(options.data)));
  OPENP5_ASSIGN_OR_RETURN(const auto dataset, OpenOneDataset(options.data, "index export"));
  OPENP5_ASSIGN_OR_RETURN(
      const ItemIndex index,
      indexing::LoadItemIndex(options.data.IndexDb(), dataset, options.parameters));
  OPENP5_ASSIGN_OR_RETURN(const std::string sequences,
                          indexing::OpenP5SequencesText(index, dataset));
  json written = json::object();
  std::string text;
  for (const auto& [what, path, content] :
       {std::tuple("items", files.items, indexing::OpenP5ItemsText(index)),
        std::tuple("users", files.users, indexing::OpenP5UsersText(index)),
        std::tuple("sequences", files.sequences, sequences)}) {
    if (path.empty()) continue;
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(path, content));
    written[what] = path;
  }
  for (const auto& [what, path] : written.items()) {
    absl::StrAppendFormat(&text, "%-10s %s\n", what, OneLine(path.get<std::string>()));
  }
  return Print(options.output, text,
               json{{"index", indexing::Describe(index)}, {"files", written}});
}

absl::Status RunImport(const std::vector<std::string>& arguments) {
  Options options;
  FileOptions files;
  CommandLine line("index import", "Stores an index that OpenP5's text files hold.");
  AddCommon(&options, &line);
  line.Add(&files);
  for (const char* name : {"data-dir", "datasets", "items", "users"}) line.Require(name);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  if (line.IsGiven("sequences")) {
    return UsageError("index import: --sequences follow from --items and --users; leave them out");
  }
  OPENP5_RETURN_IF_ERROR(
      Annotate(indexing::CheckMaySaveItemIndex(options.data.IndexDb()), "--index-db"));
  OPENP5_ASSIGN_OR_RETURN(const auto dataset, OpenOneDataset(options.data, "index import"));
  OPENP5_ASSIGN_OR_RETURN(ItemIndex index, indexing::ImportOpenP5Index(dataset, options.parameters,
                                                                       files.items, files.users));
  OPENP5_RETURN_IF_ERROR(indexing::SaveImportedItemIndex(options.data.IndexDb(), index));
  return PrintIndexes({std::move(index)}, options);
}

}  // namespace

std::vector<Command> IndexCommands() {
  return {{"index build", "Give every item an identifier", RunBuild},
          {"index inspect", "List or describe stored indexes", RunInspect},
          {"index export", "Write an index as OpenP5's text files", RunExport},
          {"index import", "Read an index from OpenP5's text files", RunImport}};
}

}  // namespace openp5::app
