#include "checkpoints/torch_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoints/pickle_reader.h"
#include "checkpoints/stored_zip.h"
#include "platform/base/bytes.h"
#include "platform/base/file.h"
#include "platform/base/printable.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/tensor_checks.h"
#include "platform/tensor/tensor_layout.h"

namespace openp5::checkpoints {
namespace {

using Kind = PickleValue::Kind;
using c10::ScalarType;

constexpr std::string_view kZipMagic = "PK\3\4";
// The long integer that begins torch.save's format of before 1.6: 0x1950a86a20f9469cfc6c.
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int64_t kLegacyProtocol = 1001;
constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

constexpr std::pair<std::string_view, ScalarType> kStorages[] = {
    {"torch.FloatStorage", ScalarType::Float},       {"torch.HalfStorage", ScalarType::Half},
    {"torch.BFloat16Storage", ScalarType::BFloat16}, {"torch.DoubleStorage", ScalarType::Double},
    {"torch.LongStorage", ScalarType::Long},         {"torch.IntStorage", ScalarType::Int},
    {"torch.ShortStorage", ScalarType::Short},       {"torch.CharStorage", ScalarType::Char},
    {"torch.ByteStorage", ScalarType::Byte},         {"torch.BoolStorage", ScalarType::Bool},
};

const ScalarType* TypeOfStorage(std::string_view global) {
  for (const auto& [name, type] : kStorages) {
    if (name == global) return &type;
  }
  return nullptr;
}

bool IsAllowedGlobal(std::string_view name) {
  return name == kOrderedDict || name == kRebuildTensor || name == kRebuildParameter ||
         TypeOfStorage(name) != nullptr;
}

// Beside its weights a training's file holds anything: arguments, an optimizer's state, numbers of
// other libraries. It is read as data, never made, and looked at no further; a state dict itself
// may have none of it (StateDictBuilder).
absl::StatusOr<Pickle> ReadPickle(std::string_view bytes, const std::string& where,
                                  size_t position) {
  return Pickle::Read(bytes, {.where = where,
                              .base_position = position,
                              .allows_global = [](std::string_view) { return true; },
                              .keeps_objects = true});
}

// The memory several tensors may share.
struct Storage {
  ScalarType type = ScalarType::Float;
  int64_t elements = 0;
  std::string_view bytes;  // in the file; set by the container's reader
  at::Tensor tensor;       // over `bytes`, made for the first tensor that needs it
};
using Storages = std::map<std::string, Storage>;  // by key

// The key, type and size that a persistent id ("storage", type, key, device, elements) names.
absl::Status ReadStorageId(const PickleValue& value, const std::string& where, std::string* key,
                           Storage* storage) {
  const PickleValue& id = *value.items[0];
  const size_t fields = id.kind == Kind::kTuple ? id.items.size() : 0;
  if ((fields != 5 && fields != 6) || id.items[0]->kind != Kind::kString ||
      id.items[0]->text != "storage" || id.items[1]->kind != Kind::kGlobal ||
      id.items[2]->kind != Kind::kString || id.items[4]->kind != Kind::kInteger) {
    return DataLoss(where, ": expected a storage's id, got another persistent id");
  }
  if (fields == 6 && id.items[5]->kind != Kind::kNone) {
    return InvalidArgument(where, ": storage '", Printable(id.items[2]->text),
                           "': a view of another storage is refused; save the file again with "
                           "PyTorch 1.0 or newer");
  }
  const ScalarType* type = TypeOfStorage(id.items[1]->text);
  if (type == nullptr) {
    return InvalidArgument(where, ": global '", Printable(id.items[1]->text),
                           "' is refused: not a type of storage that is read");
  }
  *key = id.items[2]->text;
  storage->type = *type;
  storage->elements = id.items[4]->integer;
  return absl::OkStatus();
}

// True for a storage of complex numbers and the like.
bool HasUnknownType(const PickleValue& value) {
  const PickleValue& id = *value.items[0];
  return id.kind == Kind::kTuple && id.items.size() > 1 && id.items[1]->kind == Kind::kGlobal &&
         TypeOfStorage(id.items[1]->text) == nullptr;
}

absl::StatusOr<Storages> FindStorages(const Pickle& pickle, const std::string& where) {
  Storages storages;
  for (const PickleValue& value : pickle.values()) {
    if (value.kind != Kind::kPersistentId) continue;
    std::string key;
    Storage storage;
    if (HasUnknownType(value)) continue;  // an error only for a tensor that needs it
    OPENP5_RETURN_IF_ERROR(ReadStorageId(value, where, &key, &storage));
    const auto [place, is_new] = storages.try_emplace(key, storage);
    if (!is_new &&
        (place->second.type != storage.type || place->second.elements != storage.elements)) {
      return DataLoss(where, ": storage '", Printable(key),
                      "': expected one type and size, got several");
    }
  }
  return storages;
}

// Bytes of a storage, or DataLoss if the number is impossible.
absl::StatusOr<uint64_t> StorageSize(const std::string& key, const Storage& storage,
                                     const std::string& where) {
  const std::optional<int64_t> bytes = ByteSize(storage.type, {&storage.elements, 1});
  if (!bytes.has_value()) {
    return DataLoss(where, ": storage '", Printable(key), "': expected a possible size, got ",
                    storage.elements, " elements");
  }
  return static_cast<uint64_t>(*bytes);
}

// Builds the tensors of one unpickled state dict over its storages.
class StateDictBuilder {
 public:
  StateDictBuilder(const MappedFile& file, Storages storages, std::string where)
      : file_(file), storages_(std::move(storages)), where_(std::move(where)) {}

  // `root` is a state dict, or a dict that has one among other things.
  absl::StatusOr<NamedTensors> Build(const PickleValue& root) {
    OPENP5_RETURN_IF_ERROR(CheckDict(root));
    OPENP5_ASSIGN_OR_RETURN(const PickleValue* dict, ChooseStateDict(root));
    return BuildDict(*dict);
  }

 private:
  absl::Status CheckDict(const PickleValue& value) const {
    if (IsDict(value)) return absl::OkStatus();
    OPENP5_RETURN_IF_ERROR(CheckGlobal(value, where_));
    return InvalidArgument(where_, ": expected a state dict, got ", NameOf(value.kind));
  }

  // InvalidArgument if `value` is an object of a class that no state dict has.
  static absl::Status CheckGlobal(const PickleValue& value, const std::string& where) {
    const PickleValue* global = &value;
    if (value.kind == Kind::kObject && !value.items.empty()) global = value.items[0];
    if (global->kind != Kind::kGlobal || IsAllowedGlobal(global->text)) return absl::OkStatus();
    return InvalidArgument(where, ": global '", Printable(global->text),
                           "' is refused: not part of a state dict");
  }

  static bool IsDict(const PickleValue& value) {
    return value.kind == Kind::kDict || value.IsCallOf(kOrderedDict);
  }
  static bool IsTensor(const PickleValue& value) {
    return value.IsCallOf(kRebuildTensor) || value.IsCallOf(kRebuildParameter);
  }
  static bool IsStateDict(const PickleValue& value) {
    return IsDict(value) && !value.entries.empty() &&
           std::all_of(value.entries.begin(), value.entries.end(), [](const auto& entry) {
             return entry.first->kind == Kind::kString && IsTensor(*entry.second);
           });
  }

  // The states of generators of random numbers have names without a dot.
  static bool HasNamesOfLayers(const PickleValue& value) {
    return std::any_of(value.entries.begin(), value.entries.end(), [](const auto& entry) {
      return entry.first->text.find('.') != std::string::npos;
    });
  }

  // The state dict in a training's file, whatever it is called there ("state_dict", "model", …),
  // or `root` itself. InvalidArgument naming two that disagree.
  absl::StatusOr<const PickleValue*> ChooseStateDict(const PickleValue& root) {
    if (IsStateDict(root)) return &root;
    const PickleValue::Entry* chosen = nullptr;
    NamedTensors tensors;
    for (const auto& entry : root.entries) {
      if (entry.first->kind != Kind::kString || !IsStateDict(*entry.second) ||
          !HasNamesOfLayers(*entry.second)) {
        continue;
      }
      OPENP5_ASSIGN_OR_RETURN(NamedTensors other, BuildDict(*entry.second));
      if (chosen == nullptr) {
        chosen = &entry;
        tensors = std::move(other);
      } else if (!AreSame(tensors, other)) {
        return InvalidArgument(
            where_, ": expected one state dict, got '", Printable(chosen->first->text), "' and '",
            Printable(entry.first->text), "', which disagree; hint: save the one you mean alone");
      }
    }
    return chosen == nullptr ? &root : chosen->second;
  }

  static bool AreSame(const NamedTensors& a, const NamedTensors& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
             return x.first == y.first && IsSame(x.second, y.second);
           });
  }

  absl::StatusOr<NamedTensors> BuildDict(const PickleValue& dict) {
    NamedTensors tensors;
    std::set<std::string_view> names;
    for (const auto& [key, value] : dict.entries) {
      if (key->kind != Kind::kString) {
        return InvalidArgument(where_, ": expected names as the state dict's keys, got ",
                               NameOf(key->kind));
      }
      const std::string where = StrCat(where_, ": tensor '", Printable(key->text), "'");
      if (!names.insert(key->text).second) {
        return DataLoss(where, ": expected it once, got it twice");
      }
      OPENP5_ASSIGN_OR_RETURN(at::Tensor tensor, BuildTensor(*value, where));
      tensors.emplace_back(key->text, std::move(tensor));
    }
    return tensors;
  }

  // _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks[, metadata]), alone or
  // as the first argument of _rebuild_parameter.
  absl::StatusOr<at::Tensor> BuildTensor(const PickleValue& value, const std::string& where) {
    const PickleValue* call = &value;
    if (call->IsCallOf(kRebuildParameter) && !call->items[1]->items.empty()) {
      call = call->items[1]->items[0];
    }
    if (!call->IsCallOf(kRebuildTensor)) {
      OPENP5_RETURN_IF_ERROR(CheckGlobal(*call, where));
      return InvalidArgument(where, ": expected a tensor, got ", NameOf(call->kind),
                             "; a state dict holds tensors only");
    }
    const auto& arguments = call->items[1]->items;
    std::vector<int64_t> sizes, strides;
    if (arguments.size() < 6 || arguments.size() > 7 || arguments[0]->kind != Kind::kPersistentId ||
        arguments[1]->kind != Kind::kInteger || !ReadIntegers(*arguments[2], &sizes) ||
        !ReadIntegers(*arguments[3], &strides)) {
      return DataLoss(where, ": expected storage, offset, sizes and strides, got something else");
    }
    if (arguments.size() == 7 && !IsEmptyMetadata(*arguments[6])) {
      return InvalidArgument(where, ": a conjugated or negated tensor is refused");
    }
    std::string key;
    Storage named;
    OPENP5_RETURN_IF_ERROR(ReadStorageId(*arguments[0], where, &key, &named));
    return MakeView(&storages_.at(key), arguments[1]->integer, sizes, strides, where);
  }

  static bool ReadIntegers(const PickleValue& tuple, std::vector<int64_t>* integers) {
    if (tuple.kind != Kind::kTuple) return false;
    for (const PickleValue* item : tuple.items) {
      if (item->kind != Kind::kInteger) return false;
      integers->push_back(item->integer);
    }
    return true;
  }

  static bool IsEmptyMetadata(const PickleValue& value) {
    return value.kind == Kind::kNone || (value.kind == Kind::kDict && value.entries.empty());
  }

  absl::StatusOr<at::Tensor> MakeView(Storage* storage, int64_t offset,
                                      const std::vector<int64_t>& sizes,
                                      const std::vector<int64_t>& strides,
                                      const std::string& where) {
    const std::optional<int64_t> reached = ElementsReached(sizes, strides, offset);
    const std::optional<int64_t> bytes = ByteSize(storage->type, sizes);
    // The second comparison refuses strides of 0 that make much out of little.
    if (!reached.has_value() || *reached > storage->elements || !bytes.has_value() ||
        *bytes > static_cast<int64_t>(storage->bytes.size())) {
      return DataLoss(where, ": expected sizes, strides and offset within its storage of ",
                      storage->elements, " elements, got more");
    }
    if (!storage->tensor.defined()) {
      OPENP5_ASSIGN_OR_RETURN(storage->tensor,
                              TensorOver(file_, storage->type, storage->bytes, where));
    }
    at::Tensor view;
    OPENP5_RETURN_IF_ERROR(CatchTorch(where, [&] {
      // An empty tensor's offset may lie outside of its storage, where no view can be made.
      view = *reached == 0 ? at::empty(sizes, storage->tensor.options())
                           : storage->tensor.as_strided(sizes, strides, offset);
      return absl::OkStatus();
    }));
    return view;
  }

  const MappedFile& file_;
  Storages storages_;
  const std::string where_;
};

absl::StatusOr<NamedTensors> ReadZipFormat(const MappedFile& file, const std::string& where) {
  OPENP5_ASSIGN_OR_RETURN(const StoredZip zip, StoredZip::Open(file.bytes(), where));
  // One folder, named after the file by newer versions of PyTorch, holds everything.
  constexpr std::string_view kPickle = "/data.pkl";
  std::string folder;
  for (const auto& [name, record] : zip.records()) {
    if (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size()) {
      folder = name.substr(0, name.size() - kPickle.size());
    }
  }
  const std::string order_name = folder + "/byteorder";
  if (zip.Contains(order_name)) {
    OPENP5_ASSIGN_OR_RETURN(const std::string_view order, zip.Read(order_name));
    if (order != "little") {
      return InvalidArgument(where, ": expected byte order little, got ", Printable(order));
    }
  }
  OPENP5_ASSIGN_OR_RETURN(const std::string_view text, zip.Read(folder + std::string(kPickle)));
  OPENP5_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle(text, where, 0));
  OPENP5_ASSIGN_OR_RETURN(Storages storages, FindStorages(pickle, where));
  for (auto& [key, storage] : storages) {
    OPENP5_ASSIGN_OR_RETURN(const uint64_t size, StorageSize(key, storage, where));
    OPENP5_ASSIGN_OR_RETURN(storage.bytes, zip.Read(StrCat(folder, "/data/", key)));
    if (storage.bytes.size() != size) {
      return DataLoss(where, ": storage '", Printable(key), "': expected ", size, " bytes, got ",
                      storage.bytes.size());
    }
  }
  return StateDictBuilder(file, std::move(storages), where).Build(pickle.root());
}

// Reads the four pickles and the raw storages that follow one another in a legacy file.
class LegacyReader {
 public:
  LegacyReader(const MappedFile& file, std::string where)
      : file_(file), bytes_(file.bytes()), where_(std::move(where)) {}

  absl::StatusOr<NamedTensors> Read() {
    OPENP5_RETURN_IF_ERROR(ReadPreamble());
    OPENP5_ASSIGN_OR_RETURN(const Pickle dict, NextPickle());
    OPENP5_ASSIGN_OR_RETURN(Storages storages, FindStorages(dict, where_));
    OPENP5_ASSIGN_OR_RETURN(const Pickle keys, NextPickle());
    OPENP5_RETURN_IF_ERROR(LocateStorages(keys.root(), &storages));
    return StateDictBuilder(file_, std::move(storages), where_).Build(dict.root());
  }

 private:
  absl::StatusOr<Pickle> NextPickle() {
    OPENP5_ASSIGN_OR_RETURN(Pickle pickle, ReadPickle(bytes_.substr(position_), where_, position_));
    position_ += pickle.size();
    return pickle;
  }

  absl::Status ReadPreamble() {
    OPENP5_ASSIGN_OR_RETURN(const Pickle magic, NextPickle());
    if (magic.root().kind != Kind::kBigInteger || magic.root().text != kLegacyMagic) {
      return InvalidArgument(where_, ": expected a file of torch.save, got another pickle");
    }
    OPENP5_ASSIGN_OR_RETURN(const Pickle protocol, NextPickle());
    if (protocol.root().kind != Kind::kInteger || protocol.root().integer != kLegacyProtocol) {
      return InvalidArgument(where_, ": expected torch.save's protocol ", kLegacyProtocol,
                             ", got another");
    }
    OPENP5_ASSIGN_OR_RETURN(const Pickle system, NextPickle());
    for (const auto& [key, value] : system.root().entries) {
      if (key->text == "little_endian" && value->integer == 0) {
        return InvalidArgument(where_, ": expected byte order little, got big");
      }
    }
    return absl::OkStatus();
  }

  // Each storage is its number of elements and its raw data, in the order of `keys`.
  absl::Status LocateStorages(const PickleValue& keys, Storages* storages) {
    if (keys.kind != Kind::kList || keys.items.size() != storages->size()) {
      return DataLoss(where_, ": expected a list of ", storages->size(), " storages, got ",
                      NameOf(keys.kind), " of ", keys.items.size());
    }
    ByteReader reader(bytes_, position_);
    std::set<std::string_view> seen;
    for (const PickleValue* key : keys.items) {
      const auto found = storages->find(key->text);
      if (key->kind != Kind::kString || found == storages->end() ||
          !seen.insert(key->text).second) {
        return DataLoss(where_, ": expected every storage's key once, got '", Printable(key->text),
                        "'");
      }
      Storage& storage = found->second;
      const std::string where = StrCat(where_, ": storage '", Printable(key->text), "'");
      OPENP5_ASSIGN_OR_RETURN(const uint64_t size, StorageSize(key->text, storage, where_));
      int64_t elements = 0;
      if (!reader.Number(&elements) || elements != storage.elements) {
        return DataLoss(where, ": expected its number of elements, ", storage.elements,
                        ", at byte ", reader.position());
      }
      if (!reader.Take(size, &storage.bytes)) {
        return DataLoss(where, ": expected ", size, " bytes at byte ", reader.position(), ", got ",
                        reader.remaining(), "; is the file cut off?");
      }
    }
    if (reader.remaining() != 0) {
      return DataLoss(where_, ": expected the end at byte ", reader.position(), ", got ",
                      reader.remaining(), " more bytes");
    }
    return absl::OkStatus();
  }

  const MappedFile& file_;
  const std::string_view bytes_;
  const std::string where_;
  size_t position_ = 0;
};

}  // namespace

absl::StatusOr<NamedTensors> ReadTorchStateDict(const std::string& path) {
  const std::string where = StrCat("torch file: ", path);
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string_view bytes = file.bytes();
  if (bytes.starts_with(kZipMagic)) return ReadZipFormat(file, where);
  if (bytes.starts_with('\x80')) return LegacyReader(file, where).Read();
  return InvalidArgument(where, ": expected a file of torch.save (a zip archive or a pickle), got ",
                         bytes.size(), " bytes of something else");
}

}  // namespace openp5::checkpoints
