#ifndef OPENP5_TESTS_CHECKPOINTS_TORCH_BYTES_H_
#define OPENP5_TESTS_CHECKPOINTS_TORCH_BYTES_H_

#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/platform/tensor/bytes.h"

// Files of torch.save from bytes, so that tests can write what PyTorch never would.
namespace openp5::checkpoints {

using ZipRecords = std::vector<std::pair<std::string, std::string>>;

struct ZipLayout {
  uint16_t method = 0;
  bool zip64 = false;
};

// A zip archive of stored records.
inline std::string MakeZip(const ZipRecords& records, const ZipLayout& layout = {}) {
  std::string archive, directory;
  for (const auto& [name, content] : records) {
    const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::string common = Little(layout.method, 2) + Little(0, 4) + Little(crc, 4);
    const std::string sizes = layout.zip64 ? std::string(8, '\xff')
                                           : Little(content.size(), 4) + Little(content.size(), 4);
    const std::string extra = layout.zip64
                                  ? Little(1, 2) + Little(24, 2) + Little(content.size(), 8) +
                                        Little(content.size(), 8) + Little(archive.size(), 8)
                                  : "";
    const std::string offset = layout.zip64 ? std::string(4, '\xff') : Little(archive.size(), 4);
    directory += "PK\1\2" + Little(45, 2) + Little(45, 2) + Little(0, 2) + common + sizes +
                 Little(name.size(), 2) + Little(extra.size(), 2) + Little(0, 10) + offset + name +
                 extra;
    archive += "PK\3\4" + Little(45, 2) + Little(0, 2) + common + Little(content.size(), 4) +
               Little(content.size(), 4) + Little(name.size(), 2) + Little(3, 2) + name + "abc" +
               content;
  }
  const uint64_t begin = archive.size(), size = directory.size(), count = records.size();
  archive += directory;
  if (layout.zip64) {
    const uint64_t end64 = archive.size();
    archive += "PK\6\6" + Little(44, 8) + Little(45, 2) + Little(45, 2) + Little(0, 8) +
               Little(count, 8) + Little(count, 8) + Little(size, 8) + Little(begin, 8);
    archive += "PK\6\7" + Little(0, 4) + Little(end64, 8) + Little(1, 4);
  }
  return archive + "PK\5\6" + Little(0, 4) + Little(count, 2) + Little(count, 2) +
         Little(layout.zip64 ? 0xffffffff : size, 4) +
         Little(layout.zip64 ? 0xffffffff : begin, 4) + Little(0, 2);
}

// Parts of pickles, protocol 2.
inline std::string PickleText(const std::string& text) {
  return StrCat("X", Little(text.size(), 4), text);
}
inline std::string PickleInteger(int64_t value) { return StrCat("\x8a\x08", Little(value, 8)); }
inline std::string PickleGlobal(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string PickleTuple(const std::vector<int64_t>& values) {
  std::string bytes = "(";
  for (const int64_t value : values) bytes += PickleInteger(value);
  return bytes + "t";
}

struct TensorRecord {
  std::string storage = "FloatStorage", key = "0";
  int64_t elements = 4, offset = 0;
  std::vector<int64_t> sizes = {2, 2}, strides = {2, 1};
  bool legacy = false;
};

inline std::string PickleStorage(const TensorRecord& tensor) {
  return "(" + PickleText("storage") + PickleGlobal("torch", tensor.storage) +
         PickleText(tensor.key) + PickleText("cpu") + PickleInteger(tensor.elements) +
         (tensor.legacy ? "N" : "") + "tQ";
}

inline std::string PickleTensor(const TensorRecord& tensor) {
  return PickleGlobal("torch._utils", "_rebuild_tensor_v2") + "(" + PickleStorage(tensor) +
         PickleInteger(tensor.offset) + PickleTuple(tensor.sizes) + PickleTuple(tensor.strides) +
         "\x89" + PickleGlobal("collections", "OrderedDict") + ")RtR";
}

// An OrderedDict of `entries` (name and pickled value) with a _metadata attribute.
inline std::string PickleDict(const ZipRecords& entries) {
  std::string bytes = "\x80\x02" + PickleGlobal("collections", "OrderedDict") + ")Rq";
  bytes += std::string(1, '\0') + "(";
  for (const auto& [name, value] : entries) bytes += PickleText(name) + value;
  return bytes + "u}" + PickleText("_metadata") + PickleGlobal("collections", "OrderedDict") +
         ")R" + PickleText("") + "}" + PickleText("version") + "K\x01sssb.";
}

inline std::string MakeTorchZip(const std::string& pickle, const ZipRecords& storages,
                                const ZipLayout& layout = {}) {
  ZipRecords records = {{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
  for (const auto& [key, content] : storages) records.emplace_back("archive/data/" + key, content);
  records.emplace_back("archive/version", "3\n");
  return MakeZip(records, layout);
}

// The legacy format: `storages` are key, and number of elements and data.
inline std::string MakeLegacyTorchFile(
    const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages) {
  const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const std::string protocol = "\x80\x02M\xe9\x03.";
  const std::string system = "\x80\x02}" + PickleText("little_endian") + "\x88s.";
  std::string keys = "\x80\x02](", data;
  for (const auto& [key, content] : storages) {
    keys += PickleText(key);
    data += content;
  }
  return magic + protocol + system + pickle + keys + "e." + data;
}

}  // namespace openp5::checkpoints

#endif  // OPENP5_TESTS_CHECKPOINTS_TORCH_BYTES_H_
