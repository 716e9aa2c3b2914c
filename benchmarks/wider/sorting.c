/* Sorting: qsort through function pointers (numbers, records by name), a heap, a merge sort of a linked list. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Record { char name[12]; int32_t key; struct Record *next; } Record;

static uint32_t seed = 1;
static uint32_t random32(void) { seed ^= seed << 13; seed ^= seed >> 17; return seed ^= seed << 5; }

static int by_value(const void *a, const void *b) { return (*(int32_t *)a > *(int32_t *)b) - (*(int32_t *)a < *(int32_t *)b); }
static int by_name(const void *a, const void *b) { return strcmp(((Record *)a)->name, ((Record *)b)->name); }

static void heap_sort(int32_t *a, int n) {
    for (int end = n, start = n / 2; end > 1;) {
        if (start > 0) start--;
        else { int32_t t = a[--end]; a[end] = a[0]; a[0] = t; }
        int root = start, child;
        while ((child = 2 * root + 1) < end) {
            if (child + 1 < end && a[child] < a[child + 1]) child++;
            if (a[root] >= a[child]) break;
            int32_t t = a[root]; a[root] = a[child]; a[child] = t;
            root = child;
        }
    }
}

static Record *merge_sort(Record *list, int n) {
    if (n < 2) { if (list) list->next = 0; return list; }
    Record *half = list;
    for (int i = 0; i < n / 2; i++) half = half->next;
    Record *b = merge_sort(half, n - n / 2), *a = merge_sort(list, n / 2), head, *tail = &head;
    while (a && b) {
        Record **less = a->key <= b->key ? &a : &b;
        tail = tail->next = *less;
        *less = (*less)->next;
    }
    tail->next = a ? a : b;
    return head.next;
}

int main(int argc, char **argv) {
    enum { N = 20000, RECORDS = 5000 };
    static int32_t numbers[N], others[N];
    static Record records[RECORDS];
    uint32_t hash = 0;
    for (int turn = argc > 1 ? atoi(argv[1]) : 1; turn; turn--) {
        for (int i = 0; i < N; i++) others[i] = numbers[i] = random32();
        for (int i = 0; i < RECORDS; i++) {
            snprintf(records[i].name, sizeof records[i].name, "n%x", random32() & 0xffffff);
            records[i].key = random32() % 1000;
        }
        qsort(numbers, N, sizeof *numbers, by_value);
        heap_sort(others, N);
        if (memcmp(numbers, others, sizeof numbers)) return 1;
        qsort(records, RECORDS, sizeof *records, by_name);
        for (int i = 0; i + 1 < RECORDS; i++) records[i].next = records + i + 1;
        for (Record *r = merge_sort(records, RECORDS); r; r = r->next) hash = hash * 31 + r->key + r->name[1];
        hash = hash * 31 + numbers[N / 2];
    }
    printf("%08x\n", hash);
    return 0;
}
