#include "platform/recommenders/checkpoint_index.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "indexing/fitting_parameters.h"
#include "indexing/index_origin.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::recommenders {
namespace {

bool RowsFit(const EmbeddingRows& embedding, int64_t tokens) {
  return embedding.is_exact ? embedding.rows == tokens : embedding.rows >= tokens;
}

// Published models round their embedding up: T5 has 32128 rows for 32100 tokens.
constexpr int64_t kRowMultiple = 128;

// Likely for a model that was trained with so many tokens.
bool RowsSuggest(const EmbeddingRows& embedding, int64_t tokens) {
  if (embedding.rows == tokens) return true;
  const int64_t rounded = (tokens + kRowMultiple - 1) / kRowMultiple * kRowMultiple;
  return !embedding.is_exact && embedding.rows == rounded;
}

// What is left of a token without its digits: tokens of one kind differ by their numbers only.
std::string KindOf(std::string_view token) {
  std::string kind;
  for (const char c : token) {
    if (c < '0' || c > '9') kind += c;
  }
  return kind;
}

// A token of the tokenizer that is of the same kind; "" if there is none.
std::string TokenLike(const std::string& token, const text::Tokenizer& tokenizer) {
  const std::string kind = KindOf(token);
  for (const text::AddedToken& own : tokenizer.AllAddedTokens()) {
    if (KindOf(own.content) == kind) return own.content;
  }
  return "";
}

absl::StatusOr<const indexing::ItemIndex*> FindIndex(const std::string& checkpoint,
                                                     const std::vector<indexing::ItemIndex>& own,
                                                     const std::string& dataset) {
  std::vector<std::string> known;
  for (const indexing::ItemIndex& index : own) {
    if (index.dataset_name() == dataset) return &index;
    known.push_back(index.dataset_name());
  }
  return FailedPrecondition(checkpoint, ": trained on ", absl::StrJoin(known, ", "), ", not on ",
                            dataset);
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

// The flags of OpenP5's other parameters whose tokens the embedding suggests; "" if there are none.
std::string FittingFlags(const EmbeddingRows& embedding, const text::Tokenizer& tokenizer,
                         const std::vector<datasets::SequenceDataset>& datasets) {
  if (embedding.rows < tokenizer.base_vocabulary_size()) return "";
  LogInfo("the item index does not fit the embedding; trying OpenP5's other parameters");
  const auto fits = [&](int64_t added) {
    return RowsSuggest(embedding, tokenizer.base_vocabulary_size() + added);
  };
  std::vector<std::string> flags;
  for (const auto& parameters : indexing::FindFittingParameters(datasets, fits)) {
    flags.push_back(parameters.Flags());
  }
  return absl::StrJoin(flags, " or ");
}

std::string WhyNoneFits(const EmbeddingRows& embedding, const text::Tokenizer& tokenizer) {
  return embedding.rows < tokenizer.base_vocabulary_size()
             ? "the tokenizer is another model's"
             : "none of OpenP5's index parameters fits; another tokenizer, or `index import` the "
               "item file it was trained with";
}

absl::Status WrongRows(const std::string& where, const EmbeddingRows& embedding,
                       const text::Tokenizer& tokenizer) {
  return FailedPrecondition(where, ": the embedding has ", embedding.rows, " rows, the tokenizer ",
                            tokenizer.vocabulary_size(), " tokens (",
                            tokenizer.added_tokens().size(), " added for item identifiers)");
}

}  // namespace

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
                      request.parameters.Flags()));
  }
  return absl::OkStatus();
}

absl::Status CompleteTokenizer(const std::string& where,
                               const std::vector<indexing::ItemIndex>& indexes,
                               MissingTokens policy, text::Tokenizer* tokenizer) {
  std::set<std::string> known;
  std::vector<std::string> missing;
  for (const indexing::ItemIndex& index : indexes) {
    for (std::string& token : index.AddedTokens()) {
      if (tokenizer->Find(token) >= 0 || !known.insert(token).second) continue;
      missing.push_back(std::move(token));
    }
  }
  if (missing.empty()) return absl::OkStatus();
  const std::string like =
      policy == MissingTokens::kRefuse ? TokenLike(missing.front(), *tokenizer) : "";
  if (like.empty()) return tokenizer->AddTokens(missing);
  return FailedPrecondition(where, ": the tokenizer has '", like, "', but not '", missing.front(),
                            "' (", missing.size(),
                            " missing), which the item index needs; hint: the model was trained "
                            "with another index: other index options, or `index import` its file");
}

absl::Status CheckEmbeddingRows(const std::string& where, const EmbeddingRows& embedding,
                                const text::Tokenizer& tokenizer) {
  return RowsFit(embedding, tokenizer.vocabulary_size()) ? absl::OkStatus()
                                                         : WrongRows(where, embedding, tokenizer);
}

absl::Status CheckIndexFits(const std::string& where, const EmbeddingRows& embedding,
                            const text::Tokenizer& tokenizer,
                            const std::vector<datasets::SequenceDataset>& datasets,
                            const IndexRequest& request) {
  const bool fits = RowsFit(embedding, tokenizer.vocabulary_size());
  // Numbering the index's tokens in its order is a guess. Rows beyond what an embedding is rounded
  // up to speak against it, if they are just those of another index of OpenP5's.
  const int64_t spare = embedding.rows - tokenizer.vocabulary_size();
  if (fits && (tokenizer.added_tokens().empty() || spare < kRowMultiple)) return absl::OkStatus();
  const std::string flags = FittingFlags(embedding, tokenizer, datasets);
  if (fits && flags.empty()) return absl::OkStatus();
  return FailedPrecondition(
      ToStd(WrongRows(where, embedding, tokenizer).message()), " with item index ",
      request.parameters.Key(),
      "; hint: ", flags.empty() ? WhyNoneFits(embedding, tokenizer) : flags + " would fit");
}

}  // namespace openp5::recommenders
