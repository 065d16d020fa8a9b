/* How often each key was met, in bounded memory; for model*.c alone. */
#ifndef ORCHESTRATOR_TRAFFIC_MODEL_KEYS_H
#define ORCHESTRATOR_TRAFFIC_MODEL_KEYS_H

#include "orchestrator/traffic/model.h"

struct model_key {
    uint64_t hash;  /* 0: free */
    uint32_t count; /* stays at its highest */
    uint32_t space;
};
#define MODEL_KEY_SLOTS (MODEL_KEYS_MAX * 2u)

MUST_USE bool model_keys_create(struct model *model);
/* Counts a key. When there is no room for a new one, keys are chosen by one more bit of their hash: half of them
 * stay, whatever they were met before. False: no memory. */
MUST_USE bool model_keys_count(struct model *model, uint64_t hash, uint32_t space);

#endif
