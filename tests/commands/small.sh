#### which
which sh >/dev/null && echo found; which nonesuch; echo $?
#### rev
printf 'abc\nde' | rev; echo abc > f; rev f
#### id
id -u; id -u -r; id -g
#### id of who is not there
id no-such-user 2>/dev/null; echo $?; id -u no-such-user 2>/dev/null; echo $?
