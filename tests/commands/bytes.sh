#### names are listed
b=$(printf 'a\377b\303'); echo one > "$b"; echo two > "x$b"; printf '%s\n' * | od -c; ls | od -c; ls "$b" | od -c; ls -l "$b" | cut -c1-10; ls -d -- *"$b"* | wc -l
#### contents are read
b=$(printf 'a\377b\303'); echo one > "$b"; echo two > "x$b"; cat "$b" "x$b"; head -n1 "$b"; tail -n1 "$b"; wc -l "$b" | od -c; sort "$b" "x$b"; uniq "$b"; cut -c1-2 "$b"; nl "$b"; tac "$b"; fold "$b"; paste "$b" "x$b"; comm "$b" "x$b"; join "$b" "$b"; od -c "$b"; rev "$b"; strings -n 3 "$b"; xxd "$b"; hexdump -C "$b" | head -1; tee "t$b" < "$b"; cat "t$b"
#### files are copied, moved, linked, removed
b=$(printf 'a\377b\303'); echo one > "$b"; cp "$b" "c$b"; mv "c$b" "m$b"; ln -s "$b" link; readlink link | od -c; cat link; ls -l link | sed 's/.*->//' | od -c; ln "$b" hard; ls -l hard | cut -c1-12; install -m 600 "$b" "i$b"; dd if="$b" of="d$b" 2>/dev/null; cat "i$b" "d$b"; rm "m$b"; ls | od -c; rm -- *"$b"*; ls
#### directories
b=$(printf 'a\377b\303'); mkdir "$b" "d$b"; touch "$b/f"; ls "$b"; rmdir "$b" 2>/dev/null || echo no; cp -r "$b" "c$b"; rm -r "$b"; ls | od -c; cd "c$b"; pwd | sed 's|.*/||' | od -c; /bin/pwd | sed 's|.*/||' | od -c; sh -c 'pwd' | sed 's|.*/||' | od -c; echo in > g; cat g; cat "$PWD/g"; ls
#### names are shown
b=$(printf 'a\377b\303'); echo one > "$b"; realpath "$b" | sed 's|.*/||' | od -c; basename "/x/$b" | od -c; dirname "/x$b/y" | od -c; md5sum "$b" | od -c; sha256sum "$b" | md5sum; cksum "$b" | od -c; stat -c %n "$b" | od -c; du -a "$b" | cut -f2 | od -c; file "$b"; tree --noreport; mktemp "m$b.XXXX" | cut -c1-6 | od -c
#### grep
b=$(printf 'a\377b\303'); echo one > "$b"; grep -l one "$b" | od -c; grep -c one "$b" | od -c; grep -H one "$b" | od -c; grep -F "$(printf '\377')" "$b"; echo $?; printf 'q\377r\n' | grep -aF "$(printf '\377')" | od -c; printf 'q\377r\n' | grep -a "$(printf 'q\377')" | od -c
#### sed
b=$(printf 'a\377b\303'); echo one > "$b"; printf 'q\377r\n' | sed "s/$(printf '\377')/X/"; sed -n 1p "$b"; sed -n F "$b" | od -c; sed -i 's/one/two/' "$b"; cat "$b"; echo x | sed "s/x/$(printf '\377')/" | od -c; echo x | sed "w o$b" > out; cat "o$b"
#### awk
b=$(printf 'a\377b\303'); echo one > "$b"; awk '{print FILENAME}' "$b" | od -c; awk -v "v=$b" 'BEGIN{printf "%s", v}' | od -c; awk 'BEGIN{printf "%s", ARGV[1]}' "$b" | od -c; v="$b" awk 'BEGIN{printf "%s", ENVIRON["v"]}' | od -c; printf 'q\377r s\n' | awk '{print $1; print length($1); print substr($1, 2) > "out"}' | od -c; od -c out; printf 'q\377r\n' | awk '{gsub(/r/, "X"); print}' | od -c; awk -v "f=$b" 'BEGIN{while ((getline line < f) > 0) print line}'; printf 'a\0377b\0377' | awk 'BEGIN{RS="\0377|x"} {print}' | od -c
#### find
b=$(printf 'a\377b\303'); echo one > "$b"; mkdir "d$b"; echo two > "d$b/x"; find . | sort | od -c; find "$b" "d$b" | od -c; find . -name 'a*' | od -c; find . -name "*$(printf '\377')*" | sort | od -c; find . -name 'a*' -exec cat {} \;; find . -type f -exec cat {} + | sort; find . -type f -print0 | sort -z | xargs -0 -n1 cat; find . -type f -name 'x' -execdir cat {} \;; find . -name 'a*' -printf '%f %p %s\n' | od -c; find . -name x -delete; ls "d$b"
#### xargs
b=$(printf 'a\377b\303'); echo one > "$b"; printf '%s\n' "$b" | xargs printf '%s' | od -c; printf '%s\n' "$b" | xargs cat; printf '%s' "$b" | xargs -I{} cat {}; printf '%s\0' "$b" | xargs -0 ls | od -c
#### archives
b=$(printf 'a\377b\303'); echo one > "$b"; ln -s "$b" link; mkdir "d$b"; echo two > "d$b/x"; tar cf t.tar "$b" link "d$b"; tar tf t.tar; tar tvf t.tar | sed 's/.*:.. //'; mkdir o; tar xf t.tar -C o; find o | sort | od -c; cat o/link "o/d$b/x"; tar xOf t.tar "$b"; rm link; gzip -k "$b"; ls *.gz | od -c; gunzip -c "$b.gz"; zcat "$b.gz"; bzip2 -k "$b"; bzcat "$b.bz2"; xz -k "$b"; xzcat "$b.xz"
#### tar shows what would not be seen
printf 1 > 'q"\'; printf 2 > "$(printf 't\tn\nx')"; printf 3 > 'a b'; tar cf t.tar q* t?n?x 'a b'; tar tf t.tar; tar xvf t.tar
#### gzip keeps from files with other names
echo one > f; ln f g; gzip f 2>&1; echo $?; ls; gzip -c f | gunzip -c; gzip -f f; ls; gunzip -c no.gz 2>&1; gunzip -c no 2>&1
#### diff and patch
b=$(printf 'a\377b\303'); echo one > "$b"; echo two > "x$b"; diff "$b" "x$b"; diff -u "$b" "x$b" | head -2 | cut -f1; cmp "$b" "x$b" | od -c; mkdir old new; echo 1 > "old/$b"; echo 2 > "new/$b"; echo 1 > 'old/a b'; echo 3 > 'new/a b'; diff -ru old new > p; cut -f1 p | grep -a '^[-+]'; cd old; patch -p1 < ../p > /dev/null; echo $?; cat "$b" 'a b'
#### arguments and variables
b=$(printf 'a\377b\303'); /usr/bin/printf '%s\n' "$b" | od -c; env printf '%s' "$b" | od -c; env "v=$b" env | grep -a '^v=' | od -c; env "v=$b" printenv v | od -c; env "v=$b" sh -c 'printf %s "$v"' | od -c; sh -c 'printf %s "$1"' sh "$b" | od -c; sh -c "printf %s '$b'" | od -c; echo "$b" | tr '\377' X | od -c; printf '%s' "$b" | tr -d "$(printf '\377')" | od -c; yes "$b" | head -n1 | od -c; seq -s "$b" 2 | od -c; expr "x$b" = "x$b"; nice printf '%s' "$b" | od -c; timeout 5 printf '%s' "$b" | od -c; jq -n --arg x "$b" '$x'; env "v=$b" jq -n 'env.v'
#### /proc tells of bytes
b=$(printf 'a\377b'); cat /proc/self/cmdline "$b" 2>/dev/null | od -c; v="$b" cat /proc/self/environ | tr '\0' '\n' | grep -a ^v= | od -c
#### a shell's words
b=$(printf 'a\377b\303'); case $b in a?b?) echo match;; esac; echo "${#b}"; touch "$b"; for f in a*; do printf '%s' "$f" | od -c; done; test -f "$b" && echo yes; [ -e "$b" ] && echo yes; echo hi > "r$b"; cat < "r$b"; echo 'echo in' > "s$b"; . "./s$b"; echo 'echo "in $0"' > "s$b"; sh "./s$b" | od -c
#### editors and builders
b=$(printf 'a\377b\303'); printf 'a\n%s\n.\n,s/b/[&]/\n,p\nw %s\nq\n' "$b" "$b" | ed -s | od -c; od -c "$b"; printf 'v := $(shell printf %s)\nall: %s\n\t@echo "[$(v)] $<"; cat %s\n' "'$b'" "$b" "$b" > Makefile; make | od -c
#### archives of other forms
b=$(printf 'a\377b\303'); echo one > "$b"; ln -s "$b" link; ar rc t.a "$b"; ar t t.a | od -c; ar p t.a; rm "$b"; ar x t.a; cat link; echo link | cpio -o --quiet > t.cpio; rm link; cpio -i --quiet < t.cpio; readlink link | od -c; cat link; echo link | cpio -pd --quiet o; readlink o/link | od -c
#### cpio makes no devices, and copies what is no file
mkfifo p; ls p /dev/null | cpio -o --quiet > t.cpio; mkdir o; cd o; cpio -i --quiet p < ../t.cpio; ls -l p | cut -c1; cd ..; echo p | cpio -p --quiet o2 2>/dev/null; mkdir o2; echo p | cpio -p --quiet o2; ls -l o2/p | cut -c1; echo no | cpio -p --quiet o2; echo $?; echo no | cpio -o --quiet | wc -c
