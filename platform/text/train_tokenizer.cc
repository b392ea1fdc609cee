#include <algorithm>
#include <utility>

#include "platform/base/file.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {
namespace {

constexpr int64_t kMostPieces = 1 << 20;
// T5's published size, which is how OpenTokenizer knows that model: no other may have it.
constexpr int64_t kPublishedPieces = 32000;

absl::Status CheckOptions(const TrainTokenizerOptions& options) {
  // Three special pieces and the word mark at least.
  if (options.vocabulary_size < 4 || options.vocabulary_size > kMostPieces) {
    return InvalidArgument("tokenizer training: vocabulary size: expected 4 to ", kMostPieces,
                           ", got ", options.vocabulary_size);
  }
  if (options.model_type != "unigram" && options.model_type != "bpe") {
    return InvalidArgument("tokenizer training: model type: expected unigram or bpe, got '",
                           options.model_type, "'");
  }
  if (options.split_digits && options.whole_words) {
    return InvalidArgument(
        "tokenizer training: expected split digits or whole words, got both: a word with digits "
        "cannot be one piece");
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::string>> Arguments(const TrainTokenizerOptions& options) {
  const int64_t size =
      options.vocabulary_size == kPublishedPieces ? kPublishedPieces - 1 : options.vocabulary_size;
  return {
      {"model_type", options.model_type},
      {"vocab_size", StrCat(size)},
      {"hard_vocab_limit", "false"},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"pad_piece", "<pad>"},
      // A character without a piece would make identifiers that differ in it alike.
      {"character_coverage", "1.0"},
      {"byte_fallback", "false"},
      {"split_digits", options.split_digits ? "true" : "false"},
      {"split_by_unicode_script", options.whole_words ? "false" : "true"},
      {"split_by_number", options.whole_words ? "false" : "true"},
      {"max_sentence_length", "1000000"},
      {"input_sentence_size", "0"},
      // Sums are split by thread: the number must not be the machine's.
      {"num_threads", "4"},
  };
}

bool IsBlank(const std::string& sentence) {
  return sentence.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

absl::Status TrainTokenizer(const std::vector<std::string>& sentences,
                            const TrainTokenizerOptions& options, const std::string& path) {
  OPENP5_RETURN_IF_ERROR(CheckOptions(options));
  if (std::all_of(sentences.begin(), sentences.end(), IsBlank)) {
    return InvalidArgument("tokenizer training: expected text, got ", sentences.size(),
                           " sentences that are all empty");
  }
  std::string error;
  const std::string bytes = TrainSentencePiece(sentences, Arguments(options),
                                               static_cast<uint32_t>(options.seed), &error);
  if (bytes.empty()) {
    std::replace(error.begin(), error.end(), '\n', ' ');
    return InvalidArgument("tokenizer training: SentencePiece refuses ", sentences.size(),
                           " sentences with ", options.vocabulary_size, " pieces: ", error);
  }
  OPENP5_RETURN_IF_ERROR(MakeDirectories(DirectoryName(path)));
  return WriteFileAtomic(path, bytes);
}

}  // namespace openp5::text
