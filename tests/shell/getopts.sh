# getopts. What dash leaves in OPTARG of an option without an argument is not asked: POSIX has it unset. The form of
# this file is told in builtins.sh.
#### getopts --
set -- -a -- -b; while getopts ab o; do echo $o; done; echo $OPTIND
#### getopts -
set -- -a - -b; while getopts ab o; do echo $o; done; echo $OPTIND
#### getopts missing
set -- -b; while getopts b: o; do echo "$o ${OPTARG-unset} $OPTIND"; done 2>/dev/null; echo $OPTIND
#### getopts missing silent
set -- -b; while getopts :b: o; do echo "$o ${OPTARG-unset} $OPTIND"; done; echo $OPTIND
#### getopts messages
set -- -x; getopts a o 2>&1; set -- -b; OPTIND=1; getopts b: o 2>&1
#### getopts reset
set -- -a -b; getopts ab o; echo $o; getopts ab o; echo $o; OPTIND=1; getopts ab o; echo $o
#### getopts reset inside a group
set -- -ab; getopts ab o; echo $o; OPTIND=1; getopts ab o; echo $o; getopts ab o; echo $o
#### getopts operands
getopts ab o -b x; echo $o $OPTIND; getopts ab o -b x; echo $? $o $OPTIND
#### getopts in functions
f() { OPTIND=1; while getopts ab o "$@"; do echo "f $o"; done; }; f -a -b; f -b
#### getopts local OPTIND
f() { local OPTIND=1 o; while getopts ab o "$@"; do echo "f $o"; done; }; set -- -a -b; getopts ab o; f -b; getopts ab o; echo $o
#### getopts empty argument
set -- -b '' x; getopts b: o; echo "$o [$OPTARG] $OPTIND"
#### getopts option like argument
set -- -b -a; getopts ab: o; echo "$o [$OPTARG] $OPTIND"
#### getopts end
set -- a -b; getopts b o; echo "$? $o $OPTIND"
#### getopts end value
o=before; set --; getopts a o; echo "$? $o $OPTIND ${OPTARG-unset}"
#### getopts OPTERR
OPTERR=0; set -- -x; getopts a o; echo "$o"
#### getopts after shift
set -- -a x -b; getopts ab o; shift $((OPTIND-1)); OPTIND=1; shift; getopts ab o; echo "$o $OPTIND"
#### getopts subshell
set -- -a -b; (getopts ab o; echo $o); getopts ab o; echo $o
#### getopts usage
getopts; echo $?; getopts a; echo $?
#### OPTIND at start
echo $OPTIND; sh -c 'echo $OPTIND'; OPTIND=5 sh -c 'echo $OPTIND'
#### getopts with plus
set -- +a; getopts a o; echo $? $OPTIND
