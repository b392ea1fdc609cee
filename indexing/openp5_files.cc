#include "indexing/openp5_files.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "datasets/text_lines.h"
#include "indexing/index_methods.h"
#include "indexing/methods/collaborative.h"
#include "indexing/methods/sequential.h"
#include "platform/base/file.h"

namespace openp5::indexing {
namespace {

std::string PairsText(const std::vector<std::string>& first,
                      const std::vector<std::string>& second) {
  std::string text;
  for (size_t i = 0; i < first.size(); ++i) text += StrCat(first[i], " ", second[i], "\n");
  return text;
}

// A file of two columns whose first is an id of the dataset; the second is checked too.
struct PairFile {
  std::string path, what;  // what: "item", "user"
  int32_t count = 0;       // ids of the dataset
  std::function<std::optional<int32_t>(std::string_view)> find;
  std::function<std::string_view(int32_t)> id_of;
  std::string second_column;  // as messages call it
  bool (*is_sound)(std::string_view) = nullptr;
};

absl::Status CheckComplete(const PairFile& file, const std::vector<int64_t>& line_of) {
  for (int32_t i = 0; i < file.count; ++i) {
    if (line_of[i] == 0) {
      return InvalidArgument(file.path, ": ", file.what, " '", file.id_of(i),
                             "' of the dataset is missing");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPairs(const PairFile& file, std::vector<std::string>* ids,
                       std::vector<std::string>* values) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file.path));
  datasets::TextLines lines(text, file.path);
  std::vector<int64_t> line_of(static_cast<size_t>(file.count), 0);
  std::string_view line;
  while (true) {
    OPENP5_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) break;
    const auto parts = datasets::SplitAt(line, ' ');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
      return InvalidArgument(lines.Where(), ": expected two columns, ", file.what, " and ",
                             file.second_column, ", with a blank between; got '",
                             datasets::Excerpt(line), "'");
    }
    const std::optional<int32_t> number = file.find(parts[0]);
    if (!number) {
      return InvalidArgument(lines.Where(), ": ", file.what, " '", datasets::Excerpt(parts[0]),
                             "' is not in the dataset");
    }
    if (line_of[*number] != 0) {
      return InvalidArgument(lines.Where(), ": ", file.what, " '", datasets::Excerpt(parts[0]),
                             "' is given again; it was in line ", line_of[*number]);
    }
    if (!file.is_sound(parts[1])) {
      return InvalidArgument(lines.Where(), ": expected ", file.second_column, ", got '",
                             datasets::Excerpt(parts[1]), "'");
    }
    line_of[*number] = lines.number();
    ids->emplace_back(parts[0]);
    values->emplace_back(parts[1]);
  }
  return CheckComplete(file, line_of);
}

}  // namespace

std::string OpenP5ItemsFileName(IndexParameters parameters) {
  std::string variant;
  if (parameters.indexing == "sequential") {
    variant = StrCat("_", EnumName(parameters.Of<SequentialOptions>().order));
  }
  if (parameters.indexing == "collaborative") {
    const auto& options = parameters.Of<CollaborativeOptions>();
    variant =
        StrCat("_", options.token_size, "_", options.cluster, "_", EnumName(options.last_token));
  }
  return StrCat("item_", parameters.indexing, "_indexing", variant, ".txt");
}

std::string OpenP5ItemsText(const ItemIndex& index) {
  return PairsText(index.item_ids(), index.identifiers());
}

std::string OpenP5UsersText(const ItemIndex& index) {
  return PairsText(index.user_ids(), index.user_numbers());
}

absl::StatusOr<std::string> OpenP5SequencesText(const ItemIndex& index,
                                                const datasets::SequenceDataset& dataset) {
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> identifiers,
                          index.IdentifiersFor(dataset));
  OPENP5_ASSIGN_OR_RETURN(const std::vector<std::string> numbers, index.UserNumbersFor(dataset));
  std::string text;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    text += numbers[user];
    for (const int32_t item : dataset.Sequence(user)) text += StrCat(" ", identifiers[item]);
    text += "\n";
  }
  return text;
}

absl::StatusOr<ItemIndex> ImportOpenP5Index(const datasets::SequenceDataset& dataset,
                                            const IndexParameters& parameters,
                                            const std::string& items_file,
                                            const std::string& users_file) {
  OPENP5_ASSIGN_OR_RETURN(const IndexMethod* method, parameters.method());
  const PairFile items = {.path = items_file,
                          .what = "item",
                          .count = dataset.item_count(),
                          .find = [&](std::string_view id) { return dataset.FindItem(id); },
                          .id_of = [&](int32_t item) { return dataset.ItemId(item); },
                          .second_column = StrCat("an identifier such as ", method->example),
                          .is_sound = method->is_identifier};
  const PairFile users = {.path = users_file,
                          .what = "user",
                          .count = dataset.user_count(),
                          .find = [&](std::string_view id) { return dataset.FindUser(id); },
                          .id_of = [&](int32_t user) { return dataset.UserId(user); },
                          .second_column = "a number",
                          .is_sound = IsNumber};
  IndexContent content{
      .parameters = parameters, .dataset_name = dataset.name(), .dataset_digest = dataset.digest()};
  OPENP5_RETURN_IF_ERROR(ReadPairs(items, &content.item_ids, &content.identifiers));
  OPENP5_RETURN_IF_ERROR(ReadPairs(users, &content.user_ids, &content.user_numbers));
  absl::StatusOr<ItemIndex> index = ItemIndex::Create(std::move(content));
  if (!index.ok()) return Annotate(index.status(), items_file);
  return index;
}

}  // namespace openp5::indexing
