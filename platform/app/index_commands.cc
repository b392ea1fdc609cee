#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "indexing/index_origin.h"
#include "indexing/item_index.h"
#include "indexing/openp5_files.h"
#include "platform/app/command.h"
#include "platform/app/data_options.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/config/command_line.h"

namespace openp5::app {
namespace {

using datasets::SequenceDataset;
using indexing::IndexParameters;
using indexing::ItemIndex;
using nlohmann::json;

struct OutputOptions {
  std::string format = "text";
  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "format",
                   .help = "results as text or as one JSON object",
                   .choices = {"text", "json"}},
                  &format);
  }
};

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

struct Options {
  DataOptions data;
  IndexParameters parameters;
  OutputOptions output;
};

void AddCommon(Options* options, CommandLine* line) {
  line->Add(&options->data);
  line->Add(&options->parameters);
  line->Add(&options->output);
}

int64_t TokenCount(const std::string& identifier) {
  const auto tokens = std::count(identifier.begin(), identifier.end(), '<');
  return tokens > 0 ? tokens : static_cast<int64_t>(identifier.size());
}

json Describe(const ItemIndex& index) {
  int64_t total = 0, longest = 0, shortest = index.identifiers().empty() ? 0 : INT64_MAX;
  for (const std::string& identifier : index.identifiers()) {
    const int64_t length = TokenCount(identifier);
    total += length;
    longest = std::max(longest, length);
    shortest = std::min(shortest, length);
  }
  const size_t items = index.item_ids().size();
  const auto added = index.AddedTokens();
  json examples = json::array();
  for (size_t i = 0; i < std::min<size_t>(items, 3); ++i) {
    examples.push_back({{"item", index.item_ids()[i]}, {"identifier", index.identifiers()[i]}});
  }
  return {{"dataset", index.dataset_name()},
          {"index", index.parameters().Key()},
          {"items", items},
          {"users", index.user_ids().size()},
          {"identifier_length",
           {{"unit", added.empty() ? "digits" : "tokens"},
            {"shortest", shortest},
            {"mean", items > 0 ? static_cast<double>(total) / static_cast<double>(items) : 0.0},
            {"longest", longest}}},
          {"added_tokens", added.size()},
          {"examples", examples},
          {"dataset_digest", index.dataset_digest()},
          {"index_digest", index.Digest()}};
}

void PrintText(const json& described) {
  const json& length = described["identifier_length"];
  std::printf("%s %s\n", described["dataset"].get<std::string>().c_str(),
              described["index"].get<std::string>().c_str());
  std::printf("  items           %lld\n", described["items"].get<long long>());
  std::printf("  users           %lld\n", described["users"].get<long long>());
  std::printf("  identifiers     %lld to %lld %s, mean %.2f\n", length["shortest"].get<long long>(),
              length["longest"].get<long long>(), length["unit"].get<std::string>().c_str(),
              length["mean"].get<double>());
  std::printf("  added tokens    %lld\n", described["added_tokens"].get<long long>());
  for (const json& example : described["examples"]) {
    std::printf("  example         %s -> %s\n", example["item"].get<std::string>().c_str(),
                example["identifier"].get<std::string>().c_str());
  }
  std::printf("  dataset digest  %s\n", described["dataset_digest"].get<std::string>().c_str());
  std::printf("  index digest    %s\n", described["index_digest"].get<std::string>().c_str());
}

void PrintJson(const json& value) { std::printf("%s\n", value.dump(2).c_str()); }

void Print(const std::vector<ItemIndex>& indexes, const Options& options) {
  json all = json::array();
  for (const ItemIndex& index : indexes) all.push_back(Describe(index));
  if (options.output.format == "json") {
    PrintJson({{"index_db", options.data.IndexDb()}, {"indexes", all}});
    return;
  }
  for (const json& described : all) PrintText(described);
}

absl::Status RunBuild(const std::vector<std::string>& arguments) {
  Options options;
  CommandLine line("index build",
                   "Gives every item of the datasets an identifier and stores them.");
  AddCommon(&options, &line);
  line.Require("data-dir");
  line.Require("datasets");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
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
  Print(built, options);
  return absl::OkStatus();
}

absl::Status ListIndexes(const Options& options) {
  OPENP5_ASSIGN_OR_RETURN(auto stored, indexing::ListItemIndexes(options.data.IndexDb()));
  const auto& wanted = options.data.datasets;
  std::erase_if(stored, [&](const indexing::StoredIndex& index) {
    return !wanted.empty() &&
           std::find(wanted.begin(), wanted.end(), index.dataset_name) == wanted.end();
  });
  json all = json::array();
  for (const auto& index : stored) {
    all.push_back({{"dataset", index.dataset_name},
                   {"index", index.key},
                   {"items", index.item_count},
                   {"dataset_digest", index.dataset_digest}});
    if (options.output.format == "text") {
      std::printf("%s %s: %lld items, dataset digest %s\n", index.dataset_name.c_str(),
                  index.key.c_str(), static_cast<long long>(index.item_count),
                  index.dataset_digest.c_str());
    }
  }
  if (options.output.format == "json") {
    PrintJson({{"index_db", options.data.IndexDb()}, {"indexes", all}});
  }
  return absl::OkStatus();
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
  Print(indexes, options);
  return absl::OkStatus();
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
  OPENP5_ASSIGN_OR_RETURN(const auto dataset, OpenOneDataset(options.data, "index export"));
  OPENP5_ASSIGN_OR_RETURN(
      const ItemIndex index,
      indexing::LoadItemIndex(options.data.IndexDb(), dataset, options.parameters));
  json written = json::object();
  const auto write = [&](const char* what, const std::string& path, const std::string& text) {
    if (path.empty()) return absl::OkStatus();
    written[what] = path;
    return WriteFileAtomic(path, text);
  };
  OPENP5_ASSIGN_OR_RETURN(const std::string sequences,
                          indexing::OpenP5SequencesText(index, dataset));
  OPENP5_RETURN_IF_ERROR(write("items", files.items, indexing::OpenP5ItemsText(index)));
  OPENP5_RETURN_IF_ERROR(write("users", files.users, indexing::OpenP5UsersText(index)));
  OPENP5_RETURN_IF_ERROR(write("sequences", files.sequences, sequences));
  if (options.output.format == "json") {
    PrintJson({{"index", Describe(index)}, {"files", written}});
    return absl::OkStatus();
  }
  for (const auto& [what, path] : written.items()) {
    std::printf("%-10s %s\n", what.c_str(), path.get<std::string>().c_str());
  }
  return absl::OkStatus();
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
  OPENP5_ASSIGN_OR_RETURN(const auto dataset, OpenOneDataset(options.data, "index import"));
  OPENP5_ASSIGN_OR_RETURN(ItemIndex index, indexing::ImportOpenP5Index(dataset, options.parameters,
                                                                       files.items, files.users));
  OPENP5_RETURN_IF_ERROR(indexing::SaveImportedItemIndex(options.data.IndexDb(), index));
  Print({std::move(index)}, options);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> IndexCommands() {
  return {{"index build", "Give every item an identifier", RunBuild},
          {"index inspect", "List or describe stored indexes", RunInspect},
          {"index export", "Write an index as OpenP5's text files", RunExport},
          {"index import", "Read an index from OpenP5's text files", RunImport}};
}

}  // namespace openp5::app
