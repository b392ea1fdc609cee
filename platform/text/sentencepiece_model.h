#ifndef OPENP5_PLATFORM_TEXT_SENTENCEPIECE_MODEL_H_
#define OPENP5_PLATFORM_TEXT_SENTENCEPIECE_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/text/sentencepiece_proto.h"

namespace openp5::text {

// U+2581, which stands for a blank in pieces.
inline constexpr std::string_view kWordMark = "\xE2\x96\x81";

// One SentencePiece model. Private to this unit: SentencePiece's headers and Abseil's string
// headers do not compile in one file, so this border has std types only and failures are messages.
// Immutable, thread-safe.
class SentencePieceModel {
 public:
  // Null, with a message without the file's name in `error`, if `bytes` is no whole SentencePiece
  // model.
  static std::unique_ptr<SentencePieceModel> Parse(std::string bytes, std::string* error);
  ~SentencePieceModel();
  SentencePieceModel(const SentencePieceModel&) = delete;
  SentencePieceModel& operator=(const SentencePieceModel&) = delete;

  // The same pieces, but no word mark is put before a text.
  std::unique_ptr<SentencePieceModel> WithoutLeadingMark() const;

  // Appends the ids of `text`, without special tokens. Invalid UTF-8 becomes U+FFFD.
  void Encode(std::string_view text, std::vector<int32_t>* ids) const;

  int32_t size() const;
  // `id` in [0, size()).
  const std::string& Piece(int32_t id) const;
  // The id of `piece`, or -1.
  int32_t Find(std::string_view piece) const;
  // The byte a piece such as `<0x0A>` stands for, or -1.
  int32_t Byte(int32_t id) const;

  // -1 where the model has none.
  int32_t pad_id() const;
  int32_t bos_id() const;
  int32_t eos_id() const;
  int32_t unk_id() const;

  // The file as it was read, and what is in it.
  const std::string& bytes() const { return bytes_; }
  const SentencePieceProto& proto() const { return proto_; }

 private:
  struct Processor;
  SentencePieceModel();
  std::unique_ptr<Processor> processor_;
  std::string bytes_;
  SentencePieceProto proto_;
};

// Trains a model with SentencePiece's own argument names and returns its file's bytes; empty, with
// a message in `error`, on failure. Changes SentencePiece's process-wide random seed and log level.
std::string TrainSentencePiece(const std::vector<std::string>& sentences,
                               const std::vector<std::pair<std::string, std::string>>& arguments,
                               uint32_t seed, std::string* error);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_SENTENCEPIECE_MODEL_H_
