//! Packages for the programs of a VM: npm runs in the VM, under its permissions; archives that it has downloaded are kept
//! outside for the next one. What the VM says of itself on the way (lockfiles, its cache) decides nothing but what is
//! handed over, and archives are handed over by the digest of what they are.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Error;
use super::lockfile::{self, LOCKFILE_BYTES_MAX, LockedPackage};
use super::npm_cache::{self, ARCHIVE_BYTES_MAX, Digest, NPM_CACHE_BYTES, NpmCache};
use super::vm::Vm;
use protocol::abi::NPM_DIRECTORY;
use protocol::wire::{Bytes, ExecutionOptions, ExecutionResult, FileKind, Outcome, code};

const NODE: &str = "/usr/local/bin/node";
/// Where npm has its cache in a VM: where it would have it by itself, and where that may not be written to.
const GUEST_CACHES: [&str; 2] = ["/home/user/.npm", "/tmp/.npm"];
/// Says in which of these npm can have its cache, if in any, and the directory of the project.
const LOOK_AROUND: &str = r#"for cache; do
    own=$cache/_cacache
    { mkdir -p $own/tmp $own/content-v2/sha512 && made=$(mktemp -p $own/tmp) && rm $made; } 2>/dev/null && break
    cache=
done
echo $cache; pwd"#;
/// What is read of a VM's cache after one installation, in bytes, before the rest is left to the next.
const COLLECTED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Packages of one call.
const PACKAGES_MAX: usize = 1024;

/// npm in a VM; see [`Vm::npm`].
#[derive(Clone, Copy)]
pub struct Npm<'vm> {
    vm: &'vm Vm,
}

/// How packages are installed.
#[derive(Clone, Debug, Default)]
pub struct InstallOptions {
    /// Runs the scripts that the project and its packages have for being installed. None runs unless this is set.
    pub allow_scripts: bool,
    /// Installs exactly what the project's lockfile names, or nothing: `npm ci`.
    pub lockfile_only: bool,
    /// Of what is resolved anew, takes no version that was published in the last so many days.
    pub min_release_age: Option<u32>,
    /// Leaves out what is for development alone.
    pub omit_dev: bool,
    /// The registry, an http or https URL. The VM's `permissions.network` has to allow it.
    pub registry: Option<String>,
    /// Where downloaded archives are kept for other VMs.
    pub cache: PackageCache,
    /// The most bytes that are kept there; what was used least recently goes. 2 GiB when left out.
    pub cache_bytes: Option<u64>,
    /// Environment, directory of the project and time of the whole. Arguments and standard input are npm's.
    pub options: ExecutionOptions,
}

/// Where downloaded archives are kept.
#[derive(Clone, Debug, Default)]
pub enum PackageCache {
    /// In `npm` in `$CORDON_CACHE_DIR`, else in `$XDG_CACHE_HOME/cordon` or `~/.cache/cordon`.
    #[default]
    Default,
    /// In this directory of this machine.
    Directory(PathBuf),
    /// Nowhere.
    Off,
}

/// A package that was installed, as the VM tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it lies beneath the project: `node_modules/express`.
    pub path: String,
}

/// What became of an installation.
#[derive(Clone, Debug)]
pub struct Installation {
    /// How npm ended.
    pub result: ExecutionResult,
    /// All packages of the project that are there now, if it went well.
    pub installed: Vec<InstalledPackage>,
    /// Archives that the VM was handed from the cache.
    pub used: usize,
    /// Archives that the cache was given.
    pub added: usize,
}

impl Vm {
    /// Packages for the VM's programs.
    pub fn npm(&self) -> Npm<'_> {
        Npm { vm: self }
    }
}

impl Npm<'_> {
    /// Installs packages (`express`, `zod@^4`) into the project in the directory of the options, or, without any, what
    /// its `package.json` names. Needs the platform `node` and a registry that `permissions.network` allows.
    ///
    /// # Errors
    /// There is no npm in the VM, the options contradict each other, or the VM or the connection ended. A bad exit code
    /// is in the result.
    pub async fn install(&self, packages: &[&str], options: InstallOptions) -> Result<Installation, Error> {
        if packages.len() > PACKAGES_MAX {
            return Err(Error::new(code::LIMIT, format!("more than {PACKAGES_MAX} packages")));
        }
        if options.lockfile_only && !packages.is_empty() {
            return Err(Error::new(code::CONFIG, "with lockfile_only no packages can be named"));
        }
        let flags = flags(&options)?;
        let cache = cache(&options);
        let end = options.options.timeout_ms.map(|time| Instant::now() + Duration::from_millis(time));
        self.check().await?;

        let Place { cwd, cache: guest } = self.look_around(options.options.cwd.clone()).await?;
        let common = [format!("--prefix={cwd}"), format!("--cache={guest}")].into_iter().chain(flags);
        let common: Vec<String> = common.collect();
        let named = || std::iter::once("--").chain(packages.iter().copied());
        let npm = async |command: &str, more: Vec<&str>| {
            let cli = cli();
            let own = [cli.as_str(), command].into_iter().chain(common.iter().map(String::as_str));
            let args: Vec<&str> = own.chain(more).collect();
            let left = end.map(|end| end.saturating_duration_since(Instant::now()).as_millis() as u64);
            let options = ExecutionOptions { timeout_ms: left, ..options.options.clone() };
            self.vm.spawn(NODE, &args, options).await
        };
        let mut installation;
        let mut told = Vec::new();
        if cache.is_some() && !options.lockfile_only {
            // Resolves, and downloads no archive.
            let only = ["--ignore-scripts", "--package-lock-only"].into_iter().chain(named());
            installation = Installation::of(npm("install", only.collect()).await?);
            if !installation.went_well() {
                return Ok(installation);
            }
            told = installation.result.stderr.0;
        }
        let mut locked = Vec::new();
        let mut used = 0;
        if let Some(cache) = &cache {
            let lockfiles = ["npm-shrinkwrap.json", "package-lock.json"].map(|name| format!("{cwd}/{name}"));
            locked = self.lockfile(&lockfiles).await?;
            used = self.provide(cache, guest, &locked).await?;
        }
        installation = Installation::of(match &cache {
            _ if options.lockfile_only => npm("ci", Vec::new()).await?,
            None => npm("install", named().collect()).await?,
            Some(_) => npm("install", vec!["--prefer-offline"]).await?,
        });
        installation.used = used;
        if let Some(cache) = &cache {
            installation.added = self.collect(cache, guest, &locked).await?;
        }
        if installation.went_well() {
            let there = self.lockfile(&[format!("{cwd}/node_modules/.package-lock.json")]).await?;
            let told = there.into_iter();
            installation.installed = told
                .map(|LockedPackage { path, name, version, .. }| InstalledPackage { name, version, path })
                .collect();
        }
        told.append(&mut installation.result.stderr.0);
        installation.result.stderr = Bytes(told);
        Ok(installation)
    }

    /// Runs a script of the project's `package.json`: `npm run SCRIPT -- ARGS`, with the arguments of the options.
    ///
    /// # Errors
    /// There is no npm in the VM, or the VM or the connection ended. A bad exit code is in the result.
    pub async fn run(&self, script: &str, options: ExecutionOptions) -> Result<ExecutionResult, Error> {
        self.check().await?;
        let cli = cli();
        let own = [&cli, "run", "--", script].into_iter();
        let args: Vec<&str> = own.chain(options.args.iter().map(String::as_str)).collect();
        self.vm.spawn(NODE, &args, options.clone()).await
    }

    async fn check(&self) -> Result<(), Error> {
        match self.vm.stat(&cli()).await {
            Ok(_) => Ok(()),
            Err(error) if is_of_the_vm(&error) => {
                let text = format!("there is no npm in this VM: {} is missing", cli());
                let hint = "npm is part of the platform `node`, of an installation that `make build` has made, and of VMs \
                            without a mount at its place";
                Err(Error::new(code::NOT_INSTALLED, text).hint(hint))
            }
            Err(error) => Err(error),
        }
    }

    /// Where the project is, and npm's cache.
    async fn look_around(&self, cwd: Option<String>) -> Result<Place, Error> {
        let args = ["-c", LOOK_AROUND, "npm"].into_iter().chain(GUEST_CACHES);
        let options = ExecutionOptions { cwd, ..Default::default() };
        let result = self.vm.spawn("sh", &args.collect::<Vec<_>>(), options).await?;
        let text = String::from_utf8_lossy(&result.stdout.0);
        let (cache, cwd) = text.split_once('\n').unwrap_or_default();
        let cwd = cwd.strip_suffix('\n').unwrap_or(cwd).to_owned();
        if !cwd.starts_with('/') || result.exit_code != Some(0) {
            let why = String::from_utf8_lossy(&result.stderr.0).into_owned();
            let text = format!("the directory of the project cannot be found: {why}");
            return Err(result.error.unwrap_or_else(|| Error::new(code::NOT_FOUND, text)));
        }
        let cache = GUEST_CACHES.into_iter().find(|known| *known == cache).unwrap_or(GUEST_CACHES[0]);
        Ok(Place { cwd, cache })
    }

    /// The packages of the first of these lockfiles that is there.
    async fn lockfile(&self, paths: &[String]) -> Result<Vec<LockedPackage>, Error> {
        for path in paths {
            match self.vm.read_within(path, LOCKFILE_BYTES_MAX).await {
                Ok(text) => return Ok(lockfile::parse(&text)),
                Err(error) if is_of_the_vm(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    /// Puts into the VM's cache what it will look for there.
    async fn provide(&self, cache: &NpmCache, guest: &str, locked: &[LockedPackage]) -> Result<usize, Error> {
        let mut used = 0;
        for digest in lockfile::digests(locked) {
            let path = place(guest, &digest);
            if self.size_of(&path).await?.is_some() {
                continue;
            }
            let Some(contents) = on_disk(cache, move |cache| cache.take(&digest)).await? else { continue };
            let folder = path.rsplit_once('/').map_or(guest, |(folder, _)| folder);
            let made = match self.vm.mkdir(folder, true).await {
                Ok(()) => self.vm.write_file(&path, contents).await,
                Err(error) => Err(error),
            };
            match made {
                Ok(()) => used += 1,
                // No room, or no place: npm downloads the rest.
                Err(error) if is_of_the_vm(&error) => {
                    let _ = self.vm.remove(&path, false).await;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(used)
    }

    /// Keeps what the VM has downloaded of what its lockfile names.
    async fn collect(&self, cache: &NpmCache, guest: &str, locked: &[LockedPackage]) -> Result<usize, Error> {
        let mut added = 0;
        let mut left = COLLECTED_BYTES_MAX;
        for digest in lockfile::digests(locked) {
            if on_disk(cache, move |cache| cache.has(&digest)).await? {
                continue;
            }
            let path = place(guest, &digest);
            let fits = |size: &u64| *size <= ARCHIVE_BYTES_MAX.min(left);
            let Some(size) = self.size_of(&path).await?.filter(fits) else { continue };
            left -= size;
            // It may have become another file meanwhile: whatever is read is looked at, and no more of it is read.
            match self.vm.read_within(&path, size).await {
                Ok(contents) => {
                    let kept = on_disk(cache, move |cache| cache.keep(&digest, &contents)).await?;
                    added += usize::from(kept);
                }
                Err(error) if is_of_the_vm(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if added > 0 {
            on_disk(cache, NpmCache::trim).await?;
        }
        Ok(added)
    }

    /// The length of a file of the VM, if it is one and no link.
    async fn size_of(&self, path: &str) -> Result<Option<u64>, Error> {
        match self.vm.lstat(path).await {
            Ok(status) => Ok((status.kind == FileKind::File).then_some(status.size)),
            Err(error) if is_of_the_vm(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Where something is installed in a VM.
struct Place {
    cwd: String,
    cache: &'static str,
}

impl Installation {
    fn of(result: ExecutionResult) -> Self {
        Installation { result, installed: Vec::new(), used: 0, added: 0 }
    }

    fn went_well(&self) -> bool {
        self.result.outcome == Outcome::Succeeded && self.result.exit_code == Some(0)
    }
}

fn cli() -> String {
    format!("{NPM_DIRECTORY}/bin/npm-cli.js")
}

fn place(guest: &str, digest: &Digest) -> String {
    format!("{guest}/_cacache/content-v2/{}", digest.place())
}

fn cache(options: &InstallOptions) -> Option<NpmCache> {
    let directory = match &options.cache {
        PackageCache::Default => npm_cache::default_directory()?,
        PackageCache::Directory(directory) => directory.clone(),
        PackageCache::Off => return None,
    };
    Some(NpmCache::new(directory, options.cache_bytes.unwrap_or(NPM_CACHE_BYTES)))
}

fn flags(options: &InstallOptions) -> Result<Vec<String>, Error> {
    let scripts = options.allow_scripts;
    let mut flags: Vec<String> = vec![
        "--global=false".to_owned(),
        "--package-lock=true".to_owned(),
        "--audit=false".to_owned(),
        "--fund=false".to_owned(),
        "--progress=false".to_owned(),
        // Over whatever the project's own .npmrc says.
        format!("--ignore-scripts={}", !scripts),
        format!("--dangerously-allow-all-scripts={scripts}"),
    ];
    if options.omit_dev {
        flags.push("--omit=dev".to_owned());
    }
    if let Some(days) = options.min_release_age {
        flags.push(format!("--min-release-age={days}"));
    }
    if let Some(registry) = &options.registry {
        if !["http://", "https://"].iter().any(|scheme| registry.starts_with(scheme)) {
            return Err(Error::new(code::CONFIG, "registry must be an http or https URL").field("registry"));
        }
        flags.push(format!("--registry={registry}"));
    }
    Ok(flags)
}

/// Has the cache do something where it may wait for the disk.
async fn on_disk<T: Send + 'static>(
    cache: &NpmCache,
    work: impl FnOnce(&NpmCache) -> T + Send + 'static,
) -> Result<T, Error> {
    let cache = cache.clone();
    let done = tokio::task::spawn_blocking(move || work(&cache)).await;
    done.map_err(|error| Error::new(code::INTERNAL, error.to_string()))
}

/// What a file of the VM is, or that it is none, is an errno or a limit; all else is the call's error.
fn is_of_the_vm(error: &Error) -> bool {
    let is_errno =
        error.code.starts_with('E') && error.code.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric());
    is_errno || error.code == code::LIMIT
}
