/* Words and placeholders of workload files. */
#include <string.h>

#include "tests/support/check/suite.h"
#include "worker/generate/brace.h"

static struct err err;

static struct brace_piece piece_of(const char *word)
{
    struct brace_piece piece;
    err = (struct err){.code = OK};
    enum err_code code = brace_next(&piece, word, strlen(word), &err);
    ck_assert_msg(code == OK, "%s: %s", word, err.text);
    return piece;
}

static void refused(const char *word, const char *says)
{
    struct brace_piece piece;
    err = (struct err){.code = OK};
    ck_assert_msg(brace_next(&piece, word, strlen(word), &err) == E_CONFIG, "%s is taken", word);
    ck_assert_str_eq(err.text, says);
}

TEST(each_placeholder_is_read)
{
    /* breaks if a placeholder of the reference is refused, or is another one */
    static const struct {
        const char *word, *name;
        enum brace_kind kind;
        uint32_t label;
    } placeholders[] = {
        {"{key}", "", BRACE_KEY, 0},
        {"{key:users}", "users", BRACE_KEY, 0},
        {"{key:users#1}", "users", BRACE_KEY, 1},
        {"{key#9}", "", BRACE_KEY, 9},
        {"{new}", "", BRACE_NEW, 0},
        {"{new:users}", "users", BRACE_NEW, 0},
        {"{value}", "", BRACE_VALUE, 0},
        {"{value:a.b_c-d}", "a.b_c-d", BRACE_VALUE, 0},
        {"{float}", "", BRACE_FLOAT, 0},
        {"{seq}", "", BRACE_SEQ, 0},
        {"{seq }", "", BRACE_SEQ, 0},
        {"{ticket}", "", BRACE_TICKET, 0},
        {"{worker}", "", BRACE_WORKER, 0},
        {"{run}", "", BRACE_RUN, 0},
        {"{now}", "", BRACE_NOW, 0},
        {"{uuid}", "", BRACE_UUID, 0},
        {"{field sku}", "sku", BRACE_FIELD, 0},
        {"{field  First Name }", "First Name", BRACE_FIELD, 0},
    };
    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
        const struct brace_piece piece = piece_of(placeholders[i].word);
        ck_assert_int_eq(piece.kind, placeholders[i].kind);
        ck_assert_str_eq(piece.name, placeholders[i].name);
        ck_assert_uint_eq(piece.label, placeholders[i].label);
        ck_assert_uint_eq(piece.used_bytes, strlen(placeholders[i].word));
    }
}

TEST(numbers_of_placeholders)
{
    /* breaks if a range or an exponent is another one than the file says */
    struct brace_piece piece = piece_of("{int -5 10k}:rest");
    ck_assert_int_eq(piece.kind, BRACE_INT);
    ck_assert_int_eq(piece.from, -5);
    ck_assert_int_eq(piece.to, 10000);
    ck_assert_uint_eq(piece.used_bytes, strlen("{int -5 10k}"));
    piece = piece_of("{int  7  7 }");
    ck_assert_int_eq(piece.from, 7);
    ck_assert_int_eq(piece.to, 7);
    piece = piece_of("{float -1.5 2}");
    ck_assert_double_eq(piece.low, -1.5);
    ck_assert_double_eq(piece.high, 2);
    piece = piece_of("{float}");
    ck_assert_double_eq(piece.low, 0);
    ck_assert_double_eq(piece.high, 1);
    piece = piece_of("{zipf 1m}");
    ck_assert_int_eq(piece.from, 1000000);
    ck_assert_double_eq(piece.low, 0.99);
    piece = piece_of("{zipf 10 1.2}");
    ck_assert_double_eq(piece.low, 1.2);
    piece = piece_of("{vector 128}");
    ck_assert_int_eq(piece.kind, BRACE_VECTOR);
    ck_assert_int_eq(piece.from, 128);
}

TEST(what_is_no_placeholder_is_text)
{
    /* breaks if JSON, or a brace that was escaped, is sent as something else, or refused */
    static const struct {
        const char *word, *text;
        size_t used_bytes;
    } texts[] = {
        {"{", "{", 1},
        {"{}", "{}", 2},
        {"{\"a\":1}", "{\"a\":1}", 7},
        {"{ key}", "{ key}", 6},
        {"{1}", "{1}", 3},
        {"}", "}", 1},
        {"user:{key}", "user:", 5},
        {"a\\{key}", "a", 1},
        {"\\{key}", "{", 2},
        {"\\n{key}", "\\n", 2},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct brace_piece piece = piece_of(texts[i].word);
        ck_assert_int_eq(piece.kind, BRACE_TEXT);
        ck_assert_uint_eq(piece.used_bytes, texts[i].used_bytes);
        ck_assert_uint_eq(piece.text_bytes, strlen(texts[i].text));
        ck_assert_mem_eq(piece.text, texts[i].text, piece.text_bytes);
    }
}

TEST(what_a_placeholder_does_not_take)
{
    /* breaks if a mistake in a placeholder is sent as something else */
    refused("{key", "{key has no } at its end; \\{ is a brace");
    refused("{kye}",
            "no such placeholder: {kye}; did you mean key?; known are {key} {new} {value} {int} "
            "{float} "
            "{zipf} {seq} {ticket} {worker} {run} {now} {uuid} {cursor} {script} {field} {vector} "
            "{stamp}, "
            "and \\{ "
            "is a brace");
    refused("{key:}", "{key:}: it is {key}, {key:NAME} or {key:NAME#1}");
    refused("{key:a#}", "{key:a#}: it is {key}, {key:NAME} or {key:NAME#1}");
    refused("{key:a#0}", "{key:a#0}: it is {key}, {key:NAME} or {key:NAME#1}");
    refused("{key:a#10}", "{key:a#10}: it is {key}, {key:NAME} or {key:NAME#1}");
    refused("{key 5}", "{key 5}: it is {key}, {key:NAME} or {key:NAME#1}");
    refused("{new#1}", "{new#1}: it is {new} or {new:NAME}");
    refused("{int 1}", "{int 1}: it is {int A B}, A at most B");
    refused("{int 1 2 3}", "{int 1 2 3}: it is {int A B}, A at most B");
    refused("{int 2 1}", "{int 2 1}: it is {int A B}, A at most B");
    refused("{int a b}", "{int a b}: it is {int A B}, A at most B");
    refused("{float 1}", "{float 1}: it is {float} or {float A B}, A below B");
    refused("{float 1 1}", "{float 1 1}: it is {float} or {float A B}, A below B");
    refused("{zipf}", "{zipf}: it is {zipf N} or {zipf N EXPONENT}");
    refused("{zipf 10 6}", "{zipf 10 6}: it is {zipf N} or {zipf N EXPONENT}");
    refused("{vector 0}", "{vector 0}: it is {vector N}, N from 1 to 65536");
    refused("{uuid:a}", "{uuid:a}: it is {uuid}");
    refused("{field}", "{field}: it is {field NAME}");
}

TEST(a_text_is_cut_into_words)
{
    /* breaks if a command has other arguments than the file shows */
    static const struct {
        const char *text;
        const char *words[6];
    } commands[] = {
        {"", {NULL}},
        {" \t\n", {NULL}},
        {"PING", {"PING"}},
        {"  SET  k\tv\n", {"SET", "k", "v"}},
        {"SET {key} {int 1 5}", {"SET", "{key}", "{int 1 5}"}},
        {"SET a{int 1 5}b 'x y'", {"SET", "a{int 1 5}b", "x y"}},
        {"SET k ''", {"SET", "k", ""}},
        {"SET k it's", {"SET", "k", "it's"}},
        {"SET k '{value} {seq}'", {"SET", "k", "{value} {seq}"}},
        {"SET \\{user1} {\"a\":1}", {"SET", "\\{user1}", "{\"a\":1}"}},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const char *at = commands[i].text;
        char word[64];
        bool found = true;
        for (size_t k = 0; commands[i].words[k] != NULL; k++) {
            ck_assert_int_eq(brace_word(word, &found, &at, &err), OK);
            ck_assert(found);
            ck_assert_str_eq(word, commands[i].words[k]);
        }
        ck_assert_int_eq(brace_word(word, &found, &at, &err), OK);
        ck_assert(!found);
    }
}

TEST(quotes_and_placeholders_have_an_end)
{
    /* breaks if half a word is sent */
    static const char *const texts[] = {"'x", "\"x y", "'x'y", "{key", "a{int 1", "'{key'"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *at = texts[i];
        char word[64];
        bool found;
        err = (struct err){.code = OK};
        ck_assert_msg(brace_word(word, &found, &at, &err) == E_CONFIG, "%s is taken", texts[i]);
    }
}

TEST_SUITE(brace)
