#### commands and how they end
printf 'all:\n\techo hi\n\t@echo quiet\n\t-false\n\tfalse\n\techo no\n' > Makefile; for option in '' -k -s -i -n; do make $option 2>&1; echo $?; done; make nope 2>&1; echo $?
printf 'all: a b\na:\n\tfalse\nb:\n\techo b\n' > Makefile; make 2>&1; echo $?; make -k 2>&1; echo $?; printf 'all:\n\t@exit 3\n' > Makefile; make 2>&1; printf 'all:\n\t@kill -9 $$$$\n' > Makefile; make 2>&1; echo $?
#### what is out of date
printf 'x: y\n\techo x > x\n' > Makefile; make 2>&1; echo $?; touch -d '2020-01-01' y; make; make; echo $?; make -q; echo $?; touch -d '2019-01-01' x; make -q; echo $?; make; make -B; make -n -B; touch -d '2019-01-01' x; make -t; make
printf 'all: one two\none: src\n\tcp src one\ntwo: one\n\tcp one two\nclean:\n\trm -f one two\n.PHONY: all clean\n' > Makefile; echo s > src; make; make; touch clean; make clean; make two; make all two; make one
#### without makefiles and goals
make 2>&1; echo $?; make x 2>&1; echo $?; printf '' > Makefile; make 2>&1; echo $?; make -f none 2>&1; echo $?; printf 'all:\n\t@echo other\n' > other; make -f other; make --file=other all; printf 'all:;@echo stdin\n' | make -f -; printf 'a:;@echo GNU\n' > GNUmakefile; make; touch there; make there 2>&1
#### variables
cat > Makefile <<'END'
A = $(B) later
B := first
C := $(B) now
B = changed
D ?= default
B += more
C += even $(B)
E != echo from shell
define LINES
echo one
echo two
endef
F = a.c b.c	d.h
all:
	@echo '$(A)|$(C)|$(D)|$(E)|${B}|$(F:.c=.o)|$(F:%.h=x/%.z)|$B|$(undefined)|$$'
	$(LINES)
	@echo $(origin A) $(origin CC) $(origin HOME) $(origin X) $(origin none) $(flavor A) $(flavor C) "$(value A)"
END
make; make D=5 'B=over' X=1; D=env make -e; B=env make -e | head -1
printf 'override X = fixed\nY = 1\nall:;@echo $(X) $(Y)\n' > Makefile; make X=2 Y=3; printf 'X = a\\\n   b \\\n c # comment\nall:;@echo "[$(X)]" \\#\n' > Makefile; make; printf 'X = $(X)\nall:;@echo $(X)\n' > Makefile; make 2>&1 | cut -d: -f3; make >/dev/null 2>&1; echo $?
#### conditions
cat > Makefile <<'END'
X = 1
ifdef X
R += defined
else
R += not
endif
ifeq ($(X),1)
R += one
else ifeq ($(X),2)
R += two
else
R += other
endif
ifneq "$(X)" '2'
R += not-two
ifndef NONE
R += nested
endif
endif
all:
ifeq ($(X),1)
	@echo branch
endif
	@echo $(R)
END
make; make X=2; make X=3; make X=; printf 'ifeq (a,a)\nall:;@:\n' > Makefile; make 2>&1; echo $?
#### functions
cat > Makefile <<'END'
L = src/a.c src/b.c lib.d/x.y.h main
comma := ,
empty :=
space := $(empty) $(empty)
rev = $(2)-$(1)
all:
	@echo '$(subst a,A,banana) $(patsubst %.c,%.o,$(L)) [$(strip  a   b )] $(findstring an,banana)'
	@echo '$(filter %.c main,$(L)) | $(filter-out %.c,$(L)) | $(sort c a b a)'
	@echo '$(word 2,$(L)) $(wordlist 2,3,$(L)) $(words $(L)) $(firstword $(L)) $(lastword $(L))'
	@echo '$(dir $(L)) | $(notdir $(L)) | $(suffix $(L)) | $(basename $(L))'
	@echo '$(addsuffix .x,a b) $(addprefix p/,a b) $(join a b c,1 2)'
	@echo '$(if $(L),yes,no) $(if ,yes,no) $(or ,,x) $(and a,b) $(foreach v,1 2 3,<$(v)>) $(call rev,a,b)'
	@echo '$(subst $(space),$(comma),a b c) $(shell echo sh; echo two) $(abspath x/../y/./z) '
	@echo '$(wildcard *.txt) $(wildcard none*) $(realpath .) $(call patsubst,%,x%,q)'
END
touch b.txt a.txt; make | sed "s,$PWD,HERE,g"; printf '$(warning careful)\n$(info inf)\nall:;@:\n' > Makefile; make 2>&1; printf 'x\n$(error oops)\n' > Makefile; make 2>&1; printf '$(error oops)\n' > Makefile; make 2>&1; echo $?
printf 'define rule\n$(1): \n\t@echo making $(1)\nendef\n$(foreach t,x y,$(eval $(call rule,$(t))))\nall: x y\n' > Makefile; make all
#### rules by patterns
cat > Makefile <<'END'
OBJ = a.o sub/b.o
all: out
out: $(OBJ)
	cat $^ > $@
%.o: %.src common
	@echo "$@ from $< with $^ stem $* newer $? in $(@D) file $(@F) $(<D) $(*F)"
	@cat $< > $@
clean: ; rm -f $(OBJ) out
.PHONY: all clean
END
mkdir sub; echo A > a.src; echo B > sub/b.src; echo c > common; make; cat out; make; touch -d '+1 hour' a.src 2>/dev/null; touch -d '2020-01-01' a.o; touch -d '2021-01-01' a.src; make; make clean; make -n
printf '%%.b: %%.a\n\tcp $< $@\n%%.c: %%.b\n\tcp $< $@\n' > Makefile; echo x > f.a; make f.c; ls f.*; make f.c; printf '.SUFFIXES: .in .out\n.in.out:\n\tcp $< $@\n' > Makefile; echo y > g.in; make g.out; printf 'all: x.1 y.1\nx.1 y.1: %%.1: %%.2\n\t@echo $@ $< $*\nx.2 y.2:;@echo make $@\n' > Makefile; make
#### order, circles, doubles
printf 'a: | dir\n\techo a > dir/a; touch a\ndir:\n\tmkdir dir\n' > Makefile; make; make; printf 'a: b\nb: a\n\techo b\n' > Makefile; rm -f a; make 2>&1; printf 'all:: x\n\t@echo first $^\nall:: y\n\t@echo second $^\nx y:\n' > Makefile; make; printf 'a:;echo 1\na:;echo 2\n' > Makefile; make 2>&1
#### variables of targets, and what is exported
cat > Makefile <<'END'
X = global
export Y = exported
Z = private
all: one two
one: X = mine
one: dep
	@echo one $(X)
dep:
	@echo dep $(X)
two: X += more
two:
	@echo two $(X) $$Y "[$$Z]" $$HOME
%.p: Q = pattern
x.p:; @echo $(Q)
END
make; make x.p; Z=env make two; printf 'export\nA = 1\nall:;@echo $$A\nunexport B\nB = 2\n' > Makefile; make
#### includes
printf 'include more.mk\nall: ; @echo $(V) $(MAKEFILE_LIST)\n' > Makefile; make 2>&1; echo $?; echo 'V = included' > more.mk; make; printf -- '-include none.mk\nall:\n' > Makefile; make; echo $?; printf 'include gen.mk\nall: ; @echo $(G)\ngen.mk: ; echo G = made > $@\n' > Makefile; make 2>&1 | grep -v gen.mk:; make
#### other makes
mkdir sub; printf 'all:\n\t@echo in sub $(MAKELEVEL) $(X)\n' > sub/Makefile; make -C sub | sed "s,$PWD,HERE,"; printf 'all:\n\t$(MAKE) -C sub\nbad:\n\t$(MAKE) -C sub nope\n' > Makefile; make X=5 | sed "s,$PWD,HERE,"; make bad 2>&1 | sed "s,$PWD,HERE,"; make -C none 2>&1; echo $?; make --no-print-directory; make -s; make -n | sed "s,$PWD,HERE,"; make -w | sed "s,$PWD,HERE,"; (cd sub; make)
#### lines
printf 'all:\n\t@echo one \\\n\ttwo\n\t@for i in 1 2; do \\\n\t  echo $$i; \\\n\tdone\n\tcd /; pwd\n\t@pwd | sed s,.*/,,\n\t# comment\n\n\t@echo "a#b" # end\n' > Makefile; make | sed 's,tmp.*,tmp,;s/c-[0-9]*$/tmp/;s/text-.*/tmp/;s/make-.*/tmp/'; printf '.ONESHELL:\nall:\n\t@x=5\n\techo $$x\n' > Makefile; make; printf 'SHELL = /bin/sh\n.SHELLFLAGS = -ec\nall:; @false; echo no\n' > Makefile; make 2>&1; printf 'a:\n  echo spaces\n' > Makefile; make 2>&1; echo $?; printf 'foo\n' > Makefile; make 2>&1; printf '\techo x\n' > Makefile; make 2>&1; printf 'a: $(b\n' > Makefile; make 2>&1; printf 'all:\n\tnosuchcommand\n' > Makefile; make 2>/dev/null; echo $?; printf '.SILENT:\nall:\n\techo silent\n' > Makefile; make; printf '.DELETE_ON_ERROR:\nx:\n\techo > x; false\n' > Makefile; make 2>&1; ls
#### options
printf 'a b:;@echo $@ $(MAKECMDGOALS)\n' > Makefile; make -j4 b; make -j 2 a; make --jobs=3; make --help >/dev/null; echo $?; make --bogus 2>/dev/null; echo $?; make -ksB b; make a=1; make -r -R a
#### a project
cat > Makefile <<'END'
# Builds "texts" from sources.
.DEFAULT_GOAL := help
BUILD ?= build
SRC := $(sort $(wildcard src/*.txt))
OUT := $(SRC:src/%.txt=$(BUILD)/%.up)
export VERSION := $(shell cat VERSION 2>/dev/null || echo 0)
ifeq ($(OS),Windows_NT)
  SEP := \\
else
  SEP := /
endif
Q := $(if $(V),,@)

.PHONY: help all clean test $(addprefix run-,one two)
help: ## Show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{ printf "%-8s %s\n", $$1, $$2 }'

all: $(BUILD)/all.txt ## Build everything

$(BUILD)/all.txt: $(OUT) | $(BUILD)
	$(Q)cat $(sort $^) > $@; echo "built $(@F) of $(words $^) parts, $$VERSION$(SEP)"

$(BUILD)/%.up: src/%.txt Makefile | $(BUILD)
	$(Q)tr a-z A-Z < $< > $@
	@echo up $(notdir $<) to $(@D)

$(BUILD):
	mkdir -p $@

test: all ## Run the tests
	@test "$$(wc -l < $(BUILD)/all.txt)" -eq 2 && echo ok || { echo "not ok"; exit 1; }

run-%:
	@echo running $*

define template =
show-$(1): export NAME = $(1)
show-$(1):
	@echo show $$$$NAME $$(words $(1) more)
endef
$(foreach name,x y,$(eval $(call template,$(name))))

clean: ## Remove what was built
	rm -rf $(BUILD)
-include $(OUT:.up=.d)
END
mkdir src; echo one > src/one.txt; echo two > src/two.txt; echo 1.2 > VERSION; make; make all; make all; make test; touch -d '2020-01-01' src/*.txt Makefile; make all; rm build/one.up; make test V=1; make show-x show-y; make -s clean all; make BUILD=other all; ls; make run-one 2>&1; echo $?; make clean run-three 2>&1; printf 'all: a.z\n%%.z: %%.q\n\tcp $< $@\n%%.q:\n\techo y > $@\n.PRECIOUS: %%.q\n' > M2; make -f M2; make -f M2; ls *.q
