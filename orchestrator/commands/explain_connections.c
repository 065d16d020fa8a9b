#include "orchestrator/commands/explain_connections.h"

#include "common/printable.h"
#include "common/units.h"

static void print_login(FILE *out, const struct spec *spec)
{
    fprintf(out, "  protocol      %s\n", spec->resp3 ? "RESP3 (HELLO 3)" : "RESP2");
    if (spec->password == NULL)
        fprintf(out, "  login         none\n");
    else if (spec->managed)
        fprintf(out, "  login         password only (that of the managed server)\n");
    else if (spec->user != NULL)
        fprintf(out, "  login         user %s with a password\n", PRINTABLE(spec->user));
    else
        fprintf(out, "  login         password only (the default user)\n");
    if (spec->client_name != NULL)
        fprintf(out, "  name          %s\n", PRINTABLE(spec->client_name));
    if (spec->tracking)
        fprintf(out, "  tracking      on: invalidation messages are counted\n");
}

static void print_life(FILE *out, const struct spec *spec)
{
    if (spec->reconnect_every > 0)
        fprintf(out, "  each lives    for %s request%s, then it is opened anew\n",
                UNITS_GROUPED(spec->reconnect_every), spec->reconnect_every == 1 ? "" : "s");
    else
        fprintf(out, "  each lives    for the whole run\n");
    if (spec->source_addresses != NULL)
        fprintf(out, "  from          %s, in turn\n", PRINTABLE(spec->source_addresses));
    if (spec->reset_on_close)
        fprintf(out, "  ends with     a reset: its local port is free at once\n");
    if (spec->idle > 0)
        fprintf(out, "  beside them   %s that carry nothing\n", UNITS_GROUPED(spec->idle));
    if (spec->max_reconnects > 0)
        fprintf(out, "  when broken   given up after %s failed attempt%s in a row\n",
                UNITS_GROUPED(spec->max_reconnects), spec->max_reconnects == 1 ? "" : "s");
    else
        fprintf(out, "  when broken   tried again for ever, at most 1 s apart\n");
}

void explain_connections(FILE *out, const struct spec *spec)
{
    if (spec->null_transport)
        return;
    fprintf(out, "Connections:\n");
    print_login(out, spec);
    print_life(out, spec);
}
