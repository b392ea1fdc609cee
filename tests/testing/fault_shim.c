// A library to preload (LD_PRELOAD) that counts what a program does to the files below a folder,
// and lets the n-th of these calls fail or kills the program there. Environment variables choose;
// they are described in fault_shim.h, which sets them for tests.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum Action { kCount, kFail, kKillBefore, kKillWithin, kKillAfter };

static struct {
  const char* folder;  // NULL: nothing is counted
  const char* kinds;   // NULL: all
  const char* log;     // NULL: none
  enum Action action;
  long n;
  int error;
  int sticky;
} settings;
static atomic_long calls;

static long Number(const char* name, long otherwise) {
  const char* text = getenv(name);
  return text == NULL ? otherwise : atol(text);
}

__attribute__((constructor)) static void ReadSettings(void) {
  const char* action = getenv("OPENP5_FAULT_ACTION");
  settings.folder = getenv("OPENP5_FAULT_FOLDER");
  settings.kinds = getenv("OPENP5_FAULT_KINDS");
  settings.log = getenv("OPENP5_FAULT_LOG");
  settings.n = Number("OPENP5_FAULT_N", 0);
  settings.error = (int)Number("OPENP5_FAULT_ERRNO", ENOSPC);
  settings.sticky = (int)Number("OPENP5_FAULT_STICKY", 0);
  static const char* const kActions[] = {"count", "fail", "kill-before", "kill-within",
                                         "kill-after"};
  for (int i = 0; action != NULL && i < 5; ++i) {
    if (strcmp(action, kActions[i]) == 0) settings.action = (enum Action)i;
  }
}

static int IsBelowFolder(const char* path) {
  const size_t size = strlen(settings.folder);
  return strncmp(path, settings.folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

// Whether `kind` is one of the comma-separated settings.kinds.
static int IsCountedKind(const char* kind) {
  if (settings.kinds == NULL) return 1;
  const size_t size = strlen(kind);
  for (const char* at = settings.kinds; (at = strstr(at, kind)) != NULL; at += size) {
    const int begins = at == settings.kinds || at[-1] == ',';
    if (begins && (at[size] == ',' || at[size] == '\0')) return 1;
  }
  return 0;
}

// The log is written by system calls, so that it is neither counted nor buffered.
static void WriteLog(long number, const char* kind, const char* path) {
  if (settings.log == NULL) return;
  char line[4400];
  const int size = snprintf(line, sizeof line, "%ld %s %s\n", number, kind, path);
  const int fd =
      (int)syscall(SYS_openat, AT_FDCWD, settings.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0) return;
  syscall(SYS_write, fd, line, (size_t)size);
  syscall(SYS_close, fd);
}

static void Kill(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  pause();
}

// What a call has to do; its result when it fails on purpose is -1 with errno set.
enum Verdict { kPass, kMustFail, kMustDieWithin, kMustDieAfter };

static enum Verdict Judge(const char* kind, const char* path) {
  if (settings.folder == NULL || path == NULL || !IsBelowFolder(path) || !IsCountedKind(kind)) {
    return kPass;
  }
  const long number = atomic_fetch_add(&calls, 1) + 1;
  WriteLog(number, kind, path);
  const int hit =
      settings.n > 0 && (number == settings.n || (settings.sticky && number > settings.n));
  if (!hit || settings.action == kCount) return kPass;
  if (settings.action == kKillBefore) Kill();
  if (settings.action == kKillWithin) return kMustDieWithin;
  return settings.action == kFail ? kMustFail : kMustDieAfter;
}

static enum Verdict JudgeDescriptor(const char* kind, int fd) {
  if (settings.folder == NULL) return kPass;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (size < 0) return kPass;
  path[size] = '\0';
  return Judge(kind, path);
}

// `path` as seen from folder descriptor `folder`, made absolute.
static enum Verdict JudgePath(const char* kind, int folder, const char* path) {
  if (settings.folder == NULL || path == NULL) return kPass;
  char whole[8300];
  if (path[0] == '/') return Judge(kind, path);
  while (path[0] == '.' && path[1] == '/') path += 2;
  char link[64], base[4096] = "";
  if (folder == AT_FDCWD) {
    if (syscall(SYS_getcwd, base, sizeof base) < 0) return kPass;
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const long size = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
    if (size < 0) return kPass;
    base[size] = '\0';
  }
  snprintf(whole, sizeof whole, "%s/%s", base, path);
  return Judge(kind, whole);
}

// The C library's own function of that name.
#define REAL(result, name, ...)              \
  static result (*real)(__VA_ARGS__) = NULL; \
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, name)

// Calls it and does what `verdict` says. A call that is no write cannot die within itself: it dies
// before it.
#define FINISH(verdict, failure, call)     \
  do {                                     \
    const enum Verdict judged = (verdict); \
    if (judged == kMustFail) {             \
      errno = settings.error;              \
      return failure;                      \
    }                                      \
    if (judged == kMustDieWithin) Kill();  \
    __typeof__(call) answer = (call);      \
    if (judged == kMustDieAfter) Kill();   \
    return answer;                         \
  } while (0)

// Half of a write that fails or dies within itself is done, as on a disk that gets full.
#define FINISH_WRITE(verdict, half, call)                                       \
  do {                                                                          \
    const enum Verdict verdict_of_write = (verdict);                            \
    const int fails = verdict_of_write == kMustFail && settings.error != EINTR; \
    if (fails || verdict_of_write == kMustDieWithin) (void)!(half);             \
    FINISH(verdict_of_write, -1, call);                                         \
  } while (0)

ssize_t write(int fd, const void* bytes, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t);
  FINISH_WRITE(JudgeDescriptor("write", fd), real(fd, bytes, size / 2), real(fd, bytes, size));
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void*, size_t, off_t);
  FINISH_WRITE(JudgeDescriptor("write", fd), real(fd, bytes, size / 2, offset),
               real(fd, bytes, size, offset));
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void*, size_t, off64_t);
  FINISH_WRITE(JudgeDescriptor("write", fd), real(fd, bytes, size / 2, offset),
               real(fd, bytes, size, offset));
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec*, int);
  FINISH_WRITE(JudgeDescriptor("write", fd), real(fd, parts, count / 2), real(fd, parts, count));
}

ssize_t sendfile(int to, int from, off_t* offset, size_t size) {
  REAL(ssize_t, "sendfile", int, int, off_t*, size_t);
  FINISH_WRITE(JudgeDescriptor("write", to), real(to, from, offset, size / 2),
               real(to, from, offset, size));
}

ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
                        unsigned flags) {
  REAL(ssize_t, "copy_file_range", int, off64_t*, int, off64_t*, size_t, unsigned);
  FINISH_WRITE(JudgeDescriptor("write", to),
               real(from, from_offset, to, to_offset, size / 2, flags),
               real(from, from_offset, to, to_offset, size, flags));
}

// The C library's own streams do not come through write() above.
size_t fwrite(const void* bytes, size_t size, size_t count, FILE* stream) {
  REAL(size_t, "fwrite", const void*, size_t, size_t, FILE*);
  FINISH(JudgeDescriptor("write", fileno(stream)), 0, real(bytes, size, count, stream));
}

int fflush(FILE* stream) {
  REAL(int, "fflush", FILE*);
  FINISH(stream == NULL ? kPass : JudgeDescriptor("write", fileno(stream)), EOF, real(stream));
}

int fclose(FILE* stream) {
  REAL(int, "fclose", FILE*);
  const int mode = fcntl(fileno(stream), F_GETFL);
  const int writes = mode != -1 && (mode & O_ACCMODE) != O_RDONLY;
  const enum Verdict verdict = writes ? JudgeDescriptor("close", fileno(stream)) : kPass;
  if (verdict == kMustFail) real(stream);  // closed in any case, as close() is
  FINISH(verdict, EOF, real(stream));
}

// Only of descriptors that can be written to: closing others loses nothing.
int close(int fd) {
  REAL(int, "close", int);
  const int mode = settings.folder == NULL ? -1 : fcntl(fd, F_GETFL);
  const int writes = mode != -1 && (mode & O_ACCMODE) != O_RDONLY;
  const enum Verdict verdict = writes ? JudgeDescriptor("close", fd) : kPass;
  if (verdict == kMustFail) real(fd);
  FINISH(verdict, -1, real(fd));
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  FINISH(JudgeDescriptor("sync", fd), -1, real(fd));
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  FINISH(JudgeDescriptor("sync", fd), -1, real(fd));
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
  FINISH(JudgeDescriptor("sync", fd), -1, real(fd, offset, size, flags));
}

int ftruncate(int fd, off_t size) {
  REAL(int, "ftruncate", int, off_t);
  FINISH(JudgeDescriptor("truncate", fd), -1, real(fd, size));
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  FINISH(JudgeDescriptor("truncate", fd), -1, real(fd, size));
}

int truncate(const char* path, off_t size) {
  REAL(int, "truncate", const char*, off_t);
  FINISH(JudgePath("truncate", AT_FDCWD, path), -1, real(path, size));
}

int truncate64(const char* path, off64_t size) {
  REAL(int, "truncate64", const char*, off64_t);
  FINISH(JudgePath("truncate", AT_FDCWD, path), -1, real(path, size));
}

// A renaming is judged by its target.
int rename(const char* from, const char* to) {
  REAL(int, "rename", const char*, const char*);
  FINISH(JudgePath("rename", AT_FDCWD, to), -1, real(from, to));
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  REAL(int, "renameat", int, const char*, int, const char*);
  FINISH(JudgePath("rename", to_folder, to), -1, real(from_folder, from, to_folder, to));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  REAL(int, "renameat2", int, const char*, int, const char*, unsigned);
  FINISH(JudgePath("rename", to_folder, to), -1, real(from_folder, from, to_folder, to, flags));
}

int link(const char* from, const char* to) {
  REAL(int, "link", const char*, const char*);
  FINISH(JudgePath("rename", AT_FDCWD, to), -1, real(from, to));
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  REAL(int, "linkat", int, const char*, int, const char*, int);
  FINISH(JudgePath("rename", to_folder, to), -1, real(from_folder, from, to_folder, to, flags));
}

int unlink(const char* path) {
  REAL(int, "unlink", const char*);
  FINISH(JudgePath("unlink", AT_FDCWD, path), -1, real(path));
}

int unlinkat(int folder, const char* path, int flags) {
  REAL(int, "unlinkat", int, const char*, int);
  FINISH(JudgePath("unlink", folder, path), -1, real(folder, path, flags));
}

int rmdir(const char* path) {
  REAL(int, "rmdir", const char*);
  FINISH(JudgePath("unlink", AT_FDCWD, path), -1, real(path));
}

int remove(const char* path) {
  REAL(int, "remove", const char*);
  FINISH(JudgePath("unlink", AT_FDCWD, path), -1, real(path));
}

int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t);
  FINISH(JudgePath("create", AT_FDCWD, path), -1, real(path, mode));
}

// Opening counts only where it may make or empty a file.
static int MayCreate(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

#define MODE_OF(flags, mode)                                   \
  mode_t mode = 0;                                             \
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                              \
    va_start(rest, flags);                                     \
    mode = va_arg(rest, mode_t);                               \
    va_end(rest);                                              \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags, mode)
  REAL(int, "open", const char*, int, ...);
  FINISH(MayCreate(flags) ? JudgePath("create", AT_FDCWD, path) : kPass, -1,
         real(path, flags, mode));
}

int open64(const char* path, int flags, ...) {
  MODE_OF(flags, mode)
  REAL(int, "open64", const char*, int, ...);
  FINISH(MayCreate(flags) ? JudgePath("create", AT_FDCWD, path) : kPass, -1,
         real(path, flags, mode));
}

int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags, mode)
  REAL(int, "openat", int, const char*, int, ...);
  FINISH(MayCreate(flags) ? JudgePath("create", folder, path) : kPass, -1,
         real(folder, path, flags, mode));
}

int openat64(int folder, const char* path, int flags, ...) {
  MODE_OF(flags, mode)
  REAL(int, "openat64", int, const char*, int, ...);
  FINISH(MayCreate(flags) ? JudgePath("create", folder, path) : kPass, -1,
         real(folder, path, flags, mode));
}

FILE* fopen(const char* path, const char* mode) {
  REAL(FILE*, "fopen", const char*, const char*);
  FINISH(mode[0] == 'r' ? kPass : JudgePath("create", AT_FDCWD, path), NULL, real(path, mode));
}

FILE* fopen64(const char* path, const char* mode) {
  REAL(FILE*, "fopen64", const char*, const char*);
  FINISH(mode[0] == 'r' ? kPass : JudgePath("create", AT_FDCWD, path), NULL, real(path, mode));
}
