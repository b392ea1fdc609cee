#include "checkpoints/checkpoint.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoints/folder_kinds.h"
#include "checkpoints/inner_path.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/printable.h"
#include "platform/tensor/safetensors.h"

namespace openp5::checkpoints {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kFormat = "openp5-checkpoint";
constexpr int64_t kVersion = 2;
constexpr std::string_view kManifestName = "manifest.json";
constexpr char kOwnDigest[] = "manifest_sha256";

std::string WeightsName(const Manifest& manifest) {
  return manifest.backbone.has_value() ? "adapter.safetensors" : "model.safetensors";
}

// Every file under `folder` but the manifest, by its path relative to `folder`.
absl::StatusOr<ListedFiles> ListFiles(const std::string& folder) {
  ListedFiles files;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    const std::string name = entry->path().lexically_relative(folder).generic_string();
    if (name == kManifestName) continue;
    OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(entry->path().string()));
    files[name] = {.size = static_cast<int64_t>(file.bytes().size()),
                   .sha256 = Sha256Of(file.bytes())};
  }
  if (error) return FailedPrecondition("cannot list: ", folder, ": ", error.message());
  return files;
}

// SHA-256 of the manifest's fields of this version; those that a later program adds are not in it.
std::string OwnDigest(const json& manifest, bool covers_reading = true) {
  json covered = json::object();
  for (const char* name : {"format", "version", "model_family", "model_config", "tokenizer_family",
                           "indexes", "training", "metrics", "files", "backbone"}) {
    if (manifest.contains(name)) covered[name] = manifest.at(name);
  }
  if (covers_reading && manifest.contains("reading")) covered["reading"] = manifest.at("reading");
  return Sha256Of(covered.dump(-1, ' ', false, json::error_handler_t::replace));
}

json ManifestJson(const Manifest& manifest, const ListedFiles& files) {
  json fields = {{"format", kFormat},
                 {"version", kVersion},
                 {"model_family", manifest.model_family},
                 {"model_config", manifest.model_config},
                 {"tokenizer_family", manifest.tokenizer_family},
                 {"indexes", manifest.indexes},
                 {"training", manifest.training},
                 {"metrics", manifest.metrics},
                 {"reading", manifest.reading},
                 {"files", ListedFilesJson(files)}};
  if (manifest.backbone.has_value()) fields["backbone"] = manifest.backbone->ToJson();
  fields[kOwnDigest] = OwnDigest(fields);
  return fields;
}

// The manifest's fields of ours, with the types they must have.
absl::Status CheckFields(const json& parsed, const std::string& where) {
  if (!parsed.contains("format") || parsed["format"] != kFormat) {
    return DataLoss(where, ": format: expected '", kFormat, "'");
  }
  int64_t version = 0;
  if (!parsed.contains("version") || !ReadCount(parsed["version"], &version) || version == 0) {
    return DataLoss(where, ": version: expected a number of at least 1");
  }
  if (version > kVersion) {
    return DataLoss(where, ": version: expected at most ", kVersion, ", got ", version,
                    "; written by a newer openp5");
  }
  const std::pair<const char*, json::value_t> fields[] = {
      {"model_family", json::value_t::string},
      {"model_config", json::value_t::object},
      {"tokenizer_family", json::value_t::string},
      {"indexes", json::value_t::array},
      {"training", json::value_t::object},
      {"metrics", json::value_t::object},
      {"files", json::value_t::object},
      {"reading", json::value_t::object}};
  for (const auto& [name, type] : fields) {
    if (std::string_view(name) == "reading" && version == 1) continue;
    if (!parsed.contains(name) || parsed[name].type() != type) {
      return DataLoss(where, ": ", std::string_view(name), ": expected ",
                      std::string_view(json(type).type_name()), ", got ",
                      std::string_view(parsed.contains(name) ? parsed[name].type_name() : "none"));
    }
  }
  return absl::OkStatus();
}

// A missing file is DataLoss here: the manifest promised it.
absl::Status CheckSize(const std::string& folder, const std::string& name, int64_t expected) {
  const std::string path = JoinPath(folder, name);
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error) {
    return DataLoss("checkpoint: ", path, ": expected ", expected, " bytes, got ", error.message());
  }
  if (size != static_cast<uintmax_t>(expected)) {
    return DataLoss("checkpoint: ", path, ": expected ", expected, " bytes, got ", size);
  }
  return absl::OkStatus();
}

absl::Status CheckDigest(const std::string& folder, const std::string& name,
                         const std::string& expected) {
  const std::string path = JoinPath(folder, name);
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string digest = Sha256Of(file.bytes());
  if (digest == expected) return absl::OkStatus();
  return DataLoss("checkpoint: ", path, ": expected SHA-256 ", Printable(expected), ", got ",
                  digest);
}

struct ManifestAndFiles {
  Manifest manifest;
  ListedFiles files;
};

// The manifest, with the sizes of all files compared.
absl::StatusOr<ManifestAndFiles> ReadAll(const std::string& path) {
  const std::string manifest_path = JoinPath(path, kManifestName);
  const std::string where = StrCat("checkpoint: ", manifest_path);
  if (!FileExists(manifest_path)) {
    return NotFound("checkpoint: ", path, ": expected a folder with ", kManifestName, ", got none");
  }
  OPENP5_ASSIGN_OR_RETURN(json parsed, ReadJsonObject(manifest_path));
  OPENP5_RETURN_IF_ERROR(CheckFields(parsed, where));
  ManifestAndFiles all;
  OPENP5_ASSIGN_OR_RETURN(all.files, ParseListedFiles(parsed["files"], where));
  Manifest& manifest = all.manifest;
  if (parsed["version"].get<int64_t>() > 1 && parsed.contains("backbone")) {
    OPENP5_ASSIGN_OR_RETURN(manifest.backbone,
                            Backbone::FromJson(parsed["backbone"], where + ": backbone"));
  }
  if (const std::string name = WeightsName(manifest); !all.files.contains(name)) {
    return DataLoss(where, ": files: expected ", name, ", got none");
  }
  // The manifests of older versions have no digest, and the first of version 2 one that leaves out
  // how the model reads.
  if (parsed.contains(kOwnDigest) && parsed[kOwnDigest] != OwnDigest(parsed) &&
      parsed[kOwnDigest] != OwnDigest(parsed, /*covers_reading=*/false)) {
    return DataLoss(where, ": expected the fields that were written, got others: their SHA-256 is ",
                    OwnDigest(parsed));
  }
  for (const auto& [name, file] : all.files) {
    OPENP5_RETURN_IF_ERROR(CheckSize(path, name, file.size));
  }
  manifest.model_family = parsed["model_family"].get<std::string>();
  manifest.model_config = std::move(parsed["model_config"]);
  manifest.tokenizer_family = parsed["tokenizer_family"].get<std::string>();
  manifest.indexes = std::move(parsed["indexes"]);
  manifest.training = std::move(parsed["training"]);
  manifest.metrics = std::move(parsed["metrics"]);
  manifest.reading = parsed.value("reading", json::object());
  return all;
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& path, const Manifest& manifest,
                             const NamedTensors& weights,
                             const std::function<absl::Status(const std::string&)>& write_extras) {
  return WriteDirectoryAtomic(path, [&](const std::string& folder) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(
        WriteSafetensors(JoinPath(folder, WeightsName(manifest)), weights, {{"format", "pt"}}));
    if (write_extras) OPENP5_RETURN_IF_ERROR(write_extras(folder));
    OPENP5_ASSIGN_OR_RETURN(const ListedFiles files, ListFiles(folder));
    return WriteJson(JoinPath(folder, kManifestName), ManifestJson(manifest, files));
  });
}

FolderKind CheckpointKind() {
  return {.name = "a checkpoint of openp5", .files = [](const std::string& path) {
            std::set<std::string> names;
            const auto parsed = ReadJsonObject(JoinPath(path, kManifestName));
            if (!parsed.ok() || !CheckFields(*parsed, path).ok()) return names;
            const auto files = ParseListedFiles((*parsed)["files"], path);
            if (!files.ok()) return names;
            for (const auto& [name, file] : *files) names.insert(name);
            names.emplace(kManifestName);
            return names;
          }};
}

bool IsCheckpoint(const std::string& path) { return FileExists(JoinPath(path, kManifestName)); }

absl::StatusOr<Manifest> ReadManifest(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(ManifestAndFiles all, ReadAll(path));
  const std::string weights = WeightsName(all.manifest);
  for (const auto& [name, file] : all.files) {
    // Compared when they are read: the weights are large, and a SASRec's items say what is wrong.
    if (name == weights || name == "items.txt") continue;
    OPENP5_RETURN_IF_ERROR(CheckDigest(path, name, file.sha256));
  }
  return std::move(all.manifest);
}

absl::StatusOr<ModelSource> ModelSource::Open(const std::string& path) {
  ModelSource source{.path = path};
  if (IsCheckpoint(path)) {
    OPENP5_ASSIGN_OR_RETURN(source.manifest, ReadManifest(path));
  }
  return source;
}

absl::StatusOr<std::map<std::string, int64_t>> ListCheckpointFiles(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const ManifestAndFiles all, ReadAll(path));
  std::map<std::string, int64_t> sizes;
  for (const auto& [name, file] : all.files) sizes[name] = file.size;
  return sizes;
}

absl::Status VerifyCheckpoint(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const ManifestAndFiles all, ReadAll(path));
  for (const auto& [name, file] : all.files) {
    OPENP5_RETURN_IF_ERROR(CheckDigest(path, name, file.sha256));
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedTensors> ReadWeights(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const ManifestAndFiles all, ReadAll(path));
  const std::string name = WeightsName(all.manifest);
  OPENP5_RETURN_IF_ERROR(CheckDigest(path, name, all.files.at(name).sha256));
  return ReadSafetensors(JoinPath(path, name));
}

}  // namespace openp5::checkpoints
