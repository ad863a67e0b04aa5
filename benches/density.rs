//! How many VMs one machine makes in a second, and what a thousand of them cost that have run something and now do
//! nothing. Through the Rust client over a supervisor in this process; the enclosure is on.
//!
//! Usage: density [--vms N] [--json]; started by `run.sh`. Memory figures need root: workers are not dumpable.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::client::{Client, Embedded, Error, Vm};
use cordon::config::CreateVmConfig;
use cordon::supervisor::{Supervisor, SupervisorOptions};
use serde_json::json;

/// VMs that are made, used and disposed of to tell the rate.
const TURNOVER: usize = 1000;
/// How many are under way at once.
const LANES: usize = 4;
const SETTLE: Duration = Duration::from_secs(2);
const KIB: f64 = 1024.0;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = match arguments.iter().position(|argument| argument == "--vms") {
        Some(at) => arguments.get(at + 1).ok_or("--vms needs a number")?.parse()?,
        None => 1000,
    };
    let supervisor = Supervisor::new(SupervisorOptions { warm: 0, ..SupervisorOptions::find()? });
    supervisor.warm_up().await;
    let client = Arc::new(Client::connect(&Embedded(supervisor)).await?);
    turnover(&client, TURNOVER / 10).await?;
    let rate = turnover(&client, TURNOVER).await?;

    let before = available()?;
    let start = Instant::now();
    let vms = idle(&client, count).await?;
    let seconds = start.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    let taken = before - available()?;
    let workers: Vec<Memory> = workers()?.into_iter().filter_map(memory).collect();
    let median = |of: fn(&Memory) -> f64| {
        let mut list: Vec<f64> = workers.iter().map(of).collect();
        list.sort_by(f64::total_cmp);
        list.get(list.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let idle = json!({
        "vms": vms.len(),
        "seconds": seconds,
        "bytes": taken,
        "private": median(|memory| memory.private),
        "pageTables": median(|memory| memory.page_tables),
        "pss": median(|memory| memory.pss),
    });
    let figures = json!({ "density": { "perSecond": rate, "idle": idle } });
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{figures:#}");
    } else {
        println!("{rate:.0} VMs made, used and disposed of in a second");
        println!("{} idle VMs after {seconds:.2} s, {:.0} MiB in all", vms.len(), taken / KIB / KIB);
        println!(
            "one of them: private {:.0} KiB, page tables {:.0} KiB, PSS {:.0} KiB",
            median(|memory| memory.private) / KIB,
            median(|memory| memory.page_tables) / KIB,
            median(|memory| memory.pss) / KIB
        );
    }
    Ok(())
}

/// Makes, uses and disposes of so many VMs; how many in a second.
async fn turnover(client: &Arc<Client>, count: usize) -> Result<f64, Error> {
    let start = Instant::now();
    lanes(client, count, |vm| async move { vm.dispose().await }).await?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Makes and uses so many VMs, and keeps them.
async fn idle(client: &Arc<Client>, count: usize) -> Result<Vec<Vm>, Error> {
    lanes(client, count, |vm| async move { Ok(vm) }).await
}

async fn lanes<T, F>(client: &Arc<Client>, count: usize, then: fn(Vm) -> F) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let client = client.clone();
        lanes.spawn(async move {
            let mut made = Vec::new();
            for _ in (lane..count).step_by(LANES) {
                let vm = client.create_vm(CreateVmConfig::default()).await?;
                let sum: u32 = vm.evaluate("1 + 2").await?;
                assert_eq!(sum, 3);
                made.push(then(vm).await?);
            }
            Ok::<_, Error>(made)
        });
    }
    let mut all = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        all.extend(lane.expect("a lane does not panic")?);
    }
    Ok(all)
}

/// Bytes of one process.
struct Memory {
    private: f64,
    page_tables: f64,
    pss: f64,
}

fn memory(pid: u32) -> Option<Memory> {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<f64>().ok()? * KIB)
    };
    Some(Memory {
        private: field("smaps_rollup", "Private_Dirty")?,
        page_tables: field("status", "VmPTE")?,
        pss: field("smaps_rollup", "Pss")?,
    })
}

/// The workers below this process.
fn workers() -> std::io::Result<Vec<u32>> {
    let mut parents = HashMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((before, after)) = stat.rsplit_once(") ") else { continue };
        let parent = after.split(' ').nth(1).and_then(|parent| parent.parse::<u32>().ok()).unwrap_or(0);
        parents.insert(pid, (parent, before.ends_with("(cordon-worker")));
    }
    let own = std::process::id();
    let is_below = |pid: u32| {
        let ancestors = std::iter::successors(Some(pid), |pid| parents.get(pid).map(|(parent, _)| *parent));
        ancestors.take_while(|pid| *pid > 1).any(|pid| pid == own)
    };
    Ok(parents
        .iter()
        .filter(|(pid, (_, is_worker))| *is_worker && is_below(**pid))
        .map(|(pid, _)| *pid)
        .collect())
}

/// Memory that the machine has left, in bytes.
fn available() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).ok_or("no MemAvailable")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * KIB)
}
