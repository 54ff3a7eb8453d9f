//! The SQLite store beside bare `rusqlite` that writes the same rows with the same settings: the commits of real issues, in turns.

use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use lockport::env::{Entropy as _, OsEntropy, SystemClock};
use lockport::store::{Batch, Content, MemoryStore, Partition, SqliteStore, Store as _, Write};
use lockport_mock::{MockDriver, MockVendor};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::hotel::Hotel;
use crate::lent::{Stopwatch, real_env};
use crate::report::Figure;
use crate::store::{BatchTap, Folder, sqlite};
use crate::{Effort, Trouble};

/// What the envelope of a sealed body adds: version, data key, nonce, tag.
const ENVELOPE: usize = 1 + 4 + 24 + 16;

/// The batches of one issue.
async fn of_an_issue(hotel: &Hotel) -> Result<Vec<Batch>, Trouble> {
    let env = real_env();
    let vendor = MockVendor::new(hotel.partition.property, (*hotel.map).clone(), Arc::new(SystemClock));
    let tap = Arc::new(BatchTap::new(Arc::new(MemoryStore::new())));
    let port = hotel.adapter("main", MockDriver::new(vendor), tap.clone(), &env);
    port.issue_credential(hotel.issue(0, 1, env.now())?).await?;
    Ok(tap.batches())
}

/// The same for another key: other rows, otherwise the same bytes.
pub(super) fn again(batches: &[Batch], number: u32) -> Vec<Batch> {
    let renamed = |write: &Write| Write { id: format!("{}-{number:06}", write.id), ..write.clone() };
    let renamed = |batch: &Batch| Batch {
        id: batch.id.wrapping_add(u128::from(number) << 96),
        writes: batch.writes.iter().map(renamed).collect(),
    };
    batches.iter().map(renamed).collect()
}

/// The settings of the store, and its tables as the store itself made them.
pub(super) fn bare(path: &Path, like: &Path) -> Result<Connection, Trouble> {
    let tables: Vec<String> = Connection::open(like)?
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let connection = Connection::open(path)?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    tables.iter().try_for_each(|sql| connection.execute_batch(sql))?;
    Ok(connection)
}

/// A body as it lies on the disk, and its row.
struct Sealed<'a> {
    write: &'a Write,
    content: &'a Content,
    body: Vec<u8>,
}

fn put(
    transaction: &Transaction<'_>,
    of: &[String; 2],
    batch: u128,
    sealed: &Sealed<'_>,
) -> rusqlite::Result<()> {
    let Sealed { write, content, body } = sealed;
    let ([tenant, property], table) = (of, write.table as u8);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            tenant,
            property,
            table,
            write.id,
            i64::try_from(write.expected.saturating_add(1)).unwrap_or(i64::MAX),
            batch.to_be_bytes(),
            content.due.map(|due| due.timestamp_millis()),
            content.terms.join("\n"),
            body
        ])?;
    for term in &content.terms {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO terms VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![tenant, property, table, term, write.id])?;
    }
    Ok(())
}

/// Nothing is read, compared, sealed or taken away first: the floor.
pub(super) fn by_hand(
    connection: &mut Connection,
    of: &[String; 2],
    batches: &[Batch],
) -> Result<f64, Trouble> {
    let mut sealed: Vec<Vec<Sealed<'_>>> = Vec::with_capacity(batches.len());
    for batch in batches {
        let contents = batch.writes.iter().filter_map(|write| Some((write, write.content.as_ref()?)));
        // EXPOSE: for its length.
        let zeros = |content: &Content| vec![0; content.body.expose().len().saturating_add(ENVELOPE)];
        sealed
            .push(contents.map(|(write, content)| Sealed { write, content, body: zeros(content) }).collect());
    }
    let watch = Stopwatch::start();
    for (batch, sealed) in batches.iter().zip(&sealed) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        sealed.iter().try_for_each(|sealed| put(&transaction, of, batch.id, sealed))?;
        transaction.commit()?;
    }
    Ok(watch.micros())
}

/// What the sealing alone takes, by the same cipher.
fn sealing(batches: &[Batch]) -> Result<f64, Trouble> {
    let watch = Stopwatch::start();
    for write in batches.iter().flat_map(|batch| &batch.writes) {
        let Some(content) = &write.content else { continue };
        let mut nonce = [0_u8; 24];
        OsEntropy.fill(&mut nonce)?;
        // EXPOSE: into the cipher.
        let payload = Payload { msg: content.body.expose(), aad: write.id.as_bytes() };
        let cipher = XChaCha20Poly1305::new(&Key::from([7; 32]));
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| "nothing was sealed")?;
        std::hint::black_box(sealed);
    }
    Ok(watch.micros())
}

async fn by_the_store(store: &SqliteStore, of: Partition, batches: Vec<Batch>) -> Result<f64, Trouble> {
    let watch = Stopwatch::start();
    for batch in batches {
        store.commit(of, &batch).await?;
    }
    Ok(watch.micros())
}

/// The row.
///
/// # Errors
/// When a file cannot be written.
pub async fn row(effort: Effort) -> Result<Vec<Figure>, Trouble> {
    let hotel = Hotel::new(0, "store", std::num::NonZeroU32::MIN);
    let batches = of_an_issue(&hotel).await?;
    let commits = f64::from(u32::try_from(batches.len())?);
    let (mut ratios, mut stored, mut bare_times, mut seals) = (vec![], vec![], vec![], vec![]);
    for _ in 0..effort.stands {
        let folder = Folder::new()?;
        let path = folder.file("ledger.db");
        let store = sqlite(&path).await?;
        let mut connection = bare(&folder.file("bare.db"), &path)?;
        let of = [hotel.partition.tenant.to_string(), hotel.partition.property.to_string()];
        for number in 0..effort.pairs {
            let own = again(&batches, number);
            let (ours, floor) = if number.is_multiple_of(2) {
                let ours = by_the_store(&store, hotel.partition, own.clone()).await?;
                (ours, by_hand(&mut connection, &of, &own)?)
            } else {
                let floor = by_hand(&mut connection, &of, &own)?;
                (by_the_store(&store, hotel.partition, own.clone()).await?, floor)
            };
            ratios.push(ours / floor);
            stored.push(commits * 1e6 / ours);
            bare_times.push(commits * 1e6 / floor);
            seals.push(sealing(&own)? / commits);
        }
    }
    Ok(vec![
        Figure::median("store/wall", "SQLite store / bare rusqlite, the commits of an issue", &ratios, "x"),
        Figure::median("store/commits", "durable commits by the store", &stored, "/s"),
        Figure::median("store/bare", "the same by hand", &bare_times, "/s"),
        Figure::median("store/sealing", "of a commit by the store: sealing", &seals, "us"),
    ])
}
