/*
 * Stands between a server under test and the C library (LD_PRELOAD): every call that Node, LevelDB and SQLite make on files
 * below FAULTS_ROOT passes here and can be failed, cut short, delayed, killed at or written down; the clock can be set off.
 * The rules are in a file that the harness changes while the server runs (control.ts has the same layout); the server knows
 * of nothing.
 */
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Macros of its header. */
#undef fwrite_unlocked

enum op { OPEN, LOOK, READ, WRITE, FDATASYNC, FSYNC, RENAME, UNLINK, MKDIR, RMDIR, TRUNCATE, LINK };
enum action { FAIL = 1, KILL_BEFORE, KILL_AFTER, DELAY, SHORT, FAIL_AFTER, LIE };
enum { TRACE = 1, JOURNAL = 2 };
enum { CREATES = 1, EMPTIES = 2 };

struct rule {
  uint32_t active, ops, action, argument;
  int32_t skip, times;
  uint32_t fired, unused;
  char place[96];
};
struct control {
  uint32_t flags, unused;
  int64_t clock_ns;
  uint64_t sequence, unused2;
  struct rule rules[16];
};
/** What a journal is made of, followed by path, second path, place and bytes. */
struct entry {
  uint32_t length;
  uint8_t op, flags;
  uint16_t path, path2, place;
  uint32_t data;
  uint64_t sequence, up_to, opened;
  int64_t offset;
};

#define MAX_FD 65536
#define PATH_BYTES 1024
struct file { char *path; uint64_t opened; int64_t at; };
static struct file files[MAX_FD];
static struct control *control;
static int journal_fd = -1;
static char root[PATH_BYTES];
static size_t root_length;
static uint64_t opens;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *given = getenv("FAULTS_ROOT"), *shared = getenv("FAULTS_CONTROL"), *journal = getenv("FAULTS_JOURNAL");
  if (!given || !shared || strlen(given) >= PATH_BYTES) return;
  strcpy(root, given);
  root_length = strlen(root);
  int fd = syscall(SYS_openat, AT_FDCWD, shared, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (mapped == MAP_FAILED) return;
  if (journal) journal_fd = syscall(SYS_openat, AT_FDCWD, journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  control = mapped;
}

/** The path below the root, or NULL. */
static const char *inside(const char *path) {
  if (!control || !path || strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == 0) return ".";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static int is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
static int is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/** Numbers and names that are made, each as one `#`: files of one kind are one place. */
static void place_of(const char *path, char *place, size_t room) {
  size_t at = 0;
  for (const char *from = path; *from && at + 2 < room;) {
    size_t run = 0, digits = 0;
    if (from == path || !is_word(from[-1]))
      for (; is_hex(from[run]); run++) digits += from[run] <= '9';
    if (run >= 3 && !is_word(from[run]) && (digits || run == 16)) {
      place[at++] = '#';
      from += run;
    } else place[at++] = *from++;
  }
  place[at] = 0;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/** What a rule asks for at this call; its count goes down. */
struct verdict { uint32_t action, argument; };
static struct verdict judge(enum op op, const char *path) {
  struct verdict none = {0, 0};
  char place[PATH_BYTES];
  if (!control) return none;
  place[0] = 0;
  for (int i = 0; i < 16; i++) {
    struct rule *rule = &control->rules[i];
    if (!__atomic_load_n(&rule->active, __ATOMIC_ACQUIRE) || !(rule->ops & (1u << op))) continue;
    if (!place[0]) place_of(path, place, sizeof place);
    if (fnmatch(rule->place, place, 0) != 0) continue;
    if (__atomic_fetch_sub(&rule->skip, 1, __ATOMIC_ACQ_REL) > 0) continue;
    if (rule->times >= 0 && __atomic_fetch_sub(&rule->times, 1, __ATOMIC_ACQ_REL) <= 0) {
      rule->times = 0;
      continue;
    }
    __atomic_fetch_add(&rule->fired, 1, __ATOMIC_ACQ_REL);
    struct verdict found = {rule->action, rule->argument};
    if (found.action == KILL_BEFORE) die();
    if (found.action == DELAY) {
      struct timespec pause_for = {found.argument / 1000, (found.argument % 1000) * 1000000L};
      nanosleep(&pause_for, NULL);
      continue;
    }
    return found;
  }
  return none;
}

struct note { enum op op; int flags; const char *path, *path2; uint64_t up_to, opened; int64_t offset; const struct iovec *data; int pieces; size_t bytes; };

static void write_down(struct note note) {
  int saved = errno;
  uint32_t flags = control ? control->flags : 0;
  if (!control || (!(flags & JOURNAL) && !(flags & TRACE)) || journal_fd < 0) return;
  char place[PATH_BYTES];
  place_of(note.path, place, sizeof place);
  struct iovec parts[72];
  int count = 4, pieces = (flags & JOURNAL) && note.pieces <= 64 ? note.pieces : 0;
  size_t left = pieces ? note.bytes : 0;
  struct entry entry = {0, note.op, note.flags, strlen(note.path), note.path2 ? strlen(note.path2) : 0, strlen(place), left, 0, note.up_to, note.opened, note.offset};
  parts[0] = (struct iovec){&entry, sizeof entry};
  parts[1] = (struct iovec){(void *)note.path, entry.path};
  parts[2] = (struct iovec){(void *)note.path2, entry.path2};
  parts[3] = (struct iovec){place, entry.place};
  for (int i = 0; i < pieces && left > 0; i++) {
    size_t take = note.data[i].iov_len < left ? note.data[i].iov_len : left;
    parts[count++] = (struct iovec){note.data[i].iov_base, take};
    left -= take;
  }
  entry.length = sizeof entry + entry.path + entry.path2 + entry.place + entry.data;
  pthread_mutex_lock(&lock);
  entry.sequence = ++control->sequence;
  if (syscall(SYS_writev, journal_fd, parts, count) != (long)entry.length) abort();
  pthread_mutex_unlock(&lock);
  errno = saved;
}

static uint64_t now_at(void) { return control ? __atomic_load_n(&control->sequence, __ATOMIC_ACQUIRE) : 0; }
static struct file *file_of(int fd) { return fd >= 0 && fd < MAX_FD && files[fd].path ? &files[fd] : NULL; }

static void opened(int fd, const char *path, const char *below, int flags, int64_t at) {
  if (fd < 0 || fd >= MAX_FD || !below) return;
  free(files[fd].path);
  files[fd].opened = __atomic_add_fetch(&opens, 1, __ATOMIC_ACQ_REL);
  files[fd].at = at;
  files[fd].path = strdup(below);
  int changes = (flags & O_CREAT ? CREATES : 0) | (flags & O_TRUNC ? EMPTIES : 0);
  write_down((struct note){.op = (flags & O_ACCMODE) == O_RDONLY ? LOOK : OPEN, .flags = changes, .path = below, .opened = files[fd].opened});
  (void)path;
}

static int open_with(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  const char *below = inside(path);
  if (!below) return real(path, flags, mode);
  enum op op = (flags & O_ACCMODE) == O_RDONLY ? LOOK : OPEN;
  struct verdict found = judge(op, below);
  if (found.action == FAIL) return errno = found.argument, -1;
  int fd = real(path, flags, mode);
  if (fd >= 0) opened(fd, path, below, flags, 0);
  if (found.action == KILL_AFTER) die();
  return fd;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { REAL(int, open, const char *, int, ...); MODE(flags) return open_with(real_open, path, flags, mode); }
int open64(const char *path, int flags, ...) { REAL(int, open64, const char *, int, ...); MODE(flags) return open_with(real_open64, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) {
  REAL(int, openat, int, const char *, int, ...);
  MODE(flags)
  return dir == AT_FDCWD || path[0] == '/' ? open(path, flags, mode) : real_openat(dir, path, flags, mode);
}

FILE *fopen64(const char *path, const char *how) {
  REAL(FILE *, fopen64, const char *, const char *);
  const char *below = inside(path);
  if (!below) return real_fopen64(path, how);
  int reads = how[0] == 'r' && !strchr(how, '+');
  struct verdict found = judge(reads ? LOOK : OPEN, below);
  if (found.action == FAIL) return errno = found.argument, NULL;
  FILE *file = real_fopen64(path, how);
  if (file) {
    struct stat is;
    int64_t at = how[0] == 'a' && fstat(fileno(file), &is) == 0 ? is.st_size : 0;
    opened(fileno(file), path, below, reads ? O_RDONLY : O_WRONLY | O_CREAT | (how[0] == 'w' ? O_TRUNC : 0), at);
  }
  if (found.action == KILL_AFTER) die();
  return file;
}
FILE *fopen(const char *path, const char *how) { return fopen64(path, how); }

static void forget(int fd) {
  if (fd < 0 || fd >= MAX_FD || !files[fd].path) return;
  free(files[fd].path);
  files[fd].path = NULL;
}
int close(int fd) { REAL(int, close, int); forget(fd); return real_close(fd); }
/** How libuv closes, and copies. */
long syscall(long number, ...) {
  REAL(long, syscall, long, ...);
  long a[6];
  va_list more;
  va_start(more, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
  va_end(more);
  if (number == SYS_close) forget(a[0]);
  struct file *copied = number == SYS_copy_file_range ? file_of(a[0]) : NULL;
  struct verdict found = copied ? judge(READ, copied->path) : (struct verdict){0, 0};
  if (found.action == FAIL) return errno = found.argument, -1;
  return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
int fclose(FILE *file) { REAL(int, fclose, FILE *); forget(fileno(file)); return real_fclose(file); }

/** Through stdio LevelDB writes from the beginning on, in order: what its buffer holds counts as written. */
size_t fwrite_unlocked(const void *bytes, size_t size, size_t count, FILE *out) {
  REAL(size_t, fwrite_unlocked, const void *, size_t, size_t, FILE *);
  struct file *file = file_of(fileno(out));
  if (!file) return real_fwrite_unlocked(bytes, size, count, out);
  struct verdict found = judge(WRITE, file->path);
  if (found.action == FAIL) return errno = found.argument, 0;
  if (found.action == SHORT) count /= 2;
  size_t done = real_fwrite_unlocked(bytes, size, count, out);
  struct iovec data = {(void *)bytes, done * size};
  write_down((struct note){.op = WRITE, .path = file->path, .opened = file->opened, .offset = file->at, .data = &data, .pieces = 1, .bytes = data.iov_len});
  file->at += data.iov_len;
  if (found.action == KILL_AFTER) { fflush(out); die(); }
  if (found.action == SHORT) return errno = ENOSPC, done;
  if (found.action == FAIL_AFTER) return errno = found.argument, 0;
  return done;
}

/** `offset` -1: where the descriptor is. */
static ssize_t write_with(int fd, const struct iovec *data, int pieces, int64_t offset) {
  struct file *file = file_of(fd);
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (!file) return offset < 0 ? real_writev(fd, data, pieces) : real_pwritev(fd, data, pieces, offset);
  struct verdict found = judge(WRITE, file->path);
  if (found.action == FAIL) return errno = found.argument, -1;
  struct iovec half;
  if (found.action == SHORT && pieces > 0 && data[0].iov_len > 1) {
    half = (struct iovec){data[0].iov_base, data[0].iov_len / 2};
    data = &half;
    pieces = 1;
  }
  ssize_t done = offset < 0 ? real_writev(fd, data, pieces) : real_pwritev(fd, data, pieces, offset);
  if (done > 0) {
    int64_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) - done : offset;
    write_down((struct note){.op = WRITE, .path = file->path, .opened = file->opened, .offset = at, .data = data, .pieces = pieces, .bytes = done});
  }
  if (found.action == KILL_AFTER) die();
  if (found.action == FAIL_AFTER) return errno = found.argument, -1;
  return done;
}
ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
  struct iovec data = {(void *)bytes, count};
  return file_of(fd) ? write_with(fd, &data, 1, -1) : real_write(fd, bytes, count);
}
ssize_t writev(int fd, const struct iovec *data, int pieces) { return write_with(fd, data, pieces, -1); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  struct iovec data = {(void *)bytes, count};
  return write_with(fd, &data, 1, offset);
}
ssize_t pwritev(int fd, const struct iovec *data, int pieces, off_t offset) { return write_with(fd, data, pieces, offset); }
ssize_t pwritev64(int fd, const struct iovec *data, int pieces, off64_t offset) { return write_with(fd, data, pieces, offset); }

#define READS(type, name, fd, call, ...) \
  type name(__VA_ARGS__) { \
    REAL(type, name, __VA_ARGS__); \
    struct file *file = file_of(fd); \
    struct verdict found = file ? judge(READ, file->path) : (struct verdict){0, 0}; \
    if (found.action == FAIL) return errno = found.argument, -1; \
    return real_##name call; \
  }
READS(ssize_t, read, fd, (fd, bytes, count), int fd, void *bytes, size_t count)
READS(ssize_t, pread64, fd, (fd, bytes, count, offset), int fd, void *bytes, size_t count, off64_t offset)
READS(ssize_t, preadv, fd, (fd, data, pieces, offset), int fd, const struct iovec *data, int pieces, off_t offset)

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
  REAL(ssize_t, sendfile64, int, int, off64_t *, size_t);
  struct file *file = file_of(from);
  struct verdict found = file ? judge(READ, file->path) : (struct verdict){0, 0};
  if (found.action == FAIL) return errno = found.argument, -1;
  return real_sendfile64(to, from, offset, count);
}

static int sync_with(int (*real)(int), enum op op, int fd) {
  struct file *file = file_of(fd);
  if (!file) return real(fd);
  struct verdict found = judge(op, file->path);
  if (found.action == FAIL) return errno = found.argument, -1;
  if (found.action == LIE) return 0;
  uint64_t up_to = now_at();
  int done = real(fd);
  if (done == 0) write_down((struct note){.op = op, .path = file->path, .opened = file->opened, .up_to = up_to});
  if (found.action == KILL_AFTER) die();
  if (found.action == FAIL_AFTER) return errno = found.argument, -1;
  return done;
}
int fdatasync(int fd) { REAL(int, fdatasync, int); return sync_with(real_fdatasync, FDATASYNC, fd); }
int fsync(int fd) { REAL(int, fsync, int); return sync_with(real_fsync, FSYNC, fd); }

int ftruncate64(int fd, off64_t length) {
  REAL(int, ftruncate64, int, off64_t);
  struct file *file = file_of(fd);
  if (!file) return real_ftruncate64(fd, length);
  struct verdict found = judge(TRUNCATE, file->path);
  if (found.action == FAIL) return errno = found.argument, -1;
  int done = real_ftruncate64(fd, length);
  if (done == 0) write_down((struct note){.op = TRUNCATE, .path = file->path, .opened = file->opened, .offset = length});
  if (found.action == KILL_AFTER) die();
  return done;
}

/** Calls that change names. `path2` where there is a second. */
#define NAMES(kind, name, call, first, second, ...) \
  int name(__VA_ARGS__) { \
    REAL(int, name, __VA_ARGS__); \
    const char *below = inside(first); \
    if (!below) return real_##name call; \
    struct verdict found = judge(kind, below); \
    if (found.action == FAIL) return errno = found.argument, -1; \
    int done = real_##name call; \
    if (done == 0) write_down((struct note){.op = kind, .path = below, .path2 = inside(second)}); \
    if (found.action == KILL_AFTER) die(); \
    if (found.action == FAIL_AFTER) return errno = found.argument, -1; \
    return done; \
  }
NAMES(RENAME, rename, (from, to), from, to, const char *from, const char *to)
NAMES(LINK, link, (from, to), from, to, const char *from, const char *to)
NAMES(UNLINK, unlink, (path), path, NULL, const char *path)
NAMES(MKDIR, mkdir, (path, mode), path, NULL, const char *path, mode_t mode)
NAMES(RMDIR, rmdir, (path), path, NULL, const char *path)
int unlinkat(int dir, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  if (dir != AT_FDCWD && path[0] != '/') return real_unlinkat(dir, path, flags);
  return flags & AT_REMOVEDIR ? rmdir(path) : unlink(path);
}
int remove(const char *path) {
  struct stat is;
  return lstat(path, &is) == 0 && S_ISDIR(is.st_mode) ? rmdir(path) : unlink(path);
}

static int64_t offset_ns(clockid_t clock) {
  return control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) ? __atomic_load_n(&control->clock_ns, __ATOMIC_ACQUIRE) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *out) {
  REAL(int, clock_gettime, clockid_t, struct timespec *);
  int done = real_clock_gettime(clock, out);
  int64_t off = offset_ns(clock);
  if (done == 0 && off != 0) {
    int64_t sum = out->tv_nsec + off % 1000000000 + 1000000000;
    out->tv_sec += off / 1000000000 + sum / 1000000000 - 1;
    out->tv_nsec = sum % 1000000000;
  }
  return done;
}
int gettimeofday(struct timeval *out, void *zone) {
  struct timespec at;
  (void)zone;
  int done = clock_gettime(CLOCK_REALTIME, &at);
  *out = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
  return done;
}
time_t time(time_t *out) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (out) *out = at.tv_sec;
  return at.tv_sec;
}
