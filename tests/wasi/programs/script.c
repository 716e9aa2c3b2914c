/* Does what stdin says, a call a line, and prints each result: to compare engines over long random scripts
 * (tests/wasi/test_differential.py). A line: call, number, path, second path. */
#include "check.h"

static int open_follow(int how, const char *path) {
    static const int oflags[] = {0, __WASI_OFLAGS_CREAT, __WASI_OFLAGS_TRUNC, __WASI_OFLAGS_DIRECTORY,
                                 __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL};
    __wasi_fd_t fd;
    __wasi_errno_t error = __wasi_path_open(ROOT, how & 1, path, oflags[(how >> 2) % 5],
                                            how & 2 ? BOTH : READ, EVERYTHING, 0, &fd);
    if (error) return -error;
    __wasi_fdstat_t about;
    if (__wasi_fd_fdstat_get(fd, &about)) return -998;
    int result = about.fs_filetype * 1000;
    if (about.fs_filetype == __WASI_FILETYPE_REGULAR_FILE) result += how & 2 ? write_fd(fd, path) : read_fd(fd, 100);
    return close_fd(fd) ? -999 : result;
}

static int stat_of(int follow, const char *path) {
    __wasi_filestat_t stat;
    __wasi_errno_t error = __wasi_path_filestat_get(ROOT, follow & 1, path, &stat);
    if (error) return -error;
    int size = stat.filetype == __WASI_FILETYPE_DIRECTORY ? 0 : stat.size;
    return stat.filetype * 1000 + size * 10 + (stat.filetype == __WASI_FILETYPE_DIRECTORY ? 0 : stat.nlink);
}

static int target_of(const char *path) {
    __wasi_size_t used;
    __wasi_errno_t error = __wasi_path_readlink(ROOT, path, (uint8_t *)buffer, sizeof buffer, &used);
    return error ? -error : (int)used;
}

int main(void) {
    char call[16], one[256], two[256];
    int how;
    while (scanf("%15s %d %255s %255s", call, &how, one, two) == 4) {
        int result = -1000;
        if (!strcmp(call, "mkdir")) result = -__wasi_path_create_directory(ROOT, one);
        if (!strcmp(call, "rmdir")) result = -__wasi_path_remove_directory(ROOT, one);
        if (!strcmp(call, "unlink")) result = -__wasi_path_unlink_file(ROOT, one);
        if (!strcmp(call, "rename")) result = -__wasi_path_rename(ROOT, one, ROOT, two);
        if (!strcmp(call, "link")) result = -__wasi_path_link(ROOT, 0, one, ROOT, two);
        if (!strcmp(call, "symlink")) result = -__wasi_path_symlink(one, ROOT, two);
        if (!strcmp(call, "readlink")) result = target_of(one);
        if (!strcmp(call, "stat")) result = stat_of(how, one);
        if (!strcmp(call, "open")) result = open_follow(how, one);
        printf("%d\n", result);
    }
    return 0;
}
