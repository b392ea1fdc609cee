#include "platform/app/checkpoint_transfer_commands.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoints/adapter_backbone.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/export.h"
#include "checkpoints/folder_kinds.h"
#include "checkpoints/model_folder.h"
#include "platform/app/data_options.h"
#include "platform/app/format_options.h"
#include "platform/app/reading.h"
#include "platform/app/source_files.h"
#include "platform/base/log.h"
#include "platform/base/output_folder.h"
#include "platform/config/command_line.h"
#include "platform/recommenders/kinds.h"
#include "platform/recommenders/load_model.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct OutOption {
  std::string out;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "out",
                   .help = "folder to write; what is there is replaced only if it is an earlier "
                           "one of the same kind"},
                  &out);
  }
};

// All options of `checkpoint import`.
struct ImportOptions {
  recommenders::CheckpointOptions checkpoint;
  DataOptions data;
  indexing::IndexParameters index;
  checkpoints::Reading reading;
  OutOption out;
  FormatOptions format;

  void AddTo(CommandLine* line) {
    line->Add(&checkpoint);
    line->Add(&data);
    line->Add(&index);
    line->Add(&reading);
    line->Add(&out);
    line->Add(&format);
    for (const char* name : {"checkpoint", "data-dir", "datasets", "out"}) line->Require(name);
  }
};

struct ExportOptions {
  std::string checkpoint;
  std::string to = "huggingface";
  checkpoints::BackboneOption backbone;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "checkpoint", .help = "checkpoint folder of openp5"}, &checkpoint);
    std::string help;
    std::vector<std::string> names;
    for (const checkpoints::ExportForm& form : checkpoints::ExportForms()) {
      help += StrCat(help.empty() ? "" : "; ", form.name, ": ", form.help);
      names.emplace_back(form.name);
    }
    visitor.Visit({.name = "to", .help = std::move(help), .choices = std::move(names)}, &to);
    backbone.ForEach(visitor);
  }
};

absl::Status RunImportWith(const ImportOptions& options,
                           const recommenders::IndexRequest& request) {
  std::vector<std::string> sources = SourceFolders(options.data);
  for (const std::string& path :
       {options.checkpoint.checkpoint, options.checkpoint.backbone, options.checkpoint.tokenizer}) {
    sources.push_back(path);
  }
  OPENP5_RETURN_IF_ERROR(Annotate(
      CheckOutputFolder(options.out.out, checkpoints::CheckpointKind(), sources), "--out"));
  if (checkpoints::IsCheckpoint(options.checkpoint.checkpoint)) {
    return UsageError(StrCat("--checkpoint: ", options.checkpoint.checkpoint,
                             " is a checkpoint of openp5 already"));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(const auto prompts, options.data.LoadPrompts());
  OPENP5_ASSIGN_OR_RETURN(
      const recommenders::ForeignCheckpoint foreign,
      recommenders::OpenForeignCheckpoint(options.checkpoint, datasets, request));
  checkpoints::ModelFolder folder{.model_family = foreign.config["model_type"].get<std::string>(),
                                  .model_config = foreign.config,
                                  .weights = foreign.weights,
                                  .tokenizer = foreign.tokenizer.get(),
                                  .training = {{"imported_from", foreign.format}},
                                  .reading = options.reading.Json(),
                                  .prompts = prompts.Text()};
  for (const auto& index : foreign.indexes) folder.indexes.push_back(&index);
  OPENP5_RETURN_IF_ERROR(checkpoints::WriteModelFolder(options.out.out, folder));
  const Json result = {{"checkpoint", options.out.out},
                       {"from", foreign.format},
                       {"tensors", foreign.weights.size()},
                       {"added_tokens", foreign.tokenizer->added_tokens().size()}};
  return Print(options.format,
               StrCat("imported ", foreign.format, ": ", OneLine(options.out.out), ": ",
                      foreign.weights.size(), " tensors, ",
                      foreign.tokenizer->added_tokens().size(), " added tokens\n"),
               result);
}

}  // namespace

absl::Status RunCheckpointImport(const std::vector<std::string>& arguments) {
  ImportOptions options;
  CommandLine line("checkpoint import",
                   "Make a checkpoint folder that stands alone from a model made elsewhere, its "
                   "tokenizer and the item index it was trained with.");
  options.AddTo(&line);
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const auto source,
                          checkpoints::ModelSource::Open(options.checkpoint.checkpoint));
  OPENP5_RETURN_IF_ERROR(UseReading(source, options.reading, &line));
  return RunImportWith(options, RequestIndex(line, options.index, options.data));
}

absl::Status RunCheckpointExport(const std::vector<std::string>& arguments) {
  ExportOptions options;
  OutOption out;
  FormatOptions format;
  CommandLine line("checkpoint export", "Write a checkpoint folder in a form that others read.");
  line.Add(&options);
  line.Add(&out);
  line.Add(&format);
  line.Require("checkpoint");
  line.Require("out");
  OPENP5_ASSIGN_OR_RETURN(const bool run, line.Parse(arguments));
  if (!run) return absl::OkStatus();
  const auto forms = checkpoints::ExportForms();
  const auto form = std::find_if(forms.begin(), forms.end(),
                                 [&](const auto& one) { return one.name == options.to; });
  OPENP5_CHECK(form != forms.end());
  OPENP5_RETURN_IF_ERROR(Annotate(
      CheckOutputFolder(out.out, form->kind(), {options.checkpoint, options.backbone.backbone}),
      "--out"));
  // Also tells a folder that is none of ours, whatever is exported from it.
  checkpoints::ModelSource source{.path = options.checkpoint};
  OPENP5_ASSIGN_OR_RETURN(source.manifest, checkpoints::ReadManifest(options.checkpoint));
  if (source.manifest->tokenizer_family == "none") {
    const auto kinds = recommenders::BuiltinKinds();
    OPENP5_ASSIGN_OR_RETURN(const auto* kind, recommenders::FindKind(kinds, source));
    return FailedPrecondition(options.checkpoint, ": --to ", options.to,
                              ": expected a language model, got ", kind->title,
                              ", which has no such form");
  }
  OPENP5_ASSIGN_OR_RETURN(const checkpoints::Notes notes,
                          form->write({options.checkpoint, options.backbone.backbone}, out.out));
  std::string text = StrCat("exported to ", options.to, ": ", OneLine(out.out), "\n");
  for (const std::string& note : notes) text += StrCat("note: ", OneLine(note), "\n");
  return Print(format, text, {{"out", out.out}, {"to", options.to}, {"notes", notes}});
}

}  // namespace openp5::app
