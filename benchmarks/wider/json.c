/* JSON: a document is written, parsed to a tree, changed, and written again, n times over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Node { enum { NIL, NUMBER, STRING, ARRAY, OBJECT } kind; double number; char *text; struct Node *child, *next; char *key; } Node;

static char *at;
static char pool[1 << 20];
static size_t used;

static void *take(size_t size) {
    void *taken = pool + used;
    used += (size + 15) & ~(size_t)15;
    if (used > sizeof pool) exit(1);
    return memset(taken, 0, size);
}

static void blanks(void) { while (*at == ' ' || *at == '\n') at++; }

static char *string(void) {
    char *end = ++at, *out, *made;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    out = made = take(end - at + 1);
    while (at < end) {
        if (*at == '\\') {
            at++;
            *out++ = *at == 'n' ? '\n' : *at;
        } else *out++ = *at;
        at++;
    }
    *out = 0;
    at = end + 1;
    return made;
}

static Node *value(void) {
    Node *node = take(sizeof *node), **last = &node->child;
    blanks();
    if (*at == '"') {
        node->kind = STRING;
        node->text = string();
    } else if (*at == '[' || *at == '{') {
        char close = *at == '[' ? ']' : '}';
        node->kind = *at++ == '[' ? ARRAY : OBJECT;
        for (blanks(); *at != close; blanks()) {
            char *key = 0;
            if (*at == ',') { at++; continue; }
            if (node->kind == OBJECT) { key = string(); blanks(); at++; }
            *last = value();
            (*last)->key = key;
            last = &(*last)->next;
        }
        at++;
    } else if (*at == 'n') at += 4;
    else {
        node->kind = NUMBER;
        node->number = strtod(at, &at);
    }
    return node;
}

static char *quoted(char *out, const char *text) {
    *out++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '\n') *out++ = '\\';
        *out++ = *text == '\n' ? 'n' : *text;
    }
    *out++ = '"';
    return out;
}

static char *write(char *out, const Node *node) {
    if (node->kind == NIL) return out + sprintf(out, "null");
    if (node->kind == NUMBER) return out + sprintf(out, "%.10g", node->number);
    if (node->kind == STRING) return quoted(out, node->text);
    *out++ = node->kind == ARRAY ? '[' : '{';
    for (Node *child = node->child; child; child = child->next) {
        if (child->key) { out = quoted(out, child->key); *out++ = ':'; }
        out = write(out, child);
        if (child->next) *out++ = ',';
    }
    *out++ = node->kind == ARRAY ? ']' : '}';
    return out;
}

static double total(Node *node) {
    double sum = node->kind == NUMBER ? node->number++ : node->kind == STRING ? strlen(node->text) : 0;
    for (Node *child = node->child; child; child = child->next) sum += total(child);
    return sum;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 1;
    static char text[200000], again[200000];
    char *out = text + sprintf(text, "[");
    for (int i = 0; i < 400; i++)
        out += sprintf(out, "%s{\"id\": %d, \"name\": \"row \\\"%d\\\"\\n\", \"tags\": [\"a%d\", null, \"b\"], \"at\": {\"x\": %d.5, \"y\": -%d.25}}",
                       i ? ", " : "", i, i * 7, i % 13, i * 3, i);
    sprintf(out, "]");
    double sum = 0;
    for (int i = 0; i < n; i++) {
        used = 0;
        at = i % 2 ? again : text;
        Node *tree = value();
        sum += total(tree);
        *write(i % 2 ? text : again, tree) = 0;
    }
    printf("%.2f %zu %.60s\n", sum, strlen(text), again);
    return 0;
}
