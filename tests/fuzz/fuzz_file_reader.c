/* libFuzzer target: any bytes are a file of the sample's kind whose values keep its limits, or one
 * sentence that begins with the file's name, a line and a column; and a file of --config, likewise. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/sample_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check_phases(const struct sample_phase *phases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample_phase *phase = &phases[i];
        bool group = phase->place.variant == SAMPLE_GROUP;
        if (phase->place.variant > SAMPLE_GROUP || group != (phase->phase_count > 0) ||
            phase->phase_count > 4 || phase->wait_ns > 60 * NS_PER_SECOND ||
            (phase->place.variant == SAMPLE_LOAD && phase->load_ns == 0))
            abort();
        check_phases(phase->phases, phase->phase_count);
    }
}

static void check(const struct sample *sample)
{
    const struct sample_limits *limits = &sample->limits;
    if (sample->seed < 1 || sample->seed > 1000 || sample->colour > 2)
        abort();
    if (limits->place.node != NULL &&
        (limits->size_bytes < 1024 || limits->size_bytes > 1048576 ||
         limits->timeout_ns < NS_PER_MS || limits->timeout_ns > NS_PER_SECOND))
        abort();
    check_phases(sample->phases, sample->phase_count);
    for (size_t i = 0; i < sample->channel_count; i++) {
        const struct sample_channel *channel = &sample->channels[i];
        bool mail = channel->place.variant == SAMPLE_MAIL;
        if (channel->place.node->key == NULL || (channel->url != NULL) == mail ||
            (channel->to_count > 0) != mail)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const struct file_source source = {"file", (const char *)input, input_bytes};
    const struct file_kind *const kinds[] = {&sample_kind, &options_config_kind};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct file file;
        struct sample sample = {.seed = 0}; /* that of --config needs less */
        struct err err = {.code = OK};
        unsigned line = 0, column = 0;
        enum err_code code = file_read(&file, kinds[i], &sample, &source, &err);
        if (code == OK && kinds[i] == &sample_kind)
            check(&sample);
        if (code != OK &&
            (code != E_CONFIG || sscanf(err.text, "file:%u:%u: ", &line, &column) != 2 ||
             line == 0 || column == 0))
            abort();
        file_free(&file);
    }
    return 0;
}
