#### sync
sync; echo $?; touch f; sync f; echo $?; sync nofile; echo $?; sync -d; echo $?; sync -z; echo $?
#### clear
TERM=xterm clear | od -c; TERM=vt100 clear -x > /dev/null; echo $?; clear; echo $?; TERM=nonesuch clear; echo $?
#### tput
export TERM=xterm-256color; for c in bold sgr0 smul rmul rev smso rmso dim el ed home cuu1 civis sc rc; do tput $c; echo; done | od -c; tput setaf 1 | od -c; tput setab 12 | od -c; tput setaf 200 | od -c; tput cup 3 4 | od -c; tput colors; tput -T xterm colors; tput -T dumb colors; COLUMNS=99 tput cols
#### tput status
tput bold; echo $?; TERM=nonesuch tput bold; echo $?; TERM=xterm tput nonesuch; echo $?; TERM=dumb tput bold; echo $?; tput -T xterm am; echo $?; TERM=xterm tput; echo $?
#### time
/usr/bin/env time -f %x true 2>&1; command time -f '%C %x' false 2>&1; echo $?; command time -f 'a\tb%%' true 2>&1; command time -o o -f x true; cat o; command time nonesuch; echo $?; command time -p true 2>&1 | sed 's/[0-9.]*$//'; command time -q -f '' sh -c 'exit 3'; echo $?; command time; echo $?
#### ps
ps -o pid= -p $$ | grep -c .; ps -p 999999; echo $?; ps -o pid,nope; echo $?; ps -C nonesuch -o pid=; echo $?; sleep 5 & p=$!; ps -o comm= -p $p; ps -o ppid= -p $p | tr -d ' ' | grep -c "^$$\$"; ps -e | grep -c sleep; ps -o pid,comm -p $p | head -1; ps -p $p -o args=; kill $p
#### ps headings
ps -f -p $$ | head -1; ps -p $$ | head -1; ps -o pid,ppid,stat,args -p $$ | head -1; ps aux | head -1
#### fallocate
fallocate -l 123 f; stat -c %s f; fallocate -l 12 f; stat -c %s f; fallocate -o 200 -l 12 f; stat -c %s f; fallocate -l 1K g; stat -c %s g; fallocate -n -l 9K g; stat -c %s g; fallocate f 2>/dev/null; echo $?; fallocate -l 0 f 2>/dev/null; echo $?
#### pidof
pidof no-such-program; echo $?; pidof pidof > /dev/null; echo $?; pidof -s pidof | wc -w; sleep 5 & sleep 0.3; [ "$(pidof sleep | tr ' ' '\n' | grep -cx $!)" = 1 ]; echo $?; pidof -o $! sleep | tr ' ' '\n' | grep -cx $!; kill $!
#### uptime
uptime | grep -c 'load average: [0-9.]*, [0-9.]*, [0-9.]*$'; uptime -s | grep -c '^....-..-.. ..:..:..$'; uptime -p | grep -c '^up [0-9]'
#### taskset
taskset 1 echo run; taskset -c 0 echo run; taskset 0 echo no 2>/dev/null; echo $?; taskset walrus echo no 2>/dev/null; echo $?; taskset 1 sh -c 'taskset -p $$' | sed 's/.*: //'; taskset -c 0 sh -c 'taskset -pc $$' | sed 's/.*: //'; taskset -p 0 2>/dev/null; echo $?; taskset 1 sh -c 'exit 3'; echo $?; taskset -p 99999999 2>/dev/null; echo $?
#### nohup and nice
nohup echo hi; nohup nonesuch 2>/dev/null; echo $?; nohup 2>/dev/null; echo $?; nohup sh -c 'kill -HUP $$; echo still'; nice; nice -n 0 echo a; nice -0 echo b; nice --adjustment=0 sh -c 'exit 7'; echo $?; nice -n x true 2>/dev/null; echo $?; nice -n -5 echo c 2>/dev/null; nice --5 echo d 2>/dev/null; nice -5 -- echo e; nice nonesuch 2>/dev/null; echo $?
stdbuf -oL echo buffered; stdbuf echo 2>/dev/null; echo $?; stty 2>/dev/null; echo $?
#### envsubst
A=1 B=2 envsubst <<'X'
$A ${B} $C ${D}x $ $1 ${A
X
printf '$A $B\n' | A=1 B=2 envsubst '$A'; envsubst -v '$A ${B}'
#### pgrep, pkill and killall
sleep 100 & sleep 50 & cat /dev/null; pgrep -x sleep | wc -l; pgrep -l sleep | cut -d' ' -f2; pgrep -c sleep; pgrep -a -n sleep | cut -d' ' -f2-; pgrep -P $$ sleep | wc -l; pgrep -v -P $$ sleep >/dev/null; echo $?; pkill -n sleep; killall sleep; wait; pgrep sleep; echo $?; killall nonesuch 2>/dev/null; echo $?; pkill nonesuch; echo $?; pgrep 2>/dev/null; echo $?
sleep 9 & pkill -KILL sleep; wait $!; echo $?; sleep 9 & pkill --signal USR1 -x sleep; wait $!; echo $?; sleep 9 & killall -s HUP sleep; wait $!; echo $?; sleep 9 & killall -9 sleep; wait $!; echo $?
