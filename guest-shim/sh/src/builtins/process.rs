//! Builtins around processes and commands: `wait`, `jobs`, `kill`, `command`, `type`.

use std::{rc::Rc, time::Duration};

use super::{declare, find, misuse, print, print_text, quote};
use crate::{
    exec::jobs::Job,
    state::{Outcome, Shell},
    syntax::dialect::Dialect,
    system::{self, signals},
};

/// The status for something that is not ours to wait for.
const UNKNOWN_JOB: i32 = 127;
/// How long it takes at most until `wait -n` sees that a job has ended.
const WAIT_STEP: Duration = Duration::from_millis(2);

impl Shell {
    /// The job that `%1`, `%%` or a process id names.
    fn find_job(&self, text: &str) -> Option<Rc<Job>> {
        let found = match text.strip_prefix('%') {
            Some("" | "%" | "+") => self.jobs.last(),
            Some("-") => self.jobs.iter().rev().nth(1),
            Some(number) => {
                let number = number.parse().ok();
                let by_number = self.jobs.iter().find(|job| Some(job.number) == number);
                by_number.or_else(|| {
                    self.jobs.iter().rev().find(|job| job.command.starts_with(text.trim_start_matches('%')))
                })
            }
            None => {
                let id = text.parse().ok()?;
                self.jobs.iter().find(|job| job.has_process(id))
            }
        };
        found.cloned()
    }
}

/// `wait -n`: for whichever job ends next, with `-p` its number in a variable.
fn wait_next(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut variable = None;
    let mut operands = Vec::new();
    let mut words = arguments[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-n" | "-f" => {}
            "-p" => variable = words.next().cloned(),
            operand => operands.push(operand),
        }
    }
    let candidates: Vec<Rc<Job>> = match operands.as_slice() {
        [] => shell.jobs.clone(),
        operands => operands.iter().filter_map(|operand| shell.find_job(operand)).collect(),
    };
    if candidates.is_empty() {
        return Ok(UNKNOWN_JOB);
    }
    loop {
        if let Some(job) = candidates.iter().find(|job| job.poll().is_some()) {
            let status = job.poll().unwrap_or(0);
            if let Some(variable) = variable {
                shell.assign(&variable, job.id().to_string())?;
            }
            shell.jobs.retain(|known| !Rc::ptr_eq(known, job));
            return Ok(status);
        }
        if let Some(signal) = shell.caught_signal() {
            return Ok(128 + signals::number(signal));
        }
        system::pause(WAIT_STEP);
    }
}

pub fn wait(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let outcome = wait_for_jobs(shell, arguments);
    shell.forget_ended_coprocesses();
    outcome
}

fn wait_for_jobs(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.dialect == Dialect::Bash && arguments.iter().skip(1).any(|word| word == "-n") {
        return wait_next(shell, arguments);
    }
    if arguments.len() == 1 {
        while let Some(job) = shell.jobs.first().cloned() {
            if let Err(status) = wait_for(shell, &job) {
                return Ok(status);
            }
            shell.jobs.remove(0);
        }
        return Ok(0);
    }
    let mut status = 0;
    for operand in &arguments[1..] {
        status = match shell.find_job(operand) {
            // Its status stays known to a later `wait` for the same process.
            Some(job) => match wait_for(shell, &job) {
                Ok(status) => {
                    if operand.starts_with('%') && shell.dialect == Dialect::Bash {
                        shell.jobs.retain(|known| !Rc::ptr_eq(known, &job));
                    }
                    status
                }
                Err(status) => return Ok(status),
            },
            None if !operand.starts_with('%') && operand.parse::<u32>().is_err() => {
                return Ok(misuse(shell, "wait", &format!("Illegal number: {operand}")));
            }
            None => UNKNOWN_JOB,
        };
    }
    Ok(status)
}

/// The status of a job; else the one that says which signal, whose trap will run then, ended the wait.
fn wait_for(shell: &Shell, job: &Job) -> Result<i32, i32> {
    let status = job.wait(|| shell.caught_signal().is_some());
    status.ok_or_else(|| 128 + shell.caught_signal().map_or(0, signals::number))
}

/// The job that an operand names, the last without one. None where there is none, which was reported.
fn job_operand(shell: &Shell, name: &str, operand: Option<&String>) -> Option<Rc<Job>> {
    if shell.control.is_none() {
        shell.report(&format!("{name}: no job control"));
        return None;
    }
    let job = shell.find_job(operand.map_or("%+", String::as_str));
    if job.is_none() {
        shell.report(&format!("{name}: {}: no such job", operand.map_or("current", String::as_str)));
    }
    job
}

pub fn go_on_in_front(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let Some(job) = job_operand(shell, "fg", arguments.get(1)) else { return Ok(1) };
    let text = format!("{}\n", job.command);
    print_text(shell, "fg", &text)?;
    shell.continue_in_front(&job)
}

pub fn go_on_behind(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let Some(job) = job_operand(shell, "bg", arguments.get(1)) else { return Ok(1) };
    shell.continue_behind(&job);
    let text = format!("[{}] {} &\n", job.number, job.command);
    print_text(shell, "bg", &text)
}

pub fn jobs(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.dialect == Dialect::Bash {
        return jobs_of_bash(shell, arguments);
    }
    let only_ids = arguments.get(1).is_some_and(|word| word == "-p");
    let mut listing = String::new();
    for job in &shell.jobs {
        if only_ids {
            listing.push_str(&format!("{}\n", job.id()));
            continue;
        }
        let state = match job.poll() {
            None if job.is_stopped() => "Stopped".to_owned(),
            None => "Running".to_owned(),
            Some(0) => "Done".to_owned(),
            Some(status) => format!("Done({status})"),
        };
        let current = if Some(job.number) == shell.jobs.last().map(|job| job.number) { '+' } else { ' ' };
        listing.push_str(&format!("[{}] {current} {state:<10} {}\n", job.number, job.command));
    }
    shell.jobs.retain(|job| job.poll().is_none());
    print_text(shell, "jobs", &listing)
}

pub fn kill(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut name = "TERM";
    match words.first().map(String::as_str) {
        Some("-l" | "-L") => return list_signals(shell, &words[1..]),
        Some("-s" | "-n") => {
            let Some(given) = words.get(1) else { return Ok(misuse(shell, "kill", "signal name missing")) };
            name = given;
            words = &words[2..];
        }
        Some("--") => words = &words[1..],
        Some(word) if word.len() > 1 && word.starts_with('-') => {
            name = &word[1..];
            words = &words[1..];
        }
        _ => {}
    }
    if words.first().is_some_and(|word| word == "--") {
        words = &words[1..];
    }
    let signal = signals::find(name);
    if signal.is_none() && name != "0" {
        let status = misuse(shell, "kill", &format!("invalid signal number or name: {name}"));
        return Ok(if shell.dialect == Dialect::Bash { 1 } else { status });
    }
    if words.is_empty() {
        return Ok(misuse(shell, "kill", "no process given"));
    }
    // Who has ended and was not waited for is there no more.
    for job in &shell.jobs {
        job.poll();
    }
    let mut status = 0;
    for word in words {
        let ids: Vec<u32> = match (word.strip_prefix('%'), word.parse::<i64>()) {
            (Some(_), _) => shell.find_job(word).iter().flat_map(|job| job.process_ids()).collect(),
            (None, Ok(id)) if id <= 0 => system::process_group(id.unsigned_abs()),
            (None, Ok(id)) => u32::try_from(id).into_iter().collect(),
            (None, Err(_)) => {
                let status = misuse(shell, "kill", &format!("Illegal number: {word}"));
                return Ok(if shell.dialect == Dialect::Bash { 1 } else { status });
            }
        };
        if ids.is_empty() {
            shell.report(&format!("kill: No such process: {word}"));
            status = 1;
        }
        for id in ids {
            let sent = match signal {
                Some(signal) => shell.send(id, signal),
                None => match system::status(&format!("/proc/{id}")) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(system::Errno::Esrch),
                },
            };
            if let Err(errno) = sent {
                shell.report(&format!("kill: {}", system::describe(errno)));
                status = 1;
            }
        }
    }
    Ok(status)
}

/// All names of signals, or the names of numbers and, in bash, the numbers of names.
fn list_signals(shell: &mut Shell, operands: &[String]) -> Outcome {
    if operands.is_empty() {
        let listing: String = signals::names().map(|(name, _)| format!("{name}\n")).collect();
        return print_text(shell, "kill", &listing);
    }
    let bash = shell.dialect == Dialect::Bash;
    let mut status = 0;
    let mut listing = String::new();
    for text in operands {
        let number = text.parse::<i32>().ok().map(|number| if number > 128 { number - 128 } else { number });
        let known = signals::names().find(|(_, code)| Some(*code) == number);
        match (known, signals::find(text)) {
            (Some((name, _)), _) => listing.push_str(&format!("{name}\n")),
            (None, _) if number == Some(0) && bash => listing.push_str("EXIT\n"),
            (None, Some(signal)) if bash && number.is_none() => {
                listing.push_str(&format!("{}\n", signals::number(signal)));
            }
            _ => {
                status = misuse(shell, "kill", &format!("invalid signal number or name: {text}"));
                if bash {
                    status = 1;
                }
            }
        }
    }
    print_text(shell, "kill", &listing)?;
    Ok(status)
}

/// Where the standard utilities are.
pub const STANDARD_PATH: &str = "/bin:/usr/bin";

/// Words of the grammar that can stand where a command can.
const RESERVED: [&str; 18] = [
    "!", "[[", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "then",
    "until", "while", "{", "}",
];

pub fn command(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    let mut verbose = None;
    let mut standard_path = false;
    while let Some((word, rest)) = words.split_first()
        && let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty())
    {
        words = rest;
        if letters == "-" {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'v' => verbose = Some(false),
                'V' => verbose = Some(true),
                'p' => standard_path = true,
                other => return Ok(misuse(shell, "command", &format!("Illegal option -{other}"))),
            }
        }
    }
    let Some(name) = words.first() else { return Ok(0) };
    let (before, remembered) = (shell.variables.clone(), shell.remembered.clone());
    if standard_path {
        shell.assign("PATH", STANDARD_PATH.to_owned())?;
    }
    if let Some(verbose) = verbose {
        let mut status = 0;
        for name in words {
            status = describe_one(shell, name, verbose)?;
        }
        if standard_path {
            (shell.variables, shell.remembered) = (before, remembered);
        }
        return Ok(status);
    }
    let outcome = match find(name, shell.dialect) {
        // What is special about a special builtin does not hold here: an error ends `command` alone.
        Some(builtin) => (builtin.run)(shell, words),
        None => match shell.start_program(words) {
            Ok(child) => Ok(child.wait()),
            Err(status) => Ok(status),
        },
    };
    if standard_path {
        (shell.variables, shell.remembered) = (before, remembered);
    }
    outcome
}

pub fn describe(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut status = 0;
    for name in &arguments[1..] {
        status = describe_one(shell, name, true)?.max(status);
    }
    Ok(status)
}

fn describe_one(shell: &mut Shell, name: &str, verbose: bool) -> Outcome {
    let (plain, sentence) = if RESERVED.contains(&name) {
        (name.to_owned(), format!("{name} is a shell keyword"))
    } else if let Some(value) = shell.aliases.get(name) {
        (format!("alias {name}={}", quote(value)), format!("{name} is an alias for {value}"))
    } else if shell.functions.contains_key(name) {
        (name.to_owned(), format!("{name} is a shell function"))
    } else if let Some(builtin) = find(name, shell.dialect) {
        let kind = if builtin.special { "special shell builtin" } else { "shell builtin" };
        (name.to_owned(), format!("{name} is a {kind}"))
    } else {
        let path = if name.contains('/') {
            system::status(name).is_ok().then(|| name.to_owned())
        } else {
            shell.find_program(name)
        };
        match path {
            Some(path) => (path.clone(), format!("{name} is {path}")),
            None => {
                if shell.dialect == Dialect::Bash {
                    if verbose {
                        shell.report(&format!("command: {name}: not found"));
                    }
                    return Ok(1);
                }
                if verbose {
                    print_text(shell, "type", &format!("{name}: not found\n"))?;
                }
                return Ok(127);
            }
        }
    };
    print_text(shell, "command", &(if verbose { sentence } else { plain } + "\n"))
}

/// `hash -t`: where programs were found.
fn tell_remembered(shell: &mut Shell, names: &[String]) -> Outcome {
    let mut status = 0;
    let mut listing = String::new();
    for name in names {
        match shell.remembered.get(name.as_str()) {
            Some(path) if names.len() > 1 => listing.push_str(&format!("{name}\t{path}\n")),
            Some(path) => listing.push_str(&format!("{path}\n")),
            None => {
                shell.report(&format!("hash: {name}: not found"));
                status = 1;
            }
        }
    }
    Ok(print_text(shell, "hash", &listing)?.max(status))
}

/// `type` of bash, with its options.
pub fn type_of_bash(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let (mut all, mut skips_functions, mut forces_path, mut paths, mut kinds) =
        (false, false, false, false, false);
    let mut words = &arguments[1..];
    while let Some((word, rest)) = words.split_first()
        && let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty())
    {
        words = rest;
        for letter in letters.chars() {
            match letter {
                '-' => {}
                'a' => all = true,
                'f' => skips_functions = true,
                'P' => (forces_path, paths) = (true, true),
                'p' => paths = true,
                't' => kinds = true,
                other => return Ok(misuse(shell, "type", &format!("-{other}: invalid option"))),
            }
        }
    }
    let mut status = 0;
    for name in words {
        // Kind, path where it has one, and sentence.
        let mut found: Vec<(&str, Option<String>, String)> = Vec::new();
        if !forces_path {
            if shell.aliases.contains_key(name.as_str()) && shell.extras.expands_aliases {
                let value = shell.aliases.get(name.as_str()).cloned().unwrap_or_default();
                found.push(("alias", None, format!("{name} is aliased to `{value}'")));
            }
            if RESERVED.contains(&name.as_str())
                || matches!(name.as_str(), "select" | "time" | "]]" | "coproc")
            {
                found.push(("keyword", None, format!("{name} is a shell keyword")));
            }
            if shell.functions.contains_key(name.as_str()) && !skips_functions {
                let function = shell.functions.get(name.as_str());
                let text = function.map(|function| declare::definition(name, function)).unwrap_or_default();
                found.push(("function", None, format!("{name} is a function\n{}", text.trim_end())));
            }
            if find(name, shell.dialect).is_some() {
                found.push(("builtin", None, format!("{name} is a shell builtin")));
            }
        }
        let remembered = shell.remembered.get(name.as_str()).filter(|_| !all);
        let programs: Vec<String> = if let Some(path) = remembered {
            vec![path.to_string()]
        } else if name.contains('/') {
            system::status(name).is_ok().then(|| name.clone()).into_iter().collect()
        } else {
            shell.programs(name).take(if all { usize::MAX } else { 1 }).collect()
        };
        for path in programs {
            let sentence = match remembered {
                Some(path) => format!("{name} is hashed ({path})"),
                None => format!("{name} is {path}"),
            };
            found.push(("file", Some(path), sentence));
        }
        if found.is_empty() {
            if !(paths || kinds) {
                shell.report(&format!("type: {name}: not found"));
            }
            status = 1;
        }
        let shown = if all { found.len() } else { 1 };
        for (kind, path, sentence) in found.into_iter().take(shown) {
            let line = match (kinds, paths, path) {
                (true, _, _) => kind.to_owned(),
                (_, true, Some(path)) => path,
                (_, true, None) => continue,
                _ => sentence,
            };
            print_text(shell, "type", &format!("{line}\n"))?;
        }
    }
    Ok(status)
}

/// Where programs were found: shows it, forgets it, or looks for some ahead.
pub fn hash(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut words = &arguments[1..];
    if words.is_empty() {
        let listing: String = shell.remembered.values().map(|path| format!("{path}\n")).collect();
        return print_text(shell, "hash", &listing);
    }
    while let Some((option, rest)) = words.split_first()
        && option.starts_with('-')
    {
        match option.as_str() {
            "-r" => shell.remembered = Rc::default(),
            "-p" if shell.dialect == Dialect::Bash => {
                let [path, names @ ..] = rest else {
                    return Ok(misuse(shell, "hash", "-p: option requires an argument"));
                };
                for name in names {
                    Rc::make_mut(&mut shell.remembered).insert(name.clone(), path.as_str().into());
                }
                return Ok(0);
            }
            "-l" if shell.dialect == Dialect::Bash => {
                let all = shell.remembered.iter();
                let listing: String =
                    all.map(|(name, path)| format!("builtin hash -p {path} {name}\n")).collect();
                return print_text(shell, "hash", &listing);
            }
            "-t" if shell.dialect == Dialect::Bash && !rest.is_empty() => {
                return tell_remembered(shell, rest);
            }
            "--" | "-v" | "-t" => {}
            "-d" => {
                for name in rest {
                    Rc::make_mut(&mut shell.remembered).remove(name.as_str());
                }
                return Ok(0);
            }
            other => return Ok(misuse(shell, "hash", &format!("Illegal option {other}"))),
        }
        words = rest;
    }
    let mut status = 0;
    for name in words {
        let is_own = find(name, shell.dialect).is_some() || shell.functions.contains_key(name.as_str());
        Rc::make_mut(&mut shell.remembered).remove(name.as_str());
        if !is_own && !name.contains('/') && shell.remembered_program(name).is_none() {
            shell.report(&format!("hash: {name}: not found"));
            status = 1;
        }
    }
    Ok(status)
}

/// Runs a builtin though there is a function of its name.
pub fn builtin(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let words = match arguments.get(1) {
        None => return Ok(0),
        Some(first) if first == "--" => &arguments[2..],
        Some(_) => &arguments[1..],
    };
    let Some(name) = words.first() else { return Ok(0) };
    match find(name, shell.dialect) {
        Some(builtin) => (builtin.run)(shell, words),
        None => {
            shell.report(&format!("builtin: {name}: not a shell builtin"));
            Ok(1)
        }
    }
}

/// A VM has no clock for processor time that a program can read.
pub fn times(shell: &mut Shell, _: &[String]) -> Outcome {
    print(shell, "times", b"0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")
}

/// Limits belong to the VM's configuration; a program can't change them. None leaves its memory behind in a file.
pub fn ulimit(shell: &mut Shell, arguments: &[String]) -> Outcome {
    match arguments.iter().skip(1).map(String::as_str).collect::<Vec<_>>()[..] {
        ["-c"] => return print(shell, "ulimit", b"0\n"),
        ["-c", "0"] => return Ok(0),
        _ => {}
    }
    let sets = arguments.last().is_some_and(|word| word.parse::<u64>().is_ok());
    if sets {
        shell.report("ulimit: limits are set by the VM's configuration");
        return Ok(1);
    }
    print(shell, "ulimit", b"unlimited\n")
}

/// `jobs` in bash's words. A script's jobs are listed while they run; a substitution and a stage of a pipeline list those of
/// the shell around them.
fn jobs_of_bash(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let operands = arguments[1..].iter().skip_while(|word| word.starts_with('-') && word.len() > 1);
    let flags = arguments[1..].iter().take_while(|word| word.starts_with('-') && word.len() > 1);
    let flags: String = flags.map(|word| word.trim_start_matches('-')).collect();
    if let Some(wrong) = flags.chars().find(|flag| !"lnprs".contains(*flag)) {
        let status = misuse(shell, "jobs", &format!("-{wrong}: invalid option"));
        if let Ok(handle) = shell.descriptors.get(2) {
            // Nobody is left to tell otherwise.
            let _ = handle.write_text("jobs: usage: jobs [-lnprs] [jobspec ...] or jobs -x command [args]\n");
        }
        return Ok(status);
    }
    let is_script = shell.control.is_none();
    let all = if shell.jobs.is_empty() { &shell.extras.jobs_around } else { &shell.jobs };
    let known: Vec<Rc<Job>> = all.iter().filter(|job| !is_script || job.poll().is_none()).cloned().collect();
    let mut status = 0;
    let mut listed = vec![];
    for operand in operands {
        match shell.find_job(operand).filter(|job| known.iter().any(|known| Rc::ptr_eq(known, job))) {
            Some(job) => listed.push(job),
            None => {
                shell.report(&format!("jobs: {operand}: no such job"));
                status = 1;
            }
        }
    }
    if listed.is_empty() && status == 0 {
        listed.clone_from(&known);
    }
    let mut listing = String::new();
    for job in listed {
        let is_running = job.poll().is_none() && !job.is_stopped();
        if flags.contains('r') && !is_running || flags.contains('s') && !job.is_stopped() {
            continue;
        }
        if flags.contains('p') {
            listing.push_str(&format!("{}\n", job.process_ids().next().unwrap_or_default()));
            continue;
        }
        let state = match job.poll() {
            None if job.is_stopped() => "Stopped".to_owned(),
            None => "Running".to_owned(),
            Some(0) => "Done".to_owned(),
            Some(status) => format!("Exit {status}"),
        };
        let from_last = known.iter().rev().position(|known| Rc::ptr_eq(known, &job));
        let mark = match from_last {
            Some(0) => '+',
            Some(1) => '-',
            _ => ' ',
        };
        let id = if flags.contains('l') { format!(" {:>5} ", job.id()) } else { " ".to_owned() };
        let behind = if is_running { " &" } else { "" };
        listing.push_str(&format!("[{}]{mark} {id}{state:<24}{}{behind}\n", job.number, job.command));
    }
    if !is_script {
        shell.jobs.retain(|job| job.poll().is_none());
    }
    Ok(print_text(shell, "jobs", &listing)?.max(status))
}

/// bash's `disown`: the shell knows jobs no more.
pub fn disown(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut operands =
        arguments[1..].iter().skip_while(|word| word.starts_with('-') && word.len() > 1).peekable();
    let flags: String = arguments[1..].iter().take_while(|word| word.starts_with('-')).cloned().collect();
    let keeps = flags.contains('h');
    if operands.peek().is_none() && flags.contains(['a', 'r']) {
        if !keeps {
            shell.jobs.retain(|job| !flags.contains('a') && job.is_stopped());
        }
        return Ok(0);
    }
    let operands: Vec<&str> = match operands.peek() {
        Some(_) => operands.map(String::as_str).collect(),
        None => vec!["%+"],
    };
    let mut status = 0;
    for operand in operands {
        match shell.find_job(operand) {
            Some(job) if keeps => drop(job),
            Some(job) => shell.jobs.retain(|known| !Rc::ptr_eq(known, &job)),
            None => {
                let shown = if operand == "%+" { "current" } else { operand };
                shell.report(&format!("disown: {shown}: no such job"));
                status = 1;
            }
        }
    }
    Ok(status)
}
