#include "orchestrator/report/output_place.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output_place {
    struct output_place *next;
    bool exists; /* and is this file: */
    dev_t device;
    ino_t file;
    char path[]; /* of its directory without links, and its name there */
};

static struct output_place *claimed;

static struct output_place *make(const char *path)
{
    char directory[PATH_MAX], whole[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    snprintf(directory, sizeof directory, "%.*s", (int)(name - path), path);
    if (realpath(slash != NULL ? directory : ".", whole) == NULL)
        snprintf(whole, sizeof whole, "%s", directory); /* creating it will say why */
    size_t bytes = strlen(whole) + 1 + strlen(name) + 1;
    struct output_place *place = calloc(1, sizeof *place + bytes);
    if (place != NULL)
        snprintf(place->path, bytes, "%s/%s", whole, name);
    return place;
}

static bool is_taken(const struct output_place *wanted)
{
    struct stat standard;
    for (const struct output_place *place = claimed; place != NULL; place = place->next)
        if (strcmp(place->path, wanted->path) == 0 ||
            (place->exists && wanted->exists && place->device == wanted->device &&
             place->file == wanted->file))
            return true;
    return wanted->exists && fstat(STDOUT_FILENO, &standard) == 0 && S_ISREG(standard.st_mode) &&
           standard.st_dev == wanted->device && standard.st_ino == wanted->file;
}

enum err_code output_place_claim(struct output_place **place, const char *path, const char *name,
                                 struct err *err)
{
    struct stat there;
    bool exists = stat(path, &there) == 0;
    *place = NULL;
    if (exists && !S_ISREG(there.st_mode) && !S_ISFIFO(there.st_mode))
        return OK;
    struct output_place *wanted = make(path);
    if (wanted == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    wanted->exists = exists;
    wanted->device = exists ? there.st_dev : 0;
    wanted->file = exists ? there.st_ino : 0;
    if (is_taken(wanted)) {
        free(wanted);
        return err_set(err, E_USAGE,
                       "cannot write %s: another output goes there; give each its own file", name);
    }
    wanted->next = claimed;
    claimed = wanted;
    *place = wanted;
    return OK;
}

void output_place_release(struct output_place *place)
{
    for (struct output_place **at = &claimed; *at != NULL; at = &(*at)->next) {
        if (*at != place)
            continue;
        *at = place->next;
        free(place);
        return;
    }
}
