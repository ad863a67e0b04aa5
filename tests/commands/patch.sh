#### unified
printf 'a\nb\nc\nd\n' > f; printf 'a\nB\nc\nd\ne\n' > g; diff -u f g > p; patch < p; cat f; patch -R < p; cat f; patch f p; patch -R f < p; patch -i p -o out f; cat out f; patch --dry-run -i p; cat f; patch -s -i p; cat f
#### strip
mkdir -p x/y; printf 'a\nb\n' > x/y/f; cat > p <<'X'
--- a/x/y/f	2020-01-01 00:00:00
+++ b/x/y/f	2020-01-01 00:00:00
@@ -1,2 +1,2 @@
 a
-b
+c
X
patch -p1 < p; cat x/y/f; patch -p1 -R < p; patch -p3 -d x/y < p; echo $?; cat x/y/f; patch -R -p0 < p; echo $?
#### new and gone files
cat > p <<'X'
diff --git a/d/new b/d/new
new file mode 100644
index 0000000..257cc56
--- /dev/null
+++ b/d/new
@@ -0,0 +1,2 @@
+one
+two
diff --git a/old b/old
deleted file mode 100644
--- a/old
+++ /dev/null
@@ -1 +0,0 @@
-gone
X
echo gone > old; patch -p1 < p; cat d/new; ls
#### offset and fuzz
seq 20 > f; seq 20 | sed 's/^10$/ten/' > g; diff -u f g > p; { echo x; echo y; seq 20; } > f; patch f < p; grep -n ten f; seq 20 | sed 's/^7$/seven/' > f; patch f < p; grep -n ten f; seq 20 | sed 's/^8$/eight/' > f; patch f < p; grep -n ten f
#### rejects
printf 'a\nb\nc\n' > f; printf 'a\nB\nc\n' > g; diff -u f g > p; printf 'x\ny\nz\n' > f; patch f < p; echo $?; ls; sed 's/\t.*//' f.rej; cat f
#### applied already
printf 'a\nb\nc\n' > f; printf 'a\nB\nc\n' > g; diff -u f g > p; cp g f; patch -N f < p; echo $?; ls; patch -f f < p; echo $?; cat f
#### context and normal
printf 'a\nb\nc\nd\n' > f; printf 'a\nB\nc\nd\ne\n' > g; diff -c f g > p; patch f < p; cmp f g && echo same; patch -R f < p; cat f; diff f g > p; patch f < p; cmp f g && echo same; patch -R f < p; cat f
#### no last newline
printf 'a\nb' > f; printf 'a\nc' > g; diff -u f g > p; patch f < p; od -c f; printf 'a\nb\n' > f; printf 'a\nb' > g; diff -u f g > p; patch f < p; od -c f
#### backups
printf 'a\nb\n' > f; printf 'a\nc\n' > g; diff -u f g > p; patch -b f < p; ls; cat f.orig; patch -R -b -z .bak f < p; ls
#### several files
printf 'a\n' > f; printf 'b\n' > g; cat > p <<'X'
some words before
--- f
+++ f
@@ -1 +1 @@
-a
+A
more words
--- g
+++ g
@@ -1 +1 @@
-b
+B
X
patch < p; cat f g
#### failures
echo junk > p; patch < p; echo $?; patch nofile < p; echo $?; printf -- '--- nope\n+++ nope\n@@ -1 +1 @@\n-a\n+b\n' > p; patch < p; echo $?; patch -q; echo $?; printf 'a\n' > f; printf -- '--- f\n+++ f\n@@ -1 +1 @@\n-a\n' > p; patch < p > /dev/null; echo $?; patch -i nofile f; echo $?
