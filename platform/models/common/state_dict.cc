#include "platform/models/common/state_dict.h"

#include <torch/types.h>

#include <algorithm>

#include "absl/strings/str_join.h"
#include "platform/base/status.h"

namespace openp5::models {

std::string ShapeText(at::IntArrayRef shape) {
  return StrCat("[", absl::StrJoin(shape, ", "), "]");
}

void StripModulePrefix(NamedTensors* weights) {
  constexpr std::string_view kPrefix = "module.";
  for (auto& [name, tensor] : *weights) {
    if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  }
}

void FillNormal(at::Tensor& tensor, double deviation, Random& random) {
  float* data = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    data[i] = static_cast<float>(random.Normal() * deviation);
}

at::Tensor ResizeRows(const at::Tensor& table, int64_t rows, double deviation, Random& random) {
  const int64_t kept = std::min(rows, table.size(0));
  at::Tensor resized = at::empty({rows, table.size(1)});
  resized.narrow(0, 0, kept).copy_(table.detach().narrow(0, 0, kept));
  at::Tensor added = resized.narrow(0, kept, rows - kept);
  FillNormal(added, deviation, random);
  return resized.to(table.device());
}

}  // namespace openp5::models
