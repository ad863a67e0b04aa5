//! The language of makefiles: lines, conditionals, assignments and rules.

use std::fs;
use std::io::{self, Read};
use std::rc::Rc;

use cordon_multicall::say;
use cordon_vm::byte_text;

use super::text::{outside, stem, wildcard};
use super::{Assignment, Make, Origin, Pattern, Recipe, Rule, Stop, Variable};

/// Deepest that makefiles name others.
const DEEPEST: usize = 100;

/// Name, operator and value of an assignment; none where a line is no assignment.
pub fn assignment(line: &str) -> Option<(String, String, String)> {
    const OPERATORS: [&str; 7] = [":::=", "::=", ":=", "?=", "+=", "!=", "="];
    let found = |rest: &str| OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
    let at = outside(line, |rest| found(rest).is_some() || rest.starts_with(':'))?;
    let operator = found(&line[at..])?;
    let name = line[..at].trim();
    // The blank between words would make it a rule, or nothing.
    if name.is_empty() || outside(name, |rest| rest.starts_with(char::is_whitespace)).is_some() {
        return None;
    }
    let value = line[at + operator.len()..].trim_start();
    Some((name.to_owned(), operator.to_owned(), value.to_owned()))
}

/// Where a comment begins, and the line without it.
fn without_comment(line: &str) -> String {
    let mut made = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('#') {
        let before = &rest[..at];
        let slashes = before.len() - before.trim_end_matches('\\').len();
        if slashes.is_multiple_of(2) {
            made.push_str(&before[..before.len() - slashes / 2]);
            return made;
        }
        made.push_str(&before[..before.len() - slashes.div_ceil(2)]);
        made.push('#');
        rest = &rest[at + 1..];
    }
    made.push_str(rest);
    made
}

/// A condition that is open: whether its part is read, and whether some part was.
struct Condition {
    reads: bool,
    has_read: bool,
    is_else: bool,
}

/// The rule whose commands are read.
#[derive(Default)]
struct Open {
    targets: Vec<String>,
    rule: Rule,
    /// Of static patterns, what each target's prerequisites are made of.
    pattern: Option<(String, Vec<String>)>,
    doubles: bool,
    lines: Vec<(usize, String)>,
    has_recipe: bool,
}

struct Reader<'t> {
    file: String,
    lines: Vec<&'t str>,
    at: usize,
    conditions: Vec<Condition>,
    open: Option<Open>,
}

impl Reader<'_> {
    /// Joins a line with those that continue it.
    fn logical(&mut self) -> String {
        let mut whole = String::new();
        loop {
            let line = self.lines[self.at];
            self.at += 1;
            let slashes = line.len() - line.trim_end_matches('\\').len();
            let text = if whole.is_empty() { line } else { line.trim_start() };
            if slashes.is_multiple_of(2) || self.at >= self.lines.len() {
                whole.push_str(text);
                return whole;
            }
            whole.push_str(text[..text.len() - 1].trim_end());
            whole.push(' ');
        }
    }

    /// The same for a command: what continues stays as it is, but for the tab in front of it.
    fn command(&mut self) -> String {
        let mut whole = self.lines[self.at][1..].to_owned();
        self.at += 1;
        while (whole.len() - whole.trim_end_matches('\\').len()) % 2 == 1 && self.at < self.lines.len() {
            let next = self.lines[self.at];
            self.at += 1;
            whole.push('\n');
            whole.push_str(next.strip_prefix('\t').unwrap_or(next));
        }
        whole
    }
}

impl Make {
    /// Reads a makefile; `false` if it is not there.
    pub fn read_file(&mut self, name: &str, from: Option<&str>) -> Result<bool, Stop> {
        let mut bytes = vec![];
        let outcome = match name {
            "-" if from.is_none() => io::stdin().read_to_end(&mut bytes).map(drop),
            name => fs::read(name).map(|read| bytes = read),
        };
        if outcome.is_err() {
            return Ok(false);
        }
        if let Some(list) = self.variables.get_mut("MAKEFILE_LIST") {
            list.value = format!("{} {name}", list.value);
        }
        let text = byte_text::decode(bytes);
        self.read_text(&text, Some(name))?;
        Ok(true)
    }

    pub fn read_text(&mut self, text: &str, file: Option<&str>) -> Result<(), Stop> {
        if self.depth >= DEEPEST {
            return Err(self.stop("makefiles nest too deeply"));
        }
        let before = self.place.clone();
        let (name, offset) = match (file, &before) {
            (Some(file), _) => (file.to_owned(), 0),
            (None, Some((file, line))) => (file.clone(), line - 1),
            (None, None) => ("command line".to_owned(), 0),
        };
        let mut reader =
            Reader { file: name, lines: text.lines().collect(), at: 0, conditions: vec![], open: None };
        self.depth += 1;
        let outcome = self.read_lines(&mut reader, offset);
        self.depth -= 1;
        outcome?;
        self.place = before;
        Ok(())
    }

    fn read_lines(&mut self, reader: &mut Reader, offset: usize) -> Result<(), Stop> {
        while reader.at < reader.lines.len() {
            let number = reader.at + 1 + offset;
            self.place = Some((reader.file.clone(), number));
            let reads = reader.conditions.iter().all(|condition| condition.reads);
            if reader.lines[reader.at].starts_with('\t') && reader.open.is_some() {
                let command = reader.command();
                if let Some(open) = reader.open.as_mut().filter(|_| reads) {
                    open.lines.push((number, command));
                    open.has_recipe = true;
                }
                continue;
            }
            let raw = reader.logical();
            let line = without_comment(&raw);
            // Blanks at the end belong to the value of a variable.
            let trimmed = line.trim_start();
            if trimmed.trim_end().is_empty() {
                continue;
            }
            let (word, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
            if self.condition(reader, word, rest.trim(), reads)? {
                continue;
            }
            if reads {
                self.statement(reader, trimmed, word, rest.trim(), &raw)?;
            }
        }
        self.place = Some((reader.file.clone(), reader.lines.len() + 1 + offset));
        self.close(reader);
        if !reader.conditions.is_empty() {
            return Err(self.stop("missing 'endif'"));
        }
        Ok(())
    }

    /// Does a line that is about what is read. `false` if it is none.
    fn condition(&mut self, reader: &mut Reader, word: &str, rest: &str, reads: bool) -> Result<bool, Stop> {
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                let holds = reads && self.holds(word, rest)?;
                reader.conditions.push(Condition { reads: holds, has_read: holds || !reads, is_else: false });
            }
            "else" => {
                let Some(mut condition) = reader.conditions.pop() else {
                    return Err(self.stop("extraneous 'else'"));
                };
                if condition.is_else {
                    return Err(self.stop("only one 'else' per conditional"));
                }
                let (next, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                condition.reads = match next {
                    "" => {
                        condition.is_else = true;
                        !condition.has_read
                    }
                    _ if condition.has_read => false,
                    next => self.holds(next, rest.trim())?,
                };
                condition.has_read |= condition.reads;
                reader.conditions.push(condition);
            }
            "endif" => {
                if reader.conditions.pop().is_none() {
                    return Err(self.stop("extraneous 'endif'"));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn holds(&mut self, word: &str, rest: &str) -> Result<bool, Stop> {
        if word == "ifdef" || word == "ifndef" {
            let name = self.expand(rest)?;
            let is_set = self.variable(name.trim()).is_some_and(|variable| !variable.value.is_empty());
            return Ok(is_set == (word == "ifdef"));
        }
        let wrong = |make: &Self| make.stop("invalid syntax in conditional");
        let (left, right) = if let Some(inner) = rest.strip_prefix('(') {
            let inner = inner.strip_suffix(')').ok_or_else(|| wrong(self))?;
            let at = outside(inner, |rest| rest.starts_with(',')).ok_or_else(|| wrong(self))?;
            (inner[..at].trim_end(), inner[at + 1..].trim_start())
        } else {
            let quoted = |text: &str| -> Option<(usize, usize)> {
                let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
                text[1..].find(quote).map(|end| (1, end + 1))
            };
            let first = quoted(rest).ok_or_else(|| wrong(self))?;
            let after = rest[first.1 + 1..].trim_start();
            let second = quoted(after).ok_or_else(|| wrong(self))?;
            (&rest[first.0..first.1], &after[second.0..second.1])
        };
        let is_same = self.expand(left)? == self.expand(right)?;
        match word {
            "ifeq" => Ok(is_same),
            "ifneq" => Ok(!is_same),
            _ => Err(self.stop("extraneous text after 'else' directive")),
        }
    }

    fn statement(
        &mut self,
        reader: &mut Reader,
        line: &str,
        word: &str,
        rest: &str,
        raw: &str,
    ) -> Result<(), Stop> {
        let is_assignment = assignment(line).is_some();
        match word {
            "include" | "-include" | "sinclude" if !is_assignment => {
                self.close(reader);
                return self.include(reader, rest, word == "include");
            }
            "define" if !is_assignment => {
                self.close(reader);
                return self.define(reader, rest, Origin::File);
            }
            "override" if rest.starts_with("define") => {
                self.close(reader);
                return self.define(reader, rest["define".len()..].trim(), Origin::Override);
            }
            "override" => {
                if let Some((name, operator, value)) = assignment(rest) {
                    self.close(reader);
                    return self.assign(&name, &operator, &value, Origin::Override);
                }
            }
            "export" | "unexport" if !is_assignment => {
                self.close(reader);
                return self.export(rest, word == "export");
            }
            "undefine" if !is_assignment => {
                self.close(reader);
                let name = self.expand(rest)?;
                self.variables.remove(name.trim());
                return Ok(());
            }
            "vpath" if !is_assignment => return Err(self.stop("vpath is not supported")),
            _ => {}
        }
        if let Some((name, operator, value)) = assignment(line) {
            self.close(reader);
            return self.assign(&name, &operator, &value, Origin::File);
        }
        self.close(reader);
        self.rule(reader, line, raw)
    }

    fn export(&mut self, rest: &str, exports: bool) -> Result<(), Stop> {
        if let Some((name, operator, value)) = assignment(rest).filter(|_| exports) {
            self.assign(&name, &operator, &value, Origin::File)?;
            let name = self.expand(&name)?;
            self.exported.insert(name, true);
            return Ok(());
        }
        let names = self.expand(rest)?;
        if names.trim().is_empty() {
            self.exports_all = exports;
        }
        for name in names.split_whitespace() {
            self.exported.insert(name.to_owned(), exports);
        }
        Ok(())
    }

    fn include(&mut self, reader: &Reader, rest: &str, must_be: bool) -> Result<(), Stop> {
        let place = self.place.clone();
        for word in self.expand(rest)?.split_whitespace() {
            let found = wildcard(word);
            for name in if found.is_empty() { vec![word.to_owned()] } else { found } {
                self.place.clone_from(&place);
                if !self.read_file(&name, Some(&reader.file))? {
                    let line = place.as_ref().map_or(0, |(_, line)| *line);
                    let message = format!("{}:{line}: {name}: No such file or directory", reader.file);
                    self.missing.push((name, if must_be { message } else { String::new() }));
                }
            }
        }
        self.place = place;
        Ok(())
    }

    /// Makes the makefiles that were not there and can be made. Whether any was.
    pub fn make_missing(&mut self) -> Result<bool, Stop> {
        self.place = None;
        let mut has_made = false;
        for (name, message) in std::mem::take(&mut self.missing) {
            let can_be = self.can_be_made(&name);
            if can_be && self.update(&name, None)?.is_ok() && fs::metadata(&name).is_ok() {
                has_made = true;
            } else if !message.is_empty() {
                say(&mut io::stderr(), &message);
                return Err(Stop(format!("*** No rule to make target '{name}'.  Stop.")));
            }
        }
        Ok(has_made)
    }

    fn define(&mut self, reader: &mut Reader, rest: &str, origin: Origin) -> Result<(), Stop> {
        let (name, operator) = match assignment(rest) {
            Some((name, operator, _)) => (name, operator),
            None => (rest.to_owned(), "=".to_owned()),
        };
        let (mut lines, mut depth) = (vec![], 1);
        while reader.at < reader.lines.len() {
            let line = reader.lines[reader.at];
            reader.at += 1;
            let word = line.split_whitespace().next().unwrap_or_default();
            match word {
                "define" => depth += 1,
                "endef" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return self.assign(&name, &operator, &lines.join("\n"), origin);
            }
            lines.push(line);
        }
        Err(self.stop("missing 'endef', unterminated 'define'"))
    }

    /// Sets a variable, as far as where it comes from allows.
    pub fn assign(&mut self, name: &str, operator: &str, value: &str, origin: Origin) -> Result<(), Stop> {
        let name = self.expand(name)?;
        let name = name.trim();
        if name.is_empty() {
            return Err(self.stop("empty variable name"));
        }
        let before = self.variables.get(name).cloned();
        if let Some(before) = &before {
            let is_kept = before.origin > origin
                || before.origin == Origin::Environment
                    && self.options.environment_wins
                    && origin == Origin::File;
            if is_kept || operator == "?=" {
                return Ok(());
            }
        }
        let made = self.assigned(before, operator, value, origin)?;
        self.variables.insert(name.to_owned(), made);
        Ok(())
    }

    /// The variable that an assignment makes of the one before.
    pub fn assigned(
        &mut self,
        before: Option<Variable>,
        operator: &str,
        value: &str,
        origin: Origin,
    ) -> Result<Variable, Stop> {
        Ok(match (operator, before) {
            ("+=", Some(before)) => {
                let more = if before.recursive { value.to_owned() } else { self.expand(value)? };
                let joined = if before.value.is_empty() { more } else { format!("{} {more}", before.value) };
                Variable { value: joined, recursive: before.recursive, origin: origin.max(before.origin) }
            }
            ("=" | "?=" | "+=", _) => Variable { value: value.to_owned(), recursive: true, origin },
            ("!=", _) => {
                let command = self.expand(value)?;
                let (text, _) = super::run::shell_output(self, &command)?;
                Variable { value: text, recursive: true, origin }
            }
            _ => Variable { value: self.expand(value)?, recursive: false, origin },
        })
    }

    /// Reads the line of a rule, whose commands follow.
    fn rule(&mut self, reader: &mut Reader, line: &str, raw: &str) -> Result<(), Stop> {
        let colon = outside(line, |rest| rest.starts_with(':'));
        let Some(colon) = colon else {
            let whole = self.expand(line)?;
            if whole.trim().is_empty() {
                return Ok(());
            }
            if whole.contains(':') {
                return self.rule(reader, &whole.replace('$', "$$"), "");
            }
            if raw.starts_with('\t') {
                return Err(self.stop("recipe commences before first target"));
            }
            return Err(self.stop("missing separator"));
        };
        let targets = self.expand(&line[..colon])?;
        let targets: Vec<String> = targets
            .split_whitespace()
            .flat_map(
                |word| if word.contains(['*', '?', '[']) { wildcard(word) } else { vec![word.to_owned()] },
            )
            .collect();
        let mut rest = &line[colon + 1..];
        let doubles = rest.starts_with(':');
        if doubles {
            rest = &rest[1..];
        }
        if let Some((name, operator, value)) = assignment(rest.trim()).or_else(|| {
            let (word, inner) = rest.trim().split_once(' ')?;
            if matches!(word, "export" | "override" | "private") { assignment(inner.trim()) } else { None }
        }) {
            let assignment = Assignment {
                name,
                operator,
                value,
                overrides: rest.trim().starts_with("override "),
                exports: rest.trim().starts_with("export "),
            };
            for target in targets {
                if target.contains('%') {
                    self.pattern_assignments.push((target, assignment.clone()));
                } else {
                    self.targets.entry(target).or_default().assignments.push(assignment.clone());
                }
            }
            return Ok(());
        }
        let mut open = Open { targets, doubles, ..Open::default() };
        if let Some(at) = outside(rest, |rest| rest.starts_with(';')) {
            let number = self.place.as_ref().map_or(0, |(_, line)| *line);
            // What looks like a comment there is the command's.
            let whole =
                outside(raw, |rest| rest.starts_with(';')).map_or(&rest[at + 1..], |at| &raw[at + 1..]);
            open.lines.push((number, whole.trim_start().to_owned()));
            open.has_recipe = true;
            rest = &rest[..at];
        }
        let mut parts = rest;
        if let Some(at) = outside(rest, |rest| rest.starts_with(':')) {
            let pattern = self.expand(&rest[..at])?.trim().to_owned();
            let inner = self.expand(&rest[at + 1..])?;
            open.pattern = Some((pattern, inner.split_whitespace().map(str::to_owned).collect()));
            parts = "";
        }
        let expanded = self.expand(parts)?;
        let (normal, order) = expanded.split_once('|').unwrap_or((&expanded, ""));
        let words = |text: &str| -> Vec<String> {
            text.split_whitespace()
                .flat_map(|word| {
                    let found = if word.contains(['*', '?', '[']) { wildcard(word) } else { vec![] };
                    if found.is_empty() { vec![word.to_owned()] } else { found }
                })
                .collect()
        };
        (open.rule.prerequisites, open.rule.order_only) = (words(normal), words(order));
        reader.open = Some(open);
        Ok(())
    }

    /// Takes in the rule that has been read.
    fn close(&mut self, reader: &mut Reader) {
        let Some(open) = reader.open.take() else { return };
        let recipe =
            open.has_recipe.then(|| Rc::new(Recipe { file: reader.file.clone(), lines: open.lines }));
        if open.pattern.is_none() && open.targets.iter().any(|target| target.contains('%')) {
            // One without commands takes back those that were there.
            let is_same = |pattern: &Pattern| {
                pattern.targets == open.targets && pattern.rule.prerequisites == open.rule.prerequisites
            };
            self.patterns.retain(|pattern| !is_same(pattern));
            if recipe.is_some() {
                self.patterns.push(Pattern { targets: open.targets, rule: Rule { recipe, ..open.rule } });
            }
            return;
        }
        for target in &open.targets {
            if let Some(pattern) =
                self.suffix_rule(target).filter(|_| open.rule.prerequisites.is_empty() && recipe.is_some())
            {
                let rule = Rule { prerequisites: vec![pattern.1], recipe: recipe.clone(), ..Rule::default() };
                self.patterns.push(Pattern { targets: vec![pattern.0], rule });
                continue;
            }
            let mut rule = Rule { recipe: recipe.clone(), ..open.rule.clone() };
            if let Some((pattern, inner)) = &open.pattern
                && let Some(stem) = stem(pattern, target)
            {
                rule.prerequisites = inner.iter().map(|word| word.replacen('%', stem, 1)).collect();
                rule.stem = Some(stem.to_owned());
            }
            self.add(target, rule, open.doubles);
        }
    }

    /// The pattern and its prerequisite that a rule of two endings, or of one, stands for.
    fn suffix_rule(&self, target: &str) -> Option<(String, String)> {
        const KNOWN: [&str; 12] =
            [".c", ".o", ".h", ".s", ".a", ".cc", ".cpp", ".y", ".l", ".sh", ".txt", ".html"];
        let own = self
            .targets
            .get(".SUFFIXES")
            .map(|target| target.rule.prerequisites.as_slice())
            .unwrap_or_default();
        let is_known = |ending: &str| KNOWN.contains(&ending) || own.iter().any(|known| known == ending);
        if !target.starts_with('.') || target.contains('/') {
            return None;
        }
        let second = target[1..].find('.').map(|at| at + 1);
        match second {
            Some(at) if is_known(&target[..at]) && is_known(&target[at..]) => {
                Some((format!("%{}", &target[at..]), format!("%{}", &target[..at])))
            }
            None if is_known(target) => Some(("%".into(), format!("%{target}"))),
            _ => None,
        }
    }

    fn add(&mut self, name: &str, rule: Rule, doubles: bool) {
        if name == ".PHONY" {
            for phony in &rule.prerequisites {
                self.targets.entry(phony.clone()).or_default().is_phony = true;
            }
            return;
        }
        let is_special = name.starts_with('.')
            && !name.contains('/')
            && name.len() > 1
            && name[1..].starts_with(char::is_uppercase);
        if is_special {
            self.special.insert(name.to_owned());
        } else if self.first.is_none() && (name.contains('/') || !name.starts_with('.')) {
            self.first = Some(name.to_owned());
        }
        let place = self.place.clone();
        let target = self.targets.entry(name.to_owned()).or_default();
        if doubles {
            target.doubles.push(rule);
            return;
        }
        if let (Some(old), Some(new)) = (&target.rule.recipe, &rule.recipe) {
            let line = |recipe: &Recipe| {
                recipe
                    .lines
                    .first()
                    .map_or_else(|| place.as_ref().map_or(0, |(_, line)| *line), |(line, _)| *line)
            };
            say(
                &mut io::stderr(),
                &format!(
                    "{}:{}: warning: overriding recipe for target '{name}'\n{}:{}: warning: ignoring old recipe for target '{name}'",
                    new.file,
                    line(new),
                    old.file,
                    line(old)
                ),
            );
        }
        if rule.recipe.is_some() {
            // What the rule with the commands names comes first.
            let before = std::mem::replace(&mut target.rule.prerequisites, rule.prerequisites);
            target.rule.prerequisites.extend(before);
            (target.rule.recipe, target.rule.stem) = (rule.recipe, rule.stem);
        } else {
            target.rule.prerequisites.extend(rule.prerequisites);
        }
        target.rule.order_only.extend(rule.order_only);
    }
}
