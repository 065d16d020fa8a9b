#include "orchestrator/scenario/scenario_samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/scenario/run_file.h"

#define JSON_BYTES_MAX (256ull << 20)

/* Cuts at commas; cells in quotes keep theirs. Returns how many; SAMPLE_COLUMNS_MAX + 1: too many. */
static size_t cut(const char *cells[SAMPLE_COLUMNS_MAX], char *line)
{
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line;; at++) {
        if (count == SAMPLE_COLUMNS_MAX)
            return SAMPLE_COLUMNS_MAX + 1;
        cells[count++] = at;
        if (*at == '"')
            for (at++; *at != '\0' && (*at != '"' || at[1] == '"'); at += 1 + (*at == '"'))
                continue;
        at += strcspn(at, ",");
        if (*at == '\0')
            return count;
        *at = '\0';
    }
}

static enum err_code not_whole(const struct sample_table *table, struct err *err)
{
    return err_set(err, E_DATA, "%.300s is not whole, or not a file of samples of a scenario",
                   table->path);
}

enum err_code sample_table_open(struct sample_table **opened, const char *run_path,
                                const char *scenario, const char *ending, struct err *err)
{
    uint64_t size_bytes;
    struct sample_table *table = calloc(1, sizeof *table);
    *opened = table;
    if (table == NULL)
        return err_set(err, E_SYSTEM, "no memory for samples");
    if ((size_t)snprintf(table->path, sizeof table->path, "%s/%s%s", run_path, scenario, ending) >=
        sizeof table->path)
        return err_set(err, E_USAGE, "the path of the run is too long");
    if (run_file_open(&table->in, &size_bytes, table->path, err) != OK)
        return err->code;
    if (fgets(table->head, sizeof table->head, table->in) == NULL)
        return not_whole(table, err);
    table->column_count = cut(table->names, table->head);
    return table->column_count >= 3 && table->column_count <= SAMPLE_COLUMNS_MAX
               ? OK
               : not_whole(table, err);
}

enum err_code sample_table_next(struct sample_table *table, bool *more, struct err *err)
{
    *more = fgets(table->line, sizeof table->line, table->in) != NULL;
    if (!*more)
        return ferror(table->in)
                   ? err_set_errno(err, E_DATA, errno, "cannot read %.300s", table->path)
                   : OK;
    return strchr(table->line, '\n') != NULL &&
                   cut(table->cells, table->line) == table->column_count
               ? OK
               : not_whole(table, err);
}

void sample_table_close(struct sample_table *table)
{
    if (table != NULL && table->in != NULL)
        (void)fclose(table->in);
    free(table);
}

enum err_code scenario_document_read(json_t **value, const char *run_path, const char *name,
                                     struct err *err)
{
    char path[SCENARIO_PATH_BYTES];
    uint64_t size_bytes;
    FILE *in;
    json_error_t error;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", run_path, name) >= sizeof path)
        return err_set(err, E_USAGE, "the path of the run is too long");
    if (run_file_open(&in, &size_bytes, path, err) != OK)
        return err->code;
    *value = size_bytes > JSON_BYTES_MAX ? NULL : json_loadf(in, JSON_REJECT_DUPLICATES, &error);
    (void)fclose(in);
    return *value != NULL ? OK : err_set(err, E_DATA, "%.300s is no JSON of a scenario", path);
}
