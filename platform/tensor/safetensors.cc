#include "platform/tensor/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/output_file.h"
#include "platform/base/printable.h"
#include "platform/base/utf8.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/tensor_layout.h"

namespace openp5 {
namespace {

using nlohmann::json;

constexpr uint64_t kMaximumHeader = 100'000'000;  // as in the format's own reader
constexpr int kHeaderDepth = 3;                   // file, tensor, shape
constexpr size_t kHeaderAlignment = 8;
constexpr size_t kMaximumDimensions = 64;
constexpr std::string_view kMetadata = "__metadata__";

// One entry of the header, checked in itself.
struct Entry {
  std::string name;
  c10::ScalarType type = c10::ScalarType::Float;
  std::vector<int64_t> shape;
  int64_t begin = 0, end = 0;  // bytes of the data section
};

absl::Status ReadShape(const json& list, const std::string& where, std::vector<int64_t>* shape) {
  if (!list.is_array() || list.size() > kMaximumDimensions) {
    return DataLoss(where, ": shape: expected a list of at most ", kMaximumDimensions, " sizes");
  }
  for (const json& size : list) {
    if (!ReadCount(size, &shape->emplace_back())) {
      return DataLoss(where, ": shape: expected sizes of at least 0, got ", JsonExcerpt(size));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Entry> ReadEntry(const std::string& name, const json& value,
                                const std::string& where) {
  Entry entry;
  entry.name = name;
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    return DataLoss(where, ": expected an object with dtype, shape and data_offsets");
  }
  const json& dtype = value["dtype"];
  const auto type = dtype.is_string() ? TypeOfName(dtype.get_ref<const std::string&>())
                                      : std::optional<c10::ScalarType>();
  if (!type.has_value()) {
    return InvalidArgument(
        where,
        ": dtype: expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL, "
        "got ",
        dtype.is_string() ? Printable(dtype.get_ref<const std::string&>()) : JsonExcerpt(dtype));
  }
  entry.type = *type;
  OPENP5_RETURN_IF_ERROR(ReadShape(value["shape"], where, &entry.shape));
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !ReadCount(offsets[0], &entry.begin) ||
      !ReadCount(offsets[1], &entry.end) || entry.begin > entry.end) {
    return DataLoss(where, ": data_offsets: expected [begin, end], got ", JsonExcerpt(offsets));
  }
  const std::optional<int64_t> bytes = ByteSize(entry.type, entry.shape);
  if (!bytes.has_value() || *bytes != entry.end - entry.begin) {
    return DataLoss(where, ": expected ",
                    bytes.has_value() ? StrCat(*bytes, " bytes") : "a possible size",
                    " for dtype and shape, got ", entry.end - entry.begin, " bytes of data");
  }
  return entry;
}

// The data section must be covered without gap or overlap, as the format demands.
absl::Status CheckCoverage(const std::string& path, const std::vector<Entry>& entries,
                           int64_t data_size) {
  int64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.end > data_size) {
      return DataLoss("safetensors: ", path, ": tensor '", entry.name, "': expected data up to ",
                      "byte ", entry.end, ", got ", data_size, " bytes; is the file cut off?");
    }
    if (entry.begin != covered) {
      return DataLoss("safetensors: ", path, ": tensor '", Printable(entry.name),
                      "': expected data to begin at byte ", covered, ", got ", entry.begin);
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    return DataLoss("safetensors: ", path, ": expected ", covered, " bytes of data, got ",
                    data_size);
  }
  return absl::OkStatus();
}

// The checked entries in the order of their data; `data` is set to the data section.
absl::StatusOr<std::vector<Entry>> ReadHeader(const std::string& path, std::string_view bytes,
                                              std::string_view* data) {
  const std::string what = StrCat("safetensors: ", path);
  uint64_t size = 0;
  if (!ByteReader(bytes).Number(&size)) {
    return DataLoss(what, ": expected a header of at least 8 bytes, got ", bytes.size(), " bytes");
  }
  bytes.remove_prefix(sizeof size);
  if (size > bytes.size() || size > kMaximumHeader) {
    return DataLoss(what, ": expected a header of at most ",
                    std::min<uint64_t>(bytes.size(), kMaximumHeader), " bytes, got size ", size);
  }
  *data = bytes.substr(size);
  OPENP5_ASSIGN_OR_RETURN(const json header,
                          ParseJson(bytes.substr(0, size), StrCat(what, ": header"), kHeaderDepth));
  if (!header.is_object()) return DataLoss(what, ": header: expected a JSON object");
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) continue;
    OPENP5_ASSIGN_OR_RETURN(
        Entry entry, ReadEntry(name, value, StrCat(what, ": tensor '", Printable(name), "'")));
    entries.push_back(std::move(entry));
  }
  // Empty tensors share their neighbour's offset: they come first there, by name.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  OPENP5_RETURN_IF_ERROR(CheckCoverage(path, entries, static_cast<int64_t>(data->size())));
  return entries;
}

absl::Status CheckWritable(const std::string& path, const NamedTensors& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    const std::string where = StrCat("safetensors: ", path, ": tensor '", Printable(name), "'");
    if (name == kMetadata || !names.insert(name).second) {
      return InvalidArgument(where, ": expected every name once and none ", kMetadata);
    }
    if (FindInvalidUtf8(name) != std::string::npos) {
      return InvalidArgument(where, ": expected a name in UTF-8");
    }
    if (!tensor.defined() || NameOfType(tensor.scalar_type()).empty()) {
      return InvalidArgument(where, ": expected a tensor of a type the format has, got ",
                             tensor.defined()
                                 ? std::string_view(c10::toString(tensor.scalar_type()))
                                 : std::string_view("no tensor"));
    }
  }
  return absl::OkStatus();
}

// Size and JSON of the header, padded with blanks so that the data section begins aligned.
std::string MakeHeader(const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t end = offset + static_cast<int64_t>(tensor.nbytes());
    header[name] = {{"dtype", std::string(NameOfType(tensor.scalar_type()))},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = DumpJson(header);
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return NumberBytes(uint64_t{text.size()}) + text;
}

// Writes part after part, so that no second copy of the model is in memory.
absl::Status WriteParts(const std::string& path, const NamedTensors& tensors,
                        const std::string& header) {
  OPENP5_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(path));
  OPENP5_RETURN_IF_ERROR(file.Write(header));
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor dense = tensor.detach().to(at::kCPU).contiguous();
    OPENP5_RETURN_IF_ERROR(
        file.Write({static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()}));
  }
  return file.Commit();
}

}  // namespace

absl::StatusOr<NamedTensors> ReadSafetensors(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  std::string_view data;
  OPENP5_ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadHeader(path, file.bytes(), &data));
  NamedTensors tensors;
  tensors.reserve(entries.size());
  for (const Entry& entry : entries) {
    const std::string where =
        StrCat("safetensors: ", path, ": tensor '", Printable(entry.name), "'");
    OPENP5_ASSIGN_OR_RETURN(at::Tensor flat,
                            TensorOver(file, entry.type,
                                       data.substr(static_cast<size_t>(entry.begin),
                                                   static_cast<size_t>(entry.end - entry.begin)),
                                       where));
    OPENP5_RETURN_IF_ERROR(CatchTorch(where, [&] {
      tensors.emplace_back(entry.name, flat.view(entry.shape));
      return absl::OkStatus();
    }));
  }
  return tensors;
}

absl::Status WriteSafetensors(const std::string& path, const NamedTensors& tensors,
                              const std::map<std::string, std::string>& metadata) {
  OPENP5_RETURN_IF_ERROR(CheckWritable(path, tensors));
  NamedTensors ordered = tensors;
  // Wide types first: every tensor then begins at a multiple of its element size.
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.second.element_size() > b.second.element_size();
  });
  return CatchTorch(StrCat("safetensors: ", path),
                    [&] { return WriteParts(path, ordered, MakeHeader(ordered, metadata)); });
}

}  // namespace openp5
