#### files
seq 5000 > f; zstd -q f; ls; zstd -q -d f.zst -o g; cmp f g; rm f; unzstd -q f.zst; cmp f g; ls; zstdcat f.zst | cksum; zstd -q --rm f; ls; zstd -dcq f.zst | cmp - g
#### streams and levels
seq 5000 > f; zstd -c < f | zstd -dc | cmp - f; for level in 1 9 19; do zstd -q -$level -c f | zstd -dc | cmp - f; done; zstd -q --fast=3 -c f | zstdcat | cmp - f; cat f | zstd | unzstd | cksum; [ $(zstd -19 -c f | wc -c) -lt $(wc -c < f) ] && echo smaller; : > e; zstd -qc e | zstd -dc | wc -c; zstd -qc f f | zstd -dc | wc -l
#### errors
echo x > f; zstd -q f; zstd -q f 2>/dev/null < /dev/null; echo $?; zstd -qf f; echo $?; zstd -q nofile 2>/dev/null; echo $?; zstd -dq f 2>/dev/null; echo $?; echo junk | zstd -dc 2>/dev/null; echo $?; head -c 10 f.zst | zstd -dc >/dev/null 2>&1; echo $?; zstd -tq f.zst; echo $?; echo junk > bad.zst; zstd -tq bad.zst 2>/dev/null; echo $?; mkdir d; zstd -q d 2>/dev/null; echo $?; zstdcat f; zstd -dcf f
#### modes and times
echo x > f; chmod 640 f; touch -d '2021-02-03 04:05:06 UTC' f; zstd -q f; stat -c %a f.zst; date -u -r f.zst +%F; mkdir d; echo y > d/a; zstd -qr d; ls d; file -b f.zst | cut -d' ' -f1
#### archives
mkdir d; echo one > d/a; tar --zstd -cf a.tzst d; tar tf a.tzst; tar -I zstd -cf b.tar.zst d 2>/dev/null && zstdcat b.tar.zst | tar t; tar caf c.tar.zst d; tar xf c.tar.zst -O d/a; tar --zstd -xOf a.tzst d/a
