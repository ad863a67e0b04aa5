#### variables
curl -s -o /dev/null -w '%{http_code} %{response_code} %{size_download} %{size_upload} %{content_type}|%{url_effective} %{num_redirects} %{num_connects} %{method} %{scheme} %{http_version} %{remote_ip} %{remote_port} %{local_ip} %{exitcode}|%{errormsg}|%{urlnum} %{filename_effective} %{ssl_verify_result}\n' -d abc http://127.0.0.1:8000/echo
#### sizes
curl -s -w '%{size_header} %{size_request} %{size_download}\n' http://127.0.0.1:8000/status/200; curl -s -w '%{size_upload}\n' -T /etc/group http://127.0.0.1:8000/none > /dev/null; echo $?
#### formats
curl -s -o /dev/null -w '%%|a\tb\nc|%{stderr}hidden%{stdout}shown|%header{Connection}|%header{none}|%{onerror}never\n' http://127.0.0.1:8000/status/200 2>/dev/null; echo; printf '%%{http_code} from a file\\n' > f; curl -s -o /dev/null -w @f http://127.0.0.1:8000/status/201; printf '%%{http_code} from input\\n' | curl -s -o /dev/null -w @- http://127.0.0.1:8000/status/201
#### errors
curl -s -w '%{http_code} %{exitcode} %{num_connects}\n' http://127.0.0.1:9/; curl -s -f -w '%{http_code} %{exitcode} %{errormsg}\n' http://127.0.0.1:8000/status/404; curl -s -w '%{exitcode}%{onerror} failed\n' http://127.0.0.1:9/
#### times
curl -s -o /dev/null -w '%{time_total} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer} %{time_starttransfer} %{time_redirect}\n' http://127.0.0.1:8000/status/200 | sed 's/[1-9]/N/g; s/[0N]\{6\}/N/g; s/N*0*N/N/g'
#### each
curl -s -w '%{http_code}\n' http://127.0.0.1:8000/status/200 http://127.0.0.1:8000/status/404
