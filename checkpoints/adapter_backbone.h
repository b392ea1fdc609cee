#ifndef OPENP5_CHECKPOINTS_ADAPTER_BACKBONE_H_
#define OPENP5_CHECKPOINTS_ADAPTER_BACKBONE_H_

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoints/backbone.h"
#include "checkpoints/checkpoint.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/models/common/language_model.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// What `--backbone preset:NAME` begins with: random weights of that shape.
inline constexpr char kPresetPrefix[] = "preset:";

// Where the weights are that a checkpoint of an adapter does not hold.
struct BackboneOption {
  std::string backbone;

  void ForEach(OptionVisitor& visitor);
};

// Names the weights of `model`, as a training with an adapter begins, that the adapter leaves as
// they are. `given` and `seed` are what the model was made from. Reads all of a folder's weight
// files.
absl::StatusOr<Backbone> NameFrozenWeights(const std::string& given, int64_t seed,
                                           const models::LanguageModel& model);

// Rows of the tables of tokens that a training set anew before its first step, so that the
// backbone's files do not have them: `drawn` of the embeddings, and in every table the rows from
// `backbone_rows` on. Two tensors a table, see checkpoints/FORMAT.md.
NamedTensors ReplacedRows(const models::LanguageModel& model, std::vector<int64_t> drawn,
                          int64_t backbone_rows);

// All weights of the checkpoint at `path`, an adapter's backbone included: from `given`, if it is
// not empty, or where the manifest says. `type` is what the caller keeps matrices in. A usage error
// if `given` names a folder for random weights; else fails as FindBackbone, ReadWeights and
// LoadLanguageModel. May throw what LibTorch throws.
absl::StatusOr<NamedTensors> ReadModelWeights(const std::string& path, const Manifest& manifest,
                                              const std::string& given, c10::ScalarType type);

// Compares an adapter's backbone with its digests; OK for a checkpoint that holds every weight.
absl::Status VerifyBackbone(const std::string& path, const Manifest& manifest,
                            const std::string& given);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_ADAPTER_BACKBONE_H_
