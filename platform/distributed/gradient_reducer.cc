#include "platform/distributed/gradient_reducer.h"

#include <algorithm>
#include <optional>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <unordered_map>
#include <utility>

#include "platform/distributed/process_group_impl.h"
#include "platform/tensor/runtime.h"

namespace openp5 {
namespace {

// A message is large enough for the connection's full rate, and the first is small enough to leave
// early in the backward pass. These are the sizes of PyTorch's DistributedDataParallel.
constexpr int64_t kBucketBytes = int64_t{25} << 20, kFirstBucketBytes = int64_t{1} << 20;

}  // namespace

struct GradientReducer::Impl {
  std::optional<c10d::Reducer> reducer;
};

GradientReducer::GradientReducer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GradientReducer::~GradientReducer() = default;

absl::StatusOr<std::unique_ptr<GradientReducer>> GradientReducer::Create(
    ProcessGroup& group, const NamedTensors& parameters) {
  auto impl = std::make_unique<Impl>();
  std::vector<at::Tensor> tensors;
  std::unordered_map<size_t, std::string> names;
  for (const auto& [name, tensor] : parameters) {
    names[tensors.size()] = name;
    tensors.push_back(tensor);
  }
  OPENP5_RETURN_IF_ERROR(CatchTorch("processes: gradients", [&] {
    const std::vector<bool> sparse(tensors.size(), false);
    auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(
        tensors, {static_cast<size_t>(kFirstBucketBytes), static_cast<size_t>(kBucketBytes)},
        sparse));
    std::reverse(buckets.begin(), buckets.end());  // the last layers' gradients come first
    impl->reducer.emplace(tensors, std::move(buckets), group.impl_->group, sparse, kBucketBytes,
                          /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true,
                          std::move(names), kFirstBucketBytes,
                          /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
                          std::vector<int64_t>());
    return absl::OkStatus();
  }));
  return std::unique_ptr<GradientReducer>(new GradientReducer(std::move(impl)));
}

void GradientReducer::PrepareBackward() {
  // Both belong before the forward pass only for the sake of its timing.
  impl_->reducer->prepare_for_forward();
  if (impl_->reducer->should_rebuild_buckets()) impl_->reducer->rebuild_buckets();
  impl_->reducer->prepare_for_backward({});
}

}  // namespace openp5
