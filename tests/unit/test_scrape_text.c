#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/note.h"
#include "orchestrator/watch/scrape_text.h"
#include "tests/support/check/suite.h"

static const char text[] = "# HELP up x\n# TYPE up gauge\nup 1\n"
                           "requests_total{code=\"200\",method=\"get\"} 10\n"
                           "requests_total{method=\"post\",code=\"500\"} 2 1700000000000\n"
                           "requests_total{method=\"get\",code=\"500\",} 3\r\n"
                           "requests_total_of_others 99\n"
                           "quoted{path=\"a\\\\b\\\"c\\nd,}\"} 7\n"
                           "temperature -2.5e1\nnot NaN\nhuge +Inf\nbroken{a=\"b} 1\nempty\n"
                           "hex 0x10\nhexadecimal 0x1p3\nfew 1e2\nword infinity\nlower nan\n"
                           "last{} 5 # {trace=\"x\"} 1";

static const struct {
    const char *series;
    double sum; /* NAN: it is not there */
} wanted[] = {
    {"up", 1},
    {"requests_total", 15},
    {"requests_total{code=\"500\"}", 5},
    {"requests_total{code=\"500\",method=\"get\"}", 3},
    {"requests_total{code=\"404\"}", NAN},
    {"requests", NAN},
    {"temperature", -25},
    {"quoted{path=\"a\\\\b\\\"c\\nd,}\"}", 7},
    {"not", NAN},
    {"huge", NAN},
    {"broken", NAN},
    {"empty", NAN},
    {"hex", NAN},
    {"hexadecimal", NAN},
    {"few", 100},
    {"word", NAN},
    {"lower", NAN},
    {"last", 5},
};

LOOP_TEST(test_series, sizeof wanted / sizeof wanted[0])
{
    /* Breaks when another series than the one that was asked for is drawn, or one of several is forgotten. */
    struct scrape_list list;
    struct err err = {.code = OK};
    char item[200];
    double sum;
    snprintf(item, sizeof item, "http://h/metrics#%s", wanted[_i].series);
    ck_assert_msg(scrape_list_parse(&list, item, &err) == OK, "%s", err.text);
    const bool found = scrape_text_sum(&sum, text, sizeof text - 1, &list.series[0]);
    ck_assert_msg(found == !isnan(wanted[_i].sum), "%s", wanted[_i].series);
    if (found)
        ck_assert_double_eq(sum, wanted[_i].sum);
}

TEST(test_addresses)
{
    /* Breaks when a port, a path or a comma within labels is read wrongly, or an address is asked twice. */
    struct scrape_list list;
    struct err err = {.code = OK};
    ck_assert_msg(
        scrape_list_parse(&list,
                          "http://127.0.0.1:9100/metrics#a,http://127.0.0.1:9100/metrics#b"
                          "{x=\"1\",y=\"2,3\"},http://[::1]:81#c,http://h/other?x=1#d",
                          &err) == OK,
        "%s", err.text);
    ck_assert_uint_eq(list.series_count, 4);
    ck_assert_uint_eq(list.address_count, 3);
    ck_assert_uint_eq(list.series[1].address, 0);
    ck_assert_uint_eq(list.series[1].label_count, 2);
    ck_assert_str_eq(list.series[1].labels[1].value, "2,3");
    ck_assert_str_eq(list.addresses[1].host, "::1");
    ck_assert_uint_eq(list.addresses[1].port, 81);
    ck_assert_str_eq(list.addresses[1].path, "/metrics");
    ck_assert_str_eq(list.addresses[2].path, "/other?x=1");
    ck_assert_uint_eq(list.addresses[2].port, 80);
}

static const char *const bad[] = {
    "",
    "http://h/metrics",
    "h:80#a",
    "http://#a",
    "http://h:0#a",
    "http://h:99999#a",
    "http://h:x#a",
    "http://u:p@h:80#a",
    "http://[::1#a",
    "http://h/a b#a",
    "http://h#9a",
    "http://h#",
    "http://h#a{",
    "http://h#a{b}",
    "http://h#a{b=c}",
    "http://h#a{b=\"c}",
    "http://h#a{b=\"c\"}x",
    "http://h#a x",
    "http://h#a,",
    "http://h/\r\nX: y#a",
    "http://h#a,http://h#b,http://h#c,http://h#d,http://h#e,http://h#f,http://h#g,http://h#h,"
    "http://h#i,http://h#j,http://h#k,http://h#l,http://h#m,http://h#n,http://h#o,http://h#p,"
    "http://h#q",
    "http://h/metrics#a,http://i#a,http://h:80#a",
};

LOOP_TEST(test_what_is_refused, sizeof bad / sizeof bad[0])
{
    /* Breaks when a mistyped address asks another program than the one that was meant. */
    struct scrape_list list;
    struct err err = {.code = OK};
    ck_assert_msg(scrape_list_parse(&list, bad[_i], &err) == E_USAGE, "%s", bad[_i]);
    ck_assert(strncmp(err.text, "--scrape", 8) == 0);
}

TEST(test_https_is_refused_as_such)
{
    /* Breaks when somebody whose endpoint speaks TLS is told of a typing error, and not what to do. */
    static const char *const items[] = {"https://h/metrics#a", "HTTPS://h:9100#a"};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        struct scrape_list list;
        struct err err = {.code = OK};
        ck_assert_int_eq(scrape_list_parse(&list, items[i], &err), E_USAGE);
        ck_assert_msg(strstr(err.text, "https is not spoken here") != NULL, "%s", err.text);
        ck_assert_msg(strstr(err.text, "or requests_total{code=\"500\"}") != NULL, "%s", err.text);
    }
}

static void expect_told(const char *items, uint32_t index, const char *told)
{
    struct scrape_list list;
    struct err err = {.code = OK};
    ck_assert_msg(scrape_list_parse(&list, items, &err) == OK, "%s", err.text);
    ck_assert_str_eq(list.series[index].told, told);
}

TEST(test_names_that_are_told)
{
    /* Breaks when series of two endpoints become one line, or a series that nothing is mistaken for changes its name. */
    static const char two[] = "http://127.0.0.1:1/metrics#load,http://[::1]:2/metrics#load,"
                              "http://127.0.0.1:1/metrics#other";
    static const char paths[] = "http://h/a#x,http://h/b#x";
    char name[SCRAPE_NAME_BYTES], items[400], told[200];
    expect_told(two, 0, "load @127.0.0.1:1");
    expect_told(two, 1, "load @[::1]:2");
    expect_told(two, 2, "other");
    expect_told(paths, 0, "x @h:80/a");
    expect_told(paths, 1, "x @h:80/b");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(items, sizeof items, "http://198.51.100.250:10001#%s,http://198.51.100.250:10002#%s",
             name, name);
    snprintf(told, sizeof told, "%.97s @198.51.100.250:10002", name);
    expect_told(items, 1, told);
}

TEST(test_twice_is_refused)
{
    /* Breaks when a series that is named twice is refused without saying so. */
    struct scrape_list list;
    struct err err = {.code = OK};
    ck_assert(scrape_list_parse(&list, "http://h/metrics#a,http://h#a", &err) == E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "asked for twice"));
}

TEST(test_numbers_of_notes)
{
    /* Breaks when a scraped value loses its sign or its fraction on its way through the journal. */
    static const double numbers[] = {0, 1, -1, 1.5, -2.25e-300, 1e300, 12345678901234567.0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct note note = {.source = NOTE_SCRAPE};
        ck_assert(isnan(note_get_number(&note)));
        note_set_number(&note, numbers[i]);
        ck_assert_double_eq(note_get_number(&note), numbers[i]);
    }
}

TEST_SUITE(scrape_text)
