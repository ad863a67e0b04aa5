#### table
printf 'a b c\n1 22 333\n' | column -t; printf 'a:b:c\n1::333\n' | column -t -s:; printf 'a b\n\nc\n' | column -t; printf 'x\ty z\n1 2\n' | column -t
#### table with names
printf 'a b c\n1 22 333\n' > f; column -t -R 3,1 -N x,y,z -o '|' f; column -t -N x,y,z -d f; column -t -N x,y f; echo a b | column -t -N x,y,z; column -t -H 2 f; column -t -N x,y,z -H y f; column -t -O 3,1 f; column -t -l 2 f; column -t -N x,y,z -R 0 f
#### json
printf 'a b c\n1 22\n' | column -J -N x,y,z; printf 'q"t \\\n' | column -J -N A,b -n nm; printf 'a:b\n' | column --json -s: --table-columns one,two; printf 'a\n' | column -J; echo $?
#### fill
seq 30 | column; seq 30 | column -x -c 40; seq 5 | column -c 10; printf 'aaaaaaaaaaaa\nb\nc\n' | column -c 40; seq 100 110 | column -c 20
#### empty lines
printf '  lead x\n\nb c\n' | column -t -L; printf 'a b\n\nc d\n' | column; printf '' | column; printf '' | column -t; printf '\n\n' | column -t
#### separators
printf 'aaa,b\n c,d\n' | column -t -s,; printf 'a,b;c\n' | column -s ',;' -t; printf 'a  b\n' | column -t -s ' '; printf 'one two\n' | column -t -o ' | '; printf 'a=1=2\nbb=3\n' | column -t -s= -l 2
#### wide letters
printf 'é x\nab y\n日本 z\n' | LC_ALL=C.UTF-8 column -t
#### failures
column nofile; echo $?; column --zz; echo $?; echo a | column -t -H q -N a; echo $?; echo a | column -c x; echo $?
