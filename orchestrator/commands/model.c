/* `volley model FILE`: a workload file that is like recorded traffic, and how well it fits; `volley model --sample`: the
 * same of a server that cannot be recorded, as far as it tells. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/tls_stream.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/sampling.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/output_entry.h"
#include "orchestrator/server/reach.h"
#include "orchestrator/traffic/model.h"
#include "orchestrator/traffic/traffic.h"

#define LONGEST_NS (24 * 60 * 60 * NS_PER_SECOND)

struct model_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    const char *output, *name, *rates;
    bool strict, sample;
    uint64_t sample_keys, sample_limit_ns, window_ns;
    struct traffic_report report;
    struct tls_client *tls;
    struct sampling sampling;
};

#define AT(member) offsetof(struct model_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("output", "o", OPTION_TEXT, "FILE", AT(output)), .section = "Model",
     .help = "Write the workload to a file that does not exist yet, and print how well it fits. "
             "Without it the workload is printed, with the fit as comments."},
    {ROW("name", NULL, OPTION_TEXT, "NAME", AT(name)), .section = "Model", .unset = "recorded",
     .help = "What the workload is called in reports; with --sample sampled unless it is given."},
    {ROW("rates", NULL, OPTION_TEXT, "FILE", AT(rates)), .section = "Model",
     .help =
         "Write the rate over time to a file that does not exist yet, for --rate-plan of bench."},
    {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)), .section = "Model",
     .help = "End at the first line that does not parse, and at a file that was cut."},
    {ROW("sample", NULL, OPTION_FLAG, NULL, AT(sample)), .section = "Sample of a server",
     .help = "Make the model of a server in place of a file, where MONITOR is forbidden: of a "
             "sample of its keys, and of how often it executed each command."},
    {ROW("sample-keys", NULL, OPTION_COUNT, "N", AT(sample_keys)), .section = "Sample of a server",
     NUMBER(1, SAMPLE_KEYS_MAX), .unset = "10k",
     .help = "How many keys are looked at, of all primaries together."},
    {ROW("sample-limit", NULL, OPTION_DURATION, "TIME", AT(sample_limit_ns)),
     .section = "Sample of a server", BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .unset = "60s",
     .help = "End the sample then, with the keys that there are; a bare number is seconds."},
    {ROW("window", NULL, OPTION_DURATION, "TIME", AT(window_ns)), .section = "Sample of a server",
     BARE(NS_PER_SECOND, 0, LONGEST_NS), .unset = "10s",
     .help = "Count commands for so long; a bare number is seconds, 0 takes the counters since the "
             "server's start."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *model_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "model",
        .usage = "volley model FILE|--sample [OPTIONS]",
        .synopsis =
            "Fits a workload to recorded traffic: the mix of requests, which keys they ask for "
            "and how often, sizes of values, times to live, the rate. FILE is a recording, text "
            "of MONITOR, or an append-only file or its manifest. With --sample a server is asked "
            "in place of a file, and what it does not tell is guessed, which is said.",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_MODEL, &own);
    return &table;
}

/* ---- a file ---- */

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
    if (code == OK && request->rates != NULL && !model_has_rates(model))
        code = err_set(err, E_DATA, "--rates: %s has no rate over time: %s; nothing is written",
                       PRINTABLE(request->words.items[0]),
                       model->has_times ? "it is shorter than a second" : "it has no times");
    return code;
}

/* ---- a server ---- */

static enum err_code settle(struct model_request *request, struct err *err)
{
    struct bench_request *bench = &request->bench;
    enum err_code code = endpoint_settle(bench, err);
    if (code == OK)
        code = tls_settle(bench, err);
    for (uint32_t i = 0; i < bench->notice_count; i++)
        log_line(LOG_WARNING, "%s", bench->notices[i]);
    return code;
}

static enum err_code ask_server(struct model_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    enum err_code code = settle(request, err);
    if (code != OK)
        return code;
    request->sampling = (struct sampling){.endpoint = endpoint,
                                          .interrupted = &interrupts_install()->count,
                                          .keys_max = request->sample_keys,
                                          .limit_ns = request->sample_limit_ns,
                                          .window_ns = request->window_ns};
    if (endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    if (code == OK)
        code = reach_begin(endpoint, request->sampling.interrupted, err);
    return code == OK ? sampling_run(&request->sampling, err) : code;
}

/* ---- the output ---- */

/* With what is known of it as comments. */
static void write_workload(const struct model_request *request, const struct model *model,
                           FILE *out)
{
    char source[PRINTABLE_BYTES];
    if (request->sample) {
        sample_write(request->sampling.sample, out, request->name, request->sampling.target_text);
        sampling_write_cost(&request->sampling, out, "# ");
        return;
    }
    printable_copy(source, sizeof source, request->words.items[0]);
    model_write(model, out, request->name, source);
}

static void write_fit(const struct model_request *request, const struct model *model)
{
    if (!request->sample) {
        model_write_fit(model, stdout, "");
        return;
    }
    sample_write_fit(request->sampling.sample, stdout, "");
    sampling_write_cost(&request->sampling, stdout, "");
}

static enum err_code create_file(FILE **out, const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    return *out != NULL ? OK
                        : err_set_errno(err, E_USAGE, errno, "cannot create %s", PRINTABLE(path));
}

static enum err_code close_file(FILE *out, const char *path, struct err *err)
{
    const bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", PRINTABLE(path));
    return OK;
}

static enum err_code write_rates(const struct model_request *request, const struct model *model,
                                 struct err *err)
{
    char source[PRINTABLE_BYTES];
    FILE *out = NULL;
    if (request->rates == NULL)
        return OK;
    if (create_file(&out, request->rates, err) != OK)
        return err->code;
    printable_copy(source, sizeof source, request->words.items[0]);
    model_write_rates(model, out, printable_line(source));
    return close_file(out, request->rates, err);
}

static enum err_code write_model(const struct model_request *request, const struct model *model,
                                 struct err *err)
{
    FILE *out = NULL;
    if (request->output == NULL) {
        write_workload(request, model, stdout);
        return OK;
    }
    if (create_file(&out, request->output, err) != OK)
        return err->code;
    write_workload(request, model, out);
    if (close_file(out, request->output, err) != OK)
        return err->code;
    write_fit(request, model);
    return OK;
}

/* ---- the command line ---- */

/* As a workload file takes it. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 31 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               strlen(name);
}

static bool is_of_files(const char *option)
{
    static const char *const options[] = {"output", "name", "rates", "strict", "help"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i], option) == 0)
            return true;
    return false;
}

/* Options that only one of the two takes. */
static enum err_code check_source(const struct model_request *request, struct err *err)
{
    const struct option_table *table = model_option_table();
    if (request->sample && request->words.count > 0)
        return err_set(err, E_USAGE,
                       "--sample and the file %s contradict each other: a model is made of a "
                       "server or of a file",
                       PRINTABLE(request->words.items[0]));
    if (request->sample && options_given(&request->bench.values, "strict"))
        return err_set(err, E_USAGE, "--strict is about a file, and --sample reads none");
    if (request->sample && request->rates != NULL)
        return err_set(err, E_USAGE,
                       "--rates and --sample contradict each other: a server tells the rate of "
                       "the window, and none over time");
    if (request->sample)
        return OK;
    if (request->words.count != 1)
        return err_set(err, E_USAGE, "name one file, or a server with --sample: %s", table->usage);
    for (size_t i = 0; i < table->row_count; i++)
        if (!is_of_files(table->rows[i].name) &&
            options_given(&request->bench.values, table->rows[i].name))
            return err_set(err, E_USAGE,
                           "--%s is about a server, and a model is made of a server or of a file: "
                           "add --sample and name no file",
                           table->rows[i].name);
    return OK;
}

static enum err_code check_output(const char *path, struct err *err)
{
    return path != NULL ? output_entry_check_new(path, err) : OK;
}

static enum err_code run(void *target, struct err *err)
{
    struct model_request *request = target;
    if (check_source(request, err) != OK || check_output(request->output, err) != OK ||
        check_output(request->rates, err) != OK)
        return err->code;
    if (request->rates != NULL && request->output != NULL &&
        strcmp(request->rates, request->output) == 0)
        return err_set(err, E_USAGE, "--rates and --output name one file");
    if (!is_name(request->name))
        return err_set(err, E_USAGE,
                       "--name %s: letters, digits, _ . and - are allowed, up to 31 of them",
                       PRINTABLE(request->name));
    if (request->sample) {
        if (!options_given(&request->bench.values, "name"))
            request->name = "sampled";
        if (ask_server(request, err) != OK)
            return err->code;
        return write_model(request, request->sampling.sample->model, err);
    }
    struct model *model = model_create();
    if (model == NULL)
        return err_set(err, E_SYSTEM, "no memory for the model");
    enum err_code code = read_traffic(request, model, err);
    if (code == OK)
        code = write_rates(request, model, err);
    if (code == OK)
        code = write_model(request, model, err);
    model_free(model);
    return code;
}

static void destroy(void *target)
{
    struct model_request *request = target;
    sampling_free(&request->sampling);
    reach_end();
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_model(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = model_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct model_request),
                                   offsetof(struct model_request, words), argc, argv);
}
