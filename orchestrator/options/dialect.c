#include "orchestrator/options/dialect.h"

#include <assert.h>
#include <string.h>

#include "common/units.h"

static const struct dialect *const dialects[] = {&dialect_valkey, &dialect_redis};
#define DIALECT_COUNT (sizeof dialects / sizeof dialects[0])
#define ROWS_MAX 80

const struct dialect *dialect_at(size_t index)
{
    return index < DIALECT_COUNT ? dialects[index] : NULL;
}

const struct dialect *dialect_find(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        if (strcmp(dialects[i]->name, base) == 0)
            return dialects[i];
    return NULL;
}

const char *dialect_with_option(const char *spelling)
{
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        for (size_t k = 0; k < dialects[i]->row_count; k++)
            if (list_has(dialects[i]->rows[k].there, ' ', spelling, strlen(spelling)))
                return dialects[i]->name;
    return NULL;
}

/* bench's row under the other tool's spelling, with what the dialect says otherwise. */
static struct option_row derive(const struct dialect_row *difference)
{
    struct option_row row = difference->row;
    if (difference->option != NULL) {
        int index = options_row(bench_option_table(), difference->option);
        assert(index >= 0);
        row = bench_option_table()->rows[index];
        row.takes_next = NULL;
        row.hint = NULL; /* speaks of this dialect */
        row.repeats = false;
        row.command_line_only = true;
        if (difference->row.unset != NULL)
            row.unset = *difference->row.unset != '\0' ? difference->row.unset : NULL;
        if (difference->row.clamps) {
            row.clamps = true;
            row.min = difference->row.min;
            row.max = difference->row.max;
        }
        if (difference->row.parse != NULL) {
            row.kind = OPTION_CUSTOM;
            row.base = 0; /* of the whole request */
            row.parse = difference->row.parse;
        }
        if (difference->row.value_at != NULL)
            row.value_at = difference->row.value_at;
    }
    row.spelled = difference->there;
    row.aliases = row.shorts = NULL;
    row.argument = difference->argument;
    row.section = "Options";
    if (difference->meaning != NULL)
        row.help = difference->meaning;
    return row;
}

const struct option_table *dialect_option_table(const struct dialect *dialect)
{
    static struct {
        struct option_row rows[ROWS_MAX];
        struct option_table table;
    } made[DIALECT_COUNT];
    size_t index = 0;
    while (index + 1 < DIALECT_COUNT && dialects[index] != dialect)
        index++;
    struct option_table *table = &made[index].table;
    if (table->row_count > 0)
        return table;
    assert(dialect->row_count <= ROWS_MAX);
    for (size_t i = 0; i < dialect->row_count; i++)
        made[index].rows[i] = derive(&dialect->rows[i]);
    *table = (struct option_table){
        .rows = made[index].rows,
        .row_count = dialect->row_count,
        .usage = dialect->usage,
        .synopsis = dialect->synopsis,
        .epilogue = dialect->epilogue,
        .takes_command = true,
        .exact = true,
    };
    return table;
}

enum err_code dialect_options_parse(struct bench_request *request, const struct dialect *dialect,
                                    int argc, const char *const *argv, struct err *err)
{
    memset(request, 0, sizeof *request);
    request->dialect = dialect;
    enum err_code code = bench_options_defaults(request, err);
    if (code == OK)
        code = options_parse(&request->values, dialect_option_table(dialect), request, argc, argv,
                             err);
    if (code != OK || request->help || request->version)
        return code;
    return dialect->settle(request, err);
}

/* '|' would end a cell, also inside code. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_there(FILE *out, const struct dialect_row *row)
{
    const char *separator = "`";
    struct list_word word;
    for (const char *at = row->there; list_next(&word, &at, ' '); separator = "`, `")
        fprintf(out, "%s%.*s", separator, (int)word.byte_count, word.text);
    fprintf(out, "%s%s`", row->argument != NULL ? " " : "",
            row->argument != NULL ? row->argument : "");
}

/* volley's own spelling: "-c, --clients N". */
static void print_own(FILE *out, const struct dialect_row *row)
{
    if (row->option == NULL)
        return;
    const struct option_row *own =
        &bench_option_table()->rows[options_row(bench_option_table(), row->option)];
    fputc('`', out);
    for (const char *letter = own->shorts; letter != NULL && *letter != '\0'; letter++)
        fprintf(out, "-%c`, `", *letter);
    fprintf(out, "--%s%s", own->name, own->argument != NULL ? " " : "");
    print_cell(out, own->argument != NULL ? own->argument : "");
    fputc('`', out);
}

void dialect_print_markdown(const struct dialect *dialect, FILE *out)
{
    fprintf(out,
            "| %s | volley's own | its own does otherwise | both do otherwise |\n"
            "|---|---|---|---|\n",
            dialect->name);
    for (size_t i = 0; i < dialect->row_count; i++) {
        const struct dialect_row *row = &dialect->rows[i];
        fputs("| ", out);
        if (*row->there == '\0')
            fprintf(out, "(always `%s`)", row->row.unset);
        else
            print_there(out, row);
        fputs(" | ", out);
        print_own(out, row);
        fputs(" | ", out);
        print_cell(out, row->here != NULL ? row->here : "");
        fputs(" | ", out);
        print_cell(out, row->both != NULL ? row->both : "");
        fputs(" |\n", out);
    }
}
