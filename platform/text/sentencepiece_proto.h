#ifndef OPENP5_PLATFORM_TEXT_SENTENCEPIECE_PROTO_H_
#define OPENP5_PLATFORM_TEXT_SENTENCEPIECE_PROTO_H_

#include <string>
#include <string_view>
#include <vector>

namespace openp5::text {

// What a SentencePiece model file holds, as far as another form of it needs that: SentencePiece's
// own interface does not tell all of it. Std types only, see SentencePieceModel.
struct SentencePieceProto {
  enum class Kind {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  struct Piece {
    std::string text;
    float score = 0;
    Kind kind = Kind::kNormal;
  };
  std::vector<Piece> pieces;
  bool is_bpe = false, is_unigram = true;  // neither: words or characters
  bool byte_fallback = false;
  std::string character_map;  // compiled; "": characters stay as they are
  bool adds_leading_mark = true;
  bool removes_extra_blanks = true;
};

// Reads a model file's fields into `proto`. The result is a message, empty if all is well: a file
// that ends early, or is another kind of file, is told with the offset. SentencePiece itself takes
// a file that ends between two pieces for a smaller model, so the parts that follow them must be
// there.
std::string ReadSentencePieceProto(std::string_view bytes, SentencePieceProto* proto);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_SENTENCEPIECE_PROTO_H_
