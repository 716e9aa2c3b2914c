/* SHA-256 (FIPS 180-4) of n KiB of a fixed pattern: 32-bit rotates, shifts and additions. */
#include <string.h>

#include "kernel.h"

static uint32_t K[64], state[8];

/* The constants are the first 32 fraction bits of cube and square roots of primes; found by bisection in
   integers, so that no table has to be trusted. */
static uint32_t root_fraction(uint64_t prime, int power) {
    uint64_t low = 0, high = (uint64_t)1 << 36;
    while (high - low > 1) {
        uint64_t middle = (low + high) / 2;
        unsigned __int128 cube = (unsigned __int128)middle * middle, bound = prime;
        if (power == 3) {
            /* middle^3 < prime * 2^96, without 128-bit overflow: divide one factor out. */
            if (cube >= (bound << 96) / middle) high = middle; else low = middle;
        } else if (cube > bound << 64) high = middle; else low = middle;
    }
    return (uint32_t)low;
}

static void make_constants(void) {
    int found = 0;
    for (unsigned p = 2; found < 64; p++) {
        int prime = 1;
        for (unsigned d = 2; d * d <= p; d++) if (p % d == 0) prime = 0;
        if (!prime) continue;
        K[found] = root_fraction(p, 3);
        if (found < 8) state[found] = root_fraction(p, 2);
        found++;
    }
}

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void block(const uint8_t *data) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 | data[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t t = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
        uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t u = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

static void kernel(unsigned kib) {
    uint8_t data[64];
    make_constants();
    for (uint32_t i = 0; i < kib * 16; i++) {
        for (int j = 0; j < 64; j++) data[j] = (uint8_t)(i * 64 + j);
        block(data);
    }
    memset(data, 0, sizeof data);
    data[0] = 0x80;
    uint64_t bits = (uint64_t)kib * 8192;
    for (int i = 0; i < 8; i++) data[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
    block(data);
    for (int i = 0; i < 8; i++) print_number(state[i], 16, 8);
    print("\n");
}
