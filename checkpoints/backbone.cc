#include "checkpoints/backbone.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "checkpoints/hugging_face.h"
#include "checkpoints/inner_path.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/printable.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

constexpr char kHint[] = "; hint: --backbone DIR names the model it was trained on";

absl::StatusOr<ListedFile> ListFile(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ListedFile{.size = static_cast<int64_t>(file.bytes().size()),
                    .sha256 = Sha256Of(file.bytes())};
}

absl::Status ReadText(const json& object, const char* name, const std::string& where,
                      std::string* text) {
  if (!object.contains(name) || !object[name].is_string()) {
    return DataLoss(where, ": ", std::string_view(name), ": expected a string");
  }
  *text = object[name].get<std::string>();
  return absl::OkStatus();
}

// The folder itself, not where it leads: a link may be bent to a copy.
std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

absl::Status CheckFile(const std::string& folder, const std::string& name,
                       const ListedFile& expected, const std::string& checkpoint) {
  const std::string path = JoinPath(folder, name);
  if (!FileExists(path)) {
    return FailedPrecondition(checkpoint, ": backbone: ", path, ": no such file", kHint);
  }
  OPENP5_ASSIGN_OR_RETURN(const ListedFile found, ListFile(path));
  if (found == expected) return absl::OkStatus();
  return FailedPrecondition(checkpoint, ": backbone: ", path, ": expected ", expected.size,
                            " bytes of SHA-256 ", Printable(expected.sha256), ", got ", found.size,
                            " of ", found.sha256, kHint);
}

}  // namespace

json ListedFilesJson(const ListedFiles& files) {
  json listed = json::object();
  for (const auto& [name, file] : files) {
    listed[name] = {{"size", file.size}, {"sha256", file.sha256}};
  }
  return listed;
}

absl::StatusOr<ListedFiles> ParseListedFiles(const json& listed, const std::string& where) {
  ListedFiles files;
  for (const auto& [name, value] : listed.items()) {
    const std::string file_where = StrCat(where, ": files: '", Printable(name), "'");
    ListedFile file;
    if (!IsInnerPath(name)) return DataLoss(file_where, ": expected a path inside of the folder");
    if (!value.is_object() || !value.contains("size") || !ReadCount(value["size"], &file.size) ||
        !value.contains("sha256") || !value["sha256"].is_string()) {
      return DataLoss(file_where, ": expected an object with size and sha256");
    }
    file.sha256 = value["sha256"].get<std::string>();
    files[name] = std::move(file);
  }
  return files;
}

std::string Backbone::Digest() const {
  json weights = ToJson();
  weights.erase("path");
  weights.erase("absolute_path");
  return Sha256Of(DumpJson(weights));
}

json Backbone::ToJson() const {
  json named = {{"path", path}, {"type", type}};
  if (is_folder()) {
    named["absolute_path"] = absolute_path;
    named["files"] = ListedFilesJson(files);
  } else {
    named["seed"] = seed;
    named["sha256"] = sha256;
  }
  return named;
}

absl::StatusOr<Backbone> Backbone::FromJson(const json& object, const std::string& where) {
  if (!object.is_object()) return DataLoss(where, ": expected an object");
  Backbone backbone;
  OPENP5_RETURN_IF_ERROR(ReadText(object, "path", where, &backbone.path));
  OPENP5_RETURN_IF_ERROR(ReadText(object, "type", where, &backbone.type));
  if (backbone.type != "F32" && backbone.type != "BF16") {
    return DataLoss(where, ": type: expected F32 or BF16, got ", Printable(backbone.type));
  }
  if (!object.contains("files")) {
    OPENP5_RETURN_IF_ERROR(ReadText(object, "sha256", where, &backbone.sha256));
    if (!object.contains("seed") || !ReadCount(object["seed"], &backbone.seed)) {
      return DataLoss(where, ": seed: expected a number of at least 0");
    }
    return backbone;
  }
  OPENP5_RETURN_IF_ERROR(ReadText(object, "absolute_path", where, &backbone.absolute_path));
  if (!object["files"].is_object() || object["files"].empty() || !backbone.is_folder()) {
    return DataLoss(where, ": files: expected the weight files of a folder");
  }
  OPENP5_ASSIGN_OR_RETURN(backbone.files, ParseListedFiles(object["files"], where));
  return backbone;
}

absl::StatusOr<Backbone> NameBackbone(const std::string& path) {
  Backbone backbone{.path = path, .absolute_path = AbsolutePath(path)};
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> names, WeightFiles(path));
  for (const std::string& name : names) {
    OPENP5_ASSIGN_OR_RETURN(backbone.files[name], ListFile(JoinPath(path, name)));
  }
  return backbone;
}

absl::StatusOr<std::string> FindBackbone(const Backbone& backbone, const std::string& checkpoint,
                                         const std::string& given) {
  std::string folder = given;
  for (const std::string& path : {backbone.absolute_path, backbone.path}) {
    if (folder.empty() && IsDirectory(path)) folder = path;
  }
  if (folder.empty()) {
    return FailedPrecondition(checkpoint, ": holds an adapter; its backbone: ",
                              Printable(backbone.absolute_path), ": no such folder", kHint);
  }
  for (const auto& [name, file] : backbone.files) {
    OPENP5_RETURN_IF_ERROR(CheckFile(folder, name, file, checkpoint));
  }
  return folder;
}

}  // namespace openp5::checkpoints
