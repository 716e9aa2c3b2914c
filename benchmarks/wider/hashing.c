/* Checksums and hashes over a buffer: CRC-32 by table, Adler-32, MurmurHash3, SipHash-2-4, FNV-1a. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t data[65536];
static uint32_t table[256];

static uint32_t crc(void) {
    uint32_t c = ~0u;
    for (size_t i = 0; i < sizeof data; i++) c = table[(c ^ data[i]) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t adler(void) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < sizeof data;) {
        for (size_t end = i + 4096; i < end; i++) { a += data[i]; b += a; }
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

static uint32_t murmur(uint32_t h) {
    for (size_t i = 0; i < sizeof data; i += 4) {
        uint32_t k;
        memcpy(&k, data + i, 4);
        k *= 0xcc9e2d51;
        k = k << 15 | k >> 17;
        h ^= k * 0x1b873593;
        h = (h << 13 | h >> 19) * 5 + 0xe6546b64;
    }
    h ^= h >> 16;
    h *= 0x85ebca6b;
    return h ^ h >> 13;
}

#define TURN(x, n) (x << n | x >> (64 - n))
#define ROUND \
    a += b, b = TURN(b, 13) ^ a, a = TURN(a, 32), c += d, d = TURN(d, 16) ^ c, a += d, d = TURN(d, 21) ^ a, c += b, \
    b = TURN(b, 17) ^ c, c = TURN(c, 32)

static uint64_t siphash(uint64_t k0, uint64_t k1) {
    uint64_t a = k0 ^ 0x736f6d6570736575, b = k1 ^ 0x646f72616e646f6d, c = k0 ^ 0x6c7967656e657261, d = k1 ^ 0x7465646279746573, m;
    for (size_t i = 0; i < sizeof data; i += 8) {
        memcpy(&m, data + i, 8);
        d ^= m;
        ROUND; ROUND;
        a ^= m;
    }
    c ^= 255;
    ROUND; ROUND; ROUND; ROUND;
    return a ^ b ^ c ^ d;
}

static uint64_t fnv(void) {
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < sizeof data; i++) h = (h ^ data[i]) * 0x100000001b3;
    return h;
}

int main(int argc, char **argv) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        table[i] = c;
    }
    uint64_t all = 0;
    for (int turn = argc > 1 ? atoi(argv[1]) : 1; turn; turn--) {
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31 + (i >> 8) + turn);
        all = all * 31 + crc() + adler() + murmur(turn) + siphash(turn, 7) + fnv();
    }
    printf("%016llx\n", (unsigned long long)all);
    return 0;
}
