#### short
getopt -o ab:c:: -- -a -b v file -c -cx -- -q; getopt -o ab: -- -ab val; getopt -o ab: -- -abval x
#### old form
getopt ab: -a -b v f; getopt ab: -z; echo $?; getopt ab: x -a y
#### long
getopt -o '' -l 'one,two:,three::' -- --one --two v --three --three=x rest; getopt -o '' --long one,other -- --on; getopt -o '' -l alpha,alps -- --alp; echo $?; getopt -o a -l verbose --name me -- --verb -a x --verbose=3; echo $?; getopt -o '' -l two: -- --two; echo $?
#### quoting
getopt -o a: -- -a "it's" 'x y' ''; getopt -u -o a: -- -a "x y" z
#### order
getopt -o +ab -- -a x -b; getopt -o -ab -- -a x -b y; POSIXLY_CORRECT=1 getopt -o ab -- x -a
#### alternative
getopt -a -o ab -l long,arg: -- -long -ab -arg 3 -a; getopt -a -o l -l long -- -l -lo
#### status
getopt -T; echo $?; getopt; echo $?; getopt -o; echo $?; getopt -q -o a -- -z; echo $?; getopt -Q -o a -- -a; echo $?; getopt -z; echo $?; getopt -s zsh -o a -- ; echo $?; getopt -o a -s sh -- -a
#### script
set -- -n 3 --force 'a b' c; args=$(getopt -o n:f -l force,number: -- "$@") || exit 1; eval set -- "$args"; while :; do case $1 in -n|--number) echo "n=$2"; shift 2;; --force) echo force; shift;; --) shift; break;; esac; done; for a; do echo "<$a>"; done
