/* A register machine interpreting a prime counter: an unpredictable switch in a loop (br_table). */
#include "kernel.h"

enum { SET, MOVE, ADD, MULTIPLY, REMAINDER, JUMP, JUMP_IF_LESS, JUMP_IF_ZERO, INCREMENT, HALT };
typedef struct { uint8_t op, a, b; int16_t c; } Op;

/* r0 limit, r1 candidate, r2 divisor, r3 count, r4 scratch */
static const Op program[] = {
    {SET, 1, 0, 2},          /*  0 candidate = 2 */
    {SET, 3, 0, 0},          /*  1 count = 0 */
    {SET, 2, 0, 2},          /*  2 next: divisor = 2 */
    {MOVE, 4, 2, 0},         /*  3 test: scratch = divisor */
    {MULTIPLY, 4, 2, 0},     /*  4 scratch *= divisor */
    {JUMP_IF_LESS, 1, 4, 11},/*  5 candidate < scratch: prime */
    {MOVE, 4, 1, 0},         /*  6 scratch = candidate */
    {REMAINDER, 4, 2, 0},    /*  7 scratch %= divisor */
    {JUMP_IF_ZERO, 4, 0, 12},/*  8 composite */
    {INCREMENT, 2, 0, 0},    /*  9 divisor++ */
    {JUMP, 0, 0, 3},         /* 10 */
    {INCREMENT, 3, 0, 0},    /* 11 prime: count++ */
    {INCREMENT, 1, 0, 0},    /* 12 candidate++ */
    {JUMP_IF_LESS, 1, 0, 2}, /* 13 candidate < limit: next */
    {HALT, 0, 0, 0},         /* 14 */
};

static uint64_t run(int64_t *r) {
    uint64_t executed = 0;
    for (int at = 0;; executed++) {
        Op op = program[at++];
        switch (op.op) {
        case SET: r[op.a] = op.c; break;
        case MOVE: r[op.a] = r[op.b]; break;
        case ADD: r[op.a] += r[op.b]; break;
        case MULTIPLY: r[op.a] *= r[op.b]; break;
        case REMAINDER: r[op.a] %= r[op.b]; break;
        case JUMP: at = op.c; break;
        case JUMP_IF_LESS: if (r[op.a] < r[op.b]) at = op.c; break;
        case JUMP_IF_ZERO: if (r[op.a] == 0) at = op.c; break;
        case INCREMENT: r[op.a]++; break;
        default: return executed;
        }
    }
}

static void kernel(unsigned limit) {
    int64_t registers[8] = {limit};
    uint64_t executed = run(registers);
    print_number((uint64_t)registers[3], 10, 1);
    print(" primes, ");
    print_number(executed, 10, 1);
    print(" operations\n");
}
