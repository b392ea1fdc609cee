#ifndef OPENP5_EVALUATORS_PROTOCOL_H_
#define OPENP5_EVALUATORS_PROTOCOL_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "platform/base/status.h"

namespace openp5::evaluators {

// Under which conditions a number was measured: what a reader needs to know before comparing it
// with another number.
struct Protocol {
  std::string dataset = {}, dataset_digest = {};  // SHA-256 of user_sequence.txt
  std::string split = {};                         // "validation" or "test"
  std::string filter = "none";                    // "none", "search" or "afterwards"
  std::string task = {}, prompt = {};             // prompt: name@digest; empty where none is read
  int64_t users = 0;                              // how many were asked for
  int64_t cold_targets = 0;         // how many targets no training part holds; they are kept
  int64_t candidates = 0;           // items that are ranked; filtered lists leave out the past
  int64_t history = 0;              // latest items a method looks at; 0: all of them
  std::string ties = "list order";  // how equal scores are ranked
  std::string fitted_on = "train";  // the part of the sequences that methods learn from
  // SHA-256 of every user with its target, of the candidates, and of the two together.
  std::string users_digest = {}, candidates_digest = {}, digest = {};

  bool is_filtered() const { return filter != "none"; }
};

// The parts of a protocol that a dataset and its questions decide. The caller fills in the rest.
Protocol DescribeQuestions(const datasets::SequenceDataset& dataset,
                           std::span<const datasets::Position> positions);

// What makes numbers of the two protocols incomparable, one phrase each, such as
// "filter: expected none, got search". Task, prompt and history are how a method is asked and may
// differ, and so may the way of filtering.
std::vector<std::string> ProtocolDifferences(const Protocol& expected, const Protocol& got);

// All fields, under their names.
nlohmann::ordered_json ProtocolToJson(const Protocol& protocol);
// DataLoss that names the field if one is missing or is of another type.
absl::StatusOr<Protocol> ProtocolFromJson(const nlohmann::json& json);

// One line for people, without task, prompt and history.
std::string ProtocolLine(const Protocol& protocol);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_PROTOCOL_H_
