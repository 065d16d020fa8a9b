/* The schemas of files that people write, by another project's validator, beside volley's own reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/options/file_schema.h"
#include "orchestrator/options/rate_plan.h"
#include "orchestrator/options/workload_file.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/suite/suite_config.h"
#include "orchestrator/watch/alert_rules.h"
#include "orchestrator/watch/notify_file.h"
#include "tests/support/check/sample_kind.h"
#include "tests/support/check/suite.h"

/* NULL: a map of options */
static const struct {
    const struct file_kind *kind;
    const char *document;
    bool valid;
} documents[] = {
    {&sample_kind, "{\"seed\": 1}", true},
    {&sample_kind, "{\"seed\": \"1\", \"strict\": true, \"colour\": \"red\", \"letter\": \"x\"}",
     true},
    {&sample_kind, "{\"seed\": 1000, \"tags\": [\"a\", \"b\"], \"limits\": \"4kb\"}", true},
    {&sample_kind, "{\"seed\": 1, \"limits\": {\"size\": 1024, \"timeout\": 1}}", true},
    {&sample_kind, "{\"seed\": 1, \"phases\": [{\"load\": \"5k\", \"for\": 1}, {\"wait\": 0}]}",
     true},
    {&sample_kind, "{\"seed\": 1, \"phases\": [{\"phases\": [{\"phases\": [{\"wait\": 1}]}]}]}",
     true},
    {&sample_kind, "{\"seed\": 1, \"channels\": {\"a\": {\"kind\": \"mail\", \"to\": [\"x\"]}}}",
     true},
    {&sample_kind, "{\"seed\": 1, \"extra\": [{\"a\": {\"b\": null}}]}", true},
    {&sample_kind, "{\"seed\": 1, \"channels\": {\"\": {\"kind\": \"mail\", \"to\": [\"x\"]}}}",
     false},
    {&suite_config_kind,
     "[{\"cluster_mode\": [false, true], \"tls_mode\": false, \"monitoring\": {\"a\": 1}, "
     "\"modules\": [{\"path\": \"m.so\"}], \"test_groups\": [{\"group\": \"1\", \"scenarios\": "
     "[{\"id\": "
     "\"a\", \"type\": \"read\", \"command\": \"PING\", \"options\": {\"\": \"\", \"x\": "
     "\"_x\"}}]}]}]",
     true},
    {&suite_config_kind,
     "[{\"cluster_mode\": false, \"tls_mode\": false, \"test_groups\": [{\"group\": 1, "
     "\"scenarios\": [{\"id\": \"a\", \"type\": \"scan\", \"command\": \"PING\"}]}]}]",
     false},
    {&alert_rules_kind,
     "{\"alerts\": [{\"alert\": \"A\", \"expr\": \"volley_rate > 1\", \"for\": \"5m\", "
     "\"labels\": {\"severity\": \"critical\"}, \"annotations\": {\"summary\": \"s\"}}]}",
     true},
    {&alert_rules_kind, "{\"alerts\": [{\"alert\": \"A\"}]}", false},
    {&kpi_file_kind,
     "{\"kpis\": {\"a\": {\"metric\": \"volley_rate\", \"warning\": \"TBD\", \"critical\": 5, "
     "\"direction\": \"higher\"}}}",
     true},
    {&kpi_file_kind, "{\"kpis\": {\"a\": {\"metrik\": \"volley_rate\"}}}", false},
    {&notify_file_kind,
     "{\"notification_channels\": [{\"name\": \"a\", \"type\": \"webhook\", \"url\": "
     "\"http://h\"}], \"repeat_interval\": \"4h\"}",
     true},
    {&notify_file_kind, "{\"notification_channels\": [{\"name\": \"a\", \"type\": \"fax\"}]}",
     false},
    {&sample_kind, "{\"seed\": 1, \"skew\": 1.25}", true},
    {&sample_kind, "{\"seed\": 1, \"skew\": \"1.25\"}", true},
    {&sample_kind, "{\"seed\": 1, \"skew\": 5.5}", false},
    {&sample_kind, "{\"seed\": 1, \"skew\": \"1k\"}", false},
    {&sample_kind, "{}", false},
    {&sample_kind, "{\"seed\": 0}", false},
    {&sample_kind, "{\"seed\": 1, \"sede\": 1}", false},
    {&sample_kind, "{\"seed\": 1, \"colour\": \"pink\"}", false},
    {&sample_kind, "{\"seed\": 1, \"limits\": [1]}", false},
    {&sample_kind, "{\"seed\": 1, \"limits\": {\"timeout\": 1001}}", false},
    {&sample_kind, "{\"seed\": 1, \"phases\": [{}]}", false},
    {&sample_kind, "{\"seed\": 1, \"phases\": [{\"load\": 1, \"wait\": 1}]}", false},
    {&sample_kind, "{\"seed\": 1, \"phases\": [{\"phases\": []}]}", false},
    {&sample_kind, "{\"seed\": 1, \"channels\": {\"a\": {\"url\": \"x\"}}}", false},
    {&sample_kind, "{\"seed\": 1, \"channels\": {\"a\": {\"kind\": \"mail\", \"url\": \"x\"}}}",
     false},
    {&rate_plan_kind, "[{\"for\": \"10s\", \"rate\": 1000}]", true},
    {&rate_plan_kind, "{\"repeat\": 3, \"plan\": [{\"for\": 1, \"from\": 0, \"to\": \"5k\"}]}",
     true},
    {&rate_plan_kind, "[{\"for\": \"10s\"}]", false},
    {&chaos_plan_kind, "[\"at 10s: kill node 1\", {\"at 10s\": \"failover\"}]", true},
    {&chaos_plan_kind, "[{\"at\": 1, \"do\": \"pause\", \"for\": \"3s\", \"node\": 1}]", true},
    {&chaos_plan_kind, "[{\"at\": 1, \"do\": \"fly\"}]", false},
    {&workload_file_kind,
     "{\"name\": \"w\", \"about\": \"a mix\", \"keys\": {\"u\": {\"count\": \"1m\", \"order\": "
     "\"zipf\", \"exponent\": 0.99, \"tag\": true}}, \"values\": {\"v\": {\"size\": "
     "{\"lognormal\": "
     "{\"median\": 300, \"p99\": \"4kb\"}}, \"content\": {\"compressible\": 0.5}}, \"f\": "
     "{\"size\": "
     "16, \"content\": \"random\"}}, \"classes\": [{\"name\": \"a\", \"weight\": 8, \"command\": "
     "\"GET "
     "{key}\", \"on_miss\": \"b\"}, {\"name\": \"b\", \"command\": [\"SET\", \"{key}\", "
     "\"{value:v}\", \"EX\", 60]}, {\"name\": \"c\", \"unit\": \"transaction\", \"commands\": "
     "[\"INCR "
     "{key#1}\", [\"EXPIRE\", \"{key#1}\", 60]]}], \"prefill\": {\"keys\": \"u\", \"command\": "
     "\"SET "
     "{key} {value:f}\"}}",
     true},
    {&workload_file_kind,
     "{\"name\": \"w\", \"classes\": [{\"name\": \"a\", \"command\": \"PING\"}], \"prefill\": []}",
     true},
    {&workload_file_kind, "{\"name\": \"w\", \"classes\": []}", false},
    {&workload_file_kind, "{\"name\": \"w\", \"classes\": [{\"command\": \"PING\"}]}", false},
    {&workload_file_kind,
     "{\"name\": \"w\", \"keys\": {\"u\": {\"count\": 0}}, \"classes\": [{\"name\": \"a\", "
     "\"command\": \"PING\"}]}",
     false},
    {&workload_file_kind,
     "{\"name\": \"w\", \"classes\": [{\"name\": \"a\", \"command\": \"PING\", \"unit\": "
     "\"transction\"}]}",
     false},
    {&scenario_file_kind,
     "{\"name\": \"s\", \"memory_target\": \"64mb\", \"phases\": [{\"name\": \"a\", \"type\": "
     "\"load\", "
     "\"keys\": 10, \"duration\": 1.5}, {\"name\": \"l\", \"type\": \"loop\", \"iterations\": 2, "
     "\"phases\": "
     "[{\"name\": \"b\", \"type\": \"mixed\", \"duration\": 2, \"mix\": {\"get\": 50, \"set\": "
     "50}}]}], "
     "\"checks\": [{\"metric\": \"keys\", \"op\": \">=\", \"value\": 10}]}",
     true},
    {&scenario_file_kind,
     "{\"name\": \"s\", \"phases\": [{\"name\": \"a\", \"type\": \"load\", \"keyz\": 10}]}", false},
    {&scenario_file_kind,
     "{\"name\": \"s\", \"phases\": [{\"name\": \"a\", \"type\": \"loop\", \"phases\": []}]}",
     false},
    {&options_config_kind, "{\"clients\": 50, \"tests\": [\"set\", \"get\"], \"n\": 1}", false},
    {&options_config_kind, "{\"clients\": 50, \"tests\": [\"set\", \"get\"], \"duration\": 5}",
     true},
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static enum err_code read_sample(const char *text)
{
    static struct file file;
    static struct sample sample;
    struct err err = {.code = OK};
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    memset(&sample, 0, sizeof sample);
    enum err_code code = file_read(&file, &sample_kind, &sample, &source, &err);
    file_free(&file);
    return code;
}

LOOP_TEST(schema_and_reader_agree, sizeof documents / sizeof documents[0])
{
    /* Breaks when an editor that checks a file by its schema finds fault with one that is read, or none with
     * one that is refused. */
    const struct file_kind *kind = documents[_i].kind;
    char directory[] = "/tmp/volley-schema-XXXXXX", command[512], path[64];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    json_t *schema = kind == &options_config_kind
                         ? file_schema_of_options(kind, bench_option_table())
                         : file_schema(kind);
    ck_assert_ptr_nonnull(schema);
    snprintf(path, sizeof path, "%s/schema.json", directory);
    ck_assert_int_eq(json_dump_file(schema, path, 0), 0);
    json_decref(schema);
    snprintf(path, sizeof path, "%s/document.json", directory);
    write_text(path, documents[_i].document);
    snprintf(
        command, sizeof command,
        "cd '%s' || exit 9; timeout 100 node \"$OLDPWD\"/tests/support/js/check_files.js schema "
        "schema.json document.json >said 2>&1; "
        "status=$?; grep -q '^1 files' said || status=9; rm -r '%s'; exit $status",
        directory, directory);
    int status = system(command);
    ck_assert_int_eq(WEXITSTATUS(status), documents[_i].valid ? 0 : 1);
    if (kind == &sample_kind)
        ck_assert_int_eq(read_sample(documents[_i].document), documents[_i].valid ? OK : E_CONFIG);
}

TEST_SUITE_WITH(file_schema, .timeout_seconds = 120)
