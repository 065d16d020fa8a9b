/* `volley notify test`: a test alert, and its end, over each channel of a file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/watch/notifier.h"

/* Four tries of each message, of at most ten minutes; a file that says nothing has ten seconds. */
#define TEST_NS (3600 * NS_PER_SECOND)

struct notify_request_options {
    struct option_values values;
    struct command_words words;
    const char *path, *channel;
    unsigned severity;
    bool dry_run, help;
};

static const char *severity_at(size_t index)
{
    return index <= ALERT_CRITICAL ? alert_severity_name((enum alert_severity)index) : NULL;
}

#define AT(member) offsetof(struct notify_request_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("notify", NULL, OPTION_TEXT, "FILE", AT(path)), .section = "Channels",
     .help = "The channels: YAML or JSON."},
    {ROW("channel", NULL, OPTION_TEXT, "NAME", AT(channel)), .section = "Channels",
     .help = "This one alone."},
    {ROW("severity", NULL, OPTION_WORD, "WORD", AT(severity)), .unset = "warning",
     .value_at = severity_at, .section = "Channels", .help = "Of the test alert."},
    {ROW("notify-dry-run", NULL, OPTION_FLAG, NULL, AT(dry_run)), .section = "Channels",
     .help = "Print what would be sent, without secrets, and send nothing."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table notify_option_table = {
    TABLE_ROWS(rows),
    .command = "notify",
    .usage = "volley notify test --notify FILE [OPTIONS]",
    .synopsis =
        "Sends a test alert, and its end, over each channel of a file, whatever its routes say, "
        "and tells what became of it. Exit status 1 when a channel could not be told, or is "
        "disabled because an environment variable is not set.",
    .takes_command = true,
};

static void make_alert(struct alert_event *event, enum alert_severity severity)
{
    const uint64_t now_ms = clock_wall_ns() / NS_PER_MS;
    *event = (struct alert_event){
        .alert = "VolleyTest",
        .state = ALERT_FIRING,
        .severity = severity,
        .value = 2,
        .threshold = 1,
        .since_ms = now_ms,
        .at_ms = now_ms,
        .run = "notify test",
        .summary = "This is a test of notifications, and nothing is wrong",
        .labels = {{.name = "severity"}},
        .label_count = 1,
    };
    snprintf(event->labels[0].value, sizeof event->labels[0].value, "%s",
             alert_severity_name(severity));
}

static void show(void *state, const char *channel, const char *line)
{
    (void)state;
    printf("%s: %s\n", channel, line);
}

/* False: it was not told all. */
static bool print_channel(const struct notifier_channel *channel, bool dry_run)
{
    const char *name = channel->name, *type = notify_type_name(channel->type);
    char missing[NOTIFY_MISSING_BYTES + 64];
    const uint64_t all_count = channel->sent_count + channel->failed_count;
    if (channel->missing[0] != '\0')
        printf("%s (%s): disabled: %s\n", name, type,
               notify_missing_text(missing, channel->missing));
    else if (all_count == 0)
        printf("%s (%s): not told: what sends it has ended\n", name, type);
    else if (channel->failed_count > 0)
        printf("%s (%s): failed: %s; %" PRIu64 " of %" PRIu64 " messages sent\n", name, type,
               channel->problem, channel->sent_count, all_count);
    else
        printf("%s (%s): %s: %" PRIu64 " messages\n", name, type,
               dry_run ? "would be sent" : "sent", channel->sent_count);
    return channel->missing[0] == '\0' && channel->failed_count == 0 && all_count > 0;
}

static enum err_code test(const struct notify_request_options *request, struct err *err)
{
    struct notifier *notifier = NULL;
    struct alert_event event;
    const struct notifier_setup setup = {.path = request->path,
                                         .dry_run = request->dry_run,
                                         .everyone = true,
                                         .only = request->channel,
                                         .show = show};
    const enum err_code code = notifier_start(&notifier, &setup, err);
    size_t channel_count = 0, told_count = 0, wanted_count = 0;
    if (code != OK)
        return code;
    make_alert(&event, (enum alert_severity)request->severity);
    notifier_tell(notifier, &event);
    event.state = ALERT_RESOLVED;
    notifier_tell(notifier, &event);
    const struct notifier_channel *channels = notifier_finish(notifier, TEST_NS, &channel_count);
    for (size_t i = 0; i < channel_count; i++) {
        if (request->channel != NULL && strcmp(request->channel, channels[i].name) != 0)
            continue;
        wanted_count++;
        told_count += print_channel(&channels[i], request->dry_run) ? 1 : 0;
    }
    notifier_free(notifier);
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return err_set(err, E_SYSTEM, "standard output cannot be written to");
    return told_count == wanted_count ? OK
                                      : err_set(err, E_FAILED, "%zu of %zu channels were not told",
                                                wanted_count - told_count, wanted_count);
}

static enum err_code run(void *target, struct err *err)
{
    const struct notify_request_options *request = target;
    const struct command_words *words = &request->words;
    if (words->count != 1 || strcmp(words->items[0], "test") != 0)
        return err_set(err, E_USAGE, "%s", notify_option_table.usage);
    if (request->path == NULL)
        return err_set(err, E_USAGE, "name the file of the channels: %s",
                       notify_option_table.usage);
    return test(request, err);
}

int command_notify(int argc, const char *const *argv)
{
    struct notify_request_options request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(notify_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
