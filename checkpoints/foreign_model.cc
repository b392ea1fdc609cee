#include "checkpoints/foreign_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "checkpoints/hugging_face.h"
#include "checkpoints/peft.h"
#include "checkpoints/state_dict_form.h"
#include "checkpoints/torch_file.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/tensor/runtime.h"

namespace openp5::checkpoints {
namespace {

absl::Status RequireBackbone(const ForeignSource& source, const char* what) {
  if (!source.backbone.empty()) return absl::OkStatus();
  return UsageError(StrCat("missing --backbone (a folder with the ", std::string(what), " of ",
                           source.checkpoint, ")"));
}

absl::StatusOr<ForeignModel> ReadOpenP5(const ForeignSource& source) {
  OPENP5_RETURN_IF_ERROR(RequireBackbone(source, "config.json"));
  ForeignModel model{.has_exact_rows = true};
  OPENP5_ASSIGN_OR_RETURN(model.config, ReadHuggingFaceConfig(source.backbone));
  OPENP5_ASSIGN_OR_RETURN(model.weights, ReadTorchStateDict(source.checkpoint));
  OPENP5_RETURN_IF_ERROR(SettleStateDict(source.checkpoint, &model.config, &model.weights));
  return model;
}

absl::StatusOr<ForeignModel> ReadFolder(const std::string& path) {
  ForeignModel model;
  OPENP5_ASSIGN_OR_RETURN(auto folder, ReadHuggingFaceFolder(path));
  model.config = std::move(folder.config);
  model.weights = std::move(folder.weights);
  OPENP5_RETURN_IF_ERROR(SettleStateDict(path, &model.config, &model.weights));
  return model;
}

absl::StatusOr<ForeignModel> ReadHuggingFace(const ForeignSource& source) {
  return ReadFolder(source.checkpoint);
}

// The adapter may change a tied head or its table alone: the model has both then.
absl::Status Merge(const PeftAdapter& adapter, const std::string& where, ForeignModel* model) {
  const bool was_tied = HasTiedHead(model->config);
  bool tied = was_tied;
  OPENP5_RETURN_IF_ERROR(MergeAdapter(adapter, where, &model->weights, &tied));
  if (tied != was_tied) SeparateHead(&model->config);
  return absl::OkStatus();
}

absl::StatusOr<ForeignModel> ReadPeft(const ForeignSource& source) {
  OPENP5_RETURN_IF_ERROR(RequireBackbone(source, "model"));
  OPENP5_ASSIGN_OR_RETURN(const PeftAdapter adapter, ReadPeftAdapter(source.checkpoint));
  OPENP5_ASSIGN_OR_RETURN(ForeignModel model, ReadFolder(source.backbone));
  OPENP5_RETURN_IF_ERROR(Merge(adapter, source.checkpoint, &model));
  return model;
}

// Rows of the embedding that the adapter was trained on; 0 if it has no update for one.
int64_t AdapterRows(const PeftAdapter& adapter) {
  for (const auto& [name, tensor] : adapter.tensors) {
    if (name.ends_with(".lora_embedding_A") && tensor.dim() == 2) return tensor.size(1);
  }
  return 0;
}

void GrowRows(int64_t rows, at::Tensor* table) {
  if (table->dim() != 2 || table->size(0) >= rows) return;
  at::Tensor grown = at::zeros({rows, table->size(1)}, table->options());
  grown.narrow(0, 0, table->size(0)).copy_(*table);
  *table = grown;
}

absl::StatusOr<ForeignModel> ReadOpenP5Llama(const ForeignSource& source) {
  OPENP5_RETURN_IF_ERROR(RequireBackbone(source, "model"));
  OPENP5_ASSIGN_OR_RETURN(const PeftAdapter adapter, ReadPeftAdapter(source.checkpoint));
  OPENP5_ASSIGN_OR_RETURN(ForeignModel model, ReadFolder(source.backbone));
  model.has_exact_rows = true;
  const int64_t rows = AdapterRows(adapter);
  OPENP5_RETURN_IF_ERROR(CatchTorch(source.backbone, [&] {
    for (auto& [name, tensor] : model.weights) {
      if (name != "model.embed_tokens.weight" && name != "lm_head.weight") continue;
      if (tensor.dim() == 2 && tensor.size(0) < rows) {
        LogWarning(StrCat(source.checkpoint, ": OpenP5 did not save the ", rows - tensor.size(0),
                          " rows it added to ", name, " in training; they are zero"));
      }
      GrowRows(rows, &tensor);
    }
    return absl::OkStatus();
  }));
  OPENP5_RETURN_IF_ERROR(Merge(adapter, source.checkpoint, &model));
  return model;
}

bool IsFile(const std::string& path) { return FileExists(path) && !IsDirectory(path); }
// An adapter of OpenP5's looks like any other: this one must be named.
bool Never(const std::string&) { return false; }

struct ForeignFormat {
  const char* name;
  bool (*recognizes)(const std::string& path);
  absl::StatusOr<ForeignModel> (*read)(const ForeignSource& source);
};

constexpr ForeignFormat kFormats[] = {
    {"openp5", IsFile, ReadOpenP5},
    {"huggingface", IsHuggingFaceFolder, ReadHuggingFace},
    {"peft", IsPeftFolder, ReadPeft},
    {"openp5-llama", Never, ReadOpenP5Llama},
};

absl::StatusOr<const ForeignFormat*> FindFormat(const ForeignSource& source) {
  if (!FileExists(source.checkpoint)) {
    return NotFound(source.checkpoint, ": no such file or folder");
  }
  for (const ForeignFormat& format : kFormats) {
    if (source.format == "auto" ? format.recognizes(source.checkpoint)
                                : source.format == format.name) {
      return &format;
    }
  }
  if (source.format != "auto") {
    return InvalidArgument("checkpoint format: expected one of auto, ",
                           absl::StrJoin(ForeignFormats(), ", "), "; got '", source.format, "'");
  }
  return NotFound(source.checkpoint,
                  ": neither a checkpoint (manifest.json) nor a Hugging Face folder (config.json) "
                  "nor an adapter of PEFT (adapter_config.json)");
}

}  // namespace

std::vector<std::string> ForeignFormats() {
  std::vector<std::string> names;
  for (const ForeignFormat& format : kFormats) names.emplace_back(format.name);
  return names;
}

absl::StatusOr<ForeignModel> ReadForeignModel(const ForeignSource& source) {
  OPENP5_ASSIGN_OR_RETURN(const ForeignFormat* format, FindFormat(source));
  OPENP5_ASSIGN_OR_RETURN(ForeignModel model, format->read(source));
  model.format = format->name;
  return model;
}

}  // namespace openp5::checkpoints
