#include "orchestrator/commands/capacity_files.h"

#include <stdio.h>

#include "orchestrator/commands/bench_outputs.h"

static enum err_code create(struct output *list, uint32_t *count, const char *path,
                            enum output_naming naming, struct err *err)
{
    enum err_code code = output_create(&list[*count], path, naming, err);
    *count += code == OK;
    return code;
}

static enum err_code create_in(struct output *list, uint32_t *count, const char *directory,
                               const char *name, const char *ending, struct err *err)
{
    char path[BENCH_PATH_BYTES], whole[32];
    snprintf(whole, sizeof whole, "%s.%s", name, ending);
    enum err_code code = bench_outputs_path(path, directory, whole, err);
    return code == OK ? create(list, count, path, OUTPUT_OWN, err) : code;
}

enum err_code capacity_files_open(struct capacity_files *files, const char *name, unsigned kinds,
                                  const struct spec *spec, const char *csv_path, struct err *err)
{
    if (output_is_stdout(spec->outputs.json_path) && output_is_stdout(csv_path))
        return err_set(err, E_USAGE, "--json - and --csv -: standard output takes one of them");
    files->text_on_stdout =
        !output_is_stdout(spec->outputs.json_path) && !output_is_stdout(csv_path);
    enum err_code code = OK;
    output_borrow(&files->text, stdout);
    files->text.plain = true;
    if (spec->outputs.json_path != NULL)
        code = create(files->json, &files->json_count, spec->outputs.json_path, OUTPUT_NAMED, err);
    if (code == OK && csv_path != NULL)
        code = create(files->csv, &files->csv_count, csv_path, OUTPUT_NAMED, err);
    if (code == OK && spec->outputs.out_dir != NULL)
        code = create_in(files->json, &files->json_count, spec->outputs.out_dir, name, "json", err);
    if (code == OK && spec->outputs.out_dir != NULL && (kinds & CAPACITY_CSV) != 0)
        code = create_in(files->csv, &files->csv_count, spec->outputs.out_dir, name, "csv", err);
    if (code == OK && spec->outputs.out_dir != NULL && (kinds & CAPACITY_MARKDOWN) != 0)
        code = create_in(files->markdown, &files->markdown_count, spec->outputs.out_dir, name, "md",
                         err);
    return code;
}

enum err_code capacity_files_commit(struct capacity_files *files, struct err *err)
{
    enum err_code code = output_status(&files->text, err);
    for (uint32_t i = 0; i < files->json_count; i++)
        code = err_worse(code, output_commit(&files->json[i], err));
    for (uint32_t i = 0; i < files->csv_count; i++)
        code = err_worse(code, output_commit(&files->csv[i], err));
    for (uint32_t i = 0; i < files->markdown_count; i++)
        code = err_worse(code, output_commit(&files->markdown[i], err));
    return code;
}

void capacity_files_discard(struct capacity_files *files)
{
    for (uint32_t i = 0; i < files->json_count; i++)
        output_discard(&files->json[i]);
    for (uint32_t i = 0; i < files->csv_count; i++)
        output_discard(&files->csv[i]);
    for (uint32_t i = 0; i < files->markdown_count; i++)
        output_discard(&files->markdown[i]);
    output_discard(&files->text);
    *files = (struct capacity_files){0};
}
