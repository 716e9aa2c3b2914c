/* Numbers that preview 1 gives no meaning: EINVAL, and nothing happens. (wasmtime ends the program instead.) */
#include "check.h"

int main(void) {
    __wasi_timestamp_t time;
    __wasi_filesize_t place;
    __wasi_fd_t fd;
    make("file", "12345");
    int file = open_in(ROOT, "file", 0, BOTH, 0);
    CHECK("whence", __wasi_fd_seek(file, 0, 3, &place), E(INVAL));
    CHECK("did not move", __wasi_fd_tell(file, &place) || place, 0);
    CHECK("advice", __wasi_fd_advise(file, 0, 0, 6), E(INVAL));
    CHECK("descriptor's flags", __wasi_fd_fdstat_set_flags(file, 32), E(INVAL));
    CHECK("times", __wasi_fd_filestat_set_times(file, 0, 0, 16), E(INVAL));
    CHECK("times by path", __wasi_path_filestat_set_times(ROOT, 0, "file", 0, 0, 16), E(INVAL));
    CHECK("a time after 2262", __wasi_fd_filestat_set_times(file, -1ull, 0, 1), E(INVAL));
    CHECK("open how", open_in(ROOT, "new", 16 | __WASI_OFLAGS_CREAT, READ, 0), -E(INVAL));
    CHECK("open with flags", open_in(ROOT, "new", __WASI_OFLAGS_CREAT, READ, 32), -E(INVAL));
    CHECK("nothing was made", type_of("new"), -E(NOENT));
    CHECK("rights", close_fd(open_in(ROOT, "file", 0, READ | 1ull << 60, 0)), 0);
    CHECK("rights handed on", __wasi_path_open(ROOT, 0, ".", 0, RIGHT(PATH_OPEN), -1ull, 0, &fd), 0);
    __wasi_fdstat_t about;
    CHECK("ask", __wasi_fd_fdstat_get(fd, &about), 0);
    CHECK("only those that are", about.fs_rights_inheriting >> 30, 0);
    CHECK("clock", __wasi_clock_time_get(4, 0, &time), E(INVAL));
    CHECK("resolution", __wasi_clock_res_get(9, &time), E(INVAL));
    CHECK("size", __wasi_fd_filestat_set_size(file, -1ull), E(INVAL));
    CHECK("reserve", __wasi_fd_allocate(file, -1ull, 1), E(INVAL));
    CHECK("reserve too far", __wasi_fd_allocate(file, (1ull << 63) - 1, 2), E(FBIG));
    __wasi_subscription_t sub = {.userdata = 1, .u = {.tag = 3}};
    __wasi_event_t event;
    __wasi_size_t n;
    CHECK("wait for what", __wasi_poll_oneoff(&sub, &event, 1, &n), 0);
    CHECK("one answer", n, 1);
    CHECK("no such thing", event.error, E(INVAL));
    sub.u.tag = __WASI_EVENTTYPE_CLOCK;
    sub.u.u.clock = (__wasi_subscription_clock_t){.id = 2};
    CHECK("wait for processor time", __wasi_poll_oneoff(&sub, &event, 1, &n), 0);
    CHECK("it stands still", event.error, E(INVAL));
    return 0;
}
