/* Tables that requests take fields from: a field that is another one's, a row that is cut or doubled, a file that is
 * no table and is taken for one. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/dataset.h"
#include "tests/support/check/suite.h"

static struct dataset dataset;
static struct err err;

static uint64_t rows_wanted;

static enum err_code parse(const char *text, enum dataset_format format)
{
    const size_t bytes = strlen(text);
    char *copy = malloc(bytes + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, bytes);
    err = (struct err){.code = OK};
    return dataset_parse(&dataset, copy, bytes, format, rows_wanted, &err);
}

static void has_cell(uint64_t row, uint32_t field, const char *text)
{
    const struct plan_cell *cell = &dataset.data.cells[row * dataset.data.field_count + field];
    ck_assert_uint_eq(cell->byte_count, strlen(text));
    ck_assert(memcmp(cell->text, text, cell->byte_count) == 0);
}

TEST(csv_is_read_as_rfc_4180_has_it)
{
    /* Otherwise a comma or line end within quotes cuts a field in two. */
    ck_assert_int_eq(
        parse("\xef\xbb\xbfid,name,text\r\n1,\"a,b\",\"x\r\ny \"\"z\"\"\"\r\n2,,\n3,c,d",
              DATASET_CSV),
        OK);
    ck_assert_uint_eq(dataset.data.field_count, 3);
    ck_assert_uint_eq(dataset.data.row_count, 3);
    ck_assert_str_eq(dataset.data.names[0], "id");
    ck_assert_str_eq(dataset.data.names[2], "text");
    has_cell(0, 1, "a,b");
    has_cell(0, 2, "x\r\ny \"z\"");
    has_cell(1, 1, "");
    has_cell(1, 2, "");
    has_cell(2, 0, "3");
    has_cell(2, 2, "d");
    dataset_free(&dataset);
}

TEST(tsv_has_escapes_and_no_quotes)
{
    /* Otherwise a quote that belongs to the text swallows the rest of the file. */
    ck_assert_int_eq(parse("a\tb\n\"1\t2\\t3\\n\\\\\n4\\q\t5\n", DATASET_TSV), OK);
    ck_assert_uint_eq(dataset.data.row_count, 2);
    has_cell(0, 0, "\"1");
    has_cell(0, 1, "2\t3\n\\");
    has_cell(1, 0, "4\\q");
    has_cell(1, 1, "5");
    dataset_free(&dataset);
}

TEST(each_line_is_a_row)
{
    /* Otherwise the first line is taken for a name, or the last one without an end is lost. */
    ck_assert_int_eq(parse("one, \"x\nt\\two\r\n\nfour", DATASET_LINES), OK);
    ck_assert_uint_eq(dataset.data.row_count, 4);
    ck_assert_str_eq(dataset.data.names[0], "line");
    has_cell(0, 0, "one, \"x");
    has_cell(1, 0, "t\\two");
    has_cell(2, 0, "");
    has_cell(3, 0, "four");
    dataset_free(&dataset);
}

TEST(empty_lines_are_no_rows)
{
    /* A line end too many at the end of a file is a row of another length, or of an empty field. */
    ck_assert_int_eq(parse("a,b\n1,2\n\n\r\n3,4\n\n", DATASET_CSV), OK);
    ck_assert_uint_eq(dataset.data.row_count, 2);
    has_cell(1, 0, "3");
    dataset_free(&dataset);
    ck_assert_int_eq(parse("a\n\n\"\"\n", DATASET_CSV), OK);
    ck_assert_uint_eq(dataset.data.row_count, 1);
    has_cell(0, 0, "");
    dataset_free(&dataset);
}

TEST(only_the_first_rows)
{
    /* More of a table is sent than was asked for, or what is behind it is refused. */
    static const struct {
        uint64_t wanted, read;
    } cases[] = {{0, 3}, {1, 1}, {2, 2}, {3, 3}, {4, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rows_wanted = cases[i].wanted;
        ck_assert_int_eq(parse("a\n1\n2\n3", DATASET_TSV), OK);
        ck_assert_uint_eq(dataset.data.row_count, cases[i].read);
        dataset_free(&dataset);
    }
    rows_wanted = 1;
    ck_assert_int_eq(parse("a\n1\n2,3\n\"", DATASET_CSV), OK);
    dataset_free(&dataset);
    rows_wanted = 0;
}

TEST(what_is_no_table_is_refused)
{
    /* Otherwise requests take fields that are others', or none. */
    static const struct {
        const char *text;
        enum dataset_format format;
        const char *said;
    } cases[] = {
        {"", DATASET_CSV, "holds no row"},
        {"", DATASET_LINES, "holds no row"},
        {"a,b\n", DATASET_CSV, "holds no row"},
        {"a,b\n1,2\n1\n", DATASET_CSV, "line 3: 1 fields, and the first line has 2"},
        {"a,b\n1,2,3\n", DATASET_CSV, "line 2: 3 fields"},
        {"a,a\n1,2\n", DATASET_CSV, "two fields are called a"},
        {"a,,b\n1,2,3\n", DATASET_CSV, "field 2 has no name"},
        {"a\n1\n\"2\n3\n", DATASET_CSV, "line 3: a quote without an end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(parse(cases[i].text, cases[i].format), E_CONFIG);
        ck_assert_msg(strstr(err.text, cases[i].said) != NULL, "%s", err.text);
        dataset_free(&dataset);
    }
}

TEST(what_cannot_be_read_is_refused)
{
    /* Otherwise a directory or a pipe is waited for, or taken for an empty file. */
    static const char *const paths[] = {"/", "/dev/null", "/nonexistent/x.csv"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        err = (struct err){.code = OK};
        ck_assert_int_eq(dataset_read(&dataset, paths[i], DATASET_CSV, 0, &err), E_CONFIG);
        dataset_free(&dataset);
    }
    ck_assert_int_eq(dataset_format_of("x/y.CSV"), DATASET_CSV);
    ck_assert_int_eq(dataset_format_of("y.tsv"), DATASET_TSV);
    ck_assert_int_eq(dataset_format_of("csv"), DATASET_LINES);
}

TEST_SUITE(dataset)
