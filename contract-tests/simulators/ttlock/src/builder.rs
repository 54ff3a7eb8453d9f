//! Setting a simulation up.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::account::{Application, Home};
use crate::callback;
use crate::clock::SimClock;
use crate::core::Core;
use crate::gateway::Gateway;
use crate::http;
use crate::limits::ACCESS_TOKEN_LIFE_S;
use crate::radio::{Radio, Wifi};
use crate::sim::TtlockSim;
use crate::state::State;
use crate::wire::Typing;

/// Letters of the prefix an application puts before the names it registers.
const PREFIX_LETTERS: usize = 4;

/// Why a simulation does not start.
#[derive(Debug)]
pub enum StartError {
    /// The loopback port cannot be had.
    Bind(io::Error),
    /// Two things share a name or an id.
    Duplicate(String),
    /// A lock or gateway stands before the first account, which would own it.
    NoOwner(String),
    /// A gateway hears a lock that does not exist.
    UnknownLock(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => write!(formatter, "no loopback port: {error}"),
            Self::Duplicate(name) => write!(formatter, "declared twice: {name}"),
            Self::NoOwner(name) => write!(formatter, "no account declared before: {name}"),
            Self::UnknownLock(name) => write!(formatter, "no such lock: {name}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(error) => Some(error),
            Self::Duplicate(_) | Self::NoOwner(_) | Self::UnknownLock(_) => None,
        }
    }
}

#[derive(Debug)]
enum Piece {
    Application { client_id: String, client_secret: String },
    Account { username: String, password_md5: String, home: Home },
    Lock { name: String, lock_id: Option<i64>, radio: Radio },
    Gateway { name: String, hears: Vec<String> },
}

/// Collects what the simulated world holds. Order matters: locks and gateways belong to the account that was
/// declared last before them, and a gateway hears only locks declared before it.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    clock: SimClock,
    seed: u64,
    typing: Typing,
    access_token_life_s: i64,
    rotate_refresh_tokens: bool,
    address: SocketAddr,
    pieces: Vec<Piece>,
}

impl Builder {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self {
            clock,
            seed: 0,
            typing: Typing::default(),
            access_token_life_s: ACCESS_TOKEN_LIFE_S,
            rotate_refresh_tokens: false,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            pieces: Vec::new(),
        }
    }

    /// Seed of all ids, tokens and names.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How answers are typed; loose unless told otherwise.
    pub fn typing(mut self, typing: Typing) -> Self {
        self.typing = typing;
        self
    }

    /// Life of an access token in seconds; 90 days unless told otherwise.
    pub fn access_token_life_s(mut self, seconds: i64) -> Self {
        self.access_token_life_s = seconds;
        self
    }

    /// Makes every refresh answer a new refresh token and kill the old one.
    pub fn rotate_refresh_tokens(mut self) -> Self {
        self.rotate_refresh_tokens = true;
        self
    }

    /// An application of a developer account.
    pub fn application(mut self, client_id: &str, client_secret: &str) -> Self {
        self.pieces
            .push(Piece::Application { client_id: client_id.into(), client_secret: client_secret.into() });
        self
    }

    /// An app account; `password_md5` is 32 lower-case hex digits.
    pub fn account(self, username: &str, password_md5: &str) -> Self {
        self.resident(username, password_md5, Home::Here)
    }

    /// An app account of another region: its password grant answers 30008.
    pub fn account_of_another_region(self, username: &str, password_md5: &str) -> Self {
        self.resident(username, password_md5, Home::OtherRegion)
    }

    /// An app account that is bound elsewhere: an eKey for it answers -1027.
    pub fn account_bound_elsewhere(self, username: &str, password_md5: &str) -> Self {
        self.resident(username, password_md5, Home::BoundElsewhere)
    }

    fn resident(mut self, username: &str, password_md5: &str, home: Home) -> Self {
        let (username, password_md5) = (username.into(), password_md5.into());
        self.pieces.push(Piece::Account { username, password_md5, home });
        self
    }

    /// A lock in the door `name`, whose top administrator is the account declared last.
    pub fn lock(self, name: &str, lock_id: Option<i64>) -> Self {
        self.hung(name, lock_id, Radio::Bluetooth)
    }

    /// A lock with a WiFi radio of its own, set up and online.
    pub fn wifi_lock(self, name: &str, lock_id: Option<i64>) -> Self {
        self.hung(name, lock_id, Radio::Wifi(Wifi { is_set_up: true, ..Wifi::default() }))
    }

    /// A lock with an NB-IoT radio: it hears what waits for it when it wakes ([`crate::Door::wake`]).
    pub fn nb_lock(self, name: &str, lock_id: Option<i64>) -> Self {
        self.hung(name, lock_id, Radio::Nb { is_registered: true })
    }

    fn hung(mut self, name: &str, lock_id: Option<i64>, radio: Radio) -> Self {
        self.pieces.push(Piece::Lock { name: name.into(), lock_id, radio });
        self
    }

    /// Where to listen, if not on a free loopback port.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// A gateway of the account declared last, in reach of the named locks.
    pub fn gateway(mut self, name: &str, hears: &[&str]) -> Self {
        let hears = hears.iter().map(|lock| (*lock).to_owned()).collect();
        self.pieces.push(Piece::Gateway { name: name.into(), hears });
        self
    }

    /// Starts the simulation, on a free loopback port unless told otherwise, inside the caller's runtime.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound or the declared world contradicts itself.
    pub async fn start(self) -> Result<TtlockSim, StartError> {
        let mut state = State::new(self.seed, self.typing);
        state.access_token_life_s = self.access_token_life_s;
        state.rotate_refresh_tokens = self.rotate_refresh_tokens;
        let mut owner = None;
        for piece in self.pieces {
            place(&mut state, &mut owner, piece, self.clock.now_ms())?;
        }
        let listener = TcpListener::bind(self.address).await.map_err(StartError::Bind)?;
        let address = listener.local_addr().map_err(StartError::Bind)?;
        let core = Arc::new(Core::new(self.clock, state));
        let (stop, stopped) = watch::channel(());
        tokio::spawn(http::serve(listener, Arc::clone(&core), stopped.clone()));
        tokio::spawn(callback::run(Arc::clone(&core), stopped));
        Ok(TtlockSim::new(core, format!("http://{address}"), stop))
    }
}

fn place(
    state: &mut State,
    last_account: &mut Option<i64>,
    piece: Piece,
    now_ms: i64,
) -> Result<(), StartError> {
    match piece {
        Piece::Application { client_id, client_secret } => {
            let prefix = state.prng.letters(PREFIX_LETTERS);
            let application = Application { secret: client_secret, prefix };
            if state.applications.insert(client_id.clone(), application).is_some() {
                return Err(StartError::Duplicate(client_id));
            }
        }
        Piece::Account { username, password_md5, home } => {
            if state.uid_of(&username).is_some() {
                return Err(StartError::Duplicate(username));
            }
            let uid = state.add_account(&username, &password_md5);
            if let Some(account) = state.accounts.get_mut(&uid) {
                account.home = home;
            }
            *last_account = Some(uid);
        }
        Piece::Lock { name, lock_id, radio } => {
            let owner = last_account.ok_or_else(|| StartError::NoOwner(name.clone()))?;
            let id_taken = lock_id.is_some_and(|lock_id| state.locks.contains_key(&lock_id));
            if id_taken || state.lock_id_of(&name).is_some() {
                return Err(StartError::Duplicate(name));
            }
            state.add_lock(lock_id, &name, owner, radio, now_ms);
        }
        Piece::Gateway { name, hears } => {
            let owner = last_account.ok_or_else(|| StartError::NoOwner(name.clone()))?;
            if state.gateways.iter().any(|gateway| gateway.name == name) {
                return Err(StartError::Duplicate(name));
            }
            let hears = hears
                .into_iter()
                .map(|lock| state.lock_id_of(&lock).ok_or(StartError::UnknownLock(lock)))
                .collect::<Result<Vec<i64>, StartError>>()?;
            let gateway_id = state.prng.small_id();
            let mac = state.prng.mac();
            state.gateways.push(Gateway {
                gateway_id,
                name,
                owner,
                mac,
                hears,
                silent_since_ms: None,
                latency_ms: 0,
                busy_until_ms: 0,
                is_told_off: false,
            });
        }
    }
    Ok(())
}
