# Cases that every shell passes.
posix=true
echo 'in the file' >input

test_oE -e 0 'a file that the script has made'
cat input
__IN__
in the file
__OUT__

test_O -d -e n 'an error' a b
echo "$1" >&2
exit 9
__IN__

setup 'greet() { echo "hello $1"; }'
setup -d

test_o 'functions from before' -s -- world
greet "$1"; bracket a 'b c'
__IN__
hello world
[a][b c]
__OUT__

(
export WORD=exported
test_x -e TERM 'ended by a signal'
[ "$WORD" = exported ] && kill -s TERM $$
__IN__
)

(
skip=true
test_x -e 0 'left out'
__IN__
)
