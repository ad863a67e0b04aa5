#!/usr/bin/env bash
# Keeps the inventory of a small warehouse: reads orders, checks and sums them, prints reports. Written as people write bash:
# arrays, associative arrays, namerefs, brace and process substitution, regular expressions, mapfile, printf -v. Everything it
# prints is the same on every run.
#
# Usage: inventory.bash [--verbose] [--limit N] [--] [WORD...]

set -euo pipefail
shopt -s nullglob extglob
export LC_ALL=C

readonly VERSION=2.3.1
declare -i LIMIT=3 errors=0
declare -A stock=() price=([apple]=30 [pear]=45 [plum]=15 ["dried fig"]=120) seen
declare -a orders=() journal
declare -r -a KINDS=(fruit grain 'canned goods')
verbose=

# ---- talking -------------------------------------------------------------------------------------------------------

log() {
    local level=$1 message
    shift
    printf -v message '%-5s %s' "${level^^}" "$*"
    journal+=("$message")
    [[ $level == debug && -z $verbose ]] || echo "$message"
}

die() {
    echo "inventory: $* (in ${FUNCNAME[1]})" >&2
    exit 2
}

heading() {
    local text=$1 line
    printf -v line '%*s' "${#text}" ''
    printf '\n%s\n%s\n' "$text" "${line// /=}"
}

on_exit() {
    local status=$?
    [[ -d ${work-} ]] && rm -rf -- "$work"
    printf '\n%d entries in the journal, %d errors, status %d\n' "${#journal[@]}" "$errors" "$status"
}
trap on_exit EXIT
trap 'log warn "signal USR1 after ${#orders[@]} orders"' USR1

# ---- options -------------------------------------------------------------------------------------------------------

words=()
while (($# > 0)); do
    case $1 in
    -v | --verbose) verbose=yes ;;
    --limit) LIMIT=${2:?--limit needs a number}; shift ;;
    --limit=*) LIMIT=${1#*=} ;;
    --) shift; words+=("$@"); break ;;
    -*) die "no option ${1@Q}" ;;
    *) words+=("$1") ;;
    esac
    shift
done

# ---- helpers -------------------------------------------------------------------------------------------------------

# join SEPARATOR WORD...
join() {
    local separator=$1 first=${2-}
    shift $(($# > 1 ? 2 : 1))
    printf '%s' "$first" "${@/#/$separator}"
}

# sorted_keys NAME-OF-MAP NAME-OF-RESULT
sorted_keys() {
    local -n map_of=$1 result_of=$2
    result_of=()
    ((${#map_of[@]})) || return 0
    mapfile -t result_of < <(printf '%s\n' "${!map_of[@]}" | sort)
}

# money CENTS NAME
money() {
    local -n into=$2
    local sign=''
    local -i cents=$1
    ((cents < 0)) && sign=- && cents=-cents
    printf -v into '%s%d.%02d' "$sign" $((cents / 100)) $((cents % 100))
}

reverse() {
    local -n list=$1
    local -i low=0 high=$((${#list[@]} - 1))
    local kept
    while ((low < high)); do
        kept=${list[low]}
        list[low++]=${list[high]}
        list[high--]=$kept
    done
}

# Whether a word is one of an array: contains NAME WORD
contains() {
    local -n where=$1
    local each
    for each in "${where[@]}"; do [[ $each == "$2" ]] && return; done
    return 1
}

# ---- orders --------------------------------------------------------------------------------------------------------

read_orders() {
    local line number=0
    local -r pattern='^([A-Z]{2}-[0-9]+)[[:space:]]+([a-z ]+[a-z])[[:space:]]*([x*])([0-9]+)(@([0-9]+)%)?$'
    while IFS= read -r line || [[ -n $line ]]; do
        ((++number))
        line=${line%%#*}
        line=${line%%+([[:space:]])}
        [[ -z $line ]] && continue
        if [[ $line =~ $pattern ]]; then
            local id=${BASH_REMATCH[1]} what=${BASH_REMATCH[2]} count=${BASH_REMATCH[4]} discount=${BASH_REMATCH[6]:-0}
            if [[ -v seen[$id] ]]; then
                log error "line $number: $id was there in line ${seen[$id]}"
                errors+=1
                continue
            fi
            seen[$id]=$number
            orders+=("$id|$what|$count|$discount")
            log debug "line $number: ${what^} times $count"
        else
            log error "line $number: ${line@Q} is no order"
            errors+=1
        fi
    done
}

count_orders() {
    local order id what count discount
    for order in "${orders[@]}"; do
        IFS='|' read -r id what count discount <<< "$order"
        stock[$what]=$((${stock[$what]:-0} + count))
    done
}

bill() {
    local -i total=0 cents
    local order shown
    local -a fields
    for order in "${orders[@]}"; do
        IFS='|' read -r -a fields <<< "$order"
        if ! [[ -v price[${fields[1]}] ]]; then
            printf '%-6s %-10s has no price\n' "${fields[0]}" "${fields[1]}"
            continue
        fi
        ((cents = price[${fields[1]}] * fields[2] * (100 - fields[3]) / 100, total += cents))
        money "$cents" shown
        printf '%-6s %-10s %3d %9s%s\n' "${fields[0]}" "${fields[1]}" "${fields[2]}" "$shown" \
            "$( ((fields[3])) && echo " less ${fields[3]} %")"
    done
    money "$total" shown
    printf '%-21s %9s\n' total "$shown"
}

# ---- and now -------------------------------------------------------------------------------------------------------

heading "inventory $VERSION"
IFS=. read -r major minor patch <<< "$VERSION"
echo "major $major, minor $minor, patch $patch, next $major.$((minor + 1)).0"
printf 'kind: <%s>\n' "${KINDS[@]}"
echo "last kind: ${KINDS[-1]}; two of them: ${KINDS[*]:0:2}; lengths: ${#KINDS[@]} ${#KINDS[2]}"
((${#words[@]})) && printf 'word %q\n' "${words[@]}"
work=$(mktemp -d)

heading "orders"
read_orders << 'EOF'
AB-1   apple x10        # the first
AB-2   pear *4@25%
CD-30  dried fig x2

cd-4   plum x1
AB-1   plum x7
EF-5   quince x3
AB-7   plum x20@10%
this is no order
XY-9   apple x2
EOF
count_orders
sorted_keys stock names
for what in "${names[@]}"; do printf '%-10s %s\n' "$what" "${stock[$what]}"; done
kill -USR1 $$

heading "bill"
bill

heading "sets"
numbers=({1..5} {10..30..10} {08..10})
echo "${#numbers[@]} numbers: ${numbers[*]}"
reverse numbers
echo "backwards: $(join ', ' "${numbers[@]}")"
unset 'numbers[1]'
numbers[20]=last
echo "indices: ${!numbers[*]}"
echo "slice: ${numbers[*]:2:3}, without a zero: ${numbers[*]/#0/}"
letters=({a..e} {A..C}{x,y} pre{fix,sent,}ed)
echo "${letters[@]^}"
contains letters By && echo "By is there"
contains letters Dy || echo "Dy is not"
if [[ ${letters[*]} =~ (C[xy])\ (pre[^ ]+) ]]; then declare -p BASH_REMATCH | sed 's/^declare -[a-z]* //'; fi

heading "texts"
text='  The quick  brown fox; jumps over "the" lazy dog  '
trimmed=${text##+( )}
trimmed=${trimmed%%+( )}
echo "<$trimmed> ${#trimmed}"
echo "${trimmed//+( )/_}"
echo "${trimmed^^[aeiou]}"
echo "${trimmed,,}"
echo "${trimmed:4:5} ${trimmed: -3} ${trimmed/%dog/cat}"
read -r -a parts <<< "$text"
echo "${#parts[@]} words, the longest: $(printf '%s\n' "${parts[@]}" | awk '{ print length, $0 }' | sort -k 1,1nr -k 2 | head -n 1)"
declare -A letters_of=()
for ((i = 0; i < ${#trimmed}; i++)); do
    letter=${trimmed:i:1}
    [[ $letter == [[:alpha:]] ]] || continue
    letter=${letter,}
    letters_of[$letter]=$((${letters_of[$letter]:-0} + 1))
done
for letter in "${!letters_of[@]}"; do
    if ((letters_of[$letter] >= LIMIT)); then printf '%s=%d\n' "$letter" "${letters_of[$letter]}"; fi
done | sort | paste -s -d ' ' -
name=trimmed
echo "by its name: ${!name:0:9}"
echo "quoted: ${text@Q}"
printf '%s\n' $'tab\there' $'\x41\102' | od -An -c | sed 's/ *$//'

heading "files"
mkdir -p "$work"/{in,out}/{a,b}
for path in "$work"/in/{a,b}/{one,two}.{txt,log}; do
    printf '%s\n' "${path#"$work"/}" "${path##*/}" > "$path"
done
files=("$work"/in/*/*.txt)
none=("$work"/none/*)
echo "${#files[@]} texts, ${#none[@]} others: ${files[*]##*/}"
rest=("$work"/in/a/!(*.txt))
echo "not texts: ${rest[*]##*/}"
diff <(cd "$work/in" && printf '%s\n' a/*) <(cd "$work/in" && printf '%s\n' b/* | sed 's|^b|a|') && echo "a and b have the same files"
comm -12 <(printf '%s\n' apple pear plum) <(sorted_keys price list && printf '%s\n' "${list[@]}") | paste -s -d , -
tee >(wc -l > "$work/out/count") < "$work/in/a/one.txt" | tr '[:lower:]' '[:upper:]'
wait
for attempt in {1..20}; do [[ -s $work/out/count ]] && break || sleep 0.05; done
echo "lines: $(< "$work/out/count")"
{
    echo to the third
    echo to the second >&2
} 3>&1 2>&1 > "$work/out/first"
exec {log_fd}> "$work/out/log"
echo "by descriptor" >&"$log_fd"
exec {log_fd}>&-
mapfile -t lines < <(cat "$work/out/first" "$work/out/log")
printf '[%s]' "${lines[@]}"
echo
while IFS= read -r -d '' path; do echo "found ${path#"$work"/}"; done < <(find "$work/in" -name 'two.*' -print0 | sort -z)

heading "jobs"
results=()
pids=()
for number in 3 1 2; do
    (
        sleep "0.0$number"
        exit "$number"
    ) &
    pids+=($!)
done
for pid in "${pids[@]}"; do
    status=0
    wait "$pid" || status=$?
    results+=("$status")
done
echo "statuses: ${results[*]}"
set +e
true | false | (exit 4) | true
statuses=("${PIPESTATUS[@]}")
set -e
echo "of the pipeline: ${statuses[*]}"
((sum = 0)) || true
for status in "${statuses[@]}"; do ((sum += status)) || true; done
echo "sum $sum, shifted $((sum << 4)), power $((2 ** 10)), hexadecimal $((16#ff)), rest $((-7 % 3)), $((sum > 4 ? 1 : 0))"
printf '%(%Y-%m-%d)T\n' 0
case ${words[0]-nothing} in
@(nothing|none)) echo "no words" ;&
+([0-9])) echo "or a number" ;;
*) echo "words" ;;
esac
(die "on purpose") || log info "died with $?"
