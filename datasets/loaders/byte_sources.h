#ifndef OPENP5_DATASETS_LOADERS_BYTE_SOURCES_H_
#define OPENP5_DATASETS_LOADERS_BYTE_SOURCES_H_

#include <memory>
#include <string>

#include "datasets/text_lines.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// A file's bytes as they lie on disk. NotFound if it cannot be opened.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path);

// `source` decompressed where its first bytes say gzip (RFC 1952), of one or several members; other
// bytes pass. DataLoss naming `where` and the offset for data that are cut off, do not match their
// checksum, or are followed by something else.
std::unique_ptr<ByteSource> Gunzip(std::unique_ptr<ByteSource> source, std::string where);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_BYTE_SOURCES_H_
