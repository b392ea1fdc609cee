#ifndef OPENP5_CHECKPOINTS_STATE_DICT_FORM_H_
#define OPENP5_CHECKPOINTS_STATE_DICT_FORM_H_

#include <nlohmann/json.hpp>
#include <string>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// Whether a model of that config.json uses its table of tokens as its head, too.
bool HasTiedHead(const nlohmann::json& config);

// Makes `config` that of the same model whose head has a weight of its own. A T5 goes on to scale
// what the decoder puts out if it did.
void SeparateHead(nlohmann::json* config);

// Brings a state dict as others save it into the form in which we keep one:
// * Names are those of transformers' classes with a head. What wrappers put before or into them is
//   taken off: `_orig_mod.` (torch.compile), `module.`, the attribute that holds the model
//   (`model.`, `net.`, …), `base_model.model.`; a model that was saved without its head gets the
//   names it has with one. Tensors outside of the model are passed over with a warning.
// * The table of tokens is there once, as `shared.weight` or `model.embed_tokens.weight`, whichever
//   of its names a writer that leaves out copies chose.
// * `lm_head.weight` is there only if it differs from the table. Where that disagrees with
//   `tie_word_embeddings`, the file wins: the field is changed, with a warning.
// InvalidArgument naming two tensors or models that stand for the same one and disagree. What it
// does not recognize it leaves to the model's own loader.
absl::Status SettleStateDict(const std::string& where, nlohmann::json* config,
                             NamedTensors* weights);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_STATE_DICT_FORM_H_
