/* A server: its listener is descriptor 3, its directory 4. Lines that begin with "# " ask the client to act
 * (tests/wasi/test_sockets.py). */
#include "check.h"

#define LISTENER 3

static void client(const char *does) {
    printf("# %s\n", does);
    fflush(stdout);
}

static int receive(int fd, size_t size, int flags) {
    __wasi_size_t count;
    __wasi_roflags_t told;
    __wasi_iovec_t piece = {(uint8_t *)buffer, size};
    __wasi_errno_t error = __wasi_sock_recv(fd, &piece, 1, flags, &count, &told);
    return error ? -error : (int)count;
}

static int send_text(int fd, const char *text, int flags) {
    __wasi_size_t count;
    __wasi_ciovec_t piece = {(const uint8_t *)text, strlen(text)};
    __wasi_errno_t error = __wasi_sock_send(fd, &piece, 1, flags, &count);
    return error ? -error : (int)count;
}

static int ready(int fd, int type) {
    __wasi_subscription_t sub = {.u = {.tag = type}};
    sub.u.u.fd_read.file_descriptor = fd;
    __wasi_event_t event;
    __wasi_size_t count;
    return __wasi_poll_oneoff(&sub, &event, 1, &count) ? -1 : event.error ? -event.error : (int)event.fd_readwrite.nbytes;
}

static void before(void) {
    __wasi_prestat_t pre;
    __wasi_fdstat_t about;
    __wasi_fd_t fd;
    CHECK("preopened, no directory", __wasi_fd_prestat_get(LISTENER, &pre) || !pre.tag, 0);
    CHECK("no name", __wasi_fd_prestat_dir_name(LISTENER, (uint8_t *)buffer, 9), E(BADF));
    FILE *file = fopen("/greeting", "r");
    CHECK("libc finds the directory behind it", file != NULL, 1);
    fclose(file);
    CHECK("ask", __wasi_fd_fdstat_get(LISTENER, &about), 0);
    CHECK("a stream socket", about.fs_filetype, __WASI_FILETYPE_SOCKET_STREAM);
    CHECK("accepts", (about.fs_rights_base & 1ull << 29) != 0, 1);
    CHECK("is not read", read_fd(LISTENER, 1), -E(BADF));
    CHECK("is not received from", receive(LISTENER, 1, 0), -E(BADF));
    CHECK("do not wait", __wasi_fd_fdstat_set_flags(LISTENER, __WASI_FDFLAGS_NONBLOCK), 0);
    CHECK("nobody", __wasi_sock_accept(LISTENER, 0, &fd), E(AGAIN));
    CHECK("wait again", __wasi_fd_fdstat_set_flags(LISTENER, 0), 0);
    CHECK("accept how", __wasi_sock_accept(LISTENER, __WASI_FDFLAGS_APPEND, &fd), E(INVAL));
    CHECK("accept on a directory", __wasi_sock_accept(4, 0, &fd), E(NOTSOCK));
    CHECK("accept on nothing", __wasi_sock_accept(99, 0, &fd), E(BADF));
}

static void talk(int fd) {
    __wasi_fdstat_t about;
    __wasi_fd_t none;
    CHECK("ask", __wasi_fd_fdstat_get(fd, &about), 0);
    CHECK("waits", about.fs_flags, 0);
    CHECK("accept on a connection", __wasi_sock_accept(fd, 0, &none), E(INVAL));
    client("send hello");
    CHECK("five bytes", ready(fd, __WASI_EVENTTYPE_FD_READ), 5);
    CHECK("peek", receive(fd, 2, __WASI_RIFLAGS_RECV_PEEK), 2);
    CHECK("receive", receive(fd, 9, 0), 5);
    CHECK("what", memcmp(buffer, "hello", 5), 0);
    client("send ab");
    client("send cd");
    CHECK("all four", receive(fd, 4, __WASI_RIFLAGS_RECV_WAITALL), 4);
    CHECK("in order", memcmp(buffer, "abcd", 4), 0);
    CHECK("receive how", receive(fd, 4, 8), -E(INVAL));
    CHECK("do not wait", __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK), 0);
    CHECK("nothing yet", receive(fd, 4, 0), -E(AGAIN));
    CHECK("nor for read", read_fd(fd, 4), -E(AGAIN));
    CHECK("wait again", __wasi_fd_fdstat_set_flags(fd, 0), 0);
    CHECK("room to write", ready(fd, __WASI_EVENTTYPE_FD_WRITE), 0);
    CHECK("send", send_text(fd, "one ", 0), 4);
    CHECK("send how", send_text(fd, "x", 1), -E(INVAL));
    CHECK("write", write_fd(fd, "two"), 3);
    client("receive one two");
    client("send end");
    client("finish");
    CHECK("read", read_fd(fd, 9), 3);
    CHECK("the end", read_fd(fd, 9), 0);
    CHECK("shut how", __wasi_sock_shutdown(fd, 0), E(INVAL));
    CHECK("shut how else", __wasi_sock_shutdown(fd, 4), E(INVAL));
    CHECK("shut", __wasi_sock_shutdown(fd, __WASI_SDFLAGS_WR), 0);
    CHECK("write no more", write_fd(fd, "x"), -E(PIPE));
    client("receive ");
    CHECK("close", close_fd(fd), 0);
    CHECK("closed", receive(fd, 1, 0), -E(BADF));
}

int main(void) {
    __wasi_fd_t fd;
    before();
    client("connect");
    CHECK("somebody", ready(LISTENER, __WASI_EVENTTYPE_FD_READ) >= 0, 1);
    CHECK("accept", __wasi_sock_accept(LISTENER, 0, &fd), 0);
    talk(fd);
    client("connect");
    CHECK("another", __wasi_sock_accept(LISTENER, __WASI_FDFLAGS_NONBLOCK, &fd), 0);
    CHECK("does not wait", receive(fd, 1, 0), -E(AGAIN));
    return 0;
}
