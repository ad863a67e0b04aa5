#### whole lines
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort  f | cksum; sort  < f | md5sum
sort -r f | cksum; sort -r < f | md5sum
sort -u f | cksum; sort -u < f | md5sum
sort -f f | cksum; sort -f < f | md5sum
sort -fu f | cksum; sort -fu < f | md5sum
sort -fr f | cksum; sort -fr < f | md5sum
sort -b f | cksum; sort -b < f | md5sum
sort -s f | cksum; sort -s < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### numbers
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort -n f | cksum; sort -n < f | md5sum
sort -rn f | cksum; sort -rn < f | md5sum
sort -nu f | cksum; sort -nu < f | md5sum
sort -ns f | cksum; sort -ns < f | md5sum
sort -nr -s f | cksum; sort -nr -s < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### fields
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort -k2 f | cksum; sort -k2 < f | md5sum
sort -k2,2 f | cksum; sort -k2,2 < f | md5sum
sort -k2r f | cksum; sort -k2r < f | md5sum
sort -k2b,2 f | cksum; sort -k2b,2 < f | md5sum
sort -k2,2b f | cksum; sort -k2,2b < f | md5sum
sort -s -k2,2 f | cksum; sort -s -k2,2 < f | md5sum
sort -u -k2,2 f | cksum; sort -u -k2,2 < f | md5sum
sort -r -k2,2 -k1,1 f | cksum; sort -r -k2,2 -k1,1 < f | md5sum
sort -f -k2,2 f | cksum; sort -f -k2,2 < f | md5sum
sort -bf -k2,2r f | cksum; sort -bf -k2,2r < f | md5sum
sort -k2,1 f | cksum; sort -k2,1 < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### bytes of fields
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort -k1.2,1.3 f | cksum; sort -k1.2,1.3 < f | md5sum
sort -k2.2 f | cksum; sort -k2.2 < f | md5sum
sort -k2.2b,3.1b f | cksum; sort -k2.2b,3.1b < f | md5sum
sort -b -k2,2.1 f | cksum; sort -b -k2,2.1 < f | md5sum
sort -k1,1.0 f | cksum; sort -k1,1.0 < f | md5sum
sort -k1.3b,1.5 f | cksum; sort -k1.3b,1.5 < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### fields between signs
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort -t: -k2 f | cksum; sort -t: -k2 < f | md5sum
sort -t: -k2,2 f | cksum; sort -t: -k2,2 < f | md5sum
sort -t: -k2n -k1,1r f | cksum; sort -t: -k2n -k1,1r < f | md5sum
sort -t: -k3,3f f | cksum; sort -t: -k3,3f < f | md5sum
sort -t: -k2,2 -u f | cksum; sort -t: -k2,2 -u < f | md5sum
sort -t: -k1.2,2.1 f | cksum; sort -t: -k1.2,2.1 < f | md5sum
sort -t: -k2,2bn f | cksum; sort -t: -k2,2bn < f | md5sum
sort -t , -k 2 f | cksum; sort -t , -k 2 < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### numbers in fields
cat > f <<'X'
_x:abcdefgh,-  
abcdefgg:
9 abcdefgh:10 _x 
zz:99999999999999999999,99999999999999999999  +4 
b B  -3.5,a:
abcdefgh,-3,
99999999999999999999:
a abcdefgh:ab,

007  abcdefgg:


  2 zz .5:b 

-3 
zz:ab -  
007 .5:

  2 10  3.0 


abcdefghi  -99999999999999999999,-3:
-3  ab:A:ab  

-:a  
zz,
A 10  abcdefgh:a,
.5:b 

-  

7:+4:10,abcdefghi,
zz  
.5  
-3.5  9,-3:abcdefghi,

B A abcdefgg:
3:
ab,abcdefghi:
9 10  abcdefghi,99999999999999999999,
b:-3  3 b:
abcdefgh  B 9:
abcdefgg,10 
10:007,
10,B abcdefghi:3.0:


99999999999999999999 abcdefghi 3:007  


_x:3 3  
7 -99999999999999999999:

a:- +4:
- +4 b 

ab:zz,
abcdefgh:_x abcdefgg,

+4 abcdefghi 
3.0 
  2,-99999999999999999999:0.5 
.5  -99999999999999999999,
abcdefgg  
-99999999999999999999:abcdefghi  
zz:-3:
-3:
-:
10  
7 3.0 0.5  
X
for n in 1 2; do
sort -k2n f | cksum; sort -k2n < f | md5sum
sort -k2,2n f | cksum; sort -k2,2n < f | md5sum
sort -k1,1 -k2n f | cksum; sort -k1,1 -k2n < f | md5sum
sort -s -k2n f | cksum; sort -s -k2n < f | md5sum
sort -u -k2n f | cksum; sort -u -k2n < f | md5sum
sort -nr -k2 f | cksum; sort -nr -k2 < f | md5sum
sort -sr -k2n f | cksum; sort -sr -k2n < f | md5sum
sort -k1n,1 -k3 f | cksum; sort -k1n,1 -k3 < f | md5sum
cat f f f > g; sed 's/$/x/' f >> g; mv g f
done
#### the order itself
printf '10\n9\n-1\n0.5\nx\n\n' > f; sort f; sort -n f; sort -rn f; printf 'b 2\na 10\nc 1\n' > f; sort -k2n f; sort -k2 f; sort -k2,2 -r f
#### arguments
printf 'b\na' > x; sort x; sort x - < x; sort -o x x; cat x; sort -ro y < x; cat y; sort --key=1 --reverse x; sort --output=z x; cat z; sort -- x; sort x -r; sort -nrk1 x; sort -t' ' -k1,1nr x
#### errors
sort nope; echo $?; mkdir d; sort d; echo $?; echo a | sort -o d; echo $?; echo b | sort -o nope/x; echo $?; sort -k0 x; echo $?; sort -k x; echo $?; sort -t ab /dev/null; echo $?; echo a | sort > /dev/full; echo $?; sort d 2>&1
#### little and nothing
: > e; sort e; sort e e; sort < /dev/null; printf '\n' | sort; printf '\n\na\n' | sort -u; printf 'a\0b' | sort -z | od -c
#### NUL
printf 'a\0b\na\na\0\n' | sort | od -c; printf 'a\0b:1\na:2\na\0:3\n' | sort -t: -k1,1 | od -c; printf 'a\0b\0' | sort -z -t '\0' | od -c
#### long beginnings in common
for i in $(seq 1 300); do echo "/usr/share/some/long/prefix/that/is/the/same/$((i * 7919 % 300))"; done > p; sort p | cksum; sort -r p | cksum; sort -u p p | cksum; sort -t/ -k9n p | cksum; sort -s p | cksum
#### long lines
for i in 1 2 3; do head -c 100000 /dev/zero | tr '\0' $i; echo; head -c 100000 /dev/zero | tr '\0' 1; echo; done > x; sort x | cksum; sort -u x | cksum
