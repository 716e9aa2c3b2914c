/* fd_readdir: every entry once through any buffer, cookies, types, and changes meanwhile. */
#include "check.h"

/* Entries seen through a buffer of `size` bytes; bit i of `*seen` for "f<i>". */
static int walk(int dir, size_t size, uint64_t *seen) {
    static uint8_t space[4096];
    __wasi_dircookie_t cookie = 0;
    int count = 0;
    for (*seen = 0;;) {
        __wasi_size_t used;
        if (__wasi_fd_readdir(dir, space, size, cookie, &used)) return -1;
        size_t at = 0, whole = 0;
        while (at + sizeof(__wasi_dirent_t) <= used) {
            __wasi_dirent_t entry;
            memcpy(&entry, space + at, sizeof entry);
            if (at + sizeof entry + entry.d_namlen > used) break;
            const char *name = (const char *)space + at + sizeof entry;
            if (entry.d_namlen == 2 && name[0] == 'f') *seen |= 1ull << (name[1] - 'a');
            at += sizeof entry + entry.d_namlen;
            cookie = entry.d_next;
            count++, whole++;
        }
        if (used < size) return count;
        if (!whole) return -2;
    }
}

int main(void) {
    uint64_t seen;
    char name[] = "d/f?";
    CHECK("make", mkdir_in("d"), 0);
    int dir = open_in(ROOT, "d", __WASI_OFLAGS_DIRECTORY, RIGHT(FD_READDIR) | RIGHT(FD_FILESTAT_GET), 0);
    CHECK("empty", walk(dir, 4096, &seen), 2);
    for (char c = 'a'; c <= 't'; c++) name[3] = c, make(name, "");
    CHECK("twenty and the dots", walk(dir, 4096, &seen), 22);
    CHECK("each", seen, 0xFFFFF);
    CHECK("through a small buffer", walk(dir, 60, &seen), 22);
    CHECK("each again", seen, 0xFFFFF);
    CHECK("through one that holds one", walk(dir, 27, &seen), 22);
    CHECK("each once more", seen, 0xFFFFF);
    CHECK("too small for any", walk(dir, 20, &seen), -2);
    CHECK("remove", __wasi_path_unlink_file(ROOT, "d/fa"), 0);
    CHECK("one less", walk(dir, 4096, &seen), 21);
    CHECK("it is not seen", seen, 0xFFFFE);
    __wasi_size_t used = 99;
    CHECK("no room", __wasi_fd_readdir(dir, (uint8_t *)buffer, 0, 0, &used), 0);
    CHECK("nothing", used, 0);
    CHECK("far behind", __wasi_fd_readdir(dir, (uint8_t *)buffer, 100, 1000, &used), 0);
    CHECK("nothing there", used, 0);
    int file = open_in(ROOT, "d/fb", 0, READ, 0);
    DIFFERS("list a file", __wasi_fd_readdir(file, (uint8_t *)buffer, 100, 0, &used), E(NOTDIR), E(BADF));
    DIFFERS("list a stream", __wasi_fd_readdir(0, (uint8_t *)buffer, 100, 0, &used), E(NOTDIR), E(BADF));

    CHECK("make inner", mkdir_in("d/in"), 0);
    CHECK("a kind of each", __wasi_path_symlink("fb", ROOT, "d/in/l"), 0);
    CHECK("a file", make("d/in/x", ""), 0);
    int inner = open_in(ROOT, "d/in", __WASI_OFLAGS_DIRECTORY, RIGHT(FD_READDIR) | RIGHT(FD_FILESTAT_GET), 0);
    CHECK("list", __wasi_fd_readdir(inner, (uint8_t *)buffer, sizeof buffer, 0, &used), 0);
    __wasi_filestat_t stat;
    CHECK("ask", __wasi_fd_filestat_get(inner, &stat), 0);
    int types = 0, own = 0;
    for (size_t at = 0; at < used;) {
        __wasi_dirent_t entry;
        memcpy(&entry, buffer + at, sizeof entry);
        const char *text = buffer + at + sizeof entry;
        if (text[0] == 'l') types |= entry.d_type == __WASI_FILETYPE_SYMBOLIC_LINK;
        if (text[0] == 'x') types |= (entry.d_type == __WASI_FILETYPE_REGULAR_FILE) << 1;
        if (text[0] == '.') types |= (entry.d_type == __WASI_FILETYPE_DIRECTORY) << (1 + entry.d_namlen);
        if (text[0] == '.' && entry.d_namlen == 1) own = entry.d_ino == stat.ino;
        at += sizeof entry + entry.d_namlen;
    }
    CHECK("types", types, 15);
    CHECK("dot is the directory", own, 1);
    return 0;
}
