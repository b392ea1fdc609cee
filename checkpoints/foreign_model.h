#ifndef OPENP5_CHECKPOINTS_FOREIGN_MODEL_H_
#define OPENP5_CHECKPOINTS_FOREIGN_MODEL_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// Where a model made elsewhere is.
struct ForeignSource {
  std::string checkpoint = {};  // file or folder
  std::string backbone = {};    // folder of the model it was made from, where it needs one
  std::string format = "auto";  // a name of ForeignFormats, or told from the files
};

struct ForeignModel {
  std::string format = {};     // as in ForeignFormats
  nlohmann::json config = {};  // as in Hugging Face's config.json
  // Under Hugging Face's names, types as in the file; adapters are merged.
  NamedTensors weights = {};
  // The embedding has exactly as many rows as its tokenizer had tokens: OpenP5 cuts it to that.
  bool has_exact_rows = false;
};

// "openp5": a `.pt` of OpenP5's T5 (state dict; the config is the backbone's).
// "huggingface": a folder with config.json. "peft": a LoRA adapter's folder, merged into the
// backbone. "openp5-llama": such a folder as OpenP5's Llama training leaves it, where the embedding
// was grown for added tokens and the rows themselves were not saved: they are zero here.
std::vector<std::string> ForeignFormats();

// Reads the source in the format it names, or which its files show. NotFound if there is nothing; a
// usage error if it needs a backbone; else fails as the files' readers do.
absl::StatusOr<ForeignModel> ReadForeignModel(const ForeignSource& source);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_FOREIGN_MODEL_H_
