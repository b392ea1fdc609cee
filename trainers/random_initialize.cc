#include <ATen/ops/empty.h>

#include <algorithm>

#include "platform/base/random.h"
#include "platform/text/number_tokens.h"
#include "trainers/tasks/generative_task.h"

namespace openp5::trainers {

void RandomInitialize(models::LanguageModel& model, const text::Tokenizer& tokenizer, uint64_t seed,
                      bool openp5_compat) {
  at::Tensor table = model.embeddings().detach();  // the same memory, outside the gradient graph
  const double deviation = openp5_compat ? 1 : model.embedding_deviation();
  const int64_t columns = table.size(1);
  Random random(seed);
  for (const int32_t id : text::NumberTokenIds(tokenizer)) {
    at::Tensor row = at::empty({columns}, at::kFloat);
    float* value = row.mutable_data_ptr<float>();
    std::generate(value, value + columns,
                  [&] { return static_cast<float>(random.Normal() * deviation); });
    table.select(0, id).copy_(row);
  }
}

}  // namespace openp5::trainers
