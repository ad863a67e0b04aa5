#!/bin/sh
# Makes a release of a small project that it writes first: versions, notes, checks, an archive with sums, an unpacked copy
# that is compared. Everything it prints is the same on every run. A POSIX shell and the usual utilities are all it takes.
#
# Usage: release.sh [-n NAME] [-b major|minor|patch] [-v]

set -eu
LC_ALL=C
export LC_ALL
umask 022

name=sample
bump=minor
verbose=0
started=$(pwd)
work=
failures=0
tab='	'

# ---- talking -------------------------------------------------------------------------------------------------------

say() { printf '==> %s\n' "$*"; }

debug() {
    [ "$verbose" -eq 0 ] || printf '    %s\n' "$*"
}

fail() {
    printf 'release: %s\n' "$*" >&2
    exit 1
}

# check DESCRIPTION COMMAND...
check() {
    description=$1
    shift
    if "$@"; then
        printf '  ok    %s\n' "$description"
    else
        printf '  wrong %s (status %d)\n' "$description" "$?"
        failures=$((failures + 1))
    fi
}

clean_up() {
    status=$?
    trap - EXIT
    cd "$started"
    if [ -n "$work" ] && [ -d "$work" ]; then rm -rf "$work"; fi
    say "cleaned up after status $status"
    exit "$status"
}

trap clean_up EXIT
trap 'say "told to stop"; exit 143' TERM
trap 'progress=$((${progress:-0} + 1))' USR1

# ---- options -------------------------------------------------------------------------------------------------------

while getopts :n:b:v option; do
    case $option in
    n) name=$OPTARG ;;
    b) bump=$OPTARG ;;
    v) verbose=1 ;;
    :) fail "-$OPTARG needs a value" ;;
    *) fail "there is no option -$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || fail "what is $1?"

# ---- the project ---------------------------------------------------------------------------------------------------

# project FOLDER
project() {
    mkdir -p "$1/src/lib" "$1/docs/pages" "$1/tests" "$1/empty"
    cat > "$1/src/main.txt" <<EOF
name = "$name"
version = "@VERSION@"
greeting = "Hello from \$USER"
EOF
    cat > "$1/src/lib/words.txt" <<'EOF'
apple $1
banana `two`
cherry \n three
EOF
    cat > "$1/docs/pages/index.md" <<-EOF
	# $name

	Version @VERSION@, made by $(basename "$0").
	${tab}Indented with a tab that stays? No: with none.
	EOF
    for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
        printf 'case %02d: %d squared is %d\n' "$number" "$number" $((number * number)) > "$1/tests/case-$number.txt"
    done
    printf 'draft\n' > "$1/docs/pages/draft~"
    printf 'object\n' > "$1/src/lib/words.o"
    printf '#!/bin/sh\necho "run with $# arguments: $*"\n' > "$1/tests/run"
    chmod 755 "$1/tests/run"
    ln -s ../docs/pages/index.md "$1/src/README"
}

# The history of the project, newest first: hash, kind, part, what was done, and who did it.
history() {
    cat <<'EOF'
9f3c1a2|feat|parser|Read here-documents|ada
8be77d0|fix|parser|Keep the last line when it has no end|ben
7a90e11|chore|build|Newer compiler|ada
6d2f0c4|feat|lexer|Quote like the standard says|cyd
5c0de55|fix|lexer|Backslashes at the end; "really" this time|ada
4b1d9e8|fix|parser|Do not crash on an empty file|cyd
3a2b3c4|docs|pages|Say what an option means|ben
0000001|feat|all|Begin|ada
EOF
}

# ---- versions ------------------------------------------------------------------------------------------------------

# next VERSION WHICH
next() {
    (
        IFS=.
        # shellcheck disable=SC2086 # Into fields.
        set -- $1 "$2"
        major=$1 minor=$2 patch=${3%%-*} which=$4
        case $which in
        major) major=$((major + 1)) minor=0 patch=0 ;;
        minor) minor=$((minor + 1)) patch=0 ;;
        patch) patch=$((patch + 1)) ;;
        *) exit 3 ;;
        esac
        printf '%d.%d.%d\n' "$major" "$minor" "$patch"
    )
}

# Whether one version is before another.
before() {
    [ "$1" != "$2" ] &&
        [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)" = "$1" ]
}

# ---- notes ---------------------------------------------------------------------------------------------------------

notes() {
    history | awk -F '|' -v version="$1" '
        BEGIN {
            title["feat"] = "New"; title["fix"] = "Mended"; title["docs"] = "Documentation"
            order[1] = "feat"; order[2] = "fix"; order[3] = "docs"
            printf "## %s\n", version
        }
        $2 in title {
            entry = sprintf("- %s: %s (%s)", $3, $4, substr($1, 1, 5))
            list[$2] = list[$2] entry "\n"
            count[$2]++
        }
        { by[$5]++ }
        END {
            for (i = 1; i in order; i++) {
                kind = order[i]
                if (count[kind] == 0) continue
                printf "\n### %s (%d)\n\n%s", title[kind], count[kind], list[kind]
            }
            printf "\nThanks to"
            separator = " "
            for (i = 1; i <= split("ada ben cyd", names, " "); i++) {
                printf "%s%s (%d)", separator, names[i], by[names[i]]
                separator = ", "
            }
            print "."
        }
    '
}

# ---- the archive ---------------------------------------------------------------------------------------------------

# What goes into it: no drafts, no objects, files before what is executable does not matter, so by name.
contents() {
    find "$1" \( -name '*~' -o -name '*.o' \) -prune -o \( -type f -o -type l \) -print | sort
}

# sums FOLDER: of each file its sum and its name.
sums() {
    (
        cd "$1"
        contents . | while IFS= read -r path; do
            [ -h "$path" ] || cksum < "$path" | {
                read -r sum size
                printf '%s %s %s\n' "$sum" "$size" "${path#./}"
            }
        done
    )
}

# ---- and now -------------------------------------------------------------------------------------------------------

work=$(mktemp -d)
[ -d "$work" ] || fail "no folder to work in"
cd "$work"

say "a project named $name"
project "$name"
find "$name" -type d | sort | sed 's/^/  /'
count=$(find "$name" -type f | wc -l)
printf '  %d files, %d of them executable\n' "$count" "$(find "$name" -type f -perm -100 | wc -l)"

say "its version"
current=1.4.9
new=$(next "$current" "$bump") || fail "there is no way to raise \"$bump\""
printf '  %s to %s\n' "$current" "$new"
for pair in 1.4.9:1.5.0 1.10.0:1.9.9 2.0.0:10.0.0 1.0.0:1.0.0; do
    if before "${pair%:*}" "${pair#*:}"; then relation='is before'; else relation='is not before'; fi
    printf '  %s %s %s\n' "${pair%:*}" "$relation" "${pair#*:}"
done
if odd=$(next 1.2.3 sideways); then echo "  $odd?"; else echo "  sideways: status $?"; fi

say "put into the files"
grep -rl '@VERSION@' "$name" | sort | while IFS= read -r path; do
    sed "s/@VERSION@/$new/g" "$path" > "$path.new"
    mv "$path.new" "$path"
    debug "$path"
    grep -n "$new" "$path" | sed "s|^|  $path:|"
done
sed -n -e '/^greeting/{s/.*"\(.*\)"/  \1/p' -e '}' "$name/src/main.txt"
sed -e '2d' -e 's/[aeiou]/<&>/2' -e '$a\
the end' "$name/src/lib/words.txt"

say "notes"
notes "$new" | tee "$name/CHANGES.md"
{
    printf '\n## %s\n\n' "$current"
    printf -- '- %s\n' 'The first one' 'that was published'
} >> "$name/CHANGES.md"
printf '  %d lines\n' "$(wc -l < "$name/CHANGES.md")"

say "checks, at the same time"
for part in src docs tests; do
    (
        lines=0
        for path in "$name/$part"/* "$name/$part"/*/*; do
            [ -f "$path" ] || continue
            while IFS= read -r line || [ -n "$line" ]; do lines=$((lines + ${#line})); done < "$path"
        done
        echo "$lines" > "$work/$part.length"
        [ "$part" != docs ] || exit 7
    ) &
    eval "job_$part=\$!"
done
for part in src docs tests; do
    eval "job=\$job_$part"
    status=0
    wait "$job" || status=$?
    printf '  %-5s status %d, %d characters\n' "$part" "$status" "$(cat "$part.length")"
done
kill -s USR1 $$
kill -s USR1 $$
printf '  %d signals\n' "$progress"

say "an archive"
contents "$name" > list
(
    cd "$name"
    contents . > ../list-inside
)
tar -cf "$name-$new.tar" -T list
gzip "$name-$new.tar"
ls ./*.tar.gz
tar -tzf "$name-$new.tar.gz" | sort | awk -F / '{ parts[$2]++ } END { for (part in parts) print "  " part, parts[part] }' | sort
sums "$name" > "$name.sums"
awk '{ total += $2 } END { printf "  %d files with %d bytes\n", NR, total }' "$name.sums"

say "the same again from the archive"
mkdir unpacked
tar -xzf "$name-$new.tar.gz" -C unpacked
sums "unpacked/$name" > unpacked.sums
check "sums are the same" cmp -s "$name.sums" unpacked.sums
check "no objects" test ! -e "unpacked/$name/src/lib/words.o"
check "the link leads somewhere" test -s "unpacked/$name/src/README"
check "the link is one" test -h "unpacked/$name/src/README"
check "the script is executable" test -x "unpacked/$name/tests/run"
check "differences" sh -c 'diff "$1" "$2" > /dev/null' sh "$name/CHANGES.md" "unpacked/$name/CHANGES.md"
check "what is wrong is told" false
"unpacked/$name/tests/run" 'a b' c | sed 's/^/  /'
printf 'changed\n' >> "unpacked/$name/src/lib/words.txt"
diff "$name/src/lib/words.txt" "unpacked/$name/src/lib/words.txt" || printf '  diff: status %d\n' "$?"

say "sizes of the tests"
find "unpacked/$name/tests" -name 'case-*.txt' | sed 's/.*case-\([0-9]*\)\.txt/\1/' | sort -n |
    while read -r number; do
        size=$(wc -c < "unpacked/$name/tests/case-$number.txt")
        case $number in
        *[02468]) kind=even ;;
        *) kind=odd ;;
        esac
        echo "$kind $((size))"
    done | awk '{ sum[$1] += $2; n[$1]++ } END { for (k in sum) printf "  %s: %d of %.2f bytes\n", k, n[k], sum[k] / n[k] }' | sort

say "words"
cat "$name/docs/pages/index.md" "$name/CHANGES.md" | tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | grep . |
    sort | uniq -c | sort -k 1,1nr -k 2,2 | head -n 5 | while read -r times word; do printf '  %-8s%3d\n' "$word" "$times"; done

say "$failures failed"
(kill -s TERM $$) &
wait
fail "not reached"
