/* --managed-args: words as a shell would cut them, with nothing expanded. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/options/managed_args.h"
#include "tests/support/check/suite.h"

static struct managed_args args;
static struct err err;

/* The words, each in [ ]. */
static const char *cut(const char *text)
{
    static char joined[512];
    memset(&err, 0, sizeof err);
    joined[0] = '\0';
    ck_assert_msg(managed_args_parse(&args, text, &err) == OK, "%s", err.text);
    for (uint32_t i = 0; i < args.count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "[%s]", args.words[i]);
    managed_args_free(&args);
    return joined;
}

TEST(words)
{
    /* Breaks when a quote, a blank in it or an empty word is lost, or anything is expanded. */
    ck_assert_str_eq(cut("--maxmemory 1gb"), "[--maxmemory][1gb]");
    ck_assert_str_eq(cut("  --save \t '' --x \"\" "), "[--save][][--x][]");
    ck_assert_str_eq(cut("--save '60 1' --y \"a 'b' \\\"c\\\" \\d\""),
                     "[--save][60 1][--y][a 'b' \"c\" \\d]");
    ck_assert_str_eq(cut("--a b\\ c\\'d'e'"), "[--a][b c'de]");
    ck_assert_str_eq(cut("--a $(touch x) `id` $HOME ~ * ; & | > #"),
                     "[--a][$(touch][x)][`id`][$HOME][~][*][;][&][|][>][#]");
    ck_assert_str_eq(cut("--maxmemory 5mb --tls-ciphers X"),
                     "[--maxmemory][5mb][--tls-ciphers][X]");
}

TEST(password)
{
    /* Breaks when a password stays among the words, which everybody sees, or none is taken for one. */
    static const struct {
        const char *text, *words, *password;
    } cases[] = {
        {"--maxmemory 1gb", "[--maxmemory][1gb]", NULL},
        {"--requirepass x", "", "x"},
        {"--RequirePass ''", "", ""},
        {"--a b --requirepass 'x y' --c d", "[--a][b][--c][d]", "x y"},
        {"--requirepass x --requirepass y", "", "y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_str_eq(cut(cases[i].text), cases[i].words);
        ck_assert(managed_args_parse(&args, cases[i].text, &err) == OK);
        ck_assert_pstr_eq(args.password, cases[i].password);
        managed_args_free(&args);
    }
}

static void refused(const char *text, const char *part)
{
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(managed_args_parse(&args, text, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' is not in: %s", part, err.text);
    ck_assert_int_eq(strncmp(err.text, "--managed-args: ", 16), 0);
    managed_args_free(&args);
}

TEST(refusals)
{
    /* Breaks when an argument takes a server out of volley's hands, however it is spelled. */
    static const char *const own[] = {"--port 1",
                                      "--PORT 1",
                                      "--x 1 --bind 0.0.0.0",
                                      "--daemonize yes",
                                      "--dir /",
                                      "--port=1",
                                      "'--port 1'",
                                      "--cluster-enabled yes",
                                      "--tls-port 1",
                                      "--masterauth x",
                                      "--user x on",
                                      "--include /x",
                                      "--rename-command PING x",
                                      "--logfile /x",
                                      "--sentinel",
                                      "--replicaof x 1",
                                      "--io-threads 4",
                                      "--appenddirname ..",
                                      "--pidfile /x"};
    static const char *const names[] = {"'-- bind 0.0.0.0'", "'--\"bind\" 0.0.0.0'", "-- bind",
                                        "--\\'bind\\' x",    "'--\tdir /x'",         "--= x"};
    char many[400];
    refused("--requirepass", "--requirepass has no password behind it; '' is none");
    refused("'--requirepass x'", "the password of --requirepass is a word of its own");
    refused("--requirepass=x", "the password of --requirepass is a word of its own");
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        refused(own[i], " cannot be set: ");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        refused(names[i], "the name of an option is of letters, digits and hyphens: --");
    refused("", "it holds no argument");
    refused("  ", "it holds no argument");
    refused("/etc/redis.conf", "the first word is no option of a server, as --maxmemory is: /etc");
    refused("- --a", "the first word is no option");
    refused("--a 'b", "a quote or a backslash has nothing behind it");
    refused("--a \"b\\\"", "a quote or a backslash has nothing behind it");
    refused("--a b\\", "a quote or a backslash has nothing behind it");
    refused("--a 'x\nport 1'", "control characters");
    memset(many, ' ', sizeof many);
    memcpy(many, "--a", 3);
    for (size_t i = 4; i < 124; i += 2)
        many[i] = 'x';
    many[sizeof many - 1] = '\0';
    refused(many, "at most 48 words");
}

TEST_SUITE(managed_args)
