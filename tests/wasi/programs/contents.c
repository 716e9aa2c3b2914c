/* What files hold: places, holes, several buffers, appending, cutting, reserving. */
#include "check.h"

static long long seek(int fd, long long offset, int whence) {
    __wasi_filesize_t place;
    __wasi_errno_t error = __wasi_fd_seek(fd, offset, whence, &place);
    return error ? -error : (long long)place;
}

static int pread_fd(int fd, size_t size, uint64_t offset) {
    __wasi_size_t count;
    __wasi_iovec_t piece = {(uint8_t *)buffer, size};
    __wasi_errno_t error = __wasi_fd_pread(fd, &piece, 1, offset, &count);
    return error ? -error : (int)count;
}

static int pwrite_fd(int fd, const char *text, uint64_t offset) {
    __wasi_size_t count;
    __wasi_ciovec_t piece = {(const uint8_t *)text, strlen(text)};
    __wasi_errno_t error = __wasi_fd_pwrite(fd, &piece, 1, offset, &count);
    return error ? -error : (int)count;
}

static long long length(int fd) {
    __wasi_filestat_t stat;
    __wasi_errno_t error = __wasi_fd_filestat_get(fd, &stat);
    return error ? -error : (long long)stat.size;
}

static void places(int fd) {
    CHECK("write", write_fd(fd, "0123456789"), 10);
    CHECK("seek from start", seek(fd, 2, __WASI_WHENCE_SET), 2);
    CHECK("seek on", seek(fd, 3, __WASI_WHENCE_CUR), 5);
    CHECK("seek back from end", seek(fd, -1, __WASI_WHENCE_END), 9);
    CHECK("read the last", read_fd(fd, 10), 1);
    CHECK("at the end", read_fd(fd, 10), 0);
    CHECK("before the start", seek(fd, -1, __WASI_WHENCE_SET), -E(INVAL));
    CHECK("back too far", seek(fd, -11, __WASI_WHENCE_CUR), -E(INVAL));
    __wasi_filesize_t place = 0;
    CHECK("tell", __wasi_fd_tell(fd, &place), 0);
    CHECK("still there", place, 10);
    CHECK("past the end", seek(fd, 15, __WASI_WHENCE_SET), 15);
    CHECK("reads nothing", read_fd(fd, 10), 0);
    CHECK("write leaves a hole", write_fd(fd, "x"), 1);
    CHECK("longer", length(fd), 16);
    CHECK("the hole", pread_fd(fd, 6, 10), 6);
    CHECK("is zeros", memcmp(buffer, "\0\0\0\0\0x", 6), 0);
}

static void elsewhere(int fd) {
    CHECK("pread", pread_fd(fd, 3, 4), 3);
    CHECK("what", memcmp(buffer, "456", 3), 0);
    CHECK("pread past end", pread_fd(fd, 3, 100), 0);
    CHECK("pread nothing", pread_fd(fd, 0, 0), 0);
    CHECK("pwrite", pwrite_fd(fd, "ab", 1), 2);
    CHECK("did not move", seek(fd, 0, __WASI_WHENCE_CUR), 16);
    CHECK("pread far out", pread_fd(fd, 1, 1ull << 63), -E(INVAL));
    CHECK("pwrite far out", pwrite_fd(fd, "x", 1ull << 63), -E(INVAL));
    CHECK("pread a stream", pread_fd(0, 1, 0), -E(SPIPE));
    CHECK("pwrite a stream", pwrite_fd(1, "x", 0), -E(SPIPE));
    CHECK("seek a stream", seek(1, 0, __WASI_WHENCE_CUR), -E(SPIPE));
}

static void several(int fd) {
    __wasi_size_t count = 0;
    char one[3] = "", two[4] = "";
    __wasi_ciovec_t out[] = {{(uint8_t *)"ab", 2}, {(uint8_t *)"", 0}, {(uint8_t *)"cde", 3}};
    CHECK("back", seek(fd, 0, __WASI_WHENCE_SET), 0);
    CHECK("gather", __wasi_fd_pwrite(fd, out, 3, 0, &count), 0);
    DIFFERS("all", count, 5, 2);
    __wasi_iovec_t in[] = {{(uint8_t *)one, 2}, {(uint8_t *)two, 3}};
    CHECK("scatter", __wasi_fd_read(fd, in, 2, &count), 0);
    DIFFERS("all back", count, 5, 2);
    CHECK("first", strcmp(one, "ab") == 0, 1);
    DIFFERS("second", strcmp(two, "cde") == 0, 1, 0);
    CHECK("none", __wasi_fd_read(fd, in, 0, &count), 0);
    CHECK("nothing read", count, 0);
}

static void sizes(int fd) {
    CHECK("cut", __wasi_fd_filestat_set_size(fd, 3), 0);
    CHECK("short", length(fd), 3);
    CHECK("lengthen", __wasi_fd_filestat_set_size(fd, 5), 0);
    CHECK("with zeros", pread_fd(fd, 9, 3), 2);
    CHECK("indeed", buffer[0] | buffer[1], 0);
    DIFFERS("reserve", __wasi_fd_allocate(fd, 0, 100), 0, E(NOTSUP));
    DIFFERS("grown", length(fd), 100, 5);
    DIFFERS("reserve inside", __wasi_fd_allocate(fd, 10, 10), 0, E(NOTSUP));
    DIFFERS("not shrunk", length(fd), 100, 5);
    DIFFERS("reserve nothing", __wasi_fd_allocate(fd, 0, 0), E(INVAL), E(NOTSUP));
    CHECK("advise", __wasi_fd_advise(fd, 0, 10, __WASI_ADVICE_WILLNEED), 0);
    CHECK("sync", __wasi_fd_sync(fd), 0);
    CHECK("datasync", __wasi_fd_datasync(fd), 0);
}

static void appending(void) {
    int fd = open_in(ROOT, "log", __WASI_OFLAGS_CREAT, BOTH, __WASI_FDFLAGS_APPEND);
    __wasi_fdstat_t about;
    CHECK("ask", __wasi_fd_fdstat_get(fd, &about), 0);
    CHECK("append is set", about.fs_flags, __WASI_FDFLAGS_APPEND);
    CHECK("one", write_fd(fd, "one"), 3);
    CHECK("to the start", seek(fd, 0, __WASI_WHENCE_SET), 0);
    CHECK("two", write_fd(fd, "two"), 3);
    CHECK("behind", length(fd), 6);
    CHECK("stop appending", __wasi_fd_fdstat_set_flags(fd, 0), 0);
    CHECK("to the start again", seek(fd, 0, __WASI_WHENCE_SET), 0);
    CHECK("over", write_fd(fd, "ONE"), 3);
    CHECK("as long as before", length(fd), 6);
    CHECK("what", pread_fd(fd, 6, 0), 6);
    CHECK("is there", memcmp(buffer, "ONEtwo", 6), 0);
    CHECK("close", close_fd(fd), 0);
}

int main(void) {
    int fd = open_in(ROOT, "file", __WASI_OFLAGS_CREAT, BOTH, 0);
    places(fd);
    elsewhere(fd);
    several(fd);
    sizes(fd);
    CHECK("close", close_fd(fd), 0);
    int reading = open_in(ROOT, "file", 0, READ, 0), writing = open_in(ROOT, "file", 0, WRITE, 0);
    CHECK("write what is open to read", write_fd(reading, "x"), -E(BADF));
    CHECK("read what is open to write", read_fd(writing, 1), -E(BADF));
    appending();
    return 0;
}
