//! What an issue promises at the doors.

use lockport::ErrorCode;
use lockport::credential::Progress;
use lockport::scope::GuestScope;

use crate::bench::Fault;
use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ISSUE-001",
        requirement: "A key opens each door of its rooms from the first second of its window to the last.",
        spec: "R31, R32, R38",
        needs: &[],
        judge: |trial| Box::pin(opens_inside_its_window(trial)),
    },
    Case {
        id: "ISSUE-002",
        requirement: "A key opens nothing before its window, nothing from its end on, and no door of anybody else's room.",
        spec: "R31, R38",
        needs: &[],
        judge: |trial| Box::pin(opens_nothing_else(trial)),
    },
    Case {
        id: "ISSUE-003",
        requirement: "A key for several rooms opens all of them; when the vendor refuses one, it opens none and nothing is left over.",
        spec: "R30, R38",
        needs: &[Need::Faults, Need::Doors],
        judge: |trial| Box::pin(all_rooms_or_none(trial)),
    },
    Case {
        id: "ISSUE-004",
        requirement: "An area named in a key's scope opens with it, and only then.",
        spec: "R30, R35",
        needs: &[Need::Areas, Need::Doors],
        judge: |trial| Box::pin(areas_open_when_named(trial)),
    },
];

async fn opens_inside_its_window(trial: &Trial) -> CaseResult {
    // The last room of the four has two doors on the standard site: both belong to the key.
    let [room, .., suite] = trial.rooms::<4>()?;
    let rooms = if trial.spans_doors() { vec![room, suite] } else { vec![room] };
    let window = trial.hours(2, 26)?;
    let input = trial.issue("guest", &rooms, window)?;
    let issued = trial.port().issue_credential(input.clone()).await?;
    let credential = &issued.credential;
    check!(issued.state == Progress::Active, "the issue is {:?}", issued.state);
    check!(credential.id == input.resulting_id(), "the credential is called {}", credential.id);
    check!(credential.kind == trial.kind().kind, "a {} was issued", credential.kind);
    check!(credential.validity == window, "the answer says {:?}, not {window:?}", credential.validity);
    let doors = trial.doors_of(&rooms);
    let named = credential.delivery.iter().flat_map(|delivery| &delivery.doors).copied().collect();
    check!(doors == named, "the delivery names the doors {named:?}, not {doors:?}");
    let keys = Keyring::of(credential);
    for door in doors {
        for (at, what) in [(window.from(), "first"), (trial.hour(26) - chrono::TimeDelta::seconds(1), "last")]
        {
            check!(
                trial.opens(door, &keys, at).await?,
                "{door} stays shut in the {what} second of the window"
            );
        }
    }
    Ok(())
}

async fn opens_nothing_else(trial: &Trial) -> CaseResult {
    let [one, two, ..] = trial.rooms::<3>()?;
    let (early, late) = (trial.hours(2, 26)?, trial.hours(5, 30)?);
    let first = trial.port().issue_credential(trial.issue("first", &[one], early)?).await?;
    let second = trial.port().issue_credential(trial.issue("second", &[two], late)?).await?;
    trial.judge("the first guest", &Keyring::of(&first.credential), &[(&[one], early)]).await?;
    trial.judge("the second guest", &Keyring::of(&second.credential), &[(&[two], late)]).await
}

async fn all_rooms_or_none(trial: &Trial) -> CaseResult {
    let rooms = trial.rooms::<3>()?;
    let window = trial.hours(2, 26)?;
    for refused in 0..trial.grants_for(&rooms) {
        trial.order(Fault::RefuseAfter(refused))?;
        let guest = format!("refused-{refused}");
        let answer = trial.port().issue_credential(trial.issue(&guest, &rooms, window)?).await;
        trial.all_struck()?;
        let Err(error) = answer else {
            return Err(Stop::Failed(format!("the vendor refused room {refused}, and the issue succeeded")));
        };
        check!(error.code() == ErrorCode::KeyIssueFailed, "refused at room {refused}: {error:?}");
        trial.vendor_holds_nothing().await?;
    }
    let issued = trial.port().issue_credential(trial.issue("guest", &rooms, window)?).await?;
    trial.judge("the guest", &Keyring::of(&issued.credential), &[(&rooms, window)]).await
}

async fn areas_open_when_named(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(2, 26)?;
    let areas = &trial.site().areas;
    let scope =
        GuestScope { areas: areas.iter().map(|area| area.name.clone()).collect(), ..GuestScope::default() };
    let with = trial.issue("sporty", &[one], window)?.with_scope(scope);
    let with = trial.port().issue_credential(with).await?;
    let without = trial.port().issue_credential(trial.issue("idle", &[two], window)?).await?;
    let mut doors = trial.doors_of(&[one]);
    doors.extend(areas.iter().flat_map(|area| &area.doors));
    trial.judge_doors("the guest with areas", &Keyring::of(&with.credential), &[(doors, window)]).await?;
    trial.judge("the guest without", &Keyring::of(&without.credential), &[(&[two], window)]).await
}
