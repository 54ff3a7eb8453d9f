//! Cards written at a desk, on an encoder that takes its time: a sector beside libnfc, and the whole safe issue beside what the
//! line and the card take alone.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use lockport::env::Env;
use lockport::store::{MemoryStore, Store};
use lockport::{Secret, SharedLockPort};
use lockport_wiegand::encoder::KeyName;
use lockport_wiegand::{EncoderBus, WiegandEncoder};

use crate::desk::{Desk, Paced, Passed, as_card, driver, paired};
use crate::hotel::Hotel;
use crate::lent::{Stopwatch, real_env};
use crate::report::{Figure, Hold};
use crate::still::{StillBus, Watch};
use crate::store::{Folder, sqlite};
use crate::{Effort, Trouble};

/// At most this many times libnfc's time, for the same commands.
const MOST_OF_LIBNFC: f64 = 1.0;
/// What libnfc took for a sector where it was measured, in milliseconds; asked where it is not installed.
const LIBNFC_MS: f64 = 144.0;
/// At least so much of what line and card allow, in percent.
const LEAST_OF_LINE: f64 = 90.0;
/// At most so long for a card at an encoder that is not open yet, in milliseconds.
const MOST_COLD_MS: f64 = 250.0;
/// At most so long in 95 of 100 cases, in milliseconds.
const MOST_P95_MS: f64 = 500.0;

/// The first block of the sector, its three blocks' number, and the key with which it is delivered.
const FIRST: u8 = 8;
const BLOCKS: u8 = 3;
const DELIVERY: [u8; 6] = [0xFF; 6];
/// Longer than a byte is on its way that nobody waits for: a frame's last one says nothing.
const STILL: Duration = Duration::from_millis(2);

/// The whole and the commands to the card alone, in microseconds.
type Sector = (f64, f64);

/// The commands of libnfc's sector by our link layer.
async fn sector(desk: &Desk, env: &Env) -> Result<Sector, Trouble> {
    let blocks = FIRST..FIRST.saturating_add(BLOCKS);
    let key = Secret::new(DELIVERY);
    let watch = Stopwatch::start();
    let mut encoder = desk.encoder(env).await?;
    encoder.start().await?;
    let found = encoder.list().await?;
    let [card] = found.as_slice() else { return Err("no card lies there".into()) };
    let selected = Stopwatch::start();
    encoder.authenticate(card, FIRST, KeyName::A, &key).await?;
    for block in blocks.clone() {
        encoder.write_block(card, block, &Secret::new([block; 16])).await?;
    }
    encoder.authenticate(card, FIRST, KeyName::A, &key).await?;
    for block in blocks {
        // EXPOSE: the bytes of a bench's own card.
        if *encoder.read(card, block).await?.expose() != [block; 16] {
            return Err("a block reads back otherwise".into());
        }
    }
    Ok((watch.micros(), selected.micros()))
}

/// The program beside which ours is measured, built here where libnfc and a compiler are.
fn libnfc(folder: &Folder) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/libnfc_sector.c");
    let program = folder.file("libnfc_sector");
    let built = Command::new("cc").arg("-O2").arg(source).arg("-o").arg(&program).arg("-lnfc").output();
    built.is_ok_and(|built| built.status.success()).then_some(program)
}

fn sector_by_libnfc(desk: &Desk, program: &Path) -> Result<Sector, Trouble> {
    let device = format!("pn532_uart:{}", desk.port());
    let output = Command::new(program).env("LIBNFC_DEVICE", device).output()?;
    if !output.status.success() {
        return Err(format!("libnfc: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (whole, card) = text.trim().split_once(' ').ok_or("libnfc's program printed no figures")?;
    Ok((whole.parse()?, card.parse()?))
}

/// Ours and libnfc's in turns, at one encoder.
async fn sectors(rounds: u32) -> Result<Vec<Figure>, Trouble> {
    let (desk, env, folder) = (Desk::open()?, real_env(), Folder::new()?);
    let peer = libnfc(&folder);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let _card = desk.sim.fresh_card(round);
        ours.push(sector(&desk, &env).await?);
        if let Some(peer) = &peer {
            theirs.push(sector_by_libnfc(&desk, peer)?);
        }
    }
    let ms = |of: fn(&Sector) -> f64, all: &[Sector]| all.iter().map(|one| of(one) / 1e3).collect::<Vec<_>>();
    let what = "a sector by our link layer: opened, selected, 3 blocks written and read";
    let whole = Figure::median("cards/sector", what, &ms(|one| one.0, &ours), "ms");
    let card = Figure::median(
        "cards/sector-card",
        "of it the 8 commands to the card",
        &ms(|one| one.1, &ours),
        "ms",
    );
    if theirs.is_empty() {
        let what = "libnfc is not installed here: beside what it took elsewhere";
        let beside = Figure::one("cards/sector-ratio", what, whole.value / LIBNFC_MS, "x");
        return Ok(vec![whole, card, beside.hold(Hold::AtMost(MOST_OF_LIBNFC))]);
    }
    let ratio = |of: fn(&Sector) -> f64| {
        ours.iter().zip(&theirs).map(|(ours, theirs)| of(ours) / of(theirs)).collect::<Vec<_>>()
    };
    Ok(vec![
        whole,
        card,
        Figure::median("cards/libnfc", "the same by libnfc", &ms(|one| one.0, &theirs), "ms"),
        Figure::median(
            "cards/libnfc-card",
            "of it the 8 commands to the card",
            &ms(|one| one.1, &theirs),
            "ms",
        ),
        Figure::median("cards/sector-ratio", "ours / libnfc's", &ratio(|one| one.0), "x")
            .hold(Hold::AtMost(MOST_OF_LIBNFC)),
        Figure::median(
            "cards/sector-card-ratio",
            "the same of the 8 commands to the card",
            &ratio(|one| one.1),
            "x",
        )
        .hold(Hold::AtMost(MOST_OF_LIBNFC)),
    ])
}

/// What one issue took, in microseconds, and what passed.
struct Issued {
    micros: f64,
    passed: Passed,
}

impl Issued {
    /// How much of what line and card allow, in percent.
    fn share(&self) -> f64 {
        self.passed.least_micros / self.micros * 100.0
    }
}

/// A desk with its hotel.
struct Stand {
    sim: Paced,
    bus: Arc<dyn EncoderBus>,
    paired: WiegandEncoder,
    hotel: Hotel,
    store: Arc<dyn Store>,
    env: Env,
}

impl Stand {
    async fn open(
        sim: Paced,
        bus: Arc<dyn EncoderBus>,
        issues: u32,
        store: Arc<dyn Store>,
        env: Env,
    ) -> Result<Self, Trouble> {
        let hotel = Hotel::new(0, "cards", NonZeroU32::MIN.saturating_add(issues));
        let paired = paired(&*bus).await?;
        Ok(Self { sim, bus, paired, hotel, store, env })
    }

    /// The whole stack over a driver that has nothing open.
    fn port(&self) -> Result<SharedLockPort, Trouble> {
        let driver = driver(self.bus.clone(), &self.paired, &self.hotel, self.store.clone(), &self.env)?;
        let adapter = self.hotel.adapter("main", driver, self.store.clone(), &self.env);
        Ok(self.hotel.whole_stack(adapter, &self.env))
    }

    /// A card for the stay of this number; the time is what `micros` says.
    async fn issue(
        &self,
        port: &SharedLockPort,
        stay: u32,
        micros: impl Fn() -> f64,
    ) -> Result<Issued, Trouble> {
        let input = as_card(self.hotel.issue(stay, 1, self.env.now())?);
        let card = self.sim.fresh_card(stay);
        card.allow_only([8, 9, 10, 12, 13, 14]);
        self.env.sleep.sleep(STILL).await;
        let (mark, begun) = (self.sim.mark(), micros());
        port.issue_credential(input).await?;
        let micros = micros() - begun;
        self.env.sleep.sleep(STILL).await;
        let tally = card.tally();
        if tally.writes < 3 || (tally.manufacturer, tally.trailers, tally.foreign) != (0, 0, 0) {
            return Err(format!("the card was not written as it should be: {tally:?}").into());
        }
        Ok(Issued { micros, passed: self.sim.since(mark) })
    }
}

/// Whole issues at one desk: at an encoder that is not open yet, and then at one that is.
async fn issues(rounds: u32, durable: bool) -> Result<(Vec<Issued>, Vec<Issued>), Trouble> {
    let (desk, env, folder) = (Desk::open()?, real_env(), Folder::new()?);
    let store: Arc<dyn Store> =
        if durable { sqlite(&folder.file("ledger.db")).await? } else { Arc::new(MemoryStore::new()) };
    let bus = desk.bus(&env);
    let stand = Stand::open(desk.sim.clone(), bus, rounds.saturating_mul(2), store, env).await?;
    let (mut cold, mut warm, watch) = (Vec::new(), Vec::new(), Stopwatch::start());
    for round in 0..rounds {
        let port = stand.port()?;
        let first = round.saturating_mul(2);
        cold.push(stand.issue(&port, first, || watch.micros()).await?);
        warm.push(stand.issue(&port, first.saturating_add(1), || watch.micros()).await?);
    }
    Ok((cold, warm))
}

/// The same on virtual time, once: it comes out alike everywhere.
async fn on_virtual_time() -> Result<Vec<Figure>, Trouble> {
    let watch = Watch::new()?;
    let bus = Arc::new(StillBus { sim: Paced::pn532(), watch: watch.clone() });
    let store = Arc::new(MemoryStore::new());
    let stand = Stand::open(bus.sim.clone(), bus, 2, store, watch.env()).await?;
    let port = stand.port()?;
    let mut figures = Vec::new();
    for (stay, name) in [(0, "cold"), (1, "warm")] {
        let issued = stand.issue(&port, stay, || watch.micros()).await?;
        let Passed { commands, bytes, least_micros } = issued.passed;
        let id = |figure: &str| format!("cards/{name}/{figure}");
        let commands = f64::from(u32::try_from(commands)?);
        figures.extend([
            Figure::one(&id("commands"), "commands to the encoder", commands, "commands"),
            Figure::one(&id("bytes"), "bytes on the line, both ways", bytes as f64, "bytes"),
            Figure::one(&id("least"), "what they take on line and air alone", least_micros / 1e3, "ms"),
            Figure::one(&id("share"), "that / the issue on virtual time", issued.share(), "%")
                .hold(Hold::AtLeast(LEAST_OF_LINE)),
        ]);
    }
    Ok(figures)
}

/// So much that 95 of 100 are no higher.
fn p95(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = sorted.len().saturating_mul(95).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn figures(name: &str, cold: &[Issued], warm: &[Issued]) -> Vec<Figure> {
    let id = |figure: &str| format!("cards/{name}/{figure}");
    let ms = |all: &[Issued]| all.iter().map(|issued| issued.micros / 1e3).collect::<Vec<_>>();
    let all = [ms(cold), ms(warm)].concat();
    let what = "an issue, whole stack, at an encoder that is not open yet";
    vec![
        Figure::median(&id("cold"), what, &ms(cold), "ms").hold(Hold::AtMost(MOST_COLD_MS)),
        Figure::median(&id("warm"), "at one that is open", &ms(warm), "ms"),
        Figure::one(&id("p95"), "no slower in 95 of 100 cases, cold and warm", p95(&all), "ms")
            .hold(Hold::AtMost(MOST_P95_MS)),
    ]
}

/// How much of line and card they use, where no disk is waited for.
fn shares(cold: &[Issued], warm: &[Issued]) -> Vec<Figure> {
    let share = |all: &[Issued]| all.iter().map(Issued::share).collect::<Vec<_>>();
    let figure = |name: &str, all: &[Issued]| {
        let (id, what) =
            (format!("cards/memory/{name}-share"), format!("what line and card take alone / {name}"));
        Figure::median(&id, &what, &share(all), "%").hold(Hold::AtLeast(LEAST_OF_LINE))
    };
    vec![figure("cold", cold), figure("warm", warm)]
}

/// The row.
///
/// # Errors
/// When a card cannot be written.
pub async fn row(effort: Effort) -> Result<Vec<Figure>, Trouble> {
    let mut all = sectors(effort.pairs).await?;
    all.extend(on_virtual_time().await?);
    for (name, durable) in [("memory", false), ("sqlite", true)] {
        let (cold, warm) = issues(effort.pairs, durable).await?;
        all.extend(figures(name, &cold, &warm));
        if !durable {
            all.extend(shares(&cold, &warm));
        }
    }
    Ok(all)
}
