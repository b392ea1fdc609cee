#ifndef OPENP5_PLATFORM_TEXT_UNIGRAM_H_
#define OPENP5_PLATFORM_TEXT_UNIGRAM_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/piece_model.h"

namespace openp5::text {

// A unigram language model over pieces (Kudo, 2018): of all ways to cut a word the one whose
// pieces' scores have the largest sum. A word is well-formed UTF-8.
class Unigram final : public PieceModel {
 public:
  struct Parts {
    std::vector<std::string> pieces;  // by id; "" where an id is no piece of the model
    std::vector<double> scores;       // log-probabilities, one a piece
    int32_t unknown = -1;             // -1: there is none, and what has no piece is left out
    bool byte_fallback = false;       // what has no piece is the pieces of its bytes (`<0x0A>`)
  };
  // DataLoss if a score is not finite.
  static absl::StatusOr<Unigram> Create(const Parts& parts);

  // Characters without a piece in a row are one unknown piece. Time: the word's length times that
  // of the longest piece.
  void Encode(std::string_view word, std::vector<int32_t>* ids) const override;

 private:
  struct Node {
    int32_t id = -1;
  };
  struct Step {
    int32_t id = -1;
    size_t begin = 0;
    double score = 0;
    bool is_reached = false;
  };
  static uint64_t Key(uint32_t node, unsigned char byte) {
    return static_cast<uint64_t>(node) << 8 | byte;
  }
  std::vector<Step> BestSteps(std::string_view word) const;
  void AppendUnknown(std::string_view stretch, std::vector<int32_t>* ids) const;

  std::unordered_map<uint64_t, uint32_t> children_;  // of a trie over the pieces' bytes
  std::vector<Node> nodes_ = {Node()};
  std::vector<double> scores_;
  double unknown_score_ = 0;
  int32_t unknown_ = -1;
  bool byte_fallback_ = false;
  int32_t byte_ids_[256] = {};
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_UNIGRAM_H_
