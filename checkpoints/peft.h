#ifndef OPENP5_CHECKPOINTS_PEFT_H_
#define OPENP5_CHECKPOINTS_PEFT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// A LoRA adapter (Hu et al., 2021) as PEFT keeps it in a folder: adapter_config.json, and
// adapter_model.safetensors or adapter_model.bin. The tensors have PEFT's names without
// `base_model.model.`: for a linear layer `<layer>.lora_A.weight` [r, in] and
// `<layer>.lora_B.weight` [out, r]; for an embedding `<layer>.lora_embedding_A` [r, rows] and
// `<layer>.lora_embedding_B` [columns, r]; `<layer>.weight` of layers that were trained in full;
// and `<layer>.token_adapter.trainable_tokens_delta` [tokens, columns], new rows of a table.
struct PeftAdapter {
  nlohmann::json config;
  NamedTensors tensors;
};

// True if `path` is a folder with an adapter_config.json.
bool IsPeftFolder(const std::string& path);

// NotFound naming what is missing, DataLoss for a damaged file or a tensor PEFT would not name so,
// InvalidArgument naming the field for an adapter that is not plain LoRA (another `peft_type`,
// DoRA, patterns of ranks, …): its meaning is not guessed. A field this reader does not know passes
// if it is off: null, false, empty, or a setting of a feature whose `use_…` is off.
absl::StatusOr<PeftAdapter> ReadPeftAdapter(const std::string& path);

// All or nothing. Reading gives an equal adapter.
absl::Status WritePeftAdapter(const std::string& path, const PeftAdapter& adapter);

// W + alpha / r · B A for every layer of the adapter (alpha / sqrt(r) with `use_rslora`), computed
// in float32 and rounded once to the weight's type; a layer trained in full takes the weight's
// place, and rows of `trainable_token_indices` those of their tokens. Only the changed weights are
// new memory.
//
// `tied_head`, if it points to true: the backbone's head is its table of tokens, which `weights`
// has once. An adapter may change one of the two alone, as PEFT computes it without merging: then
// `weights` gets an lm_head.weight, and `tied_head` becomes false.
//
// `where` names the adapter in messages. DataLoss naming the layer if `weights` has none of that
// name or the shapes do not fit; InvalidArgument for an adapter of a T5's table of tokens. Then
// some may be merged.
absl::Status MergeAdapter(const PeftAdapter& adapter, const std::string& where,
                          NamedTensors* weights, bool* tied_head = nullptr);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_PEFT_H_
