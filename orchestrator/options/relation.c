#include "orchestrator/options/relation.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/units.h"

#define NAME_BYTES 40 /* of an option */

void relation_notice(struct bench_request *request, const char *format, ...)
{
    if (request->notice_count == sizeof request->notices / sizeof request->notices[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(request->notices[request->notice_count++], sizeof request->notices[0], format, args);
    va_end(args);
}

bool relation_given(const struct bench_request *request, const char *name)
{
    return options_given(&request->values, name);
}

const struct option_origin *relation_origin(const struct bench_request *request, const char *name)
{
    return options_origin(&request->values, name);
}

static void exclude(struct bench_request *request, const char *a, const char *b, const char *why,
                    struct err *err)
{
    if (!options_meant(&request->values, a) || !options_meant(&request->values, b))
        return;
    enum option_origin_kind a_kind = relation_origin(request, a)->kind;
    enum option_origin_kind b_kind = relation_origin(request, b)->kind;
    if (a_kind == b_kind)
        err_set(err, E_USAGE, "--%s and --%s exclude each other: %s", a, b, why);
    else
        options_drop(&request->values, a_kind < b_kind ? a : b);
}

void relation_exclude(struct bench_request *request, const char *names, const char *others,
                      const char *why, struct err *err)
{
    char name[NAME_BYTES], other[NAME_BYTES];
    struct list_word word;
    for (const char *at = names; list_next(&word, &at, ' ');) {
        snprintf(name, sizeof name, "%.*s", (int)word.byte_count, word.text);
        for (const char *beside = others; list_next(&word, &beside, ' ');) {
            snprintf(other, sizeof other, "%.*s", (int)word.byte_count, word.text);
            exclude(request, name, other, why, err);
        }
    }
}

static size_t list_names(char *text, size_t text_bytes, const struct relation_part *parts,
                         size_t part_count, bool missing_only)
{
    size_t used = 0, listed = 0;
    text[0] = '\0';
    for (size_t i = 0; i < part_count && used < text_bytes; i++)
        if (!missing_only || !parts[i].there)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s--%s",
                                     listed++ > 0 ? ", " : "", parts[i].name);
    return listed;
}

enum err_code relation_require_all(const char *subject, const struct relation_part *parts,
                                   size_t part_count, struct err *err)
{
    char all[200], missing[200];
    list_names(all, sizeof all, parts, part_count, false);
    if (list_names(missing, sizeof missing, parts, part_count, true) == 0)
        return OK;
    return err_set(err, E_USAGE, "%s requires all of %s. Missing: %s", subject, all, missing);
}
