//! When doors open: to the second, through every change of the clocks, and with wrong clocks.

use std::sync::LazyLock;

use chrono::{DateTime, Offset as _, TimeDelta};
use chrono_tz::Tz;
use lockport::credential::{UpdateInput, WarningCode};
use lockport::id::RoomId;
use lockport::{FailureReason, LockError, Timestamp, Validity};

use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "TIME-001",
        requirement: "The edges of a window on no round figure hold to the second at every door; a lock that knows coarser times opens later and shuts earlier, never the other way round.",
        spec: "R7, R31",
        needs: &[],
        judge: |trial| Box::pin(to_the_second(trial)),
    },
    Case {
        id: "TIME-002",
        requirement: "A window that begins at, ends at or lies across a change of the clocks, also within the hour that is skipped or comes twice, opens as long as it lasts: every change from 2000 to 2060, in zones of every sort.",
        spec: "R7, R68",
        needs: &[],
        judge: |trial| Box::pin(clocks_changed(trial)),
    },
    Case {
        id: "TIME-003",
        requirement: "With a vendor whose clock is half an hour off, a key is issued, moved and revoked for the true times, or refused for the clock; never given for other times.",
        spec: "R46, R131, R148",
        needs: &[Need::Locks],
        judge: |trial| Box::pin(vendor_is_off(trial)),
    },
    Case {
        id: "TIME-004",
        requirement: "A lock whose clock is half an hour off gives nobody more than that half hour; and whoever tells of its clock tells the truth, with a warning.",
        spec: "R36, R123, R131",
        needs: &[Need::Locks],
        judge: |trial| Box::pin(lock_is_off(trial)),
    },
];

const SECOND: TimeDelta = TimeDelta::seconds(1);
const HALF_AN_HOUR: TimeDelta = TimeDelta::minutes(30);

fn window(from: Timestamp, until: Timestamp) -> CaseResult<Validity> {
    Validity::new(from, until).map_err(|error| Stop::NotRun(error.to_string()))
}

/// Shut a second before the window and at its end; open in the first and the last second that the lock can tell apart: the window
/// as the lock knows it.
async fn edges_hold(
    trial: &Trial,
    keys: &Keyring,
    rooms: &[RoomId],
    asked: Validity,
) -> CaseResult<Validity> {
    let known = asked.narrowed_to(trial.kind().grain);
    let known = known.ok_or_else(|| Stop::NotRun("the lock knows no window that short".into()))?;
    let doors = trial.doors_of(rooms);
    let half = known.from() + (known.until() - known.from()) / 2;
    let instants = [
        (asked.from() - SECOND, false),
        (known.from(), true),
        (half, true),
        (known.until() - SECOND, true),
        (asked.until(), false),
        (asked.until() + SECOND, false),
    ];
    for (at, should) in instants {
        for door in &doors {
            let does = trial.opens(*door, keys, at).await?;
            check!(does == should, "{door} opens at {at:?}: {does}, {should} is right for {asked:?}");
        }
    }
    Ok(known)
}

async fn to_the_second(trial: &Trial) -> CaseResult {
    let all = trial.rooms::<4>()?;
    let rooms = if trial.spans_doors() { all.to_vec() } else { trial.rooms_of_a_key()? };
    let (from, until) =
        (trial.hour(2) + TimeDelta::seconds(1_043), trial.hour(20) + TimeDelta::seconds(2_519));
    let asked = window(from, until)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, asked)?).await?.credential;
    check!(issued.validity == asked, "the answer says {:?}, not {asked:?}", issued.validity);
    let mut keys = Keyring::of(&issued);
    edges_hold(trial, &keys, &rooms, asked).await?;
    for (name, from, until) in [
        ("a-second-less", from + SECOND, until - SECOND),
        ("a-second-more", from - SECOND, until + SECOND),
        ("an-odd-bit", from + TimeDelta::seconds(61), until + TimeDelta::seconds(3_601)),
    ] {
        let asked = window(from, until)?;
        let input = trial.update(issued.id, name)?.with_valid_from(from).with_valid_until(until);
        keys.add(&trial.port().update_credential(input).await?.credential);
        edges_hold(trial, &keys, &rooms, asked).await?;
    }
    Ok(())
}

/// No summer time at all and a half hour; the last Sundays; the second Sunday; half an hour of summer; summer time but for Ramadan.
const ZONES: [Tz; 5] = [
    Tz::Asia__Kabul,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Africa__Casablanca,
];

/// Every instant at which the zone's clocks are turned, with by how much, from 2000 to 2060.
fn changes(zone: Tz) -> Vec<(Timestamp, TimeDelta)> {
    // No zone turns its clocks twice within a week.
    const STEP: i64 = 7 * 24 * 3600;
    const BEGIN: i64 = 946_684_800;
    const END: i64 = 2_871_763_200;
    let offset = |at: i64| {
        let at = DateTime::from_timestamp(at, 0).map(|at| at.with_timezone(&zone));
        at.map_or(0, |at| at.offset().fix().local_minus_utc())
    };
    let mut all = Vec::new();
    let mut before = offset(BEGIN);
    for step in 1..=(END - BEGIN) / STEP {
        let at = BEGIN + step * STEP;
        let after = offset(at);
        if after == before {
            continue;
        }
        let (mut low, mut high) = (at - STEP, at);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if offset(middle) == before { low = middle } else { high = middle }
        }
        let turned = TimeDelta::seconds(i64::from(after) - i64::from(before));
        all.extend(DateTime::from_timestamp(high, 0).map(|change| (change, turned)));
        before = after;
    }
    all
}

/// Those of all zones, the first first.
static CHANGES: LazyLock<Vec<(Timestamp, TimeDelta)>> = LazyLock::new(|| {
    let mut all: Vec<(Timestamp, TimeDelta)> = ZONES.into_iter().flat_map(changes).collect();
    all.sort();
    all.dedup();
    all
});

/// From about every second change to about the third after it: each change has a window that lies across it, and one that begins
/// or ends about there; exactly at it, or half an hour before or after, which may be skipped or come twice.
fn windows_about_changes() -> CaseResult<Vec<Validity>> {
    let edge = |index: usize| {
        let (change, turned) = CHANGES.get(index).copied()?;
        let inside = turned.abs() / 2;
        Some(match index / 2 % 3 {
            0 => change + inside,
            1 => change - inside,
            _ => change,
        })
    };
    let both = (0..CHANGES.len()).step_by(2).filter_map(|index| Some((edge(index)?, edge(index + 3)?)));
    both.map(|(from, until)| window(from, until)).collect()
}

/// How many of these windows one guest has in turn, where the one before can be taken from him.
const MOVES: usize = 8;

async fn clocks_changed(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let doors = trial.doors_of(&[one]);
    check!(CHANGES.len() > 400, "only {} changes of the clocks are known", CHANGES.len());
    let windows = windows_about_changes()?;
    let moves = if trial.takes_back() { MOVES } else { 1 };
    for (turn, windows) in windows.chunks(moves).enumerate() {
        let Some((first, _)) = windows.split_first() else { continue };
        trial.turn_clock_to(first.from() - TimeDelta::days(1));
        let input = trial.issue(&format!("guest-{turn}"), &[one], *first)?;
        let issued = trial.port().issue_credential(input).await?.credential;
        let mut keys = Keyring::of(&issued);
        for (number, asked) in windows.iter().copied().enumerate() {
            if number > 0 {
                let input: UpdateInput = trial.update(issued.id, &format!("update-{turn}-{number}"))?;
                let input = input.with_valid_from(asked.from()).with_valid_until(asked.until());
                keys.add(&trial.port().update_credential(input).await?.credential);
            }
            let known = edges_hold(trial, &keys, &[one], asked).await?;
            let near = CHANGES.iter().map(|(change, _)| *change);
            let near =
                near.filter(|at| (*at - asked.from()).abs() < NEAR || (*at - asked.until()).abs() < NEAR);
            for at in near.flat_map(|change| [change - SECOND, change]) {
                for door in &doors {
                    let does = trial.opens(*door, &keys, at).await?;
                    let is_right = if does { asked.contains(at) } else { !known.contains(at) };
                    check!(is_right, "{door} opens at {at:?}: {does} is wrong for {asked:?}");
                }
            }
        }
        trial.clear(trial.revoke(issued.id, &format!("revoke-{turn}"))?).await?;
    }
    Ok(())
}

/// How near a change is to an edge of a window that has to do with it.
const NEAR: TimeDelta = TimeDelta::days(1);

/// The call succeeded, or it was refused for the clock.
fn for_the_clock<T>(answer: Result<T, LockError>) -> CaseResult<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.reason() == FailureReason::Clock => Ok(None),
        Err(error) => {
            Err(Stop::Failed(format!("the vendor's clock is off, and the port answered {error:?}")))
        }
    }
}

async fn vendor_is_off(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let locks = trial.locks()?;
    for (name, ahead) in [("ahead", HALF_AN_HOUR), ("behind", -HALF_AN_HOUR)] {
        locks.set_vendor_clock(ahead)?;
        let (asked, longer) = (trial.hours(4, 26)?, trial.hours(3, 30)?);
        let input = trial.issue(name, &[one], asked)?;
        let issued = match for_the_clock(trial.port().issue_credential(input.clone()).await)? {
            Some(issued) => issued,
            None => {
                trial.vendor_holds_nothing().await?;
                locks.set_vendor_clock(TimeDelta::zero())?;
                trial.port().issue_credential(input).await?
            }
        };
        let (id, mut keys) = (issued.credential.id, Keyring::of(&issued.credential));
        trial.judge(&format!("the guest, the vendor {name},"), &keys, &[(&[one], asked)]).await?;
        locks.set_vendor_clock(ahead)?;
        let update = trial.update(id, &format!("longer-{name}"))?;
        let update = update.with_valid_from(longer.from()).with_valid_until(longer.until());
        let held = match for_the_clock(trial.port().update_credential(update).await)? {
            Some(updated) => {
                keys.add(&updated.credential);
                longer
            }
            None => asked,
        };
        trial.judge(&format!("the guest, moved, the vendor {name},"), &keys, &[(&[one], held)]).await?;
        let revoke = trial.revoke(id, &format!("revoke-{name}"))?;
        if for_the_clock(trial.port().revoke_credential(revoke.clone()).await)?.is_none() {
            locks.set_vendor_clock(TimeDelta::zero())?;
            trial.port().revoke_credential(revoke).await?;
        }
        let whose = format!("the guest, revoked, the vendor {name},");
        trial.judge_revoked(&whose, &keys, &[(&[one], held)]).await?;
        locks.set_vendor_clock(TimeDelta::zero())?;
        trial.clear(trial.revoke(id, &format!("clear-{name}"))?).await?;
    }
    Ok(())
}

async fn lock_is_off(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms_of_a_key()?;
    let [one] = trial.rooms()?;
    let others: Vec<RoomId> = rooms.iter().copied().filter(|room| *room != one).collect();
    let locks = trial.locks()?;
    let doors = trial.doors_of(&[one]);
    for (name, ahead) in [("ahead", HALF_AN_HOUR), ("behind", -HALF_AN_HOUR)] {
        for door in &doors {
            locks.set_lock_clock(*door, ahead)?;
            let health = trial.port().health_check(*door).await?;
            if let Some(told_ms) = health.clock_skew_ms {
                let off = told_ms.abs_diff(ahead.num_milliseconds());
                check!(
                    off <= 1_000,
                    "the clock of {door} is off by {ahead}, and told to be off by {told_ms} ms"
                );
                let is_warned = health.warnings.iter().any(|warning| warning.code == WarningCode::ClockSkew);
                check!(is_warned, "nobody is warned of the clock of {door}, which is off by {ahead}");
            }
        }
        let asked = trial.hours(4, 26)?;
        let issued = trial.port().issue_credential(trial.issue(name, &rooms, asked)?).await?.credential;
        check!(issued.validity == asked, "the answer says {:?}, not {asked:?}", issued.validity);
        let keys = Keyring::of(&issued);
        let wide = window(asked.from() - HALF_AN_HOUR, asked.until() + HALF_AN_HOUR)?;
        trial.judge_at_most("the guest", &keys, &[(&[one], wide), (&others, asked)]).await?;
        // In the middle of the window no clock that is half an hour off keeps anybody out.
        for door in trial.doors_of(&rooms) {
            check!(
                trial.opens(door, &keys, trial.hour(12)).await?,
                "{door} is shut in the middle of the window"
            );
        }
        trial.clear(trial.revoke(issued.id, &format!("revoke-{name}"))?).await?;
    }
    Ok(())
}
