Braces, parameters and patterns.

#### braces
echo a{b,c}d {1..4} {a..e} {01..10..3} {3..1} x{,y} {a,b}{1,2} {p,q{1,2}} "{a,b}" \{a,b} {a} {-2..2}
v=3; echo {1..$v} ${v}{a,b}
#### letters of either case
x=hello; y=WORLD; echo "${x^} ${x^^} ${y,} ${y,,} ${x^^[aeiou]}"
declare -u up=abc; declare -l low=ABC; echo "$up $low"
#### indirection and names
a=1; b=a; ab=2; echo "${!b}" ${!a*} "${!a@}"
arr=(x y); r='arr[1]'; echo "${!r}"; r='arr[@]'; echo "${!r}"
set -- one two; n=2; echo "${!n}" "${!#}"
#### transformations
v=$'it\'s\ta "b"'; echo "${v@Q}"; eval "w=${v@Q}"; [ "$v" = "$w" ] && echo same
x=abc; echo "${x@U} ${x@u} ${x@A}"; declare -i n=5; echo "${n@a}" "${n@A}"; e='a\tb'; echo "${e@E}"
#### replacing
p=/usr/local/bin; echo "${p//\//:}" "${p/#\/usr/~}" "${p/%bin/lib}" "${p/l*l/X}" "${p//[aeiou]}"
s="a.b.c"; echo "${s//./}" "${s/./\\}"
#### substrings with conditions
s=abcdefgh; i=2; echo "${s:i:i+1}" "${s: -3}" "${s:0:-2}" "${s:(-4):2}" "${s:i>1?1:0:2}"
#### extended patterns
shopt -s extglob
for f in a.jpg b.png c.txt abab cc; do
  case $f in *.@(jpg|png)) echo "$f image";; +(ab)) echo "$f ab";; !(*.*)) echo "$f plain";; *) echo "$f other";; esac
done
x=aaabbb; echo "${x##+(a)}" "${x%%*(b)}" "${x/?(a)a/-}"
#### globs and their options
mkdir -p d/e; touch d/1 d/e/2 .h A.X a.x
shopt -s nullglob; echo none* end; shopt -u nullglob; echo none*
shopt -s globstar; echo d/**; echo **/2; shopt -s dotglob; echo *; shopt -s nocaseglob; echo a.*
#### reading a file in place
printf 'l1\nl2\n' > f; v=$(<f); echo "$v"; mapfile -t lines < f; echo "${#lines[@]}:${lines[1]}"
#### bytes
v=$'\xff\xfe'; printf '%s' "$v" | od -An -tx1; printf '\303\251' > f; read -r x < f; echo "${#x}"
printf 'a\xffb\n' > g; v=$(cat g); printf '%s' "$v" | od -An -tx1; echo "${#v}"
#### arithmetic
echo $((2**10)) $((16#ff)) $((36#z)) $((-7/2)) $((7%-3)) $((1<<4|1)) $((5>3?1:2)) $[1+2] $((010)) $((0x1F))
let 'x=3*4' y=x+1; echo $x $y; ((x>10)) && echo big; for ((i=0;i<3;i++)); do printf '%d ' $i; done; echo
#### nocasematch and what it is not for
shopt -s nocasematch; x=ABCcba; echo ${x#a} ${x##*c} ${x%A} ${x/a/z} ${x//[a]/z}; case ABC in abc) echo case ;; esac; [[ ABC == a* ]] && echo test
#### brackets that nothing closes
shopt -s failglob; echo [abc; shopt -u failglob; shopt -s nullglob; echo [abc x*
#### a here-string and joined lines
cat <<< one; echo \
two
