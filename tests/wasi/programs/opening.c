/* path_open: making, emptying, insisting, trailing slashes, links, and which rights come back. */
#include "check.h"

#define CREAT __WASI_OFLAGS_CREAT
#define EXCL __WASI_OFLAGS_EXCL
#define TRUNC __WASI_OFLAGS_TRUNC
#define DIRECTORY __WASI_OFLAGS_DIRECTORY

static void files(void) {
    CHECK("missing", open_in(ROOT, "file", 0, READ, 0), -E(NOENT));
    int fd = open_in(ROOT, "file", CREAT, BOTH, 0);
    CHECK("lowest free number", fd, 4);
    CHECK("write", write_fd(fd, "hello"), 5);
    CHECK("close", close_fd(fd), 0);
    CHECK("create existing", close_fd(open_in(ROOT, "file", CREAT, READ, 0)), 0);
    CHECK("contents stay", size_of("file"), 5);
    CHECK("exclusive existing", open_in(ROOT, "file", CREAT | EXCL, READ, 0), -E(EXIST));
    CHECK("exclusive new", close_fd(open_in(ROOT, "new", CREAT | EXCL, READ, 0)), 0);
    CHECK("truncate", close_fd(open_in(ROOT, "file", TRUNC, BOTH, 0)), 0);
    CHECK("contents gone", size_of("file"), 0);
    CHECK("as a directory", open_in(ROOT, "file", DIRECTORY, READ, 0), -E(NOTDIR));
    CHECK("below a file", open_in(ROOT, "file/x", 0, READ, 0), -E(NOTDIR));
    CHECK("file with slash", open_in(ROOT, "file/", 0, READ, 0), -E(NOTDIR));
    CHECK("create below nothing", open_in(ROOT, "none/x", CREAT, READ, 0), -E(NOENT));
    CHECK("empty path", open_in(ROOT, "", 0, READ, 0), -E(NOENT));
}

static void directories(void) {
    CHECK("make", mkdir_in("dir"), 0);
    CHECK("open", close_fd(open_in(ROOT, "dir", 0, RIGHT(FD_READDIR), 0)), 0);
    CHECK("open as directory", close_fd(open_in(ROOT, "dir", DIRECTORY, RIGHT(FD_READDIR), 0)), 0);
    CHECK("open with slash", close_fd(open_in(ROOT, "dir///", DIRECTORY, RIGHT(FD_READDIR), 0)), 0);
    CHECK("open to write", open_in(ROOT, "dir", 0, READ | RIGHT(FD_WRITE), 0), -E(ISDIR));
    CHECK("make with slash", open_in(ROOT, "x/", CREAT, READ, 0), -E(ISDIR));
    CHECK("make with slash below nothing", open_in(ROOT, "none/x/", CREAT, READ, 0), -E(NOENT));
    CHECK("make one by opening", open_in(ROOT, "x", CREAT | DIRECTORY, READ, 0), -E(INVAL));
    CHECK("nothing was made", type_of("x"), -E(NOENT));
    CHECK("dots", close_fd(open_in(ROOT, "dir/.././dir/../file", 0, READ, 0)), 0);
    CHECK("through nothing", open_in(ROOT, "none/../file", 0, READ, 0), -E(NOENT));
    int dir = open_in(ROOT, "dir", DIRECTORY, EVERYTHING & ~RIGHT(FD_WRITE), 0);
    CHECK("start below", close_fd(open_in(dir, "inner", CREAT, BOTH, 0)), 0);
    CHECK("up from below", open_in(dir, "../file", 0, READ, 0), -E(PERM));
    CHECK("it is there", type_of("dir/inner"), __WASI_FILETYPE_REGULAR_FILE);
    CHECK("start at a file", open_in(open_in(ROOT, "file", 0, READ, 0), "x", 0, READ, 0), -E(NOTDIR));
    CHECK("start at nothing", open_in(99, "x", 0, READ, 0), -E(BADF));
    DIFFERS("read it", read_fd(dir, 10), -E(ISDIR), -E(BADF));
    DIFFERS("write it", write_fd(dir, "x"), -E(ISDIR), -E(BADF));
    CHECK("done", close_fd(dir), 0);
}

static void links(void) {
    CHECK("link", __wasi_path_symlink("file", ROOT, "link"), 0);
    CHECK("follow", close_fd(follow("link")), 0);
    CHECK("do not follow", open_in(ROOT, "link", 0, READ, 0), -E(LOOP));
    CHECK("loop", __wasi_path_symlink("loop", ROOT, "loop"), 0);
    CHECK("follow for ever", follow("loop"), -E(LOOP));
    CHECK("dangling", __wasi_path_symlink("later", ROOT, "dangling"), 0);
    CHECK("follow to nothing", follow("dangling"), -E(NOENT));
    __wasi_fd_t fd = 0;
    CHECK("make what it names",
          __wasi_path_open(ROOT, 1, "dangling", CREAT, READ, 0, 0, &fd), 0);
    CHECK("there it is", type_of("later"), __WASI_FILETYPE_REGULAR_FILE);
    CHECK("exclusive never follows",
          __wasi_path_open(ROOT, 1, "dangling", CREAT | EXCL, READ, 0, 0, &fd), E(EXIST));
    CHECK("link to directory", __wasi_path_symlink("dir", ROOT, "way"), 0);
    CHECK("in the middle", close_fd(open_in(ROOT, "way/inner", 0, READ, 0)), 0);
    DIFFERS("at the end", open_in(ROOT, "way", DIRECTORY, READ, 0), -E(NOTDIR), -E(LOOP));
    CHECK("with slash", close_fd(open_in(ROOT, "way/", DIRECTORY, RIGHT(FD_READDIR), 0)), 0);
}

int main(void) {
    files();
    directories();
    links();
    return 0;
}
