#include "orchestrator/commands/frame.h"

#include <assert.h>
#include <ctype.h>

#include "common/log.h"
#include "orchestrator/options/credentials.h"

/* "-5" is a word, and no option. */
static bool is_word(const char *argument)
{
    return argument[0] != '-' || isdigit((unsigned char)argument[1]);
}

static enum err_code parse(const struct command_frame *frame, int argc, const char *const *argv,
                           struct err *err)
{
    struct command_words *words = frame->words;
    int leading = 0;
    if (frame->parse != NULL)
        return frame->parse(frame->target, argc, argv, err);
    while (1 + leading < argc && is_word(argv[1 + leading]))
        leading++;
    /* options_parse skips one word: the command, or the last one behind it. */
    enum err_code code = options_parse(frame->values, frame->table, frame->target, argc - leading,
                                       argv + leading, err);
    if (code != OK || *frame->help)
        return code;
    words->count = (size_t)leading + frame->values->rest_count;
    if (words->count > COMMAND_WORDS_MAX || (leading > 0 && frame->values->rest_count > 0))
        return err_set(err, E_USAGE, "too many words: %s", frame->table->usage);
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
    if (frame->load != NULL)
        credentials_hide_arguments(frame->table, argc, argv);
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

int command_frame_run_bench(struct command_frame *frame, struct bench_request *bench, int argc,
                            const char *const *argv)
{
    struct err err = {.code = OK};
    assert(bench != NULL);
    if (bench_options_defaults(bench, &err) != OK) {
        log_line(LOG_ERROR, "%s", err.text);
        bench_options_free(bench);
        return err_exit_status(err.code);
    }
    frame->values = &bench->values;
    frame->help = &bench->help;
    frame->load = bench;
    return command_frame_run(frame, argc, argv);
}
