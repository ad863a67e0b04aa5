//! What is made: which targets are out of date, in which order, and the commands that make them.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::rc::Rc;
use std::time::SystemTime;

use cordon_multicall::launch::{SIGNALS, errno_text, start_with};
use cordon_multicall::say;
use cordon_vm::byte_text::{self, ToText};
use cordon_vm::descriptors;
use cordon_vm::process::{self, ExitStatus, Signal};

use super::text::{directory, file, stem};
use super::{Make, Origin, Recipe, Rule, Stop, TROUBLE, Variable};

/// How many rules with patterns are put one after another.
const LONGEST_CHAIN: usize = 8;

/// Deepest that targets need others.
const DEEPEST: usize = 1000;

/// What became of a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was as it should be.
    Current,
    Made,
    Failed,
}

impl Outcome {
    pub fn is_ok(self) -> bool {
        self != Self::Failed
    }
}

/// The environment that commands get.
fn environment(make: &mut Make) -> Result<Vec<(String, String)>, Stop> {
    let mut known: HashMap<String, Origin> = HashMap::new();
    for (name, variable) in make.variables.iter().chain(make.scopes.iter().flatten()) {
        known.insert(name.clone(), variable.origin);
    }
    let mut all = vec![];
    for (name, origin) in known {
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
        // What came from the environment goes back there with the value that it has now.
        let from_there = std::env::var_os(&name).is_some() && name != "SHELL";
        let chosen = make.exported.get(&name).copied();
        let by_itself = from_there
            || origin == Origin::CommandLine
            || make.exports_all && matches!(origin, Origin::File | Origin::Override);
        if is_name && chosen.unwrap_or(by_itself) && !matches!(name.as_str(), "MAKELEVEL" | "MAKEFLAGS") {
            // One that cannot be told is not wanted, unless somebody said so.
            let value = match (make.value(&name), chosen) {
                (Ok(value), _) => value,
                (Err(stop), Some(true)) => return Err(stop),
                (Err(_), _) => continue,
            };
            all.push((name, value));
        }
    }
    let level: usize = make.value("MAKELEVEL")?.parse().unwrap_or(0);
    all.push(("MAKELEVEL".into(), (level + 1).to_string()));
    all.push(("MAKEFLAGS".into(), make.value("MAKEFLAGS")?));
    if !all.iter().any(|(name, _)| name == "SHELL")
        && let Ok(shell) = std::env::var("SHELL")
    {
        all.push(("SHELL".into(), shell));
    }
    Ok(all)
}

fn here() -> Option<String> {
    std::env::current_dir().ok().map(|path| path.to_text().into_owned())
}

/// The words by which a line is given to the shell.
fn words(make: &mut Make, line: &str) -> Result<Vec<String>, Stop> {
    let shell = make.value("SHELL")?;
    let flags = make.value(".SHELLFLAGS")?;
    let mut words: Vec<String> = shell.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        words.push("/bin/sh".into());
    }
    words.extend(flags.split_whitespace().map(str::to_owned));
    words.push(line.to_owned());
    Ok(words)
}

/// What a command prints, in one line, and its status.
pub fn shell_output(make: &mut Make, command: &str) -> Result<(String, i32), Stop> {
    let words = words(make, command)?;
    let environment = process::environment();
    let started = descriptors::pipe().and_then(|(output, input)| {
        let child = start_with(&words, environment, here(), &[(1, &input)])?;
        Ok((output, child))
    });
    let (output, child) = match started {
        Ok(started) => started,
        Err(errno) => {
            say(&mut io::stderr(), &format!("{}: {}: {}", make.name, words[0], errno_text(errno)));
            return Ok((String::new(), 127));
        }
    };
    let mut bytes = vec![];
    while let Ok(piece) = output.read(1 << 16) {
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    let status = match child.wait() {
        Ok(ExitStatus::Exited(code)) => i32::from(code),
        _ => 1,
    };
    let text = byte_text::decoded(&bytes).replace("\r\n", "\n");
    Ok((text.trim_end_matches('\n').replace('\n', " "), status))
}

fn time(name: &str) -> Option<SystemTime> {
    fs::metadata(name).and_then(|about| about.modified()).ok()
}

/// Why a command failed, as it is told.
fn failure(status: ExitStatus) -> Option<String> {
    match status {
        ExitStatus::Exited(0) => None,
        ExitStatus::Exited(code) => Some(format!("Error {code}")),
        ExitStatus::Signaled(signal) => Some(match signal {
            Signal::Kill => "Killed".into(),
            Signal::Terminate => "Terminated".into(),
            Signal::Interrupt => "Interrupt".into(),
            Signal::Hangup => "Hangup".into(),
            Signal::Quit => "Quit".into(),
            Signal::Abort => "Aborted".into(),
            Signal::SegmentationFault => "Segmentation fault".into(),
            Signal::Pipe => "Broken pipe".into(),
            other => {
                let number =
                    SIGNALS.iter().find(|(.., known)| *known == other).map_or(0, |(_, number, _)| *number);
                format!("Signal {number}")
            }
        }),
    }
}

impl Make {
    fn tell(&self, message: &str) {
        say(&mut io::stderr(), &format!("{}: {message}", self.name));
    }

    /// Makes what is asked for, and gives the exit status.
    pub fn goals(&mut self, goals: &[String]) -> Result<i32, Stop> {
        self.place = None;
        self.done.clear();
        let rules =
            self.targets.values().flat_map(|target| std::iter::once(&target.rule).chain(&target.doubles));
        let named = rules.flat_map(|rule| rule.prerequisites.iter().chain(&rule.order_only));
        self.mentioned = named.chain(self.targets.keys()).chain(goals).cloned().collect();
        let mut status = 0;
        for goal in goals {
            let before = self.ran;
            let outcome = self.update(goal, None)?;
            match outcome {
                Outcome::Failed => {
                    if self.options.keeps_going {
                        let is_own = self.visited_failed(goal);
                        if !is_own {
                            self.tell(&format!("Target '{goal}' not remade because of errors."));
                        }
                        status = TROUBLE;
                        continue;
                    }
                    return Ok(TROUBLE);
                }
                _ if self.options.asks && outcome == Outcome::Made => return Ok(1),
                _ if self.ran == before && !self.options.silent && !self.options.asks => {
                    let target = self.targets.get(goal);
                    let has_recipe = target
                        .is_some_and(|target| target.rule.recipe.is_some() || !target.doubles.is_empty())
                        || target.is_none_or(|target| target.rule.recipe.is_none())
                            && self.implicit(goal, 0, true).is_some();
                    let is_phony = target.is_some_and(|target| target.is_phony);
                    let text = if has_recipe && !is_phony {
                        format!("'{goal}' is up to date.")
                    } else {
                        format!("Nothing to be done for '{goal}'.")
                    };
                    say(&mut io::stdout(), &format!("{}: {text}", self.name));
                }
                _ => {}
            }
        }
        self.remove_temporary();
        Ok(status)
    }

    /// Whether it was the target's own commands that failed, and not what it needs.
    fn visited_failed(&self, goal: &str) -> bool {
        self.special.contains(&format!("failed {goal}"))
    }

    fn remove_temporary(&mut self) {
        let is_kept = |name: &String| {
            self.special.contains(".SECONDARY")
                && self.targets.get(".SECONDARY").is_some_and(|target| target.rule.prerequisites.is_empty())
                || [".SECONDARY", ".PRECIOUS"].iter().any(|list| {
                    self.targets.get(*list).is_some_and(|target| {
                        target
                            .rule
                            .prerequisites
                            .iter()
                            .any(|word| word == name || stem(word, name).is_some())
                    })
                })
        };
        let gone: Vec<String> = self
            .temporary
            .iter()
            .rev()
            .filter(|name| !is_kept(name) && fs::metadata(name).is_ok())
            .cloned()
            .collect();
        if !gone.is_empty() && !self.options.dry {
            if !self.options.silent {
                say(&mut io::stdout(), &format!("rm {}", gone.join(" ")));
            }
            for name in gone {
                let _ = fs::remove_file(name);
            }
        }
        self.temporary.clear();
    }

    pub fn can_be_made(&self, name: &str) -> bool {
        self.targets.contains_key(name) || self.implicit(name, 0, true).is_some()
    }

    /// The rule by a pattern for a target: one whose prerequisites are there, or can be made where `chains`.
    fn implicit(&self, name: &str, depth: usize, chains: bool) -> Option<Rule> {
        let mut found: Vec<(usize, usize, Rule)> = vec![];
        for (at, pattern) in self.patterns.iter().enumerate() {
            for target in &pattern.targets {
                let (path, bare) = if target.contains('/') {
                    (String::new(), name.to_owned())
                } else {
                    let path = directory(name);
                    (if name.contains('/') { path } else { String::new() }, file(name))
                };
                let Some(stem) = stem(target, &bare).filter(|stem| !stem.is_empty()) else { continue };
                let made = |word: &String| match word.contains('%') {
                    true => format!("{path}{}", word.replacen('%', stem, 1)),
                    false => word.clone(),
                };
                let rule = Rule {
                    prerequisites: pattern.rule.prerequisites.iter().map(made).collect(),
                    order_only: pattern.rule.order_only.iter().map(made).collect(),
                    recipe: pattern.rule.recipe.clone(),
                    stem: Some(format!("{path}{stem}")),
                };
                found.push((stem.len(), at, rule));
            }
        }
        // The shortest stem is the best, then the first rule.
        found.sort_by_key(|(length, at, _)| (*length, *at));
        let is_there = |word: &String| self.targets.contains_key(word) || fs::metadata(word).is_ok();
        let all = |rule: &Rule, fits: &dyn Fn(&String) -> bool| {
            rule.prerequisites.iter().chain(&rule.order_only).all(fits)
        };
        if let Some((.., rule)) = found.iter().find(|(.., rule)| all(rule, &is_there)) {
            return Some(rule.clone());
        }
        if !chains || depth >= LONGEST_CHAIN {
            return None;
        }
        let can_be = |word: &String| is_there(word) || self.implicit(word, depth + 1, true).is_some();
        // A rule for everything is no link of a chain.
        let mut chained = found.into_iter().filter(|(.., rule)| rule.stem.as_deref() != Some(name));
        chained.find(|(.., rule)| all(rule, &can_be)).map(|(.., rule)| rule)
    }

    /// Makes a target if it is out of date.
    pub fn update(&mut self, name: &str, parent: Option<&str>) -> Result<Outcome, Stop> {
        if let Some(outcome) = self.done.get(name) {
            return Ok(*outcome);
        }
        if self.visiting.len() >= DEEPEST {
            return Err(Stop("*** Targets need each other too deeply.  Stop.".into()));
        }
        self.visiting.push(name.to_owned());
        let outcome = self.update_here(name, parent);
        self.visiting.pop();
        if let Ok(outcome) = &outcome {
            self.done.insert(name.to_owned(), *outcome);
        }
        outcome
    }

    fn update_here(&mut self, name: &str, parent: Option<&str>) -> Result<Outcome, Stop> {
        let target = self.targets.get(name).cloned();
        let is_phony = target.as_ref().is_some_and(|target| target.is_phony);
        let mut rules = vec![];
        let mut is_temporary = false;
        match &target {
            Some(target) if !target.doubles.is_empty() => rules.extend(target.doubles.iter().cloned()),
            Some(target) if target.rule.recipe.is_some() => rules.push(target.rule.clone()),
            known => {
                let own = known.as_ref().map(|target| target.rule.clone());
                let found = if is_phony { None } else { self.implicit(name, 0, true) };
                match (found, own) {
                    (Some(mut found), own) => {
                        is_temporary = !self.mentioned.contains(name) && fs::metadata(name).is_err();
                        if let Some(own) = own {
                            found.prerequisites.extend(own.prerequisites);
                            found.order_only.extend(own.order_only);
                        }
                        rules.push(found);
                    }
                    (None, Some(own)) => rules.push(own),
                    (None, None) if fs::symlink_metadata(name).is_ok() => return Ok(Outcome::Current),
                    (None, None) => {
                        match self.targets.get(".DEFAULT").and_then(|target| target.rule.recipe.clone()) {
                            Some(recipe) => rules.push(Rule { recipe: Some(recipe), ..Rule::default() }),
                            None => return self.no_rule(name, parent),
                        }
                    }
                }
            }
        }
        self.scopes.push(HashMap::new());
        let exported = self.exported.clone();
        let outcome =
            self.enter(name, target.as_ref().map(|target| target.assignments.clone()).unwrap_or_default());
        let outcome = outcome.and_then(|()| {
            let mut whole = Outcome::Current;
            for rule in &rules {
                match self.update_by(
                    name,
                    rule,
                    is_phony,
                    rules.len() > 1 || target.as_ref().is_some_and(|target| !target.doubles.is_empty()),
                )? {
                    Outcome::Failed => return Ok(Outcome::Failed),
                    Outcome::Made => whole = Outcome::Made,
                    Outcome::Current => {}
                }
            }
            Ok(whole)
        });
        self.scopes.pop();
        self.exported = exported;
        if is_temporary && matches!(outcome, Ok(Outcome::Made)) {
            self.temporary.push(name.to_owned());
        }
        outcome
    }

    fn no_rule(&mut self, name: &str, parent: Option<&str>) -> Result<Outcome, Stop> {
        let needed = parent.map(|parent| format!(", needed by '{parent}'")).unwrap_or_default();
        let text = format!("*** No rule to make target '{name}'{needed}.");
        if !self.options.keeps_going {
            return Err(Stop(format!("{text}  Stop.")));
        }
        self.tell(&text);
        self.special.insert(format!("failed {name}"));
        Ok(Outcome::Failed)
    }

    /// Sets the variables of a target, which hold for what it needs, too.
    fn enter(&mut self, name: &str, own: Vec<super::Assignment>) -> Result<(), Stop> {
        let by_pattern = self.pattern_assignments.iter().filter(|(pattern, _)| stem(pattern, name).is_some());
        let all: Vec<_> = by_pattern.map(|(_, assignment)| assignment.clone()).chain(own).collect();
        for assignment in all {
            let variable = assignment.name.clone();
            let before = self.variable(&variable).cloned();
            let fixed = before
                .as_ref()
                .is_some_and(|before| before.origin == Origin::CommandLine && !assignment.overrides);
            if fixed || assignment.operator == "?=" && before.is_some() {
                continue;
            }
            if assignment.exports {
                self.exported.insert(variable.clone(), true);
            }
            let made = self.assigned(before, &assignment.operator, &assignment.value, Origin::File)?;
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(variable, made);
            }
        }
        Ok(())
    }

    fn update_by(
        &mut self,
        name: &str,
        rule: &Rule,
        is_phony: bool,
        is_double: bool,
    ) -> Result<Outcome, Stop> {
        let (mut newer, mut all_made) = (vec![], true);
        let mut kept = vec![];
        let own = if is_phony { None } else { time(name) };
        let mut is_needed =
            own.is_none() || self.options.always || is_double && rule.prerequisites.is_empty();
        let order = rule.order_only.iter().map(|word| (word, true));
        for (word, is_order) in rule.prerequisites.iter().map(|word| (word, false)).chain(order) {
            if self.visiting.contains(word) {
                self.tell(&format!("Circular {name} <- {word} dependency dropped."));
                continue;
            }
            // What is only on the way need not be there where all is as new as what it is for.
            if own.is_some() && !self.options.always && time(word).is_none() && self.is_settled(word, own, 0)
            {
                kept.push(word.clone());
                continue;
            }
            let outcome = self.update(word, Some(name))?;
            if outcome == Outcome::Failed {
                if !self.options.keeps_going {
                    return Ok(Outcome::Failed);
                }
                all_made = false;
            }
            if is_order {
                continue;
            }
            kept.push(word.clone());
            let there = time(word);
            let is_newer = outcome == Outcome::Made
                && (there.is_none() || self.options.dry || own.is_none() || there >= own)
                || there > own && own.is_some()
                || own.is_none();
            if is_newer {
                is_needed = true;
                newer.push(word.clone());
            }
        }
        if !all_made {
            return Ok(Outcome::Failed);
        }
        if !is_needed {
            return Ok(Outcome::Current);
        }
        let Some(recipe) = rule.recipe.clone().filter(|recipe| !recipe.lines.is_empty()) else {
            // What nothing makes counts as made where it is not there or what it needs was made.
            let is_made = own.is_none() || !newer.is_empty();
            return Ok(if is_made { Outcome::Made } else { Outcome::Current });
        };
        if self.options.asks {
            return Ok(Outcome::Made);
        }
        self.scopes.push(automatic(name, rule, &kept, &newer));
        let outcome = self.run(name, &recipe);
        self.scopes.pop();
        outcome
    }

    /// Whether a file is no newer than that time, or is only on the way and what it would be made of is not.
    fn is_settled(&self, name: &str, than: Option<SystemTime>, depth: usize) -> bool {
        if let Some(there) = time(name) {
            return Some(there) <= than
                && !self.done.get(name).is_some_and(|outcome| *outcome == Outcome::Made);
        }
        if self.mentioned.contains(name) || depth >= LONGEST_CHAIN {
            return false;
        }
        let rule = self.implicit(name, 0, true);
        rule.is_some_and(|rule| rule.prerequisites.iter().all(|word| self.is_settled(word, than, depth + 1)))
    }

    /// Runs the commands of a rule.
    fn run(&mut self, name: &str, recipe: &Rc<Recipe>) -> Result<Outcome, Stop> {
        let mut lines = vec![];
        for (number, text) in &recipe.lines {
            self.place = Some((recipe.file.clone(), *number));
            let is_always = text.trim_start_matches([' ', '\t', '@', '-']).starts_with('+')
                || text.contains("$(MAKE)")
                || text.contains("${MAKE}");
            let expanded = self.expand(text)?;
            for line in split(&expanded) {
                lines.push((*number, line, is_always));
            }
        }
        self.place = None;
        if self.special.contains(".ONESHELL") && lines.len() > 1 {
            let (number, is_always) = (lines[0].0, lines[0].2);
            let whole = lines.iter().map(|(_, line, _)| line.as_str()).collect::<Vec<_>>().join("\n");
            lines = vec![(number, whole, is_always)];
        }
        if self.options.touches {
            say(&mut io::stdout(), &format!("touch {name}"));
            self.ran += 1;
            let opened = fs::OpenOptions::new().create(true).append(true).open(name);
            let _ = opened.and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(Outcome::Made);
        }
        for (number, line, is_always) in lines {
            let mut rest = line.trim_start();
            let (mut quiet, mut ignores) = (false, false);
            while let Some(prefix) = rest.chars().next().filter(|first| matches!(first, '@' | '-' | '+')) {
                quiet |= prefix == '@';
                ignores |= prefix == '-';
                rest = rest[1..].trim_start();
            }
            self.ran += 1;
            if rest.is_empty() {
                continue;
            }
            let lists = |make: &Self, list: &str| {
                make.targets.get(list).is_some_and(|target| {
                    target.rule.prerequisites.is_empty()
                        || target.rule.prerequisites.iter().any(|word| word == name)
                })
            };
            quiet |= self.options.silent || lists(self, ".SILENT");
            ignores |= self.options.ignores || lists(self, ".IGNORE");
            let only_shows = self.options.dry && !is_always;
            if !quiet || self.options.dry {
                say(&mut io::stdout(), rest);
            }
            if only_shows {
                continue;
            }
            let words = words(self, rest)?;
            let environment = environment(self)?;
            let status = start_with(&words, environment, here(), &[]).and_then(|child| child.wait());
            let why = match status {
                Ok(status) => failure(status),
                Err(errno) => {
                    self.tell(&format!("{}: {}", words[0], errno_text(errno)));
                    Some("Error 127".into())
                }
            };
            let Some(why) = why else { continue };
            let place = format!("[{}:{number}: {name}] {why}", recipe.file);
            if ignores {
                if !self.options.silent {
                    self.tell(&format!("{place} (ignored)"));
                }
                continue;
            }
            self.tell(&format!("*** {place}"));
            self.special.insert(format!("failed {name}"));
            if self.special.contains(".DELETE_ON_ERROR")
                && fs::metadata(name).is_ok_and(|about| about.is_file())
            {
                self.tell(&format!("*** Deleting file '{name}'"));
                let _ = fs::remove_file(name);
            }
            return Ok(Outcome::Failed);
        }
        Ok(Outcome::Made)
    }
}

/// The variables that tell a rule's commands what they are about.
fn automatic(
    name: &str,
    rule: &Rule,
    prerequisites: &[String],
    newer: &[String],
) -> HashMap<String, Variable> {
    let mut once: Vec<&str> = vec![];
    for word in prerequisites {
        if !once.contains(&word.as_str()) {
            once.push(word);
        }
    }
    let mut new: Vec<&str> = vec![];
    for word in newer {
        if !new.contains(&word.as_str()) {
            new.push(word);
        }
    }
    let stem = rule.stem.clone().unwrap_or_default();
    let values = [
        ("@", name.to_owned()),
        ("<", prerequisites.first().cloned().unwrap_or_default()),
        ("^", once.join(" ")),
        ("+", prerequisites.join(" ")),
        ("?", new.join(" ")),
        ("|", rule.order_only.join(" ")),
        ("*", stem),
        ("%", String::new()),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Variable::simple(&value, Origin::Automatic)))
        .collect()
}

/// The lines of commands: where one ends with a backslash the next belongs to it.
fn split(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    let mut continues = false;
    for line in text.split('\n') {
        match lines.last_mut().filter(|_| continues) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => lines.push(line.to_owned()),
        }
        continues = (line.len() - line.trim_end_matches('\\').len()) % 2 == 1;
    }
    lines
}
