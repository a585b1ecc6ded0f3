# meent: plain GNU make. `make help` lists the targets.
#
# The outer make runs its goals one after another, so that `make -j2 setup check` installs before
# it builds. Everything that compiles runs in an inner make (INNER=1), which reads this file again
# after setup, asks pkg-config then, and is parallel.

VERSION   = 0.1.0
BUILD    ?= build
VARIANT  ?= release
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
JOBS     ?= $(shell nproc 2>/dev/null || echo 1)
SEEDS    ?= 50
FUZZ_RUNS ?= 20000

ifndef INNER
.NOTPARALLEL:
endif
.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory -r
SUB = INNER=1 -Otarget $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) '$(2)';)

OBJ = $(BUILD)/$(VARIANT)
OUT = $(if $(filter release,$(VARIANT)),$(BUILD),$(OBJ))

# ---- flags: CFLAGS, CPPFLAGS and LDFLAGS are the user's; what the code needs stands in ALL_* ----

MSGPACK  := $(shell pkg-config --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
LIBS_PC   = libsodium $(MSGPACK) libuv lmdb inih jansson smartcols libutf8proc libqrencode cmocka
PC_CFLAGS := $(shell pkg-config --cflags libsodium $(MSGPACK) libuv lmdb inih jansson smartcols \
	libutf8proc libqrencode cmocka 2>/dev/null)
pc_libs   = $(shell pkg-config --libs $(1) 2>/dev/null)
CORE_LIBS   := $(call pc_libs,libsodium $(MSGPACK))
DAEMON_LIBS := $(call pc_libs,libuv lmdb inih)
CLI_LIBS    := $(call pc_libs,jansson smartcols libutf8proc libqrencode) -lcsv
TEST_LIBS   := $(call pc_libs,cmocka)

SAN_asan = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan = -fsanitize=thread -fno-omit-frame-pointer
SAN_fuzz = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
SAN_fuzzcov = -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping
SAN      = $(SAN_$(VARIANT))
GCOV     = $(if $(filter coverage,$(VARIANT)),--coverage -fprofile-update=atomic)

CFLAGS   ?= $(if $(GCOV),-O0,$(if $(SAN),-O1,-O2)) -g
OPTIMISED = $(filter-out -O0,$(filter -O%,$(CFLAGS)))
FORTIFY   = $(if $(SAN),,$(if $(OPTIMISED),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
WARNINGS  = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wvla -Wformat-security $(if $(filter true,$(CI)),-Werror)
# -iquote, not -I: proto/limits.h, err.h and link.h must not stand in for the C library's.
INCLUDES  = -iquote proto -iquote daemon -iquote cli -iquote tests/lib
ALL_CFLAGS = -std=c11 $(WARNINGS) $(INCLUDES) $(PC_CFLAGS) -fPIE -fstack-protector-strong \
	$(FORTIFY) $(SAN) $(GCOV) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN) $(GCOV) $(LDFLAGS)
# The core is plain C11; whatever touches the world may use what glibc has.
WORLD_CFLAGS = -D_GNU_SOURCE -DMEENT_VERSION='"$(VERSION)"' \
	-DMEENT_LOCALEDIR='"$(PREFIX)/share/locale"' -DMEENT_SYSCONFDIR='"$(SYSCONFDIR)"'

# ---- files ----

objs = $(patsubst %.c,$(OBJ)/%.o,$(1))
progs = $(patsubst %.c,$(OBJ)/%,$(1))

CORE_LIB   = $(OBJ)/libmeent-core.a
DAEMON_LIB = $(OBJ)/libmeentd.a
CLI_LIB    = $(OBJ)/libmeentcli.a
TEST_LIB   = $(OBJ)/libmeenttest.a

CORE_OBJS   := $(call objs,$(sort $(wildcard proto/*.c)))
DAEMON_OBJS := $(call objs,$(sort $(filter-out daemon/main.c,$(wildcard daemon/*.c))))
CLI_OBJS    := $(call objs,$(sort $(filter-out cli/main.c,$(wildcard cli/*.c))))
# Stands in for calls of the C library, so only programs that are about it are linked with it.
POWER_OBJS  := $(call objs,$(sort $(wildcard tests/lib/power*.c)))
TEST_OBJS   := $(filter-out $(POWER_OBJS),$(call objs,$(sort $(wildcard tests/lib/*.c))))
SIM_OBJS    := $(call objs,$(sort $(wildcard tests/sim/*.c)))

BINARIES := $(if $(wildcard daemon/main.c),$(OUT)/meentd) $(if $(wildcard cli/main.c),$(OUT)/meent)
LOCALES  := $(patsubst cli/po/%.po,$(OUT)/locale/%/LC_MESSAGES/meent.mo,$(wildcard cli/po/*.po))
MANPAGES := $(patsubst cli/man/%.scd,$(OUT)/man/%,$(wildcard cli/man/*.scd))
UNIT     := $(call progs,$(sort $(wildcard tests/unit/test_*.c)))
SIM      := $(if $(SIM_OBJS),$(OBJ)/tests/sim/sim)
INTEGRATION := $(call progs,$(sort $(wildcard tests/integration/test_*.c)))
BENCH    := $(call progs,$(sort $(wildcard tests/bench/bench_*.c)))
BENCH_OBJS := $(call objs,$(sort $(filter-out tests/bench/bench_% %/tiny.c, \
	$(wildcard tests/bench/*.c))))
TINY      = $(OBJ)/tests/bench/tiny
FUZZ     := $(call progs,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OBJS := $(call objs,$(sort $(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c))))
# Those of one variant that TARGET (names) or T (part of a name) asks for; else all.
asked = $(if $(TARGET),$(filter $(TARGET:%=fuzz_%),$(notdir $1)),$(if $(T),$(findstring $(T),$1),$1))
fuzz_progs = $(foreach p,$(FUZZ:$(OBJ)/%=$(BUILD)/$(1)/%),$(if $(call asked,$p),$p))
E2E      := $(sort $(wildcard tests/e2e/*.sh))
STRANGER  = $(OBJ)/tests/e2e/stranger
# One program tells stories, one library makes something go wrong in them; for x86-64 only.
FAULT_OBJS := $(call objs,$(sort $(filter-out %/preload.c,$(wildcard tests/faults/*.c))))
FAULTERS  = $(if $(filter x86_64,$(shell uname -m)),$(OUT)/faults/faults $(OUT)/faults/preload.so)

SOURCE_DIRS := $(wildcard proto daemon cli tests)
C_FILES   = $(if $(SOURCE_DIRS),$(shell find $(SOURCE_DIRS) -name '*.[ch]' -not -path 'tests/vectors/*'))

# ---- targets for people ----

.PHONY: all setup check check-unit check-sim soak check-integration check-e2e check-lint asan tsan \
	valgrind coverage lint format po demo demo-split demo-clean install uninstall bench fuzz \
	fuzz-smoke fuzz-merge fuzz-coverage bench-smoke check-seeds dist clean help

all: ## build build/meentd, build/meent, translations and man pages
	@$(MAKE) $(SUB) programs

PKGS_BUILD = build-essential pkg-config libuv1-dev libmsgpack-dev liblmdb-dev libsodium-dev \
	libcmocka-dev libinih-dev libjansson-dev libsmartcols-dev libutf8proc-dev libcsv-dev \
	libqrencode-dev gettext scdoc
PKGS_TEST = jq strace iproute2 procps zsh fish valgrind clang clang-format clang-tidy libclang-rt-dev \
	cppcheck shellcheck

setup: ## install the Debian packages that building and testing need
	@missing=; for p in $(PKGS_BUILD) $(PKGS_TEST); do \
		case "$$(dpkg-query -W -f='$${db:Status-Abbrev}' $$p 2>/dev/null)" in \
		ii*) ;; *) missing="$$missing $$p" ;; esac; done; \
	if [ -z "$$missing" ]; then echo "setup: all packages are installed"; exit 0; fi; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	echo "setup: installing$$missing"; \
	$$as_root apt-get -o DPkg::Lock::Timeout=120 update </dev/null && \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
		install -y --no-install-recommends $$missing </dev/null

check: ## build, then unit tests, simulator and integration tests (T=text: only matching programs)
	@$(MAKE) $(SUB) programs test-programs
	@status=0; for kind in unit sim integration; do \
		$(MAKE) INNER=1 run-$$kind || status=1; done; exit $$status

check-unit: ## unit tests
	@$(MAKE) $(SUB) unit-programs
	@$(MAKE) INNER=1 run-unit

check-sim: ## simulator: SEEDS=n runs seeds 1 to n, SEED=n replays one with its trace
	@$(MAKE) $(SUB) sim-programs
	@$(MAKE) INNER=1 run-sim

soak: ## simulator until stopped or SOAK_SECONDS, from SOAK_FIRST; what fails: build/soak
	@$(MAKE) $(SUB) sim-programs
	@mkdir -p $(BUILD)/soak
	@$(SIM) --soak $(BUILD)/soak --from $(or $(SOAK_FIRST),100001) \
		--seconds $(or $(SOAK_SECONDS),0)

check-integration: ## tests on real sockets and a real store
	@$(MAKE) $(SUB) programs integration-programs
	@$(MAKE) INNER=1 run-integration

check-e2e: ## tests on the built programs (FLOOD=all, FAULTS=all: with every frame, every fault)
	@$(MAKE) $(SUB) programs e2e-programs
	@$(MAKE) INNER=1 run-e2e

check-lint: ## show that lint finds what it is there to find
	@tests/run.sh lint 300 tests/test_lint.sh

asan: ## check under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) check VARIANT=asan SEEDS=10

tsan: ## check under ThreadSanitizer
	@$(MAKE) check VARIANT=tsan SEEDS=10

valgrind: ## check under valgrind's memcheck: unit and integration tests, two simulator seeds
	@$(MAKE) $(SUB) VARIANT=valgrind programs test-programs
	@status=0; for kind in unit integration sim-seeds; do \
		$(MAKE) INNER=1 VARIANT=valgrind SEEDS=2 run-$$kind || status=1; done; exit $$status

COVERAGE_FILES = $(foreach m,noise wire wire_scan entry feed gov gov_derive gov_item gov_view,proto/$(m).c)
# End-to-end tests that run the daemon through its own start, sockets and end.
COVERAGE_E2E = $(foreach t,session cli config doctor import copies claims damage stranger ping disk \
	strace,tests/e2e/$(t).sh)
coverage: ## lines and branches that the tests reach (COVERAGE_FILES= lists every file)
	@find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) check VARIANT=coverage SEEDS=10 T=
	@$(MAKE) INNER=1 VARIANT=coverage E2E='$(COVERAGE_E2E)' T= run-e2e
	@tests/coverage.sh $(BUILD)/coverage $(COVERAGE_FILES)

lint: ## layers, forbidden symbols, sizes, format, static analysis (LINT_ROOT=DIR: another tree)
	$(if $(LINT_ROOT),,@$(MAKE) $(SUB) programs)
	@CC='$(CC)' tests/lint.sh $(if $(LINT_ROOT),'$(LINT_ROOT)',--objects '$(OBJ)')

format: ## clang-format every C file in place
	$(if $(C_FILES),@clang-format -i $(C_FILES),@true)

XGETTEXT = xgettext -L C --from-code=UTF-8 -k_ -kN_ -kngettext:1,2 -kn_:1,2 --no-location \
	--package-name=meent --add-comments=l10n: --sort-output
po: ## bring cli/po/*.po up to date with the texts in the code
	@mkdir -p $(OBJ) && $(XGETTEXT) -o $(OBJ)/meent.pot $(sort $(wildcard cli/*.c cli/*.h))
	@for f in $(wildcard cli/po/*.po); do \
		msgmerge --quiet --update --backup=none --no-fuzzy-matching --sort-output $$f \
			$(OBJ)/meent.pot && echo "$$f: $$(msgfmt --statistics -o /dev/null $$f 2>&1)"; done

demo: ## three organisations on this machine: found, invite, approve, share (state in demo.run)
	@$(MAKE) $(SUB) programs
	@$(DEMO) up

demo-split: ## stop one of the three, change both sides, heal, show that all agree
	@$(MAKE) $(SUB) programs
	@$(DEMO) split

demo-clean: ## stop what demo started and remove demo.run
	@$(DEMO) clean

fuzz: ## TARGET=name SECONDS=n: fuzz one target; without TARGET only build all of them
	@$(MAKE) $(SUB) VARIANT=fuzz CC=clang fuzz-programs
	$(if $(TARGET)$(T),@tests/run.sh --fuzz seconds $(or $(SECONDS),60) $(call fuzz_progs,fuzz))

fuzz-smoke: ## a short run of every fuzz target from its committed corpus
	@$(MAKE) $(SUB) VARIANT=fuzz CC=clang fuzz-programs
	@tests/run.sh --fuzz runs $(FUZZ_RUNS) $(call fuzz_progs,fuzz)

fuzz-merge: ## take what fuzzing found into the committed corpora, as few files as reach the same
	@$(MAKE) $(SUB) VARIANT=fuzz CC=clang fuzz-programs
	@tests/fuzz/merge.sh $(call fuzz_progs,fuzz)

fuzz-coverage: ## what each committed corpus reaches of the files its target is about
	@$(MAKE) $(SUB) VARIANT=fuzzcov CC=clang fuzz-programs
	@tests/fuzz/coverage.sh $(call fuzz_progs,fuzzcov)

bench: ## figures beside the machine's own limits, also in build/bench.json (BENCH_N=changes)
	@$(MAKE) $(SUB) programs bench-programs
	@MEENT_BUILD='$(abspath $(OUT))' tests/bench/run.sh $(OUT)/bench.json $(BENCH)

bench-smoke: ## build the benchmarks, and run the one on whole daemons with few changes
	@$(MAKE) $(SUB) programs bench-programs
	@BENCH_N=2000 MEENT_BUILD='$(abspath $(OUT))' tests/bench/run.sh $(OBJ)/bench-smoke.json \
		$(filter %/bench_speed,$(BENCH))

check-seeds: ## simulator alone, seeds 1 to SEEDS
	@$(MAKE) $(SUB) sim-programs
	@$(MAKE) INNER=1 run-sim-seeds

clean: ## remove everything that was built
	$(Q)rm -rf '$(BUILD)'

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

dist: ## source archive of the committed tree
	@mkdir -p $(BUILD) && git archive --format=tar.gz --prefix=meent-$(VERSION)/ \
		-o $(BUILD)/meent-$(VERSION).tar.gz HEAD && echo $(BUILD)/meent-$(VERSION).tar.gz

# ---- install ----

D = $(DESTDIR)$(PREFIX)
CONF = $(DESTDIR)$(SYSCONFDIR)/meent/meentd.conf
BASH_COMPLETION = $(D)/share/bash-completion/completions/meent
ZSH_COMPLETION  = $(D)/share/zsh/site-functions/_meent
FISH_COMPLETION = $(D)/share/fish/vendor_completions.d/meent.fish

install: ## install below PREFIX (/usr/local), DESTDIR in front; an existing configuration stays
	@$(MAKE) $(SUB) programs
	$(Q)for b in $(BINARIES); do install -D -m 755 $$b $(D)/bin/$${b##*/}; done
	$(Q)install -d $(D)/lib/systemd/system
	$(Q)sed 's|/usr/local/bin/|$(PREFIX)/bin/|' systemd/meentd.service \
		> $(D)/lib/systemd/system/meentd.service
	$(Q)chmod 644 $(D)/lib/systemd/system/meentd.service
	$(Q)install -D -m 644 systemd/meentd.sysusers $(D)/lib/sysusers.d/meent.conf
	$(Q)install -D -m 644 systemd/meentd.tmpfiles $(D)/lib/tmpfiles.d/meent.conf
	$(Q)install -D -m 644 conf/meentd.conf.example $(D)/share/doc/meent/meentd.conf.example
	$(Q)install -D -m 644 LICENSE $(D)/share/doc/meent/LICENSE
	$(Q)test -e $(CONF) || install -D -m 644 conf/meentd.conf.example $(CONF)
	$(Q)for f in $(LOCALES:$(OUT)/%=%); do install -D -m 644 $(OUT)/$$f $(D)/share/$$f; done
	$(Q)for f in $(notdir $(MANPAGES)); do \
		install -D -m 644 $(OUT)/man/$$f $(D)/share/man/man$${f##*.}/$$f; done
	$(Q)install -d $(dir $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION))
	$(Q)$(OUT)/meent completion bash > $(BASH_COMPLETION)
	$(Q)$(OUT)/meent completion zsh > $(ZSH_COMPLETION)
	$(Q)$(OUT)/meent completion fish > $(FISH_COMPLETION)
	$(Q)chmod 644 $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)

uninstall: ## remove what install put there; a changed configuration stays
	$(Q)rm -f $(D)/bin/meent $(D)/bin/meentd $(D)/lib/systemd/system/meentd.service \
		$(D)/lib/sysusers.d/meent.conf $(D)/lib/tmpfiles.d/meent.conf \
		$(LOCALES:$(OUT)/%=$(D)/share/%) $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION) \
		$(foreach m,$(notdir $(MANPAGES)),$(D)/share/man/man$(subst .,,$(suffix $m))/$m)
	$(Q)rm -rf $(D)/share/doc/meent
	$(Q)! cmp -s conf/meentd.conf.example $(CONF) || rm -f $(CONF)

# ---- what the inner make builds and runs ----

.PHONY: programs e2e-programs test-programs unit-programs sim-programs integration-programs bench-programs \
	fuzz-programs run-unit run-sim run-sim-seeds run-integration run-e2e FORCE

programs: $(BINARIES) $(LOCALES) $(MANPAGES)
	@:
unit-programs: $(UNIT)
	@:
sim-programs: $(SIM)
	@:
integration-programs: $(INTEGRATION)
	@:
test-programs: $(UNIT) $(SIM) $(INTEGRATION)
	@:
e2e-programs: $(STRANGER) $(FAULTERS)
	@:
bench-programs: $(BENCH) $(TINY)
	@:
fuzz-programs: $(FUZZ)
	@:

# Sanitized programs are several times slower, so their limit is wider.
SLOW = $(if $(filter valgrind,$(VARIANT)),30,$(if $(SAN)$(GCOV),4,1))
limit = $$(($(1) * $(SLOW)))
TEST_ENV = MEENT_BUILD='$(abspath $(OUT))' UBSAN_OPTIONS=print_stacktrace=1 T='$(T)'
DEMO = MEENT_BUILD='$(abspath $(OUT))' tests/demo/demo.sh

VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite

UNDER = $(if $(filter valgrind,$(VARIANT)),$(VALGRIND))

run-unit:
	@$(TEST_ENV) UNDER='$(UNDER)' tests/run.sh unit $(call limit,120) $(UNIT)
run-sim-seeds:
	@$(TEST_ENV) UNDER='$(UNDER)' SIM_ARGS='--seeds $(SEEDS) --jobs $(JOBS)' \
		tests/run.sh sim $(call limit,900) $(SIM)
run-sim:
ifdef SEED
	@$(TEST_ENV) $(SIM) --seed $(SEED) --trace
else
	@$(TEST_ENV) SIM_ARGS='--seeds $(SEEDS) --jobs $(JOBS)' tests/run.sh sim $(call limit,900) $(SIM)
	@$(TEST_ENV) SIM_ARGS=--plants tests/run.sh sim-plants $(call limit,300) $(SIM)
	$(if $(SAN),,@$(TEST_ENV) MEENT_SIM='$(SIM)' tests/run.sh sim $(call limit,300) \
		tests/sim/test_sim.sh)
endif
run-integration:
	@$(TEST_ENV) UNDER='$(UNDER)' $(if $(UNDER),CORRUPT_COPIES=12) tests/run.sh integration $(call limit,120) $(INTEGRATION)
run-e2e:
	@$(TEST_ENV) MEENT_STRANGER='$(abspath $(STRANGER))' FLOOD='$(FLOOD)' \
		tests/run.sh e2e $(call limit,$(if $(filter all,$(FAULTS) $(FLOOD) $(STORIES)),7200,600)) $(E2E)

# Changes only when the compiler or a flag does; objects depend on it.
FLAGS = $(CC) $(ALL_CFLAGS) $(WORLD_CFLAGS) $(ALL_LDFLAGS)
$(OBJ)/flags: FORCE
	@pkg-config --exists $(LIBS_PC) 2>/dev/null || \
		{ echo "libraries are missing; run 'make setup' first" >&2; exit 1; }
	@mkdir -p $(@D); echo '$(subst ','\'',$(FLAGS))' > $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(OBJ)/proto/%.o: proto/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(WORLD_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(CORE_LIB): $(CORE_OBJS)
$(DAEMON_LIB): $(DAEMON_OBJS)
$(CLI_LIB): $(CLI_OBJS)
$(TEST_LIB): $(TEST_OBJS)
$(CORE_LIB) $(DAEMON_LIB) $(CLI_LIB) $(TEST_LIB): $(OBJ)/flags
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# tests/lib/fail_alloc.h says what these are for.
comma = ,
WRAP = $(if $(findstring /test_alloc,$@), \
	$(addprefix -Wl$(comma)--wrap=,malloc calloc realloc strdup strndup))
link = $(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(WRAP) -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group
ALL_LIBS = $(DAEMON_LIBS) $(CLI_LIBS) $(CORE_LIBS) $(TEST_LIBS)
TESTED = $(TEST_LIB) $(CLI_LIB) $(DAEMON_LIB) $(CORE_LIB)

$(OUT)/meentd: $(OBJ)/daemon/main.o $(DAEMON_LIB) $(CORE_LIB)
	$(link) $(DAEMON_LIBS) $(CORE_LIBS)

$(OUT)/meent: $(OBJ)/cli/main.o $(CLI_LIB) $(CORE_LIB)
	$(link) $(CLI_LIBS) $(CORE_LIBS)

$(BENCH): $(BENCH_OBJS)
$(UNIT) $(INTEGRATION) $(BENCH) $(STRANGER): %: %.o $(TESTED)
	$(link) $(ALL_LIBS)

$(OBJ)/tests/sim/sim $(filter %/test_power,$(INTEGRATION)): $(POWER_OBJS)

$(OUT)/faults/faults: $(FAULT_OBJS) $(CLI_LIB) $(CORE_LIB)
	@mkdir -p $(@D)
	$(link) $(CLI_LIBS) $(CORE_LIBS)

$(OUT)/faults/preload.so: tests/faults/preload.c tests/faults/faults.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(WORLD_CFLAGS) -std=c11 $(WARNINGS) -O2 -g -fPIC -shared -o $@ $<

$(TINY): tests/bench/tiny.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -O2 -static -o $@ $<

$(OBJ)/tests/sim/sim: $(SIM_OBJS) $(TESTED)
	$(link) $(ALL_LIBS)

# tests/fuzz/memo.c says what these are for.
$(FUZZ): WRAP = $(addprefix -Wl$(comma)--wrap=,mt_dh mt_dh_key_make mt_sign_key_make mt_sign \
	mt_verify)
$(FUZZ): $(FUZZ_OBJS)
$(FUZZ): %: %.o $(TESTED)
	$(link) -fsanitize=fuzzer $(ALL_LIBS)

$(OUT)/locale/%/LC_MESSAGES/meent.mo: cli/po/%.po
	@mkdir -p $(@D)
	$(call say,MSGFMT,$<)msgfmt --check -o $@ $<

$(OUT)/man/%: cli/man/%.scd
	@mkdir -p $(@D)
	$(call say,SCDOC,$<)scdoc < $< > $@

# Objects of test programs are kept; without this make would take them for intermediate files.
.SECONDARY:

-include $(wildcard $(OBJ)/*/*.d $(OBJ)/*/*/*.d)
