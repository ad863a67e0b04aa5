# class: shell: links that are exchanged while they are used
# rule: what is beneath a mount is opened part by part, relative to what was opened before
# expects: DENIED a link that leads out half of the time: not in it
# expects: DENIED a folder exchanged for a link: not in it
# expects: DENIED a removal that follows a link: exit code 1
. /escape/report.sh
mkdir /m/real
echo inside >/m/real/secret.txt
ln -s real /m/race
(
  n=0
  while [ "$n" -lt 40 ]; do
    ln -sfn ../ /m/race 2>/dev/null
    ln -sfn real /m/race 2>/dev/null
    n=$((n + 1))
  done
) &
absent "a link that leads out half of the time" sh -c 'n=0; while [ $n -lt 40 ]; do cat /m/race/secret.txt; n=$((n + 1)); done'
wait
absent "a folder exchanged for a link" sh -c '
  ( n=0; while [ $n -lt 20 ]; do mv /m/real /m/aside; ln -s .. /m/real; rm /m/real; mv /m/aside /m/real; n=$((n + 1)); done ) &
  n=0; while [ $n -lt 40 ]; do cat /m/real/secret.txt; n=$((n + 1)); done; wait'
probe "a removal that follows a link" sh -c 'mkdir /m/doomed; ln -s ../ /m/doomed/up; rm -rf /m/doomed; [ ! -e /m/inside.txt ]'
