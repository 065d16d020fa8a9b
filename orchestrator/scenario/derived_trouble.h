/* Figures of phases about nodes, for the table of derived.c: sums over the phases that sent something, else NAN. Pure. */
#ifndef ORCHESTRATOR_SCENARIO_DERIVED_TROUBLE_H
#define ORCHESTRATOR_SCENARIO_DERIVED_TROUBLE_H

#include "orchestrator/scenario/observation.h"

double derived_moved(const struct observation *observation, const struct phase_set *set);
double derived_asked(const struct observation *observation, const struct phase_set *set);
double derived_clusterdown(const struct observation *observation, const struct phase_set *set);
double derived_reconnects(const struct observation *observation, const struct phase_set *set);
double derived_unavailable_seconds(const struct observation *observation,
                                   const struct phase_set *set);

#endif
