/* What volley analyze-memory has found, as text and as JSON. */
#ifndef ORCHESTRATOR_COMMANDS_MEMORY_REPORT_H
#define ORCHESTRATOR_COMMANDS_MEMORY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "orchestrator/server/memory_advice.h"

#define MEMORY_REPORT_SCHEMA "volley.memory/1"

struct memory_report {
    char name[300];    /* of the server: its address */
    char version[80];  /* "valkey 8.0.1"; "" */
    char refusal[200]; /* why MEMORY STATS has said nothing; "" */
    char doctor[2000]; /* words of MEMORY DOCTOR, or why there are none */
    char failure[300]; /* why it was not watched to the end; "" */
    bool read;         /* there is an account */
    struct memory_account account;
    bool watched; /* growths are of several samples */
    struct memory_growths growths;
};

void memory_report_print(const struct memory_report *report, FILE *out);
/* A new reference; NULL: no memory. */
json_t *memory_report_json(const struct memory_report *report);

#endif
