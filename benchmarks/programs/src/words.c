/* The ten most frequent words of stdin, counted n times over: a hash map with allocation, strings, and qsort
   through a function pointer. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
typedef struct Word { struct Word *next; uint32_t count; char text[]; } Word;

static Word *buckets[BUCKETS];
static size_t distinct;

static void count(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    Word **place = &buckets[hash % BUCKETS];
    for (Word *w = *place; w; w = w->next)
        if (strlen(w->text) == length && memcmp(w->text, text, length) == 0) { w->count++; return; }
    Word *fresh = malloc(sizeof *fresh + length + 1);
    if (!fresh) exit(1);
    memcpy(fresh->text, text, length);
    fresh->text[length] = 0;
    fresh->count = 1;
    fresh->next = *place;
    *place = fresh;
    distinct++;
}

static void count_all(const char *text, size_t size) {
    char word[64];
    size_t length = 0;
    for (size_t i = 0; i <= size; i++) {
        int c = i < size ? (unsigned char)text[i] : ' ';
        if (isalnum(c)) { if (length < sizeof word) word[length++] = (char)tolower(c); }
        else if (length) { count(word, length); length = 0; }
    }
}

static int by_count(const void *a, const void *b) {
    const Word *x = *(Word *const *)a, *y = *(Word *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

int main(int argc, char **argv) {
    static char text[1 << 16];
    size_t size = fread(text, 1, sizeof text, stdin);
    for (int times = argc > 1 ? atoi(argv[1]) : 1; times > 0; times--) count_all(text, size);
    Word **all = malloc((distinct + 1) * sizeof *all);
    size_t n = 0;
    for (int i = 0; i < BUCKETS; i++) for (Word *w = buckets[i]; w; w = w->next) all[n++] = w;
    qsort(all, n, sizeof *all, by_count);
    printf("%zu bytes, %zu distinct\n", size, distinct);
    for (size_t i = 0; i < n && i < 10; i++) printf("%u %s\n", all[i]->count, all[i]->text);
    return 0;
}
