/* A workload made of a file, where workload.h asks for what one of a template has. Private to worker/. */
#ifndef WORKER_GENERATE_WORKLOAD_MIX_H
#define WORKER_GENERATE_WORKLOAD_MIX_H

#include "worker/generate/mix.h"

size_t mix_most_bytes(const struct mix *mix);
double mix_mean_commands(const struct mix *mix); /* of a request */
bool mix_reads(const struct mix *mix);
bool mix_walks(const struct mix *mix);  /* some requests are pages of walks: {cursor} */
bool mix_awaits(const struct mix *mix); /* acknowledgements: READ_AT_LEAST */
uint32_t mix_keys_per_request(const struct mix *mix);
bool mix_reads_some(const struct mix *mix); /* some class only reads, once the keys are known */
bool mix_uses_one_key(const struct mix *mix);
uint64_t mix_key_count(const struct mix *mix); /* of all key spaces */

/* Commands are those of the first class, then those of the second one, and so on. */
uint32_t mix_command_count(const struct mix *mix);
size_t mix_command_arguments(const struct mix *mix, uint32_t command);
/* The text of an argument in the first request; out may be NULL. Returns its length. */
size_t mix_command_argument(const struct mix *mix, uint32_t command, size_t argument, char *out);
/* Whether it differs from request to request. */
bool mix_command_argument_varies(const struct mix *mix, uint32_t command, size_t argument);

/* As workload_set_keys. */
MUST_USE enum err_code mix_set_keys(struct mix *mix, const struct workload_command_keys *keys,
                                    bool cluster, struct err *err);

/* Request `ticket`: its class, its length; and its bytes when out is not NULL. E_SYSTEM: no memory. */
MUST_USE enum err_code mix_sample(uint32_t *class, size_t *byte_count, char *out,
                                  const struct mix *mix, uint64_t ticket, struct err *err);

#endif
