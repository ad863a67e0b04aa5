#### less
seq 3 > a; echo x > b; less a; less a b; seq 3 | less; less -FRX a; less -N a; less -p 2 a; less +G a; echo hi | less -; less --quit-if-one-screen a
#### more
seq 3 > a; echo x > b; more a; more a b; seq 3 | more; more -d a; more +2 a; more nofile; echo $?; more -q; echo $?; printf 'a\n\n\n\nb\n' > c; more -s c; more nofile a
