#### not followed
curl -s -w '%{http_code} %{redirect_url} %{num_redirects}\n' 'http://127.0.0.1:8000/redirect/302?to=/echo?x'; curl -s -I 'http://127.0.0.1:8000/redirect/301?to=/x'
#### followed
curl -s -L -w '%{http_code} %{url_effective} %{num_redirects}\n' 'http://127.0.0.1:8000/redirect/302?to=/status/404'; curl -s -L 'http://127.0.0.1:8000/redirect/301?to=status/5/../../../status/200'; curl -s -L 'http://127.0.0.1:8000/redirect/302?to=http://127.0.0.1:8001/status/201'; curl -s -L 'http://127.0.0.1:8000/redirect/302?to=//127.0.0.1:8001/status/201'; curl -s -L 'http://127.0.0.1:8000/redirect/302?to=?to=/status/200'
#### methods
for s in 301 302 303 307 308; do echo $s; curl -s -L -d a=1 "http://127.0.0.1:8000/redirect/$s?to=/echo"; echo; done
#### methods that are kept
for s in 301 302 303; do echo $s; curl -s -L --post$s -d a=1 "http://127.0.0.1:8000/redirect/$s?to=/echo" | head -1; done; curl -s -L -X PATCH -d a=1 'http://127.0.0.1:8000/redirect/302?to=/echo' | grep -v Length; curl -s -L -X DELETE 'http://127.0.0.1:8000/redirect/302?to=/echo' | head -1
#### uploads
printf 'text' > f; for s in 302 303 307; do curl -s -L -T f "http://127.0.0.1:8000/redirect/$s?to=/echo" | grep -v Expect; done; printf 'text' | curl -s -L -T - 'http://127.0.0.1:8000/redirect/307?to=/echo'; echo $?
#### heads of all
curl -s -L -i 'http://127.0.0.1:8000/redirect/302?to=/status/200'; curl -s -L -I 'http://127.0.0.1:8000/redirect/302?to=/status/200'
#### who asks is not told to others
curl -s -L -u me:pw -H 'X-Own: 1' 'http://127.0.0.1:8000/redirect/302?to=http://127.0.0.1:8001/echo'; curl -s -L -u me:pw -H 'X-Own: 1' 'http://127.0.0.1:8000/redirect/302?to=/echo'; curl -s -L -H 'Authorization: x' -H 'Cookie: c=d' 'http://127.0.0.1:8000/redirect/302?to=http://127.0.0.1:8001/echo'; curl -s --location-trusted -u me:pw 'http://127.0.0.1:8000/redirect/302?to=http://127.0.0.1:8001/echo'
#### referers
curl -s -L -e ';auto' 'http://127.0.0.1:8000/redirect/302?to=/echo'; curl -s -L -e 'http://x/;auto' 'http://127.0.0.1:8000/redirect/302?to=/echo' | grep Referer
#### too many
curl -sS -L http://127.0.0.1:8000/loop 2>&1; echo $?; curl -sS -L --max-redirs 3 -w '%{num_redirects}\n' http://127.0.0.1:8000/loop 2>&1; echo $?; curl -sS -L --max-redirs 0 http://127.0.0.1:8000/loop 2>&1; echo $?; curl -s -L --max-redirs 1 'http://127.0.0.1:8000/redirect/302?to=/status/200'
#### elsewhere
curl -sS -L 'http://127.0.0.1:8000/redirect/302?to=ftp://127.0.0.1/x' --proto-redir =http 2>&1; echo $?; curl -sS -L 'http://127.0.0.1:8000/redirect/302?to=http://127.0.0.1:9/' 2>&1 | sed 's/after [0-9]* ms/after N ms/'; curl -s -L -f 'http://127.0.0.1:8000/redirect/302?to=/status/500'; echo $?
