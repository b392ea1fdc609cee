#include "platform/text/sentencepiece_model.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdlib>
#include <unordered_map>

#include "platform/base/numbers.h"
#include "platform/text/sentencepiece_proto.h"

namespace openp5::text {
struct SentencePieceModel::Processor {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel() : processor_(std::make_unique<Processor>()) {}
SentencePieceModel::~SentencePieceModel() = default;

std::unique_ptr<SentencePieceModel> SentencePieceModel::Parse(std::string bytes,
                                                              std::string* error) {
  std::unique_ptr<SentencePieceModel> model(new SentencePieceModel());
  *error = ReadSentencePieceProto(bytes, &model->proto_);
  if (!error->empty()) return nullptr;
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
  return ParseNumber<int32_t>(Piece(id).substr(3, 2), 16).value_or(-1);
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
