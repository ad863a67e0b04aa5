# What busybox's test files include as `testing.sh`: writes each case down, and runs it, since later ones may need it.
#
# Each case becomes a folder below $RECORD: name, command, stdin, stdout, env and files/.
set +e
export ECHO=echo SKIP='' FAILCOUNT=0

optional() { SKIP=''; }

# What a command takes of this shell's variables goes with it.
variables_of() {
    local rest=$1
    while [[ $rest =~ \$\{?([A-Za-z_][A-Za-z_0-9]*)(.*) ]]; do
        rest=${BASH_REMATCH[2]}
        [[ -v ${BASH_REMATCH[1]} ]] && printf '%s=%s\0' "${BASH_REMATCH[1]}" "${!BASH_REMATCH[1]}"
    done
}

# testing NAME COMMAND OUTPUT INPUT STDIN
testing() {
    [ $# -eq 5 ] || return 1
    local count=1 into
    while [ -e "$RECORD/$count" ]; do count=$((count + 1)); done
    into=$RECORD/$count
    mkdir "$into"
    printf %s "${1:-$2}" >"$into/name"
    printf %s "$2" >"$into/command"
    echo -ne "$3" >"$into/stdout"
    if [ -n "$4" ] || [ -z "$TOYBOX" ]; then echo -ne "$4" >input; else rm -f input; fi
    echo -ne "$5" >"$into/stdin"
    cp -a . "$into/files"
    { env -0; variables_of "$2"; } >"$into/env"
    [ -z "$NOSPACE" ] || touch "$into/loose"
    # shellcheck disable=SC2294 # The suites mean it so.
    (eval "$2") <"$into/stdin" >/dev/null 2>&1
    rm -f input
    return 0
}
