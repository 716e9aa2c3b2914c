/* Asking poll_oneoff. */
#include "check.h"

static __attribute__((unused)) __wasi_subscription_t clock_sub(uint64_t userdata, int id, uint64_t timeout, int flags) {
    __wasi_subscription_t sub = {.userdata = userdata, .u = {.tag = __WASI_EVENTTYPE_CLOCK}};
    sub.u.u.clock = (__wasi_subscription_clock_t){.id = id, .timeout = timeout, .flags = flags};
    return sub;
}

static __wasi_event_t events[8];

static int poll(const __wasi_subscription_t *subs, int count) {
    __wasi_size_t n = 0;
    __wasi_errno_t error = __wasi_poll_oneoff(subs, events, count, &n);
    return error ? -error : (int)n;
}
