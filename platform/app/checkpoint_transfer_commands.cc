#include "platform/app/checkpoint_transfer_commands.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoints/checkpoint.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/inner_path.h"
#include "indexing/openp5_files.h"
#include "platform/app/data_options.h"
#include "platform/app/format_options.h"
#include "platform/app/load_model.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/config/command_line.h"
#include "platform/text/transformers_files.h"
#include "trainers/model_folder.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kWholeWords[] = "encoder.whole_word_embeddings.weight";

struct OutOption {
  std::string out;

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "out", .help = "folder to write; replaced if it exists"}, &out);
  }
};

// All options of `checkpoint import`.
struct ImportOptions {
  CheckpointOptions checkpoint;
  DataOptions data;
  indexing::IndexParameters index;
  OutOption out;
  FormatOptions format;

  void AddTo(CommandLine* line) {
    line->Add(&checkpoint);
    line->Add(&data);
    line->Add(&index);
    line->Add(&out);
    line->Add(&format);
    for (const char* name : {"checkpoint", "data-dir", "datasets", "out"}) line->Require(name);
  }
};

struct ExportOptions {
  std::string checkpoint;
  std::string to = "huggingface";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "checkpoint", .help = "checkpoint folder of openp5"}, &checkpoint);
    visitor.Visit({.name = "to",
                   .help = "huggingface: a folder for transformers; openp5: the item index and "
                           "users as OpenP5's text files",
                   .choices = {"huggingface", "openp5"}},
                  &to);
  }
};

// What an exporter did, beyond the files.
using Notes = std::vector<std::string>;

// Hugging Face's T5 has no whole-word embedding. Its rows stay in the file, where transformers
// passes over them; all of them 0 change nothing and are left out.
absl::Status SettleWholeWords(NamedTensors* weights, Notes* notes) {
  for (auto it = weights->begin(); it != weights->end(); ++it) {
    if (it->first != kWholeWords) continue;
    if (!it->second.any().item<bool>()) {
      weights->erase(it);
      return absl::OkStatus();
    }
    notes->push_back(StrCat(
        kWholeWords,
        " is in model.safetensors, but transformers' T5 does not add it: for the same "
        "logits give the encoder inputs_embeds = shared[token ids] + whole_word_embeddings[whole "
        "word ids]"));
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<Notes> ExportHuggingFace(const std::string& path, const std::string& out) {
  Notes notes;
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
  OPENP5_ASSIGN_OR_RETURN(const auto tokenizer, text::OpenTokenizer(JoinPath(path, "tokenizer"),
                                                                    manifest.tokenizer_family));
  checkpoints::HuggingFaceFolder folder{.config = manifest.model_config};
  OPENP5_ASSIGN_OR_RETURN(folder.weights, checkpoints::ReadWeights(path));
  OPENP5_RETURN_IF_ERROR(
      CatchTorch(path, [&] { return SettleWholeWords(&folder.weights, &notes); }));
  OPENP5_RETURN_IF_ERROR(checkpoints::WriteHuggingFaceFolder(
      out, folder,
      [&](const std::string& to) { return text::SaveForTransformers(*tokenizer, to); }));
  return notes;
}

// A folder a dataset, as in OpenP5's `data/`.
absl::StatusOr<Notes> ExportOpenP5(const std::string& path, const std::string& out) {
  OPENP5_ASSIGN_OR_RETURN(const auto indexes,
                          indexing::ReadItemIndexFile(JoinPath(path, "items.index")));
  OPENP5_RETURN_IF_ERROR(WriteDirectoryAtomic(out, [&](const std::string& to) -> absl::Status {
    for (const indexing::ItemIndex& index : indexes) {
      if (!checkpoints::IsInnerPath(index.dataset_name())) {
        return DataLoss(path, ": items.index: expected a dataset's name that is a folder's, got '",
                        OneLine(index.dataset_name()), "'");
      }
      const std::string folder = JoinPath(to, index.dataset_name());
      OPENP5_RETURN_IF_ERROR(MakeDirectories(folder));
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, indexing::OpenP5ItemsFileName(index.parameters())),
                          indexing::OpenP5ItemsText(index)));
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, "user_indexing.txt"), indexing::OpenP5UsersText(index)));
    }
    return absl::OkStatus();
  }));
  return Notes();
}

absl::Status RunImportWith(const ImportOptions& options, const IndexRequest& request) {
  if (checkpoints::IsCheckpoint(options.checkpoint.checkpoint)) {
    return UsageError(StrCat("--checkpoint: ", options.checkpoint.checkpoint,
                             " is a checkpoint of openp5 already"));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto datasets, options.data.OpenDatasets());
  OPENP5_ASSIGN_OR_RETURN(ForeignCheckpoint foreign,
                          OpenForeignCheckpoint(options.checkpoint, datasets, request));
  trainers::ModelFolder folder{.model_family = foreign.config["model_type"].get<std::string>(),
                               .model_config = foreign.config,
                               .weights = foreign.weights,
                               .tokenizer = foreign.tokenizer.get(),
                               .training = {{"imported_from", foreign.format}}};
  for (const auto& index : foreign.indexes) folder.indexes.push_back(&index);
  OPENP5_RETURN_IF_ERROR(trainers::WriteModelFolder(options.out.out, folder));
  const Json result = {{"checkpoint", options.out.out},
                       {"from", foreign.format},
                       {"tensors", foreign.weights.size()},
                       {"added_tokens", foreign.tokenizer->added_tokens().size()}};
  return Print(
      options.format,
      StrCat("imported ", foreign.format, ": ", options.out.out, ": ", foreign.weights.size(),
             " tensors, ", foreign.tokenizer->added_tokens().size(), " added tokens\n"),
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
  return RunImportWith(options, IndexRequest::From(line, options.index, options.data));
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
  // Also tells a folder that is none of ours, whatever is exported from it.
  OPENP5_RETURN_IF_ERROR(checkpoints::ReadManifest(options.checkpoint).status());
  OPENP5_ASSIGN_OR_RETURN(const Notes notes, options.to == "openp5"
                                                 ? ExportOpenP5(options.checkpoint, out.out)
                                                 : ExportHuggingFace(options.checkpoint, out.out));
  std::string text = StrCat("exported to ", options.to, ": ", out.out, "\n");
  for (const std::string& note : notes) text += StrCat("note: ", note, "\n");
  return Print(format, text, {{"out", out.out}, {"to", options.to}, {"notes", notes}});
}

}  // namespace openp5::app
