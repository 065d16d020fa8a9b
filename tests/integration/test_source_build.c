/* Servers made from git: of a small repository whose server is compiled in a moment, and of valkey. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/server/provider.h"
#include "orchestrator/server/source_build.h"
#include "tests/support/check/run.h"
#include "tests/support/check/slow_valkey.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char repository[200], cache[200];
static struct source_wish wish;
static struct source_commit commits[4];
static struct source_build build;
static struct err err;

/* What the steps said, and what is done when one of them says that. */
static char steps[8192];
static volatile int interrupted;
static const char *interrupt_at, *unlock_at;
static int lock_fd;

static void tell(void *state, const char *text)
{
    (void)state;
    const size_t bytes = strlen(steps);
    snprintf(steps + bytes, sizeof steps - bytes, "%s\n", text);
    if (interrupt_at != NULL && strstr(text, interrupt_at) != NULL)
        interrupted = 1;
    if (unlock_at != NULL && strstr(text, unlock_at) != NULL && lock_fd > 0) {
        close(lock_fd);
        lock_fd = 0;
    }
}

static void shell(const char *line)
{
    program_run_shell(&program, tree.path, line, 0);
    program_free(&program);
}

/* The server says what it was made of. built counts how often make ran. */
#define MAKEFILE                                                                                   \
    "all: src/valkey-server src/valkey-cli\n"                                                      \
    "src/valkey-server: src/server.c\n"                                                            \
    "\tcc -DTLS='\"$(BUILD_TLS)\"' -DEXTRA='\"$(EXTRA)\"' -o $@ src/server.c\n"                    \
    "\techo built >>\"$(or $(COUNT),/dev/null)\"\n"                                                \
    "src/valkey-cli:\n"                                                                            \
    "\tprintf '#!/bin/sh\\n' >$@ && chmod +x $@\n"                                                 \
    "distclean:\n"                                                                                 \
    "\trm -f src/valkey-server src/valkey-cli\n"
#define SERVER(version)                                                                            \
    "#include <stdio.h>\nint main(void)\n{\n    puts(\"Valkey server v=" version                   \
    " tls=\" TLS \" extra=\" EXTRA);\n    return 0;\n}\n"

/* Commits "v1", "v2" (main); "broken" does not build, "endless" does not end. */
static void make_repository(void)
{
    temp_tree_write(&tree, "/origin/Makefile", MAKEFILE, 0644);
    temp_tree_write(&tree, "/origin/.gitignore", "*-server\n*-cli\n", 0644);
    temp_tree_write(&tree, "/origin/src/server.c", SERVER("1"), 0644);
    temp_tree_write(&tree, "/two.c", SERVER("2"), 0644);
    temp_tree_write(&tree, "/endless.mk",
                    "all:\n\t@echo one; echo $$$$ >$(PID); sleep 2; echo two; sleep 1000\n", 0644);
    shell("cd origin && git init -q -b main . && git add . && git commit -qm one && git tag v1 && "
          "cp ../two.c src/server.c && git commit -qam two && git tag -a -m two v2 && "
          "git checkout -q -b broken && printf 'int main(void) { return \\033[31mred; }\\n' "
          ">src/server.c && git commit -qam broken && "
          "git checkout -q -b endless main && cp ../endless.mk Makefile && "
          "git commit -qam endless && git checkout -q main");
}

static void set_up(void)
{
    static const char *const other[] = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BUILD",
                                        "CC",        "CFLAGS", "GIT_DIR"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        unsetenv(other[i]);
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_AUTHOR_NAME", "A", 1);
    setenv("GIT_AUTHOR_EMAIL", "a@example.com", 1);
    setenv("GIT_COMMITTER_NAME", "A", 1);
    setenv("GIT_COMMITTER_EMAIL", "a@example.com", 1);
    setenv("GIT_COMMITTER_DATE", "2025-05-28T01:29:42+02:00", 1);
    temp_tree_make(&tree);
    snprintf(repository, sizeof repository, "%s/origin", tree.path);
    snprintf(cache, sizeof cache, "%s/cache", tree.path);
    make_repository();
    wish = (struct source_wish){.repository = repository, .make_args = "", .cache_folder = cache};
}

static void tear_down(void)
{
    source_build_remove(&build);
    temp_tree_remove(&tree);
}

/* ---- what is expected ---- */

#define RESOLVE(...)                                                                               \
    resolve((const char *const[]){__VA_ARGS__},                                                    \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static enum err_code resolve(const char *const *refs, size_t count)
{
    err = (struct err){.code = OK};
    return source_resolve(commits, count, refs, &wish, &interrupted, &err);
}

static void expect_resolved(enum err_code code)
{
    ck_assert_msg(code == OK, "%d: %s", code, err.text);
}

static void expect_error(enum err_code code, enum err_code wanted, const char *text)
{
    ck_assert_msg(code == wanted && strstr(err.text, text) != NULL, "%d, not %d with \"%s\": %s",
                  code, wanted, text, err.text);
    for (const char *at = err.text; *at != '\0'; at++)
        ck_assert_msg((unsigned char)*at >= ' ', "a control character: %s", err.text);
}

static enum err_code make_of(const struct source_commit *commit)
{
    err = (struct err){.code = OK};
    steps[0] = '\0';
    return source_build_make(&build, commit, &wish, tell, NULL, &interrupted, &err);
}

static void expect_made(const struct source_commit *commit, bool from_cache)
{
    const enum err_code code = make_of(commit);
    ck_assert_msg(code == OK, "%d: %s\n%s", code, err.text, steps);
    ck_assert_int_eq(build.from_cache, from_cache);
}

/* That the server is there says of itself. */
static void expect_server(const char *said)
{
    program_run(&program, &(struct program_options){
                              .argv = (const char *const[]){build.server_path, "--version", NULL}});
    ck_assert_str_eq(program.out, said);
    program_free(&program);
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static bool is_in_tree(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", tree.path, name);
    return is_there(path);
}

/* Entries whose name begins with this, in the cache folder. */
static void expect_in_cache(const char *pattern, int count)
{
    char line[512], expected[16];
    snprintf(line, sizeof line, "find cache/%s -maxdepth 0 2>/dev/null | wc -l", pattern);
    snprintf(expected, sizeof expected, "%d\n", count);
    program_run_shell(&program, tree.path, line, 0);
    ck_assert_msg(strcmp(program.out, expected) == 0, "%s: %s", pattern, program.out);
    program_free(&program);
}

/* ---- resolving ---- */

TEST(refs_of_every_kind)
{
    /* Breaks when a ref that git knows leads to another commit, or the time of a commit is not its committer's. */
    char short_name[9] = "";
    expect_resolved(RESOLVE("HEAD", "v1", "v2", "main"));
    ck_assert_str_eq(commits[0].sha, commits[3].sha);
    ck_assert_str_eq(commits[2].sha,
                     commits[3].sha); /* of a tag with a text of its own, the commit */
    ck_assert_str_ne(commits[1].sha, commits[2].sha);
    ck_assert_str_eq(commits[1].wanted, "v1");
    ck_assert_str_eq(commits[1].time, "2025-05-28T01:29:42+02:00");
    memcpy(short_name, commits[1].sha, sizeof short_name - 1);
    struct source_commit first = commits[1], second = commits[2];
    expect_resolved(RESOLVE(short_name, "HEAD~1", first.sha, "refs/heads/main"));
    ck_assert_str_eq(commits[0].sha, first.sha);
    ck_assert_str_eq(commits[1].sha, first.sha);
    ck_assert_str_eq(commits[2].sha, first.sha);
    ck_assert_str_eq(commits[3].sha, second.sha);
}

TEST(what_is_new_and_what_is_gone)
{
    /* Breaks when a branch stays where it was when the repository was cloned, or HEAD does. */
    wish.tell = tell;
    expect_resolved(RESOLVE("HEAD", "v1"));
    ck_assert_ptr_nonnull(strstr(steps, "cloning /tmp"));
    steps[0] = '\0';
    struct source_commit before = commits[0];
    shell("cd origin && git checkout -q -b next && git commit -q --allow-empty -m three && "
          "git branch -D -q broken && git branch -q broken/again main && git branch -f main v1");
    expect_resolved(RESOLVE("HEAD", "next", "main", "broken/again"));
    ck_assert_ptr_nonnull(strstr(steps, "fetching what is new in /tmp"));
    ck_assert_str_eq(commits[0].sha, commits[1].sha);
    ck_assert_str_ne(commits[0].sha, before.sha);
    ck_assert_str_ne(commits[2].sha, before.sha);
    ck_assert_str_eq(commits[3].sha, before.sha);
    expect_error(RESOLVE("broken"), E_USAGE, "there is no commit 'broken'");
}

TEST(a_whole_name_needs_no_repository)
{
    /* Breaks when a suite that was resolved once needs the network again. */
    expect_resolved(RESOLVE("v1"));
    struct source_commit first = commits[0];
    shell("mv origin away && mkdir origin");
    expect_resolved(RESOLVE(first.sha));
    ck_assert_str_eq(commits[0].sha, first.sha);
    expect_error(RESOLVE(first.sha, "v1"), E_CONNECT, "cannot be fetched");
}

TEST(of_a_shallow_repository)
{
    /* Breaks when the checkout of a CI cannot be benchmarked. */
    shell("git clone -q --depth 1 \"file://$PWD/origin\" shallow");
    snprintf(repository, sizeof repository, "%s/shallow/", tree.path);
    expect_resolved(RESOLVE("HEAD"));
    expect_made(&commits[0], false);
}

static const struct {
    const char *ref;
    const char *text;
} bad_refs[] = {
    {"v3", "there is no commit 'v3'"},
    {"brokn", "did you mean broken?"},
    {"--output=/tmp/x", "no name begins with '-'"},
    {"-", "no name begins with '-'"},
    {"", "is named by 1 to 127 bytes"},
    {"a b", "a name has no blanks"},
    {"main\033[31m", "a name has no blanks"},
    {"0000000000000000000000000000000000000000", "there is no commit"},
    {"main:Makefile", "there is no commit"},
    {"main..v1", "there is no commit"},
    {"refs/pull/7/head", "there is no commit"},
};

LOOP_TEST(refs_that_are_none, sizeof bad_refs / sizeof bad_refs[0])
{
    /* Breaks when a typing error becomes an option of git, or an error that does not name it. */
    expect_error(RESOLVE("HEAD", bad_refs[_i].ref), E_USAGE, bad_refs[_i].text);
}

TEST(repositories_that_are_none)
{
    /* Breaks when an address becomes an option of git, or half a clone stays. */
    wish.repository = "/nowhere/at/all";
    expect_error(RESOLVE("HEAD"), E_USAGE, "there is no git repository /nowhere/at/all");
    wish.repository = "--upload-pack=touch:stolen";
    expect_error(RESOLVE("HEAD"), E_CONNECT, "cannot be fetched");
    wish.repository = tree.path;
    expect_error(RESOLVE("HEAD"), E_CONNECT, "cannot be fetched");
    wish.repository = NULL;
    expect_error(RESOLVE("HEAD"), E_USAGE, "no git repository is named");
    wish.repository = "https://u\033:p@127.0.0.1/x";
    expect_error(RESOLVE("HEAD"), E_USAGE, "control character");
    ck_assert(!is_there("stolen"));
    expect_in_cache("*.git*", 0);
}

/* ---- who asks ---- */

#define LOGIN_ENCODED "Authorization: Basic bWU6czNjcmV0LXdvcmRAMQ==" /* me:s3cret-word@1 */

/* In those of any process. */
static bool is_in_arguments(void)
{
    return system("grep -las '[s]3cret-word' /proc/[0-9]*/cmdline >/dev/null 2>&1") == 0;
}

/* Lets nobody in without the password, and has nothing for him either. */
static void ask_for_login(int listening_fd, int found_fd)
{
    static const char *const answers[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"};
    for (;;) {
        char request[4096] = "";
        const int fd = accept(listening_fd, NULL, NULL);
        if (fd < 0 || read(fd, request, sizeof request - 1) <= 0)
            continue;
        const bool has_login = strstr(request, "Authorization:") != NULL;
        if (has_login && strstr(request, LOGIN_ENCODED) != NULL)
            dprintf(found_fd, "login\n");
        if (is_in_arguments())
            dprintf(found_fd, "seen\n");
        const char *answer = answers[has_login ? 0 : 1];
        dprintf(fd, "%s", answer);
        close(fd);
    }
}

TEST(a_password_in_the_address)
{
    /* Breaks when git is not let in, or a password is told, kept, or seen by other users. */
    char address[128], said[64];
    uint16_t port = 0;
    int found[2];
    ck_assert_int_eq(pipe(found), 0);
    const int listening_fd = support_listen(&port);
    const pid_t pid = support_fork();
    if (pid == 0)
        ask_for_login(listening_fd, found[1]);
    close(found[1]);
    snprintf(address, sizeof address, "http://me:%s@127.0.0.1:%u/x.git", "s3cret-word%401", port);
    wish.repository = address;
    expect_error(RESOLVE("HEAD"), E_CONNECT, "cannot be fetched");
    ck_assert_ptr_nonnull(strstr(err.text, "http://127.0.0.1"));
    ck_assert_ptr_null(strstr(err.text, "s3cret"));
    support_kill(pid);
    close(listening_fd);
    const ssize_t bytes = read(found[0], said, sizeof said - 1);
    said[bytes > 0 ? bytes : 0] = '\0';
    ck_assert_str_eq(said, "login\n");
    close(found[0]);
    shell("! grep -rq s3cret cache");
}

/* ---- building ---- */

TEST(built_once)
{
    /* Breaks when a commit is built again, or another one's programs are taken for its. */
    char args[300], kept[SOURCE_PATH_BYTES];
    snprintf(args, sizeof args, "'COUNT=%s/count' EXTRA=\"two words\"", tree.path);
    wish.make_args = args;
    expect_resolved(RESOLVE("v1", "v2"));
    expect_made(&commits[0], false);
    expect_server("Valkey server v=1 tls= extra=two words\n");
    ck_assert_str_eq(strrchr(build.cli_path, '/'), "/valkey-cli");
    ck_assert_str_eq(build.benchmark_path, "");
    ck_assert(is_there(build.directory));
    ck_assert_ptr_nonnull(strstr(build.directory, "/valkey_"));
    ck_assert_ptr_nonnull(strstr(build.directory, commits[0].sha));
    ck_assert_ptr_nonnull(strstr(steps, "building "));
    memcpy(kept, build.server_path, sizeof kept);
    source_build_remove(&build);
    expect_in_cache("valkey_*", 0);
    expect_made(&commits[0], true);
    ck_assert_str_eq(build.server_path, kept);
    ck_assert_str_eq(build.directory, "");
    ck_assert(is_there(build.log_path));
    expect_made(&commits[1], false);
    expect_server("Valkey server v=2 tls= extra=two words\n");
    source_build_remove(&build);
    expect_in_cache("programs/*", 2);
    shell("[ \"$(wc -l <count)\" = 2 ]");
}

TEST(made_as_wished)
{
    /* Breaks when TLS is not asked for, or two ways to build one commit are taken for one. */
    expect_resolved(RESOLVE("v2"));
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls= extra=\n");
    source_build_remove(&build);
    wish.tls = true;
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls=yes extra=\n");
    source_build_remove(&build);
    wish.make_args = "EXTRA=a";
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls=yes extra=a\n");
    source_build_remove(&build);
    wish.make_args = "EXTRA='a";
    expect_error(make_of(&commits[0]), E_USAGE, "a quote or a backslash has nothing behind it");
    expect_error(RESOLVE("v2"), E_USAGE, "a quote or a backslash");
}

TEST(does_not_build)
{
    /* Breaks when the cause is not told, escape codes reach the terminal, or what is half made is kept. */
    expect_resolved(RESOLVE("broken"));
    const enum err_code code = make_of(&commits[0]);
    expect_error(code, E_FAILED, "does not build, see ");
    expect_error(code, E_FAILED, "src/server.c:1:");
    ck_assert_ptr_nonnull(strstr(err.text, build.log_path));
    ck_assert_ptr_nonnull(strstr(steps, "error"));
    ck_assert_ptr_null(strchr(steps, '\033'));
    ck_assert(is_there(build.log_path));
    ck_assert_str_eq(build.server_path, "");
    expect_in_cache("valkey_*", 0);
    expect_in_cache("programs/*", 0);
}

TEST(other_servers)
{
    /* Breaks when only valkey and redis can be built, or one of two servers is chosen by chance. */
    shell(
        "cd origin && git checkout -q -b other && sed -i s/valkey-server/kv-server/g Makefile && "
        "git commit -qam other && git checkout -q -b deep && "
        "sed -i 's|src/kv-server|src/out/kv-server|g; s|\tcc|\tmkdir -p src/out; cc|' Makefile && "
        "git commit -qam deep && git checkout -q -b two && "
        "printf '\\tcp $@ src/out/x-server\\n' >last && sed -i '/built/r last' Makefile && "
        "git commit -qam two && git checkout -q -b none && sed -i s/-server/-node/g Makefile && "
        "git commit -qam none");
    expect_resolved(RESOLVE("other", "deep", "two", "none"));
    for (size_t i = 0; i < 2; i++) {
        expect_made(&commits[i], false);
        ck_assert_str_eq(strrchr(build.server_path, '/'), "/kv-server");
        source_build_remove(&build);
        expect_made(&commits[i], true);
        ck_assert_str_eq(strrchr(build.server_path, '/'), "/kv-server");
    }
    expect_error(make_of(&commits[2]), E_FAILED, "2 servers were made");
    expect_error(make_of(&commits[3]), E_FAILED, "no server was made");
}

/* ---- what is missing ---- */

static void use_tools(const char *names)
{
    char line[512], path[256];
    snprintf(line, sizeof line,
             "mkdir bin && for tool in %s; do ln -s \"$(command -v $tool)\" bin/; done", names);
    shell(line);
    snprintf(path, sizeof path, "%s/bin", tree.path);
    setenv("PATH", path, 1);
}

static const struct {
    const char *tools, *text;
} missing[] = {
    {"make cc", "git is not in PATH"},
    {"git cc", "install the package make"},
    {"git make", "no C compiler is in PATH"},
};

LOOP_TEST(tools_that_are_missing, sizeof missing / sizeof missing[0])
{
    /* Breaks when a clone of minutes comes before the word that nothing can be built. */
    use_tools(missing[_i].tools);
    expect_error(RESOLVE("HEAD"), E_SYSTEM, missing[_i].text);
    ck_assert(!is_in_tree("/cache"));
}

TEST(folders_that_are_no_use)
{
    /* Breaks when programs are run that others may have put there, or the cause is not told. */
    temp_tree_write(&tree, "/file", "", 0600);
    snprintf(cache, sizeof cache, "%s/file/cache", tree.path);
    expect_error(RESOLVE("HEAD"), E_SYSTEM, "cannot be made: Not a directory");
    snprintf(cache, sizeof cache, "%s/open", tree.path);
    shell("mkdir open && chmod 777 open");
    expect_error(RESOLVE("HEAD"), E_SYSTEM, "is no folder of yours alone");
}

/* ---- a tree in place ---- */

static void use_tree(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", tree.path, name);
    wish.tree = path;
    wish.repository = NULL;
}

TEST(a_tree_in_place)
{
    /* Breaks when a tree is left at another commit than it was, or built at another than was wanted. */
    use_tree("origin");
    expect_resolved(RESOLVE("v1", "HEAD"));
    expect_made(&commits[0], false);
    expect_server("Valkey server v=1 tls= extra=\n");
    ck_assert_ptr_nonnull(strstr(build.server_path, "/cache/programs/"));
    source_build_remove(&build);
    shell("cd origin && [ \"$(git symbolic-ref --short HEAD)\" = main ] && git diff --quiet v2");
    expect_made(&commits[1], false);
    expect_server("Valkey server v=2 tls= extra=\n");
    source_build_remove(&build);
    ck_assert(is_in_tree("/origin/src/server.c"));
    expect_made(&commits[0], true);
    expect_in_cache("*.git", 0);
    expect_error(RESOLVE("v9"), E_USAGE, "there is no commit 'v9'");
}

TEST(a_changed_tree)
{
    /* Breaks when somebody's work is lost, or kept as what a commit makes. */
    use_tree("origin");
    shell("cd origin && sed -i s/v=2/v=mine/ src/server.c");
    expect_resolved(RESOLVE("v1", "HEAD"));
    expect_error(make_of(&commits[0]), E_USAGE, "has changes that are not committed");
    expect_made(&commits[1], false);
    ck_assert_ptr_nonnull(strstr(steps, "changes that are not committed"));
    expect_server("Valkey server v=mine tls= extra=\n");
    source_build_remove(&build);
    ck_assert(is_in_tree("/origin/src/valkey-server"));
    expect_in_cache("programs/*", 0);
    expect_made(&commits[1], false);
}

TEST(a_broken_commit_in_a_tree)
{
    /* Breaks when a build that fails leaves the user's tree at the commit that was tried. */
    use_tree("origin");
    expect_resolved(RESOLVE("broken"));
    expect_error(make_of(&commits[0]), E_FAILED, "does not build");
    shell("cd origin && [ \"$(git symbolic-ref --short HEAD)\" = main ] && git diff --quiet v2");
}

TEST(a_tree_without_git)
{
    /* Breaks when sources of a tarball cannot be benchmarked. */
    shell("cp -r origin plain && rm -rf plain/.git");
    use_tree("plain");
    expect_resolved(RESOLVE("HEAD"));
    ck_assert_str_eq(commits[0].sha, "");
    ck_assert_uint_eq(strlen(commits[0].time), strlen("2025-05-28T01:29:42+02:00"));
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls= extra=\n");
    expect_in_cache("programs/*", 0);
    source_build_remove(&build);
    ck_assert(is_in_tree("/plain/src/valkey-server"));
    expect_error(RESOLVE("v1"), E_USAGE, "is no git work tree");
}

TEST(a_tree_that_is_built)
{
    /* Breaks when programs that a user has made in his own way are made again. */
    use_tree("origin");
    shell("make -s -C origin EXTRA=mine");
    wish.keep_programs_built = true;
    expect_resolved(RESOLVE("HEAD"));
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls= extra=mine\n");
    ck_assert_str_eq(build.log_path, "");
    shell("make -s -C origin distclean");
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls= extra=\n");
    wish.tree = "/nowhere/at/all";
    expect_error(RESOLVE("HEAD"), E_USAGE, "there is no directory /nowhere/at/all");
}

/* ---- more than one, and an end ---- */

TEST(interrupted_while_it_builds)
{
    /* Breaks when make goes on for itself, or half a tree stays. */
    char args[300], path[256];
    snprintf(args, sizeof args, "PID=%s/pid", tree.path);
    snprintf(path, sizeof path, "%s/pid", tree.path);
    wish.make_args = args;
    interrupt_at = "(line ";
    expect_resolved(RESOLVE("endless"));
    expect_error(make_of(&commits[0]), E_INTERRUPTED, "interrupted while make ran");
    expect_in_cache("valkey_*", 0);
    expect_in_cache("programs/*", 0);
    FILE *file = fopen(path, "r");
    int pid = 0;
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    fclose(file);
    ck_assert(support_process_gone(pid, 10000));
}

static void hold_lock(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s/lock", cache);
    lock_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(lock_fd, 0);
    ck_assert_int_eq(flock(lock_fd, LOCK_EX), 0);
    ck_assert_int_gt(dprintf(lock_fd, "4242\n"), 0);
}

TEST(waits_for_another)
{
    /* Breaks when two processes build in one folder at a time, or one waits without a word, or for ever. */
    expect_resolved(RESOLVE("v2"));
    hold_lock();
    interrupt_at = "waiting for process 4242";
    expect_error(make_of(&commits[0]), E_INTERRUPTED, "while process 4242 built");
    interrupted = 0;
    interrupt_at = NULL;
    unlock_at = "waiting for process 4242";
    expect_made(&commits[0], false);
    expect_server("Valkey server v=2 tls= extra=\n");
}

static pid_t make_apart(void)
{
    const pid_t pid = support_fork();
    if (pid == 0) {
        const bool made = RESOLVE("v2") == OK && make_of(&commits[0]) == OK;
        source_build_remove(&build);
        _exit(made ? 0 : 1);
    }
    return pid;
}

TEST(two_at_once)
{
    /* Breaks when two processes that want the same make it twice, or disturb each other. */
    char args[300];
    int status = 1;
    snprintf(args, sizeof args, "COUNT=%s/count", tree.path);
    wish.make_args = args;
    const pid_t pids[] = {make_apart(), make_apart()};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(support_reap(pids[i], 50000, &status));
        ck_assert_int_eq(status, 0);
    }
    shell("[ \"$(wc -l <count)\" = 1 ]");
    expect_in_cache("valkey_*", 0);
}

TEST(what_others_left)
{
    /* Breaks when trees of processes that were killed fill the disk, or one that is used is taken away. */
    char used[SOURCE_PATH_BYTES];
    expect_resolved(RESOLVE("v1", "v2"));
    expect_made(&commits[0], false);
    struct source_build first = build;
    memcpy(used, build.directory, sizeof used);
    shell("mkdir -p cache/valkey_$(printf %040d 7)/src cache/valkey_mine");
    wish.make_args = "EXTRA=a";
    expect_made(&commits[0], false);
    expect_server("Valkey server v=1 tls= extra=a\n");
    ck_assert_str_ne(build.directory, used);
    ck_assert(is_there(used));
    expect_in_cache("valkey_*", 3); /* these two, and one that is none of volley's */
    source_build_remove(&first);
    ck_assert(!is_there(used));
}

/* ---- valkey ---- */

static void expect_valkey(const struct source_commit *commit, const char *other_path)
{
    char mark[32];
    struct server_program server;
    expect_resolved(make_of(commit));
    ck_assert_str_ne(build.server_path, other_path);
    err = (struct err){.code = OK};
    expect_resolved(provider_obtain(&server, &provider_path, build.server_path, &err));
    ck_assert_str_eq(server.name, "Valkey");
    program_run(&program, &(struct program_options){
                              .argv = (const char *const[]){build.server_path, "--version", NULL}});
    snprintf(mark, sizeof mark, "sha=%.8s:0", commit->sha);
    ck_assert_msg(strstr(program.out, mark) != NULL, "no %s in %s", mark, program.out);
    program_free(&program);
    source_build_remove(&build);
    expect_made(commit, true);
}

static const struct suite_setting patient = {
    .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 600};

TEST_IN(patient, valkey_itself)
{
    /* Breaks when valkey cannot be built from git, or a commit's server is of another commit. */
    char path[SOURCE_PATH_BYTES] = "";
    if (!slow_valkey_wanted())
        return;
    wish = slow_valkey_wish();
    expect_resolved(RESOLVE("base", "slow"));
    ck_assert_str_ne(commits[0].sha, commits[1].sha);
    expect_valkey(&commits[0], path);
    memcpy(path, build.server_path, sizeof path);
    expect_valkey(&commits[1], path);
}

TEST_SUITE_WITH(source_build, .set_up = set_up, .tear_down = tear_down)
