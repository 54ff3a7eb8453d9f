//! Runs the cloud service on loopback: events in over HTTP, keys in a SQLite file, what is told as JSON lines on standard output.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser;
use lockport::Secret;
use lockport::event::Envelope;
use lockport_examples::cloud_service::{Bus, Service, serve};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::host::{real_env, wire};
use tokio::net::TcpListener;

/// Serves a hotel's keys on loopback until it is told to stop.
#[derive(Debug, Parser)]
struct Arguments {
    /// The hotel; its vendors are mocks.
    #[arg(long, value_name = "FILE")]
    hotel: PathBuf,
    /// Where the state is kept, sealed.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// What the path of each adapter's webhook ends with, as a JSON object; an adapter that is not in it is not called back.
    #[arg(long, value_name = "FILE")]
    webhooks: Option<PathBuf>,
    /// The port; without it a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// A bus of one line an event.
#[derive(Debug)]
struct StandardOutput;

#[async_trait]
impl Bus for StandardOutput {
    async fn publish(&self, event: &Envelope) -> io::Result<()> {
        let mut to = io::stdout().lock();
        writeln!(to, "{}", serde_json::to_string(event)?)?;
        to.flush()
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When standard error is closed as well there is nobody left to tell.
            let _unheard = writeln!(io::stderr(), "cloud-service: {error}");
            ExitCode::from(2)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let hotel = Hotel::read(&std::fs::read(&arguments.hotel)?)?;
    let env = real_env();
    let store = StoreAt::File(arguments.store.clone()).open().await?;
    let wired = wire(&hotel, &store, &env, "cloud-1")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    let mut stop = stop_asked()?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let mut service = Service::new(wired, env, Arc::new(StandardOutput));
    if let Some(file) = &arguments.webhooks {
        let secrets: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(file)?)?;
        for (adapter, secret) in secrets {
            service = service.with_webhook(&adapter, Secret::new(secret));
        }
    }
    let service = Arc::new(service);
    serve(listener, service, async move { stop.recv().await.unwrap_or_default() }).await?;
    writeln!(io::stdout(), "stopped")?;
    Ok(())
}

/// Somebody asks the process to stop. Listened to from here on, so that no such call is missed.
#[cfg(unix)]
fn stop_asked() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
}

#[cfg(windows)]
fn stop_asked() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
