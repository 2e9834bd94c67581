/* A power cut for an unmodified program: preloaded, it sees the program's file system calls and keeps an image of
 * what a disk would still hold if the power failed now. At a chosen call it writes that image out and kills.
 *
 * The model is stricter than any one file system:
 *  - What is written to a file, its length included, is durable once fsync or fdatasync on it returns, if it was
 *    written before that call began. sync_file_range makes nothing durable: it empties no drive's cache.
 *  - A name (created, renamed, removed) is durable once its directory was fsynced. Syncing the file is not enough.
 *  - What is not durable may survive all the same, by CRASH_KEEP:
 *      none     nothing of it
 *      writes   each write whole or not at all, by chance; names in their order, up to some point
 *      pieces   each sector of 512 bytes of each write by chance; names as before
 *      all      everything: the process died, the machine did not
 *  - A sync that fails with EIO drops what it was to write, as Linux does: later syncs succeed over the hole.
 *
 * It checks that it saw everything: before it kills, and when the program ends, it compares each file with what it
 * recorded, and reports blind=1 if they differ. Calls that it does not model end the program with status 70.
 *
 *   CRASH_DIR      watched directory, absolute           CRASH_SEED      for what survives
 *   CRASH_IMAGE    empty directory: image is in tree/    CRASH_AT        the call to crash before, from 1; 0: never
 *   CRASH_REPORT   file for counts, key=value            CRASH_IGNORE    1: fdatasync does nothing and says 0
 *   CRASH_FAIL     the fdatasync to fail, from 1         CRASH_HANG      the fdatasync to hang for 7 seconds, from 1
 *   CRASH_FULL     while this file exists, the disk is full: what a file has may be overwritten, and growth fails
 *                  with ENOSPC, but for what removed files give back; the first write that finds no room gets half of
 *                  itself into the last blocks          CRASH_TAKEN     1: another program takes what is given back
 *   CRASH_INODES   1: names may be made on a full disk, as where they have room of their own
 *   CRASH_COW      1: what is overwritten needs room as well, as where a file system copies on write
 *   CRASH_LATE     1: room is looked for when a file is synced, as where a file system allocates late: a write succeeds on
 *                  a full disk, and the sync that finds no room for it fails with ENOSPC and drops it, once, as with EIO
 *   CRASH_CLOCK    file of 8 bytes, the seconds by which the wall clock is ahead; may be overwritten at any time. The
 *                  monotonic clock goes as it does. Needs nothing of the rest
 *
 * What a failed sync dropped is still read back, as from the kernel's cache, until POSIX_FADV_DONTNEED empties that.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MAX_OBJECTS = 1024, MAX_NAMES = 1024, MAX_FDS = 4096, MAX_CHANGES = 4096, SECTOR = 512, ROOT = 0, NONE = -1 };

/* A write, or with data == NULL a truncation to `offset`. */
struct op { long number; off_t offset; size_t len; char *data; struct op *next; };
/* After a failed sync a file has holes in its image that the program does not see: it is no longer compared. */
struct object { int is_dir, image, has_holes; struct op *first, *last; };
/* A name in a directory, and what it leads to: as the program sees it, and durably. */
struct name { int parent, live, durable; char text[256]; };
/* A name's change that is not durable yet; a rename is two with one group. */
struct change { int name, to, group; };

static struct object objects[MAX_OBJECTS];
static struct name names[MAX_NAMES];
static struct change changes[MAX_CHANGES];
static int object_count, name_count, change_count, groups, fds[MAX_FDS], ready;
static char dir[4096], image[4096];
static const char *full;
static int last_blocks = 1;
static off_t given_back;
static long taken, copies, late, inodes;
static uint64_t seed;
static long calls, crash_at, writes, syncs, range_syncs, recorded, fail_at, hang_at, ignore, kept, dropped, blind;
static const char *keep = "none";
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, symbol, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, symbol)

static int real_open(const char *path, int flags, mode_t mode) {
    REAL(int, "open", const char *, int, ...);
    return real(path, flags, mode);
}
static ssize_t real_pwrite(int fd, const void *data, size_t len, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return real(fd, data, len, offset);
}
static int real_ftruncate(int fd, off_t len) {
    REAL(int, "ftruncate", int, off_t);
    return real(fd, len);
}
static int real_mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return real(path, mode);
}
static int real_close(int fd) {
    REAL(int, "close", int);
    return real(fd);
}

static int is_full(void) {
    int is = full && !access(full, F_OK);
    if (!is) last_blocks = 1, given_back = 0;
    return is;
}

/* How much of a write there is room for; 0 and ENOSPC if for nothing. The mutex is held. */
static size_t room(int fd, size_t len, off_t offset) {
    struct stat now;
    if (late || !is_full() || fstat(fd, &now)) return len;
    if (copies) now.st_size = 0;
    if ((off_t)(offset + len) <= now.st_size) return len;
    size_t fits = offset < now.st_size ? now.st_size - offset : 0, grows = len - fits;
    if ((off_t)grows <= given_back) {
        given_back -= grows;
        return len;
    }
    if (last_blocks && len - fits > 2 * SECTOR) fits += (len - fits) / 2 / SECTOR * SECTOR;
    last_blocks = 0;
    if (!fits) errno = ENOSPC;
    return fits;
}

static int synced_finds_room(const struct object *o, long last);

static void die(const char *what) {
    dprintf(2, "crash shim: %s: %s\n", what, strerror(errno));
    _exit(70);
}

static uint64_t draw(void) { /* splitmix64 */
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* ---- the image ---- */

static int new_object(int is_dir) {
    char path[4200];
    if (object_count == MAX_OBJECTS) die("too many files");
    int id = object_count++;
    objects[id].is_dir = is_dir;
    if (!is_dir) {
        snprintf(path, sizeof path, "%s/objects/%d", image, id);
        objects[id].image = real_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (objects[id].image < 0) die("cannot create the image");
    }
    return id;
}

static int find_name(int parent, const char *text, size_t len) {
    for (int i = 0; i < name_count; i++)
        if (names[i].parent == parent && strlen(names[i].text) == len && !memcmp(names[i].text, text, len)) return i;
    if (name_count == MAX_NAMES || len >= sizeof names[0].text) die("too many names");
    int i = name_count++;
    names[i] = (struct name){.parent = parent, .live = NONE, .durable = NONE};
    memcpy(names[i].text, text, len);
    return i;
}

static void change_name(int name, int to, int group) {
    if (change_count == MAX_CHANGES) die("too many changes of names");
    names[name].live = to;
    changes[change_count++] = (struct change){name, to, group};
}

static void sync_names(int parent) {
    int rest = 0;
    for (int i = 0; i < change_count; i++) {
        if (names[changes[i].name].parent == parent) names[changes[i].name].durable = changes[i].to;
        else changes[rest++] = changes[i];
    }
    change_count = rest;
}

static void record(struct object *o, const void *data, size_t len, off_t offset) {
    struct op *op = malloc(sizeof *op);
    if (!op) die("out of memory");
    *op = (struct op){.number = ++recorded, .offset = offset, .len = len};
    if (data) {
        if (!(op->data = malloc(len + 1))) die("out of memory");
        memcpy(op->data, data, len);
    }
    if (o->last) o->last->next = op; else o->first = op;
    o->last = op;
}

static void apply(const struct object *o, const struct op *op) {
    int done = op->data ? real_pwrite(o->image, op->data, op->len, op->offset) == (ssize_t)op->len
                        : !real_ftruncate(o->image, op->offset);
    if (!done) die("cannot write the image");
}

/* Ends the doubt about everything up to the op `last`: it is durable, or lost. Another sync may have ended it. */
static void settle(struct object *o, long last, int durable) {
    struct op *op;
    while ((op = o->first) && op->number <= last) {
        if (durable) apply(o, op);
        if (!(o->first = op->next)) o->last = NULL;
        free(op->data);
        free(op);
    }
}

/* ---- the crash ---- */

static void survive_by_chance(struct object *o) {
    int by_piece = !strcmp(keep, "pieces"), all = !strcmp(keep, "all"), percent = 20 + draw() % 70;
    for (struct op *op = o->first; op; op = op->next) {
        size_t piece = by_piece && op->data ? SECTOR : op->len + 1;
        for (size_t at = 0; at == 0 || at < op->len; at += piece) {
            if (!all && draw() % 100 >= (uint64_t)percent) { dropped++; continue; }
            struct op part = *op;
            if (op->data) {
                part.data += at;
                part.offset += at;
                part.len = op->len - at < piece ? op->len - at : piece;
            }
            apply(o, &part);
            kept++;
        }
    }
}

static void decide_survivors(void) {
    if (!strcmp(keep, "none")) {
        for (int i = 0; i < object_count; i++)
            for (struct op *op = objects[i].first; op; op = op->next) dropped++;
        return;
    }
    for (int i = 0; i < object_count; i++)
        if (!objects[i].is_dir) survive_by_chance(&objects[i]);
    int until = !strcmp(keep, "all") ? groups : (int)(draw() % (groups + 1));
    for (int i = 0; i < change_count; i++)
        if (changes[i].group <= until) names[changes[i].name].durable = changes[i].to;
}

static void write_tree(int parent, const char *path) {
    char at[8192], object[4200];
    if (real_mkdir(path, 0700)) die("cannot write the image's tree");
    for (int i = 0; i < name_count; i++) {
        if (names[i].parent != parent || names[i].durable == NONE) continue;
        snprintf(at, sizeof at, "%s/%s", path, names[i].text);
        snprintf(object, sizeof object, "%s/objects/%d", image, names[i].durable);
        if (objects[names[i].durable].is_dir) write_tree(names[i].durable, at);
        else if (link(object, at)) die("cannot write the image's tree");
    }
}

/* Whether the file holds what was recorded: durable content and all that came after. */
static int matches(const struct object *o, const char *path) {
    struct stat real_stat, image_stat;
    int fd = real_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &real_stat) || fstat(o->image, &image_stat)) return 0;
    if (o->has_holes) return !real_close(fd);
    off_t len = image_stat.st_size, most = len;
    for (struct op *op = o->first; op; op = op->next)
        if (op->offset + (off_t)op->len > most) most = op->offset + op->len;
    char *expected = calloc(1, most + 1), *found = calloc(1, real_stat.st_size + 1);
    if (!expected || !found || pread(o->image, expected, len, 0) != len) die("cannot read the image");
    for (struct op *op = o->first; op; op = op->next) {
        if (op->data) memcpy(expected + op->offset, op->data, op->len);
        else if (op->offset < len) memset(expected + op->offset, 0, len - op->offset);
        off_t end = op->offset + op->len;
        len = op->data && end < len ? len : end;
    }
    int same = len == real_stat.st_size && pread(fd, found, len, 0) == len && !memcmp(found, expected, len);
    free(expected);
    free(found);
    real_close(fd);
    return same;
}

static void look_again(int parent, const char *path) {
    char at[8192];
    DIR *listing = opendir(path);
    struct dirent *entry;
    if (!listing) { blind = 1; return; }
    while ((entry = readdir(listing))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        int live = names[find_name(parent, entry->d_name, strlen(entry->d_name))].live;
        snprintf(at, sizeof at, "%s/%s", path, entry->d_name);
        if (live == NONE || (!objects[live].is_dir && !matches(&objects[live], at))) {
            dprintf(2, "crash shim: %s is not what was seen\n", at);
            blind = 1;
        } else if (objects[live].is_dir) look_again(live, at);
    }
    closedir(listing);
}

static void finish(void) {
    char path[4200];
    look_again(ROOT, dir);
    decide_survivors();
    snprintf(path, sizeof path, "%s/tree", image);
    write_tree(ROOT, path);
    int fd = real_open(getenv("CRASH_REPORT"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) die("cannot report");
    dprintf(fd, "calls=%ld\nwrites=%ld\nsyncs=%ld\nrange_syncs=%ld\nkept=%ld\ndropped=%ld\nblind=%ld\n", calls, writes,
            syncs, range_syncs, kept, dropped, blind);
    real_close(fd);
}

/* Counts a call that changes something, and crashes before the chosen one. The mutex is held, here and for good. */
static void count(void) {
    if (++calls != crash_at) return;
    finish();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* ---- start and end ---- */

static void adopt(int parent, const char *path) {
    static char block[1 << 16];
    char at[8192];
    DIR *listing = opendir(path);
    struct dirent *entry;
    if (!listing) die(path);
    while ((entry = readdir(listing))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(at, sizeof at, "%s/%s", path, entry->d_name);
        int fd = real_open(at, O_RDONLY | O_CLOEXEC, 0), is_dir = entry->d_type == DT_DIR;
        struct name *name = &names[find_name(parent, entry->d_name, strlen(entry->d_name))];
        name->live = name->durable = new_object(is_dir);
        off_t offset = 0;
        for (ssize_t n; !is_dir && (n = read(fd, block, sizeof block)) > 0; offset += n)
            if (real_pwrite(objects[name->live].image, block, n, offset) != n) die("cannot write the image");
        real_close(fd);
        if (is_dir) adopt(name->live, at);
    }
    closedir(listing);
}

static long number(const char *variable) {
    const char *text = getenv(variable);
    return text ? atol(text) : 0;
}

__attribute__((constructor)) static void start(void) {
    char path[4200];
    if (!getenv("CRASH_DIR") || !getenv("CRASH_IMAGE") || !getenv("CRASH_REPORT")) return;
    snprintf(dir, sizeof dir, "%s", getenv("CRASH_DIR"));
    snprintf(image, sizeof image, "%s", getenv("CRASH_IMAGE"));
    if (getenv("CRASH_KEEP")) keep = getenv("CRASH_KEEP");
    full = getenv("CRASH_FULL"), taken = number("CRASH_TAKEN"), copies = number("CRASH_COW");
    inodes = number("CRASH_INODES");
    late = number("CRASH_LATE");
    seed = number("CRASH_SEED"), crash_at = number("CRASH_AT"), ignore = number("CRASH_IGNORE");
    fail_at = number("CRASH_FAIL"), hang_at = number("CRASH_HANG");
    for (int i = 0; i < MAX_FDS; i++) fds[i] = NONE;
    snprintf(path, sizeof path, "%s/objects", image);
    if (real_mkdir(path, 0700)) die("cannot create the image");
    new_object(1); /* ROOT */
    adopt(ROOT, dir);
    ready = 1;
}

__attribute__((destructor)) static void end(void) {
    if (!ready) return;
    pthread_mutex_lock(&mutex);
    finish();
    ready = 0;
    pthread_mutex_unlock(&mutex);
}

/* ---- the clock ---- */

static time_t shift(void) {
    static const int64_t none;
    static const volatile int64_t *ahead;
    if (ahead) return *ahead;
    const char *path = getenv("CRASH_CLOCK");
    int fd = path ? real_open(path, O_RDONLY | O_CLOEXEC, 0) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
    if (path && mapped == MAP_FAILED) die("cannot read CRASH_CLOCK");
    if (fd >= 0) real_close(fd);
    ahead = mapped == MAP_FAILED ? &none : mapped;
    return *ahead;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int result = real(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(int, "gettimeofday", struct timeval *restrict, void *restrict);
    int result = real(now, zone);
    if (!result) now->tv_sec += shift();
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

/* ---- the calls ---- */

static int object_of(int fd) { return ready && fd >= 0 && fd < MAX_FDS ? fds[fd] : NONE; }

/* The name that a path leads to, or NONE where it is not watched. ROOT itself has no name. */
static int resolve(int at, const char *path) {
    size_t len = strlen(dir);
    int parent = at == AT_FDCWD ? NONE : object_of(at), name = NONE;
    if (!ready || !path) return NONE;
    if (*path == '/') {
        if (strncmp(path, dir, len) || path[len] != '/') return NONE;
        parent = ROOT, path += len;
    }
    if (parent == NONE) return NONE;
    for (;;) {
        path += strspn(path, "/");
        len = strcspn(path, "/");
        if (!len) return name;
        if (name != NONE && (parent = names[name].live) == NONE) return NONE;
        name = find_name(parent, path, len);
        path += len;
    }
}

static int is_root(const char *path) { return ready && path && !strcmp(path, dir); }

static int open_at(int at, const char *path, int flags, mode_t mode) {
    REAL(int, "openat", int, const char *, int, ...);
    pthread_mutex_lock(&mutex);
    int name = resolve(at, path), creates = name != NONE && (flags & O_CREAT) && names[name].live == NONE;
    if (name != NONE && (flags & O_TMPFILE) == O_TMPFILE) die("O_TMPFILE is not modelled");
    if (creates || (name != NONE && (flags & O_TRUNC))) count();
    if (creates && is_full() && !given_back && !inodes) {
        pthread_mutex_unlock(&mutex);
        errno = ENOSPC;
        return -1;
    }
    int fd = real(at, path, flags, mode), saved = errno;
    if (fd >= MAX_FDS) die("too many open files");
    if (fd >= 0 && ready) fds[fd] = NONE;
    if (fd >= 0 && name != NONE) {
        if (creates) change_name(name, new_object(0), ++groups);
        fds[fd] = names[name].live;
        if ((flags & O_TRUNC) && fds[fd] != NONE) record(&objects[fds[fd]], NULL, 0, 0);
    }
    if (fd >= 0 && is_root(path)) fds[fd] = ROOT;
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list args; va_start(args, flags); mode = va_arg(args, mode_t); va_end(args); }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }

int close(int fd) {
    pthread_mutex_lock(&mutex);
    if (object_of(fd) != NONE) fds[fd] = NONE;
    int result = real_close(fd), saved = errno;
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}

static ssize_t written(int object, const void *data, ssize_t n, off_t offset) {
    if (n > 0) {
        writes++;
        record(&objects[object], data, n, offset);
    }
    return n;
}

ssize_t write(int fd, const void *data, size_t len) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (object_of(fd) == NONE) return real(fd, data, len);
    pthread_mutex_lock(&mutex);
    count();
    size_t fits = room(fd, len, lseek(fd, 0, SEEK_CUR));
    ssize_t n = fits || !len ? real(fd, data, fits) : -1;
    /* After the write, so that it is right for files opened to append. */
    written(fds[fd], data, n, n > 0 ? lseek(fd, 0, SEEK_CUR) - n : 0);
    pthread_mutex_unlock(&mutex);
    return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    if (object_of(fd) == NONE) return real_pwrite(fd, data, len, offset);
    pthread_mutex_lock(&mutex);
    count();
    size_t fits = room(fd, len, offset);
    ssize_t n = fits || !len ? written(fds[fd], data, real_pwrite(fd, data, fits, offset), offset) : -1;
    pthread_mutex_unlock(&mutex);
    return n;
}
ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset) { return pwrite(fd, data, len, offset); }

int ftruncate(int fd, off_t len) {
    if (object_of(fd) == NONE) return real_ftruncate(fd, len);
    pthread_mutex_lock(&mutex);
    count();
    int result = real_ftruncate(fd, len);
    if (!result) record(&objects[fds[fd]], NULL, 0, len);
    pthread_mutex_unlock(&mutex);
    return result;
}
int ftruncate64(int fd, off_t len) { return ftruncate(fd, len); }

/* Room is allocated at once, also where what is written is not. */
static int allocates(int fd, off_t len) {
    long was_late = late;
    late = 0;
    int fits = room(fd, len, 0) == (size_t)len;
    late = was_late;
    return fits;
}

/* Only of an empty file as a whole, which then holds zeros. */
int fallocate(int fd, int mode, off_t offset, off_t len) {
    struct stat now;
    REAL(int, "fallocate", int, int, off_t, off_t);
    if (object_of(fd) == NONE) return real(fd, mode, offset, len);
    if (mode || offset || fstat(fd, &now) || now.st_size) {
        errno = ENOTSUP;
        die("fallocate of a part is not modelled");
    }
    pthread_mutex_lock(&mutex);
    count();
    int fits = allocates(fd, len), result = fits ? real(fd, mode, offset, len) : -1;
    if (!result) record(&objects[fds[fd]], NULL, 0, len);
    pthread_mutex_unlock(&mutex);
    if (!fits) errno = ENOSPC;
    return result;
}
int fallocate64(int fd, int mode, off_t offset, off_t len) { return fallocate(fd, mode, offset, len); }

/* What was written before the call is durable after it; the mutex is free meanwhile, as other threads write on. */
static int sync_file(int fd, int (*real)(int), int fails, int hangs) {
    pthread_mutex_lock(&mutex);
    count();
    int object = fds[fd];
    long last = recorded;
    pthread_mutex_unlock(&mutex);
    if (hangs) sleep(7);
    int result = fails ? -1 : real(fd), why = EIO;
    pthread_mutex_lock(&mutex);
    if (!result && !objects[object].is_dir && !synced_finds_room(&objects[object], last)) result = -1, why = ENOSPC;
    if (result) objects[object].has_holes = 1;
    if (objects[object].is_dir) sync_names(object);
    else settle(&objects[object], last, !result);
    syncs++;
    pthread_mutex_unlock(&mutex);
    if (result) errno = why;
    return result;
}

/* Whether there is room for what is written and not synced, where that is looked for so late. The mutex is held. */
static int synced_finds_room(const struct object *o, long last) {
    struct stat now;
    off_t needs = 0, size;
    if (!late || !is_full() || fstat(o->image, &now)) return 1;
    size = now.st_size;
    for (const struct op *op = o->first; op && op->number <= last; op = op->next) {
        off_t end = op->offset + op->len;
        if (op->data) needs += copies ? (off_t)op->len : end > size ? end - size : 0;
        if (op->data && end > size) size = end;
    }
    if (needs > given_back) return 0;
    given_back -= needs;
    return 1;
}

/* Empties the kernel's cache of a file: from now on the program reads what is on disk, and what was not synced yet. */
int posix_fadvise(int fd, off_t offset, off_t len, int advice) {
    static char block[1 << 16];
    char path[64];
    struct stat now;
    REAL(int, "posix_fadvise", int, off_t, off_t, int);
    if (object_of(fd) == NONE || advice != POSIX_FADV_DONTNEED) return real(fd, offset, len, advice);
    pthread_mutex_lock(&mutex);
    struct object *o = &objects[fds[fd]];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int file = o->has_holes ? real_open(path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (o->has_holes && (file < 0 || fstat(file, &now) || real_ftruncate(file, 0) || real_ftruncate(file, now.st_size)))
        die("cannot empty the cache");
    off_t at = 0;
    for (ssize_t n; file >= 0 && (n = pread(o->image, block, sizeof block, at)) > 0; at += n)
        if (real_pwrite(file, block, n, at) != n) die("cannot empty the cache");
    for (struct op *op = o->first; file >= 0 && op; op = op->next)
        if (op->data ? real_pwrite(file, op->data, op->len, op->offset) < 0 : real_ftruncate(file, op->offset))
            die("cannot empty the cache");
    if (file >= 0) real_close(file);
    pthread_mutex_unlock(&mutex);
    return 0;
}
int posix_fadvise64(int fd, off_t offset, off_t len, int advice) { return posix_fadvise(fd, offset, len, advice); }

int fsync(int fd) {
    REAL(int, "fsync", int);
    return object_of(fd) == NONE ? real(fd) : sync_file(fd, real, 0, 0);
}

int fdatasync(int fd) {
    static long calls_of_it;
    REAL(int, "fdatasync", int);
    if (object_of(fd) == NONE) return real(fd);
    if (ignore) return 0;
    long call = __sync_add_and_fetch(&calls_of_it, 1);
    return sync_file(fd, real, call == fail_at, call == hang_at);
}

int sync_file_range(int fd, off_t offset, off_t len, unsigned flags) {
    REAL(int, "sync_file_range", int, off_t, off_t, unsigned);
    if (object_of(fd) != NONE) __sync_add_and_fetch(&range_syncs, 1);
    return real(fd, offset, len, flags);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    pthread_mutex_lock(&mutex);
    int old = resolve(from_at, from), new = resolve(to_at, to);
    if ((old == NONE) != (new == NONE)) die("a rename across the watched directory is not modelled");
    if (old != NONE) count();
    int result = real(from_at, from, to_at, to), saved = errno;
    if (!result && old != NONE) {
        int object = names[old].live;
        change_name(old, NONE, ++groups);
        change_name(new, object, groups);
    }
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int at, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    pthread_mutex_lock(&mutex);
    struct stat before;
    int name = resolve(at, path), frees = name != NONE && is_full() && !fstatat(at, path, &before, 0);
    if (name != NONE) count();
    int result = real(at, path, flags), saved = errno;
    if (!result && frees && !taken && S_ISREG(before.st_mode)) given_back += before.st_size;
    if (!result && name != NONE) change_name(name, NONE, ++groups);
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char *path, mode_t mode) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    pthread_mutex_lock(&mutex);
    int name = resolve(at, path);
    if (name != NONE) count();
    int result = real(at, path, mode), saved = errno;
    if (!result && name != NONE) change_name(name, new_object(1), ++groups);
    pthread_mutex_unlock(&mutex);
    errno = saved;
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* ---- what is not modelled ends the run, rather than passing unseen ---- */

#define REFUSE(fd) do { if (object_of(fd) != NONE) { errno = ENOTSUP; die(__func__); } } while (0)

ssize_t writev(int fd, const struct iovec *v, int n) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    REFUSE(fd);
    return real(fd, v, n);
}
int dup(int fd) {
    REAL(int, "dup", int);
    REFUSE(fd);
    return real(fd);
}
void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset) {
    REAL(void *, "mmap", void *, size_t, int, int, int, off_t);
    if ((prot & PROT_WRITE) && (flags & MAP_SHARED)) REFUSE(fd);
    return real(at, len, prot, flags, fd, offset);
}
void *mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset) {
    return mmap(at, len, prot, flags, fd, offset);
}
