/* Scripts and functions of a workload file. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/workload_document.h"

static enum err_code find_sha1(struct plan_script *script, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(script->text, script->text_bytes, digest, NULL, EVP_sha1(), NULL) != 1)
        return err_set(err, E_SYSTEM, "script %.40s: no SHA1 can be made here, which EVALSHA needs",
                       script->name);
    for (size_t i = 0; i < PLAN_SHA1_BYTES / 2; i++)
        snprintf(script->sha1 + 2 * i, 3, "%02x", digest[i]);
    return OK;
}

static enum err_code read_text(struct plan_script *script, struct script_entry *entry,
                               const struct file *file, struct err *err)
{
    static const struct dataset_limit limit = {PLAN_SCRIPT_BYTES_MAX, "1 MB"};
    struct err reason = {.code = OK};
    if (entry->text != NULL) {
        script->text = entry->text;
        script->text_bytes = strlen(entry->text);
        return OK;
    }
    char *path = workload_path_beside(file->name, entry->path);
    if (path == NULL)
        return err_set(err, E_SYSTEM, "reading %.120s: out of memory", file->name);
    enum err_code code =
        dataset_read_bytes(&entry->bytes, &script->text_bytes, path, &limit, &reason);
    if (code != OK)
        code =
            file_refuse(file, &entry->place, "file", err, "the file %.120s: %s", path, reason.text);
    free(path);
    script->text = entry->bytes;
    return code;
}

static enum err_code make(struct plan_script *script, struct script_entry *entry,
                          const struct file *file, struct err *err)
{
    const struct file_place *place = &entry->place;
    script->name = place->node->key;
    enum err_code code =
        workload_check_name(file, place, NULL, script->name, WORKLOAD_NAME_BYTES_MAX, err);
    if (code == OK && file_given(place, "text") == file_given(place, "file"))
        return file_refuse(file, place, NULL, err,
                           "one of \"text\", what it says, and \"file\", where that stands, is "
                           "needed");
    if (code == OK)
        code = read_text(script, entry, file, err);
    if (code == OK && script->text_bytes == 0)
        code = file_refuse(file, place, entry->text != NULL ? "text" : "file", err, "it is empty");
    return code == OK ? find_sha1(script, err) : code;
}

enum err_code workload_scripts_make(struct workload_plan *plan, struct workload_document *document,
                                    const struct file *file, struct err *err)
{
    const size_t scripts = document->script_count, all = scripts + document->library_count;
    enum err_code code = OK;
    if (all == 0)
        return OK;
    document->plan_scripts = calloc(all, sizeof document->plan_scripts[0]);
    if (document->plan_scripts == NULL)
        return err_set(err, E_SYSTEM, "reading %.120s: out of memory", file->name);
    for (size_t i = 0; i < all && code == OK; i++)
        code = make(&document->plan_scripts[i],
                    i < scripts ? &document->scripts[i] : &document->libraries[i - scripts], file,
                    err);
    plan->scripts = document->plan_scripts;
    plan->script_count = scripts;
    plan->libraries = document->plan_scripts + scripts;
    plan->library_count = document->library_count;
    return code;
}

void workload_scripts_free(struct workload_document *document)
{
    for (size_t i = 0; i < document->script_count; i++)
        free(document->scripts[i].bytes);
    for (size_t i = 0; i < document->library_count; i++)
        free(document->libraries[i].bytes);
    free(document->plan_scripts);
}
