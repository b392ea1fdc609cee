#include "platform/text/whole_word.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/tensor/safetensors.h"
#include "platform/text/tokenizer.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::nlohmann::json;
using ::openp5::testing::Shared;
using Rows = std::vector<std::vector<int32_t>>;

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

Rows EncodeAll(const Tokenizer& tokenizer, const json& texts, int64_t max) {
  Rows rows;
  for (const std::string text : texts) {
    rows.push_back(tokenizer.Encode(text));
    Truncate(max, tokenizer.eos_id(), &rows.back());
  }
  return rows;
}

// The matrix a golden tensor holds, to compare with rows padded by 0.
template <class T>
void ExpectEqual(const NamedTensors& tensors, const std::string& name,
                 const std::vector<std::vector<T>>& rows) {
  SCOPED_TRACE(name);
  const at::Tensor* tensor = FindTensor(tensors, name);
  ASSERT_NE(tensor, nullptr);
  ASSERT_EQ(tensor->size(0), static_cast<int64_t>(rows.size()));
  const int64_t columns = tensor->size(1);
  const auto* values = tensor->data_ptr<int64_t>();
  size_t longest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    longest = std::max(longest, rows[i].size());
    std::vector<int64_t> padded(rows[i].begin(), rows[i].end());
    padded.resize(static_cast<size_t>(columns));
    const int64_t* row = values + static_cast<int64_t>(i) * columns;
    EXPECT_EQ(padded, std::vector<int64_t>(row, row + columns)) << "row " << i;
  }
  EXPECT_EQ(static_cast<int64_t>(longest), columns);
}

TEST(WholeWordGolden, BatchesAsOpenP5CollatesThem) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const json golden = ReadJson(Shared("golden/02_whole_word/collated_batches.json"));
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const NamedTensors tensors,
      ReadSafetensors(Shared("golden/02_whole_word/collated_batches.safetensors")));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto base, OpenTokenizer(Shared("tokenizers/t5"), "t5"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto collab, OpenTokenizer(Shared("tokenizers/t5"), "t5"));
  OPENP5_ASSERT_OK(collab->AddTokens(
      ReadJson(Shared("golden/01_tokenizer/t5_added_tokens.json"))["tokens_in_id_order"]));

  ASSERT_FALSE(golden["batches"].empty());
  for (const json& batch : golden["batches"]) {
    std::string number = std::to_string(batch["batch"].get<int>());
    const std::string name =
        "batch" + std::string(2 - std::min<size_t>(2, number.size()), '0') + number + ".";
    const Tokenizer& tokenizer = batch["tokenizer"] == "collab" ? *collab : *base;
    const int64_t max = golden["max_length"];
    const Rows inputs = EncodeAll(tokenizer, batch["inputs"], max);
    ExpectEqual(tensors, name + "input_ids", inputs);
    ExpectEqual(tensors, name + "output_ids", EncodeAll(tokenizer, batch["outputs"], max));
    ExpectEqual(tensors, name + "whole_word_ids",
                WholeWordIdsOfBatch(tokenizer, inputs, EndTokenRule::kLastColumn));

    const auto ours = WholeWordIdsOfBatch(tokenizer, inputs, EndTokenRule::kEveryRow);
    for (const auto& row : ours) EXPECT_EQ(row.back(), 0);
  }
}

}  // namespace
}  // namespace openp5::text
