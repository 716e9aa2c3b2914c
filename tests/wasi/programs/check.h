/* What the programs beside share. Each check prints one line: label, what came, what should, and what wasmtime
 * gives where it does something else (tests/wasi/test_programs.py compares). The tree they run in is at
 * descriptor 3; it is empty at the start. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

#define E(name) (__WASI_ERRNO_##name)
#define RIGHT(name) (__WASI_RIGHTS_##name)
#define ROOT 3

#define READ (RIGHT(FD_READ) | RIGHT(FD_SEEK) | RIGHT(FD_TELL) | RIGHT(FD_FILESTAT_GET))
#define WRITE (RIGHT(FD_WRITE) | RIGHT(FD_FILESTAT_SET_SIZE) | RIGHT(FD_ALLOCATE) | RIGHT(FD_FILESTAT_SET_TIMES))
#define BOTH (READ | WRITE | RIGHT(FD_FDSTAT_SET_FLAGS) | RIGHT(FD_SYNC) | RIGHT(FD_DATASYNC) | RIGHT(FD_ADVISE))
#define EVERYTHING ((1ull << 28) - 1)

#define DIFFERS(label, got, want, wasmtime) row(label, got, want, wasmtime)
#define CHECK(label, got, want) row(label, got, want, want)

static __attribute__((unused)) void row(const char *label, long long got, long long want, long long wasmtime) {
    printf("%s\t%lld\t%lld\t%lld\n", label, got, want, wasmtime);
}

/* path_open below `dir`, following no link; the descriptor, or minus the error. */
static __attribute__((unused)) int open_in(int dir, const char *path, int oflags, uint64_t rights, int fdflags) {
    __wasi_fd_t fd;
    __wasi_errno_t error = __wasi_path_open(dir, 0, path, oflags, rights, EVERYTHING, fdflags, &fd);
    return error ? -error : (int)fd;
}

/* The same following links, opened for reading. */
static __attribute__((unused)) int follow(const char *path) {
    __wasi_fd_t fd;
    __wasi_errno_t error =
        __wasi_path_open(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, 0, READ, EVERYTHING, 0, &fd);
    return error ? -error : (int)fd;
}

static __attribute__((unused)) int close_fd(int fd) { return fd < 0 ? -1 : __wasi_fd_close(fd); }

/* Make an empty file, or one that holds `text`. */
static __attribute__((unused)) int make(const char *path, const char *text) {
    __wasi_size_t written;
    __wasi_ciovec_t piece = {(const uint8_t *)text, strlen(text)};
    int fd = open_in(ROOT, path, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC, BOTH, 0);
    return fd < 0 ? fd : __wasi_fd_write(fd, &piece, 1, &written) ? -1 : close_fd(fd);
}

static __attribute__((unused)) int mkdir_in(const char *path) { return __wasi_path_create_directory(ROOT, path); }

/* How many bytes fd_read got, or minus the error; they are in `buffer`. */
static __attribute__((unused)) char buffer[4096];
static __attribute__((unused)) int read_fd(int fd, size_t size) {
    __wasi_size_t count;
    __wasi_iovec_t piece = {(uint8_t *)buffer, size};
    __wasi_errno_t error = __wasi_fd_read(fd, &piece, 1, &count);
    return error ? -error : (int)count;
}

static __attribute__((unused)) int write_fd(int fd, const char *text) {
    __wasi_size_t count;
    __wasi_ciovec_t piece = {(const uint8_t *)text, strlen(text)};
    __wasi_errno_t error = __wasi_fd_write(fd, &piece, 1, &count);
    return error ? -error : (int)count;
}

/* The size of a file by path, or minus the error; follows no link. */
static __attribute__((unused)) long long size_of(const char *path) {
    __wasi_filestat_t stat;
    __wasi_errno_t error = __wasi_path_filestat_get(ROOT, 0, path, &stat);
    return error ? -error : (long long)stat.size;
}

static __attribute__((unused)) int type_of(const char *path) {
    __wasi_filestat_t stat;
    __wasi_errno_t error = __wasi_path_filestat_get(ROOT, 0, path, &stat);
    return error ? -error : stat.filetype;
}
