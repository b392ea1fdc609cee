#ifndef OPENP5_PLATFORM_TEXT_CONVERT_BYTE_LEVEL_H_
#define OPENP5_PLATFORM_TEXT_CONVERT_BYTE_LEVEL_H_

#include <string>

#include "platform/base/status.h"
#include "platform/text/folder_files.h"

namespace openp5::text {

// Slow tokenizers of GPT-2 and Qwen 2 are saved as these two files.
constexpr char kVocabularyFile[] = "vocab.json";
constexpr char kMergesFile[] = "merges.txt";

// The tokenizer.json that transformers makes of such a folder, added tokens included. Gives `files`
// the special tokens that the class has where none is named, and takes its added tokens. The class
// is the one in `files`, or that of the model type in config.json. InvalidArgument for another
// class, whose rules are others; DataLoss naming the file and the line for what is no vocabulary or
// no merge, or what versions of transformers read in different ways.
absl::StatusOr<std::string> ConvertByteLevel(const std::string& folder, FolderFiles* files);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_CONVERT_BYTE_LEVEL_H_
