#include "tests/support/check/history_base.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_base_start(struct history_base *base, bool is_postgres, const char *directory)
{
    *base = (struct history_base){.is_postgres = is_postgres};
    if (is_postgres)
        postgres_start(&base->server, NULL);
    if (is_postgres)
        snprintf(base->address, sizeof base->address, "%s", base->server.address);
    else
        snprintf(base->address, sizeof base->address, "%s/history.db", directory);
}

void history_base_stop(struct history_base *base)
{
    postgres_stop(&base->server);
}

static int add_row(void *state, int count, char **values, char **names)
{
    FILE *out = state;
    (void)names;
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "");
    fprintf(out, "\n");
    return 0;
}

char *history_base_ask(const struct history_base *base, const char *statement)
{
    if (base->is_postgres)
        return postgres_ask(&base->server, statement);
    char *text = NULL, *problem = NULL;
    size_t bytes = 0;
    sqlite3 *file = NULL;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(sqlite3_open(base->address, &file), SQLITE_OK);
    const int code = sqlite3_exec(file, statement, add_row, out, &problem);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", statement, problem);
    sqlite3_close(file);
    fclose(out);
    if (bytes > 0)
        text[bytes - 1] = '\0';
    return text;
}
