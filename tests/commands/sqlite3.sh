#### statements of arguments and of the standard input
sqlite3 t.db "create table t(a integer primary key, b text, c real); insert into t values(1,'x',1.5),(2,NULL,1e100),(3,'a,b',-2.25)" "select * from t"; echo $?
echo "select count(*), sum(a), max(b) from t; select 'two'
, 3;" | sqlite3 t.db; echo $?
sqlite3 t.db "select b from t where a=3;"; sqlite3 t.db < /dev/null; echo $?; printf 'select 1' | sqlite3 t.db; printf '\n\n-- nothing\n/* more */ \nselect 2;;\n' | sqlite3; echo 'select 7' | sqlite3
#### a data base in memory
sqlite3 :memory: "create table x(y); insert into x values(1),(2); select sum(y) from x"; ls; sqlite3 new.db ".tables"; ls; sqlite3 new.db "create table t(a)"; ls
#### modes
sqlite3 t.db "create table t(a integer primary key, b text, c real, d blob); insert into t values(1,'x',1.5,x'41ff00'),(2,NULL,1e100,'he said \"hi\"'),(3,'a,b',0.5,'it''s <b>&'),(4,'multi
line',3.25,'tab	x');"
for mode in ascii box csv column html insert json line list markdown qbox quote table tabs tcl; do echo "$mode"; sqlite3 t.db ".mode $mode" "select a,b,c from t" "select d from t where a>1" | od -c | cut -c9-; done
#### modes with headers
sqlite3 t.db "create table t(a integer primary key, b text, c real); insert into t values(1,'x',1.5),(2,NULL,1e100)"
for mode in ascii box csv column html insert json line list markdown qbox quote table tabs tcl; do echo "$mode"; sqlite3 t.db ".headers on" ".mode $mode" "select a, b as \"b q\", c as \"select\" from t" "select * from t where 0"; echo; done
#### modes by options
for option in -ascii -box -csv -column -html -json -line -list -markdown -quote -table -tabs; do echo "$option"; sqlite3 $option :memory: "select 1 as one, 'two words' as two, null as three union select 2, 'x', 'y'" | od -c | cut -c9-; sqlite3 -header -nullvalue N $option :memory: "select 1 as one, null as two"; done
sqlite3 -noheader -column :memory: "select 1 as x"; sqlite3 -separator '\t' -newline ';\n' :memory: "select 1,2 union select 3,4"; sqlite3 --header --csv :memory: "select 1 as x"
#### widths
sqlite3 :memory: ".mode column" ".width 3 -8 2" "select 123456, 'abc', 'hello world'" ".mode box" ".width 0 0 20" "select 123456, 'abc', 'hello world'" ".mode box --wrap 8" ".width" "select 'hello big wide world'" ".mode box --wordwrap on --wrap 8" "select 'hello big wide world' as w" ".mode table" "select 'é','日本', 'ta	b'"
#### what is empty and what is null
sqlite3 -nullvalue NULL :memory: "select null, '', 0" ".mode csv" "select null, '', 0" ".mode json" "select null, '', 0" ".mode quote" "select null, '', 0, 1.5, -3, x'', x'0aff'" ".mode line" "select null, '' as x" ".mode column" "select null, ''"
#### numbers
sqlite3 :memory: "select 1.0, 100.0, 123456789.125, 2.5e-8, 9223372036854775807, -1, 1/2, 1/2.0, 7%3, round(2.567,2), abs(-3), 0x1f, 1e999" ".mode json" "select 1.0, 0.5, 1e999, 12345678901234" ".mode quote" "select 1.0, 0.5"
#### errors of arguments
sqlite3 :memory: "select * from nope" 2>&1 >/dev/null; echo $?; sqlite3 :memory: "select" 2>&1 >/dev/null; echo $?; sqlite3 :memory: "selec 1; select 2" 2>&1 >/dev/null; echo $?; sqlite3 :memory: "create table t(a unique); insert into t values(1)" "select 1; insert into t values(1); select 2" "select 3" 2>&1 >/dev/null; echo $?
sqlite3 :memory: "select 'a rather long statement that goes on', 'and on and on and on', nope, 'and even further than that, further than eighty columns'" 2>&1 >/dev/null; echo $?
sqlite3 nodir/x.db "select 1" 2>&1 >/dev/null; echo $?; sqlite3 -readonly nope.db "select 1" 2>&1 >/dev/null; echo $?; sqlite3 t.db "create table t(a)"; sqlite3 -readonly t.db "insert into t values(2)" 2>&1 >/dev/null; echo $?; head -c 5000 /dev/zero | tr '\0' x > notdb; sqlite3 notdb "select * from sqlite_schema" 2>&1 >/dev/null; echo $?; sqlite3 -bogus 2>&1 >/dev/null; echo $?; sqlite3 t.db .bogus "select 1" 2>&1 >/dev/null; echo $?; sqlite3 . "select 1" 2>&1 >/dev/null; echo $?
#### errors of the standard input
echo "select 1;
selec 2;
select * from nope;
create table t(a unique); insert into t values(1);
insert into t values(1);
select 3
;
.bogus
select 'unfinished" | sqlite3 2>&1; echo $?
printf 'selec 1;\nselect 2;\n' | sqlite3 -bail 2>&1 >/dev/null; echo $?; printf '.bail on\n.nope\nselect 2;\n' | sqlite3 2>&1; echo $?; printf 'select 1;\n.exit 3\nselect 2;\n' | sqlite3; echo $?; printf 'bad;\n.quit\n' | sqlite3; echo $?; printf 'select\n\n1\n\n\n, bad;\n' | sqlite3 2>&1
#### commands of the command line
sqlite3 -cmd "select 9" :memory: "select 8"; sqlite3 -cmd ".mode csv" -cmd ".headers on" :memory: "select 8 as x"; sqlite3 :memory: ".exit 3" "select 1"; echo $?; sqlite3 :memory: .quit "select 1"; echo $?; echo ".mode json
select 1 as i;" > init; sqlite3 -init init :memory: "select 2 as x" 2>&1; echo "select 3;" | sqlite3 -batch -init init 2>&1
#### echo
printf '.echo on\nselect 1;\n\n.print x\nselect\n 2;\n' | sqlite3; sqlite3 :memory: ".echo on" "select 1" ".print x"; printf 'select 1; select 2;\n' | sqlite3 -echo
#### tables and indexes
sqlite3 t.db "create table t(a, b); create table u(id integer primary key autoincrement, n); create index ti on t(b); create index ui on u(n); create view v as select a from t; create table \"odd name\"(x); create table another_one(y); create trigger tr after insert on u begin select 1; end"
sqlite3 t.db .tables; sqlite3 t.db ".tables t%" ".tables nope" .indexes ".indexes u" ".indices t"; sqlite3 t.db "attach 'o.db' as other; create table other.z(a)" .tables
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo "create table table_number_$i(a);"; done | sqlite3 m.db; sqlite3 m.db .tables
#### schema
sqlite3 t.db "create table t(a integer primary key, b text); create table u(id integer primary key autoincrement, n); create index ti on t(b); create view v as select a, b as \"b c\" from t; create table \"odd name\"(x); create trigger tr after insert on u begin select 1; end; create table long_one(first_column integer primary key, second_column text not null default 'x, y', third_column real check(third_column > 0))"
sqlite3 t.db .schema; sqlite3 t.db ".schema t" ".schema u%" ".schema nope" ".schema ?" ".schema --nosys u" ".schema sqlite_schema" ".schema --indent"; sqlite3 t.db "attach ':memory:' as m; create table m.z(a)" ".schema z" ".schema m.*"
#### dump and what reads it
sqlite3 t.db "create table t(a integer primary key, b text, c, d blob); insert into t values(1,'x',1.5,x'00ff'),(2,NULL,1e100,'he said \"hi\"'),(3,'a
b','it''s','\\n');create table u(id integer primary key autoincrement, n); insert into u(n) values('q'); create index ti on t(b); create view v as select a from t; create table \"odd name\"(\"x y\", [select]); insert into \"odd name\" values(1,2); create trigger tr after insert on u begin select 1; end"
sqlite3 t.db .dump > d.sql; cat d.sql; sqlite3 t.db ".dump t" ".dump nope" ".dump --data-only u"; sqlite3 c.db < d.sql; sqlite3 c.db .dump | cmp - d.sql && echo same; sqlite3 r.db ".read d.sql" "select * from t"; sqlite3 :memory: .dump
#### import
printf 'id,name,q\n1,"a ""b""",x\n2,short\n3,too,many,fields\n4,"multi\nline",z\n' > in.csv
sqlite3 i.db ".import --csv in.csv tt" .schema "select * from tt" 2>&1; echo $?; sqlite3 i.db ".mode csv" ".import in.csv tt" ".import --skip 1 in.csv tt" "select count(*) from tt" 2>&1
sqlite3 i.db "create table pk(id integer primary key, name, q)" ".import --csv in.csv pk" "select * from pk" 2>&1; printf 'a|b|a\n1|2|3\n' > in.txt; sqlite3 i.db ".import in.txt t3" "select * from t3" ".schema t3" 2>&1; printf 'x\ty\n1\t2\n' | sqlite3 i.db ".mode tabs" ".import /dev/stdin t4" "select * from t4"; sqlite3 i.db ".import nofile t" 2>&1; echo $?; sqlite3 i.db ".import --csv '|printf \"p,q\\n1,2\\n\"' t5" "select p+q from t5"
#### output
sqlite3 :memory: ".once out.txt" "select 1" "select 2"; cat out.txt; sqlite3 :memory: ".output out.txt" "select 3" "select 33" ".output" "select 4"; sqlite3 :memory: ".output nodir/x" 2>&1; echo $?; cat out.txt; sqlite3 :memory: ".once |cat -n" "select 8" ".output |tr 0-9 a-j" "select 9" ".output" "select 10"
#### show and mode
sqlite3 :memory: .show ".mode csv" ".headers on" ".nullvalue N" ".width 3 4" .show; sqlite3 :memory: .mode ".mode csv" .mode ".mode box" .mode ".mode tabs" .mode; sqlite3 :memory: ".mode insert foo" "select 1"; sqlite3 :memory: ".mode bogus" 2>&1
#### wrong arguments
printf '%s\n' ".read nofile" .separator .headers .nullvalue .echo ".headers maybe" ".show x" .read .backup ".cd nowhere" ".import" | sqlite3 2>&1; echo $?
#### words of dot commands
sqlite3 :memory: ".print a 'b c' \"d\\te\" 'f\\tg' \"h\\\"i\"" '.separator "\t" "x\n"' "select 1,2"; printf '  .print x\n.print y\n# comment\n.pri z\n' | sqlite3 2>&1
#### backup
sqlite3 t.db "create table t(a); insert into t values(5)"; sqlite3 t.db ".backup b.db" ".save s.db" "insert into t values(6)" "select count(*) from t" ".restore b.db" "select count(*) from t"; sqlite3 b.db "select * from t"; sqlite3 s.db .dump; sqlite3 t.db "vacuum into 'v.db'"; sqlite3 v.db "select * from t"; sqlite3 t.db ".backup nodir/x" 2>&1; echo $?; sqlite3 :memory: ".open b.db" "select 'opened', * from t" ".databases" | sed 's,/.*/,,'
#### plans
sqlite3 t.db "create table t(a integer primary key, b); create table u(id integer primary key, n)" "explain query plan select * from t, u where t.a=u.id" ".eqp on" "select * from t where a=1" ; sqlite3 t.db "explain query plan select a from t union select n from u order by 1"
#### parameters, changes, functions
sqlite3 :memory: ".parameter set :x 5" ".parameter set \$name 'text'" "select :x, \$name, @y" ".parameter list" ".parameter unset :x" "select :x" ".parameter clear"; sqlite3 :memory: "create table t(a)" ".changes on" "insert into t values(1),(2)"; printf '.changes on\ncreate table t(a);\ninsert into t values(1),(2);\ndelete from t where a=1;\n' | sqlite3; echo hi > f; sqlite3 :memory: "select readfile('f')=x'68690a', readfile('none') is null, writefile('g', 'out')"; cat g; echo; sqlite3 :memory: ".shell echo hi" ".system exit 3" 2>&1
#### what SQL has
sqlite3 :memory: "with recursive c(n) as (select 1 union all select n+1 from c where n<5) select group_concat(n) from c; select json_extract('{\"a\":[1,2]}','\$.a[1]'), json_group_array(value) from json_each('[3,4]'); select row_number() over (order by value desc), value from json_each('[3,4]'); select printf('%05.2f|%s', 3.14159, 'x'), upper('abc'), substr('hello',2,3), replace('aXb','X','-'), hex('AB'), typeof(1.5), coalesce(null,2), date('2024-02-28','+2 days'), strftime('%Y',0,'unixepoch'), like('a%','abc'), 'b' glob '[a-c]', instr('hello','l'), trim('  x '), unicode('A'), char(66), sqrt(16.0), iif(1,'y','n')"; sqlite3 :memory: "create virtual table f using fts5(a); insert into f values('hello world'),('other'); select a from f where f match 'wor*'; create virtual table r using rtree(id,x0,x1); insert into r values(1,0,5); select id from r where x0<3"
#### transactions and write-ahead logs
sqlite3 t.db "create table t(a); begin; insert into t values(1); rollback; select count(*) from t; begin; insert into t values(2); commit; select * from t"; ls; sqlite3 t.db "pragma journal_mode=wal; insert into t values(3); select count(*) from t; pragma integrity_check"; ls; sqlite3 t.db "select * from t; pragma journal_mode=delete; pragma user_version=7; pragma user_version; pragma page_size"; ls; sqlite3 t.db "delete from t; vacuum; pragma integrity_check; pragma freelist_count"
#### many writers at a time
sqlite3 t.db "create table t(a)"; for i in 1 2 3 4 5 6; do sqlite3 -cmd ".timeout 10000" t.db "insert into t values($i)" & done; wait; sqlite3 t.db "select count(*), sum(a) from t"
#### a writer waits for readers, and says so
sqlite3 t.db "create table t(a); insert into t values(1),(2)"; { echo "begin; select * from t; select 'reading';"; sleep 1; } | sqlite3 t.db & sleep 0.5; sqlite3 t.db "select count(*) from t"; sqlite3 t.db "insert into t values(3)" 2>&1; echo $?; sqlite3 -cmd ".timeout 10000" t.db "insert into t values(4)"; wait; sqlite3 t.db "select * from t"
#### a writer that was ended
sqlite3 t.db "create table t(a)"; { echo 'begin immediate; insert into t values(1);'; sleep 5; } | sqlite3 t.db & sleep 0.3; sqlite3 t.db 'insert into t values(2)' 2>&1; kill -9 $! 2>/dev/null; sqlite3 -cmd '.timeout 9000' t.db 'insert into t values(3)' 'select * from t'
#### many rows
seq 1 20000 | sed 's/.*/insert into t values(&, "row &");/; 1i begin; create table t(a integer primary key, b);' > s.sql; echo 'commit;' >> s.sql; sqlite3 t.db < s.sql; sqlite3 t.db "select count(*), sum(a), max(b) from t; create index i on t(b); select a from t where b='row 777'; pragma integrity_check"; sqlite3 -csv t.db "select * from t" | cksum; sqlite3 t.db "select * from t" | head -n 2
