/* What a kernel in C needs to be a command-line program, as src/prelude.wat is for WAT: its first argument as a
   number, and printing. libc's start-up and printf would be most of the module, and of what is compiled; words.c
   is the program that has them. build.py links sources that include this without crt1. Natively it is an ordinary
   program, which the other engines' figures are compared with. */
#include <stdint.h>

static void kernel(unsigned n);

#ifdef __wasi__
#include <wasi/api.h>

static void print(const char *text) {
    size_t length = 0, written;
    while (text[length]) length++;
    __wasi_ciovec_t piece = {(const uint8_t *)text, length};
    if (__wasi_fd_write(1, &piece, 1, &written) != 0 || written != length) __builtin_trap();
}
#else
#include <stdio.h>
#include <stdlib.h>

static void print(const char *text) { fputs(text, stdout); }
#endif

/* In a base from 2 to 16, with zeros up to a width. */
static void print_number(uint64_t value, unsigned base, int width) {
    char digits[65];
    int at = 64;
    digits[at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || 64 - at < width);
    print(digits + at);
}

#ifdef __wasi__
static unsigned argument(void) {
    static uint8_t *argv[8], text[512];
    size_t count, size;
    unsigned value = 0;
    if (__wasi_args_sizes_get(&count, &size) != 0 || count < 2 || count > 8 || size > sizeof text) __builtin_trap();
    if (__wasi_args_get(argv, text) != 0) __builtin_trap();
    for (const uint8_t *c = argv[1]; *c >= '0' && *c <= '9'; c++) value = 10 * value + (*c - '0');
    return value;
}

__attribute__((export_name("_start"))) void _start(void) { kernel(argument()); }
#else
int main(int argc, char **argv) {
    if (argc != 2) return 2;
    kernel(atoi(argv[1]));
    return 0;
}
#endif
