#### statuses and bodies
for s in 200 201 404 500; do curl -s http://127.0.0.1:8000/status/$s; echo $?; done; curl -s http://127.0.0.1:8000/none; echo $?
#### heads
curl -s -i http://127.0.0.1:8000/status/404; curl -s -I http://127.0.0.1:8000/status/200; curl -s -i http://127.0.0.1:8000/none
#### heads to a file
curl -s -D h -o b http://127.0.0.1:8000/status/404; cat h b; curl -s -D - http://127.0.0.1:8000/status/200
#### failing
curl -s -f http://127.0.0.1:8000/status/404; echo $?; curl -sS -f http://127.0.0.1:8000/status/500 2>&1; echo $?; curl -sS --fail-with-body http://127.0.0.1:8000/status/403 2>e; echo $?; cat e; rm e; curl -s -f http://127.0.0.1:8000/status/302; echo $?; curl -s -f -o out http://127.0.0.1:8000/status/404; ls
#### packed
curl -s --compressed http://127.0.0.1:8000/gzip; echo; curl -s --compressed http://127.0.0.1:8000/deflate; echo; curl -s --compressed http://127.0.0.1:8000/raw; echo; curl -s http://127.0.0.1:8000/gzip | gzip -d; echo; curl -s --compressed http://127.0.0.1:8000/status/200
#### packed wrongly
curl -s --compressed http://127.0.0.1:8000/damaged; echo $?; curl -s --compressed http://127.0.0.1:8000/odd; echo $?; curl -s http://127.0.0.1:8000/odd; echo $?
#### pieces
curl -s http://127.0.0.1:8000/chunked; curl -s http://127.0.0.1:8000/old; curl -s -i http://127.0.0.1:8000/old; curl -s http://127.0.0.1:8000/hints
#### large ones
curl -s 'http://127.0.0.1:8000/large?n=30000000' | wc -c; curl -s -o f 'http://127.0.0.1:8000/large?n=5000000'; wc -c < f; curl -s 'http://127.0.0.1:8000/large?n=30000000' | head -c 3; echo; curl -s --max-filesize 100 http://127.0.0.1:8000/status/200; curl -sS --max-filesize 100 http://127.0.0.1:8000/range 2>&1; echo $?
#### files
curl -s -o a http://127.0.0.1:8000/status/200 -o b http://127.0.0.1:8000/status/404; cat a b; curl -s -o - http://127.0.0.1:8000/status/200; curl -s -o x/y/z --create-dirs http://127.0.0.1:8000/status/200; cat x/y/z; mkdir d; curl -s --output-dir d -o w http://127.0.0.1:8000/status/200; ls d; curl -s -o e http://127.0.0.1:8000/none; wc -c < e
#### names of the server's
curl -s -O http://127.0.0.1:8000/status/200; cat 200; curl -s -O 'http://127.0.0.1:8000/echo/a%20b?c'; ls; curl -s -O http://127.0.0.1:8000/; echo $?; curl -s --remote-name-all http://127.0.0.1:8000/status/201 http://127.0.0.1:8000/status/404; cat 201 404
#### names in the head
curl -s -OJ 'http://127.0.0.1:8000/named?as=x.txt' >/dev/null; cat x.txt; curl -s -OJ 'http://127.0.0.1:8000/named?as="../../up"' > /dev/null; cat up; curl -s -OJ 'http://127.0.0.1:8000/named?as=x.txt' >/dev/null; echo $?; curl -s -OJ http://127.0.0.1:8000/status/200; cat 200
#### files that cannot be written
curl -s -o no/such/f http://127.0.0.1:8000/status/200; echo $?; mkdir d; curl -s -o d http://127.0.0.1:8000/status/200; echo $?; curl -s -o /dev/null http://127.0.0.1:8000/status/200; echo $?
#### going on
curl -s -r 0-49 -o f http://127.0.0.1:8000/range; wc -c < f; curl -s -C - -o f http://127.0.0.1:8000/range; wc -c < f; head -c 60 f; echo; curl -s -C 195 http://127.0.0.1:8000/range; echo; curl -s -C - -o g http://127.0.0.1:8000/range; wc -c < g; printf abc > h; curl -sS -C - -o h http://127.0.0.1:8000/status/200 2>&1; echo $?; cat h
#### times
curl -s -R -o f http://127.0.0.1:8000/dated; date -u -r f +%Y-%m-%dT%H:%M:%S
#### connections
curl -s http://127.0.0.1:8000/reused http://127.0.0.1:8000/reused http://127.0.0.1:8000/closing http://127.0.0.1:8000/reused; curl -s http://127.0.0.1:8000/reused http://127.0.0.1:8001/reused
