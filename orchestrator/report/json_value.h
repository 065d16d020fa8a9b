/* Small makers of JSON values for the JSON report and the journal. Each returns a new reference;
 * NULL only when memory is exhausted; json_object_set_new refuses that, so that the key is then missing, and
 * everything else still told. */
#ifndef ORCHESTRATOR_REPORT_JSON_VALUE_H
#define ORCHESTRATOR_REPORT_JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* JSON text must be UTF-8, and names and error replies may hold any bytes: bytes that are not part
 * of valid UTF-8 become "\\xNN". NULL becomes null. */
json_t *json_value_text(const char *text);
/* Null: not known, or "", or no UTF-8, which is as good as unknown. */
json_t *json_value_known_text(bool known, const char *text);
/* Of decimal digits; null: not known, or something else. */
json_t *json_value_known_digits(bool known, const char *text);
json_t *json_value_count(uint64_t count);
/* Null: not known. */
json_t *json_value_microseconds(bool known, double ns);
/* Writes a value as text, as json_dump would with these flags; control characters beyond those that JSON knows
 * (DEL, and U+0080 to U+009F, which terminals obey) are escaped, too. False: no memory. */
MUST_USE bool json_value_write(struct output *output, const json_t *value, size_t flags);

/* And back, of a member: cut to its room, "" when it is no text; not below 0. False: it is not there, or something else. */
bool json_value_get_text(char *text, size_t text_bytes, const json_t *json, const char *key);
bool json_value_get_count(uint64_t *count, const json_t *json, const char *key);

json_t *json_value_workers(const struct run_result *result);
json_t *json_value_verdict(const struct verdict *verdict);
/* The checks of a verdict that this version does not know; of more than VERDICT_FOREIGN_MAX the last one stands for
 * the rest, with the worst level. Returns how many. */
uint32_t json_value_foreign(struct verdict_foreign foreign[VERDICT_FOREIGN_MAX],
                            const json_t *verdict);

#endif
