/* Waiting for descriptors; stdin is empty. (wasmtime tells of one of several that are ready, and fails the whole
 * call for one bad descriptor.) */
#include "poll.h"

static __wasi_subscription_t fd_sub(uint64_t userdata, int type, int fd) {
    __wasi_subscription_t sub = {.userdata = userdata, .u = {.tag = type}};
    sub.u.u.fd_read.file_descriptor = fd;
    return sub;
}

static int has(int count, uint64_t userdata) {
    for (int i = 0; i < count; i++)
        if (events[i].userdata == userdata) return 1;
    return 0;
}

static void descriptors(void) {
    make("file", "12345");
    int fd = open_in(ROOT, "file", 0, READ | RIGHT(POLL_FD_READWRITE), 0);
    CHECK("read two", read_fd(fd, 2), 2);
    __wasi_subscription_t subs[] = {
        fd_sub(1, __WASI_EVENTTYPE_FD_READ, fd),
        fd_sub(2, __WASI_EVENTTYPE_FD_WRITE, 1),
        clock_sub(3, 1, 3600000000000, 0),
    };
    int count = poll(subs, 3);
    CHECK("file and output", count, 2);
    CHECK("the file", has(count, 1), 1);
    CHECK("the output", has(count, 2), 1);
    for (int i = 0; i < count; i++)
        if (events[i].userdata == 1) CHECK("how much is left", events[i].fd_readwrite.nbytes, 3);
    __wasi_subscription_t end[] = {fd_sub(4, __WASI_EVENTTYPE_FD_READ, 0), clock_sub(5, 1, 3600000000000, 0)};
    CHECK("stdin at its end is ready", poll(end, 2), 1);
    CHECK("it is stdin", events[0].userdata, 4);
    __wasi_subscription_t bad[] = {fd_sub(6, __WASI_EVENTTYPE_FD_READ, 99), clock_sub(5, 1, 3600000000000, 0)};
    CHECK("no such descriptor", poll(bad, 2), 1);
    CHECK("says so", events[0].error, E(BADF));
    CHECK("about whom", events[0].userdata, 6);
    CHECK("none", poll(bad, 0), -E(INVAL));
}

int main(void) {
    descriptors();
    return 0;
}
