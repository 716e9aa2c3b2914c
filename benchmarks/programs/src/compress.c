/* LZ77 with a hash chain over n KiB of synthetic text, unpacked again and compared; CRC-32 of both sides. */
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define HASHES 4096
#define WINDOW 32768
#define LONGEST 258
#define TRIES 16

static uint32_t crc_table[256];

static void make_crc_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t crc(const uint8_t *data, size_t size) {
    uint32_t c = ~0u;
    while (size--) c = crc_table[(c ^ *data++) & 255] ^ c >> 8;
    return ~c;
}

static void make_text(uint8_t *text, size_t size) {
    static const char *words[] = {"memory ", "table ", "of ", "the ", "global ", "function ", "and ", "loop\n"};
    uint32_t random = 12345;
    for (size_t at = 0; at < size;) {
        random = random * 1664525u + 1013904223u;
        for (const char *w = words[random >> 29]; *w && at < size; w++) text[at++] = (uint8_t)*w;
        if ((random >> 8 & 15) == 0 && at < size) text[at++] = (uint8_t)('0' + (random >> 16) % 10);
    }
}

/* Output: 0 literal, or 1 length-3 distance(2 bytes). */
static size_t pack(const uint8_t *in, size_t size, uint8_t *out) {
    int32_t *head = malloc(HASHES * sizeof *head), *previous = malloc(size * sizeof *previous);
    size_t at = 0, used = 0;
    memset(head, -1, HASHES * sizeof *head);
    while (at < size) {
        size_t best = 0, distance = 0;
        if (at + 3 <= size) {
            uint32_t hash = ((uint32_t)in[at] << 16 | in[at + 1] << 8 | in[at + 2]) * 2654435761u >> 20;
            int32_t candidate = head[hash];
            for (int tries = 0; candidate >= 0 && at - candidate < WINDOW && tries < TRIES; tries++) {
                size_t length = 0;
                while (length < LONGEST && at + length < size && in[candidate + length] == in[at + length]) length++;
                if (length > best) { best = length; distance = at - candidate; }
                candidate = previous[candidate];
            }
            previous[at] = head[hash];
            head[hash] = (int32_t)at;
        }
        if (best >= 4) {
            out[used++] = 1;
            out[used++] = (uint8_t)(best - 3);
            out[used++] = (uint8_t)distance;
            out[used++] = (uint8_t)(distance >> 8);
            at += best;
        } else {
            out[used++] = 0;
            out[used++] = in[at++];
        }
    }
    free(head);
    free(previous);
    return used;
}

static size_t unpack(const uint8_t *in, size_t size, uint8_t *out) {
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        if (in[at] == 0) {
            out[used++] = in[at + 1];
            at += 2;
        } else {
            size_t length = in[at + 1] + 3u, distance = in[at + 2] | (size_t)in[at + 3] << 8;
            for (size_t i = 0; i < length; i++, used++) out[used] = out[used - distance];
            at += 4;
        }
    }
    return used;
}

static void kernel(unsigned kib) {
    size_t size = (size_t)kib * 1024;
    uint8_t *text = malloc(size), *packed = malloc(2 * size), *unpacked = malloc(size + LONGEST);
    if (!text || !packed || !unpacked) abort();
    make_crc_table();
    make_text(text, size);
    size_t small = pack(text, size, packed), back = unpack(packed, small, unpacked);
    if (back != size || memcmp(text, unpacked, size) != 0) abort();
    print_number(size, 10, 1);
    print(" -> ");
    print_number(small, 10, 1);
    print(" -> ");
    print_number(back, 10, 1);
    print(", ");
    print_number(crc(text, size), 16, 8);
    print(" ");
    print_number(crc(unpacked, back), 16, 8);
    print("\n");
}
