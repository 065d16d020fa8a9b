/* What the answers of all endpoints are made with, beside http_service.h: JSON, text that is written like a file, a number that
 * was asked for. Orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_HTTP_ANSWERS_H
#define ORCHESTRATOR_WATCH_HTTP_ANSWERS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "orchestrator/watch/http_service.h"

#define HTTP_HTML "text/html; charset=utf-8"
#define HTTP_JSON "application/json"
/* How JSON is written for whoever looks on. */
#define HTTP_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_PRESERVE_ORDER)

/* Lets go of the object; NULL: no memory for it, which is answered. */
void http_answer_json(struct evhttp_request *request, int status, json_t *object);

/* An answer that is written into memory first. */
struct http_body {
    FILE *file; /* NULL: no memory */
    char *text;
    size_t bytes;
};
/* False: no memory. http_body_answer, in any case, says so. */
bool http_body_begin(struct http_body *body);
void http_body_answer(struct http_body *body, struct evhttp_request *request, const char *type);

/* In digits alone, below 10^18; UINT64_MAX: it is none. */
uint64_t http_number(const char *text);
/* Of the query, or the usual one if it is not there; UINT64_MAX: it is none. */
uint64_t http_query_number(struct evhttp_request *request, const char *name, uint64_t usual);

#endif
