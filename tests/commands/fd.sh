#### plain
mkdir -p d/e .hid; touch a.txt b.rs d/c.txt d/e/X.TXT .hid/h; fd() { if command -v fdfind > /dev/null; then command fdfind "$@"; else command fd "$@"; fi; }; fd | sort; fd txt | sort; fd -e txt | sort; fd X; fd x | sort; fd -s x | sort; fd -H h | sort; fd . d | sort; fd '^b'; fd nothing; echo $?; fd -q b; echo $?; fd -q nothing; echo $?
#### choice
mkdir -p d/e .git z; touch a.txt d/c.txt d/e/f.log i.log; echo '*.log' > .gitignore; ln -s a.txt l; chmod +x d/c.txt; printf 12345 > s; fd() { if command -v fdfind > /dev/null; then command fdfind "$@"; else command fd "$@"; fi; }; fd -t d | sort; fd -t f | sort; fd -t l; fd -t x; fd -t e | sort; fd -t d -t l | sort; fd -d 1 | sort; fd --min-depth 2 | sort; fd --exact-depth 2 | sort; fd -I log | sort; fd -u log | sort; fd -E d | sort; fd -E '*.txt' | sort; fd -S +3b -t f; fd -S -3b -t f | sort; fd -g '*.txt' | sort; fd -F .t | sort; fd -p 'd/c' | sort; fd --max-results 1 txt | wc -l; fd -1 a.t; fd --prune d
#### commands
mkdir d; touch a.txt d/b.tar.gz; fd() { if command -v fdfind > /dev/null; then command fdfind "$@"; else command fd "$@"; fi; }; fd -t f -x echo | sort; fd -t f -x echo {/} {//} {.} {/.} x | sort; fd -t f -X echo | tr ' ' '\n' | sort; fd -e txt -x echo one {} \; ; fd -e txt -x false; echo $?; fd -0 txt | tr '\0' '!'; echo; fd --strip-cwd-prefix -0 txt | tr '\0' '!'; echo
#### failures
fd() { if command -v fdfind > /dev/null; then command fdfind "$@"; else command fd "$@"; fi; }; fd '['; echo $?; fd --zz; echo $?; fd x nofile; echo $?; touch f; fd x f; echo $?; fd -S q; echo $?
