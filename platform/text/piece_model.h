#ifndef OPENP5_PLATFORM_TEXT_PIECE_MODEL_H_
#define OPENP5_PLATFORM_TEXT_PIECE_MODEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace openp5::text {

// What a tokenizer does to a word: cuts it into pieces of its vocabulary. Immutable, thread-safe.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  // Appends the ids of `word`, which is not empty.
  virtual void Encode(std::string_view word, std::vector<int32_t>* ids) const = 0;
};

// What becomes of a character, or byte, that has no piece.
struct UnknownRule {
  int32_t id = -1;    // the unknown piece; -1: there is none, and it is left out
  bool fuse = false;  // several in a row are one
};

// What the vocabulary of a byte-pair encoding is made from.
struct BpeParts {
  std::vector<std::string> pieces;  // by id; "" where an id is no piece of the model
  std::vector<std::pair<std::string, std::string>> merges;  // the earliest are joined first
  bool ignore_merges = false;  // a word that is a piece is taken whole, whatever the merges say
  bool byte_fallback = false;  // a character without a piece is that of its bytes (`<0x0A>`)
  UnknownRule unknown = {};    // what is left without one
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_PIECE_MODEL_H_
