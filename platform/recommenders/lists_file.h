#ifndef OPENP5_PLATFORM_RECOMMENDERS_LISTS_FILE_H_
#define OPENP5_PLATFORM_RECOMMENDERS_LISTS_FILE_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// The ranked list of one user, as a file has it.
struct ListOfUser {
  Ranking ranking = {};
  int32_t target = -1;  // what the file says that the list was made for; -1: it does not say
  int64_t line = 0;     // of the file, where the list begins
};

// The lists of a file, by user number of the dataset they were checked against.
struct ListsFile {
  std::string path = {};
  std::string system = {};  // the tag of a TREC run, else the file's name without its ending
  std::unordered_map<int32_t, ListOfUser> lists = {};
};

// "auto", "jsonl", "trec", "csv", "tsv".
const std::vector<std::string>& ListsFormats();

// Reads the lists that some system made for users of `dataset`. `format` is one of ListsFormats;
// "auto" tells it from the first line:
//   jsonl  {"user": …, "items": […]} a line, best first, as `evaluate --topk-out` writes it; where
//          there are "scores", "target" and "dataset", they are read, too; null is no item
//   trec   `user Q0 item rank score tag`: by rank, which the scores must not contradict
//   csv, tsv  a header that names the columns user (or user_id), item (or item_id), and rank or
//          score, in any order; the type of RecBole's `user_id:token` is ignored. By rank, or by
//          falling score; equal scores in order of the lines
// NotFound without the file. InvalidArgument that names file and line for anything malformed, for a
// user or an item that the dataset does not have, and for a user (jsonl), an item of a user, or a
// rank of a user that is there twice.
absl::StatusOr<ListsFile> ReadLists(const std::string& path, const std::string& format,
                                    const datasets::SequenceDataset& dataset);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_LISTS_FILE_H_
