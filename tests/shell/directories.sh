# Where the shell is. The form of this file is told in builtins.sh; what is printed is made to hold no directory names
# that the run chooses.
#### a removed directory takes nothing
mkdir d; cd d; rmdir ../d; touch x 2>/dev/null || echo not touched; { echo y > y; } 2>/dev/null || echo not made; mkdir z 2>/dev/null || echo no directory; cat < x 2>/dev/null || echo nothing to read; sh -c 'echo q > q' 2>/dev/null || echo nor by another shell; echo *; [ -e /x ] || [ -e /y ] || [ -e /z ] || [ -e /q ] || echo clean; cd .. && ls
#### a removed directory after a subshell
mkdir d; cd d; rmdir ../d; (cd /; echo elsewhere); { echo y > y; } 2>/dev/null || echo still nowhere; x=$(cd /tmp; echo there); { echo y > y; } 2>/dev/null || echo still nowhere; [ -e /y ] || [ -e /tmp/y ] || echo clean
#### a directory that a subshell removes
mkdir d; cd d; (rmdir ../d; cd /); { echo y > y; } 2>/dev/null || echo nowhere; [ -e /y ] || echo clean
#### a removed directory made anew is another
mkdir d; cd d; rmdir ../d; mkdir ../d 2>/dev/null || (cd ..; mkdir d); { echo y > y; } 2>/dev/null || echo nowhere; cd ../d && echo y > y && ls
#### CDPATH
mkdir -p p/sub q/sub q/other; CDPATH=$PWD/p:$PWD/q; (cd sub > out; cat out; pwd) | while read -r l; do echo "${l#$PWD}"; done; (cd other > out; read -r l < out; echo ${l#*q}); (cd ./sub 2>/dev/null; echo $?); (cd ../sub 2>/dev/null; echo $?)
#### CDPATH with an empty part
mkdir -p sub p/sub; CDPATH=:$PWD/p; cd sub; echo "${PWD##*/}"; cd ..; CDPATH=$PWD/p::; cd sub > /dev/null; p=${PWD%/sub}; echo "${p##*/}"
#### CDPATH that does not have it
mkdir -p sub p; CDPATH=$PWD/p; cd sub; echo $? ${PWD##*/}
#### CDPATH and absolute paths
CDPATH=/usr; cd /tmp; echo $PWD; cd bin 2>/dev/null || cd /; echo "[${OLDPWD}]"
#### cd options
mkdir -p a/b; ln -s a/b l; (cd l; echo ${PWD##*/}; cd ..; [ -e l ] && echo logical); (cd -P l; echo ${PWD##*/}; cd ..; [ -e b ] && echo physical); (cd -L -P l; echo ${PWD##*/}); (cd -PL l; echo ${PWD##*/}); (cd -- l; echo ${PWD##*/}); cd -x 2>/dev/null; echo $?
#### cd to a file
: > f; cd f 2>/dev/null; echo $?; cd f/x 2>/dev/null; echo $?
#### PWD keeps the name by which the directory was entered
mkdir -p a/b; ln -s a/b l; cd l; sh -c 'echo ${PWD##*/}; pwd -P' | while read -r l; do echo "${l##*/}"; done; PWD=/nonsense sh -c 'echo ${PWD##*/}'
#### pwd options
cd /tmp; pwd -P; pwd -L; pwd -x 2>/dev/null; echo $?
