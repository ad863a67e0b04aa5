#### echo
printf 'a b\nc\n' | xargs; echo a | xargs echo x
#### -n
seq 5 | xargs -n 2; seq 3 | xargs -n1 echo n
#### -I
printf 'a\nb c\n' | xargs -I{} echo '<{}>'; printf 'a\n' | xargs -I % sh -c 'echo % %'; printf '  lead\n' | xargs -I{} echo '[{}]'
#### -0
printf 'a b\0c\0' | xargs -0 -n1 echo; printf 'x\0' | xargs -0 echo
#### -d
printf 'a,b,c' | xargs -d, -n1 echo; printf 'a b\nc\n' | xargs -d '\n' -n1 echo
#### quotes
printf '"a b" c\\ d '"'e f'"'\n' | xargs -n1 echo
#### unmatched quote
printf "it's\n" | xargs echo 2>/dev/null; echo $?
#### -L
printf 'a b\nc\nd e\n' | xargs -L1 echo; printf 'a\nb\nc\n' | xargs -L 2 echo
#### empty input
printf '' | xargs echo none; printf '' | xargs -r echo none; printf '' | xargs -I{} echo none
#### statuses
echo a | xargs false; echo $?; echo a | xargs sh -c 'exit 255' 2>/dev/null; echo $?; echo a | xargs nonesuch 2>/dev/null; echo $?; seq 3 | xargs -n1 sh -c '[ $0 != 2 ]'; echo $?
#### -P
seq 4 | xargs -P 4 -n 1 echo | sort; seq 4 | xargs -P0 -n1 echo | sort
#### -t
echo a | xargs -t echo 2>&1
#### -a
printf '1\n2\n' > f; xargs -a f echo; xargs -a f cat < f
#### standard input of commands
printf 'a\n' | xargs sh -c 'cat; echo "$0"'
#### -E
printf 'a\nEND\nb\n' | xargs -E END echo
#### with rm and grep
touch a b; ls | xargs rm; ls; echo needle > x; echo x | xargs grep -l needle
#### -s
seq 10 | xargs -s 20 echo
#### rename
touch a.txt b.txt; ls *.txt | xargs -I{} mv {} {}.bak; ls
#### sh -c with arguments
printf '1 2 3\n' | xargs -n3 sh -c 'echo $(( $0 + $1 + $2 ))'
#### -n with a rest
seq 7 | xargs -n3 echo
#### long options
printf 'a\0b\0' | xargs --null --max-args=1 echo; printf 'x\n' | xargs --replace=@ echo @; printf 'a\n' | xargs --no-run-if-empty echo
#### -s has room for whole arguments
echo one two three | xargs -s 9 echo 2>/dev/null; echo $?; echo one two | xargs -s 4 2>/dev/null; echo $?; echo one two three | xargs -s 11 echo
#### --process-slot-var
printf '1\n2\n3\n' | xargs -n 1 --process-slot-var=V sh -c 'echo $V'; printf '1\n2\n3\n4\n' | xargs -n 1 -P 2 --process-slot-var=V sh -c 'sleep 0.0$1; echo $V' sh | sort -u
#### -I and blanks in front
printf ' \n2\n\n 6 6 \n \013 \t 7\n\t\n' | xargs -I% echo '[%]'
