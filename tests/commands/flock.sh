#### commands
flock lk echo hi; ls lk; flock lk -c 'echo c; exit 3'; echo $?; flock -n lk sh -c 'flock -n lk echo no'; echo $?; flock -n -E 7 lk sh -c 'flock -n -E 7 lk echo no'; echo $?; flock -w 0.3 lk sh -c 'flock -w 0.3 lk echo no'; echo $?; flock -s lk flock -s lk echo both; flock -s lk flock -n lk echo no; echo $?; flock -n . echo dir; flock -n lk true && flock -n lk echo free
#### one after the other
for i in 1 2 3 4 5; do flock lk sh -c "read n < count || n=0; sleep 0.02; echo \$((n + 1)) > count" & done 2>/dev/null; wait; cat count
echo 0 > log; for i in 1 2 3; do ( flock 9; read n < log; sleep 0.02; echo $((n + 1)) > log ) 9> lk2 & done; wait; cat log
#### descriptors
exec 9> lk; flock 9; echo $?; flock -n lk echo no; echo $?; flock -n 9; echo $?; flock -u 9; flock -n lk echo yes; flock -s 9; flock -s -n lk echo shared; flock -n lk echo no; echo $?; flock -x 9; flock -s -n lk echo no; echo $?
#### a script that runs once
printf 'exec 8> once; flock -n 8 || { echo running already; exit 1; }\necho begins; sleep 0.5\n' > s; sh s & sleep 0.2; sh s; echo $?; wait; sh s
#### one that was ended
flock lk sleep 5 & sleep 0.2; kill -9 $!; wait $! 2>/dev/null; flock -n -o other echo free
#### errors
flock 9 2>&1; echo $?; flock lk 2>&1; echo $?; flock x y z 2>&1; echo $?; flock nodir/x echo 2>&1; echo $?; flock -w x lk echo 2>&1; echo $?; flock 2>/dev/null; echo $?; flock --bogus 2>/dev/null; echo $?; flock lk nosuchcmd 2>&1; echo $?
