#include "orchestrator/commands/frame.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "orchestrator/options/arguments.h"
#include "orchestrator/options/credentials.h"

/* "-5" is a word, and no option. */
static bool is_word(const char *argument)
{
    return argument[0] != '-' || isdigit((unsigned char)argument[1]);
}

static enum err_code too_many(const struct command_frame *frame, struct err *err)
{
    return err_set(err, E_USAGE, "too many words: %s", frame->table->usage);
}

/* Options into sorted, from 1 on, and words to the frame's. Behind "--" all are words. */
static enum err_code sort_arguments(const struct command_frame *frame, const char **sorted,
                                    int *sorted_count, int argc, const char *const *argv,
                                    struct err *err)
{
    bool all_words = false;
    enum err_code code = OK;
    *sorted_count = 1;
    for (int at = 1; at < argc && code == OK;) {
        if (all_words || is_word(argv[at])) {
            if (frame->words->count == COMMAND_WORDS_MAX)
                return too_many(frame, err);
            frame->words->items[frame->words->count++] = argv[at++];
            continue;
        }
        struct arguments arguments;
        code = arguments_cut(&arguments, frame->table, argc - at + 1, argv + at - 1, err);
        const int end = arguments.rest < 0 ? argc : at - 1 + arguments.rest;
        arguments_free(&arguments);
        for (; at < end; at++)
            if (at == end - 1 && strcmp(argv[at], "--") == 0)
                all_words = true;
            else
                sorted[(*sorted_count)++] = argv[at];
    }
    return code;
}

/* Where the options end that begin at `at`: a word, or the end. */
static int skip_options(const struct command_frame *frame, int at, int argc,
                        const char *const *argv)
{
    struct arguments arguments;
    struct err ignored = {.code = OK};
    const enum err_code cut =
        arguments_cut(&arguments, frame->table, argc - at + 1, argv + at - 1, &ignored);
    const int end = cut != OK || arguments.rest < 0 ? argc : at - 1 + arguments.rest;
    arguments_free(&arguments);
    return end;
}

/* Secrets stand behind words, too. What is behind a command of the user's own is no option. */
static void hide_secrets(const struct command_frame *frame, int argc, const char *const *argv)
{
    int at = 1;
    while (at < argc && (frame->words_everywhere || at == 1)) {
        while (frame->words != NULL && frame->parse == NULL && at < argc && is_word(argv[at]))
            at++;
        if (at >= argc)
            return;
        const int end =
            skip_options(frame, at, argc, argv); /* as it was before anything is hidden */
        credentials_hide_arguments(frame->table, argc - at + 1, argv + at - 1);
        at = end > at ? end : at + 1;
    }
}

static enum err_code parse_sorted(const struct command_frame *frame, int argc,
                                  const char *const *argv, struct err *err)
{
    int sorted_count = 0;
    const char **sorted = calloc((size_t)argc + 1, sizeof sorted[0]);
    if (sorted == NULL)
        return err_set(err, E_SYSTEM, "no memory for arguments");
    sorted[0] = argv[0];
    enum err_code code = sort_arguments(frame, sorted, &sorted_count, argc, argv, err);
    /* a mistake is told by options_parse, which knows more of it, and --help in front of it counts */
    struct err other = {.code = OK};
    enum err_code parsed =
        options_parse(frame->values, frame->table, frame->target, sorted_count, sorted, &other);
    free(sorted);
    if (parsed == OK && *frame->help)
        return OK;
    return code != OK ? code : err_set(err, parsed, "%s", other.text);
}

static enum err_code parse(const struct command_frame *frame, int argc, const char *const *argv,
                           struct err *err)
{
    struct command_words *words = frame->words;
    int leading = 0;
    if (frame->parse != NULL)
        return frame->parse(frame->target, argc, argv, err);
    if (frame->words_everywhere)
        return parse_sorted(frame, argc, argv, err);
    while (1 + leading < argc && is_word(argv[1 + leading]))
        leading++;
    /* options_parse skips one word: the command, or the last one behind it. */
    enum err_code code = options_parse(frame->values, frame->table, frame->target, argc - leading,
                                       argv + leading, err);
    if (code != OK || *frame->help)
        return code;
    words->count = (size_t)leading + frame->values->rest_count;
    if (words->count > COMMAND_WORDS_MAX || (leading > 0 && frame->values->rest_count > 0))
        return too_many(frame, err);
    for (size_t i = 0; i < words->count; i++)
        words->items[i] = leading > 0 ? argv[1 + i] : frame->values->rest[i];
    return OK;
}

static enum err_code run(const struct command_frame *frame, struct err *err)
{
    if (*frame->help) {
        options_print_help(frame->table, stdout);
        return OK;
    }
    if (frame->load != NULL) {
        log_set_level(frame->load->spec.outputs.log_level);
        for (uint32_t i = 0; i < frame->load->notice_count; i++)
            log_line(LOG_WARNING, "%s", frame->load->notices[i]);
    }
    return frame->run(frame->target, err);
}

int command_frame_run(const struct command_frame *frame, int argc, const char *const *argv)
{
    struct err err = {.code = OK};
    enum err_code code = parse(frame, argc, argv, &err);
    hide_secrets(frame, argc, argv);
    if (code == OK)
        code = run(frame, &err);
    if (err.code != OK)
        log_line(LOG_ERROR, "%s", err.text);
    if (frame->destroy != NULL)
        frame->destroy(frame->target);
    else
        options_free(frame->values);
    return err_exit_status(code);
}

static int run_request(const struct command_frame *frame, void *request, size_t words_at, int argc,
                       const char *const *argv)
{
    struct bench_request *bench = request;
    struct command_frame whole = *frame;
    struct err err = {.code = OK};
    if (bench_options_defaults(bench, &err) != OK) {
        log_line(LOG_ERROR, "%s", err.text);
        bench_options_free(bench);
        return err_exit_status(err.code);
    }
    whole.target = request;
    whole.values = &bench->values;
    whole.help = &bench->help;
    whole.words = (void *)((char *)request + words_at);
    whole.load = bench;
    if (frame->prepare != NULL)
        frame->prepare(request, argc, argv);
    return command_frame_run(&whole, argc, argv);
}

int command_frame_run_bench(const struct command_frame *frame, size_t request_bytes,
                            size_t words_at, int argc, const char *const *argv)
{
    void *request = calloc(1, request_bytes);
    if (request == NULL)
        return err_exit_status(E_SYSTEM);
    const int status = run_request(frame, request, words_at, argc, argv);
    free(request);
    return status;
}
