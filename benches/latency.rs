//! Latencies through the Rust client over a supervisor in this process: what `typescript.mjs` measures, by the same
//! names, without Node and without a sidecar between.
//!
//! Usage: latency [--samples N] [--json]; started by `run.sh`. The installation is the one that `CORDON_WORKER_DIR`
//! names.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cordon::client::{Client, Context, Embedded, Error, Vm};
use cordon::config::CreateVmConfig;
use cordon::supervisor::{Supervisor, SupervisorOptions};
use cordon::wire::ExecutionOptions;
use serde::Serialize;
use serde_json::json;

const WARM_UPS: usize = 10;
/// Warm workers to keep; what `cordon serve` has by default.
const WARM: usize = 2;
/// How long a refilled pool is left to itself before the next sample.
const SETTLE: Duration = Duration::from_millis(60);
const PIPELINE: &str = "seq 1 100 | sort -rn | head -n 3";

/// Milliseconds by measure and side.
type Samples = BTreeMap<&'static str, BTreeMap<&'static str, Vec<f64>>>;

struct Arguments {
    samples: usize,
    json: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments { samples: 30, json: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => found.json = true,
            "--samples" => {
                let number =
                    arguments.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                found.samples = number.ok_or("--samples needs a positive number")?;
            }
            other => return Err(format!("unknown argument {other:?}")),
        }
    }
    Ok(found)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = arguments()?;
    // On a task, as what serves requests is: the future of `main` has a thread of its own.
    let samples = tokio::spawn(measured(arguments.samples)).await??;
    let measures: BTreeMap<_, BTreeMap<_, _>> = samples
        .iter()
        .map(|(name, sides)| (name, sides.iter().map(|(side, list)| (side, Summary::of(list))).collect()))
        .collect();
    if arguments.json {
        println!("{:#}", json!({ "measures": measures }));
        return Ok(());
    }
    for (name, sides) in measures {
        for (side, Summary { median, p95, min, max, .. }) in sides {
            println!("{name:20} {side:14} {median:9.3} ms ({min:.3} - {max:.3}), p95 {p95:.3}");
        }
    }
    Ok(())
}

async fn measured(count: usize) -> Result<Samples, Error> {
    let mut samples = Samples::new();
    one_shot(count, &mut samples).await?;
    first_command(count, &mut samples).await?;
    in_live_vm(count, &mut samples).await?;
    Ok(samples)
}

/// One evaluation in a VM of its own, from a warm worker and from a cold one in turns.
async fn one_shot(count: usize, samples: &mut Samples) -> Result<(), Error> {
    let (warm, cold) = (supervisor(WARM)?, supervisor(0)?);
    for supervisor in [&warm, &cold] {
        supervisor.warm_up().await;
    }
    let warm_client = Client::connect(&Embedded(warm.clone())).await?;
    let cold_client = Client::connect(&Embedded(cold)).await?;
    for client in [&warm_client, &cold_client] {
        evaluated(client).await?;
    }
    for round in 0..count + WARM_UPS {
        for (side, client) in [("embedded", &warm_client), ("embeddedCold", &cold_client)] {
            while warm.warm_workers() < WARM {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(SETTLE).await;
            let start = Instant::now();
            evaluated(client).await?;
            keep(samples, "oneShot", side, round, start);
        }
    }
    Ok(())
}

async fn evaluated(client: &Client) -> Result<(), Error> {
    let vm = client.create_vm(CreateVmConfig::default()).await?;
    let sum: u32 = vm.evaluate("1 + 2").await?;
    vm.dispose().await?;
    assert_eq!(sum, 3);
    Ok(())
}

/// The first command of a VM that has done nothing before.
async fn first_command(count: usize, samples: &mut Samples) -> Result<(), Error> {
    let supervisor = supervisor(WARM)?;
    supervisor.warm_up().await;
    let client = Client::connect(&Embedded(supervisor)).await?;
    for round in 0..count + WARM_UPS {
        tokio::time::sleep(SETTLE).await;
        let vm = client.create_vm(CreateVmConfig::default()).await?;
        let start = Instant::now();
        assert_eq!(output(&vm, "true", &[]).await?, "");
        keep(samples, "firstTrue", "embedded", round, start);
        vm.dispose().await?;
    }
    Ok(())
}

/// Calls in a VM that lives.
async fn in_live_vm(count: usize, samples: &mut Samples) -> Result<(), Error> {
    let supervisor = supervisor(0)?;
    supervisor.warm_up().await;
    let client = Client::connect(&Embedded(supervisor)).await?;
    let vm = client.create_vm(CreateVmConfig::default()).await?;
    let context = vm.create_context().await?;
    for name in ["evaluate", "evaluateInContext", "true", "shellEcho", "pipeline"] {
        for round in 0..count + WARM_UPS {
            tokio::time::sleep(SETTLE).await;
            let start = Instant::now();
            call(name, &vm, &context).await?;
            keep(samples, name, "embedded", round, start);
        }
    }
    vm.dispose().await
}

async fn call(name: &str, vm: &Vm, context: &Context<'_>) -> Result<(), Error> {
    match name {
        "evaluate" => assert_eq!(vm.evaluate::<u32>("1 + 2").await?, 3),
        "evaluateInContext" => assert_eq!(context.evaluate::<u32>("1 + 2").await?, 3),
        "true" => assert_eq!(output(vm, "true", &[]).await?, ""),
        "shellEcho" => assert_eq!(output(vm, "sh", &["-c", "echo hi"]).await?, "hi\n"),
        "pipeline" => assert_eq!(output(vm, "sh", &["-c", PIPELINE]).await?, "100\n99\n98\n"),
        other => unreachable!("no measure {other}"),
    }
    Ok(())
}

async fn output(vm: &Vm, command: &str, args: &[&str]) -> Result<String, Error> {
    let result = vm.spawn(command, args, ExecutionOptions::default()).await?;
    match result.error {
        None => Ok(result.stdout.to_text()),
        Some(error) => Err(error),
    }
}

fn supervisor(warm: usize) -> Result<Supervisor, Error> {
    Ok(Supervisor::new(SupervisorOptions { warm, ..SupervisorOptions::find()? }))
}

fn keep(samples: &mut Samples, name: &'static str, side: &'static str, round: usize, start: Instant) {
    let took = start.elapsed().as_secs_f64() * 1e3;
    if round >= WARM_UPS {
        samples.entry(name).or_default().entry(side).or_default().push(took);
    }
}

/// What `lib/statistics.mjs` makes of samples.
#[derive(Serialize)]
struct Summary<'a> {
    median: f64,
    p95: f64,
    min: f64,
    max: f64,
    n: usize,
    samples: &'a [f64],
}

impl Summary<'_> {
    fn of(samples: &[f64]) -> Summary<'_> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        let p95 = sorted[(sorted.len() * 95).div_ceil(100) - 1];
        Summary { median, p95, min: sorted[0], max: sorted[sorted.len() - 1], n: sorted.len(), samples }
    }
}
