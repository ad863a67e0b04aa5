#### nobody has logged in
users; echo $?; who; who -q; who -H; who am i; echo $?
#### setsid
setsid echo hi; setsid -w sh -c 'exit 4'; echo $?; setsid 2>/dev/null; echo $?; setsid nope 2>&1; echo $?
#### renice
renice 2>/dev/null; echo $?; renice x 3 2>&1; echo $?; renice 5 999999 2>&1; echo $?
#### logger
logger -p no.such x 2>/dev/null; echo $?
#### locale
LANG=C.UTF-8 LC_ALL= locale; LANG=C LC_ALL= LC_TIME=POSIX locale; locale -a; locale charmap; LC_ALL=C locale charmap; locale decimal_point; locale nope 2>/dev/null; echo $?; locale -k day; locale abmon d_fmt
#### tabs
TERM=xterm tabs -8 | od -c; TERM=xterm tabs 4 | od -c | head -3
