#include "platform/text/sentencepiece_proto.h"

#include <cstdint>
#include <cstring>
#include <functional>

namespace openp5::text {
namespace {

// Reads a protobuf variable-length integer at `*at`; false at the end of `bytes`.
bool ReadVarint(std::string_view bytes, size_t* at, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (*at >= bytes.size()) return false;
    const auto byte = static_cast<unsigned char>(bytes[(*at)++]);
    *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

// A field of a message: a number, or bytes (text, a message, or a number of fixed size).
struct ProtoField {
  uint64_t number = 0, value = 0;
  std::string_view bytes = {};
};

// Calls `on_field` with each field; false where the message ends inside of one.
bool ForEachField(std::string_view message,
                  const std::function<void(const ProtoField&)>& on_field) {
  for (size_t at = 0; at < message.size();) {
    uint64_t tag = 0, length = 0;
    ProtoField field;
    if (!ReadVarint(message, &at, &tag)) return false;
    field.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        if (!ReadVarint(message, &at, &field.value)) return false;
        break;
      case 1:
        length = 8;
        break;
      case 2:
        if (!ReadVarint(message, &at, &length)) return false;
        break;
      case 5:
        length = 4;
        break;
      default:
        return false;
    }
    if (length > message.size() - at) return false;
    field.bytes = message.substr(at, length);
    at += length;
    on_field(field);
  }
  return true;
}

bool ReadPiece(std::string_view message, SentencePieceProto* proto) {
  SentencePieceProto::Piece piece;
  const bool whole = ForEachField(message, [&piece](const ProtoField& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2 && field.bytes.size() == sizeof(piece.score)) {
      std::memcpy(&piece.score, field.bytes.data(), sizeof(piece.score));
    }
    if (field.number == 3) piece.kind = static_cast<SentencePieceProto::Kind>(field.value);
  });
  proto->pieces.push_back(std::move(piece));
  return whole;
}

bool ReadTrainerSpec(std::string_view message, SentencePieceProto* proto) {
  constexpr uint64_t kModelType = 3, kByteFallback = 35, kUnigram = 1, kBpe = 2;
  return ForEachField(message, [&](const ProtoField& field) {
    if (field.number == kByteFallback) proto->byte_fallback = field.value != 0;
    if (field.number != kModelType) return;
    proto->is_unigram = field.value == kUnigram;
    proto->is_bpe = field.value == kBpe;
  });
}

bool ReadNormalizerSpec(std::string_view message, SentencePieceProto* proto) {
  return ForEachField(message, [&](const ProtoField& field) {
    if (field.number == 2) proto->character_map = field.bytes;
    if (field.number == 3) proto->adds_leading_mark = field.value != 0;
    if (field.number == 4) proto->removes_extra_blanks = field.value != 0;
  });
}

}  // namespace

std::string ReadSentencePieceProto(std::string_view bytes, SentencePieceProto* proto) {
  constexpr uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
  bool has_part[4] = {};
  size_t at = 0;
  while (at < bytes.size()) {
    const std::string where = "offset " + std::to_string(at) + ": ";
    uint64_t tag = 0, length = 0;
    if (!ReadVarint(bytes, &at, &tag)) return where + "the file ends inside a field";
    if ((tag & 7) != 2) return where + "expected a SentencePiece model, got other data";
    if (!ReadVarint(bytes, &at, &length) || length > bytes.size() - at) {
      return where + "the file ends inside a field, or is no SentencePiece model";
    }
    const std::string_view part = bytes.substr(at, length);
    at += length;
    const uint64_t number = tag >> 3;
    if (number <= kNormalizerSpec) has_part[number] = true;
    if ((number == kPieces && !ReadPiece(part, proto)) ||
        (number == kTrainerSpec && !ReadTrainerSpec(part, proto)) ||
        (number == kNormalizerSpec && !ReadNormalizerSpec(part, proto))) {
      return where + "expected a SentencePiece model, got other data";
    }
  }
  if (!has_part[kPieces]) return "expected a SentencePiece model, got a file without pieces";
  if (!has_part[kTrainerSpec] || !has_part[kNormalizerSpec]) {
    return "offset " + std::to_string(bytes.size()) +
           ": the file ends after its pieces; expected the settings of SentencePiece to follow";
  }
  return "";
}

}  // namespace openp5::text
