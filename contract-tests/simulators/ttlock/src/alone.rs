//! The simulator by itself, for programs in any language: `lockport-sim ttlock`.

use std::net::SocketAddr;

use crate::account::md5_hex;
use crate::builder::StartError;
use crate::clock::SimClock;
use crate::prng::Prng;
use crate::sim::TtlockSim;

/// Account of the hotel in a world that stands alone.
const ACCOUNT: &str = "locks@hotel.example";

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Seed of all ids, tokens, names and secrets.
    pub seed: u64,
    /// The doors; each has a lock, and all are in reach of one gateway.
    pub doors: Vec<String>,
    /// Where the application wants its callbacks.
    pub callback: Option<String>,
}

/// A simulator that stands alone, and what a program needs to talk to it.
#[derive(Debug)]
pub struct Alone {
    /// The running simulation; it stops when this is dropped.
    pub sim: TtlockSim,
    /// `clientId`.
    pub client_id: String,
    /// `clientSecret`.
    pub client_secret: String,
    /// `username` of the hotel's account.
    pub username: String,
    /// Its password in clear; the vendor takes its MD5.
    pub password: String,
}

/// Starts a hotel with one application, one account, a gateway and the named doors.
///
/// # Errors
///
/// When the address cannot be bound or two doors share a name.
pub async fn start(options: Options, clock: SimClock) -> Result<Alone, StartError> {
    let mut secrets = Prng::new(options.seed ^ 0x7474_6c6f_636b);
    let (client_id, client_secret, password) = (secrets.hex32(), secrets.hex32(), secrets.letters(12));
    let mut builder = TtlockSim::builder(clock)
        .seed(options.seed)
        .listen(options.listen)
        .application(&client_id, &client_secret)
        .account(ACCOUNT, &md5_hex(&password));
    for door in &options.doors {
        builder = builder.lock(door, None);
    }
    let hears: Vec<&str> = options.doors.iter().map(String::as_str).collect();
    let sim = builder.gateway("gateway", &hears).start().await?;
    if let Some(url) = &options.callback {
        sim.set_callback_url(&client_id, url);
    }
    Ok(Alone { sim, client_id, client_secret, username: ACCOUNT.to_owned(), password })
}
