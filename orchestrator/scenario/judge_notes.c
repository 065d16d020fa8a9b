/* What stands below the table of phases. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/scenario/judge.h"

#define APART_SHARE 0.05
#define SHOWN_MAX 6u
#define CHECKS_BYTES 1024u

bool judge_rate_is_apart(const struct phase_account *account)
{
    const double lasted = clock_seconds(account->end_ns - account->start_ns);
    return account->ran && account->requests_ok + account->requests_failed > 0 &&
           fabs(lasted - account->load_seconds) > APART_SHARE * lasted;
}

/* Returns whether there were any. */
static bool print_rates_apart(struct output *out, const struct observation *observation)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = &observation->accounts[i];
        if (!judge_rate_is_apart(account) || count++ >= SHOWN_MAX)
            continue;
        output_printf(out, "%s%s %.3f s",
                      count == 1 ? "\n* over the seconds in which requests were sent: " : ", ",
                      PRINTABLE(observation->scenario->phases[i].name), account->load_seconds);
    }
    if (count > SHOWN_MAX)
        output_printf(out, " and %u more, load_seconds in summary.csv", count - SHOWN_MAX);
    if (count > 0)
        output_printf(out, "\n");
    return count > 0;
}

void judge_print_phase_notes(struct output *out, const struct observation *observation)
{
    const char *doubt = NULL;
    const bool any = print_rates_apart(out, observation);
    for (uint32_t i = 0; i < observation->scenario->phase_count && doubt == NULL; i++) {
        const double *values = observation->accounts[i].after;
        if (observation->accounts[i].ran && isfinite(values[SERIES_FRAGMENTATION]))
            doubt = observation_doubt(observation, values, SERIES_FRAGMENTATION);
    }
    if (doubt != NULL)
        output_printf(out, "%sfrag. ratio -: %s\n", any ? "" : "\n", doubt);
}

/* Their names, separated by commas. Returns text. */
static const char *name_checks(char text[CHECKS_BYTES], uint64_t checks)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; verdict_check_at(i) != NULL; i++)
        if (checks >> i & 1)
            used += (size_t)snprintf(text + used, CHECKS_BYTES - used, "%s%s", used > 0 ? ", " : "",
                                     verdict_check_at(i));
    return text;
}

/* " 9 AMBER (loop_lag, run_delay)"; of RED ones which phase it was. Returns how many there are. */
static uint32_t print_level(struct output *out, const struct observation *observation,
                            enum verdict_level level, bool first)
{
    char names[CHECKS_BYTES];
    uint64_t checks = 0;
    uint32_t count = 0, shown = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_verdict *verdict = &observation->accounts[i].verdict;
        if (!verdict->known || verdict->level != level)
            continue;
        count++;
        checks |= verdict->checks[level];
    }
    if (count == 0)
        return 0;
    output_printf(out, "%s%u %s", first ? "\nVerdicts: " : ", ", count, verdict_level_name(level));
    if (level == VERDICT_AMBER)
        output_printf(out, " (%s)", name_checks(names, checks));
    for (uint32_t i = 0; level == VERDICT_RED && i < observation->scenario->phase_count; i++) {
        const struct phase_verdict *verdict = &observation->accounts[i].verdict;
        if (verdict->known && verdict->level == level && shown++ < SHOWN_MAX)
            output_printf(out, "%s%s: %s", shown == 1 ? " (" : "; ",
                          PRINTABLE(observation->scenario->phases[i].name),
                          name_checks(names, verdict->checks[level]));
    }
    if (level == VERDICT_RED)
        output_printf(out, "%s)", shown > SHOWN_MAX ? "; ..." : "");
    return count;
}

void judge_print_verdicts(struct output *out, const struct observation *observation,
                          const char *directory)
{
    uint32_t count = 0, doubtful = 0;
    for (enum verdict_level level = VERDICT_GREEN; level <= VERDICT_RED; level++) {
        const uint32_t found = print_level(out, observation, level, count == 0);
        count += found;
        doubtful += level != VERDICT_GREEN ? found : 0;
    }
    if (doubtful > 0)
        output_printf(out, "; volley report %s says more", PRINTABLE(directory));
    if (count > 0)
        output_printf(out, "\n");
}
