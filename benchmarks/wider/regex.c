/* A regular-expression matcher that backtracks (literals, classes, . * + ? | groups, anchors), compiled to nodes;
   patterns are looked for in a text, n times over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Node Node;
struct Node { enum { CHAR, ANY, SET, SPLIT, JUMP, END, START, MATCH } kind; unsigned char c; unsigned char set[32]; Node *next, *other; };

static Node nodes[4096];
static int count;
static const char *p;

static Node *node(int kind, Node *next) {
    Node *made = &nodes[count++];
    memset(made, 0, sizeof *made);
    made->kind = kind;
    made->next = next;
    return made;
}

typedef struct { Node *first, *last; } Part; /* last is a JUMP to be set */
static Part alternatives(void);

static Part atom(void) {
    Node *join = node(JUMP, 0), *made;
    if (*p == '(') {
        p++;
        Part inner = alternatives();
        p++;
        return inner;
    }
    if (*p == '[') {
        made = node(SET, join);
        int invert = *++p == '^';
        if (invert) p++;
        for (; *p != ']'; p++) {
            int low = (unsigned char)*p, high = p[1] == '-' ? (p += 2, (unsigned char)*p) : low;
            for (; low <= high; low++) made->set[low / 8] |= 1 << low % 8;
        }
        for (int i = 0; i < 32; i++) made->set[i] ^= invert ? 255 : 0;
    } else if (*p == '.') made = node(ANY, join);
    else if (*p == '^') made = node(START, join);
    else if (*p == '$') made = node(END, join);
    else {
        if (*p == '\\') p++;
        made = node(CHAR, join);
        made->c = *p;
    }
    p++;
    return (Part){made, join};
}

static Part repeated(void) {
    Part part = atom();
    for (; *p == '*' || *p == '+' || *p == '?'; p++) {
        Node *join = node(JUMP, 0), *split = node(SPLIT, part.first);
        split->other = join;
        part.last->next = *p == '?' ? join : split;
        part = (Part){*p == '+' ? part.first : split, join};
    }
    return part;
}

static Part sequence(void) {
    Node *start = node(JUMP, 0);
    Part all = {start, start};
    while (*p && *p != '|' && *p != ')') {
        Part next = repeated();
        all.last->next = next.first;
        all.last = next.last;
    }
    return all;
}

static Part alternatives(void) {
    Part first = sequence();
    while (*p == '|') {
        p++;
        Part second = sequence();
        Node *split = node(SPLIT, first.first), *join = node(JUMP, 0);
        split->other = second.first;
        first.last->next = second.last->next = join;
        first = (Part){split, join};
    }
    return first;
}

static const char *text;

static const char *match(const Node *n, const char *s) {
    for (;;) switch (n->kind) {
        case CHAR: if ((unsigned char)*s != n->c) return 0; s++; n = n->next; break;
        case ANY: if (!*s || *s == '\n') return 0; s++; n = n->next; break;
        case SET: if (!*s || !(n->set[(unsigned char)*s / 8] >> *s % 8 & 1)) return 0; s++; n = n->next; break;
        case START: if (s != text && s[-1] != '\n') return 0; n = n->next; break;
        case END: if (*s && *s != '\n') return 0; n = n->next; break;
        case JUMP: n = n->next; break;
        case SPLIT: { const char *end = match(n->next, s); if (end) return end; n = n->other; break; }
        default: return s;
        }
}

int main(int argc, char **argv) {
    static const char *patterns[] = {"[a-z]+@[a-z]+\\.(com|org|net)", "^line [0-9]*7:", "(error|warning): .*$",
                                     "([0-9]+\\.)+[0-9]+", "[^ ]+ing( |$)", "a?b*c+d"};
    static char buffer[40000];
    char *out = buffer;
    for (int i = 0; i < 300; i++)
        out += sprintf(out, "line %d: mail bob%c@host.%s about running version %d.%d.%d %s: abbccd\n", i, 'a' + i % 26,
                       i % 3 ? "com" : "de", i, i % 7, i % 5, i % 4 ? "info" : "warning");
    text = buffer;
    for (int turn = argc > 1 ? atoi(argv[1]) : 1; turn; turn--)
        for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
            count = 0;
            p = patterns[i];
            Part whole = alternatives();
            whole.last->next = node(MATCH, 0);
            int found = 0, length = 0;
            for (const char *s = text; *s; s++) {
                const char *end = match(whole.first, s);
                if (end) { found++; length += end - s; if (end > s) s = end - 1; }
            }
            if (turn == 1) printf("%s: %d %d\n", patterns[i], found, length);
        }
    return 0;
}
