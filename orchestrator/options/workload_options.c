/* --workload: which requests are sent, by a file. */
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/relation.h"

#define AT(member) offsetof(struct workload_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row workload_rows[] = {
    {ROW("workload", NULL, OPTION_TEXT, "FILE|NAME", AT(path)), .told = true,
     .help = "Send the mix of requests that this YAML or JSON file describes, or one of those that "
             "\"volley workloads\" lists; in place of --type and of a command."},
};
/* clang-format on */
#undef AT
const struct option_group workload_group = GROUP("Load", OF_LOADS, workload_rows);

enum err_code workload_settle(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    const char *path = request->workload.path;
    if (path == NULL)
        return OK;
    if (load->command != NULL)
        return err_set(
            err, E_USAGE,
            "--workload %.80s and the command %.80s exclude each other: give one of them", path,
            load->command[0]);
    if (relation_origin(request, "type")->kind == ORIGIN_COMMAND_LINE)
        return err_set(err, E_USAGE,
                       "--workload %.80s and --type %.80s exclude each other: give one of them",
                       path, relation_origin(request, "type")->value);
    relation_exclude(request, "workload", "null", "--null answers requests of one length only",
                     err);
    if (err->code != OK)
        return err->code;
    enum err_code code =
        workload_file_read(&request->workload_file, &(struct file_source){.name = path}, err);
    if (code != OK)
        return code;
    load->test_count = 0;
    options_derive(&request->values, "type", "workload", NULL);
    load->workload = &request->workload_file.plan;
    return OK;
}
