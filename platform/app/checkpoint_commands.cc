#include <cstdint>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoints/adapter_backbone.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/torch_file.h"
#include "platform/app/checkpoint_transfer_commands.h"
#include "platform/app/command.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/text_output.h"
#include "platform/config/command_line.h"
#include "platform/tensor/safetensors.h"
#include "platform/tensor/tensor_layout.h"

namespace openp5::app {
namespace {

using Json = nlohmann::ordered_json;

struct CheckpointOptions {
  std::string path;
  std::string format = "text";

  void ForEach(OptionVisitor& visitor) {
    visitor.Visit({.name = "checkpoint", .help = "the same as PATH"}, &path);
    visitor.Visit({.name = "format",
                   .help = "results as text or as one JSON object",
                   .choices = {"text", "json"}},
                  &format);
  }
};

// What `checkpoint inspect` found, whatever kind of file it is in.
struct Inspected {
  std::string kind;
  Json facts = Json::object();  // of the manifest or config
  std::map<std::string, int64_t> files = {};
  NamedTensors weights = {};
};

absl::StatusOr<Inspected> InspectOurs(const std::string& path) {
  Inspected inspected{.kind = "openp5 checkpoint"};
  OPENP5_ASSIGN_OR_RETURN(const checkpoints::Manifest manifest, checkpoints::ReadManifest(path));
  inspected.facts = {
      {"model_family", manifest.model_family}, {"tokenizer_family", manifest.tokenizer_family},
      {"model_config", manifest.model_config}, {"indexes", manifest.indexes},
      {"training", manifest.training},         {"metrics", manifest.metrics}};
  if (manifest.backbone.has_value()) inspected.facts["backbone"] = manifest.backbone->ToJson();
  OPENP5_ASSIGN_OR_RETURN(inspected.files, checkpoints::ListCheckpointFiles(path));
  OPENP5_ASSIGN_OR_RETURN(inspected.weights, checkpoints::ReadWeights(path));
  return inspected;
}

absl::StatusOr<Inspected> InspectHuggingFace(const std::string& path) {
  Inspected inspected{.kind = "Hugging Face folder"};
  OPENP5_ASSIGN_OR_RETURN(checkpoints::HuggingFaceFolder folder,
                          checkpoints::ReadHuggingFaceFolder(path));
  inspected.facts = {{"model_config", std::move(folder.config)}};
  inspected.weights = std::move(folder.weights);
  return inspected;
}

absl::StatusOr<Inspected> InspectPath(const std::string& path) {
  if (checkpoints::IsCheckpoint(path)) return InspectOurs(path);
  if (IsDirectory(path)) return InspectHuggingFace(path);
  const bool is_safetensors = path.ends_with(".safetensors");
  Inspected inspected{.kind = is_safetensors ? "safetensors file" : "torch.save file"};
  OPENP5_ASSIGN_OR_RETURN(inspected.weights, is_safetensors
                                                 ? ReadSafetensors(path)
                                                 : checkpoints::ReadTorchStateDict(path));
  return inspected;
}

// Tied tensors share memory and count once.
int64_t CountParameters(const NamedTensors& weights) {
  std::set<const void*> seen;
  int64_t count = 0;
  for (const auto& [name, tensor] : weights) {
    if (tensor.numel() > 0 && seen.insert(tensor.const_data_ptr()).second) count += tensor.numel();
  }
  return count;
}

Json Describe(const std::string& path, const Inspected& inspected) {
  Json described = {{"path", path}, {"kind", inspected.kind}};
  described.update(inspected.facts);
  if (!inspected.files.empty()) described["files"] = inspected.files;
  described["parameters"] = CountParameters(inspected.weights);
  described["tensors"] = Json::array();
  for (const auto& [name, tensor] : inspected.weights) {
    described["tensors"].push_back({{"name", name},
                                    {"dtype", std::string(NameOfType(tensor.scalar_type()))},
                                    {"shape", tensor.sizes().vec()}});
  }
  return described;
}

std::string Text(const Json& described) {
  std::string text;
  for (const auto& [name, value] : described.items()) {
    if (name == "tensors" || name == "files" || name == "indexes") continue;
    const std::string shown = value.is_string() ? value.get<std::string>() : DumpJson(value);
    text += StrCat(name, ": ", OneLine(shown), "\n");
  }
  if (described.contains("indexes")) {
    for (const Json& index : described["indexes"]) {
      text += StrCat("index: ", OneLine(DumpJson(index)), "\n");
    }
  }
  if (described.contains("files")) {
    for (const auto& [name, size] : described["files"].items()) {
      text += StrCat("file: ", OneLine(name), " ", size.get<int64_t>(), " bytes\n");
    }
  }
  for (const Json& tensor : described["tensors"]) {
    text += StrCat("tensor: ", OneLine(tensor["name"].get<std::string>()), " ",
                   tensor["dtype"].get<std::string>(), " ", DumpJson(tensor["shape"]), "\n");
  }
  return text;
}

absl::Status Print(const std::string& text) {
  OPENP5_ASSIGN_OR_RETURN(TextOutput output, TextOutput::Open(""));
  OPENP5_RETURN_IF_ERROR(output.Write(text));
  return output.Close();
}

// False if only the help was asked for.
absl::StatusOr<bool> ParsePath(const std::vector<std::string>& arguments,
                               CheckpointOptions* options, CommandLine* line) {
  line->AddPositional("PATH", "checkpoint folder; may be given as --checkpoint", &options->path);
  line->Add(options);
  return line->Parse(arguments);
}

absl::Status RunInspect(const std::vector<std::string>& arguments) {
  CheckpointOptions options;
  CommandLine line("checkpoint inspect",
                   "Say what is in a checkpoint folder, a Hugging Face folder, a .safetensors file "
                   "or a file of torch.save (.pt, .bin).");
  OPENP5_ASSIGN_OR_RETURN(const bool run, ParsePath(arguments, &options, &line));
  if (!run) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const Inspected inspected, InspectPath(options.path));
  const Json described = Describe(options.path, inspected);
  return Print(options.format == "json" ? DumpJson(described, 2) + "\n" : Text(described));
}

absl::Status RunVerify(const std::vector<std::string>& arguments) {
  CheckpointOptions options;
  checkpoints::BackboneOption backbone;
  CommandLine line("checkpoint verify",
                   "Compare every file of a checkpoint folder with its manifest, and an adapter's "
                   "backbone with its digests.");
  line.Add(&backbone);
  OPENP5_ASSIGN_OR_RETURN(const bool run, ParsePath(arguments, &options, &line));
  if (!run) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(checkpoints::VerifyCheckpoint(options.path));
  OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(options.path));
  OPENP5_RETURN_IF_ERROR(checkpoints::VerifyBackbone(options.path, manifest, backbone.backbone));
  OPENP5_ASSIGN_OR_RETURN(const auto files, checkpoints::ListCheckpointFiles(options.path));
  int64_t bytes = 0;
  for (const auto& [name, size] : files) bytes += size;
  const Json result = {{"ok", true}, {"files", files.size()}, {"bytes", bytes}};
  return Print(options.format == "json"
                   ? DumpJson(result) + "\n"
                   : StrCat("ok: ", files.size(), " files, ", bytes, " bytes\n"));
}

}  // namespace

std::vector<Command> CheckpointCommands() {
  return {{"checkpoint inspect", "Say what is in a checkpoint or weight file", RunInspect},
          {"checkpoint verify", "Compare a checkpoint's files with its manifest", RunVerify},
          {"checkpoint import", "Make a checkpoint of a model made elsewhere", RunCheckpointImport},
          {"checkpoint export", "Write a checkpoint for other programs", RunCheckpointExport}};
}

}  // namespace openp5::app
