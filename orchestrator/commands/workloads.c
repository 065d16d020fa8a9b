/* `volley workloads [NAME]`: the workloads that come with volley. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/options/workload_library.h"

struct workloads_request {
    struct option_values values;
    struct command_words words;
    bool help;
    struct shipped_files library;
};

#define AT(member) offsetof(struct workloads_request, member)
static const struct option_row rows[] = {
    HELP_ROW(AT(help)),
};
#undef AT

const struct option_table workloads_option_table = {
    TABLE_ROWS(rows),
    .command = "workloads",
    .usage = "volley workloads [NAME]",
    .synopsis = "Lists the workloads that come with volley, or prints the file of one, to be "
                "changed. volley --workload NAME sends one.",
    .takes_command = true,
};

/* What a file says of itself; one that cannot be read is told, and the others are listed. */
static enum err_code list_one(const struct shipped_files *library, const char *name,
                              struct err *err)
{
    struct workload_file file;
    char *path;
    enum err_code code = shipped_files_find(&path, library, name, err);
    if (code != OK)
        return code;
    code = workload_file_read(&file, &(struct file_source){.name = path}, err);
    if (code == OK)
        printf("%-28s  %s\n", name, file.about != NULL ? PRINTABLE(file.about) : "");
    workload_file_free(&file);
    free(path);
    return code;
}

static enum err_code list(const struct shipped_files *library, struct err *err)
{
    for (size_t i = 0; i < library->count; i++)
        if (list_one(library, library->names[i], err) == E_SYSTEM)
            break;
    return err->code;
}

static enum err_code print(const struct shipped_files *library, const char *name, struct err *err)
{
    char *path, bytes[4096];
    enum err_code code = shipped_files_find(&path, library, name, err);
    if (code != OK)
        return code;
    FILE *file = fopen(path, "re");
    size_t read_bytes;
    while (file != NULL && (read_bytes = fread(bytes, 1, sizeof bytes, file)) > 0)
        (void)fwrite(bytes, 1, read_bytes, stdout);
    if (file == NULL || ferror(file))
        code = err_set_errno(err, E_CONFIG, errno, "cannot read the workload %s", path);
    if (file != NULL)
        (void)fclose(file);
    free(path);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct workloads_request *request = target;
    const struct command_words *words = &request->words;
    if (words->count > 1)
        return err_set(err, E_USAGE, "one name at a time: %s", workloads_option_table.usage);
    enum err_code code = shipped_files_open(&request->library, &workload_library, err);
    if (code != OK)
        return code;
    return words->count == 1 ? print(&request->library, words->items[0], err)
                             : list(&request->library, err);
}

static void destroy(void *target)
{
    struct workloads_request *request = target;
    shipped_files_close(&request->library);
    options_free(&request->values);
}

int command_workloads(int argc, const char *const *argv)
{
    struct workloads_request request = {.help = false};
    const struct command_frame frame = {.table = &workloads_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run,
                                        .destroy = destroy};
    return command_frame_run(&frame, argc, argv);
}
