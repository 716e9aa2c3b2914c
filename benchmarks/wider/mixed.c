/* What small embedded benchmarks do: a linked list found in, sorted and reversed; integer matrices; a state machine
   over text; a CRC over each result. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Item { int16_t value, place; struct Item *next; } Item;
enum { ITEMS = 200, SIDE = 24 };
static Item items[ITEMS];
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];

static uint16_t crc16(uint16_t value, uint16_t crc) {
    for (int i = 0; i < 16; i++, value >>= 1) crc = (value ^ crc) & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
    return crc;
}

static Item *reverse(Item *list) {
    Item *done = 0, *next;
    for (; list; list = next) { next = list->next; list->next = done; done = list; }
    return done;
}

static int compare_value(const Item *a, const Item *b) { return a->value - b->value; }
static int compare_place(const Item *a, const Item *b) { return a->place - b->place; }

static Item *insertion_sort(Item *list, int (*compare)(const Item *, const Item *)) {
    Item *sorted = 0, *next;
    for (; list; list = next) {
        Item **at = &sorted;
        next = list->next;
        while (*at && compare(*at, list) < 0) at = &(*at)->next;
        list->next = *at;
        *at = list;
    }
    return sorted;
}

static uint16_t matrices(int16_t by, uint16_t crc) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIDE; k++) sum += left[i][k] * right[k][j];
            product[i][j] = (sum >> 2 & 15) * (sum >> 5 & 127) + by;
            crc = crc16(product[i][j], crc);
        }
    return crc;
}

enum State { BEGIN, INTEGER, FRACTION, EXPONENT, SIGN, WORD, BAD, STATES };

static enum State next_state(enum State state, char c, int *changes) {
    enum State before = state;
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case BEGIN: state = digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : WORD; break;
    case SIGN: state = digit ? INTEGER : c == '.' ? FRACTION : BAD; break;
    case INTEGER: state = digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : BAD; break;
    case FRACTION: state = digit ? FRACTION : c == 'e' ? EXPONENT : BAD; break;
    case EXPONENT: state = digit ? EXPONENT : BAD; break;
    default: break;
    }
    changes[before] += state != before;
    return state;
}

static uint16_t machine(const char *text, uint16_t crc) {
    int changes[STATES] = {0}, ends[STATES] = {0};
    enum State state = BEGIN;
    for (; *text; text++)
        if (*text == ',') { ends[state]++; state = BEGIN; } else state = next_state(state, *text, changes);
    for (int i = 0; i < STATES; i++) crc = crc16(ends[i], crc16(changes[i], crc));
    return crc;
}

int main(int argc, char **argv) {
    static const char text[] = "5012,1.25,-3.5e7,+122,.5,abc,T0.3e-1F,-110.700,+0.64400,5.500e+3,-.123e-2,12e55,0x1f,,+,7e,1..2";
    uint16_t crc = 0;
    Item *list = 0;
    for (int i = 0; i < ITEMS; i++) { items[i] = (Item){(int16_t)(i * 37 % 211), (int16_t)i, list}; list = items + i; }
    for (int i = 0; i < SIDE * SIDE; i++) { left[0][i] = (int16_t)(i * 3 % 17 - 8); right[0][i] = (int16_t)(i * 5 % 13 - 6); }
    for (int turn = argc > 1 ? atoi(argv[1]) : 1; turn; turn--) {
        list = insertion_sort(reverse(list), turn & 1 ? compare_value : compare_place);
        for (Item *item = list; item; item = item->next)
            if (item->value == turn % 211) crc = crc16(item->place, crc);
        crc = matrices(turn, crc);
        for (int i = 0; i < 20; i++) crc = machine(text, crc);
    }
    printf("%04x\n", crc);
    return 0;
}
