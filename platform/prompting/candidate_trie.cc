#include "platform/prompting/candidate_trie.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::prompting {
namespace {

using datasets::CandidateForm;
using indexing::IndexedDataset;

// The failure of two items whose sequences are equal, or OK.
absl::Status FindClash(const IndexedDataset& dataset, CandidateForm form,
                       std::span<const std::vector<int32_t>> sequences) {
  std::map<std::span<const int32_t>, int32_t,
           decltype([](std::span<const int32_t> a, std::span<const int32_t> b) {
             return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
           })>
      first;
  for (int32_t item = 0; item < dataset.dataset().item_count(); ++item) {
    const auto [other, fresh] = first.emplace(sequences[static_cast<size_t>(item)], item);
    if (fresh) continue;
    return InvalidArgument(dataset.name(), ": items '", dataset.dataset().ItemId(other->second),
                           "' and '", dataset.dataset().ItemId(item), "' have the same tokens ('",
                           dataset.writer().Candidate(other->second, form), "', '",
                           dataset.writer().Candidate(item, form),
                           "'); hint: a tokenizer that spells every digit");
  }
  return absl::OkStatus();
}

absl::StatusOr<indexing::TokenTrie> BuildTrie(const IndexedDataset& dataset, CandidateForm form,
                                              const PromptEncoder& encoder) {
  std::vector<std::vector<int32_t>> sequences;
  sequences.reserve(static_cast<size_t>(dataset.dataset().item_count()));
  for (int32_t item = 0; item < dataset.dataset().item_count(); ++item) {
    sequences.push_back(encoder.Candidate(dataset.writer().Candidate(item, form)));
  }
  absl::StatusOr<indexing::TokenTrie> trie = indexing::TokenTrie::Create(sequences);
  // The tree knows items by number only.
  if (!trie.ok()) OPENP5_RETURN_IF_ERROR(FindClash(dataset, form, sequences));
  return trie;
}

// What the tree follows from: the encoder and the text of every item, in their order.
std::string KeyOf(const IndexedDataset& dataset, CandidateForm form, const std::string& encoder) {
  Sha256 digest;
  digest.Update(encoder);
  for (int32_t item = 0; item < dataset.dataset().item_count(); ++item) {
    const std::string candidate = dataset.writer().Candidate(item, form);
    digest.Update(StrCat("\n", candidate.size(), ":"));
    digest.Update(candidate);
  }
  return digest.Finish();
}

}  // namespace

absl::StatusOr<indexing::TokenTrie> CandidateTrie(const IndexedDataset& dataset, CandidateForm form,
                                                  const PromptEncoder& encoder,
                                                  int32_t kept_items) {
  const std::string& folder = dataset.dataset().folder();
  if (dataset.dataset().item_count() < kept_items || folder.empty()) {
    return BuildTrie(dataset, form, encoder);
  }
  const std::string digest = encoder.Digest();
  if (digest.empty()) return BuildTrie(dataset, form, encoder);
  const std::string key = KeyOf(dataset, form, digest);
  const std::string path = JoinPath(folder, StrCat("items-", key.substr(0, 16), ".trie"));
  absl::StatusOr<indexing::TokenTrie> kept = indexing::TokenTrie::Open(path, key);
  if (kept.ok()) return kept;
  if (!absl::IsNotFound(kept.status())) {
    LogWarning(StrCat(ToStd(kept.status().message()), "; it is made anew"));
  }
  OPENP5_ASSIGN_OR_RETURN(indexing::TokenTrie trie, BuildTrie(dataset, form, encoder));
  if (const absl::Status written = trie.Write(path, key); !written.ok()) {
    LogInfo(StrCat("the tree of items is not kept: ", ToStd(written.message())));
  }
  return trie;
}

}  // namespace openp5::prompting
