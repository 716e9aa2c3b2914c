/* A stack machine with tagged values, as scripting languages have: numbers, booleans, arrays; calls, loops.
   It runs a recursive Fibonacci and a sieve, n times over. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, LESS, JUMP, UNLESS, CALL, RETURN, ARRAY, GET, PUT, HALT };
enum { NUMBER, BOOLEAN, LIST };
typedef struct Value Value;
typedef struct { int length; Value *items; } List;
struct Value { int tag; union { double number; int truth; List *list; }; };

static Value stack[4096];
static int frames[1024][2];

static void fail(const char *what) { fputs(what, stderr); exit(1); }

static Value number(double x) { return (Value){NUMBER, {.number = x}}; }

static double run(const int *code, double argument) {
    int at = 0, top = 0, base = 0, depth = 0;
    stack[top++] = number(argument);
    for (;;) {
        Value *s = stack + top;
        if (top > 4000 || depth > 1000) fail("overflow");
        switch (code[at++]) {
        case PUSH: stack[top++] = number(code[at++]); break;
        case LOAD: stack[top++] = stack[base + code[at++]]; break;
        case STORE: stack[base + code[at++]] = s[-1]; top--; break;
        case ADD: if (s[-1].tag | s[-2].tag) fail("add"); s[-2].number += s[-1].number; top--; break;
        case SUBTRACT: if (s[-1].tag | s[-2].tag) fail("subtract"); s[-2].number -= s[-1].number; top--; break;
        case MULTIPLY: if (s[-1].tag | s[-2].tag) fail("multiply"); s[-2].number *= s[-1].number; top--; break;
        case LESS:
            if (s[-1].tag | s[-2].tag) fail("less");
            s[-2] = (Value){BOOLEAN, {.truth = s[-2].number < s[-1].number}};
            top--;
            break;
        case JUMP: at = code[at]; break;
        case UNLESS: if (s[-1].tag != BOOLEAN) fail("unless"); at = s[-1].truth ? at + 1 : code[at]; top--; break;
        case CALL:
            frames[depth][0] = at + 1;
            frames[depth++][1] = base;
            base = top - 1;
            at = code[at];
            break;
        case RETURN:
            stack[base] = s[-1];
            top = base + 1;
            at = frames[--depth][0];
            base = frames[depth][1];
            break;
        case ARRAY: {
            if (s[-1].tag) fail("array");
            List *list = malloc(sizeof *list);
            list->length = s[-1].number;
            list->items = calloc(list->length, sizeof(Value));
            s[-1] = (Value){LIST, {.list = list}};
            break;
        }
        case GET:
            if (s[-2].tag != LIST || s[-1].tag || s[-1].number >= s[-2].list->length) fail("get");
            s[-2] = s[-2].list->items[(int)s[-1].number];
            top--;
            break;
        case PUT:
            if (s[-3].tag != LIST || s[-2].tag || s[-2].number >= s[-3].list->length) fail("put");
            s[-3].list->items[(int)s[-2].number] = s[-1];
            top -= 3;
            break;
        default:
            if (s[-1].tag) fail("halt");
            return s[-1].number;
        }
    }
}

static const int fibonacci[] = {
    CALL, 3, HALT,
    LOAD, 0, PUSH, 2, LESS, UNLESS, 13, LOAD, 0, RETURN,
    LOAD, 0, PUSH, 1, SUBTRACT, CALL, 3, LOAD, 0, PUSH, 2, SUBTRACT, CALL, 3, ADD, RETURN,
};

/* 0 limit, 1 flags, 2 i, 3 j, 4 count */
static const int sieve[] = {
    /*  0 */ LOAD, 0, ARRAY, PUSH, 2, PUSH, 0, PUSH, 0,
    /*  9 */ LOAD, 2, LOAD, 0, LESS, UNLESS, 69,
    /* 16 */ LOAD, 1, LOAD, 2, GET, PUSH, 1, LESS, UNLESS, 60,
    /* 26 */ LOAD, 4, PUSH, 1, ADD, STORE, 4, LOAD, 2, STORE, 3,
    /* 37 */ LOAD, 3, LOAD, 0, LESS, UNLESS, 60,
    /* 44 */ LOAD, 1, LOAD, 3, PUSH, 1, PUT,
    /* 51 */ LOAD, 3, LOAD, 2, ADD, STORE, 3, JUMP, 37,
    /* 60 */ LOAD, 2, PUSH, 1, ADD, STORE, 2, JUMP, 9,
    /* 69 */ LOAD, 4, HALT,
};

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < n; i++) printf("%.0f %.0f\n", run(fibonacci, 18 + i % 3), run(sieve, 20000 + i));
    return 0;
}
