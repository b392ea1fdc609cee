#include "platform/models/common/vocabulary_loss.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "platform/models/common/layers.h"

namespace openp5::models {
namespace {

// Scores of a block: few enough to stay in a core's cache from one pass over them to the next.
constexpr int64_t kBlockScores = int64_t{1} << 19;
// The smallest block that a product is fast with.
constexpr int64_t kFewestRows = 256;

// Calls `visit(first row, rows, scores)` for every block of the vocabulary.
template <class Visit>
void ForBlocks(const at::Tensor& x, const at::Tensor& weight, c10::ScalarType compute_type,
               const Visit& visit) {
  const int64_t all = weight.size(0);
  const int64_t size = std::max(kFewestRows, kBlockScores / x.size(0));
  for (int64_t first = 0; first < all; first += size) {
    const at::Tensor rows = weight.narrow(0, first, std::min(size, all - first));
    visit(first, rows, Linear(x, rows, compute_type));
  }
}

// Where labels are in a block that begins at row `first`, [n, 1]: the column, and 1 or, where it is
// in another block, 0.
struct LabelPlaces {
  LabelPlaces(const at::Tensor& labels, int64_t first, int64_t rows)
      : columns((labels - first).clamp(0, rows - 1).unsqueeze(1)),
        inside((labels - first).unsqueeze(1).eq(columns).to(at::kFloat)) {}
  at::Tensor columns, inside;
};

class VocabularyLossFunction : public torch::autograd::Function<VocabularyLossFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, const at::Tensor& labels, double smoothing,
                            c10::ScalarType compute_type) {
    // The logarithm of the sum of the scores' exponentials, of each block and of all.
    std::vector<at::Tensor> parts;
    at::Tensor total;
    at::Tensor wanted = at::zeros({x.size(0)}, x.options().requires_grad(false));
    const double even = smoothing / static_cast<double>(weight.size(0));
    ForBlocks(
        x, weight, compute_type, [&](int64_t first, const at::Tensor& rows, at::Tensor scores) {
          const LabelPlaces places(labels, first, rows.size(0));
          wanted.add_((scores.gather(1, places.columns) * places.inside).squeeze(1), 1 - smoothing);
          if (even > 0) wanted.add_(scores.sum(1), even);
          // Of all that computes the sum, log_softmax has the fastest exponentials.
          const at::Tensor column = scores.select(1, 0).clone();
          at::log_softmax_out(scores, scores, 1);
          parts.push_back(column - scores.select(1, 0));
          total = total.defined() ? at::logaddexp(total, parts.back()) : parts.back();
        });
    context->save_for_backward({x, weight, labels, at::stack(parts), total});
    context->saved_data["smoothing"] = smoothing;
    context->saved_data["compute_type"] = static_cast<int64_t>(compute_type);
    return total - wanted;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &labels = saved[2];
    const at::Tensor gradient = gradients[0].unsqueeze(1);
    // What the probabilities inside a block are multiplied by, [blocks, n, 1].
    const at::Tensor shares = (saved[3] - saved[4]).exp_().unsqueeze(2) * gradient;
    const double smoothing = context->saved_data["smoothing"].toDouble();
    const double even = smoothing / static_cast<double>(weight.size(0));
    const auto compute_type =
        static_cast<c10::ScalarType>(context->saved_data["compute_type"].toInt());
    torch::autograd::variable_list result(5);
    int64_t block = 0;
    if (context->needs_input_grad(0)) result[0] = at::zeros_like(x);
    if (context->needs_input_grad(1)) result[1] = at::empty_like(weight);
    ForBlocks(x, weight, compute_type,
              [&](int64_t first, const at::Tensor& rows, at::Tensor scores) {
                // From scores to their gradients: probability less label.
                at::softmax_out(scores, scores, 1);
                scores.mul_(shares[block++]);
                const LabelPlaces places(labels, first, rows.size(0));
                scores.scatter_add_(1, places.columns, places.inside * gradient * (smoothing - 1));
                if (even > 0) scores.sub_(gradient, even);
                if (result[0].defined()) result[0].add_(Linear(scores, rows.t(), compute_type));
                if (result[1].defined()) {
                  result[1]
                      .narrow(0, first, rows.size(0))
                      .copy_(at::mm(scores.t().to(compute_type), x.to(compute_type)));
                }
              });
    return result;
  }
};

}  // namespace

at::Tensor VocabularyLosses(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& labels,
                            const VocabularyLossOptions& options) {
  if (!x.is_cpu() || x.size(0) * weight.size(0) <= options.most_at_once) {
    return CrossEntropy(Linear(x, weight, options.compute_type), labels, options.smoothing);
  }
  return VocabularyLossFunction::apply(x, weight, labels, options.smoothing, options.compute_type);
}

}  // namespace openp5::models
