/* Commands that give a server the scripts and functions that a request calls. */
#include <stdlib.h>
#include <strings.h>

#include "common/resp.h"
#include "worker/generate/mix_program.h"

#define LOAD_WORDS 4u

static bool calls_function(const struct mix_program *program)
{
    const char *name = program->command_names[0];
    return strcasecmp(name, "FCALL") == 0 || strcasecmp(name, "FCALL_RO") == 0;
}

/* One command; out NULL: only its length. */
static size_t encode(char *out, size_t out_bytes, const struct plan_script *script, bool library)
{
    const char *const script_words[] = {"SCRIPT", "LOAD", script->text};
    const size_t script_bytes[] = {6, 4, script->text_bytes};
    const char *const library_words[LOAD_WORDS] = {"FUNCTION", "LOAD", "REPLACE", script->text};
    const size_t library_bytes[LOAD_WORDS] = {8, 4, 7, script->text_bytes};
    return library ? resp_encode_command(out, out_bytes, 4, library_words, library_bytes)
                   : resp_encode_command(out, out_bytes, 3, script_words, script_bytes);
}

/* All of them, or their length. Which function is of which library nobody here knows. */
static size_t encode_all(struct mix_program *program, const struct workload_plan *plan)
{
    size_t bytes = 0;
    program->load_count = 0;
    for (size_t i = 0; i < plan->script_count + plan->library_count; i++) {
        const bool library = i >= plan->script_count;
        if (library ? !calls_function(program) : (program->scripts >> i & 1) == 0)
            continue;
        const struct plan_script *script =
            library ? &plan->libraries[i - plan->script_count] : &plan->scripts[i];
        char *out = program->load != NULL ? program->load + bytes : NULL;
        bytes += encode(out, program->load_bytes - (out != NULL ? bytes : 0), script, library);
        program->load_count++;
    }
    return bytes;
}

enum err_code mix_program_add_load(struct mix_program *program, const struct workload_plan *plan,
                                   struct err *err)
{
    if (program->replies != 1)
        return OK;
    program->load_bytes = encode_all(program, plan);
    if (program->load_count == 0)
        return OK;
    program->load = malloc(program->load_bytes);
    if (program->load == NULL)
        return err_set(err, E_SYSTEM, "no memory for the scripts of a class");
    (void)encode_all(program, plan);
    return OK;
}
