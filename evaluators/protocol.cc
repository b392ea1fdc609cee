#include "evaluators/protocol.h"

#include "datasets/item_sets.h"
#include "platform/base/digest.h"
#include "platform/base/json.h"

namespace openp5::evaluators {
namespace {

constexpr size_t kShownDigits = 12;

// Calls `visit` (name, field) for every field.
template <class AProtocol, class Visit>
void ForEachField(AProtocol& protocol, const Visit& visit) {
  visit("dataset", protocol.dataset);
  visit("dataset_digest", protocol.dataset_digest);
  visit("split", protocol.split);
  visit("filter", protocol.filter);
  visit("task", protocol.task);
  visit("prompt", protocol.prompt);
  visit("users", protocol.users);
  visit("cold_targets", protocol.cold_targets);
  visit("candidates", protocol.candidates);
  visit("history", protocol.history);
  visit("ties", protocol.ties);
  visit("fitted_on", protocol.fitted_on);
  visit("users_digest", protocol.users_digest);
  visit("candidates_digest", protocol.candidates_digest);
  visit("digest", protocol.digest);
}

bool ReadField(const nlohmann::json& json, std::string* field) {
  if (json.is_string()) *field = json.get<std::string>();
  return json.is_string();
}
bool ReadField(const nlohmann::json& json, int64_t* field) { return ReadCount(json, field); }

template <class T>
std::string Phrase(std::string_view what, const T& expected, const T& got) {
  return StrCat(what, ": expected ", expected, ", got ", got);
}

std::string FilterPhrase(const Protocol& protocol) {
  return protocol.is_filtered() ? StrCat("filtered (", protocol.filter, ")") : "plain (none)";
}

}  // namespace

Protocol DescribeQuestions(const datasets::SequenceDataset& dataset,
                           std::span<const datasets::Position> positions) {
  Protocol protocol{.dataset = dataset.name(),
                    .dataset_digest = dataset.digest(),
                    .users = static_cast<int64_t>(positions.size()),
                    .candidates = dataset.item_count()};
  const std::vector<int64_t> counts = datasets::TrainingCounts(dataset);
  Sha256 users, candidates;
  for (const datasets::Position& position : positions) {
    const int32_t target = dataset.Sequence(position.user)[static_cast<size_t>(position.target)];
    if (counts[static_cast<size_t>(target)] == 0) ++protocol.cold_targets;
    users.Update(StrCat(dataset.UserId(position.user), " ", dataset.ItemId(target), "\n"));
  }
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    candidates.Update(StrCat(dataset.ItemId(item), "\n"));
  }
  protocol.users_digest = users.Finish();
  protocol.candidates_digest = candidates.Finish();
  protocol.digest = Sha256Of(protocol.users_digest + protocol.candidates_digest);
  return protocol;
}

std::vector<std::string> ProtocolDifferences(const Protocol& expected, const Protocol& got) {
  std::vector<std::string> differences;
  const auto compare = [&](std::string_view what, const auto& a, const auto& b) {
    if (a != b) differences.push_back(Phrase(what, a, b));
  };
  const auto compare_digests = [&](std::string_view what, const std::string& a,
                                   const std::string& b) {
    compare(what, a.substr(0, kShownDigits), b.substr(0, kShownDigits));
  };
  if (expected.dataset_digest != got.dataset_digest) {
    compare("dataset", expected.dataset, got.dataset);
    compare_digests("dataset digest", expected.dataset_digest, got.dataset_digest);
  }
  compare("split", expected.split, got.split);
  if (expected.is_filtered() != got.is_filtered()) {
    compare("filter", FilterPhrase(expected), FilterPhrase(got));
  }
  compare("number of users", expected.users, got.users);
  if (expected.users == got.users && expected.users_digest != got.users_digest) {
    compare_digests("users and targets (digest)", expected.users_digest, got.users_digest);
  }
  compare("number of candidates", expected.candidates, got.candidates);
  if (expected.candidates == got.candidates) {
    compare_digests("candidates (digest)", expected.candidates_digest, got.candidates_digest);
  }
  compare("cold targets", expected.cold_targets, got.cold_targets);
  compare("ties", expected.ties, got.ties);
  compare("fitted on", expected.fitted_on, got.fitted_on);
  return differences;
}

nlohmann::ordered_json ProtocolToJson(const Protocol& protocol) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  ForEachField(protocol, [&](const char* name, const auto& field) { json[name] = field; });
  return json;
}

absl::StatusOr<Protocol> ProtocolFromJson(const nlohmann::json& json) {
  if (!json.is_object()) {
    return DataLoss("protocol: expected an object, got ", JsonExcerpt(json));
  }
  Protocol protocol;
  absl::Status status;
  ForEachField(protocol, [&](const char* name, auto& field) {
    if (!status.ok()) return;
    const auto found = json.find(name);
    if (found == json.end()) {
      status = DataLoss("protocol: ", name, ": expected a value, got none");
    } else if (!ReadField(*found, &field)) {
      status = DataLoss("protocol: ", name, ": expected ",
                        std::is_same_v<decltype(field), std::string&> ? "a text" : "a count",
                        ", got ", JsonExcerpt(*found));
    }
  });
  if (!status.ok()) return status;
  return protocol;
}

std::string ProtocolLine(const Protocol& protocol) {
  return StrCat(protocol.dataset, ", ", protocol.split, ", ",
                protocol.is_filtered() ? "filtered" : "plain", ": ", protocol.users, " users, ",
                protocol.cold_targets, " cold targets (kept), ", protocol.candidates,
                " candidates, ties by ", protocol.ties, ", fitted on ", protocol.fitted_on,
                ", digest ", protocol.digest.substr(0, kShownDigits));
}

}  // namespace openp5::evaluators
