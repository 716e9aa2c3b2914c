/* Clocks, and waiting for them. */
#include "poll.h"

static uint64_t now(int id) {
    __wasi_timestamp_t time = 0;
    return __wasi_clock_time_get(id, 1, &time) ? 0 : time;
}

static void clocks(void) {
    __wasi_timestamp_t time = 0;
    for (int id = 0; id < 2; id++) {
        CHECK("resolution", __wasi_clock_res_get(id, &time), 0);
        CHECK("between a nanosecond and a second", time >= 1 && time <= 1000000000, 1);
        uint64_t one = now(id), two = now(id);
        CHECK("does not go back", one && two >= one, 1);
    }
    CHECK("this century", now(0) > 946684800000000000ull, 1);
    for (int id = 2; id < 4; id++) {
        DIFFERS("processor time", __wasi_clock_time_get(id, 1, &time), 0, E(BADF));
        DIFFERS("its resolution", __wasi_clock_res_get(id, &time), 0, E(BADF));
    }
}

static void sleeping(void) {
    uint64_t start = now(1);
    __wasi_subscription_t one = clock_sub(7, 1, 20000000, 0);
    CHECK("sleep", poll(&one, 1), 1);
    CHECK("long enough", now(1) - start >= 20000000, 1);
    CHECK("whose", events[0].userdata, 7);
    CHECK("what", events[0].type, __WASI_EVENTTYPE_CLOCK);
    CHECK("fine", events[0].error, 0);
    start = now(1);
    one = clock_sub(8, 1, start + 20000000, 1);
    CHECK("until", poll(&one, 1), 1);
    CHECK("not before", now(1) >= start + 20000000, 1);
    one = clock_sub(9, 0, now(0) + 10000000, 1);
    CHECK("until a wall time", poll(&one, 1), 1);
    one = clock_sub(10, 1, 0, 1);
    CHECK("long past", poll(&one, 1), 1);
    __wasi_subscription_t two[] = {clock_sub(1, 1, 3600000000000, 0), clock_sub(2, 1, 1000000, 0)};
    CHECK("the first of two", poll(two, 2), 1);
    CHECK("is the second", events[0].userdata, 2);
    __wasi_subscription_t three[] = {clock_sub(1, 1, 0, 0), clock_sub(2, 1, 0, 0), clock_sub(3, 1, 3600000000000, 0)};
    CHECK("two at once", poll(three, 3), 2);
}

int main(void) {
    clocks();
    sleeping();
    return 0;
}
