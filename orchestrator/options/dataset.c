#include "orchestrator/options/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/units.h"

/* Cells are written over the text that they are read from: no cell is longer than what it is read from. */
struct parser {
    struct dataset *dataset;
    const char *at, *end;
    char *out;
    size_t line; /* from 1 on */
    size_t cell_count, cell_room;
    struct err *err;
};

static enum err_code out_of_memory(const struct parser *parser)
{
    return err_set(parser->err, E_SYSTEM, "no memory for a table of %zu cells", parser->cell_room);
}

static enum err_code add_cell(struct parser *parser, const char *text, size_t byte_count)
{
    struct dataset *dataset = parser->dataset;
    if (parser->cell_count == parser->cell_room) {
        const size_t room = parser->cell_room * 2 + 64;
        struct plan_cell *grown = realloc(dataset->cells, room * sizeof grown[0]);
        if (grown == NULL)
            return out_of_memory(parser);
        dataset->cells = grown;
        parser->cell_room = room;
    }
    dataset->cells[parser->cell_count++] =
        (struct plan_cell){.text = text, .byte_count = (uint32_t)byte_count};
    return OK;
}

static bool at_line_end(const struct parser *parser)
{
    return parser->at == parser->end || *parser->at == '\n' ||
           (*parser->at == '\r' && parser->at + 1 < parser->end && parser->at[1] == '\n');
}

static void skip_line_end(struct parser *parser)
{
    if (parser->at < parser->end && *parser->at == '\r')
        parser->at++;
    if (parser->at < parser->end)
        parser->at++;
    parser->line++;
}

static enum err_code read_quoted(struct parser *parser)
{
    const size_t begun_at = parser->line;
    parser->at++;
    while (parser->at < parser->end) {
        const char c = *parser->at++;
        if (c == '"' && (parser->at == parser->end || *parser->at != '"'))
            return OK;
        parser->at += c == '"';
        parser->line += c == '\n';
        *parser->out++ = c;
    }
    return err_set(parser->err, E_CONFIG, "line %zu: a quote without an end", begun_at);
}

/* What stands for this letter behind a backslash. False: nothing does. */
static bool unescape(char *c, char letter)
{
    static const struct {
        char letter, meant;
    } known[] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'\\', '\\'}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].letter == letter) {
            *c = known[i].meant;
            return true;
        }
    return false;
}

/* One cell, up to what ends it. */
static enum err_code read_cell(struct parser *parser, char separator)
{
    char *const begin = parser->out;
    enum err_code code = OK;
    if (separator == ',' && parser->at < parser->end && *parser->at == '"')
        code = read_quoted(parser);
    while (code == OK && !at_line_end(parser) && *parser->at != separator) {
        char c = *parser->at++;
        if (separator == '\t' && c == '\\' && !at_line_end(parser) && unescape(&c, *parser->at))
            parser->at++;
        *parser->out++ = c;
    }
    const size_t bytes = (size_t)(parser->out - begin);
    if (code == OK && bytes > SIZE_BYTES_MAX)
        code = err_set(parser->err, E_CONFIG,
                       "line %zu: a field of %s bytes; a server takes at most 512 MB", parser->line,
                       UNITS_GROUPED(bytes));
    return code == OK ? add_cell(parser, begin, bytes) : code;
}

/* One row; *cells: how many there are. */
static enum err_code read_row(struct parser *parser, enum dataset_format format, size_t *cells)
{
    const size_t before = parser->cell_count;
    const char separator = format == DATASET_CSV ? ',' : format == DATASET_TSV ? '\t' : '\n';
    enum err_code code = OK;
    for (;;) {
        code = read_cell(parser, separator);
        if (code != OK || at_line_end(parser))
            break;
        parser->at++; /* the separator */
    }
    *cells = parser->cell_count - before;
    skip_line_end(parser);
    return code;
}

static enum err_code name_fields(struct parser *parser, size_t count)
{
    struct dataset *dataset = parser->dataset;
    if (count > DATASET_FIELDS_MAX)
        return err_set(parser->err, E_CONFIG, "line 1: %s fields; at most %u are possible",
                       UNITS_GROUPED(count), DATASET_FIELDS_MAX);
    dataset->names = calloc(count + 1, sizeof dataset->names[0]);
    if (dataset->names == NULL)
        return out_of_memory(parser);
    dataset->data.field_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct plan_cell *cell = &dataset->cells[i];
        char *name = calloc(1, (size_t)cell->byte_count + 1);
        dataset->names[i] = name;
        if (name == NULL)
            return out_of_memory(parser);
        memcpy(name, cell->text, cell->byte_count); /* which nothing ends */
        if (name[0] == '\0')
            return err_set(parser->err, E_CONFIG, "line 1: field %zu has no name", i + 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(dataset->names[k], name) == 0)
                return err_set(parser->err, E_CONFIG, "line 1: two fields are called %.60s", name);
    }
    parser->cell_count = 0; /* they are no row */
    return OK;
}

static enum err_code read_rows(struct parser *parser, enum dataset_format format, uint64_t rows)
{
    struct dataset *dataset = parser->dataset;
    enum err_code code = OK;
    while (code == OK && parser->at < parser->end &&
           (rows == 0 || dataset->data.row_count < rows)) {
        const size_t line = parser->line;
        if (format != DATASET_LINES && at_line_end(parser)) {
            skip_line_end(parser);
            continue;
        }
        size_t cells;
        code = read_row(parser, format, &cells);
        if (code == OK && cells != dataset->data.field_count)
            code = err_set(parser->err, E_CONFIG, "line %zu: %zu fields, and the first line has %u",
                           line, cells, dataset->data.field_count);
        dataset->data.row_count++;
    }
    return code;
}

enum err_code dataset_parse(struct dataset *dataset, char *bytes, size_t byte_count,
                            enum dataset_format format, uint64_t rows, struct err *err)
{
    *dataset = (struct dataset){.bytes = bytes};
    struct parser parser = {.dataset = dataset,
                            .at = bytes,
                            .end = bytes + byte_count,
                            .out = bytes,
                            .line = 1,
                            .err = err};
    enum err_code code = OK;
    size_t fields = 1;
    if (byte_count >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        parser.at += 3;
    if (format == DATASET_LINES)
        code = add_cell(&parser, "line", 4);
    else if (parser.at < parser.end)
        code = read_row(&parser, format, &fields);
    if (code == OK && (parser.cell_count > 0))
        code = name_fields(&parser, fields);
    if (code == OK)
        code = read_rows(&parser, format, rows);
    if (code == OK && dataset->data.row_count == 0)
        code = err_set(err, E_CONFIG, "it holds no row");
    dataset->data.names = dataset->names;
    dataset->data.cells = dataset->cells;
    return code;
}

void dataset_free(struct dataset *dataset)
{
    for (uint32_t i = 0; dataset->names != NULL && i < dataset->data.field_count; i++)
        free((void *)(uintptr_t)dataset->names[i]);
    free(dataset->names);
    free(dataset->cells);
    free(dataset->bytes);
    *dataset = (struct dataset){.bytes = NULL};
}

enum dataset_format dataset_format_of(const char *path)
{
    const size_t bytes = strlen(path);
    if (bytes > 4 && strcasecmp(path + bytes - 4, ".csv") == 0)
        return DATASET_CSV;
    return bytes > 4 && strcasecmp(path + bytes - 4, ".tsv") == 0 ? DATASET_TSV : DATASET_LINES;
}

/* All of a regular file. */
static enum err_code read_file(char **bytes, size_t *byte_count, int fd,
                               const struct dataset_limit *limit, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return err_set_errno(err, E_CONFIG, errno, "cannot be read");
    if (!S_ISREG(status.st_mode))
        return err_set(err, E_CONFIG, "is no regular file");
    if ((uint64_t)status.st_size > limit->bytes)
        return err_set(err, E_CONFIG, "is larger than %s", limit->text);
    const size_t size = (size_t)status.st_size;
    *bytes = malloc(size + 1);
    if (*bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for %zu bytes of it", size);
    for (*byte_count = 0; *byte_count < size;) {
        const ssize_t got = read(fd, *bytes + *byte_count, size - *byte_count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, E_CONFIG, errno, "cannot be read");
        if (got == 0)
            break;
        *byte_count += (size_t)got;
    }
    return OK;
}

enum err_code dataset_read_bytes(char **bytes, size_t *byte_count, const char *path,
                                 const struct dataset_limit *limit, struct err *err)
{
    *bytes = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set_errno(err, E_CONFIG, errno, "cannot be read");
    enum err_code code = read_file(bytes, byte_count, fd, limit, err);
    close(fd);
    if (code != OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return code;
}

enum err_code dataset_read(struct dataset *dataset, const char *path, enum dataset_format format,
                           uint64_t rows, struct err *err)
{
    char *bytes = NULL;
    size_t byte_count = 0;
    static const struct dataset_limit limit = {DATASET_BYTES_MAX, "1 GB"};
    *dataset = (struct dataset){.bytes = NULL};
    if (dataset_read_bytes(&bytes, &byte_count, path, &limit, err) != OK)
        return err->code;
    return dataset_parse(dataset, bytes, byte_count, format, rows, err);
}
