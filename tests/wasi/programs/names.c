/* Links of both kinds, moving, removing; directories made and removed; what a slash at the end means. */
#include "check.h"

static int move(const char *from, const char *to) { return __wasi_path_rename(ROOT, from, ROOT, to); }
static int hard(const char *from, const char *to) { return __wasi_path_link(ROOT, 0, from, ROOT, to); }
static int soft(const char *target, const char *name) { return __wasi_path_symlink(target, ROOT, name); }
static int gone(const char *path) { return __wasi_path_unlink_file(ROOT, path); }
static int rmdir_in(const char *path) { return __wasi_path_remove_directory(ROOT, path); }

static void making(void) {
    CHECK("make", mkdir_in("dir"), 0);
    CHECK("make again", mkdir_in("dir"), E(EXIST));
    CHECK("make with slash", mkdir_in("slash/"), 0);
    DIFFERS("remove with slash", rmdir_in("slash/"), 0, E(INVAL));
    CHECK("below nothing", mkdir_in("none/x"), E(NOENT));
    CHECK("file", make("file", "x"), 0);
    CHECK("below a file", mkdir_in("file/x"), E(NOTDIR));
    CHECK("in a file's place", mkdir_in("file"), E(EXIST));
    CHECK("make dot", mkdir_in("."), E(EXIST));
    CHECK("remove a file", rmdir_in("file"), E(NOTDIR));
    CHECK("remove a file with slash", rmdir_in("file/"), E(NOTDIR));
    CHECK("remove nothing", rmdir_in("none"), E(NOENT));
    CHECK("fill", make("dir/inner", ""), 0);
    CHECK("remove a full one", rmdir_in("dir"), E(NOTEMPTY));
    CHECK("remove dot", rmdir_in("dir/."), E(INVAL));
    CHECK("link to it", soft("dir", "way"), 0);
    CHECK("remove by link", rmdir_in("way"), E(NOTDIR));
    DIFFERS("remove by link with slash", rmdir_in("way/"), E(NOTDIR), E(INVAL));
}

static void removing(void) {
    CHECK("unlink a directory", gone("dir"), E(ISDIR));
    CHECK("unlink a directory with slash", gone("dir/"), E(ISDIR));
    CHECK("unlink a file with slash", gone("file/"), E(NOTDIR));
    CHECK("unlink nothing", gone("none"), E(NOENT));
    CHECK("unlink a link", gone("way"), 0);
    CHECK("not what it named", type_of("dir"), __WASI_FILETYPE_DIRECTORY);
    int fd = open_in(ROOT, "dir/inner", 0, BOTH, 0);
    CHECK("unlink what is open", gone("dir/inner"), 0);
    CHECK("still written", write_fd(fd, "x"), 1);
    CHECK("closed", close_fd(fd), 0);
}

static void linking(void) {
    CHECK("hard", hard("file", "second"), 0);
    CHECK("to itself", hard("file", "file"), E(EXIST));
    CHECK("onto a file", hard("file", "second"), E(EXIST));
    CHECK("onto a directory", hard("file", "dir"), E(EXIST));
    CHECK("of a directory", hard("dir", "dir2"), E(PERM));
    CHECK("of nothing", hard("none", "x"), E(NOENT));
    CHECK("new name with slash", hard("file", "x/"), E(NOENT));
    CHECK("soft", soft("file", "soft"), 0);
    CHECK("onto something", soft("file", "dir"), E(EXIST));
    CHECK("soft with slash", soft("file", "x/"), E(NOENT));
    CHECK("to nothing", soft("none", "dangling"), 0);
    CHECK("of the link itself", hard("dangling", "dangling2"), 0);
    CHECK("a link", type_of("dangling2"), __WASI_FILETYPE_SYMBOLIC_LINK);
    CHECK("empty target", soft("", "x"), E(NOENT));
    CHECK("absolute target", soft("/etc/passwd", "x"), E(PERM));
    __wasi_size_t used = 0;
    memset(buffer, '#', 10);
    CHECK("read link", __wasi_path_readlink(ROOT, "soft", (uint8_t *)buffer, 10, &used), 0);
    CHECK("its length", used, 4);
    CHECK("no more is touched", memcmp(buffer, "file######", 10), 0);
    CHECK("read half", __wasi_path_readlink(ROOT, "soft", (uint8_t *)buffer, 2, &used), 0);
    CHECK("half", used, 2);
    CHECK("read into nothing", __wasi_path_readlink(ROOT, "soft", (uint8_t *)buffer, 0, &used), 0);
    CHECK("zero", used, 0);
    CHECK("read a file's", __wasi_path_readlink(ROOT, "file", (uint8_t *)buffer, 9, &used), E(INVAL));
    CHECK("read nothing's", __wasi_path_readlink(ROOT, "none", (uint8_t *)buffer, 9, &used), E(NOENT));
}

static void moving(void) {
    CHECK("move", move("second", "third"), 0);
    CHECK("left", type_of("second"), -E(NOENT));
    CHECK("onto a file", make("other", "12"), 0);
    CHECK("replace", move("third", "other"), 0);
    CHECK("replaced", size_of("other"), 1);
    CHECK("nothing", move("none", "x"), E(NOENT));
    CHECK("file onto directory", move("other", "dir"), E(ISDIR));
    CHECK("directory onto file", move("dir", "other"), E(NOTDIR));
    CHECK("onto an empty one", mkdir_in("empty"), 0);
    CHECK("moves", move("dir", "empty"), 0);
    CHECK("another", mkdir_in("dir"), 0);
    CHECK("full", make("dir/x", ""), 0);
    CHECK("onto a full one", move("empty", "dir"), E(NOTEMPTY));
    CHECK("into itself", move("dir", "dir/sub"), E(INVAL));
    CHECK("slashes", move("dir/", "moved/"), 0);
    CHECK("file with slash", move("other/", "x"), E(NOTDIR));
    CHECK("file to slash", move("other", "x/"), E(NOTDIR));
    CHECK("a link moves itself", move("dangling", "dangling3"), 0);
    CHECK("still a link", type_of("dangling3"), __WASI_FILETYPE_SYMBOLIC_LINK);
    CHECK("to a dot with slash", move("other", "./"), E(BUSY));
    CHECK("to its own name", move("other", "other"), 0);
}

int main(void) {
    making();
    removing();
    linking();
    moving();
    return 0;
}
