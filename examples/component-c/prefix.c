/* prefix: starts a command, and prints each line of its output with a text before it.
 *
 *     prefix TEXT COMMAND [ARGUMENT]...
 *
 * A program of WASI by its `main` and its standard output; processes and pipes are cordon:vm's. The exit code is that of the
 * command, 128 and the number of the signal that ended it, 127 if it could not be started, 2 for a wrong command line.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { WRONG = 2, NOT_STARTED = 127, SIGNALED = 128 };

/* The longest piece that is read at once. */
enum { PIECE = 65536 };

/* The bindings take texts that they do not change. */
static command_string_t borrowed(const char *text)
{
    return (command_string_t){ (uint8_t *)text, strlen(text) };
}

/* Starts a command with the writing end of a pipe as its standard output. */
static bool start(int count, char **words, cordon_vm_process_own_child_t *child,
                  cordon_vm_descriptors_own_descriptor_t *output)
{
    cordon_vm_types_errno_t error;
    cordon_vm_descriptors_own_descriptor_t in, err;
    cordon_vm_descriptors_tuple2_own_descriptor_own_descriptor_t pipe;
    if (!cordon_vm_descriptors_inherited(0, &in, &error) || !cordon_vm_descriptors_inherited(2, &err, &error)
        || !cordon_vm_descriptors_pipe(&pipe, &error)) {
        return false;
    }
    command_string_t *arguments = calloc(count, sizeof *arguments);
    extern char **environ;
    size_t variables = 0;
    while (environ && environ[variables]) variables++;
    command_tuple2_string_string_t *environment = calloc(variables + 1, sizeof *environment);
    if (!arguments || !environment) return false;
    for (int at = 0; at < count; at++) arguments[at] = borrowed(words[at]);
    size_t named = 0;
    for (size_t at = 0; at < variables; at++) {
        const char *value = strchr(environ[at], '=');
        if (!value) continue;
        environment[named].f0 = (command_string_t){ (uint8_t *)environ[at], value - environ[at] };
        environment[named++].f1 = borrowed(value + 1);
    }
    cordon_vm_process_tuple2_u32_borrow_descriptor_t descriptors[] = {
        { 0, cordon_vm_descriptors_borrow_descriptor(in) },
        { 1, cordon_vm_descriptors_borrow_descriptor(pipe.f1) },
        { 2, cordon_vm_descriptors_borrow_descriptor(err) },
    };
    cordon_vm_process_spawn_options_t options = {
        .program = arguments[0],
        .arguments = { arguments, count },
        .environment = { environment, named },
        .descriptors = { descriptors, 3 },
    };
    bool started = cordon_vm_process_spawn(&options, child, &error);
    /* The end of the output is there once nobody can write any more: this program least of all. */
    cordon_vm_descriptors_descriptor_drop_own(pipe.f1);
    *output = pipe.f0;
    free(arguments);
    free(environment);
    return started;
}

static void copy(const char *prefix, cordon_vm_descriptors_own_descriptor_t output)
{
    cordon_vm_types_errno_t error;
    command_list_u8_t piece;
    bool at_start = true;
    while (cordon_vm_descriptors_method_descriptor_read(cordon_vm_descriptors_borrow_descriptor(output), PIECE, &piece,
                                                        &error)
           && piece.len > 0) {
        for (size_t at = 0; at < piece.len; at++) {
            if (at_start) fputs(prefix, stdout);
            putchar(piece.ptr[at]);
            at_start = piece.ptr[at] == '\n';
        }
        fflush(stdout);
        command_list_u8_free(&piece);
    }
}

int main(int count, char **words)
{
    if (count < 3) {
        fputs("usage: prefix TEXT COMMAND [ARGUMENT]...\n", stderr);
        return WRONG;
    }
    cordon_vm_process_own_child_t child;
    cordon_vm_descriptors_own_descriptor_t output;
    if (!start(count - 2, words + 2, &child, &output)) {
        fprintf(stderr, "prefix: %s: cannot be started\n", words[2]);
        return NOT_STARTED;
    }
    copy(words[1], output);
    cordon_vm_process_exit_status_t status;
    cordon_vm_types_errno_t error;
    if (!cordon_vm_process_method_child_wait(cordon_vm_process_borrow_child(child), &status, &error)) return NOT_STARTED;
    return status.tag == CORDON_VM_PROCESS_EXIT_STATUS_EXITED ? status.val.exited : SIGNALED + 1 + status.val.signaled;
}
