//! The command line of the program `node`: what it is to run, and what the program is told of it.

use isolate::library::{Format, Language, SourceOptions, Work};

/// Options whose value is the argument behind them.
const WITH_VALUE: &[&str] = &[
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "-C",
    "--conditions",
    "--input-type",
    "--title",
    "--icu-data-dir",
    "--redirect-warnings",
    "--disable-warning",
    "--localstorage-file",
    "--env-file",
    "--env-file-if-exists",
    "--test-concurrency",
    "--test-isolation",
    "--test-name-pattern",
    "--test-reporter",
    "--test-reporter-destination",
    "--test-shard",
    "--test-skip-pattern",
    "--test-timeout",
    "--stack-trace-limit",
    "--unhandled-rejections",
    "--dns-result-order",
];

/// A command line, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// `process.execArgv`.
    pub options: Vec<String>,
    /// `process.argv` after the first.
    pub arguments: Vec<String>,
    program: Program,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Program {
    File(String),
    Text {
        source: String,
        prints: bool,
    },
    Version,
    Wrong(String),
    /// Whatever comes at the standard input.
    #[default]
    Input,
}

impl CommandLine {
    pub fn read(argv: &[String]) -> CommandLine {
        let mut line = CommandLine::default();
        let mut rest = argv.iter().skip(1);
        let mut text = None;
        let mut prints = false;
        let mut first = None;
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            match name {
                "--" => {
                    first = rest.next().cloned();
                    break;
                }
                "-v" | "--version" => {
                    line.program = Program::Version;
                    return line;
                }
                "-e" | "--eval" | "-p" | "--print" | "-pe" => {
                    line.options.push(argument.clone());
                    prints |= name != "-e" && name != "--eval";
                    match value.or_else(|| rest.next().cloned()) {
                        Some(source) => {
                            line.options.push(source.clone());
                            text = Some(source);
                        }
                        None => {
                            line.program = Program::Wrong(format!("{argument} requires an argument"));
                            return line;
                        }
                    }
                }
                _ if !name.starts_with('-') || name == "-" => {
                    first = Some(argument.clone());
                    break;
                }
                _ => {
                    line.options.push(argument.clone());
                    if WITH_VALUE.contains(&name) && value.is_none() {
                        line.options.extend(rest.next().cloned());
                    }
                }
            }
        }
        let arguments = rest.cloned();
        match (text, first) {
            (Some(source), first) => {
                line.arguments.extend(first);
                line.program = Program::Text { source, prints };
            }
            (None, Some(file)) if file != "-" => {
                line.arguments.push(file.clone());
                line.program = Program::File(file);
            }
            (None, first) => line.arguments.extend(first),
        }
        line.arguments.extend(arguments);
        line
    }

    /// The value of an option, the last one if it is given more than once.
    fn value_of(&self, name: &str) -> Option<&str> {
        let mut behind = self.options.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1].as_str());
        let mut within =
            self.options.iter().filter_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        within.next_back().or_else(|| behind.next_back())
    }

    /// What is to be run.
    pub fn work(self) -> Work {
        let kind = self.value_of("--input-type").unwrap_or("commonjs");
        let options = SourceOptions {
            format: Some(if kind.starts_with("module") { Format::Module } else { Format::Script }),
            language: kind.ends_with("-typescript").then_some(Language::TypeScript),
            ..SourceOptions::default()
        };
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        if self.options.iter().any(|option| option == "--test") {
            // What is to be run are the arguments, and the library's own part of the job.
            return Work::Execute { source: String::new(), options };
        }
        let source = match self.program {
            Program::File(path) => return Work::ExecuteFile { path, options: SourceOptions::default() },
            Program::Text { source, prints: false } => source,
            Program::Text { source, prints: true } => {
                format!("console.log((0, eval)({}))", quoted(&source))
            }
            Program::Version => "console.log(process.version)".to_owned(),
            Program::Wrong(reason) => {
                let text = quoted(&format!("node: {reason}\n"));
                format!("process.stderr.write({text}); process.exitCode = 9")
            }
            Program::Input => {
                "(0, eval)(require('fs').readFileSync(0, 'utf8') + '\\n//# sourceURL=[stdin]')".to_owned()
            }
        };
        Work::Execute { source, options }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Program};

    fn read(line: &str) -> CommandLine {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        CommandLine::read(&words)
    }

    #[test]
    fn options_come_before_the_file_and_its_arguments_behind_it() {
        let line = read("node --no-warnings -r ./x --title=a main.js -e --flag");
        assert_eq!(line.options, ["--no-warnings", "-r", "./x", "--title=a"]);
        assert_eq!(line.arguments, ["main.js", "-e", "--flag"]);
        assert_eq!(line.program, Program::File("main.js".to_owned()));
    }

    #[test]
    fn text_takes_the_place_of_the_file() {
        let line = read("node -p 1+1 a b");
        assert_eq!(line.arguments, ["a", "b"]);
        assert_eq!(line.program, Program::Text { source: "1+1".to_owned(), prints: true });
        assert_eq!(read("node -e").program, Program::Wrong("-e requires an argument".to_owned()));
        assert_eq!(read("node -v x").program, Program::Version);
    }

    #[test]
    fn without_a_file_the_input_is_run() {
        assert_eq!(read("node").program, Program::Input);
        let line = read("node - a");
        assert_eq!(line.program, Program::Input);
        assert_eq!(line.arguments, ["-", "a"]);
        assert_eq!(read("node -- --odd.js").program, Program::File("--odd.js".to_owned()));
    }
}
