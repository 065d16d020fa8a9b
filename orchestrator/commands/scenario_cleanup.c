#include "orchestrator/commands/scenario_cleanup.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/scenario_address.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_send.h"

#define LONGEST_NS (60 * NS_PER_SECOND)

void scenario_clean_up(struct scenario_run *run)
{
    const struct phase cleanup = {.name = "cleanup",
                                  .base = "cleanup",
                                  .type = PHASE_FLUSH,
                                  .clients = 8,
                                  .pipeline = 64,
                                  .duration_ns = LONGEST_NS};
    struct interrupts *interrupts = run->session->interrupts;
    const uint64_t keys = run->map != NULL ? live_map_count(run->map) : 0;
    const uint32_t phase = run->phase;
    const int signals = interrupts->count;
    struct err err = {.code = OK};
    const bool index = scenario_index_exists(run);
    if ((keys == 0 && !index) || signals > 1)
        return;
    log_line(signals > 0 ? LOG_WARNING : LOG_INFO, "removing %s keys of this run%s%s",
             UNITS_GROUPED(keys), index ? ", and their index" : "",
             signals > 0 ? "; Ctrl+C leaves them" : "");
    interrupts->count = 0;
    interrupts->enough = false;
    run->aside = &cleanup;
    run->phase = run->scenario->phase_count; /* its account is nobody's */
    run->accounts[run->phase].start_ns = clock_now_ns() - run->began_ns;
    run->done = false;
    const enum err_code code = run->index != NULL ? scenario_index_flush(run, &cleanup, &err)
                                                  : scenario_send(run, &cleanup, &err);
    if (code != OK)
        log_line(LOG_WARNING, "the keys of this run are not all removed: %s", PRINTABLE(err.text));
    run->aside = NULL;
    run->phase = phase;
    interrupts->count += signals;
}

/* Where valkey-cli takes the password from, which no command line should show; "": there is none. */
static const char *password_place(const struct endpoint *endpoint)
{
    return endpoint->password != NULL ? " (the password goes into REDISCLI_AUTH)" : "";
}

void scenario_key_remover(char text[SCENARIO_REMOVER_BYTES], const struct scenario_run *run)
{
    const struct endpoint *endpoint = &run->session->request->spec.endpoint;
    char server[SCENARIO_ADDRESS_BYTES];
    scenario_address_of_cli(server, endpoint, &run->session->target);
    snprintf(text, SCENARIO_REMOVER_BYTES,
             "%s%s: valkey-cli%s --scan --pattern '%s*' | xargs -n %s valkey-cli%s unlink",
             endpoint->cluster ? ", once at each primary" : "", password_place(endpoint), server,
             run->prefix, endpoint->cluster ? "1" : "1000", server);
}

void scenario_tell_leftovers(const struct scenario_run *run)
{
    const struct endpoint *endpoint = &run->session->request->spec.endpoint;
    const uint64_t keys = run->map != NULL ? live_map_count(run->map) : 0;
    char remover[256], server[SCENARIO_ADDRESS_BYTES], key_remover[SCENARIO_REMOVER_BYTES];
    scenario_address_of_cli(server, endpoint, &run->session->target);
    scenario_key_remover(key_remover, run);
    if (keys > 0 || run->sent_workload)
        log_line(LOG_WARNING,
                 "%s%s of this run %s, and begin with %s; to remove all that does, of "
                 "every run of %s%s",
                 keys > 0 ? UNITS_GROUPED(keys) : "",
                 !run->sent_workload ? " keys"
                 : keys > 0          ? " keys, and those of its workloads,"
                                     : "keys of workloads",
                 run->unheard ? "were there when the server answered last" : "are still there",
                 run->prefix, run->scenario->name, key_remover);
    scenario_index_remover(remover, sizeof remover, run);
    if (remover[0] != '\0')
        log_line(LOG_WARNING, "so is their index; to remove it%s: valkey-cli%s %s",
                 password_place(endpoint), server, remover);
}
