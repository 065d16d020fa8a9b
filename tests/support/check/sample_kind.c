#include "tests/support/check/sample_kind.h"

#include <ctype.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/option_group.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

#define AT(member) offsetof(struct sample_limits, member)
static const struct file_field limits_fields[] = {
    {.row = {ROW("size", NULL, OPTION_SIZE, NULL, AT(size_bytes)), NUMBER(1024, 1048576),
             .unset = "4kb", .help = "The largest value."}},
    {.row = {ROW("timeout", NULL, OPTION_DURATION, NULL, AT(timeout_ns)),
             BARE(NS_PER_MS, NS_PER_MS, NS_PER_SECOND), .unset = "100",
             .help = "How long at most."}},
};
#undef AT
static const struct file_object limits_object = {.name = "limits",
                                                 .fields = limits_fields,
                                                 .field_count = COUNT(limits_fields),
                                                 .short_form = true};

/* Told by the keys that are there. */
#define AT(member) offsetof(struct sample_phase, member)
static const struct file_object phase_object;
static const struct file_field phase = {.form = FILE_OBJECT, .object = &phase_object};
static const struct file_field phase_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)), .help = "What it is called."}},
};
static const struct file_field load_fields[] = {
    {.row = {ROW("load", NULL, OPTION_RATE, NULL, AT(load_micro)), .help = "Its rate."},
     .required = true},
    {.row = {ROW("for", NULL, OPTION_DURATION, NULL, AT(load_ns)),
             BARE(NS_PER_SECOND, 1, 60 * NS_PER_SECOND), .unset = "10s", .help = "Its length."}},
};
static const struct file_field wait_fields[] = {
    {.row = {ROW("wait", NULL, OPTION_DURATION, NULL, AT(wait_ns)),
             BARE(NS_PER_SECOND, 0, 60 * NS_PER_SECOND), .help = "A pause."},
     .required = true},
};
static const struct file_field group_fields[] = {
    {.row = {.name = "phases", .offset = AT(phases), .help = "One after the other."},
     .form = FILE_LIST,
     .required = true,
     .of = &phase,
     .element_bytes = sizeof(struct sample_phase),
     .count_offset = AT(phase_count),
     .least = 1,
     .most = 4},
};
#undef AT
static const struct file_variant phase_variants[] = {
    [SAMPLE_LOAD] = {"a load", load_fields, COUNT(load_fields), 1, "Requests at a rate."},
    [SAMPLE_WAIT] = {"a pause", wait_fields, COUNT(wait_fields), 1, NULL},
    [SAMPLE_GROUP] = {"a group", group_fields, COUNT(group_fields), 1, NULL},
};
static const struct file_object phase_object = {.name = "a phase",
                                                .fields = phase_fields,
                                                .field_count = COUNT(phase_fields),
                                                .variants = phase_variants,
                                                .variant_count = COUNT(phase_variants)};

/* Told by the value of a key. */
#define AT(member) offsetof(struct sample_channel, member)
static const struct file_field address = {.row = {.kind = OPTION_TEXT}};
static const struct file_field webhook_fields[] = {
    {.row = {ROW("url", NULL, OPTION_TEXT, NULL, AT(url)), .help = "Where to."}, .required = true},
};
static const struct file_field mail_fields[] = {
    {.row = {.name = "to", .offset = AT(to), .help = "Whom to."},
     .form = FILE_LIST,
     .required = true,
     .of = &address,
     .element_bytes = sizeof(const char *),
     .count_offset = AT(to_count),
     .least = 1},
};
#undef AT
static const struct file_variant channel_variants[] = {
    [SAMPLE_WEBHOOK] = {"webhook", webhook_fields, COUNT(webhook_fields), 0, NULL},
    [SAMPLE_MAIL] = {"mail", mail_fields, COUNT(mail_fields), 0, NULL},
};
static const struct file_object channel_object = {.name = "a channel",
                                                  .variants = channel_variants,
                                                  .variant_count = COUNT(channel_variants),
                                                  .tag = "kind"};
static const struct file_field channel = {.form = FILE_OBJECT, .object = &channel_object};

static const char *colour_at(size_t index)
{
    static const char *const words[] = {"red", "green", "blue"};
    return index < COUNT(words) ? words[index] : NULL;
}

static enum err_code parse_letter(void *target, const char *text, struct err *err)
{
    if (!isalpha((unsigned char)text[0]))
        return err_set(err, E_USAGE, "begins with no letter");
    ((struct sample *)target)->first = text[0];
    return OK;
}

#define AT(member) offsetof(struct sample, member)
static const struct file_field sample_fields[] = {
    {.row = {ROW("seed", NULL, OPTION_COUNT, NULL, AT(seed)), NUMBER(1, 1000), .unset = "7",
             .hint = "as in seed: 42", .help = "A number."},
     .required = true},
    {.row = {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)), .help = "Or not."}},
    {.row = {ROW("colour", NULL, OPTION_WORD, NULL, AT(colour)), .value_at = colour_at,
             .unset = "green", .help = "A word."}},
    {.row = {ROW("skew", NULL, OPTION_REAL, NULL, AT(skew)), REAL(0, 5), .unset = "0.99",
             .help = "Between whole numbers."}},
    {.row = {.name = "letter", .kind = OPTION_CUSTOM, .parse = parse_letter, .help = "Its own."}},
    {.row = {ROW("tags", NULL, OPTION_TEXT, NULL, AT(tags)), .help = "Words."}, .joins = true},
    {.row = {.name = "limits", .offset = AT(limits), .help = "What must not be passed."},
     .form = FILE_OBJECT,
     .object = &limits_object},
    {.row = {.name = "phases", .offset = AT(phases), .help = "One after the other."},
     .form = FILE_LIST,
     .of = &phase,
     .element_bytes = sizeof(struct sample_phase),
     .count_offset = AT(phase_count)},
    {.row = {.name = "channels", .offset = AT(channels), .help = "Who is told, by names."},
     .form = FILE_MAP,
     .of = &channel,
     .element_bytes = sizeof(struct sample_channel),
     .count_offset = AT(channel_count)},
    {.row = {.name = "extra", .help = "Not read."}, .form = FILE_ANY},
};
static const struct file_object sample_object = {
    .name = "a sample", .fields = sample_fields, .field_count = COUNT(sample_fields)};
const struct file_kind sample_kind = {.name = "sample",
                                      .what = "sample",
                                      .help = "All forms there are.",
                                      .root = {.form = FILE_OBJECT, .object = &sample_object}};
