/* Stands between V8's build files and Debian's clang, under the names clang and clang++.
 *
 * 1. Drops the flags that are newer than this clang. None of them changes what the code means:
 *      -fno-lifetime-dse                  opts out of an optimisation that this clang does not have
 *      -fdiagnostics-show-inlining-chain  only the text of warnings
 *      -fsanitize-ignore-for-ubsan-feature=...  only with a sanitizer's runtime, which is not used
 *      -fmodule-name=...                  only names a module; it contradicts a precompiled header
 * 2. Compiles one file without `-fsanitize=`. The build turns on two trapping checks (array-bounds, return), which stay
 *    on everywhere else; but this clang then claims to be built with the undefined-behaviour sanitizer, and that file
 *    (V8's sandbox/testing.cc) would call into its runtime, which is not linked.
 * 3. Uses the precompiled header of the file's target, where precompile-headers.py has made one: nearly all the time of
 *    the build goes into parsing the same headers. Should a file not compile with it, it is compiled again without, and
 *    noted in pch/fallback.log.
 *
 * Runs with the build folder as its working directory, as ninja does. CLANG_BIN is set when this is compiled.
 * V8_BUILD_NO_PCH in the environment switches 3 off. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

static int too_new(const char *flag) {
    return strcmp(flag, "-fno-lifetime-dse") == 0 || strcmp(flag, "-fdiagnostics-show-inlining-chain") == 0 ||
           starts_with(flag, "-fsanitize-ignore-for-ubsan-feature=") || starts_with(flag, "-fmodule-name=");
}

/* Writes "pch/<target>.pch" for an output "obj/v8/<target>/<file>.o", where that header exists. */
static int precompiled_header(const char *output, char *path, size_t size) {
    if (!starts_with(output, "obj/v8/") || getenv("V8_BUILD_NO_PCH")) return 0;
    const char *target = output + strlen("obj/v8/"), *end = strchr(target, '/');
    if (!end) return 0;
    int length = snprintf(path, size, "pch/%.*s.pch", (int)(end - target), target);
    return length > 0 && (size_t)length < size && access(path, R_OK) == 0;
}

/* Runs the compiler, its messages hidden, and tells whether it succeeded. */
static int compiles(const char *compiler, char **arguments) {
    pid_t child = fork();
    if (child < 0) return 0;
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0) dup2(null, STDERR_FILENO);
        execv(compiler, arguments);
        _exit(127);
    }
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int count, char **given) {
    char **arguments = calloc((size_t)count + 8, sizeof *arguments);
    if (!arguments) return 1;
    const char *output = "";
    int used = 0;
    for (int at = 0; at < count; at++) {
        if (strcmp(given[at], "-o") == 0 && at + 1 < count) output = given[at + 1];
        if (!too_new(given[at])) arguments[used++] = given[at];
    }

    const char *name = strrchr(given[0], '/');
    name = name ? name + 1 : given[0];
    char compiler[512], header[512];
    snprintf(compiler, sizeof compiler, "%s/%s", CLANG_BIN, name);

    if (strstr(output, "v8_base_without_compiler/testing.o")) {
        arguments[used++] = "-fno-sanitize=all";
    } else if (precompiled_header(output, header, sizeof header)) {
        arguments[used] = "-include-pch";
        arguments[used + 1] = header;
        arguments[used + 2] = "-Wno-everything";
        if (compiles(compiler, arguments)) return 0;
        arguments[used] = NULL;
        FILE *log = fopen("pch/fallback.log", "a");
        if (log) {
            fprintf(log, "%s\n", output);
            fclose(log);
        }
    }
    execv(compiler, arguments);
    perror(compiler);
    return 127;
}
