#### which
which sh >/dev/null && echo found; which nonesuch; echo $?
#### rev
printf 'abc\nde' | rev; echo abc > f; rev f
#### id
id -u; id -u -r; id -g
