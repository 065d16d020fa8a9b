#include "orchestrator/commands/bench_outputs.h"

#include <stdio.h>

#include "orchestrator/options/dialect.h"
#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/page.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/picture.h"
#include "orchestrator/report/output_place.h"
#include "orchestrator/report/sinks.h"

static enum err_code add(struct timeline *timeline, enum err_code made, const struct sink *sink)
{
    if (made == OK)
        timeline_add(timeline, *sink);
    return made;
}

/* One thing on stdout: the JSON when it was sent there, the interval CSV, or the text. */
static enum err_code add_stdout(struct timeline *timeline, const struct spec *spec, struct err *err)
{
    struct sink sink;
    if (output_is_stdout(spec->outputs.json_path))
        return add(timeline, sink_json(&sink, "-", OUTPUT_NAMED, err), &sink);
    if (spec->outputs.csv_interval_ns > 0)
        return add(timeline, sink_interval_csv(&sink, stdout, spec->outputs.csv_interval_ns, err),
                   &sink);
    enum text_style style = spec->outputs.csv     ? TEXT_CSV
                            : spec->outputs.quiet ? TEXT_QUIET
                                                  : TEXT_REPORT;
    return add(timeline, sink_text(&sink, stdout, style, spec->outputs.debug, err), &sink);
}

const struct bench_file bench_files[BENCH_FILES] = {{"run.json", sink_json},
                                                    {"intervals.csv", sink_interval_csv_file},
                                                    {"classes.csv", sink_class_csv},
                                                    {"latency.hlog", sink_hdr_log}};

enum err_code bench_outputs_path(char path[BENCH_PATH_BYTES], const char *directory,
                                 const char *name, struct err *err)
{
    int needed = snprintf(path, BENCH_PATH_BYTES, "%s/%s", directory, name);
    if (needed < 0 || (size_t)needed >= BENCH_PATH_BYTES)
        return err_set(err, E_USAGE, "--out: the path of %s is longer than %d bytes", name,
                       BENCH_PATH_BYTES);
    return OK;
}

/* The journal comes first: it makes the directory, and it is what everything can be rebuilt from. */
enum err_code bench_outputs_add_directory(struct timeline *timeline, const struct spec *spec,
                                          struct err *err)
{
    char path[BENCH_PATH_BYTES];
    struct sink sink;
    struct output_place *place = NULL;
    enum err_code code = add(timeline, sink_journal(&sink, spec->outputs.out_dir, err), &sink);
    for (size_t i = 0; i < BENCH_FILES && code == OK; i++) {
        code = bench_outputs_path(path, spec->outputs.out_dir, bench_files[i].name, err);
        if (code == OK)
            code = add(timeline, bench_files[i].make(&sink, path, OUTPUT_OWN, err), &sink);
    }
    if (code == OK)
        code = bench_outputs_path(path, spec->outputs.out_dir, "volley.log", err);
    if (code == OK) /* for as long as the process runs */
        code = output_place_claim(&place, path, path, err);
    if (code == OK)
        code = log_to_file(path, err);
    return code;
}

bool bench_outputs_only_stdout(const struct spec *spec)
{
    bool json_file = spec->outputs.json_path != NULL && !output_is_stdout(spec->outputs.json_path);
    return spec->outputs.out_dir == NULL && spec->outputs.hdr_path == NULL &&
           spec->outputs.html_path == NULL && spec->outputs.png_dir == NULL &&
           spec->outputs.svg_dir == NULL && !json_file;
}

static enum err_code add_pictures(struct timeline *timeline, const struct output_options *outputs,
                                  struct err *err)
{
    struct sink sink;
    if (outputs->png_dir == NULL && outputs->svg_dir == NULL)
        return OK;
    if (gnuplot_check(outputs->png_dir != NULL ? "--png" : "--svg", err) != OK)
        return err->code;
    return add(timeline, sink_pictures(&sink, outputs->png_dir, outputs->svg_dir, err), &sink);
}

enum err_code bench_outputs_add(struct timeline *timeline, const struct bench_request *request,
                                struct err *err)
{
    const struct spec *spec = &request->spec;
    struct sink sink;
    enum err_code code = OK;
    if (spec->outputs.out_dir != NULL)
        code = bench_outputs_add_directory(timeline, spec, err);
    if (code == OK && spec->outputs.json_path != NULL && !output_is_stdout(spec->outputs.json_path))
        code = add(timeline, sink_json(&sink, spec->outputs.json_path, OUTPUT_NAMED, err), &sink);
    if (code == OK && spec->outputs.hdr_path != NULL)
        code = add(timeline, sink_hdr_log(&sink, spec->outputs.hdr_path, OUTPUT_NAMED, err), &sink);
    if (code == OK && spec->outputs.html_path != NULL)
        code = page_bundle_check("--html", spec->outputs.html_path, err);
    if (code == OK && spec->outputs.html_path != NULL)
        code = add(timeline, sink_page(&sink, spec->outputs.html_path, OUTPUT_NAMED, err), &sink);
    if (code == OK)
        code = add_pictures(timeline, &spec->outputs, err);
    if (code == OK && request->dialect != NULL)
        return add(timeline, request->dialect->make_report(&sink, stdout, request, err), &sink);
    if (code == OK)
        code = add_stdout(timeline, spec, err);
    if (code == OK &&
        (spec->outputs.quiet || spec->outputs.csv || spec->outputs.csv_interval_ns > 0 ||
         output_is_stdout(spec->outputs.json_path)))
        timeline_add(timeline, sink_trouble());
    return code;
}
