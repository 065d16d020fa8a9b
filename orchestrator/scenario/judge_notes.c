/* What stands below the table of phases. */
#include <math.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/scenario/judge.h"

#define APART_SHARE 0.05
#define SHOWN_MAX 6u

bool judge_rate_is_apart(const struct phase_account *account)
{
    const double lasted = clock_seconds(account->end_ns - account->start_ns);
    return account->ran && account->requests_ok + account->requests_failed > 0 &&
           fabs(lasted - account->load_seconds) > APART_SHARE * lasted;
}

void judge_print_phase_notes(struct output *out, const struct observation *observation)
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
}
