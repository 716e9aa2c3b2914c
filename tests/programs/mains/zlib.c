/* Compresses stdin as a zlib stream at the level given, to stdout; with "-d", the way back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zlib.h"

int main(int count, char **args) {
    static Bytef input[1 << 20], output[1 << 21];
    uLongf size = sizeof output;
    uLong given = fread(input, 1, sizeof input, stdin);
    int failed = count > 1 && !strcmp(args[1], "-d") ? uncompress(output, &size, input, given)
                                                     : compress2(output, &size, input, given, atoi(args[1]));
    if (failed) return failed < 0 ? -failed : failed;
    return fwrite(output, 1, size, stdout) != size;
}
