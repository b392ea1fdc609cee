/* The interface between openp5 and a dataset plugin: a shared library that turns raw files of any
 * kind into records. C11 and C++11; nothing else of openp5 is needed to build a plugin. A guide
 * with examples is datasets/PLUGINS.md.
 *
 * Rules that hold everywhere:
 *  - A plugin exports one symbol, `openp5_plugin_entry`. It is called once after loading; the
 *    library is never unloaded.
 *  - Structs that begin with `struct_size` grow only at the end. Whoever allocates one sets it to
 *    the size he knows; the other side touches nothing beyond. Fields called `reserved` are 0.
 *  - Memory belongs to whoever made it. What a callback hands out stays valid until the next call
 *    on the same reader; what the plugin describes itself with stays valid for ever.
 *  - Strings of type `const char*` end with a NUL, have one line, and are UTF-8. Texts in records
 *    are `openp5_text`: bytes with a size, UTF-8, without a NUL at their end.
 *  - No exception may leave a callback. The host calls from one thread at a time.
 *  - The host checks every record and ends the run at the first one that breaks a rule.
 */
#ifndef OPENP5_DATASETS_PLUGIN_ABI_H_
#define OPENP5_DATASETS_PLUGIN_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes only when a plugin built for another version could not work. */
#define OPENP5_PLUGIN_ABI_VERSION 1

/* What callbacks return. */
#define OPENP5_OK 0     /* open: the reader can be used. next: a record was filled. */
#define OPENP5_END 1    /* next: there are no more records; the record was not touched. */
#define OPENP5_ERROR -1 /* open, next: failed; `last_error` of the reader says why. */

/* Levels of `openp5_host.log`. */
#define OPENP5_LOG_INFO 0
#define OPENP5_LOG_WARNING 1

/* Flags of `openp5_dataset`. */
/* Interactions come in order of time; a record earlier than the one before it is an error. */
#define OPENP5_DATASET_SORTED_BY_TIME 1u

/* Limits the host holds records to, in bytes and in entries. */
#define OPENP5_MAX_ID_SIZE 1024
#define OPENP5_MAX_TEXT_SIZE 1048576
#define OPENP5_MAX_ITEM_FIELDS 1024

#if defined(_WIN32)
#define OPENP5_PLUGIN_EXPORT __declspec(dllexport)
#else
#define OPENP5_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* `size` bytes at `data`. A text that is absent has data NULL and size 0. */
typedef struct openp5_text {
  const char* data;
  uint64_t size;
} openp5_text;

/* One event of a user with an item. The host clears it before every call of `next`. */
typedef struct openp5_interaction {
  uint64_t struct_size; /* set by the host */
  openp5_text user;     /* not empty; no blanks, no control characters */
  openp5_text item;     /* likewise */
  int64_t time;         /* in the unit of openp5_dataset.time_units_per_second */
  /* Rating and event are checked, and counted by `plugin check`; every record is an interaction,
   * so what should not be one is left out by the plugin. */
  double rating;      /* finite; read only if has_rating is 1 */
  int32_t has_rating; /* 0 or 1 */
  int32_t reserved;
  openp5_text event; /* kind of event ("buy"), or absent */
} openp5_interaction;

/* One more thing that is known of an item. Never grows: it stands in arrays. */
typedef struct openp5_item_field {
  openp5_text key; /* not empty, not "item", "title" or "categories"; each key once an item */
  openp5_text value;
} openp5_item_field;

/* What is known of one item. The host clears it before every call of `next`. */
typedef struct openp5_item {
  uint64_t struct_size; /* set by the host */
  openp5_text item;     /* as in openp5_interaction; every item once */
  openp5_text title;    /* may be absent */
  const openp5_item_field* fields;
  uint64_t field_count;
} openp5_item;

/* A stream of interactions. The host allocates and clears it and sets struct_size; `open` fills it.
 */
typedef struct openp5_interaction_reader {
  uint64_t struct_size;
  void* private_data; /* the plugin's; the host never looks at it */
  /* OPENP5_OK, OPENP5_END or OPENP5_ERROR. Not called again after END or ERROR. */
  int32_t (*next)(struct openp5_interaction_reader* self, openp5_interaction* record);
  /* Why `open` or `next` failed: file, line, what was expected. NULL if there is nothing to say. */
  const char* (*last_error)(struct openp5_interaction_reader* self);
  /* Frees everything. Called exactly once, also in mid-stream and after a failed `open`. */
  void (*release)(struct openp5_interaction_reader* self);
} openp5_interaction_reader;

/* A stream of items; the same contract. */
typedef struct openp5_item_reader {
  uint64_t struct_size;
  void* private_data;
  int32_t (*next)(struct openp5_item_reader* self, openp5_item* record);
  const char* (*last_error)(struct openp5_item_reader* self);
  void (*release)(struct openp5_item_reader* self);
} openp5_item_reader;

/* One dataset that the plugin can read. */
typedef struct openp5_dataset {
  uint64_t struct_size;
  const char* name;  /* of `dataset prepare NAME`: 1 to 64 of a-z 0-9 - _ */
  const char* title; /* for people, one line */
  const char* rule;  /* what counts as an interaction, one line; kept in dataset.json */
  uint32_t flags;
  /* Users and items with fewer interactions are dropped, repeatedly. 0: five, as OpenP5 has it.
   * Otherwise 3 to 1000: fewer than three cannot be split into training, validation and test. */
  int32_t core;
  /* 1: times are seconds since 1970-01-01 00:00 UTC, 1000: milliseconds, and so on up to
   * 1000000000; 0: only their order means something. */
  int64_t time_units_per_second;
  void* private_data;
  /* `raw` is the path the user gave with --raw: a file or a folder, as the plugin likes. OPENP5_OK
   * or OPENP5_ERROR; in either case last_error and release of `reader` must have been filled. */
  int32_t (*open_interactions)(const struct openp5_dataset* self, const char* raw,
                               openp5_interaction_reader* reader);
  /* May be NULL: nothing is known of the items. */
  int32_t (*open_items)(const struct openp5_dataset* self, const char* raw,
                        openp5_item_reader* reader);
} openp5_dataset;

/* What a plugin says of itself. */
typedef struct openp5_plugin {
  uint64_t struct_size;
  uint32_t abi_version; /* OPENP5_PLUGIN_ABI_VERSION of the header it was built with */
  uint32_t dataset_count;
  const char* name;
  const char* version;
  const openp5_dataset* const* datasets; /* dataset_count pointers */
} openp5_plugin;

/* What the host offers. Lives as long as the process. */
typedef struct openp5_host {
  uint64_t struct_size;
  uint32_t abi_version;
  uint32_t reserved;
  void* context; /* to be given back with every call */
  /* Writes one line to standard error. `message` ends with a NUL; longer than 4096 bytes is cut. */
  void (*log)(void* context, int32_t level, const char* message);
} openp5_host;

/* The one exported symbol. NULL if the plugin does not want to work with this host; it says why
 * through host->log. */
OPENP5_PLUGIN_EXPORT const openp5_plugin* openp5_plugin_entry(const openp5_host* host);

#ifdef __cplusplus
}
#endif

#endif /* OPENP5_DATASETS_PLUGIN_ABI_H_ */
