#### a plain request
curl -s http://127.0.0.1:8000/echo; echo "exit $?"
#### without a scheme, with a query and a fragment
curl -s '127.0.0.1:8000/echo?a=b&c=%20d#part'; curl -s 'http://127.0.0.1:8000/echo/./a/../b?x'
#### headers
curl -s -H 'X-One: 1' -H 'x-two:2' -H 'X-Empty;' -H 'X-None:' -H 'Accept:' -H 'User-Agent: mine' http://127.0.0.1:8000/echo
#### a host of one's own
curl -s -H 'Host: other.example' http://127.0.0.1:8000/echo
#### headers from a file
printf 'X-A: 1\nX-B: 2\r\n' > h; curl -s -H @h http://127.0.0.1:8000/echo
#### who asks, and from where
curl -s -A agent -e http://from.example/ http://127.0.0.1:8000/echo; curl -s -A '' http://127.0.0.1:8000/echo
#### methods
for m in DELETE OPTIONS PROPFIND foo; do curl -s -X $m http://127.0.0.1:8000/echo | head -1; done; curl -s -X PUT -d x http://127.0.0.1:8000/echo
#### data
curl -s -d a=1 -d 'b= 2' -d c=3 http://127.0.0.1:8000/echo; echo; curl -s -d '' http://127.0.0.1:8000/echo
#### data from files
printf 'one\ntwo\r\nthree' > f; curl -s -d @f http://127.0.0.1:8000/echo; echo; curl -s --data-binary @f http://127.0.0.1:8000/echo; echo; curl -s --data-raw @f http://127.0.0.1:8000/echo; echo; printf 'in\nput' | curl -s -d @- http://127.0.0.1:8000/echo; echo; printf 'in\nput' | curl -s --data-binary @- http://127.0.0.1:8000/echo; echo; curl -s -d x=y --data-binary @f http://127.0.0.1:8000/echo
#### encoded data
printf 'a b&c\n' > f; curl -s --data-urlencode 'plain text' --data-urlencode '=a=b' --data-urlencode 'name=é/?' --data-urlencode 'n@f' --data-urlencode @f http://127.0.0.1:8000/echo
#### data in the query
curl -s -G -d a=1 -d b=2 http://127.0.0.1:8000/echo; curl -s -G --data-urlencode 'q=a b' 'http://127.0.0.1:8000/echo?x=y'; curl -s -I -G -d a=1 http://127.0.0.1:8000/status/200 | head -1
#### json
curl -s --json '{"a":1}' http://127.0.0.1:8000/echo; echo; curl -s --json '{"a":' --json '2}' -H 'Content-Type: application/x' http://127.0.0.1:8000/echo
#### a type of one's own
curl -s -H 'content-type: text/plain' -d hello http://127.0.0.1:8000/echo
#### user and password
curl -s -u me:pw http://127.0.0.1:8000/auth; curl -s -u me:no http://127.0.0.1:8000/auth; curl -s http://me:pw@127.0.0.1:8000/auth; curl -s -u 'a:b:c' http://127.0.0.1:8000/echo | grep Auth; curl -s --oauth2-bearer token http://127.0.0.1:8000/echo | grep Auth; curl -s --basic -u x: http://127.0.0.1:8000/echo | grep Auth
#### uploads
printf 'contents' > f; for c in '-T f' '-X POST -T f'; do curl -s $c http://127.0.0.1:8000/echo | grep -v Expect; done; curl -s -T f http://127.0.0.1:8000/echo/ | head -1
#### an upload of standard input
printf 'through a pipe' | curl -s -T - http://127.0.0.1:8000/echo; echo; printf 'through a pipe' | curl -s -T . http://127.0.0.1:8000/length
#### large uploads
head -c 3000000 /dev/zero > f; curl -s -T f http://127.0.0.1:8000/length; curl -s --data-binary @f http://127.0.0.1:8000/length; head -c 3000000 /dev/zero | curl -s -T - http://127.0.0.1:8000/length; curl -s -H Expect: --data-binary @f http://127.0.0.1:8000/length
#### ranges
curl -s -r 3-6 http://127.0.0.1:8000/range; echo; curl -s -r 195- http://127.0.0.1:8000/range; echo; curl -s -r 0-1 http://127.0.0.1:8000/echo | grep Range
#### an answer before the end of the upload
head -c 20000000 /dev/zero > f; curl -s -H Expect: -T f -w '%{http_code}\n' http://127.0.0.1:8000/early
#### HTTP/1.0 and 1.1
curl -s -0 http://127.0.0.1:8000/echo | head -1; curl -s --http1.1 http://127.0.0.1:8000/echo | head -1
#### forms
printf 'file text' > f.txt; printf '<b>' > x.html; curl -s -F a=1 -F 'b=two words' -F f=@f.txt -F 'g=@x.html;type=text/x-own;filename=other.bin' -F 'h=<f.txt' http://127.0.0.1:8000/echo
#### forms with odd names
printf z > z; curl -s -F 'q"uote=x;type=text/plain' --form-string 'raw=@z;type=a' -F 'n=@z' http://127.0.0.1:8000/echo; printf in | curl -s -F 'i=@-;filename=stdin.txt' http://127.0.0.1:8000/echo
#### addresses and names
curl -s http://localhost:8000/echo | head -2; curl -s -4 http://localhost:8000/echo | head -1; curl -s http://LOCALHOST:8000/echo | head -1; curl -s http://0x7f.1:8000/echo | head -2
#### accepted without effect
curl -s -N -q --http2 http://127.0.0.1:8000/status/200 2>/dev/null; curl -s -N --no-keepalive --tcp-nodelay --keepalive-time 3 --tlsv1.2 --proto =http http://127.0.0.1:8000/status/200
