//! The command line of the program `node`: what it is to run, and what the program is told of it.

use isolate::library::{SourceOptions, Work};
use serde_json::{Map, Value};

use crate::facts::Facts;
use crate::options::{self, Options, Whose};

/// Options for what a VM has not: a program that asks for them is told so, rather than being run without.
const REFUSED: &[&str] = &[
    "--build-sea",
    "--build-snapshot",
    "--completion-bash",
    "--cpu-prof",
    "--disallow-code-generation-from-strings",
    "--experimental-ffi",
    "--experimental-sea-config",
    "--heap-prof",
    "--inspect",
    "--inspect-brk",
    "--inspect-brk-node",
    "--inspect-wait",
    "--prof-process",
    "--snapshot-blob",
    "--v8-options",
    "--watch",
    "--watch-path",
];

/// V8's own options that are taken and change nothing: what they are about is V8's affair, and no program's result
/// depends on it. No option of a guest's ever reaches V8.
const WITHOUT_EFFECT: &[&str] = &[
    "--concurrent-array-buffer-sweeping",
    "--concurrent-recompilation",
    "--gc-interval",
    "--harmony-import-attributes",
    "--harmony-temporal",
    "--opt",
    "--predictable-gc-schedule",
    "--stack-size",
    "--stress-compaction",
];

/// A command line, read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CommandLine {
    /// `process.execArgv`.
    pub options: Vec<String>,
    /// `process.argv` after the first.
    pub arguments: Vec<String>,
    pub program: Program,
    /// The options that differ from the defaults.
    pub values: Map<String, Value>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Program {
    File(String),
    /// One of the library's own main scripts, `internal/main/...`.
    Script(&'static str),
    Tests,
    Version,
    /// A script of `package.json`, and what it is given.
    Task(String, Vec<String>),
    /// Which scripts there are.
    TaskList,
    /// Nothing, and why.
    Refused(String),
    /// Nobody's to begin.
    #[default]
    Nothing,
}

impl CommandLine {
    /// Reads the arguments of a process, after what its variable `NODE_OPTIONS` says.
    pub fn read(facts: &Facts, argv: &[String], of_environment: &str) -> CommandLine {
        let (name, given) = argv.split_first().map_or(("node", argv), |(name, rest)| (name.as_str(), rest));
        let refused = |reasons: &[String]| {
            let lines: Vec<String> = reasons.iter().map(|reason| format!("{name}: {reason}")).collect();
            CommandLine { program: Program::Refused(lines.join("\n")), ..CommandLine::default() }
        };
        let of_environment = match options::split(of_environment) {
            Ok(words) => options::read(facts, &words, Whose::Environment, Map::new()),
            Err(wrong) => return refused(&[wrong]),
        };
        if !of_environment.errors.is_empty() {
            return refused(&of_environment.errors);
        }
        let mut read = options::read(facts, given, Whose::Program, of_environment.values);
        read.of_v8.extend(of_environment.of_v8);
        if read.errors.first().is_some_and(|error| error == "--run requires an argument") {
            return CommandLine { program: Program::TaskList, ..CommandLine::default() };
        }
        if !read.errors.is_empty() {
            return refused(&read.errors);
        }
        let bad: Vec<String> = read
            .invalid
            .iter()
            .filter(|option| !is_without_effect(option))
            .map(|option| format!("bad option: {option}"))
            .collect();
        if !bad.is_empty() {
            return refused(&bad);
        }
        let (taken, arguments) = given.split_at_checked(read.taken).unwrap_or((given, &[]));
        let taken = if read.has_end { taken.split_last().map_or(taken, |(_, rest)| rest) } else { taken };
        let mut line = CommandLine {
            options: taken.to_vec(),
            arguments: arguments.to_vec(),
            program: what_to_run(&read, arguments, given),
            values: Map::new(),
        };
        // What is asked of Node itself runs nothing.
        let runs = !matches!(line.program, Program::Version | Program::Task(..));
        if runs && let Some(option) = REFUSED.iter().find(|option| is_given(&read, option)) {
            return refused(&[format!("{option} is not supported in a VM")]);
        }
        line.values = read.values;
        line
    }

    /// What is to be run, as the isolate is told of it. All but a file begins by what the command line says.
    pub fn work(self) -> Work {
        match self.program {
            Program::File(path) => Work::ExecuteFile { path, options: SourceOptions::default() },
            _ => Work::Execute { source: String::new(), options: SourceOptions::default() },
        }
    }
}

/// The order in which Node looks at what it has been given.
fn what_to_run(read: &Options, arguments: &[String], given: &[String]) -> Program {
    let first = arguments.first().map(String::as_str);
    let is_interactive = read.is_set("--interactive");
    if read.is_set("--version") {
        return Program::Version;
    }
    if let Some(task) = read.text("--run") {
        let behind = given.iter().skip_while(|argument| *argument != "--").skip(1);
        return Program::Task(task.to_owned(), behind.cloned().collect());
    }
    if read.is_set("--help") {
        return Program::Script("print_help");
    }
    if read.is_set("[has_eval_string]") && !is_interactive {
        return Program::Script("eval_string");
    }
    if read.is_set("--check") {
        return Program::Script("check_syntax");
    }
    if read.is_set("--test") {
        return Program::Tests;
    }
    match first {
        Some(file) if file != "-" && !file.is_empty() => Program::File(file.to_owned()),
        _ if is_interactive => Program::Script("repl"),
        _ => Program::Script("eval_stdin"),
    }
}

fn is_given(read: &Options, option: &str) -> bool {
    match read.values.get(option) {
        None => read.of_v8.iter().any(|one| one == option),
        Some(value) => value.get("value") != Some(&Value::Bool(false)),
    }
}

fn is_without_effect(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default().replace('_', "-");
    let name = match name.strip_prefix("--no") {
        Some(rest) => format!("--{}", rest.trim_start_matches('-')),
        None => name,
    };
    WITHOUT_EFFECT.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Program};
    use crate::facts::Facts;

    fn read(line: &str) -> CommandLine {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        CommandLine::read(&Facts::shared(), &words, "")
    }

    fn refusal(line: &str, of_environment: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match CommandLine::read(&Facts::shared(), &words, of_environment).program {
            Program::Refused(why) => why,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_come_before_the_file_and_its_arguments_behind_it() {
        let line = read("node --no-warnings -r ./x --title=a main.js -e --flag");
        assert_eq!(line.options, ["--no-warnings", "-r", "./x", "--title=a"]);
        assert_eq!(line.arguments, ["main.js", "-e", "--flag"]);
        assert_eq!(line.program, Program::File("main.js".to_owned()));
        assert_eq!(read("node --test-name-pattern x --no-opt a.js").arguments, ["a.js"]);
    }

    #[test]
    fn text_takes_the_place_of_the_file() {
        let line = read("node -p 1+1 a b");
        assert_eq!(line.arguments, ["a", "b"]);
        assert_eq!(line.options, ["-p", "1+1"]);
        assert_eq!(line.program, Program::Script("eval_string"));
        assert_eq!(read("node -v x").program, Program::Version);
    }

    #[test]
    fn without_a_file_the_input_is_run() {
        assert_eq!(read("node").program, Program::Script("eval_stdin"));
        assert_eq!(read("node -i").program, Program::Script("repl"));
        let line = read("node - a");
        assert_eq!(line.program, Program::Script("eval_stdin"));
        assert_eq!(line.arguments, ["-", "a"]);
        let line = read("node --no-warnings -- --odd.js");
        assert_eq!(line.program, Program::File("--odd.js".to_owned()));
        assert_eq!(line.options, ["--no-warnings"]);
    }

    #[test]
    fn scripts_of_package_json_are_given_what_follows_the_marker() {
        let task = |name: &str, arguments: &[&str]| {
            Program::Task(name.to_owned(), arguments.iter().map(|one| (*one).to_owned()).collect())
        };
        assert_eq!(read("node --run x -- a --b").program, task("x", &["a", "--b"]));
        assert_eq!(read("node --run=x a").program, task("x", &[]));
        assert_eq!(read("node --run").program, Program::TaskList);
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        assert_eq!(refusal("node --foo --bar=1 x", ""), "node: bad option: --foo\nnode: bad option: --bar=1");
        assert_eq!(refusal("node -v --foo", ""), "node: bad option: --foo");
        assert_eq!(refusal("node -ep 1", ""), "node: bad option: -ep");
        assert_eq!(refusal("node --allow-natives-syntax x", ""), "node: bad option: --allow-natives-syntax");
        assert_eq!(refusal("node x", "--foo"), "node: --foo is not allowed in NODE_OPTIONS");
        assert_eq!(refusal("node x", "--watch"), "node: --watch is not supported in a VM");
        assert_eq!(
            refusal("node --experimental-ffi x", ""),
            "node: --experimental-ffi is not supported in a VM"
        );
        assert_eq!(refusal("node --inspect-brk=foo x", ""), "node: --inspect-brk is not supported in a VM");
    }
}
