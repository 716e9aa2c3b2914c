/* A program that tries to leave: `..`, absolute paths, and links it makes itself. Beside the tree there is a
 * file "secret". Whatever call, whatever way: the secret is not seen, and nothing appears outside. */
#include "check.h"

static const char *const WAYS[] = {
    "..",          "../secret",         "a/../../secret", "./../secret",  "a/b/../../../secret",
    "up/secret",   "a/up2/secret",      "straight",       "way/../secret", "chain",
    "/secret",     "//secret",          "up",             "a/up2",         "rooted/secret",
    "a/./../..//secret",
};
#define COUNT (sizeof WAYS / sizeof *WAYS)

int main(void) {
    __wasi_filestat_t stat;
    __wasi_size_t n;
    __wasi_fd_t fd;
    mkdir_in("a");
    mkdir_in("a/b");
    make("mine", "mine");
    CHECK("up", __wasi_path_symlink("..", ROOT, "up"), 0);
    CHECK("up twice", __wasi_path_symlink("../..", ROOT, "a/up2"), 0);
    CHECK("straight", __wasi_path_symlink("../secret", ROOT, "straight"), 0);
    CHECK("way", __wasi_path_symlink("a/..", ROOT, "way"), 0);
    CHECK("chain", __wasi_path_symlink("a/up2/secret", ROOT, "chain"), 0);
    CHECK("absolute", __wasi_path_symlink("/", ROOT, "rooted"), E(PERM));
    mkdir_in("rooted");
    for (size_t i = 0; i < COUNT; i++) {
        const char *way = WAYS[i];
        int inside = !strcmp(way, "rooted/secret");
        printf("# %s\n", way);
        CHECK("open", follow(way), inside ? -E(NOENT) : -E(PERM));
        if (inside) continue;
        CHECK("make", __wasi_path_open(ROOT, 1, way, __WASI_OFLAGS_CREAT, BOTH, 0, 0, &fd), E(PERM));
        CHECK("empty", __wasi_path_open(ROOT, 1, way, __WASI_OFLAGS_TRUNC, BOTH, 0, 0, &fd), E(PERM));
        CHECK("ask", __wasi_path_filestat_get(ROOT, 1, way, &stat), E(PERM));
        CHECK("times", __wasi_path_filestat_set_times(ROOT, 1, way, 0, 0, __WASI_FSTFLAGS_MTIM_NOW), E(PERM));
    }
    /* Calls that do not follow the last name: only ways with the border in the middle. */
    for (size_t i = 0; i < COUNT; i++) {
        const char *way = WAYS[i];
        if (!strstr(way, "secret") || !strcmp(way, "rooted/secret")) continue;
        printf("# %s\n", way);
        CHECK("make a directory", __wasi_path_create_directory(ROOT, way), E(PERM));
        CHECK("remove a directory", __wasi_path_remove_directory(ROOT, way), E(PERM));
        CHECK("remove", __wasi_path_unlink_file(ROOT, way), E(PERM));
        CHECK("move out", __wasi_path_rename(ROOT, "mine", ROOT, way), E(PERM));
        CHECK("move in", __wasi_path_rename(ROOT, way, ROOT, "mine"), E(PERM));
        CHECK("link out", __wasi_path_link(ROOT, 0, "mine", ROOT, way), E(PERM));
        CHECK("link in", __wasi_path_link(ROOT, 0, way, ROOT, "theirs"), E(PERM));
        CHECK("symlink out", __wasi_path_symlink("x", ROOT, way), E(PERM));
        CHECK("read link", __wasi_path_readlink(ROOT, way, (uint8_t *)buffer, 9, &n), E(PERM));
    }
    /* A link that leads out may be removed, moved and hard-linked itself: it stays a name. */
    CHECK("hard link of a link", __wasi_path_link(ROOT, 0, "straight", ROOT, "straight2"), 0);
    CHECK("is no way out", follow("straight2"), -E(PERM));
    CHECK("move a link", __wasi_path_rename(ROOT, "straight2", ROOT, "a/b/straight3"), 0);
    CHECK("now it names something inside", follow("a/b/straight3"), -E(NOENT));
    CHECK("remove a link", __wasi_path_unlink_file(ROOT, "straight"), 0);
    /* A directory that moves while it is open is no ladder. */
    CHECK("open deep", __wasi_path_open(ROOT, 0, "a/b", __WASI_OFLAGS_DIRECTORY, RIGHT(PATH_OPEN), EVERYTHING, 0, &fd), 0);
    CHECK("lift it", __wasi_path_rename(ROOT, "a/b", ROOT, "b"), 0);
    CHECK("up from it", open_in(fd, "../mine", 0, READ, 0), -E(PERM));
    CHECK("up twice from it", open_in(fd, "../../secret", 0, READ, 0), -E(PERM));
    return 0;
}
