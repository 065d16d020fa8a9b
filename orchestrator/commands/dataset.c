/* `volley dataset`: the sets of vectors whose shape scenarios know by name. */
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/scenario/vector_shape.h"

struct dataset_request {
    struct option_values values;
    struct command_words words;
    bool help;
};

#define AT(member) offsetof(struct dataset_request, member)
static const struct option_row rows[] = {
    HELP_ROW(AT(help)),
};
#undef AT

const struct option_table dataset_option_table = {
    TABLE_ROWS(rows),
    .command = "dataset",
    .usage = "volley dataset list | info NAME",
    .synopsis = "Lists the sets of vectors that scenarios know by name, or says what is known of "
                "one. volley makes vectors of that shape itself: nothing is downloaded, and "
                "nothing has to be prepared.",
    .takes_command = true,
};

static void print_one(const struct vector_shape *shape)
{
    char size[32], vectors[32] = "any number";
    units_format_size(size, sizeof size, 4ull * shape->dimensions);
    if (shape->vectors > 0)
        snprintf(vectors, sizeof vectors, "%s", UNITS_GROUPED(shape->vectors));
    printf("%-16s  %11s vectors of %4u dimensions, %s; %s each\n", PRINTABLE(shape->name), vectors,
           shape->dimensions, shape->metric, size);
}

static enum err_code run(void *target, struct err *err)
{
    const struct dataset_request *request = target;
    const struct command_words *words = &request->words;
    const char *what = words->count > 0 ? words->items[0] : "";
    struct vector_shape shape;
    struct err reason = {.code = OK};
    if (strcmp(what, "list") == 0 && words->count == 1) {
        for (size_t i = 0; vector_shape_at(i) != NULL; i++)
            print_one(vector_shape_at(i));
        return OK;
    }
    if (strcmp(what, "download") == 0 || strcmp(what, "prepare") == 0)
        return err_set(
            err, E_USAGE,
            "dataset %s: volley fetches no vectors and reads no files of them: a "
            "scenario with `dataset: %.60s` has vectors of that shape, made on the spot; "
            "`volley dataset list` has the names",
            what, words->count > 1 ? PRINTABLE(words->items[1]) : "NAME");
    if (strcmp(what, "info") != 0 || words->count != 2)
        return err_set(err, E_USAGE, "%s%.40s: %s",
                       what[0] != '\0' ? "there is no dataset " : "dataset needs a word",
                       PRINTABLE(what), dataset_option_table.usage);
    if (vector_shape_find(&shape, words->items[1], &reason) != OK)
        return err_set(err, E_DATA, "%s", reason.text);
    print_one(&shape);
    return OK;
}

int command_dataset(int argc, const char *const *argv)
{
    struct dataset_request request = {.help = false};
    const struct command_frame frame = {.table = &dataset_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
