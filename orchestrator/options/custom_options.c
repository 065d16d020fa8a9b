/* -t custom: requests of a plug-in. */
#include "orchestrator/options/bench_groups.h"

#include <string.h>

#include "common/printable.h"

#define AT(member) offsetof(struct custom_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row custom_rows[] = {
    {ROW("custom-command-file", NULL, OPTION_TEXT, "FILE", AT(file)), .needs_trust = true,
     .told = true,
     .help =
         "With -t custom: what makes the requests, a plug-in in C (a .c file, which is compiled, "
         "or a shared object .so; volley_plugin.h says how) or a script in Lua (.lua). Without: "
         "SET default:key default:value."},
    {ROW("custom-command-args", NULL, OPTION_TEXT, "ARGS", AT(arguments)), .told = true,
     .help = "A text for it, usually NAME=VALUE,NAME=VALUE."},
};
/* clang-format on */
#undef AT
const struct option_group custom_group = GROUP("Custom commands", OF_LOADS, custom_rows);

static enum err_code check_ending(struct custom_options *custom, struct err *err)
{
    static const struct {
        const char *ending;
        enum custom_kind kind;
    } kinds[] = {{".so", CUSTOM_LIBRARY}, {".c", CUSTOM_C}, {".lua", CUSTOM_LUA}};
    const char *dot = strrchr(custom->file, '.');
    for (size_t i = 0; dot != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(dot, kinds[i].ending) == 0)
            custom->kind = kinds[i].kind;
    if (custom->kind != CUSTOM_DEFAULT)
        return OK;
    return err_set(err, E_USAGE,
                   "--custom-command-file %s: what makes requests is a plug-in in C (.c or .so) or "
                   "a script in Lua (.lua)%s",
                   PRINTABLE(custom->file),
                   dot != NULL && strcmp(dot, ".py") == 0
                       ? "; docs/reference/custom-commands.md shows a class CustomCommands of "
                         "Python in both"
                       : "; the ending of the file decides");
}

enum err_code custom_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    struct custom_options *custom = &spec->load.custom;
    if (!custom->is_wanted && (custom->file != NULL || custom->arguments != NULL))
        return err_set(err, E_USAGE, "--custom-command-%s needs -t custom",
                       custom->file != NULL ? "file" : "args");
    if (!custom->is_wanted)
        return OK;
    if (spec->load.test_count > 0)
        return err_set(err, E_USAGE,
                       "-t custom stands alone: it is one kind of requests, and "
                       "others are not run before or behind it");
    relation_exclude(request, "type", "prefill prefill-only verify null",
                     "what custom commands write and read is their own", err);
    if (err->code != OK)
        return err->code;
    if (custom->arguments != NULL && custom->file == NULL)
        return err_set(err, E_USAGE, "--custom-command-args needs --custom-command-file");
    return custom->file != NULL ? check_ending(custom, err) : OK;
}
