/* libFuzzer target: any bytes are a file of notification channels, or a mistake with a place; what is made of one can be sent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/notify_body.h"
#include "orchestrator/watch/notify_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static char *variable(const char *name)
{
    static char value[] = "http://host/path";
    return name[0] == 'U' ? value : NULL;
}

static void check(const struct notify_file *file)
{
    const struct alert_event event = {.alert = "A", .state = ALERT_FIRING};
    const struct notify_told told = {.event = event};
    if (file->channel_count == 0 || file->channel_count > NOTIFY_CHANNELS_MAX ||
        notify_file_route(file, &event) >> file->channel_count != 0)
        abort();
    for (size_t i = 0; i < file->channel_count; i++) {
        const struct notify_channel *channel = &file->channels[i];
        if (channel->missing[0] != '\0')
            continue;
        char *body = notify_body_make(channel, NULL, &told, 1, 0);
        if (channel->url == NULL || strpbrk(channel->url, "\r\n") != NULL || body == NULL ||
            strstr(body, "\r\nBcc:") != NULL)
            abort();
        free(body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const struct file_source source = {"file", (const char *)input, input_bytes};
    struct notify_file file;
    struct err err = {.code = OK};
    const enum err_code code = notify_file_read(&file, &source, variable, &err);
    if (code == OK)
        check(&file);
    else if (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0)
        abort();
    notify_file_free(&file);
    return 0;
}
