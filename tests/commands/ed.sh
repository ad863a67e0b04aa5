#### show
printf 'one\ntwo\nthree\nfour\n' > f; for c in ,p 2p '$p' 1,3n /t/p '?o?p' = 1= '.=' n l ';p' %p f '-1p' '$-1,$l' '1,2' 2,p '2;+1p' '.,$p' '1;.+2p' '1 2p' 'h' 'P'; do printf '%s\n' "$c" | ed f; echo "=> $?"; done
#### change
printf 'one\ntwo\nthree\nfour\n' > f; for c in '2d|,p|Q' 'a|new|.|,p|Q' '2i|x|.|,p|Q' '2c|y|.|,p|Q' '1m$|,p|Q' '1t2|,p|Q' '1,2j|,p|Q' 'r f|,p|Q' '1d|u|,p' 'ka|'"'"'ap' '1d|x|,p|Q' '1,2y|$x|,p|Q' '0a|zero|.|1p|Q' '1,2d|u|u|,p|Q' '3m0|,p|Q' '1,2m$|,p|Q' '2,3c|.|,p|Q' 'ip|z|.|Q' '1dp|Q'; do printf '%s\n' "$c" | tr '|' '\n' | ed -s f; echo "=> $?"; done
#### substitute
printf 'one\ntwo\nthree\nfour\n' > f; for c in 's/o/0/|p|Q' ',s/o/0/g|,p|Q' '1s/\(o\)n/<\1&>/p|Q' '1s/e/\|/|,p|Q' '3s/e/E/2p|Q' ',s/[aeiou]/V/gp|Q' '1s/o/x/|2s//y/|,p|Q' '1s/x*/-/p|Q' '1s/o/a/|2s|,p|Q' '1s/o/a/|3s/e/%/|,p|Q' ',s/O/z/I|,p|Q' '1s/n/\&\//p|Q' '1s,n,/,p|Q' '1s/n/x|Q' 's/\(.\)\1/D/|p|Q' ',s/^/> /|,p|Q' ',s/$/;/n|Q'; do printf '%s\n' "$c" | tr '|' '\n' | ed -s f; echo "=> $?"; done
#### global
printf 'one\ntwo\nthree\nfour\n' > f; for c in g/o/p v/o/p g/o/ 'g/t/d|,p|Q' 'g/o/s/o/0/\|p|Q' 'g/^/m0|,p|Q' 'g/t/a\|new\|.|,p|Q' 'g/o/s/o/0/|,p|u|,p|Q' '1,2g/o/n' 'g/t/t.|,p|Q' 'v/x/s/^/-/|,p|Q' 'g/zz/p' 'g/o/.='; do printf '%s\n' "$c" | tr '|' '\n' | ed -s f; echo "=> $?"; done
#### files
printf 'one\ntwo\n' > f; for c in w 'w g' '1w h' '2W h' 'e f' 'E f' 'r f|w|q' 'a|x|.|wq' 'f z|f' 'a|y|.|w k|q'; do printf '%s\n' "$c" | tr '|' '\n' | ed f; echo "=> $?"; done; cat f g h k; printf 'a\nhi\n.\nw new\nq\n' | ed; cat new; printf 'q\n' | ed nofile; echo $?; printf 'no end' > n; printf 'w\nq\n' | ed n; od -c n
#### errors
printf 'one\ntwo\nthree\nfour\n' > f; for c in 9p x 'H|9p' '.,+1p' 2,1p /zz/ s/zz/y/ 1k1 'r nofile' '1d|q' '1d|q|q' '1d' Z 'H|Z' '1d|h|q|h|q' s//X/p '9p|1p' '5i|z|.' '3z1' 2q 'g/x/g/y/p' pz "'zp" '1,p,p'; do printf '%s\n' "$c" | tr '|' '\n' | ed f; echo "=> $?"; done
#### options
printf 'one\ntwo\n' > f; printf '1p\nq\n' | ed -p '> ' f; printf 'Z\nq\n' | ed -v f; printf '1s/(o)(n)/\\2\\1/p\nQ\n' | ed -s -E f; ed -q; ed --zz; echo $?; printf 'Z\nq\n' | ed -l f; echo $?; printf '!echo hi\nq\n' | ed -s f; printf '!echo hi\nq\n' | ed f
