/* When a configuration has been measured by another one. */
#include <jansson.h>

#include "orchestrator/suite/track.h"
#include "tests/support/check/suite.h"

TEST(a_configuration_covers_what_it_holds)
{
    /* Breaks when a commit is measured again though all of it was, or is left out though some of it was not. */
    static const struct {
        const char *wanted, *done;
        bool covered;
    } cases[] = {
        {"[{\"a\": [1, 2], \"b\": \"x\"}]", "[{\"a\": [1, 2], \"b\": \"x\"}]", true},
        {"[{\"a\": [2], \"b\": \"x\"}]", "[{\"a\": [1, 2], \"b\": \"x\"}]", true},
        {"[{\"a\": [2, 3]}]", "[{\"a\": [1, 2]}]", false},
        {"[{\"a\": [1]}]", "[{\"a\": [1], \"more\": 5}]", true},
        {"[{\"a\": [1], \"more\": 5}]", "[{\"a\": [1]}]", false},
        {"[{\"a\": [1]}]", "[{\"a\": 1}]", false},
        {"[{\"a\": 1}]", "[{\"a\": [1]}]", false},
        {"[{\"a\": 1}]", "[{\"a\": 1.0}]", false},
        {"[{\"a\": {\"b\": 1}}]", "[{\"a\": {\"b\": 1, \"c\": 2}}]", false},
        {"[{\"a\": 1}, {\"a\": 2}]", "[{\"a\": 2}, {\"a\": 1}, {\"a\": 3}]", true},
        {"[{\"a\": 1}, {\"a\": 4}]", "[{\"a\": 2}, {\"a\": 1}, {\"a\": 3}]", false},
        /* one object has to hold all of one: what two hold together was never measured together */
        {"[{\"a\": [1, 2]}]", "[{\"a\": [1]}, {\"a\": [2]}]", false},
        {"[]", "[{\"a\": 1}]", true},
        {"{\"a\": [1]}", "{\"a\": [1, 2]}", true},
        {"{\"a\": [1]}", "[{\"a\": [1]}]", false},
        {"[5]", "[5]", false},
        {"5", "5", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *wanted = json_loads(cases[i].wanted, JSON_DECODE_ANY, NULL);
        json_t *done = json_loads(cases[i].done, JSON_DECODE_ANY, NULL);
        ck_assert_msg(wanted != NULL && done != NULL &&
                          track_is_covered(wanted, done) == cases[i].covered,
                      "%s by %s", cases[i].wanted, cases[i].done);
        json_decref(wanted);
        json_decref(done);
    }
}

TEST_SUITE(track_rules)
