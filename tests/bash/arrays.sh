Arrays, indexed and associative.

#### indexed arrays
a=(one "two words" [5]=six seven)
echo "${#a[@]}" "${a[0]}" "${a[1]}" "${a[6]}" "${a[-1]}" "$a"
printf '<%s>' "${a[@]}"; echo
printf '<%s>' "${a[*]}"; echo
echo "${!a[@]}"
a+=(eight); a[1]+=!; unset 'a[0]'
declare -p a
#### slices and lengths of elements
a=(zero one two three four)
echo "${a[@]:1:2}" "${a[@]: -2}" "${a[*]:3}" "${#a[2]}" "${a[2]:1}"
set -- p q r s
echo "${@:2:2}" "${@: -1}" "${*:3}" "${#@}"
b=([2]=x [7]=y [9]=z); echo "${b[@]:3:2}" "${#b[@]}"
#### operators over all elements
files=(a.txt b.txt c.md)
echo "${files[@]%.*}" "${files[@]/%.txt/.log}" "${files[@]#?}" "${files[@]^}" "${files[@]/#/x-}"
echo "${files[@]@Q}"
#### associative arrays
declare -A m=([apple]=red [banana]=yellow ["two words"]="a value")
m[cherry]=dark; m[apple]+=dish
for k in "${!m[@]}"; do printf '%s=%s\n' "$k" "${m[$k]}"; done | sort
echo "${#m[@]}" "${m[none]-unset}"
unset 'm[banana]'; [[ -v m[apple] ]] && echo has; [[ -v m[banana] ]] || echo gone
k='x]y'; m[$k]=odd; echo "${m[$k]}"
declare -p m
#### elements in arithmetic
a=(1 2 3); i=1
((a[i]++, a[0]+=10, a[5]=a[1]*2))
echo "${a[@]}" $((a[i] + a[-1])) "${a[i+1]}" "${a[a[1]-2]}"
declare -A c; for w in b a b c b; do ((c[$w]++)); done; echo "${c[b]}${c[a]}${c[c]}"
#### arrays from words, commands and globs
touch 1.x 2.x; g=(*.x); w=($(echo p q r)); s="u v"; t=($s "$s")
echo "${#g[@]}" "${#w[@]}" "${#t[@]}" "${t[-1]}"
#### empty arrays under set -u
set -u; e=(); echo "${#e[@]}" "[${e[*]}]"; for x in "${e[@]}"; do echo never; done; echo "${e[0]-unset}"
#### a queue and a stack
q=(); q+=(a); q+=(b c); echo "${q[0]}"; q=("${q[@]:1}"); echo "${q[@]}"
unset 'q[-1]'; echo "${q[@]}" "${#q[@]}"
#### a reference to an element counts
arr=(0 9); declare -n ref='arr[0]'; ref=5; echo $ref ${arr[0]}; ((ref++)); echo $ref ${arr[0]}; ((ref+=2)); echo $ref $((ref)) $((ref*2)); for ((ref=1; ref<=3; ref++)); do echo ${arr[0]}; done; unset ref; echo "${!arr[@]}"
