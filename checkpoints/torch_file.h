#ifndef OPENP5_CHECKPOINTS_TORCH_FILE_H_
#define OPENP5_CHECKPOINTS_TORCH_FILE_H_

#include <string>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// A state dict as torch.save writes it (OpenP5's `.pt`, Hugging Face's `pytorch_model.bin`), alone
// or in a dict of other things (`{"model_state_dict": …, "optimizer": …}`, Lightning's `.ckpt`):
// then it is the entry that holds only tensors. Read by a restricted unpickler that can build
// tensors, dicts, lists, tuples, strings and numbers and nothing else: in the state dict any other
// global is InvalidArgument with its name, beside it objects are passed over; what is pickled is
// never run. InvalidArgument too for several state dicts that disagree; DataLoss for a damaged
// file. Nothing larger than the file is allocated. Tensors that share storage come out as views of
// one; large storages are views of the mapped file (see TensorOver).
absl::StatusOr<NamedTensors> ReadTorchStateDict(const std::string& path);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_TORCH_FILE_H_
