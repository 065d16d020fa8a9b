/* The reader of files, by a kind that has every form its tables know. */
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/sample_kind.h"
#include "tests/support/check/suite.h"

static struct file file;
static struct sample sample;
static struct err err;

static void teardown(void)
{
    file_free(&file);
}

static enum err_code parse(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    file_free(&file);
    memset(&sample, 0, sizeof sample);
    memset(&err, 0, sizeof err);
    return file_read(&file, &sample_kind, &sample, &source, &err);
}

TEST(every_form)
{
    /* Breaks when a value goes to another place than its row says, or an element is lost. */
    ck_assert_msg(parse("seed: 42\nstrict: true\ncolour: BLUE\nletter: x1\ntags: [a, b]\n"
                        "limits: {size: 8kb, timeout: 250}\n"
                        "phases:\n  - {name: one, load: 1k}\n  - {wait: 2}\n"
                        "  - phases: [{load: 5, for: 3s}, {wait: 0}]\n"
                        "channels:\n  ops: {kind: webhook, url: http://x}\n"
                        "  dev: {kind: mail, to: [a@b, c@d]}\n") == OK,
                  "%s", err.text);
    ck_assert_uint_eq(sample.seed, 42);
    ck_assert(sample.strict && sample.colour == 2 && sample.first == 'x');
    ck_assert_str_eq(sample.tags, "a,b");
    ck_assert_uint_eq(sample.limits.size_bytes, 8192);
    ck_assert_uint_eq(sample.limits.timeout_ns, 250 * NS_PER_MS);
    ck_assert_uint_eq(sample.phase_count, 3);
    ck_assert_str_eq(sample.phases[0].name, "one");
    ck_assert_uint_eq(sample.phases[0].load_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(sample.phases[1].place.variant, SAMPLE_WAIT);
    ck_assert_uint_eq(sample.phases[2].phase_count, 2);
    ck_assert_uint_eq(sample.phases[2].phases[0].load_ns, 3 * NS_PER_SECOND);
    ck_assert_uint_eq(sample.channel_count, 2);
    ck_assert_str_eq(sample.channels[0].place.node->key, "ops");
    ck_assert_str_eq(sample.channels[0].url, "http://x");
    ck_assert_uint_eq(sample.channels[1].to_count, 2);
    ck_assert_str_eq(sample.channels[1].to[1], "c@d");
}

TEST(what_is_not_given)
{
    /* Breaks when a default is not stored, or something that is absent looks given. */
    ck_assert_msg(parse("{\"seed\": 1, \"limits\": \"64kb\"}") == OK, "%s", err.text);
    ck_assert_uint_eq(sample.colour, 1);
    ck_assert_double_eq(sample.skew, 0.99);
    ck_assert_uint_eq(sample.limits.size_bytes, 65536);
    ck_assert_uint_eq(sample.limits.timeout_ns, 100 * NS_PER_MS);
    ck_assert(file_given(&sample.place, "seed") && !file_given(&sample.place, "colour"));
    ck_assert_uint_eq(sample.phase_count, 0);
    ck_assert_int_eq(file_refuse(&file, &sample.place, "limits", &err, "too %s", "small"),
                     E_CONFIG);
    ck_assert_str_eq(err.text, "f:1:23: too small");
}

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"", "f:1:1: a sample is expected"},
    {"{}", "f:1:1: \"seed\" is missing; as in seed: 42"},
    {"seed: 0", "f:1:7: seed: 0: out of range; allowed: 1 to 1,000; as in seed: 42"},
    {"seed: [1]", "f:1:7: seed: a value is expected; as in seed: 42"},
    {"seed: 1\nsede: 2", "f:2:1: unknown key sede; did you mean seed?; known are seed, strict, "
                         "colour, skew, letter, tags, limits, phases, channels, extra"},
    {"seed: 1\nseed: 2", "f:2:1: seed stands in line 1 already"},
    {"seed: 1\nstrict: maybe", "f:2:9: strict: maybe: takes true or false, or nothing"},
    {"seed: 1\nskew: 5.5", "f:2:7: skew: 5.5: out of range; allowed: 0 to 5"},
    {"seed: 1\nskew: 1k", "f:2:7: skew: 1k: not a number; allowed: 0 to 5"},
    {"seed: 1\ncolour: pink", "f:2:9: colour: pink: allowed: red, green, blue"},
    {"seed: 1\nletter: 5", "f:2:9: letter: 5: begins with no letter"},
    {"seed: 1\ntags: [a, [b]]", "f:2:11: tags: the list holds values only"},
    {"seed: 1\nlimits: {size: 2mb}", "f:2:16: size: 2mb: out of range; allowed: 1kb to 1mb"},
    {"seed: 1\nlimits: [1]", "f:2:9: limits: limits is expected"},
    {"seed: 1\nphases: [{}]", "f:2:10: one of these is missing: load, wait, phases"},
    {"seed: 1\nphases: [{load: 1, wait: 1}]", "f:2:20: load and wait exclude each other"},
    {"seed: 1\nphases: [{wait: 1, for: 1}]",
     "f:2:20: a pause has no use for \"for\"; known are name, wait"},
    {"seed: 1\nphases:\n- phases: []", "f:3:11: phases: needs at least 1 element; there are 0"},
    {"seed: 1\nphases: [{phases: [{wait: 1},{wait: 1},{wait: 1},{wait: 1},{wait: 1}]}]",
     "f:2:19: phases: takes at most 4 elements; there are 5"},
    {"seed: 1\nphases: {}", "f:2:9: phases: a list is expected"},
    {"seed: 1\nchannels: [1]", "f:2:11: channels: a map is expected"},
    {"seed: 1\nchannels: {a: {url: x}}", "f:2:15: \"kind\" is missing; known are webhook, mail"},
    {"seed: 1\nchannels: {a: {kind: mial}}",
     "f:2:22: kind: unknown: mial; did you mean mail?; known are webhook, mail"},
    {"seed: 1\nchannels: {a: {kind: mail, url: x}}",
     "f:2:28: mail has no use for \"url\"; known are kind, to"},
    {"seed: 1\nchannels: {a: {kind: mail, to: [~]}}", "f:2:33: to: a value is missing"},
};

LOOP_TEST(mistakes_are_named, sizeof mistakes / sizeof mistakes[0])
{
    /* Breaks when a mistake is read as something else, or its place or remedy is not told. */
    ck_assert_msg(parse(mistakes[_i].text) == E_CONFIG, "\"%s\" is taken", mistakes[_i].text);
    ck_assert_str_eq(err.text, mistakes[_i].says);
}

TEST_SUITE_WITH(file_reader, .tear_down = teardown)
