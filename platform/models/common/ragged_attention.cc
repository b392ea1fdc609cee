#include "platform/models/common/ragged_attention.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>

#include "platform/base/status.h"
#include "platform/models/common/dropout.h"

namespace openp5::models {
namespace {

using Group = AttentionLayout::Group;
using Side = AttentionLayout::Side;

// Scores of a group are kept small enough to stay in the cache between softmax and product, and
// large enough that the overhead of another group does not matter.
constexpr int64_t kLargestArea = 320 * 1024;  // count * queries * keys
constexpr int64_t kCheapWaste = 4 * 1024;     // padded scores not worth another group
constexpr double kAllowedWaste = 0.1;         // padded share worth no other group

// Lengths [first, last) of one side as a Side; indices only where a sequence is shorter.
Side MakeSide(const std::vector<int64_t>& lengths, size_t first, size_t last, int64_t start,
              c10::Device device) {
  Side side;
  side.start = start;
  bool uniform = true;
  for (size_t i = first; i < last; ++i) {
    side.tokens += lengths[i];
    side.length = std::max(side.length, lengths[i]);
    uniform = uniform && lengths[i] == lengths[first];
  }
  if (uniform) return side;
  std::vector<int64_t> pad, real;
  int64_t token = 0;
  for (size_t i = first; i < last; ++i) {
    for (int64_t p = 0; p < side.length; ++p) {
      const bool inside = p < lengths[i];
      if (inside) real.push_back(static_cast<int64_t>(pad.size()));
      pad.push_back(inside ? token++ : 0);
    }
  }
  side.pad_index = torch::tensor(pad, torch::kLong).to(device);
  side.real_index = torch::tensor(real, torch::kLong).to(device);
  return side;
}

at::Tensor MakeKeyMask(const std::vector<int64_t>& lengths, size_t first, size_t last,
                       int64_t length, c10::Device device) {
  at::Tensor mask = at::zeros({static_cast<int64_t>(last - first), 1, 1, length});
  for (size_t i = first; i < last; ++i) {
    mask[static_cast<int64_t>(i - first)]
        .narrow(-1, lengths[i], length - lengths[i])
        .fill_(std::numeric_limits<float>::lowest());
  }
  return mask.to(device);
}

// What each token of a group's sequences [first, last) sees, [count, 1, length, length].
at::Tensor MakeBranchMask(const std::vector<int64_t>& lengths,
                          const std::vector<std::vector<Branch>>& branches, size_t first,
                          size_t last, int64_t length, c10::Device device) {
  const auto count = static_cast<int64_t>(last - first);
  at::Tensor mask = at::full({count, 1, length, length}, std::numeric_limits<float>::lowest());
  float* rows = mask.mutable_data_ptr<float>();
  for (size_t i = first; i < last; ++i, rows += length * length) {
    ForEachStretch(lengths[i], branches[i], [&](const Branch& stretch, int64_t end) {
      for (int64_t token = stretch.begin; token < end; ++token) {
        float* row = rows + token * length;
        std::fill(row, row + stretch.after, 0.0F);
        std::fill(row + stretch.begin, row + token + 1, 0.0F);
      }
    });
  }
  return mask.to(device);
}

// The inverse of PadGroup: [count, length, columns] to [tokens, columns].
at::Tensor UnpadGroup(const at::Tensor& padded, const Side& side) {
  const at::Tensor flat = padded.reshape({-1, padded.size(-1)});
  return side.real_index.defined() ? flat.index_select(0, side.real_index) : flat;
}

// [count, length, heads * d] to [count * heads, length, d].
at::Tensor SplitHeads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1})
      .transpose(1, 2)
      .reshape({x.size(0) * heads, x.size(1), -1});
}

// [count * heads, length, d] to [count, length, heads * d].
at::Tensor MergeHeads(const at::Tensor& x, int64_t heads) {
  const int64_t count = x.size(0) / heads;
  return x.view({count, heads, x.size(1), x.size(2)})
      .transpose(1, 2)
      .reshape({count, x.size(1), heads * x.size(2)});
}

struct GroupInputs {
  at::Tensor query, key, value;  // [count * heads, length, d]
};

GroupInputs Gather(const Group& group, int64_t heads, const at::Tensor& query,
                   const at::Tensor& key, const at::Tensor& value) {
  return {SplitHeads(PadGroup(query, group.queries, group.count), heads),
          SplitHeads(PadGroup(key, group.keys, group.count), heads),
          SplitHeads(PadGroup(value, group.keys, group.count), heads)};
}

// Attention weights [count * heads, queries, keys].
at::Tensor Weights(const Group& group, const GroupInputs& in, const AttentionOptions& options,
                   const at::Tensor& bias) {
  const int64_t heads = options.heads;
  at::Tensor scores = at::bmm(in.query, in.key.transpose(1, 2));
  if (options.divisor != 1) scores.div_(options.divisor);
  at::Tensor by_sequence =
      scores.view({group.count, heads, group.queries.length, group.keys.length});
  if (bias.defined()) {
    by_sequence.add_(bias.narrow(1, 0, group.queries.length).narrow(2, 0, group.keys.length));
  }
  if (group.mask.defined()) by_sequence.add_(group.mask);
  at::softmax_out(scores, scores, -1);
  return scores;
}

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query,
                            const at::Tensor& key, const at::Tensor& value,
                            const std::optional<at::Tensor>& bias,
                            std::shared_ptr<const AttentionLayout> layout,
                            AttentionOptions options) {
    at::Tensor output = at::empty_like(query);
    torch::autograd::variable_list saved = {query, key, value};
    const at::Tensor added = bias.value_or(at::Tensor());
    for (const Group& group : layout->groups()) {
      const GroupInputs in = Gather(group, options.heads, query, key, value);
      at::Tensor weights = Weights(group, in, options, added);
      saved.push_back(weights);
      if (options.dropout > 0) {
        saved.push_back(DropoutMask(weights, options.dropout));
        weights = ApplyDropout(weights, saved.back(), options.dropout);
      }
      output.narrow(0, group.queries.start, group.queries.tokens)
          .copy_(UnpadGroup(MergeHeads(at::bmm(weights, in.value), options.heads), group.queries));
    }
    context->save_for_backward(saved);
    context->saved_data["heads"] = options.heads;
    context->saved_data["divisor"] = options.divisor;
    context->saved_data["dropout"] = options.dropout;
    context->saved_data["layout"] = c10::IValue::make_capsule(c10::make_intrusive<LayoutHolder>(
        std::move(layout),
        added.defined() && added.requires_grad() ? added.sizes().vec() : std::vector<int64_t>()));
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const int64_t heads = context->saved_data["heads"].toInt();
    const double divisor = context->saved_data["divisor"].toDouble();
    const double dropout = context->saved_data["dropout"].toDouble();
    const auto holder = context->saved_data["layout"].toCapsule();
    const auto* kept = static_cast<const LayoutHolder*>(holder.get());
    const at::Tensor &query = saved[0], &key = saved[1], &value = saved[2];
    const at::Tensor gradient = gradients[0].contiguous();

    at::Tensor d_query = at::empty_like(query), d_key = at::empty_like(key),
               d_value = at::empty_like(value);
    at::Tensor d_bias =
        kept->bias_shape.empty() ? at::Tensor() : at::zeros(kept->bias_shape, query.options());
    size_t next = 3;
    for (const Group& group : kept->layout->groups()) {
      const GroupInputs in = Gather(group, heads, query, key, value);
      const at::Tensor g = SplitHeads(PadGroup(gradient, group.queries, group.count), heads);
      // Padded queries repeat a real token's gradient: their weights must not count.
      const at::Tensor real_g = ZeroPadding(g, group, heads);
      const at::Tensor& weights = saved[next++];
      at::Tensor d_weights = at::bmm(real_g, in.value.transpose(1, 2));
      at::Tensor used = weights;
      if (dropout > 0) {
        const at::Tensor& keep = saved[next++];
        used = ApplyDropout(weights, keep, dropout);
        d_weights = ApplyDropout(d_weights, keep, dropout);
      }
      at::Tensor d_scores = at::_softmax_backward_data(d_weights, weights, -1, at::kFloat);
      if (d_bias.defined()) {
        d_bias.narrow(1, 0, group.queries.length)
            .narrow(2, 0, group.keys.length)
            .add_(d_scores.view({group.count, heads, group.queries.length, group.keys.length})
                      .sum(0));
      }
      if (divisor != 1) d_scores.div_(divisor);
      Scatter(at::bmm(d_scores, in.key), group.queries, heads, d_query);
      Scatter(at::bmm(d_scores.transpose(1, 2), in.query), group.keys, heads, d_key);
      Scatter(at::bmm(used.transpose(1, 2), real_g), group.keys, heads, d_value);
    }
    return {d_query, d_key, d_value, d_bias, at::Tensor(), at::Tensor()};
  }

 private:
  // Carries the layout from forward to backward.
  struct LayoutHolder : torch::CustomClassHolder {
    LayoutHolder(std::shared_ptr<const AttentionLayout> l, std::vector<int64_t> shape)
        : layout(std::move(l)), bias_shape(std::move(shape)) {}
    std::shared_ptr<const AttentionLayout> layout;
    std::vector<int64_t> bias_shape;
  };

  static at::Tensor ZeroPadding(const at::Tensor& g, const Group& group, int64_t heads) {
    if (!group.queries.real_index.defined()) return g;
    at::Tensor real = at::zeros({group.count * group.queries.length}, g.options());
    real.index_fill_(0, group.queries.real_index, 1);
    return g.view({group.count, heads, group.queries.length, -1})
        .mul(real.view({group.count, 1, group.queries.length, 1}))
        .view(g.sizes());
  }

  static void Scatter(const at::Tensor& gradient, const Side& side, int64_t heads,
                      at::Tensor& into) {
    into.narrow(0, side.start, side.tokens).copy_(UnpadGroup(MergeHeads(gradient, heads), side));
  }
};

}  // namespace

at::Tensor PadGroup(const at::Tensor& packed, const Side& side, int64_t count) {
  const at::Tensor part = packed.narrow(0, side.start, side.tokens);
  const at::Tensor padded = side.pad_index.defined() ? part.index_select(0, side.pad_index) : part;
  return padded.view({count, side.length, packed.size(1)});
}

AttentionLayout::AttentionLayout(const std::vector<int64_t>& query_lengths,
                                 const std::vector<int64_t>& key_lengths, c10::Device device) {
  int64_t query_start = 0, key_start = 0;
  for (size_t first = 0, last; first < query_lengths.size(); first = last) {
    int64_t real = 0, queries = 0, keys = 0;
    for (last = first; last < query_lengths.size(); ++last) {
      const int64_t new_real = real + query_lengths[last] * key_lengths[last];
      const int64_t new_queries = std::max(queries, query_lengths[last]);
      const int64_t new_keys = std::max(keys, key_lengths[last]);
      const int64_t area = static_cast<int64_t>(last - first + 1) * new_queries * new_keys;
      const bool wasteful =
          area - new_real >
          std::max<int64_t>(kCheapWaste,
                            static_cast<int64_t>(kAllowedWaste * static_cast<double>(new_real)));
      if (last > first && (wasteful || area > kLargestArea)) break;
      real = new_real, queries = new_queries, keys = new_keys;
    }
    Group group;
    group.count = static_cast<int64_t>(last - first);
    group.queries = MakeSide(query_lengths, first, last, query_start, device);
    group.keys = MakeSide(key_lengths, first, last, key_start, device);
    if (group.keys.pad_index.defined()) {
      group.mask = MakeKeyMask(key_lengths, first, last, group.keys.length, device);
    }
    query_start += group.queries.tokens;
    key_start += group.keys.tokens;
    longest_query_ = std::max(longest_query_, group.queries.length);
    longest_key_ = std::max(longest_key_, group.keys.length);
    groups_.push_back(std::move(group));
  }
}

AttentionLayout::AttentionLayout(const std::vector<int64_t>& lengths,
                                 const std::vector<std::vector<Branch>>& branches,
                                 c10::Device device)
    : AttentionLayout(lengths, lengths, device) {
  OPENP5_CHECK(branches.size() == lengths.size());
  size_t first = 0;
  for (Group& group : groups_) {
    const size_t last = first + static_cast<size_t>(group.count);
    group.mask = MakeBranchMask(lengths, branches, first, last, group.keys.length, device);
    first = last;
  }
}

at::Tensor RaggedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::optional<at::Tensor>& bias,
                           std::shared_ptr<const AttentionLayout> layout,
                           const AttentionOptions& options) {
  return AttentionFunction::apply(query, key, value, bias, std::move(layout), options);
}

}  // namespace openp5::models
