//! `lockport-sim ttlock`: a TTLock cloud and its locks on a loopback port, until the process is ended.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use lockport_sim_ttlock::SimClock;
use lockport_sim_ttlock::alone::{Options, start};

/// How often the simulated clock is set by the machine's.
const TICK: Duration = Duration::from_millis(50);

/// What `lockport-sim ttlock` is told.
#[derive(Debug, Args)]
pub(crate) struct TtlockArgs {
    /// Where to listen, on loopback; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// Seed of all ids, tokens, names and secrets.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The doors, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "201,202,203,204")]
    doors: Vec<String>,
    /// Where callbacks are posted to; plain http.
    #[arg(long)]
    callback: Option<String>,
    /// The time it stands at, in milliseconds since 1970 UTC. Without it the clock follows the machine's.
    #[arg(long)]
    at: Option<i64>,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "an address is IP:PORT".to_owned())?;
    if address.ip().is_loopback() { Ok(address) } else { Err("not a loopback address".into()) }
}

#[expect(clippy::disallowed_methods, reason = "a simulator that stands alone lives by the machine's clock")]
fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Runs a TTLock cloud until the process is ended.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run_ttlock(args: TtlockArgs) -> Result<(), Box<dyn Error>> {
    let clock = SimClock::new(args.at.unwrap_or_else(machine_ms));
    let options =
        Options { listen: args.listen, seed: args.seed, doors: args.doors, callback: args.callback };
    let alone = start(options, clock.clone()).await?;
    let mut out = io::stdout();
    writeln!(out, "listening     {}", alone.sim.base_url())?;
    writeln!(out, "clientId      {}", alone.client_id)?;
    writeln!(out, "clientSecret  {}", alone.client_secret)?;
    writeln!(out, "username      {}", alone.username)?;
    writeln!(out, "password      {}", alone.password)?;
    writeln!(out, "doors and log {}/", alone.sim.base_url())?;
    writeln!(out, "description   {}/openapi.json", alone.sim.base_url())?;
    out.flush()?;
    if args.at.is_some() {
        std::future::pending::<()>().await;
    }
    let mut last_ms = machine_ms();
    loop {
        let _tick = tokio::time::timeout(TICK, std::future::pending::<()>()).await;
        // By steps, so that a clock somebody moved by hand goes on from there.
        let now_ms = machine_ms();
        clock.advance_ms(now_ms.saturating_sub(last_ms));
        last_ms = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::loopback;

    #[test]
    fn only_this_machine_may_call() {
        assert!(loopback("127.0.0.1:8631").is_ok() && loopback("[::1]:0").is_ok());
        assert!(loopback("0.0.0.0:8631").is_err() && loopback("192.0.2.1:8631").is_err());
        assert!(loopback("127.0.0.1").is_err());
    }
}
