#include "platform/app/checkpoint_index.h"

#include <algorithm>
#include <set>
#include <utility>

#include "indexing/fitting_parameters.h"
#include "indexing/index_origin.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::app {
namespace {

// Published models round their embedding up: T5 has 32128 rows for 32100 tokens.
bool RowsFit(const EmbeddingRows& embedding, int64_t tokens) {
  constexpr int64_t kMultiple = 128;
  if (embedding.rows == tokens) return true;
  return !embedding.is_exact && embedding.rows == (tokens + kMultiple - 1) / kMultiple * kMultiple;
}

absl::StatusOr<const indexing::ItemIndex*> FindIndex(const std::string& checkpoint,
                                                     const std::vector<indexing::ItemIndex>& own,
                                                     const std::string& dataset) {
  std::string known;
  for (const indexing::ItemIndex& index : own) {
    if (index.dataset_name() == dataset) return &index;
    known += (known.empty() ? "" : ", ") + index.dataset_name();
  }
  return FailedPrecondition(checkpoint, ": trained on ", known, ", not on ", dataset);
}

// Why the index asked for is not `own`; empty if it is, or if none is asked for. `given` is set to
// the one of the store where the two differ by their content.
absl::StatusOr<std::string> Mismatch(const indexing::ItemIndex& own,
                                     const datasets::SequenceDataset& dataset,
                                     const IndexRequest& request) {
  if (request.parameters_given && own.parameters().Key() != request.parameters.Key()) {
    return StrCat(own.dataset_name(), ": trained with item index ", own.parameters().Key(),
                  ", got ", request.parameters.Key());
  }
  if (!request.index_db_given) return std::string();
  OPENP5_ASSIGN_OR_RETURN(const auto given,
                          indexing::LoadItemIndex(request.index_db, dataset, own.parameters()));
  if (given.Digest() == own.Digest()) return std::string();
  return StrCat(own.dataset_name(), ": trained with item index ", own.Digest(), ", but ",
                request.index_db, " has ", given.Digest(), " (", given.parameters().Key(), ")");
}

// The options that ask for such an index, those with their default left out.
std::string FlagsOf(const indexing::IndexParameters& parameters) {
  const indexing::IndexParameters defaults;
  std::string flags = "--indexing " + parameters.indexing;
  if (parameters.indexing == "collaborative") {
    flags += StrCat(" --collaborative-token-size ", parameters.collaborative_token_size,
                    " --collaborative-cluster ", parameters.collaborative_cluster);
    if (parameters.collaborative_last_token != defaults.collaborative_last_token) {
      flags += " --collaborative-last-token " + parameters.collaborative_last_token;
    }
    if (parameters.unseen_items != defaults.unseen_items) {
      flags += " --unseen-items " + parameters.unseen_items;
    }
  }
  const bool is_seeded = parameters.Key().find("/seed=") != std::string::npos;
  return is_seeded && parameters.seed != defaults.seed ? StrCat(flags, " --seed ", parameters.seed)
                                                       : flags;
}

// "; hint: … would fit", or that nothing of OpenP5's does.
std::string FittingHint(const EmbeddingRows& embedding, const text::Tokenizer& tokenizer,
                        const std::vector<datasets::SequenceDataset>& datasets) {
  LogInfo("the item index does not fit the embedding; trying OpenP5's other parameters");
  const auto fits = [&](int64_t added) {
    return RowsFit(embedding, tokenizer.base_vocabulary_size() + added);
  };
  std::string hint;
  for (const auto& parameters : indexing::FindFittingParameters(datasets, fits)) {
    hint += (hint.empty() ? "; hint: " : " or ") + FlagsOf(parameters);
  }
  return hint.empty() ? "; hint: none of OpenP5's index parameters fits; another tokenizer, or "
                        "`index import` the item file it was trained with"
                      : hint + " would fit";
}

}  // namespace

IndexRequest IndexRequest::From(const CommandLine& line,
                                const indexing::IndexParameters& parameters,
                                const DataOptions& data) {
  IndexRequest request{.parameters = parameters, .index_db = data.IndexDb()};
  request.index_db_given = line.IsGiven("index-db");
  for (const char* name :
       {"indexing", "sequential-order", "collaborative-token-size", "collaborative-cluster",
        "collaborative-last-token", "unseen-items", "seed"}) {
    request.parameters_given = request.parameters_given || line.IsGiven(name);
  }
  return request;
}

absl::StatusOr<std::vector<indexing::ItemIndex>> LoadIndexes(
    const std::vector<datasets::SequenceDataset>& datasets, const IndexRequest& request) {
  std::vector<indexing::ItemIndex> indexes;
  for (const datasets::SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(auto index,
                            indexing::LoadItemIndex(request.index_db, dataset, request.parameters));
    indexes.push_back(std::move(index));
  }
  return indexes;
}

absl::StatusOr<ChosenIndexes> ChooseIndexes(const std::string& checkpoint,
                                            const std::vector<indexing::ItemIndex>& own,
                                            const std::vector<datasets::SequenceDataset>& datasets,
                                            const IndexRequest& request, bool allow_mismatch) {
  ChosenIndexes chosen;
  for (const datasets::SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(const indexing::ItemIndex* index,
                            FindIndex(checkpoint, own, dataset.name()));
    OPENP5_ASSIGN_OR_RETURN(const std::string mismatch, Mismatch(*index, dataset, request));
    if (!mismatch.empty() && !allow_mismatch) {
      return FailedPrecondition(checkpoint, ": ", mismatch,
                                "; hint: leave --index-db and the index options out to use the "
                                "checkpoint's own, or give --allow-index-mismatch");
    }
    if (!mismatch.empty()) {
      LogWarning(StrCat(checkpoint, ": ", mismatch, "; the results are not this model's"));
      chosen.mismatches.push_back(mismatch);
      const auto& parameters = request.parameters_given ? request.parameters : index->parameters();
      OPENP5_ASSIGN_OR_RETURN(auto given,
                              indexing::LoadItemIndex(request.index_db, dataset, parameters));
      chosen.indexes.push_back(std::move(given));
      continue;
    }
    if (index->dataset_digest() != dataset.digest()) {
      LogWarning(
          StrCat(dataset.name(), ": not the data the checkpoint's item index was built from"));
    }
    chosen.indexes.push_back(*index);
  }
  return chosen;
}

absl::Status WarnOfBuiltIndexes(const std::string& where,
                                const std::vector<datasets::SequenceDataset>& datasets,
                                const IndexRequest& request) {
  if (request.parameters.indexing == "sequential") return absl::OkStatus();
  for (const datasets::SequenceDataset& dataset : datasets) {
    OPENP5_ASSIGN_OR_RETURN(
        const bool is_imported,
        indexing::IsImportedIndex(request.index_db, dataset, request.parameters));
    if (is_imported) continue;
    LogWarning(StrCat(where, ": the item index ", request.parameters.Key(), " of ", dataset.name(),
                      " was built here, and OpenP5's own numbering cannot be rebuilt: if the model "
                      "was trained with OpenP5's files, the results are wrong; hint: openp5 index "
                      "import --items FILE --users FILE --data-dir ",
                      DirectoryName(dataset.folder()), " --datasets ", dataset.name(), " ",
                      FlagsOf(request.parameters)));
  }
  return absl::OkStatus();
}

absl::Status CompleteTokenizer(const std::vector<indexing::ItemIndex>& indexes,
                               text::Tokenizer* tokenizer) {
  const std::vector<std::string>& added = tokenizer->added_tokens();
  std::set<std::string> known(added.begin(), added.end());
  std::vector<std::string> missing;
  for (const indexing::ItemIndex& index : indexes) {
    for (std::string& token : index.AddedTokens()) {
      if (known.insert(token).second) missing.push_back(std::move(token));
    }
  }
  return missing.empty() ? absl::OkStatus() : tokenizer->AddTokens(missing);
}

absl::Status CheckEmbeddingRows(const std::string& where, const EmbeddingRows& embedding,
                                const text::Tokenizer& tokenizer) {
  if (RowsFit(embedding, tokenizer.vocabulary_size())) return absl::OkStatus();
  return FailedPrecondition(where, ": the embedding has ", embedding.rows, " rows, the tokenizer ",
                            tokenizer.vocabulary_size(), " tokens (",
                            tokenizer.added_tokens().size(), " added for item identifiers)");
}

absl::Status CheckIndexFits(const std::string& where, const EmbeddingRows& embedding,
                            const text::Tokenizer& tokenizer,
                            const std::vector<datasets::SequenceDataset>& datasets,
                            const IndexRequest& request) {
  const absl::Status status = CheckEmbeddingRows(where, embedding, tokenizer);
  if (status.ok()) return status;
  return FailedPrecondition(ToStd(status.message()), " with item index ", request.parameters.Key(),
                            FittingHint(embedding, tokenizer, datasets));
}

}  // namespace openp5::app
