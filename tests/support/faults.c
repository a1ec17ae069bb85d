/* A disk one can't trust: chosen calls that write below one folder fail, with the error that a test asks for.
 *
 * Loaded before libc (LD_PRELOAD). FAULTS_BELOW is the folder; FAULTS_CONTROL a file that is a struct control, shared
 * with the test. Calls are counted from 1; those from `first` to `last` fail with `error`. What a failed fsync should
 * have stored is overwritten with zeros: Linux may have dropped it, and reports that once (fsync(2), errors).
 * The index of SQLite's log ("-shm") and the spool's mark need not be durable; what is written to the database itself
 * is in the log until it is flushed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    int error, first, last;     /* set by the test */
    int calls, struck;          /* so many were made, and failed */
    int unflushed;              /* files with bytes or names that no fsync has stored */
    int repeated;               /* an fsync that failed, and was called again with nothing written between */
};

enum { FILES = 256, RANGES = 512 };
struct range { off_t at; size_t size; };
struct file { dev_t device; ino_t inode; int counts, dirty, failed, ranges; struct range range[RANGES]; };

static struct control *control;
static struct file files[FILES];
static int known;
static char below[PATH_MAX];
static size_t below_size;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("FAULTS_BELOW"), *shared = getenv("FAULTS_CONTROL");
    if (!folder || !shared || !realpath(folder, below)) return;
    int file = open(shared, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *there = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    below_size = strlen(below);
    if (there != MAP_FAILED) control = there;
}

enum { NOT_WATCHED, FAILS, KEPT, COUNTED };

/* Whether calls on a descriptor fail, what it holds is kept in mind, and it counts as unflushed. */
static int watched(int fd) {
    char link[40], path[PATH_MAX];
    if (!control) return NOT_WATCHED;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return NOT_WATCHED;
    path[size] = 0;
    if (strncmp(path, below, below_size) || (path[below_size] && path[below_size] != '/')) return NOT_WATCHED;
    if (strstr(path, "-shm") || strstr(path, ".mark")) return FAILS;
    return size > 3 && !strcmp(path + size - 3, ".db") ? KEPT : COUNTED;
}

/* Whether this call fails. Called under the lock. */
static int strikes(void) {
    int call = ++control->calls;
    if (!control->error || call < control->first || call > control->last) return 0;
    control->struck++;
    return 1;
}

static struct file *file_of(int fd) {
    struct stat told;
    if (fstat(fd, &told)) return NULL;
    for (int n = 0; n < known; n++)
        if (files[n].device == told.st_dev && files[n].inode == told.st_ino) return &files[n];
    if (known == FILES) {
        for (int n = 0; n < known; n++)
            if (!files[n].dirty) { files[n] = files[--known]; break; }
        if (known == FILES) return NULL;
    }
    struct file *made = &files[known++];
    memset(made, 0, sizeof *made);
    made->device = told.st_dev;
    made->inode = told.st_ino;
    return made;
}

static void clean(struct file *file) {
    if (file->dirty && file->counts) control->unflushed--;
    file->dirty = 0;
}

static void written(int fd, int counts, off_t at, size_t size) {
    struct file *file = file_of(fd);
    if (!file) return;
    file->counts = counts;
    if (!file->dirty && counts) control->unflushed++;
    file->dirty = 1;
    file->failed = 0;
    if (size && file->ranges < RANGES) file->range[file->ranges++] = (struct range){at, size};
}

static void lose(int fd, struct file *file) {
    REAL(pwrite);
    static const char zeros[4096];
    for (int n = 0; n < file->ranges; n++)
        for (size_t done = 0; done < file->range[n].size; done += sizeof zeros) {
            size_t left = file->range[n].size - done;
            if (real(fd, zeros, left < sizeof zeros ? left : sizeof zeros, file->range[n].at + done) < 0) break;
        }
}

#define FAIL_OR(before, call, after) do { \
        int kind = watched(fd); \
        if (kind == NOT_WATCHED) return call; \
        pthread_mutex_lock(&lock); \
        if (strikes()) { before; pthread_mutex_unlock(&lock); errno = control->error; return -1; } \
        __typeof__(call) told = call; \
        int error = errno; \
        if (told >= 0 && kind >= KEPT) { after; } \
        pthread_mutex_unlock(&lock); \
        errno = error; \
        return told; \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(write);
    off_t at = control ? lseek(fd, 0, SEEK_CUR) : 0;
    FAIL_OR(, real(fd, bytes, size), written(fd, kind == COUNTED, at, told));
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    REAL(pwrite);
    FAIL_OR(, real(fd, bytes, size, at), written(fd, kind == COUNTED, at, told));
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    REAL(pwrite64);
    FAIL_OR(, real(fd, bytes, size, at), written(fd, kind == COUNTED, at, told));
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    FAIL_OR(, real(fd, size), written(fd, kind == COUNTED, 0, 0));
}
int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    FAIL_OR(, real(fd, size), written(fd, kind == COUNTED, 0, 0));
}
int fallocate(int fd, int mode, off_t at, off_t size) {
    REAL(fallocate);
    FAIL_OR(, real(fd, mode, at, size), written(fd, kind == COUNTED, 0, 0));
}
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
    REAL(fallocate64);
    FAIL_OR(, real(fd, mode, at, size), written(fd, kind == COUNTED, 0, 0));
}
int linkat(int from, const char *old, int fd, const char *new, int flags) {
    REAL(linkat);
    FAIL_OR(, real(from, old, fd, new, flags), written(fd, kind == COUNTED, 0, 0));
}

/* A folder is made: it is the folder above it that is written. */
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    char above[PATH_MAX];
    char *end = strncpy(above, path, sizeof above - 1);
    above[sizeof above - 1] = 0;
    if (!control || !(end = strrchr(above, '/')) || end == above) return real(path, mode);
    *end = 0;
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return real(path, mode);
    int kind = watched(fd), told = -1, error = control->error;
    pthread_mutex_lock(&lock);
    if (kind == NOT_WATCHED || !strikes()) {
        told = real(path, mode);
        error = errno;
        if (!told && kind == COUNTED) written(fd, 1, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    close(fd);
    errno = error;
    return told;
}

static void flushed(int fd) {
    struct file *file = file_of(fd);
    if (!file) return;
    clean(file);
    file->failed = file->ranges = 0;
}
static void not_flushed(int fd) {
    struct file *file = file_of(fd);
    if (!file) return;
    if (file->failed) control->repeated++;
    lose(fd, file);
    clean(file); /* the caller was told: nobody may count on it */
    file->failed = 1;
    file->ranges = 0;
}
/* A flush that succeeds after one that failed, with nothing written between, stores nothing. */
static void checked(int fd) {
    struct file *file = file_of(fd);
    if (file && file->failed) control->repeated++;
}

int fsync(int fd) {
    REAL(fsync);
    FAIL_OR(not_flushed(fd), real(fd), checked(fd); flushed(fd));
}
int fdatasync(int fd) {
    REAL(fdatasync);
    FAIL_OR(not_flushed(fd), real(fd), checked(fd); flushed(fd));
}

/* What has no name is gone with its last descriptor. */
int close(int fd) {
    REAL(close);
    struct stat told;
    if (watched(fd) == COUNTED && !fstat(fd, &told) && !told.st_nlink) {
        pthread_mutex_lock(&lock);
        flushed(fd);
        pthread_mutex_unlock(&lock);
    }
    return real(fd);
}
