#### arithmetic
for e in 1/3 'scale=5;1/3' 2^100 10%3 'scale=2;10.5%3' 'scale=20;sqrt(2)' -5/2 'scale=3;-5/2' 'length(123.45)' 'scale(1.234)' .5+.25 '1.50*2.00' '1.23*4.567' 2^-2 'scale=5;2^-2' 0.00 -0.5 100000000000000000000/7 -1^2 2^3^2 '5%-3' '7 - -3' '2^100000 % 7' 'scale=4;1.5^3' 'length(0)' 'length(.005)' '0*-1' 'scale=3;.1*.1' '-0'; do echo "$e" | bc; done
#### bases
for e in 'ibase=16;FF' 'obase=16;255' 'obase=2;10.5' 'obase=16;scale=5;1/3' 'obase=100;12345' 'ibase=2;101;ibase=A;10' 'obase=16; 0.5' 'obase=17; 100.5' 'obase=2;-5' 'ibase=16;A.8' 'obase=1;5' 'ibase=99;ibase' 'obase=20;0.5;399' 'ibase=8;777;obase' 'ibase=16;obase=10;FFFF'; do echo "$e" | bc; done
#### logic
for e in 1==1 '3>2&&0' '!0' '1 != 2' '1 || 0' 'a=1<2;a' '3>=3' '!1==1' '1<2==1'; do echo "$e" | bc; done
#### variables
for e in 'a=5;a++;a' 'a=b=3;a' '(a=7)' 'a+=3;a*=2;a' 'i++ + ++i' 'x[3]=4;x[3];x[4]' 'last+1' '5;.+1' 'scale=-1;scale' 'a_b1=3;a_b1^2' 'x^=2;x' '1;2'; do echo "$e" | bc; done
#### control
cat > p <<'X'
for(i=0;i<3;i++)i
while(1){ break }
if(1)2 else 3
if (0) 4
i=5
while (i > 0) { i -= 2; if (i == 1) continue; i }
{ 7; 8
9 }
for (;;) { if (j++ > 2) break; j }
if (1) { "yes
" } else { "no
" }
X
bc < p; bc p < /dev/null
#### functions
cat > p <<'X'
define f(x) { return x*x; }
f(4)
define g(n) {
  auto i, r
  r = 1
  for (i = 2; i <= n; i++) r = r*i
  return (r)
}
g(25)
define h(n) { if (n <= 1) return 1; return n*h(n-1); }
h(30)
define s(a[], n) { auto i, t; for (i=0;i<n;i++) t+=a[i]; return t; }
q[0]=1;q[1]=2;q[2]=3
s(q[],3)
define v() { return; }
v()
r
define fib(n) { if (n < 2) { return (n) }; return (fib(n-1)+fib(n-2)) }
fib(15)
X
bc p < /dev/null
#### output
echo 'print "a\tb\n",3,"\n"' | bc; echo '"hi"; 3' | bc; echo 2^400 | bc; echo 2^400 | BC_LINE_LENGTH=0 bc; echo 2^400 | BC_LINE_LENGTH=20 bc; seq -s+ 100 | bc
#### comments and lines
printf '1+\\\n2\n/* no\nthing */ 3 # rest\n4\n' | bc; echo 'quit; 5' | bc; printf '1\nhalt\n2\n' | bc; printf '1\nif (0) quit\n2\n' | bc
#### errors
echo 1/0 | bc; echo $?; printf '5 5\n6\n' | bc; printf '1.1.1\n2\n' | bc; printf 'foo(1)\n3\n' | bc; echo 'sqrt(-1)' | bc; echo 2^0.5 | bc; echo '1/0; 5' | bc; bc nofile; echo $?; bc -z > /dev/null; echo $?; printf 'return 1\n2\n' | bc; printf 'break\n2\n' | bc; printf '@\n2\n' | bc
#### library
echo 'e(1);l(2);s(1);c(1);a(1)*4;j(0,1);e(100);l(0);s(100)' | bc -l; echo 'scale=50;4*a(1);e(2.5);l(10)' | bc -l; echo 'e(-1);l(.5);a(-2);s(-1);c(3);j(1,2.5);l(1);e(0);a(0);s(0);c(0)' | bc -l; echo 'scale=5;e(1);scale' | bc -l; echo 1/3 | bc -l; echo 'l(1000000);e(l(5))' | bc -l
#### digits that stand alone
echo 'ibase=9;A;0F;Z;10;00G;1F' | bc
#### the last digits of the functions
for s in 0 1 5 20 37 64; do echo "scale=$s; for (i = -5; i <= 8; i += 1.3) { e(i); s(i); c(i); a(i); l(i + 5.1) }; a(1); a(.2); a(-1); e(1); s(100); l(1000000); e(-20.5); c(3.14159265358979); s(2*a(1)); s(0); c(0); e(0); l(1); a(0); l(0)"; done | bc -l
