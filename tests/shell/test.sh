# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### strings
[ a = a ]; echo $?; [ a = b ]; echo $?; [ a != b ]; echo $?; [ "" ]; echo $?; [ x ]; echo $?; [ -n "" ]; echo $?; [ -z "" ]; echo $?
#### numbers
[ 1 -eq 1 ] && [ 1 -ne 2 ] && [ 1 -lt 2 ] && [ 2 -le 2 ] && [ 3 -gt 2 ] && [ 3 -ge 3 ] && echo all; [ 10 -gt 9 ] && echo numeric
#### files
touch f; mkdir d; ln -s f l; echo x > s; [ -e f ] && [ -f f ] && [ -d d ] && [ ! -d f ] && [ -h l ] && [ -L l ] && [ -s s ] && [ ! -s f ] && [ -r f ] && echo all; [ -e nope ]; echo $?
#### executable
touch f; [ -x f ]; echo $?; chmod +x f; [ -x f ]; echo $?
#### negation and parentheses
[ ! a = b ]; echo $?; [ \( a = a \) ]; echo $?; [ ! "" ]; echo $?
#### and and or
[ a = a -a b = b ]; echo $?; [ a = b -o b = b ]; echo $?; [ a = b -a b = b ]; echo $?
#### operators as operands
[ -n ]; echo $?; [ = = = ]; echo $?; [ -f = -f ]; echo $?; [ ! ]; echo $?; [ '(' = '(' ]; echo $?
#### errors
[ 1 -eq x ] 2>/dev/null; echo $?; [ a = b 2>/dev/null; echo $?
#### the name test
test a = a; echo $?; test; echo $?; test x; echo $?
#### newer and older
touch -d 2020-01-01 old; touch new; [ new -nt old ] && echo newer; [ old -ot new ] && echo older
#### terminal
[ -t 0 ] < /dev/null; echo $?
