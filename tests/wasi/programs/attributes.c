/* Facts about files, and setting their times. */
#include "check.h"

#define ATIM __WASI_FSTFLAGS_ATIM
#define ATIM_NOW __WASI_FSTFLAGS_ATIM_NOW
#define MTIM __WASI_FSTFLAGS_MTIM
#define MTIM_NOW __WASI_FSTFLAGS_MTIM_NOW

static __wasi_filestat_t stat_of(const char *path, int follow) {
    __wasi_filestat_t stat = {0};
    CHECK(path, __wasi_path_filestat_get(ROOT, follow, path, &stat), 0);
    return stat;
}

static void facts(void) {
    make("file", "12345");
    mkdir_in("dir");
    CHECK("link", __wasi_path_symlink("file", ROOT, "link"), 0);
    CHECK("size", stat_of("file", 0).size, 5);
    CHECK("type", stat_of("file", 0).filetype, __WASI_FILETYPE_REGULAR_FILE);
    CHECK("links", stat_of("file", 0).nlink, 1);
    CHECK("one more", __wasi_path_link(ROOT, 0, "file", ROOT, "other"), 0);
    CHECK("links now", stat_of("file", 0).nlink, 2);
    CHECK("same file", stat_of("file", 0).ino == stat_of("other", 0).ino, 1);
    CHECK("same device", stat_of("file", 0).dev == stat_of("dir", 0).dev, 1);
    CHECK("not same file", stat_of("file", 0).ino == stat_of("dir", 0).ino, 0);
    CHECK("directory", stat_of("dir/", 0).filetype, __WASI_FILETYPE_DIRECTORY);
    CHECK("itself", stat_of("link", 0).filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
    CHECK("its length", stat_of("link", 0).size, 4);
    CHECK("what it names", stat_of("link", 1).ino == stat_of("file", 0).ino, 1);
    __wasi_filestat_t stat;
    CHECK("nothing", __wasi_path_filestat_get(ROOT, 0, "none", &stat), E(NOENT));
    CHECK("file with slash", __wasi_path_filestat_get(ROOT, 0, "file/", &stat), E(NOTDIR));
    CHECK("stdin", __wasi_fd_filestat_get(0, &stat), 0);
    CHECK("no such descriptor", __wasi_fd_filestat_get(99, &stat), E(BADF));
}

static void times_by_path(void) {
    CHECK("set both", __wasi_path_filestat_set_times(ROOT, 0, "file", 1000000007, 2000000009, ATIM | MTIM), 0);
    CHECK("read time", stat_of("file", 0).atim, 1000000007);
    CHECK("write time", stat_of("file", 0).mtim, 2000000009);
    CHECK("set one", __wasi_path_filestat_set_times(ROOT, 0, "file", 5, 6, MTIM), 0);
    CHECK("the other stays", stat_of("file", 0).atim, 1000000007);
    CHECK("it is set", stat_of("file", 0).mtim, 6);
    CHECK("set none", __wasi_path_filestat_set_times(ROOT, 0, "file", 7, 8, 0), 0);
    CHECK("both stay", stat_of("file", 0).atim + stat_of("file", 0).mtim, 1000000013);
    CHECK("now", __wasi_path_filestat_set_times(ROOT, 0, "file", 0, 0, ATIM_NOW | MTIM_NOW), 0);
    CHECK("is recent", stat_of("file", 0).mtim > 1500000000000000000ull, 1);
    CHECK("both ways", __wasi_path_filestat_set_times(ROOT, 0, "file", 0, 0, ATIM | ATIM_NOW), E(INVAL));
    CHECK("both ways too", __wasi_path_filestat_set_times(ROOT, 0, "file", 0, 0, MTIM | MTIM_NOW), E(INVAL));
    CHECK("nothing there", __wasi_path_filestat_set_times(ROOT, 0, "none", 0, 0, MTIM), E(NOENT));
    CHECK("the link itself", __wasi_path_filestat_set_times(ROOT, 0, "link", 0, 77, MTIM), 0);
    CHECK("link's time", stat_of("link", 0).mtim, 77);
    CHECK("not the file's", stat_of("file", 0).mtim == 77, 0);
    CHECK("through the link", __wasi_path_filestat_set_times(ROOT, 1, "link", 0, 78, MTIM), 0);
    CHECK("the file's", stat_of("file", 0).mtim, 78);
}

static void times_by_descriptor(void) {
    int fd = open_in(ROOT, "file", 0, BOTH, 0);
    __wasi_filestat_t stat;
    CHECK("set", __wasi_fd_filestat_set_times(fd, 11, 12, ATIM | MTIM), 0);
    CHECK("ask", __wasi_fd_filestat_get(fd, &stat), 0);
    CHECK("both", stat.atim * 100 + stat.mtim, 1112);
    CHECK("mixed", __wasi_fd_filestat_set_times(fd, 0, 13, ATIM_NOW | MTIM), 0);
    CHECK("ask again", __wasi_fd_filestat_get(fd, &stat), 0);
    CHECK("given", stat.mtim, 13);
    CHECK("now", stat.atim > 1500000000000000000ull, 1);
    CHECK("both ways", __wasi_fd_filestat_set_times(fd, 0, 0, MTIM | MTIM_NOW), E(INVAL));
    DIFFERS("of a stream", __wasi_fd_filestat_set_times(0, 0, 0, MTIM_NOW), E(NOTCAPABLE), E(BADF));
    CHECK("of a directory", __wasi_fd_filestat_set_times(ROOT, 0, 99, MTIM), 0);
    CHECK("it is", stat_of(".", 0).mtim, 99);
}

int main(void) {
    facts();
    times_by_path();
    times_by_descriptor();
    return 0;
}
