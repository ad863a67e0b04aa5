# Writes down the cases of a yash test file, and runs each in dash, since later ones may need what earlier ones made.
#
# Usage: dash yash.sh FILE, in the folder that cases run in. Each case becomes a folder below $RECORD: name, stdin, args (each
# ended by NUL), options, env, files/, and stdout and stderr where the case states them.
record=${RECORD:?}
count=0
setup=
export TESTEE=sh

setup() {
    case ${1--} in
    -) setup "$(cat)" ;;
    -d)
        setup '_empty= _sp=" " _tab="	" _nl="
"
echoraw() { printf "%s\n" "$*"; }
bracket() { [ $# -eq 0 ] || printf "[%s]" "$@"; echo; }'
        ;;
    *) setup="$setup
$1" ;;
    esac
}

# testcase LINE [-d] [-e STATUS] NAME [ARGUMENT...]: descriptor 3 has the script; 4 and 5, if open, what it prints.
testcase() {
    shift
    diagnosed='' status=''
    OPTIND=1
    while getopts de: option; do
        case $option in
        d) diagnosed=yes ;;
        e) status=$OPTARG ;;
        *) return 64 ;;
        esac
    done
    shift $((OPTIND - 1))
    [ -z "${skip-}" ] || return 0
    # Cases are in subshells too, so the count is a file.
    count=$(($(cat "$record/count" 2>/dev/null || echo 0) + 1))
    echo "$count" >|"$record/count"
    into=$record/$count
    mkdir "$into"
    printf '%s' "$1" >"$into/name"
    shift
    [ $# -eq 0 ] || printf '%s\0' "$@" >"$into/args"
    { [ -z "$setup" ] || printf '%s\n' "$setup"; cat <&3; } >"$into/stdin"
    printf 'diagnosed=%s\nstatus=%s\n' "$diagnosed" "$status" >"$into/options"
    if (: <&4) 2>/dev/null; then cat <&4 >"$into/stdout"; fi
    if (: <&5) 2>/dev/null; then cat <&5 >"$into/stderr"; fi
    cp -a . "$into/files"
    env -0 >"$into/env"
    (timeout 10 sh "$@" <"$into/stdin" >/dev/null 2>&1 3>&- 4>&- 5>&-) 2>/dev/null
    :
}

for form in x: o:4 O:4n e:5 oe:45 Oe:4n5 E:5n oE:45n OE:4n5n; do
    out='4<&-' err='5<&-'
    case ${form#*:} in
    4n*) out='4</dev/null' ;;
    4*) out='4<<\__OUT__' ;;
    esac
    case ${form#*:} in
    *5n) err='5</dev/null' ;;
    *5) err='5<<\__ERR__' ;;
    esac
    alias "test_${form%%:*}=testcase \"\$LINENO\" 3<<\\__IN__ $out $err"
done

. "$1"
