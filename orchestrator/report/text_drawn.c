/* What was asked of distributions, beside what was drawn. */
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/drawn_json.h"
#include "orchestrator/report/text.h"

#define SHARE_BYTES 16u

static void widen(int *width, const char *text)
{
    const int length = (int)strlen(text);
    *width = length > *width ? length : *width;
}

/* Of a hot key out of millions, too: three digits at least. */
static const char *share_text(char text[SHARE_BYTES], bool known, double share)
{
    if (known)
        snprintf(text, SHARE_BYTES, "%.*f%%", share > 0 && share < 0.001 ? 5 : 2, share * 100);
    return known ? text : "-";
}

static void print_keys(struct output *out, const struct drawn *drawn)
{
    int name_width = (int)strlen("keys"), order_width = (int)strlen("order");
    for (uint32_t i = 0; i < drawn->key_count; i++) {
        widen(&name_width, PRINTABLE(drawn->keys[i].name));
        widen(&order_width, drawn->keys[i].order);
    }
    if (drawn->key_count > 0)
        output_printf(out, "%-*s  %-*s  %13s  %13s  %13s  %11s  %9s  %11s  %9s\n", name_width,
                      "keys", order_width, "order", "of them", "draws", "met", "hottest key",
                      "drawn", "hottest 1%", "drawn");
    for (uint32_t i = 0; i < drawn->key_count; i++) {
        const struct drawn_keys *row = &drawn->keys[i];
        const bool known = row->skew_known;
        char asked[SHARE_BYTES], got[SHARE_BYTES], asked_1[SHARE_BYTES], got_1[SHARE_BYTES];
        output_printf(out, "%-*s  %-*s  %13s  %13s  %13s  %11s  %9s  %11s  %9s\n", name_width,
                      PRINTABLE(row->name), order_width, row->order, UNITS_GROUPED(row->keys),
                      UNITS_GROUPED(row->draws), UNITS_GROUPED(row->distinct),
                      share_text(asked, known, row->hottest_asked),
                      share_text(got, known, row->hottest_drawn),
                      share_text(asked_1, known, row->hottest_1_asked),
                      share_text(got_1, known, row->hottest_1_drawn));
    }
}

static void print_values(struct output *out, const struct drawn *drawn)
{
    int name_width = (int)strlen("value"), size_width = (int)strlen("size");
    for (uint32_t i = 0; i < drawn->value_count; i++) {
        widen(&name_width, PRINTABLE(drawn->values[i].name));
        widen(&size_width, drawn->values[i].size);
    }
    if (drawn->value_count > 0)
        output_printf(out, "%-*s  %-*s  %13s  %13s  %13s  %13s  %13s\n", name_width, "value",
                      size_width, "size", "draws", "mean bytes", "drawn", "least", "most");
    for (uint32_t i = 0; i < drawn->value_count; i++) {
        const struct drawn_value *row = &drawn->values[i];
        output_printf(out, "%-*s  %-*s  %13s  %13s  %13s  %13s  %13s\n", name_width,
                      PRINTABLE(row->name), size_width, row->size, UNITS_GROUPED(row->draws),
                      UNITS_REAL(row->mean_asked_bytes, 1), UNITS_REAL(row->mean_drawn_bytes, 1),
                      UNITS_GROUPED(row->least_bytes), UNITS_GROUPED(row->most_bytes));
    }
}

static void print_classes(struct output *out, const struct drawn *drawn)
{
    int width = (int)strlen("class");
    for (uint32_t i = 0; i < drawn->class_count; i++)
        widen(&width, PRINTABLE(drawn->classes[i].name));
    if (drawn->class_count > 1)
        output_printf(out, "%-*s  %9s  %9s\n", width, "class", "share", "drawn");
    for (uint32_t i = 0; i < drawn->class_count && drawn->class_count > 1; i++) {
        const struct drawn_class *row = &drawn->classes[i];
        output_printf(out, "%-*s  %8.2f%%  %8.2f%%\n", width, PRINTABLE(row->name),
                      row->share_asked * 100, row->share_drawn * 100);
    }
}

static void print_changes(struct output *out, const struct drawn *drawn)
{
    const char *before = "Not the same in each run with this seed: ";
    for (unsigned i = 0; i < DRAWN_CHANGES; i++) {
        if (!drawn->changes[i])
            continue;
        output_printf(out, "%s%s", before, drawn_change_names[i]);
        before = ", ";
    }
    if (before[0] == ',')
        output_printf(out, "\n");
}

static bool says_anything(const struct drawn *drawn)
{
    bool says = drawn->key_count > 0 || drawn->value_count > 0 || drawn->class_count > 1;
    for (unsigned i = 0; i < DRAWN_CHANGES; i++)
        says |= drawn->changes[i];
    return says;
}

void text_drawn(struct output *out, const struct drawn *drawn)
{
    if (drawn->requests == 0 || !says_anything(drawn))
        return;
    output_printf(
        out,
        "\nAsked and drawn:\n===============\n(of the first %s requests; \"drawn\" is what "
        "came of what stands before it)\n",
        UNITS_GROUPED(drawn->requests));
    print_keys(out, drawn);
    print_values(out, drawn);
    print_classes(out, drawn);
    print_changes(out, drawn);
}
