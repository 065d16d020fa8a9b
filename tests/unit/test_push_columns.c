/* Which columns records need, what becomes of one that is too narrow, and moments. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/suite/push_columns.h"
#include "tests/support/check/suite.h"

static const char *kind_of(const char *values)
{
    static char text[STORE_KIND_BYTES];
    struct push_columns columns;
    struct err err = {.code = OK};
    char records[2000];
    json_t *list[8];
    size_t count = 0;
    snprintf(records, sizeof records, "[%s]", values);
    json_t *all = json_loads(records, 0, NULL);
    ck_assert_msg(all != NULL, "%s", records);
    for (; count < json_array_size(all); count++)
        list[count] = json_pack("{s:O}", "key", json_array_get(all, count));
    ck_assert_msg(push_columns_make(&columns, list, count, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(columns.count, 1);
    store_kind_name(text, columns.items[0].kind);
    push_columns_free(&columns);
    while (count > 0)
        json_decref(list[--count]);
    json_decref(all);
    return text;
}

TEST(a_column_holds_all_values)
{
    /* Breaks when a column is chosen that cuts, rounds or refuses one of the values it was chosen for. */
    static const struct {
        const char *values, *column;
    } cases[] = {
        {"true, null", "BOOLEAN"},
        {"5", "INTEGER"},
        {"999999998, -999999998", "INTEGER"},
        {"2147483647", "BIGINT"},
        {"5, 0.5", "NUMERIC"},
        {"0.5, 5", "DECIMAL(15,6)"},
        {"999999999.9999999", "NUMERIC"},
        {"1e9", "NUMERIC"},
        {"3000000000, 0.5", "NUMERIC"},
        {"0.5, 3000000000", "NUMERIC"},
        {"\"x\"", "VARCHAR(50)"},
        {"\"x\", \"012345678901234567890123456789012345678901234567890\"", "VARCHAR(255)"},
        {"null", "TEXT"},
        {"[1], {\"a\": 1}", "TEXT"},
        {"5, \"x\"", "TEXT"},
        {"\"x\", 5", "VARCHAR(50)"},
        {"true, 5", "TEXT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(strcmp(kind_of(cases[i].values), cases[i].column) == 0, "%s: %s, wanted %s",
                      cases[i].values, kind_of(cases[i].values), cases[i].column);
}

TEST(widening_never_makes_narrower)
{
    /* Breaks when a column that is made wider for one value does not hold what it held before, or when it goes on becoming
     * another one with the same values. */
    for (int has = STORE_BOOLEAN; has <= STORE_JSON; has++)
        for (int needs = STORE_NOTHING; needs <= STORE_JSON; needs++) {
            struct store_kind wider, again;
            const struct store_kind before = {(enum store_type)has, has == STORE_TEXT ? 40 : 0};
            const struct store_kind value = {(enum store_type)needs, needs == STORE_TEXT ? 50 : 0};
            if (!push_kind_widen(&wider, before, value))
                continue;
            ck_assert(push_kind_widen(&again, wider, value));
            ck_assert_int_eq(again.type, wider.type);
            ck_assert_uint_eq(again.most, wider.most);
            ck_assert(push_kind_widen(&again, wider, before));
            ck_assert_int_eq(again.type, wider.type);
            ck_assert_uint_eq(again.most, wider.most);
        }
}

TEST(moments_are_those_of_one_zone)
{
    /* Breaks when a zone is left out of account, or what is no moment is taken as one. */
    static const struct {
        const char *text, *utc; /* NULL: none */
    } cases[] = {
        {"2025-05-28T01:29:42+02:00", "2025-05-27T23:29:42Z"},
        {"2025-05-28 01:29:42.123456-0330", "2025-05-28T04:59:42Z"},
        {"2025-05-28 01:29:42+00", "2025-05-28T01:29:42Z"},
        {"2025-05-28T01:29:42Z", "2025-05-28T01:29:42Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
        {"", NULL},
        {"yesterday", NULL},
        {"2025-13-01", NULL},
        {"2024-02-31", NULL},
        {"2024-02-01T00:00:61Z", NULL},
        {"0001-01-01T00:00:00+18:00", NULL},
        {"2025-05-28T", NULL},
        {"2025-05-28T01:29:42+99:00", NULL},
        {"2025-05-28T01:29:42 and more", NULL},
    };
    char utc[STORE_TIME_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bool is_one = store_time(utc, cases[i].text);
        ck_assert_msg(is_one == (cases[i].utc != NULL), "%s", cases[i].text);
        if (is_one)
            ck_assert_str_eq(utc, cases[i].utc);
    }
}

TEST(a_hash_is_of_the_content)
{
    /* Breaks when the order of keys makes another record, or another value does not. */
    char one[STORE_HASH_BYTES], other[STORE_HASH_BYTES];
    json_t *first = json_loads("{\"a\": 1, \"b\": [true]}", 0, NULL);
    json_t *second = json_loads("{\"b\": [true],   \"a\": 1}", 0, NULL);
    ck_assert(store_hash(one, first, 0) && store_hash(other, second, 0));
    ck_assert_str_eq(one, other);
    ck_assert_uint_eq(strlen(one), 64);
    ck_assert(store_hash(other, second, 1));
    ck_assert_str_ne(one, other);
    json_object_set_new(second, "a", json_integer(2));
    ck_assert(store_hash(other, second, 0));
    ck_assert_str_ne(one, other);
    json_decref(first);
    json_decref(second);
}

TEST(names_are_quoted)
{
    /* Breaks when a name ends its own quotes, or one that a database would cut is taken. */
    char quoted[STORE_QUOTED_BYTES], longest[STORE_NAME_BYTES + 1];
    ck_assert(store_quote(quoted, "a\"b\"\""));
    ck_assert_str_eq(quoted, "\"a\"\"b\"\"\"\"\"");
    ck_assert(!store_quote(quoted, ""));
    memset(longest, '"', sizeof longest);
    longest[STORE_NAME_BYTES] = '\0';
    ck_assert(!store_quote(quoted, longest));
    longest[STORE_NAME_BYTES - 1] = '\0';
    ck_assert(store_quote(quoted, longest));
    ck_assert_uint_eq(strlen(quoted), 2 * (STORE_NAME_BYTES - 1) + 2);
}

TEST_SUITE(push_columns)
