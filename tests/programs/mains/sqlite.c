/* Runs the SQL from stdin in a database in memory; one line a row, columns between bars. */
#include <stdio.h>

#include "sqlite3.h"

static int row(void *unused, int columns, char **values, char **names) {
    (void)unused, (void)names;
    for (int i = 0; i < columns; i++) printf("%s%s", i ? "|" : "", values[i] ? values[i] : "");
    return puts("") < 0;
}

int main(void) {
    static char sql[1 << 16];
    sqlite3 *database;
    char *error = NULL;
    sql[fread(sql, 1, sizeof sql - 1, stdin)] = 0;
    if (sqlite3_open(":memory:", &database) || sqlite3_exec(database, sql, row, NULL, &error)) {
        printf("error: %s\n", error ? error : "no database");
        return 1;
    }
    return sqlite3_close(database);
}
