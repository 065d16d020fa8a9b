/* `volley model FILE`: a workload file that is like recorded traffic, and how well it fits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/traffic/model.h"
#include "orchestrator/traffic/traffic.h"

struct model_request {
    struct option_values values;
    struct command_words words;
    const char *output, *name;
    bool strict, help;
    struct traffic_report report;
};

#define AT(member) offsetof(struct model_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Model",
     .help = "Write the workload to a file that does not exist yet, and print how well it fits. "
             "Without it the workload is printed, with the fit as comments."},
    {ROW("name", NULL, OPTION_TEXT, "NAME", AT(name)), .section = "Model", .unset = "recorded",
     .help = "What the workload is called in reports."},
    {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)), .section = "Model",
     .help = "End at the first line that does not parse, and at a file that was cut."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(help)), .command_line_only = true, .section = "Other",
     .help = "This text."},
};
/* clang-format on */
#undef AT

const struct option_table model_option_table = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .command = "model",
    .usage = "volley model FILE [OPTIONS]",
    .synopsis =
        "Fits a workload to recorded traffic: the mix of requests, which keys they ask for "
        "and how often, sizes of values, times to live, the rate. FILE is a recording, text "
        "of MONITOR, or an append-only file or its manifest.",
    .takes_command = true,
};

static enum err_code read_traffic(struct model_request *request, struct model *model,
                                  struct err *err)
{
    struct traffic_source *source = NULL;
    struct recording_entry entry;
    bool more = true;
    enum err_code code =
        traffic_open(&source, request->words.items[0], request->strict, &request->report, err);
    while (code == OK && more) {
        code = traffic_next(source, &entry, &more, err);
        if (code == OK && more && !model_add(model, &entry))
            code = err_set(err, E_SYSTEM, "no memory for the model");
    }
    traffic_close(source);
    traffic_report_warn(&request->report);
    model->has_times = request->report.has_times;
    if (code == OK && !model_fit(model))
        code = err_set(err, E_SYSTEM, "no memory for the model");
    if (code == OK && model->shape_count == 0)
        code = err_set(err, E_DATA, "%s has no requests that can be modelled",
                       PRINTABLE(request->words.items[0]));
    return code;
}

static enum err_code write_model(const struct model_request *request, const struct model *model,
                                 struct err *err)
{
    char source[PRINTABLE_BYTES];
    printable_copy(source, sizeof source, request->words.items[0]);
    if (request->output == NULL) {
        model_write(model, stdout, request->name, source);
        return OK;
    }
    int fd = open(request->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return err_set_errno(err, E_USAGE, errno, "cannot create %s", PRINTABLE(request->output));
    model_write(model, out, request->name, source);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", PRINTABLE(request->output));
    model_write_fit(model, stdout, "");
    return OK;
}

/* As a workload file takes it. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 31 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               strlen(name);
}

static enum err_code run(void *target, struct err *err)
{
    struct model_request *request = target;
    if (request->words.count != 1)
        return err_set(err, E_USAGE, "name one file: %s", model_option_table.usage);
    if (!is_name(request->name))
        return err_set(err, E_USAGE,
                       "--name %s: letters, digits, _ . and - are allowed, up to 31 of them",
                       PRINTABLE(request->name));
    if (request->output != NULL && access(request->output, F_OK) == 0)
        return err_set(err, E_USAGE,
                       "%s exists, and is not overwritten; name a file that does not exist",
                       PRINTABLE(request->output));
    struct model *model = model_create();
    if (model == NULL)
        return err_set(err, E_SYSTEM, "no memory for the model");
    enum err_code code = read_traffic(request, model, err);
    if (code == OK)
        code = write_model(request, model, err);
    model_free(model);
    return code;
}

int command_model(int argc, const char *const *argv)
{
    static struct model_request request;
    const struct command_frame frame = {.table = &model_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
