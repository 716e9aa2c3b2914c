/* What a command-line program can see through WASI, printed line by line; judged against wasmtime.
   Built like the benchmarks' programs: benchmarks/programs/build.py's build_c. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void cat(const char *path) {
    char text[100];
    FILE *file = fopen(path, "r");
    if (!file) { printf("cat %s: %s\n", path, strerror(errno)); return; }
    fseek(file, -6, SEEK_END);
    size_t size = fread(text, 1, sizeof text, file);
    printf("cat %s: from %ld: %.*s\n", path, ftell(file) - (long)size, (int)size, text);
    fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0) { printf("list %s: %s\n", path, strerror(errno)); return; }
    for (int i = 0; i < count; i++) printf("list %s: %s %d\n", path, entries[i]->d_name, entries[i]->d_type == DT_DIR);
}

static void look(const char *path) {
    struct stat s;
    if (stat(path, &s) != 0) printf("stat %s: %s\n", path, strerror(errno));
    else printf("stat %s: %lld %d\n", path, S_ISREG(s.st_mode) ? (long long)s.st_size : 0, S_ISDIR(s.st_mode));
}

int main(int argc, char **argv) {
    char line[100];
    for (int i = 1; i < argc; i++) printf("argument %s\n", argv[i]);
    for (char **e = environ; *e; e++) printf("environment %s\n", *e);
    while (fgets(line, sizeof line, stdin)) printf("input %s", line);
    list("/data");
    list("/data/sub");
    cat("/data/hello.txt");
    cat("/data/sub/../sub/inner.txt");
    cat("/data/link");
    cat("/data/nothing");
    cat("/elsewhere");
    look("/data/hello.txt");
    look("/data/sub");
    look("/data/nothing");
    printf("write %d\n", fopen("/data/hello.txt", "w") == NULL);
    printf("create %d\n", fopen("/data/new.txt", "a") == NULL);
    printf("remove %d\n", unlink("/data/hello.txt"));
    printf("time %d\n", time(NULL) > 1700000000);
    struct timespec before, after, pause = {0, 2000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("slept %d\n", (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec >= 2000000);
    unsigned char random[32] = {0}, zeros[32] = {0};
    printf("random %d\n", getentropy(random, sizeof random) == 0 && memcmp(random, zeros, sizeof zeros) != 0);
    fprintf(stderr, "to stderr\n");
    return 7;
}
