/* `volley diagnose`: what held the runs of a directory up. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output_place.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/watch/diagnosis.h"

#define PATH_BYTES 4200u
#define FILE_BYTES_MAX (256u << 20)
#define RUN_SCHEMA "volley.run/1"
#define RUN_FILE "run.json"

enum { OF_TEXT, OF_JSON, OF_MARKDOWN, OUTPUTS };

struct diagnose_request {
    struct option_values values;
    struct command_words words;
    const char *json, *markdown;
    bool help;
    /* while it runs */
    char path[PATH_BYTES];
    json_t *document;
    struct output outputs[OUTPUTS];
    struct output_place *read;
};

#define AT(member) offsetof(struct diagnose_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json)), .section = "Output", .needs_trust = true,
     .help = "All of it for programs; - for standard output in place of the text."},
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(markdown)), .section = "Output",
     .needs_trust = true, .help = "Markdown; - for standard output in place of the text."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table diagnose_option_table = {
    TABLE_ROWS(rows),
    .command = "diagnose",
    .usage = "volley diagnose DIR|run.json [OPTIONS]",
    .synopsis = "Says of each run in a directory of bench --out, or in a run.json, what held it "
                "up: the bottleneck, how sure that is, the evidence, and what to do. Rules for "
                "which the run has no evidence are skipped, and named. The status is 0 whatever is "
                "found.",
    .takes_command = true,
    .takes_directory = true,
};

static enum err_code check(const struct diagnose_request *request, struct err *err)
{
    if (request->words.count != 1)
        return err_set(err, E_USAGE, "name one directory or run.json: %s",
                       diagnose_option_table.usage);
    if (output_is_stdout(request->json) && output_is_stdout(request->markdown))
        return err_set(err, E_USAGE,
                       "--json - and --output -: only one of them has standard output");
    return OK;
}

static enum err_code find_file(struct diagnose_request *request, struct err *err)
{
    const char *given = request->words.items[0];
    struct stat about;
    if (stat(given, &about) != 0)
        return err_set_errno(err, E_DATA, errno, "%.300s cannot be read", PRINTABLE(given));
    const bool directory = S_ISDIR(about.st_mode);
    if ((size_t)snprintf(request->path, sizeof request->path, "%s%s", given,
                         directory ? "/" RUN_FILE : "") >= sizeof request->path)
        return err_set(err, E_DATA, "the path is too long: %.100s...", PRINTABLE(given));
    if (directory && stat(request->path, &about) != 0)
        return err_set(err, E_DATA,
                       "%.300s has no " RUN_FILE
                       ": it is not a directory of bench --out; volley report makes one from a "
                       "journal",
                       PRINTABLE(given));
    return OK;
}

static enum err_code read_document(struct diagnose_request *request, struct err *err)
{
    FILE *file = NULL;
    uint64_t bytes = 0;
    json_error_t reason = {.line = 0};
    const enum err_code code = run_file_open(&file, &bytes, request->path, err);
    if (code != OK)
        return code;
    if (bytes <= FILE_BYTES_MAX)
        request->document = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
    (void)fclose(file);
    if (bytes > FILE_BYTES_MAX)
        return err_set(err, E_DATA, "%.250s has more than %u MB, the most that is read",
                       PRINTABLE(request->path), FILE_BYTES_MAX >> 20);
    if (request->document == NULL)
        return err_set(err, E_DATA, "%.250s:%d:%d: no JSON: %s", PRINTABLE(request->path),
                       reason.line, reason.column, PRINTABLE(reason.text));
    const char *schema = json_string_value(json_object_get(request->document, "schema"));
    if (schema == NULL || strcmp(schema, RUN_SCHEMA) != 0)
        return err_set(err, E_DATA,
                       "%.250s: schema: %.60s; it has to be " RUN_SCHEMA ", as bench --out writes",
                       PRINTABLE(request->path), schema != NULL ? PRINTABLE(schema) : "missing");
    if (json_array_size(json_object_get(request->document, "runs")) == 0)
        return err_set(err, E_DATA, "%.250s has no run", PRINTABLE(request->path));
    return OK;
}

static enum err_code open_outputs(struct diagnose_request *request, struct err *err)
{
    const char *paths[OUTPUTS] = {[OF_JSON] = request->json, [OF_MARKDOWN] = request->markdown};
    enum err_code code = output_place_claim(&request->read, request->path, request->path, err);
    if (!output_is_stdout(request->json) && !output_is_stdout(request->markdown))
        output_borrow(&request->outputs[OF_TEXT], stdout);
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (paths[i] != NULL)
            code = output_create(&request->outputs[i], paths[i], OUTPUT_NAMED, err);
    return code;
}

/* Filling keys is no load that anybody asks about. */
static bool is_asked_about(const json_t *run)
{
    return json_is_object(run) && !json_is_true(json_object_get(run, "prefill"));
}

/* Of each run that is asked about. */
static enum err_code write_runs(struct diagnose_request *request, json_t *list, struct err *err)
{
    const json_t *runs = json_object_get(request->document, "runs"), *run;
    size_t index;
    json_array_foreach(runs, index, run)
    {
        struct diagnosis_evidence evidence;
        struct diagnosis diagnosis;
        if (!is_asked_about(run))
            continue;
        diagnosis_read(&evidence, run);
        diagnosis_make(&diagnosis, &evidence);
        if (request->outputs[OF_TEXT].file != NULL)
            diagnosis_write_text(&request->outputs[OF_TEXT], &diagnosis);
        if (request->outputs[OF_MARKDOWN].file != NULL)
            diagnosis_write_markdown(&request->outputs[OF_MARKDOWN], &diagnosis);
        if (json_array_append_new(list, diagnosis_to_json(&diagnosis)) != 0)
            return err_set(err, E_SYSTEM, "no memory for the diagnosis");
    }
    return json_array_size(list) > 0
               ? OK
               : err_set(err, E_DATA, "%.250s has no run but those that filled in keys",
                         PRINTABLE(request->path));
}

static enum err_code write_json(struct diagnose_request *request, json_t *list, struct err *err)
{
    struct output *output = &request->outputs[OF_JSON];
    if (output->file == NULL)
        return OK;
    json_t *document = json_pack("{s:s, s:o, s:O}", "schema", "volley.diagnosis/1", "path",
                                 json_value_text(request->path), "runs", list);
    const bool written = document != NULL && json_value_write(output, document, JSON_INDENT(2));
    output_printf(output, "\n");
    json_decref(document);
    return written ? OK : err_set(err, E_SYSTEM, "no memory for %s", PRINTABLE(request->json));
}

static enum err_code close_outputs(struct diagnose_request *request, struct err *err)
{
    enum err_code code = OK;
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (request->outputs[i].file != NULL)
            code = output_close(&request->outputs[i], err);
    for (int i = 0; i < OUTPUTS && code == OK; i++)
        if (request->outputs[i].path != NULL)
            code = output_commit(&request->outputs[i], err);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct diagnose_request *request = target;
    json_t *list = json_array();
    enum err_code code = check(request, err);
    if (code == OK)
        code = find_file(request, err);
    if (code == OK)
        code = read_document(request, err);
    if (code == OK)
        code = open_outputs(request, err);
    if (code == OK)
        code = write_runs(request, list, err);
    if (code == OK)
        code = write_json(request, list, err);
    if (code == OK)
        code = close_outputs(request, err);
    for (int i = 0; i < OUTPUTS; i++)
        output_discard(&request->outputs[i]);
    output_place_release(request->read);
    json_decref(request->document);
    json_decref(list);
    return code;
}

int command_diagnose(int argc, const char *const *argv)
{
    struct diagnose_request request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(diagnose_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
