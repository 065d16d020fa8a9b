#include "orchestrator/commands/custom.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/plugin_build.h"
#include "orchestrator/machine/program_path.h"

#define TRIAL_LIMIT_NS (10 * NS_PER_SECOND)

/* ---- the shared object ---- */

/* The folder of the program has it when built, the other one when installed. */
static const char *const module_places[] = {".", "../lib/volley"};

static enum err_code find_library(struct custom *custom, const struct custom_options *options,
                                  struct err *err)
{
    struct stat status;
    if (stat(options->file, &status) != 0)
        return err_set(err, E_USAGE, "Custom command file not found: %s: %s",
                       PRINTABLE(options->file), strerror(errno));
    if (!S_ISREG(status.st_mode) || access(options->file, R_OK) != 0)
        return err_set(err, E_USAGE, "--custom-command-file %s: is no file that can be read",
                       PRINTABLE(options->file));
    if (options->kind == CUSTOM_C)
        return plugin_build(custom->library, options->file, err);
    if (options->kind == CUSTOM_LUA)
        return program_path_beside(custom->library, sizeof custom->library, module_places,
                                   sizeof module_places / sizeof module_places[0], "volley-lua.so")
                   ? OK
                   : err_set(err, E_SYSTEM,
                             "%s: scripts in Lua need the module volley-lua.so, which is not "
                             "there: install libluajit-5.1-dev (`make deps ALL=1`) and build "
                             "volley again",
                             PRINTABLE(options->file));
    /* With a slash in it dlopen() looks nowhere else. */
    if (realpath(options->file, custom->library) == NULL)
        return err_set(err, E_USAGE, "--custom-command-file %s: %s", PRINTABLE(options->file),
                       strerror(errno));
    return OK;
}

static void make_title(struct custom *custom, const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    snprintf(custom->title, sizeof custom->title, "%.*s",
             (int)(dot != NULL && dot > name ? dot - name : (long)strlen(name)), name);
    printable_line(custom->title);
}

/* ---- the trial ---- */

/* What the child tells: where it is, before each call, and at last what has come of it. */
struct told {
    uint64_t at;
    bool is_over;
    struct err err;
    struct plugin_found found;
};

struct trial {
    const struct plugin_source *source;
    int fd;
    struct told told;
};

static void tell(void *context, uint64_t at)
{
    struct trial *trial = context;
    trial->told.at = at;
    (void)!write(trial->fd, &trial->told, sizeof trial->told);
}

static int run_trial(void *state, int telling_fd)
{
    struct trial *trial = state;
    trial->fd = telling_fd;
    trial->told = (struct told){.at = PLUGIN_NOWHERE};
    struct plugin_found found;
    enum err_code code = plugin_try(&found, trial->source, tell, trial, &trial->told.err);
    trial->told.found = found;
    trial->told.is_over = true;
    tell(trial, PLUGIN_NOWHERE);
    return code == OK ? 0 : 1;
}

static bool is_plain(struct told *told)
{
    struct plugin_found *found = &told->found;
    told->err.text[sizeof told->err.text - 1] = '\0';
    for (uint32_t i = 0; i < VOLLEY_PLUGIN_CLASSES_MAX; i++)
        found->classes[i].name[CLASS_NAME_BYTES - 1] = '\0';
    return found->class_count <= VOLLEY_PLUGIN_CLASSES_MAX &&
           found->sample_bytes <= PLUGIN_SAMPLE_BYTES;
}

static enum err_code conclude(struct custom *custom, struct told *told, struct child *child,
                              bool late, struct err *err)
{
    char where[64], how[64];
    const char *file = custom->source.settings.file;
    plugin_describe_call(where, sizeof where, told->at);
    if (told->is_over && is_plain(told)) {
        custom->source.found = told->found;
        if (told->err.code != OK)
            return err_set(err, told->err.code, "%s", told->err.text);
        return OK;
    }
    if (late)
        return err_set(err, E_CONFIG,
                       "%s: its trial, with three requests, has not ended within %llu s: it is %s",
                       PRINTABLE(file), TRIAL_LIMIT_NS / NS_PER_SECOND, where);
    return err_set(err, E_CONFIG, "%s: the process of its trial %s %s", PRINTABLE(file),
                   child_describe(how, sizeof how, child), where);
}

static enum err_code try_out(struct custom *custom, struct err *err)
{
    struct trial trial = {.source = &custom->source};
    struct child child = {.pid = 0};
    struct told told = {.at = PLUGIN_NOWHERE}, heard;
    const uint64_t end_ns = clock_now_ns() + TRIAL_LIMIT_NS;
    const struct child_plan plan = {.run = run_trial, .state = &trial, .heard = true};
    if (!child_start(&child, &plan))
        return err_set(err, E_SYSTEM, "no process for the trial of %s: %s",
                       PRINTABLE(custom->source.settings.file), strerror(errno));
    enum child_heard last = CHILD_HEARD_ALL;
    while (last == CHILD_HEARD_ALL && !told.is_over) {
        size_t bytes = 0;
        const uint64_t now_ns = clock_now_ns();
        last = child_hear(&child, &heard, sizeof heard, &bytes,
                          now_ns < end_ns ? end_ns - now_ns : 1, NULL);
        if (last == CHILD_HEARD_ALL && bytes == sizeof heard)
            told = heard;
    }
    if (last == CHILD_HEARD_END)
        (void)child_gone_within(&child, NS_PER_SECOND);
    enum err_code code = conclude(custom, &told, &child, last == CHILD_HEARD_LATE, err);
    child_end(&child);
    return code;
}

enum err_code custom_prepare(struct custom *custom, const struct spec *spec, struct err *err)
{
    const struct load_options *load = &spec->load;
    *custom = (struct custom){
        .source = {.title = custom->title,
                   .library = custom->library,
                   .routed =
                       spec->endpoint.cluster || spec->endpoint.replica_reads != REPLICA_READS_NO,
                   .settings = {
                       .file = load->custom.file,
                       .arguments = load->custom.arguments != NULL ? load->custom.arguments : "",
                       .seed = load->seed,
                       .data_bytes = load->data_bytes,
                       .key_count = load->key_order == KEYS_ONE ? 0 : load->keyspace,
                       .first_key = load->keyspace_offset,
                       .sequential = load->key_order == KEYS_SEQUENTIAL,
                   }}};
    make_title(custom, load->custom.file);
    enum err_code code = find_library(custom, &load->custom, err);
    return code == OK ? try_out(custom, err) : code;
}
