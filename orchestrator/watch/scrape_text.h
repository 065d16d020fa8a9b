/* Named series of another program's /metrics: which are asked for, and what a text says of them (Prometheus' text format and
 * OpenMetrics). Pure; any bytes are safe. */
#ifndef ORCHESTRATOR_WATCH_SCRAPE_TEXT_H
#define ORCHESTRATOR_WATCH_SCRAPE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define SCRAPE_SERIES_MAX 16u
#define SCRAPE_NAME_BYTES 100u
#define SCRAPE_TOLD_BYTES 120u /* of a note */
#define SCRAPE_LABELS_MAX 8u

struct scrape_label {
    char name[40], value[60];
};

/* node_load1, or http_requests_total{code="500",method="get"}: of all series that have these labels, the sum. */
struct scrape_series {
    char text[SCRAPE_NAME_BYTES]; /* as it was asked for */
    char told
        [SCRAPE_TOLD_BYTES]; /* the text; with the host and port where another endpoint is asked for the same */
    char name[SCRAPE_NAME_BYTES];
    struct scrape_label labels[SCRAPE_LABELS_MAX];
    uint32_t label_count;
    uint32_t address; /* in the list of addresses */
};

struct scrape_address {
    char host[256];
    uint16_t port;
    char path[256]; /* "/metrics" */
    char text[320]; /* for messages: "http://127.0.0.1:9100/metrics" */
};

struct scrape_list {
    struct scrape_series series[SCRAPE_SERIES_MAX];
    struct scrape_address addresses[SCRAPE_SERIES_MAX];
    uint32_t series_count, address_count;
};

/* "http://HOST[:PORT][/PATH]#SERIES", several of them separated by commas outside of braces; without a path it is /metrics. E_USAGE, with
 * --scrape, what is wrong and what is right. */
MUST_USE enum err_code scrape_list_parse(struct scrape_list *list, const char *text,
                                         struct err *err);
/* False: no such series, or only values that are none. */
bool scrape_text_sum(double *sum, const char *text, size_t text_bytes,
                     const struct scrape_series *series);

#endif
