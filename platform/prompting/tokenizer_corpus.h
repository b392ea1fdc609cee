#ifndef OPENP5_PLATFORM_PROMPTING_TOKENIZER_CORPUS_H_
#define OPENP5_PLATFORM_PROMPTING_TOKENIZER_CORPUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/prompts.h"
#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"

namespace openp5::prompting {

struct CorpusOptions {
  std::vector<std::string> tasks = {"sequential"};
  datasets::HistoryOptions history = {};
  int64_t sentences = 50000;  // at most, drawn by `seed` if there are more
  bool causal = false;        // items are written as the responses of a causal model
  int64_t seed = 1;
};

// What a tokenizer is trained on to read and write `datasets` [datasets] with their `indexes`: the
// prompts of their training parts, and in a fifth of the sentences their items, each of which is to
// occur. Identifiers' own tokens are added to a tokenizer afterwards, so texts are cut there.
// NotFound for a task without seen prompts; else fails as ItemIndex::IdentifiersFor.
absl::StatusOr<std::vector<std::string>> DatasetSentences(
    const std::vector<datasets::SequenceDataset>& datasets,
    const std::vector<indexing::ItemIndex>& indexes, const datasets::PromptSet& prompts,
    const CorpusOptions& options);

// `sentences` lines of a text, drawn by `seed` if there are more; empty ones are left out.
std::vector<std::string> TextSentences(const std::string& text, int64_t sentences, int64_t seed);

}  // namespace openp5::prompting

#endif  // OPENP5_PLATFORM_PROMPTING_TOKENIZER_CORPUS_H_
