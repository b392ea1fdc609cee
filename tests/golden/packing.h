#ifndef OPENP5_TESTS_GOLDEN_PACKING_H_
#define OPENP5_TESTS_GOLDEN_PACKING_H_

#include <torch/types.h>

#include <string>
#include <vector>

#include "platform/models/common/packed_batch.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::testing {

inline std::vector<int64_t> RowLengths(const at::Tensor& mask) {
  const at::Tensor lengths = mask.sum(1);
  return {lengths.data_ptr<int64_t>(), lengths.data_ptr<int64_t>() + lengths.size(0)};
}

// The rows of a right-padded batch whose tensors are named `prefix` + "input_ids", … .
inline models::PackedBatch PackInput(const NamedTensors& tensors, const std::string& prefix = "") {
  const at::Tensor mask = *FindTensor(tensors, prefix + "attention_mask");
  return {FindTensor(tensors, prefix + "input_ids")->masked_select(mask.to(at::kBool)),
          FindTensor(tensors, prefix + "whole_word_ids")->masked_select(mask.to(at::kBool)),
          RowLengths(mask)};
}
inline models::PackedBatch PackLabels(const NamedTensors& tensors, const std::string& prefix = "") {
  const at::Tensor mask = *FindTensor(tensors, prefix + "output_attention");
  return {FindTensor(tensors, prefix + "output_ids")->masked_select(mask.to(at::kBool)),
          at::Tensor(), RowLengths(mask)};
}

// The places of `padded` [B, S, …] where mask [B, S] is 1, in order: [tokens, …].
inline at::Tensor RealPlaces(const at::Tensor& padded, const at::Tensor& mask) {
  std::vector<int64_t> flat = padded.sizes().vec();
  flat.erase(flat.begin());
  flat[0] = -1;
  return padded.reshape(flat).index_select(0, mask.reshape({-1}).nonzero().squeeze(1));
}

// Largest |a - b| - (absolute + relative * |b|); at most 0 if all are close.
inline double Excess(const at::Tensor& a, const at::Tensor& b, double absolute, double relative) {
  return ((a - b).abs() - (b.abs() * relative + absolute)).max().item<double>();
}

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_GOLDEN_PACKING_H_
