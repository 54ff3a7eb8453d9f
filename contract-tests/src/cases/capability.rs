//! What the descriptor says, held against what the adapter does: in both directions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use lockport::credential::{Artifact, KeyCredentialKind, Progress, Proof, RevokeOutcome, UpdateInput};
use lockport::driver::{AfterLost, ArtifactSource, Attempt, DriverDescriptor, Found, Journal, Per};
use lockport::id::{LockDeviceId, RoomId};
use lockport::scope::GuestScope;
use lockport::{ErrorCode, LockError};

use crate::bench::SiteRoom;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial, takes_back};

/// The most doors of a key whose descriptor knows no limit.
const WING: u16 = 9;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "CAPA-001",
        requirement: "The flags of the kinds are the kinds that are issued; every other is refused before any call, and passed over where it is only preferred.",
        spec: "R30, R35",
        needs: &[],
        judge: |trial| Box::pin(kinds(trial)),
    },
    Case {
        id: "CAPA-002",
        requirement: "Floors and areas are refused before any call where the descriptor knows none, at an issue and at an update, and open where it does.",
        spec: "R30, R35",
        needs: &[Need::Doors, Need::Revoke],
        judge: |trial| Box::pin(scopes(trial)),
    },
    Case {
        id: "CAPA-003",
        requirement: "With nobody at the desk a key is given and taken exactly where the descriptor says that it is.",
        spec: "R35",
        needs: &[],
        judge: |trial| Box::pin(remote(trial)),
    },
    Case {
        id: "CAPA-004",
        requirement: "What the vendor was told can be read back exactly where the descriptor says so.",
        spec: "X9",
        needs: &[Need::Backstage],
        judge: |trial| Box::pin(read_back(trial)),
    },
    Case {
        id: "CAPA-005",
        requirement: "A revoke with everything in reach proves as much as the descriptor says, no more and no less; a PIN has the digits it says.",
        spec: "X9, R98",
        needs: &[],
        judge: |trial| Box::pin(proof_and_digits(trial)),
    },
    Case {
        id: "CAPA-006",
        requirement: "A key for as many doors as the site has opens them all, however few one grant holds; one for more than the descriptor allows is refused before any call, at an issue and at an update.",
        spec: "R30, X9",
        needs: &[Need::Doors, Need::Revoke, Need::Backstage],
        judge: |trial| Box::pin(most_doors(trial)),
    },
    Case {
        id: "CAPA-007",
        requirement: "Two keys open one door side by side exactly where the descriptor says so.",
        spec: "X9",
        needs: &[],
        judge: |trial| Box::pin(side_by_side(trial)),
    },
];

/// Fails unless the answer is UNSUPPORTED, or INVALID_INPUT where a limit is broken, and the vendor saw nothing.
async fn refused<T>(trial: &Trial, flag: &str, answer: Result<T, LockError>, calls: u64) -> CaseResult {
    let Err(error) = answer else {
        return Err(trial.differs(flag, "it says that it cannot, and takes the call"));
    };
    let is_refusal = matches!(error.code(), ErrorCode::Unsupported | ErrorCode::InvalidInput);
    check!(is_refusal && !error.is_retriable(), "{flag}: UNSUPPORTED is right, for good: {error:?}");
    let now = trial.calls().await?;
    check!(now == calls, "{flag}: the vendor saw {} calls for what cannot be", now.saturating_sub(calls));
    Ok(())
}

async fn kinds(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let descriptor = trial.port().describe_adapter();
    let calls = trial.calls().await?;
    let mut foreign = None;
    for kind in KeyCredentialKind::ALL {
        let (says, has) = (descriptor.capabilities.supports(kind), descriptor.kind(kind).is_some());
        if says != has {
            return Err(
                trial.differs(kind.as_str(), &format!("the flag is {says}, among the kinds it is {has}"))
            );
        }
        if !says {
            foreign = Some(kind);
            let input =
                trial.issue(&format!("guest-{kind}"), &[one], window)?.with_preferred_kinds(vec![kind]);
            refused(trial, kind.as_str(), trial.port().issue_credential(input).await, calls).await?;
        }
    }
    let preferred: Vec<KeyCredentialKind> = foreign.into_iter().chain([trial.kind().kind]).collect();
    let input = trial.issue("guest", &[one], window)?.with_preferred_kinds(preferred);
    let issued = trial.port().issue_credential(input).await?.credential;
    check!(issued.kind == trial.kind().kind, "a {} was issued", issued.kind);
    trial.judge_edges("the guest", &Keyring::of(&issued), &[(&[one], window)]).await?;
    for device in trial.port().list_devices(trial.site().property).await? {
        let beyond = |kind: &KeyCredentialKind| {
            device.capabilities.supports(*kind) && !descriptor.capabilities.supports(*kind)
        };
        if let Some(kind) = KeyCredentialKind::ALL.iter().find(|kind| beyond(kind)) {
            return Err(
                trial.differs(kind.as_str(), "a door says that it can, and the adapter that it cannot")
            );
        }
    }
    Ok(())
}

async fn scopes(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let can = trial.port().describe_adapter().capabilities;
    let areas = trial.site().areas.iter().map(|area| area.name.clone()).collect::<Vec<_>>();
    let floor = "3".parse().map_err(|_| Stop::NotRun("no floor has that name".into()))?;
    let floors = GuestScope { floors: vec![floor], ..GuestScope::default() };
    let everywhere = GuestScope { areas, ..GuestScope::default() };
    let mut doors = trial.doors_of(&[one]);
    doors.extend(trial.site().areas.iter().flat_map(|area| &area.doors));
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?.credential;
    let mut keys = Keyring::of(&issued);
    let calls = trial.calls().await?;
    for (flag, says, scope) in
        [("scopeFloors", can.scope_floors, floors), ("scopeAreas", can.scope_areas, everywhere)]
    {
        let input = trial.issue(flag, &[one], window)?.with_scope(scope.clone());
        let update = trial.update(issued.id, &format!("update-{flag}"))?.with_scope(scope.clone());
        if !says {
            refused(trial, flag, trial.port().issue_credential(input).await, calls).await?;
            refused(trial, flag, trial.port().update_credential(update).await, calls).await?;
            trial.judge_edges("the guest", &keys, &[(&[one], window)]).await?;
            continue;
        }
        let named = if scope.areas.is_empty() { trial.doors_of(&[one]) } else { doors.clone() };
        let with = trial.port().issue_credential(input).await?.credential;
        trial.judge_doors("the guest with more", &Keyring::of(&with), &[(named.clone(), window)]).await?;
        keys.add(&trial.port().update_credential(update).await?.credential);
        trial.judge_doors("the guest given more", &keys, &[(named, window)]).await?;
        let back = trial.update(issued.id, &format!("back-{flag}"))?.with_scope(GuestScope::default());
        keys.add(&trial.port().update_credential(back).await?.credential);
        trial.judge("the guest given less", &keys, &[(&[one], window)]).await?;
    }
    Ok(())
}

/// Whether what the adapter says of the whole of itself must hold for this trial's kind: a card always needs somebody.
fn must_be_remote(trial: &Trial) -> bool {
    let kinds = trial.port().describe_adapter().kinds;
    !trial.is_on_card() || kinds.iter().all(|kind| kind.artifact == ArtifactSource::Card)
}

/// The same of a revoke: a key that only its end stops is out of anybody's reach.
fn must_be_taken_remotely(trial: &Trial) -> bool {
    let kinds = trial.port().describe_adapter().kinds;
    must_be_remote(trial) && (trial.takes_back() || !kinds.iter().any(takes_back))
}

fn as_said(trial: &Trial, flag: &str, says: bool, does: bool, must: bool) -> CaseResult {
    if says && !does && must {
        return Err(trial.differs(flag, "it says that nobody is needed, and waits for somebody"));
    }
    if !says && does {
        return Err(trial.differs(flag, "it says that somebody is needed, and needs nobody"));
    }
    Ok(())
}

async fn remote(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(0, 26)?;
    let can = trial.port().describe_adapter().capabilities;
    let input = trial.issue("guest", &[one], window)?;
    let from_afar = trial.issue_from_afar(input.clone()).await;
    let is_given = from_afar.as_ref().is_ok_and(|answer| answer.state == Progress::Active);
    as_said(trial, "remoteIssue", can.remote_issue, is_given, must_be_remote(trial))?;
    let issued = match from_afar {
        Ok(answer) if is_given => answer.credential,
        _ => trial.port().issue_credential(input).await?.credential,
    };
    let keys = Keyring::of(&issued);
    trial.judge("the guest", &keys, &[(&[one], window)]).await?;
    let RevokeOutcome { proof, .. } = trial.revoke_from_afar(trial.revoke(issued.id, "revoke")?).await?;
    let is_taken = proof != Proof::ExpiresOnly;
    as_said(trial, "remoteRevoke", can.remote_revoke, is_taken, must_be_taken_remotely(trial))?;
    if proof != Proof::ExpiresOnly {
        trial.judge("the guest without a key", &keys, &[]).await?;
    }
    Ok(())
}

#[derive(Debug)]
struct NothingWritten;

#[async_trait]
impl Journal for NothingWritten {
    async fn write(&self, _note: &str) -> Result<(), LockError> {
        Ok(())
    }
}

async fn read_back(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let issued =
        trial.port().issue_credential(trial.issue("guest", &[one], trial.hours(2, 26)?)?).await?.credential;
    let order = trial.backstage()?.pace().last_grant();
    let order =
        order.ok_or_else(|| Stop::Failed("a key was issued, and the driver was never told".into()))?;
    trial.come(issued.id);
    let noted = trial.backstage()?.pace().last_note();
    // EXPOSE: back to the driver that wrote it down.
    let noted = noted.as_ref().map(|note| note.expose().as_str());
    let attempt = Attempt { resend: true, noted, ..Attempt::first("contract", &NothingWritten) };
    let found = trial.backstage()?.driver().find(&order, &attempt).await;
    trial.go();
    let can = matches!(found, Ok(Found::Present(all)) if !all.is_empty());
    let kind_says = match trial.kind().recovery.grant {
        AfterLost::Ask => true,
        // What is sent again for a while only is asked for after it.
        AfterLost::Resend { within } => within.is_some(),
        _ => false,
    };
    let says = trial.port().describe_adapter().capabilities.read_back;
    if (says && kind_says) && !can {
        return Err(trial.differs("readBack", "it says that a key can be found again, and finds none"));
    }
    if can && !says {
        return Err(trial.differs("readBack", "it says that nothing can be found again, and finds the key"));
    }
    check!(says || !kind_says, "readBack: the kind says that it is asked, and the flag that it cannot be");
    Ok(())
}

async fn proof_and_digits(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let descriptor = trial.port().describe_adapter();
    let issued =
        trial.port().issue_credential(trial.issue("guest", &[one], trial.hours(2, 26)?)?).await?.credential;
    for delivery in &issued.delivery {
        let Artifact::Pin(pin) = &delivery.artifact else { continue };
        // EXPOSE: counted, and nowhere shown.
        let digits = u8::try_from(pin.expose().len()).ok();
        // Of a PIN of the vendor's choice nothing is said.
        let is_ours = super::pin_of_ours(trial, &issued).is_some();
        if is_ours && digits != descriptor.capabilities.pin_digits {
            return Err(trial.differs("pinDigits", "a PIN has another length than it says"));
        }
    }
    let outcome = trial.port().revoke_credential(trial.revoke(issued.id, "revoke")?).await?;
    let best = trial.kind().best_proof;
    let said = |proof: Option<Proof>| proof.map_or("nothing".to_owned(), |proof| format!("{proof:?}"));
    if outcome.proof != best {
        let how = format!("{} is proven, {} is said", said(Some(outcome.proof)), said(Some(best)));
        return Err(trial.differs("revokeProof", &how));
    }
    let of_kinds = descriptor.kinds.iter().map(|kind| kind.best_proof).max();
    if descriptor.capabilities.revoke_proof != of_kinds {
        let how = format!(
            "the flag is {}, the kinds say {}",
            said(descriptor.capabilities.revoke_proof),
            said(of_kinds)
        );
        return Err(trial.differs("revokeProof", &how));
    }
    Ok(())
}

/// A limit of one grant is no limit of a key; what the descriptor says of a whole key is.
async fn most_doors(trial: &Trial) -> CaseResult {
    let window = trial.hours(2, 26)?;
    let all: Vec<RoomId> = trial.site().rooms.iter().map(|room| room.id).collect();
    let [one] = trial.rooms()?;
    let doors = trial.doors_of(&all).len();
    let descriptor = trial.backstage()?.driver().describe();
    let can = trial.port().describe_adapter().capabilities;
    if can.max_doors.is_none_or(|limit| doors <= usize::from(limit)) {
        let issued =
            trial.port().issue_credential(trial.issue("whole-house", &all, window)?).await?.credential;
        trial.judge("the guest of the whole house", &Keyring::of(&issued), &[(&all, window)]).await?;
        trial.port().revoke_credential(trial.revoke(issued.id, "revoke")?).await?;
        // Where one grant holds all that a key may have, no key is ever in several.
        let is_one_grant =
            matches!(trial.kind().per, Per::Stay { max_doors } if can.max_doors == Some(max_doors));
        if !is_one_grant {
            let two_a_grant = trial.backstage()?.described(two_doors_a_grant(&descriptor));
            in_several_grants(&trial.through(two_a_grant.port()), one, &all).await?;
        }
    }
    // A wing with more doors than a key may have. The vendor has never heard of it, and must not.
    let limit = can.max_doors.unwrap_or(WING);
    let mut limited = descriptor;
    limited.capabilities.max_doors = Some(limit);
    let door = |number: u16| LockDeviceId::derived("lockport-contract/wing-door", &[&number.to_be_bytes()]);
    let wing = RoomId::derived("lockport-contract/wing", &[]);
    let mut site = trial.site().clone();
    site.rooms.push(SiteRoom { id: wing, doors: (0..=limit).map(door).collect() });
    let wide = trial.through(trial.backstage()?.in_site(site).described(limited).port());
    let issued = wide.port().issue_credential(wide.issue("guest", &[one], window)?).await?.credential;
    let calls = trial.calls().await?;
    let input = wide.issue("too-many", &[wing], window)?;
    refused(trial, "maxDoors", wide.port().issue_credential(input).await, calls).await?;
    let update: UpdateInput = wide.update(issued.id, "too-many-more")?.with_rooms(vec![one, wing]);
    refused(trial, "maxDoors", wide.port().update_credential(update).await, calls).await?;
    trial.judge("the guest", &Keyring::of(&issued), &[(&[one], window)]).await
}

/// A key for the whole house, for one room, and for the whole house again.
async fn in_several_grants(trial: &Trial, one: RoomId, all: &[RoomId]) -> CaseResult {
    let window = trial.hours(2, 26)?;
    let issued = trial.port().issue_credential(trial.issue("in-grants", all, window)?).await?.credential;
    let mut keys = Keyring::of(&issued);
    trial.judge("the guest with several grants", &keys, &[(all, window)]).await?;
    for (name, rooms) in [("fewer", &[one][..]), ("more", all)] {
        let input = trial.update(issued.id, name)?.with_rooms(rooms.to_vec());
        keys.add(&trial.port().update_credential(input).await?.credential);
        trial.judge(&format!("the guest with several grants, {name},"), &keys, &[(rooms, window)]).await?;
        trial.vendor_holds(1, &trial.doors_of(rooms)).await?;
    }
    trial.port().revoke_credential(trial.revoke(issued.id, "revoke-grants")?).await?;
    trial.vendor_holds_nothing().await
}

/// The same vendor, whose grants for a stay hold two doors at most.
fn two_doors_a_grant(descriptor: &DriverDescriptor) -> DriverDescriptor {
    let mut descriptor = descriptor.clone();
    for kind in &mut descriptor.kinds {
        if let Per::Stay { max_doors } = &mut kind.per {
            *max_doors = (*max_doors).min(2);
        }
    }
    descriptor
}

async fn side_by_side(trial: &Trial) -> CaseResult {
    let [one] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let says = trial.port().describe_adapter().capabilities.joiner;
    let first = trial.port().issue_credential(trial.issue("first", &[one], window)?).await?.credential;
    let second = trial.port().issue_credential(trial.issue("second", &[one], window)?).await;
    let doors: BTreeSet<LockDeviceId> = trial.doors_of(&[one]);
    let mut both_open = second.is_ok();
    if let Ok(second) = &second {
        for (door, keys) in doors.iter().flat_map(|door| [(door, &first), (door, &second.credential)]) {
            both_open &= trial.opens(*door, &Keyring::of(keys), trial.hour(12)).await?;
        }
    }
    match (says, both_open) {
        (true, false) => {
            Err(trial.differs("joiner", "it says that two keys open one door, and one does not"))
        }
        (false, true) => Err(trial.differs("joiner", "it says that one key kills the other, and both open")),
        _ => Ok(()),
    }
}
