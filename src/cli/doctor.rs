//! `cordon doctor`: what is installed, which engine a VM gets, what encloses it.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use super::session::supervisor_of;
use crate::client::Error;
use crate::supervisor::{CommandCache, Installation, Probe, TemplateLimits};
use protocol::config::{Access, CreateVmConfig};
use protocol::enclosure::EnclosureReport;
use protocol::engine::EngineReport;

/// What was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Findings {
    version: &'static str,
    installation: String,
    kernel: String,
    pid_namespace: bool,
    command_modules: Vec<String>,
    /// Whether programs that guests make can be compiled, where they are allowed.
    guest_compiler: bool,
    /// Whether VMs have npm.
    npm: bool,
    /// What encloses the process that has sockets to the world; else why there is none, and no VM has a network.
    network: Network,
    command_cache: Cache,
    profiles: Vec<Profile>,
}

/// The network process.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    #[serde(skip_serializing_if = "Option::is_none")]
    enclosure: Option<EnclosureReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Where commands' native code is kept.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    /// None: in memory, or nowhere. With a reason: nothing more can be kept there.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    /// Whether commands can be run.
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Cache {
    fn of(found: Result<CommandCache, Error>) -> Self {
        match found {
            Ok(CommandCache::Directory(path)) => {
                Cache { directory: Some(path.display().to_string()), usable: true, reason: None, hint: None }
            }
            Ok(CommandCache::Unwritable { directory, reason, hint }) => Cache {
                directory: Some(directory.display().to_string()),
                usable: true,
                reason: Some(reason),
                hint: Some(hint),
            },
            Ok(CommandCache::Memory { reason, hint }) => {
                Cache { directory: None, usable: true, reason: Some(reason), hint: Some(hint) }
            }
            Err(error) => {
                Cache { directory: None, usable: false, reason: Some(error.message), hint: error.hint }
            }
        }
    }
}

/// One way to run a VM.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    permissions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EngineReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enclosure: Option<EnclosureReport>,
    /// Whether workers are forked from a template.
    forked: bool,
    /// Why they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_forked: Option<Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    /// Whether workers find their library compiled, without which each executed one and each template compiles it.
    library_code: bool,
    /// Why they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_library_code: Option<Error>,
}

/// Looks, and prints. Exits with 1 if the default VM cannot be had.
pub(super) async fn doctor(json: bool) -> Result<u8, Error> {
    let installation = Installation::find()?;
    // What it looks at does not wait for commands to be compiled.
    let without = installation.clone().without_commands();
    let supervisor = supervisor_of(without, 0, Some(TemplateLimits::default()));
    let mut profiles = Vec::new();
    for (permissions, web_assembly, jit) in [
        ("webAssembly: deny (default)", Access::Deny, Access::Allow),
        ("webAssembly: deny, jit: deny", Access::Deny, Access::Deny),
        ("webAssembly: allow", Access::Allow, Access::Allow),
    ] {
        let mut config = CreateVmConfig::default();
        config.permissions.web_assembly = web_assembly;
        config.permissions.jit = jit;
        let permissions = permissions.to_owned();
        let library = installation.check_library(&config);
        let (library_code, no_library_code) = (library.is_ok(), library.err());
        profiles.push(match supervisor.probe(&config).await {
            Ok(Probe { engine, enclosure, forked }) => Profile {
                permissions,
                engine: Some(engine),
                enclosure: Some(enclosure),
                forked: forked.is_ok(),
                not_forked: forked.err(),
                error: None,
                library_code,
                no_library_code,
            },
            Err(error) => Profile {
                permissions,
                engine: None,
                enclosure: None,
                forked: false,
                not_forked: None,
                error: Some(error),
                library_code,
                no_library_code: None,
            },
        });
    }
    let uname = rustix::system::uname();
    let findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        installation: installation.directory().display().to_string(),
        kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
        pid_namespace: supervisor.has_pid_namespace().unwrap_or(false),
        command_modules: installation.command_modules().into_iter().map(|(name, _)| name).collect(),
        guest_compiler: installation.has_compiler(),
        npm: installation.has_npm(),
        network: match supervisor.probe_network().await {
            Ok(enclosure) => Network { enclosure: Some(enclosure), reason: None },
            Err(error) => Network { enclosure: None, reason: Some(error.message) },
        },
        command_cache: Cache::of(supervisor.command_cache()),
        profiles,
    };
    let mut stdout = std::io::stdout().lock();
    let _ = if json {
        serde_json::to_writer_pretty(&mut stdout, &findings)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(stdout))
    } else {
        let colours = stdout.is_terminal();
        print(&mut stdout, &findings, &Marks::new(colours))
    };
    Ok(u8::from(findings.profiles[0].error.is_some()))
}

/// What stands before a line.
struct Marks {
    good: &'static str,
    bad: &'static str,
}

impl Marks {
    fn new(colours: bool) -> Self {
        match colours {
            true => Marks { good: "\x1b[32m✓\x1b[0m", bad: "\x1b[33m✗\x1b[0m" },
            false => Marks { good: "ok ", bad: "no " },
        }
    }

    fn of(&self, good: bool) -> &'static str {
        if good { self.good } else { self.bad }
    }
}

fn print(out: &mut impl Write, findings: &Findings, marks: &Marks) -> std::io::Result<()> {
    writeln!(out, "cordon {} in {}, {}", findings.version, findings.installation, findings.kernel)?;
    let pid = if findings.pid_namespace {
        "workers end with their launcher, by PID namespace"
    } else {
        "no PID namespace: workers end when their channel closes"
    };
    writeln!(out, "{} {pid}", marks.of(findings.pid_namespace))?;
    let commands = findings.command_modules.join(", ");
    match findings.command_modules.is_empty() {
        true => writeln!(
            out,
            "{} no command modules: `sh` and coreutils are missing; build them with `make build`",
            marks.bad
        )?,
        false => writeln!(out, "{} command modules: {commands}", marks.good)?,
    }
    if !findings.guest_compiler {
        let lacking =
            "cordon-compiler is missing: no WebAssembly that a guest has made can be run as a program";
        writeln!(out, "{} {lacking}; build it with `make build`", marks.bad)?;
    }
    if !findings.npm {
        writeln!(out, "{} npm is missing: VMs cannot install packages; get it with `make build`", marks.bad)?;
    }
    let cache = &findings.command_cache;
    match (&cache.directory, &cache.reason) {
        (Some(directory), None) => {
            writeln!(out, "{} commands' native code is kept in {directory}", marks.good)?;
        }
        (directory, reason) => {
            let so = match (cache.usable, directory) {
                (true, Some(directory)) => format!(
                    "commands' native code cannot be kept in {directory}; what is not there is compiled by each process"
                ),
                (true, None) => {
                    "commands' native code is held in memory and compiled by each process".to_owned()
                }
                (false, _) => "commands cannot be run".to_owned(),
            };
            writeln!(out, "{} {so}: {}", marks.bad, reason.as_deref().unwrap_or_default())?;
            if let Some(hint) = &cache.hint {
                writeln!(out, "      {hint}")?;
            }
        }
    }
    match (&findings.network.enclosure, &findings.network.reason) {
        (Some(enclosure), _) => {
            let missing: Vec<String> = enclosure
                .layers
                .iter()
                .filter(|layer| layer.missing.is_some())
                .map(|layer| layer.name.to_string())
                .collect();
            let so = match missing.is_empty() {
                true => "by every layer".to_owned(),
                false => format!("without {}", missing.join(", ")),
            };
            let line = format!("the network process is enclosed {so}");
            writeln!(out, "{} {line}", marks.of(missing.is_empty()))?;
        }
        (None, reason) => writeln!(
            out,
            "{} no network for VMs that are allowed one: {}; build it with `make build`",
            marks.bad,
            reason.as_deref().unwrap_or_default()
        )?,
    }
    for profile in &findings.profiles {
        writeln!(out, "\n{}", profile.permissions)?;
        if let Some(error) = &profile.error {
            writeln!(out, "  {} {}", marks.bad, error.message)?;
            if let Some(hint) = &error.hint {
                writeln!(out, "      {hint}")?;
            }
        }
        if let Some(engine) = &profile.engine {
            let wasm = format!("{:?}", engine.wasm).to_lowercase();
            writeln!(
                out,
                "  engine: V8 {}, WebAssembly {wasm}, jit {}, V8 sandbox {}, pointer compression {}; Wasmtime {}",
                engine.v8,
                on(engine.jit),
                on(engine.sandbox),
                on(engine.pointer_compression),
                engine.wasmtime,
            )?;
        }
        match &profile.not_forked {
            None if profile.forked => writeln!(out, "  {} workers are forked from a template", marks.good)?,
            None => {}
            Some(error) => writeln!(
                out,
                "  {} workers are executed, which takes some ten milliseconds each, and not forked: {}",
                marks.bad, error.message
            )?,
        }
        match &profile.no_library_code {
            None if profile.library_code => writeln!(out, "  {} the library's code is compiled", marks.good)?,
            None => {}
            Some(error) => {
                writeln!(out, "  {} programs start more slowly: {}", marks.bad, error.message)?;
                if let Some(hint) = &error.hint {
                    writeln!(out, "      {hint}")?;
                }
            }
        }
        for layer in profile.enclosure.iter().flat_map(|enclosure| &enclosure.layers) {
            match layer.missing.as_ref().or(layer.partial.as_ref()) {
                Some(reason) if layer.missing.is_none() => {
                    writeln!(out, "  {} {}: {} (in part: {reason})", marks.good, layer.name, layer.keeps)?;
                }
                None => writeln!(out, "  {} {}: {}", marks.good, layer.name, layer.keeps)?,
                Some(reason) => writeln!(out, "  {} {}: {} ({reason})", marks.bad, layer.name, layer.keeps)?,
            }
        }
    }
    Ok(())
}

fn on(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}
