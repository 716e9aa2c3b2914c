/* The table of descriptors: preopens, renumbering, closing, and calls on numbers that stand for nothing. */
#include "check.h"

int main(void) {
    __wasi_prestat_t pre;
    __wasi_fdstat_t about;
    CHECK("preopen", __wasi_fd_prestat_get(ROOT, &pre), 0);
    CHECK("a directory", pre.tag, __WASI_PREOPENTYPE_DIR);
    CHECK("length of /", pre.u.dir.pr_name_len, 1);
    CHECK("name", __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)buffer, 1), 0);
    CHECK("is /", buffer[0], '/');
    CHECK("no room for it", __wasi_fd_prestat_dir_name(ROOT, (uint8_t *)buffer, 0), E(NAMETOOLONG));
    CHECK("no more", __wasi_fd_prestat_get(4, &pre), E(BADF));
    CHECK("not stdin", __wasi_fd_prestat_get(0, &pre), E(BADF));
    make("one", "1");
    make("two", "2");
    int one = open_in(ROOT, "one", 0, READ, 0), two = open_in(ROOT, "two", 0, READ, 0);
    CHECK("in order", one * 10 + two, 45);
    CHECK("move", __wasi_fd_renumber(one, two), 0);
    CHECK("it left", __wasi_fd_close(one), E(BADF));
    CHECK("read there", read_fd(two, 9), 1);
    CHECK("the moved one", buffer[0], '1');
    CHECK("onto itself", __wasi_fd_renumber(two, two), 0);
    CHECK("still there", __wasi_fd_fdstat_get(two, &about), 0);
    CHECK("from nothing", __wasi_fd_renumber(99, two), E(BADF));
    CHECK("to nothing", __wasi_fd_renumber(two, 99), E(BADF));
    CHECK("the gap is filled", open_in(ROOT, "one", 0, READ, 0), one);
    CHECK("stdin is a stream", __wasi_fd_fdstat_get(0, &about), 0);
    CHECK("not to be sought", about.fs_rights_base & (RIGHT(FD_SEEK) | RIGHT(FD_TELL)), 0);
    CHECK("close stdin", __wasi_fd_close(0), 0);
    CHECK("its number is next", open_in(ROOT, "one", 0, READ, 0), 0);
    CHECK("close the preopen", __wasi_fd_close(ROOT), 0);
    CHECK("nothing opens", open_in(ROOT, "one", 0, READ, 0), -E(BADF));
    CHECK("what is open stays", read_fd(0, 9), 1);

    __wasi_size_t n;
    __wasi_filestat_t stat;
    __wasi_filesize_t place;
    __wasi_iovec_t in = {(uint8_t *)buffer, 1};
    __wasi_ciovec_t out = {(uint8_t *)buffer, 1};
    CHECK("advise", __wasi_fd_advise(77, 0, 0, 0), E(BADF));
    CHECK("allocate", __wasi_fd_allocate(77, 0, 1), E(BADF));
    CHECK("close", __wasi_fd_close(77), E(BADF));
    CHECK("datasync", __wasi_fd_datasync(77), E(BADF));
    CHECK("sync", __wasi_fd_sync(77), E(BADF));
    CHECK("fdstat", __wasi_fd_fdstat_get(77, &about), E(BADF));
    CHECK("flags", __wasi_fd_fdstat_set_flags(77, 0), E(BADF));
    CHECK("filestat", __wasi_fd_filestat_get(77, &stat), E(BADF));
    CHECK("size", __wasi_fd_filestat_set_size(77, 0), E(BADF));
    CHECK("times", __wasi_fd_filestat_set_times(77, 0, 0, 0), E(BADF));
    CHECK("read", __wasi_fd_read(77, &in, 1, &n), E(BADF));
    CHECK("write", __wasi_fd_write(77, &out, 1, &n), E(BADF));
    CHECK("pread", __wasi_fd_pread(77, &in, 1, 0, &n), E(BADF));
    CHECK("pwrite", __wasi_fd_pwrite(77, &out, 1, 0, &n), E(BADF));
    CHECK("readdir", __wasi_fd_readdir(77, (uint8_t *)buffer, 1, 0, &n), E(BADF));
    CHECK("seek", __wasi_fd_seek(77, 0, 0, &place), E(BADF));
    CHECK("tell", __wasi_fd_tell(77, &place), E(BADF));
    CHECK("mkdir", __wasi_path_create_directory(77, "x"), E(BADF));
    CHECK("rmdir", __wasi_path_remove_directory(77, "x"), E(BADF));
    CHECK("unlink", __wasi_path_unlink_file(77, "x"), E(BADF));
    CHECK("stat", __wasi_path_filestat_get(77, 0, "x", &stat), E(BADF));
    CHECK("rename", __wasi_path_rename(77, "x", 77, "y"), E(BADF));
    CHECK("link", __wasi_path_link(77, 0, "x", 77, "y"), E(BADF));
    CHECK("symlink", __wasi_path_symlink("x", 77, "y"), E(BADF));
    CHECK("readlink", __wasi_path_readlink(77, "x", (uint8_t *)buffer, 1, &n), E(BADF));
    CHECK("shutdown", __wasi_sock_shutdown(77, 1), E(BADF));
    CHECK("shutdown a stream", __wasi_sock_shutdown(1, 1), E(NOTSOCK));
    return 0;
}
