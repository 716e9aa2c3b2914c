/* Rights: what comes back from opening, giving them up, and what then fails. wasmtime knows none of this:
 * there every descriptor keeps what it could ever do. */
#include "check.h"

static uint64_t base(int fd) {
    __wasi_fdstat_t about;
    return __wasi_fd_fdstat_get(fd, &about) ? 0 : about.fs_rights_base;
}

static uint64_t inheriting(int fd) {
    __wasi_fdstat_t about;
    return __wasi_fd_fdstat_get(fd, &about) ? 0 : about.fs_rights_inheriting;
}

int main(void) {
    const uint64_t files = RIGHT(FD_READ) | RIGHT(FD_WRITE) | RIGHT(FD_SEEK);
    __wasi_fd_t fd;
    CHECK("preopens open", (base(ROOT) & RIGHT(PATH_OPEN)) != 0, 1);
    CHECK("preopens hand on", (inheriting(ROOT) & files) == files, 1);
    CHECK("directories have no size", base(ROOT) & RIGHT(FD_FILESTAT_SET_SIZE), 0);
    CHECK("make", make("file", "hello"), 0);
    int reading = open_in(ROOT, "file", 0, RIGHT(FD_READ) | RIGHT(FD_TELL), 0);
    CHECK("as asked", base(reading) & (files | RIGHT(FD_TELL)), RIGHT(FD_READ) | RIGHT(FD_TELL));
    CHECK("files hand nothing on", inheriting(reading), 0);
    CHECK("no seeking", __wasi_fd_seek(reading, 0, 0, &(__wasi_filesize_t){0}), E(NOTCAPABLE));
    CHECK("telling", __wasi_fd_tell(reading, &(__wasi_filesize_t){0}), 0);
    CHECK("no pread without seeking",
          __wasi_fd_pread(reading, &(__wasi_iovec_t){(uint8_t *)buffer, 1}, 1, 0, &(__wasi_size_t){0}),
          E(NOTCAPABLE));
    CHECK("no size", __wasi_fd_filestat_set_size(reading, 0), E(NOTCAPABLE));
    CHECK("no room", __wasi_fd_allocate(reading, 0, 10), E(NOTCAPABLE));
    CHECK("no sync", __wasi_fd_sync(reading), E(NOTCAPABLE));
    CHECK("no facts", __wasi_fd_filestat_get(reading, &(__wasi_filestat_t){0}), E(NOTCAPABLE));
    CHECK("no flags", __wasi_fd_fdstat_set_flags(reading, 0), E(NOTCAPABLE));

    int fd2 = open_in(ROOT, "file", 0, BOTH, 0);
    CHECK("give up writing", __wasi_fd_fdstat_set_rights(fd2, base(fd2) & ~WRITE, 0), 0);
    CHECK("it is gone", base(fd2) & RIGHT(FD_WRITE), 0);
    CHECK("writing fails", write_fd(fd2, "x"), -E(BADF));
    CHECK("reading works", read_fd(fd2, 5), 5);
    CHECK("no way back", __wasi_fd_fdstat_set_rights(fd2, base(fd2) | RIGHT(FD_WRITE), 0), E(NOTCAPABLE));
    CHECK("of nothing", __wasi_fd_fdstat_set_rights(99, 0, 0), E(BADF));

    CHECK("make a directory", mkdir_in("dir"), 0);
    const uint64_t some = RIGHT(PATH_OPEN) | RIGHT(PATH_CREATE_FILE) | RIGHT(PATH_CREATE_DIRECTORY);
    CHECK("narrow",
          __wasi_path_open(ROOT, 0, "dir", __WASI_OFLAGS_DIRECTORY, some, RIGHT(FD_READ) | some, 0, &fd), 0);
    CHECK("base", base(fd), some);
    CHECK("inheriting", inheriting(fd), RIGHT(FD_READ) | some);
    CHECK("make below", open_in(fd, "x", __WASI_OFLAGS_CREAT, RIGHT(FD_READ), 0) > 0, 1);
    CHECK("beyond what is handed on", open_in(fd, "x", 0, RIGHT(FD_WRITE), 0), -E(NOTCAPABLE));
    CHECK("empty", open_in(fd, "x", __WASI_OFLAGS_TRUNC, RIGHT(FD_READ), 0), -E(NOTCAPABLE));
    CHECK("list", __wasi_fd_readdir(fd, (uint8_t *)buffer, 9, 0, &(__wasi_size_t){0}), E(NOTCAPABLE));
    CHECK("ask", __wasi_path_filestat_get(fd, 0, "x", &(__wasi_filestat_t){0}), E(NOTCAPABLE));
    CHECK("times", __wasi_path_filestat_set_times(fd, 0, "x", 0, 0, 0), E(NOTCAPABLE));
    CHECK("remove", __wasi_path_unlink_file(fd, "x"), E(NOTCAPABLE));
    CHECK("remove a directory", __wasi_path_remove_directory(fd, "x"), E(NOTCAPABLE));
    CHECK("symlink", __wasi_path_symlink("x", fd, "y"), E(NOTCAPABLE));
    CHECK("readlink", __wasi_path_readlink(fd, "x", (uint8_t *)buffer, 9, &(__wasi_size_t){0}), E(NOTCAPABLE));
    CHECK("link from", __wasi_path_link(fd, 0, "x", ROOT, "y"), E(NOTCAPABLE));
    CHECK("link to", __wasi_path_link(ROOT, 0, "file", fd, "y"), E(NOTCAPABLE));
    CHECK("move from", __wasi_path_rename(fd, "x", ROOT, "y"), E(NOTCAPABLE));
    CHECK("move to", __wasi_path_rename(ROOT, "file", fd, "y"), E(NOTCAPABLE));
    CHECK("make a directory there", __wasi_path_create_directory(fd, "z"), 0);
    int below = open_in(fd, "z", __WASI_OFLAGS_DIRECTORY, some, 0);
    CHECK("no wider below", inheriting(below), RIGHT(FD_READ) | some);
    CHECK("no more making", __wasi_fd_fdstat_set_rights(fd, RIGHT(PATH_OPEN), RIGHT(FD_READ)), 0);
    CHECK("making fails", open_in(fd, "n", __WASI_OFLAGS_CREAT, RIGHT(FD_READ), 0), -E(NOTCAPABLE));
    CHECK("opening works", open_in(fd, "x", 0, RIGHT(FD_READ), 0) > 0, 1);
    return 0;
}
