/* configs/get-server.sh in a world of its own: apt and make are scripts, the archive is a folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;

static void write_script(const char *name, const char *body)
{
    char text[2048];
    snprintf(text, sizeof text, "#!/bin/sh\nworld=%s\n%s", tree.path, body);
    temp_tree_write(&tree, name, text, 0700);
}

/* An archive that has valkey 9.2.0 and nothing else, in every release. */
static void set_up(void)
{
    temp_tree_make(&tree);
    write_script(
        "/bin/apt-get",
        "case \"$*\" in\n"
        "*--print-uris*) echo \"'http://mirror.test/debian/dists/stable/InRelease' x 0\" ;;\n"
        "*update*) : >\"$world/asked\"\n"
        "    if [ -e \"$world/offline\" ]; then echo 'E: no way to the mirror'; exit 100; fi ;;\n"
        "*source*) tar -czf valkey_9.2.0.orig.tar.gz -C \"$world/archive\" valkey-9.2.0 ;;\n"
        "*) exit 100 ;;\n"
        "esac\n");
    write_script("/bin/apt-cache", "cat \"$world/versions\"\n");
    write_script("/bin/make",
                 "while [ \"$1\" != -C ]; do shift; done\n"
                 "cd \"$2/src\" || exit 1\n"
                 "echo built >>\"$world/builds\"\n"
                 "if [ -e \"$world/broken\" ]; then echo 'error: it is broken'; exit 2; fi\n"
                 "for name in server cli benchmark; do\n"
                 "    printf '#!/bin/sh\\necho 9.2.0\\n' >valkey-$name && chmod +x valkey-$name\n"
                 "done\n");
    temp_tree_write(&tree, "/versions", "Package: valkey\nVersion: 9.2.0+dfsg1-1\n", 0600);
    temp_tree_write(&tree, "/archive/valkey-9.2.0/src/server.c", "", 0600);
}

static void tear_down(void)
{
    temp_tree_remove(&tree);
}

/* Elsewhere the script ends before it asks for anything. */
static bool is_debian(void)
{
    return access("/usr/share/keyrings/debian-archive-keyring.gpg", R_OK) == 0 ||
           access("/usr/share/keyrings/debian-archive-keyring.pgp", R_OK) == 0;
}

static void start(struct program *started, const char *option, const char *name)
{
    static char path[4096], cache[256];
    const char *argv[] = {"configs/get-server.sh", option != NULL ? option : name,
                          option != NULL ? name : NULL, NULL};
    const char *const environment[] = {path, cache, NULL};
    snprintf(path, sizeof path, "PATH=%s/bin:%s", tree.path, getenv("PATH"));
    snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s/cache", tree.path);
    program_start(started, &(struct program_options){.argv = argv, .environment = environment});
}

static void get(const char *option, const char *name, int exit_status)
{
    start(&program, option, name);
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "%d: %s", program.exit_status, program.err);
}

static bool is_there(const char *name)
{
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", tree.path, name);
    return lstat(path, &status) == 0;
}

static void expect_printed(const char *name)
{
    char expected[256];
    snprintf(expected, sizeof expected, "%s/cache/volley/servers/%s\n", tree.path, name);
    ck_assert_str_eq(program.out, expected);
}

static void expect_said(const char *text)
{
    ck_assert_msg(strstr(program.err, text) != NULL, "\"%s\" is not in: %s", text, program.err);
}

TEST(what_is_there_is_taken)
{
    /* Breaks when every `make test` waits for the archive, or cannot run without it. */
    temp_tree_write(&tree, "/cache/volley/servers/valkey-9.1/bin/valkey-server", "", 0700);
    temp_tree_write(&tree, "/offline", "", 0600);
    get(NULL, "valkey-9.1", 0);
    expect_printed("valkey-9.1/bin");
    program_free(&program);
    get("--cached", "valkey-9.1", 0);
    expect_printed("valkey-9.1/bin");
    program_free(&program);
    get("--cached", "redis-8.0", 1);
    ck_assert_str_eq(program.out, "");
    ck_assert(!is_there("/asked"));
    program_free(&program);
}

TEST(the_next_version)
{
    /* Breaks when a version that the archive no longer has ends the tests, or another one stands under
     * its name and nobody says so. */
    if (!is_debian())
        return;
    temp_tree_write(&tree, "/cache/volley/servers/.new-killed/bin/valkey-server", "", 0700);
    get(NULL, "valkey-9.1", 0);
    expect_printed("valkey-9.1/bin");
    expect_said("no longer has it: taking the next, valkey-9.2");
    ck_assert(is_there("/cache/volley/servers/valkey-9.2/bin/valkey-benchmark"));
    ck_assert(is_there("/cache/volley/servers/valkey-9.2/source/src/server.c"));
    ck_assert(is_there("/cache/volley/servers/valkey-9.2/source/src/valkey-server"));
    ck_assert(!is_there("/cache/volley/servers/.new-killed"));
    program_free(&program);
    temp_tree_write(&tree, "/offline", "", 0600);
    get("--source", "valkey-9.1", 0);
    expect_printed("valkey-9.1/source");
    expect_said("valkey-9.2 stands in for it");
    program_free(&program);
}

TEST(too_old_an_archive)
{
    /* Breaks when an older server is taken for the one that was asked for. */
    if (!is_debian())
        return;
    temp_tree_write(&tree, "/versions", "Package: valkey\nVersion: 8.0.9-1\n", 0600);
    get(NULL, "valkey-9.1", 1);
    expect_said("sid has no valkey 9.1 or newer");
    ck_assert(!is_there("/cache/volley/servers/valkey-9.1"));
    program_free(&program);
}

TEST(no_way_to_the_archive)
{
    /* Breaks when a machine without network gets a message about anything else. */
    if (!is_debian())
        return;
    temp_tree_write(&tree, "/offline", "", 0600);
    get(NULL, "valkey-9.1", 1);
    expect_said("the archive cannot be reached: E: no way to the mirror");
    program_free(&program);
}

TEST(a_build_that_fails)
{
    /* Breaks when half a server stays in the cache and is taken for one by the next. */
    if (!is_debian())
        return;
    temp_tree_write(&tree, "/broken", "", 0600);
    get(NULL, "valkey-9.1", 1);
    expect_said("it does not build, see ");
    expect_said("error: it is broken");
    ck_assert_str_eq(program.out, "");
    ck_assert(!is_there("/cache/volley/servers/valkey-9.2"));
    ck_assert(!is_there("/cache/volley/servers/valkey-9.1"));
    program_free(&program);
}

TEST(two_at_once)
{
    /* Breaks when two callers build the same, or one takes what the other has half done. */
    struct program second;
    if (!is_debian())
        return;
    start(&second, NULL, "valkey-9.1");
    get(NULL, "valkey-9.1", 0);
    expect_printed("valkey-9.1/bin");
    program_wait(&second);
    ck_assert_msg(second.exit_status == 0, "%s", second.err);
    ck_assert_str_eq(second.out, program.out);
    program_free(&second);
    program_free(&program);
    char path[256], text[64] = "";
    snprintf(path, sizeof path, "%s/builds", tree.path);
    FILE *builds = fopen(path, "r");
    ck_assert_ptr_nonnull(builds);
    ck_assert_uint_eq(fread(text, 1, sizeof text, builds), strlen("built\n"));
    fclose(builds);
}

TEST(names_that_are_not_known)
{
    /* Breaks when a typing error is looked for in the archive. */
    get(NULL, "valkey-7.9", 1);
    expect_said("valkey-7.9 is unknown; known: valkey-8.0 valkey-8.1 valkey-9.1 redis-8.0");
    ck_assert(!is_there("/asked"));
    program_free(&program);
    get("--source", "", 1);
    program_free(&program);
}

TEST_SUITE_WITH(get_server, .set_up = set_up, .tear_down = tear_down)
