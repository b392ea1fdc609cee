#include "platform/text/sentencepiece_model.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdlib>
#include <unordered_map>

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

// Walks the outermost fields of a model file. SentencePiece itself takes a file that ends between
// two pieces for a smaller model, so the parts that follow the pieces must be there too.
std::string CheckLayout(std::string_view bytes) {
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
    at += length;
    if (tag >> 3 <= kNormalizerSpec) has_part[tag >> 3] = true;
  }
  if (!has_part[kPieces]) return "expected a SentencePiece model, got a file without pieces";
  if (!has_part[kTrainerSpec] || !has_part[kNormalizerSpec]) {
    return "offset " + std::to_string(bytes.size()) +
           ": the file ends after its pieces; expected the settings of SentencePiece to follow";
  }
  return "";
}

}  // namespace

struct SentencePieceModel::Processor {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel() : processor_(std::make_unique<Processor>()) {}
SentencePieceModel::~SentencePieceModel() = default;

std::unique_ptr<SentencePieceModel> SentencePieceModel::Parse(std::string bytes,
                                                              std::string* error) {
  *error = CheckLayout(bytes);
  if (!error->empty()) return nullptr;
  std::unique_ptr<SentencePieceModel> model(new SentencePieceModel());
  model->bytes_ = std::move(bytes);
  const auto status = model->processor_->processor.LoadFromSerializedProto(model->bytes_);
  if (!status.ok()) {
    *error = std::string("SentencePiece refuses it: ") + status.error_message();
    return nullptr;
  }
  return model;
}

std::unique_ptr<SentencePieceModel> SentencePieceModel::WithoutLeadingMark() const {
  // A field given twice is merged, the later value winning:
  // normalizer_spec (3) { add_dummy_prefix (3): false }.
  std::string error;
  return Parse(bytes_ + std::string("\x1a\x02\x18\x00", 4), &error);
}

void SentencePieceModel::Encode(std::string_view text, std::vector<int32_t>* ids) const {
  std::vector<int> some;
  // Fails only for a model that did not load.
  if (!processor_->processor.Encode(text, &some).ok()) std::abort();
  ids->insert(ids->end(), some.begin(), some.end());
}

int32_t SentencePieceModel::size() const { return processor_->processor.GetPieceSize(); }

const std::string& SentencePieceModel::Piece(int32_t id) const {
  return processor_->processor.IdToPiece(id);
}

int32_t SentencePieceModel::Find(std::string_view piece) const {
  // An unknown piece has the id of `<unk>`.
  const int id = processor_->processor.PieceToId(piece);
  if (id < 0 || id >= size() || Piece(id) != piece) return -1;
  return id;
}

int32_t SentencePieceModel::Byte(int32_t id) const {
  if (!processor_->processor.IsByte(id)) return -1;
  // "<0x0A>"
  return static_cast<int32_t>(std::strtol(Piece(id).c_str() + 3, nullptr, 16));
}

int32_t SentencePieceModel::pad_id() const { return processor_->processor.pad_id(); }
int32_t SentencePieceModel::bos_id() const { return processor_->processor.bos_id(); }
int32_t SentencePieceModel::eos_id() const { return processor_->processor.eos_id(); }
int32_t SentencePieceModel::unk_id() const { return processor_->processor.unk_id(); }

namespace {

class VectorIterator final : public sentencepiece::SentenceIterator {
 public:
  explicit VectorIterator(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return next_ == sentences_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return sentences_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  size_t next_ = 0;
};

}  // namespace

std::string TrainSentencePiece(const std::vector<std::string>& sentences,
                               const std::vector<std::pair<std::string, std::string>>& arguments,
                               uint32_t seed, std::string* error) {
  sentencepiece::SetRandomGeneratorSeed(seed);
  std::unordered_map<std::string, std::string> map(arguments.begin(), arguments.end());
  map["minloglevel"] = "3";
  VectorIterator iterator(sentences);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(map, &iterator, &bytes);
  error->clear();
  if (status.ok()) return bytes;
  *error = status.error_message();
  return "";
}

}  // namespace openp5::text
