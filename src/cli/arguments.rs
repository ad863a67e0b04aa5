//! What can be said on the command line, and the configuration that it comes to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use byte_text::ToText;
use bytesize::ByteSize;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::learn;
use super::network;
use super::publish::Published;
use super::secret;
use crate::client::Error;
use crate::supervisor::{TemplateLimits, VMS_MAX};
use protocol::config::{
    Access, CreateVmConfig, Enclosure, Mount, PathRule, PathRules, PathScope, PatternRule, PatternRules,
    PatternScope, Platform, WebAssemblyDenial,
};
use protocol::policy::Pattern;
use protocol::wire::code;

/// Run JavaScript and shell commands that nobody trusts, each VM in an enclosed process of its own.
#[derive(Parser)]
#[command(name = "cordon", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run a JavaScript or TypeScript file; it sees its own folder, read-only, and nothing else of this machine
    Run {
        #[command(flatten)]
        vm: VmArguments,
        /// The file, and its arguments: whatever comes after it is the program's
        #[arg(
            required = true,
            num_args = 1..,
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_parser = bytes(),
            value_names = ["FILE", "ARGS"]
        )]
        program: Vec<String>,
    },
    /// Run Node's own command line; the guest sees the current folder, read-only, and nothing else of this machine
    Node {
        #[command(flatten)]
        vm: VmArguments,
        /// As for `node`: options, a file and its arguments; where there is none, standard input is the program, and a
        /// terminal gets the REPL
        #[arg(
            num_args = 0..,
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_parser = bytes(),
            value_names = ["ARGS"]
        )]
        args: Vec<String>,
    },
    /// Print the value of a JavaScript expression as JSON
    Eval {
        #[command(flatten)]
        vm: VmArguments,
        /// The expression
        #[arg(allow_hyphen_values = true)]
        expression: String,
    },
    /// Run a shell command, or a script from standard input; a terminal gets an interactive shell
    Sh {
        #[command(flatten)]
        vm: VmArguments,
        /// The command, and its name and arguments ($0, $1 and so on): whatever comes after it is the command's
        #[arg(short = 'c', num_args = 1.., value_names = ["COMMAND", "ARGS"], allow_hyphen_values = true, value_parser = bytes())]
        command: Vec<String>,
        /// Arguments of a script from standard input: $1 and so on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_parser = bytes())]
        args: Vec<String>,
    },
    /// Serve clients: on standard input and output, or on a socket that only this user can use
    Serve {
        /// Listen on this Unix socket instead
        #[arg(long, value_name = "PATH")]
        socket: Option<PathBuf>,
        /// Workers to keep warm for each kind of VM in use
        #[arg(long, default_value_t = 2, value_name = "N")]
        warm: usize,
        /// Replace the process that workers are forked from after so many; 0 executes every worker instead
        #[arg(long, default_value_t = TemplateLimits::default().forks, value_name = "N")]
        template_forks: u32,
        /// Replace it after so long
        #[arg(long, value_parser = humantime::parse_duration, default_value = "10min", value_name = "TIME")]
        template_age: Duration,
        /// VMs that one client of the socket may have at once; the sidecar has 1024 for all
        #[arg(long, default_value_t = VMS_MAX / 2, value_name = "N", requires = "socket")]
        connection_vms: usize,
    },
    /// Compile the command modules for this machine now rather than when the first command runs
    Prepare,
    /// Check that modules or components can be commands (see --commands), and compile them for this machine now
    Compile {
        /// Files of WebAssembly
        #[arg(required = true, value_name = "FILE.wasm")]
        modules: Vec<PathBuf>,
    },
    /// Show what is installed here, which engine a VM gets and what encloses it
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct VmArguments {
    /// Give the guest WebAssembly (denied by default)
    #[arg(long)]
    allow_wasm: bool,
    /// Run without just-in-time compilation
    #[arg(long)]
    deny_jit: bool,
    /// Refuse to run unless V8 was built without WebAssembly
    #[arg(long, conflicts_with = "allow_wasm")]
    require_wasm_absent: bool,
    /// Refuse to run with less around the VM's process: `cordon doctor` shows what this machine has [default: strong]
    #[arg(long, value_name = "LEVEL")]
    require_enclosure: Option<EnclosureName>,
    /// Allow a permission scope, or a pattern of it: fs, network, childProcess, process, env, hostFunctions; of network
    /// HOST[:PORT], *.NAME, an address, or https://HOST[/PATH]
    #[arg(long, value_name = "SCOPE[=PATTERN]")]
    allow: Vec<String>,
    /// Deny a permission scope, or a pattern of it
    #[arg(long, value_name = "SCOPE[=PATTERN]")]
    deny: Vec<String>,
    /// Show a host directory in the VM; writable unless it ends in :ro
    #[arg(long, value_name = "HOST:GUEST[:ro]")]
    mount: Vec<String>,
    /// Make commands of the modules in a host directory: tool.wasm is `tool`
    #[arg(long, value_name = "DIRECTORY")]
    commands: Vec<PathBuf>,
    /// Set an environment variable, or pass one on
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Have NAME in the VM's environment stand for a credential that is put into requests to HOST outside the VM; without
    /// =VALUE it is that of the variable NAME here
    #[arg(long, value_name = "NAME[=VALUE]@HOST")]
    secret: Vec<String>,
    /// Trust the certificates in this file of PEM beside those of this machine, where requests over TLS are decided
    #[arg(long, value_name = "FILE")]
    extra_ca_certs: Option<PathBuf>,
    /// Have a port of this machine lead to a server in the VM; on 127.0.0.1 unless an address is named, HOSTPORT 0 takes any
    #[arg(long, value_name = "[ADDRESS:]HOSTPORT:PORT")]
    pub(super) publish: Vec<Published>,
    /// The directory to start in
    #[arg(long, value_name = "PATH")]
    cwd: Option<String>,
    /// End it after this time: 500ms, 10s, 2m
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Memory of the whole VM: 256MiB, 1GiB
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// The globals that JavaScript finds
    #[arg(long)]
    platform: Option<PlatformName>,
    /// Begin with this configuration, a JSON file of the shape of CreateVmConfig
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write decisions over permissions to this file, a line of JSON each, after what is in it; to standard error without a
    /// file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(super) log_decisions: Option<PathBuf>,
    /// Deny nothing of network, childProcess and process but what rules deny, and tell at the end, on standard error or in
    /// this file, the smallest permissions that the run has needed; for code that you trust
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(super) learn: Option<PathBuf>,
    /// Print the whole result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlatformName {
    /// Node's own standard library
    Node,
    /// The web's interfaces, and packages as they are built for browsers
    Browser,
    /// The web's interfaces
    Neutral,
    /// ECMAScript alone
    Bare,
}

#[derive(Clone, Copy, ValueEnum)]
enum EnclosureName {
    /// Every layer, and each of them whole
    Full,
    /// The system call filter, no new privileges, and namespaces or Landlock
    Strong,
    /// What this machine offers
    Any,
}

impl VmArguments {
    /// The configuration: the file's, then what the flags say.
    pub(super) fn config(&self) -> Result<CreateVmConfig, Error> {
        let mut config = match &self.config {
            Some(path) => read(path)?,
            None => CreateVmConfig::default(),
        };
        let permissions = &mut config.permissions;
        if self.allow_wasm {
            permissions.web_assembly = Access::Allow;
        }
        if self.deny_jit {
            permissions.jit = Access::Deny;
        }
        if self.require_wasm_absent {
            config.engine.web_assembly_denial = WebAssemblyDenial::Absent;
        }
        match self.require_enclosure {
            Some(EnclosureName::Full) => config.engine.enclosure = Enclosure::Full,
            Some(EnclosureName::Strong) => config.engine.enclosure = Enclosure::Strong,
            Some(EnclosureName::Any) => config.engine.enclosure = Enclosure::Any,
            None => {}
        }
        // What is denied comes first: the first rule that matches decides.
        let asked = self
            .deny
            .iter()
            .map(|text| (Access::Deny, text))
            .chain(self.allow.iter().map(|text| (Access::Allow, text)));
        for (access, text) in asked {
            apply(&mut config, access, text)?;
        }
        for text in &self.mount {
            config.mounts.push(mount(text)?);
        }
        for directory in &self.commands {
            config.command_directories.push(absolute("--commands", directory)?);
        }
        for text in &self.env {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => match std::env::var(text) {
                    Ok(value) => (text.clone(), value),
                    Err(_) => {
                        return Err(usage(format!("--env {text}: there is no such variable to pass on")));
                    }
                },
            };
            config.env.insert(name, value);
        }
        for text in &self.secret {
            let secret = secret::read(text).map_err(|why| usage(format!("--secret: {why}")))?;
            config.network.secrets.push(secret);
        }
        if let Some(path) = &self.extra_ca_certs {
            let text = std::fs::read_to_string(path)
                .map_err(|error| usage(format!("--extra-ca-certs {}: {error}", path.display())))?;
            config.network.extra_ca_certs = text;
        }
        if let Some(cwd) = &self.cwd {
            config.cwd = cwd.clone();
        }
        if let Some(ByteSize(bytes)) = self.memory {
            config.limits.memory_bytes = bytes;
            // The heap has its part of the memory, unless the configuration says how much.
            config.limits.heap_bytes = config.limits.heap_bytes.min((bytes / 2).max(8 << 20));
        }
        match self.platform {
            Some(PlatformName::Browser) => config.platform = Platform::Browser,
            Some(PlatformName::Neutral) => config.platform = Platform::Neutral,
            Some(PlatformName::Bare) => config.platform = Platform::Bare,
            Some(PlatformName::Node) => config.platform = Platform::Node,
            None => {}
        }
        config.check()?;
        if self.learn.is_some() {
            learn::widen(&mut config)?;
        }
        Ok(config)
    }
}

pub(super) fn usage(message: impl Into<String>) -> Error {
    Error::new(code::CONFIG, message).hint("see `cordon help`")
}

fn read(path: &Path) -> Result<CreateVmConfig, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    let value = serde_json::from_str(&text).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    CreateVmConfig::from_json(&value)
        .map_err(|error| Error { message: format!("{}: {error}", path.display()), ..error.into() })
}

fn apply(config: &mut CreateVmConfig, access: Access, text: &str) -> Result<(), Error> {
    let permissions = &mut config.permissions;
    let (scope, pattern) = match text.split_once('=') {
        Some((scope, pattern)) => (scope, Some(pattern)),
        None => (text, None),
    };
    if scope == "network" {
        return network::add(&mut permissions.network, access, pattern).map_err(usage);
    }
    let pattern = pattern.map(Pattern::new).transpose().map_err(usage)?;
    let names = match scope {
        "webAssembly" | "jit" => {
            if pattern.is_some() {
                return Err(usage(format!("{scope} takes no pattern")));
            }
            if scope == "jit" {
                permissions.jit = access
            } else {
                permissions.web_assembly = access
            }
            return Ok(());
        }
        "fs" => {
            add_path(&mut permissions.fs, access, pattern);
            return Ok(());
        }
        "childProcess" => &mut permissions.child_process,
        "process" => &mut permissions.process,
        "env" => &mut permissions.env,
        "hostFunctions" => &mut permissions.host_functions,
        other => {
            return Err(usage(format!(
                "{other:?} is no permission scope: fs, network, childProcess, process, env, hostFunctions, webAssembly, jit"
            )));
        }
    };
    add_name(names, access, pattern);
    Ok(())
}

fn add_path(scope: &mut PathScope, access: Access, pattern: Option<Pattern>) {
    match (pattern, scope) {
        (None, PathScope::Rules(set)) => set.default = Some(access),
        (None, scope) => *scope = PathScope::Access(access),
        (Some(pattern), scope) => {
            let rule = PathRule { mode: access, operations: None, paths: Some(vec![pattern]) };
            match scope {
                PathScope::Rules(set) => set.rules.push(rule),
                PathScope::Access(default) => {
                    *scope = PathScope::Rules(PathRules { default: Some(*default), rules: vec![rule] });
                }
            }
        }
    }
}

fn add_name(scope: &mut PatternScope, access: Access, pattern: Option<Pattern>) {
    match (pattern, scope) {
        (None, PatternScope::Rules(set)) => set.default = Some(access),
        (None, scope) => *scope = PatternScope::Access(access),
        (Some(pattern), scope) => {
            let rule = PatternRule { mode: access, operations: None, patterns: Some(vec![pattern]) };
            match scope {
                PatternScope::Rules(set) => set.rules.push(rule),
                PatternScope::Access(default) => {
                    *scope = PatternScope::Rules(PatternRules { default: Some(*default), rules: vec![rule] });
                }
            }
        }
    }
}

fn mount(text: &str) -> Result<Mount, Error> {
    let (rest, read_only) = match text.rsplit_once(':') {
        Some((rest, "ro")) => (rest, true),
        Some((rest, "rw")) => (rest, false),
        _ => (text, false),
    };
    let Some((host, guest)) =
        rest.rsplit_once(':').filter(|(host, guest)| !host.is_empty() && !guest.is_empty())
    else {
        return Err(usage(format!("--mount {text}: write HOST:GUEST or HOST:GUEST:ro")));
    };
    let host = absolute("--mount", Path::new(host))?;
    Ok(Mount { host, guest: guest.to_owned(), read_only })
}

/// The absolute path of a directory that an option names.
fn absolute(option: &str, path: &Path) -> Result<String, Error> {
    let wrong = |why: &dyn std::fmt::Display| usage(format!("{option} {}: {why}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| wrong(&error))?;
    absolute.into_os_string().into_string().map_err(|_| wrong(&"not UTF-8"))
}

/// What a guest gets as it is, bytes that are no Unicode too.
fn bytes() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|word| word.to_text().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn config(flags: &[&str]) -> Result<CreateVmConfig, Error> {
        let arguments = [&["cordon", "eval"], flags, &["1"]].concat();
        match Arguments::try_parse_from(arguments).unwrap().command {
            Command::Eval { vm, .. } => vm.config(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_come_to_a_configuration() {
        let config =
            config(&["--allow-wasm", "--deny", "fs=/secret/**", "--mount", "/usr:/u:ro", "--env", "A=b=c"])
                .unwrap();
        assert_eq!(config.permissions.web_assembly, Access::Allow);
        assert!(
            matches!(&config.permissions.fs, PathScope::Rules(set) if set.default == Some(Access::Allow))
        );
        assert_eq!(config.mounts, [Mount { host: "/usr".into(), guest: "/u".into(), read_only: true }]);
        assert_eq!(config.env["A"], "b=c");
    }

    #[test]
    fn contradictions_and_unknown_scopes_are_usage_errors() {
        let wrong = config(&["--allow-wasm", "--deny-jit"]).unwrap_err();
        assert_eq!(wrong.code, code::CONFIG);
        assert!(
            wrong.message.contains("permissions.jit") && wrong.message.contains("permissions.webAssembly")
        );
        assert!(config(&["--allow", "wasm"]).unwrap_err().message.contains("webAssembly"));
        assert!(config(&["--mount", "/usr"]).unwrap_err().message.contains("HOST:GUEST"));
    }
}
