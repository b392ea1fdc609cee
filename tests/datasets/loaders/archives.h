#ifndef OPENP5_TESTS_DATASETS_LOADERS_ARCHIVES_H_
#define OPENP5_TESTS_DATASETS_LOADERS_ARCHIVES_H_

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <locale.h>
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

// Compressed files and archives as bytes.
namespace openp5::datasets {

using Members = std::vector<std::pair<std::string, std::string>>;

inline std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string Archive(const Members& members, void (*set_up)(archive*)) {
  std::string out(size_t{4} << 20, '\0');
  // Names are turned into the thread's characters.
  const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const locale_t before = uselocale(utf8);
  size_t used = 0;
  archive* const writer = archive_write_new();
  set_up(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  EXPECT_EQ(archive_write_open_memory(writer, out.data(), out.size(), &used), ARCHIVE_OK);
  for (const auto& [name, text] : members) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    archive_write_data(writer, text.data(), text.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  uselocale(before);
  if (utf8 != nullptr) freelocale(utf8);
  out.resize(used);
  return out;
}

inline std::string Zip(const Members& members) {
  return Archive(members, [](archive* writer) { archive_write_set_format_zip(writer); });
}
inline std::string Zip64(const Members& members) {
  return Archive(members, [](archive* writer) {
    archive_write_set_format_zip(writer);
    archive_write_set_options(writer, "zip:zip64");
  });
}
inline std::string Tar(const Members& members) {
  return Archive(members, [](archive* writer) { archive_write_set_format_pax_restricted(writer); });
}

}  // namespace openp5::datasets

#endif  // OPENP5_TESTS_DATASETS_LOADERS_ARCHIVES_H_
