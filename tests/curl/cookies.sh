#### given
curl -s -b 'a=1; b=2' http://127.0.0.1:8000/echo; curl -s -b a=1 -b c=3 http://127.0.0.1:8000/echo | grep Cookie
#### kept
curl -s -c jar http://127.0.0.1:8000/cookies; tail -n +5 jar | sort; curl -s -b jar http://127.0.0.1:8000/echo | grep Cookie; curl -s -b jar http://127.0.0.1:8000/status/200; curl -s -b jar -b x=y http://127.0.0.1:8000/echo | grep Cookie
#### in one run
curl -s -b '' http://127.0.0.1:8000/cookies http://127.0.0.1:8000/echo | grep -v User-Agent; curl -s http://127.0.0.1:8000/cookies http://127.0.0.1:8000/echo | grep Cookie
#### from a file
printf '127.0.0.1\tFALSE\t/\tFALSE\t0\tn\tv\n#HttpOnly_127.0.0.1\tFALSE\t/echo\tFALSE\t4102444800\tlong\tx y\nother\tFALSE\t/\tFALSE\t0\to\to\n127.0.0.1\tFALSE\t/\tTRUE\t0\tsafe\ts\n127.0.0.1\tFALSE\t/\tFALSE\t100\told\to\n' > jar; curl -s -b jar http://127.0.0.1:8000/echo | grep Cookie; curl -s -j -b jar http://127.0.0.1:8000/echo | grep Cookie; curl -s -b no-such-file http://127.0.0.1:8000/status/200; curl -s -b jar -c jar http://127.0.0.1:8000/status/200; tail -n +5 jar | sort
