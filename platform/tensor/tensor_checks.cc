#include "platform/tensor/tensor_checks.h"

#include <ATen/ATen.h>

#include <cmath>

#include "platform/base/log.h"
#include "platform/tensor/runtime.h"

namespace openp5 {

bool IsSame(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  if (a.scalar_type() != b.scalar_type()) return at::equal(a.to(at::kDouble), b.to(at::kDouble));
  return (a.const_data_ptr() == b.const_data_ptr() && a.strides() == b.strides()) ||
         at::equal(a, b);
}

absl::Status CheckFinite(std::string_view where, const NamedTensors& tensors) {
  return CatchTorch(where, [&]() -> absl::Status {
    const c10::AutoGradMode no_gradients(false);
    for (const auto& [name, tensor] : tensors) {
      if (!at::isFloatingType(tensor.scalar_type())) continue;
      // One that is not finite makes the sum so. Large numbers may do that, too: then they are
      // counted.
      if (std::isfinite(tensor.sum(at::kFloat).item<float>())) continue;
      const auto wrong = at::isfinite(tensor).logical_not().sum().item<int64_t>();
      if (wrong == 0) continue;
      return DataLoss(where, ": ", OneLine(name), ": expected finite numbers, got ", wrong, " of ",
                      tensor.numel(), " that are NaN or infinite");
    }
    return absl::OkStatus();
  });
}

}  // namespace openp5
