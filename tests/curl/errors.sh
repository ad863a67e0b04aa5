#### URLs
curl -sS 'http://127.0.0.1:8000/a b' 2>/dev/null; echo $?; curl -sS '' 2>/dev/null; echo $?; curl -sS foo://127.0.0.1/ 2>&1; echo $?; curl -sS 'http://127.0.0.1:99999/' 2>/dev/null; echo $?; curl -sS --proto =https http://127.0.0.1:8000/ 2>&1; echo $?
#### options
curl 2>/dev/null; echo $?; curl --nonesuch x 2>&1 | head -1; curl -o 2>&1 | head -1; curl --max-time 2>&1 | head -1; curl -m abc http://127.0.0.1:8000/ 2>/dev/null; echo $?
#### nobody there
curl -sS http://127.0.0.1:9/ 2>&1 | sed 's/after [0-9]* ms/after N ms/'; curl -s http://127.0.0.1:9/; echo $?; curl -sS http://no-such-host.invalid/ 2>&1; echo $?; curl -s http://no-such-host.invalid/; echo $?
#### answers that are none
curl -sS http://127.0.0.1:8000/empty 2>&1; echo $?; curl -sS http://127.0.0.1:8000/junk 2>&1; echo $?; curl -sS http://127.0.0.1:8000/cut 2>e; echo; cat e; curl -s http://127.0.0.1:8000/cut >/dev/null; echo $?; curl -s http://127.0.0.1:8000/cutchunk; echo $?
#### time
curl -sS -m 0.3 http://127.0.0.1:8000/hang 2>&1 | sed 's/after [0-9]* /after N /'; curl -s -m 0.3 http://127.0.0.1:8000/hang; echo $?; curl -sS -m 0.3 http://127.0.0.1:8000/slowly 2>e; sed 's/after [0-9]* /after N /' e; curl -s --connect-timeout 5 -m 0.3 http://127.0.0.1:8000/slowly; echo $?
#### several
curl -s http://127.0.0.1:9/ http://127.0.0.1:8000/status/200; echo $?; curl -s http://127.0.0.1:8000/status/200 http://127.0.0.1:9/; echo $?; curl -s --fail-early http://127.0.0.1:9/ http://127.0.0.1:8000/status/200; echo $?
#### trying again
curl -s --retry 3 --retry-delay 1 'http://127.0.0.1:8000/try?name=a&times=2'; echo $?; curl -s --retry 1 --retry-delay 1 'http://127.0.0.1:8000/try?name=b&times=9'; curl -s -f --retry 1 --retry-delay 1 -o f 'http://127.0.0.1:8000/try?name=c&times=2'; cat f; curl -s --retry 1 --retry-delay 1 http://127.0.0.1:9/; echo $?
#### files that are not there
curl -sS -T no-such-file http://127.0.0.1:8000/echo 2>/dev/null; echo $?; curl -sS -F a=@no-such-file http://127.0.0.1:8000/echo 2>&1; echo $?
#### silence
curl -s http://127.0.0.1:9/ 2>&1; curl -s -f http://127.0.0.1:8000/status/404 2>&1; echo $?
